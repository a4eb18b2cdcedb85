"""The practice country at work: all its registries served in one process, and the file that says where."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import orjson
from aiohttp import web

from mocks.beneficiary import BeneficiaryRegistry
from mocks.clock import Clock
from mocks.country_controls import controls
from mocks.crvs import CrvsRegistry
from mocks.disability import DisabilityRegistry
from mocks.education import EducationRegistry
from mocks.employment import EmploymentRegistry
from mocks.farmer import FarmerRegistry
from mocks.happenings import Happenings
from mocks.health import HealthRegistry
from mocks.land import LandRegistry
from mocks.national_id import NationalIdRegistry
from mocks.population import Population, consents, examples
from mocks.registry import Registry
from mocks.social import SocialRegistry
from mocks.tax import TaxRegistry

HOST: Final = "127.0.0.1"
REGISTRIES: Final[Sequence[type[Registry]]] = (
    CrvsRegistry,
    SocialRegistry,
    NationalIdRegistry,
    TaxRegistry,
    LandRegistry,
    EducationRegistry,
    HealthRegistry,
    DisabilityRegistry,
    BeneficiaryRegistry,
    FarmerRegistry,
    EmploymentRegistry,
)
_GRACE_S: Final = 0.5
"""How long answers under way may take to finish when the country stops."""


class Served(NamedTuple):
    """A registry and where it is served."""

    registry: Registry
    url: str

    def described(self) -> dict[str, Any]:
        """Return the registry's entry in `country.json`."""
        return {
            "url": self.url,
            "speaks": self.registry.speaks,
            "reg_type": self.registry.reg_type,
            "env": self.registry.environment(self.url),
        }


@asynccontextmanager
async def open_country(
    population: Population, ports_from: int | None = None, *, day_every_s: float | None = None
) -> AsyncIterator[Mapping[str, Served]]:
    """Serve all registries, on consecutive ports or on free ones, until the block ends.

    day_every_s: let a day pass by itself every so many seconds; without it the clock stands still until told otherwise.
    Raises: OSError when a port is taken.
    """
    runners: list[web.AppRunner] = []
    served: dict[str, Served] = {}
    happenings = Happenings(population)
    clock = Clock(happenings)
    try:
        for place, kind in enumerate(REGISTRIES):
            registry = kind(population, kind.new_credentials())
            registry.controls = controls(happenings, clock)
            happenings.join(registry)
            runner = web.AppRunner(registry.application(), access_log=None, shutdown_timeout=_GRACE_S)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, HOST, 0 if ports_from is None else ports_from + place).start()
            served[kind.name] = Served(registry, f"http://{HOST}:{runner.addresses[0][1]}")
        await _all_answer(served.values())
        await clock.run(day_every_s)
        yield served
    finally:
        await clock.stop()
        await asyncio.gather(*(runner.cleanup() for runner in runners))


@asynccontextmanager
async def published(population: Population, served: Mapping[str, Served], folder: Path) -> AsyncIterator[Path]:
    """Write `consents.jsonl` and then `country.json` into a folder; the latter goes when the block ends."""
    ledger, card = folder / "consents.jsonl", folder / "country.json"
    _write_whole(ledger, b"".join(orjson.dumps(line) + b"\n" for line in consents(population)))
    content = {
        "registries": {name: one.described() for name, one in served.items()},
        "examples": examples(population),
        "consents": str(ledger),
    }
    _write_whole(card, orjson.dumps(content, option=orjson.OPT_INDENT_2))
    try:
        yield card
    finally:
        card.unlink(missing_ok=True)


async def _all_answer(served: Iterable[Served]) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as client:
        for one in served:
            async with client.get(f"{one.url}/health"):
                pass


def _write_whole(path: Path, content: bytes) -> None:
    """Put a file in place at once: whoever reads it reads all of it or the one before."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(content)
    os.replace(draft.name, path)  # noqa: PTH105 - the draft has a name, not a Path
