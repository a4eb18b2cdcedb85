"""Who is switched off: consumers that may not ask, registries that are not asked. One file, followed by every process.

`hearth suspend` writes it. Within a second no process answers a suspended consumer or asks a suspended registry, and
nothing is left of what was read from it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.keys import write_private
from standards.errors import AccessDeniedError, ConfigurationError
from standards.household import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from standards.household import SourceOutcome

log = structlog.get_logger()

LOOK_S: Final = 0.25
"""How long a switch may go unnoticed, in seconds."""
FILE: Final = "suspended.json"


_HEARD: Final = frozenset({Outcome.ANSWERED, Outcome.PARTIAL})


class Kind(StrEnum):
    """What can be switched off."""

    CONSUMER = "consumer"
    REGISTRY = "registry"


class Suspension(BaseModel):
    """One switch that is off."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    at: str
    """When, ISO 8601 with offset."""
    by: str
    """Account of the person who did."""
    reason: str


class Suspended(BaseModel):
    """Everything that is off, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    consumer: dict[str, Suspension] = {}
    registry: dict[str, Suspension] = {}


class _Stamp(NamedTuple):
    modified_ns: int
    inode: int


class Suspensions:
    """The switches of one gateway, as their file has them.

    Raises: ConfigurationError at the start, and on `refresh`, when the file cannot be used; what was known stays.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._stamp = self._look()
        self._off = self._read()
        self._held: Mapping[str, Suspension] = {}

    def consumers(self) -> Mapping[str, Suspension]:
        """Return the consumers that may not ask, by client id."""
        return self._off.consumer

    def check(self, client_id: str) -> None:
        """See that a consumer may ask.

        Raises: AccessDeniedError when it is switched off.
        """
        if client_id in self._off.consumer:
            raise AccessDeniedError("this client is suspended: its operators have to settle that with the gateway's")

    def registries(self) -> Mapping[str, Suspension]:
        """Return the registries that are not asked, by id."""
        return {**self._held, **self._off.registry} if self._held else self._off.registry

    def hold(self, registries: Mapping[str, Suspension]) -> bool:
        """Take in which registries are suspended by their registration; True when these are others than before."""
        before, self._held = self._held, dict(registries)
        return before.keys() != self._held.keys()

    def silence(self, sources: Mapping[str, SourceOutcome]) -> bool:
        """Tell whether an answer rests on a registry that is switched off; not on one that was not asked, or not heard.

        sources: what every registry had to do with the answer.
        """
        off = self.registries()
        return bool(off) and any(part.outcome in _HEARD and source in off for source, part in sources.items())

    def refresh(self) -> bool:
        """Take in a changed file; True when something was switched on or off."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        before, self._off = self._off, self._read()
        return self._off != before

    def switch(self, kind: Kind, name: str, suspension: Suspension | None) -> bool:
        """Switch one off, or on with None; False when it was so already."""
        known = getattr(self._off, kind.value)
        if (name in known) == (suspension is not None):
            return False
        switches = {n: s for n, s in known.items() if n != name} | ({name: suspension} if suspension else {})
        off = self._off.model_copy(update={kind.value: switches})
        write_private(self._path, orjson.dumps(off.model_dump()))
        self.refresh()
        return True

    def _look(self) -> _Stamp | None:
        with suppress(FileNotFoundError):
            stat = self._path.stat()
            return _Stamp(stat.st_mtime_ns, stat.st_ino)
        return None

    def _read(self) -> Suspended:
        try:
            return Suspended.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return Suspended()
        except (OSError, ValidationError) as error:
            message = f"{FILE} cannot be read: mend it, or write it anew with `hearth suspend`"
            raise ConfigurationError(message) from error


async def follow_switches(suspensions: Suspensions, changed: Callable[[], Awaitable[None]]) -> None:
    """Take in every switch, until cancelled.

    changed: called after something was switched on or off.
    """
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            if suspensions.refresh():
                await changed()
                off = [*suspensions.consumers(), *suspensions.registries()]
                log.warning("switched", detail=", ".join(sorted(off)) or "nothing is off")
        except Exception as error:  # noqa: BLE001 - whatever one file does to it, the next switch must be seen
            detail = str(error) if isinstance(error, ConfigurationError) else ""
            log.error("switches_not_read", detail=detail, caught=type(error).__name__)
