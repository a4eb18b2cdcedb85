"""The practice country at work: all its registries served in one process, and the file that says where."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
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
from mocks.farmers_list import FarmersListRegistry
from mocks.folders import own_folder
from mocks.happenings import Happenings
from mocks.health import HealthRegistry
from mocks.housing import HousingRegistry
from mocks.land import LandRegistry
from mocks.national_id import NationalIdRegistry
from mocks.payments import PaymentsRegistry
from mocks.population import Population, consents, examples
from mocks.registry import Registry
from mocks.security_server import Front, SecurityServer
from mocks.social import SocialRegistry
from mocks.social_insurance import SocialInsuranceRegistry
from mocks.table_registry import TableRegistry
from mocks.tax import PATH as TAX_PATH
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
    HousingRegistry,
)
"""Those that are asked over HTTP."""
TABLES: Final[Sequence[type[TableRegistry]]] = (SocialInsuranceRegistry, PaymentsRegistry, FarmersListRegistry)
"""Those whose records are read where they lie; each has an office with an address all the same."""
PORTS: Final = len(REGISTRIES) + 2 * len(TABLES) + 1
"""How many ports a country takes at most: one of each registry, one for each of the latter to listen itself, and the
last one of the security server."""
TAX_SUBSYSTEM: Final = "PV/GOV/2002/taxpayers"
"""As which X-Road knows the tax registry."""
_GRACE_S: Final = 0.5
"""How long answers under way may take to finish when the country stops."""


class Served(NamedTuple):
    """A registry and where it is served."""

    registry: Registry
    url: str
    """Where it is asked: over HTTP, or where its records lie."""
    office: str | None = None
    """Where its controls are, when it is not asked over HTTP."""
    front: str | None = None
    """The security server that others ask it through, where one stands before it."""

    @property
    def controls(self) -> str:
        """Return the address that takes `/health` and what is below `/_sandbox/`."""
        return self.office or self.url

    def described(self) -> dict[str, Any]:
        """Return the registry's entry in `country.json`."""
        described = {
            "url": self.url,
            "speaks": self.registry.speaks,
            "reg_type": self.registry.reg_type,
            "env": self.registry.environment(self.front or self.url),
        }
        if self.front is not None:
            described["security_server"] = self.front
        return described if self.office is None else described | {"controls": self.office}


@asynccontextmanager
async def open_country(
    population: Population, ports_from: int | None = None, *, day_every_s: float | None = None
) -> AsyncIterator[Mapping[str, Served]]:
    """Serve all registries, on consecutive ports or on free ones, until the block ends.

    day_every_s: let a day pass by itself every so many seconds; without it the clock stands still until told otherwise.
    Raises: OSError when a port is taken.
    """
    served: dict[str, Served] = {}
    happenings = Happenings(population)
    clock = Clock(happenings)
    async with AsyncExitStack() as until_closed:
        runners: list[web.AppRunner] = []
        until_closed.push_async_callback(_stop, clock, runners)
        # What lies in files lies where nobody takes it for the gateway's own, and goes with the country.
        folder = until_closed.enter_context(own_folder())
        for place, kind in enumerate((*REGISTRIES, *TABLES)):
            registry = kind(population, kind.new_credentials())
            registry.controls = controls(happenings, clock)
            happenings.join(registry)
            runner = web.AppRunner(registry.application(), access_log=None, shutdown_timeout=_GRACE_S)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, HOST, 0 if ports_from is None else ports_from + place).start()
            served[kind.name] = Served(registry, f"http://{HOST}:{runner.addresses[0][1]}")
        tax = served[TaxRegistry.name]
        front = SecurityServer(Front(tax.url, TAX_SUBSYSTEM, {"GetTaxpayers": TAX_PATH, "rest": ""}))
        # Whoever hangs up is not waited for: the registry must learn that nobody listens.
        runner = web.AppRunner(
            front.application(), access_log=None, shutdown_timeout=_GRACE_S, handler_cancellation=True
        )
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0 if ports_from is None else ports_from + PORTS - 1).start()
        served[TaxRegistry.name] = tax._replace(front=f"http://{HOST}:{runner.addresses[0][1]}")
        for place, (name, one) in enumerate(tuple(served.items())):
            if isinstance(one.registry, TableRegistry):
                until_closed.push_async_callback(one.registry.leave)
                own = folder / name
                own.mkdir(mode=0o700)
                port = 0 if ports_from is None else ports_from + place + len(TABLES)
                served[name] = Served(one.registry, await one.registry.settle(own, happenings, port), one.url)
        await _all_answer(served.values())
        await clock.run(day_every_s)
        yield served


async def _stop(clock: Clock, runners: Sequence[web.AppRunner]) -> None:
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
            async with client.get(f"{one.controls}/health"):
                pass


def _write_whole(path: Path, content: bytes) -> None:
    """Put a file in place at once: whoever reads it reads all of it or the one before."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(content)
    os.replace(draft.name, path)  # noqa: PTH105 - the draft has a name, not a Path
