"""The base of the practice registries that are no servers of their own kind over HTTP: a database file, a dropped file.

Whoever asks them reads what lies there. Their office still has an address: it answers `/health`, and takes the
controls under `/_sandbox/` as every registry does. A file cannot tell who reads it, so faults hold until they are taken
back, and no calls are counted.

A subclass names its `modes`, puts its records into `folder` in `settle`, and lets `break_down` and `mend` do what a
fault says to what lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from mocks.faults import Fault, FaultBox, MalformedFaultError, instruction
from mocks.registry import Operation, Registry

if TYPE_CHECKING:
    from mocks.happenings import Happenings
    from mocks.population import Population

FIELDS: Final = ("mode", "delay_ms")
_WHOLE: Final = {"delay_ms": (0, 3_600_000)}


class UnknownModeError(MalformedFaultError):
    """An instruction that names no fault of this registry; `modes` lists those it has."""

    def __init__(self, text: str, modes: Sequence[str]) -> None:
        super().__init__(text)
        self.modes = tuple(modes)


class StandingFaults(FaultBox):
    """The fault in force at a registry that cannot count its calls: it stands until it is taken back."""

    def __init__(self, modes: Sequence[str], changed: Callable[[Fault | None], None]) -> None:
        """Take the modes there are, and who is told when another fault, or none, is in force."""
        super().__init__()
        self.modes, self._changed = modes, changed

    @property
    def fault(self) -> Fault | None:
        """Return the fault in force."""
        return self._fault

    def store(self, body: bytes) -> None:
        """Put a fault in force, in place of any other.

        Raises: MalformedFaultError.
        """
        try:
            fault = Fault(**instruction(body, self.modes, FIELDS, _WHOLE))
        except MalformedFaultError as problem:
            raise UnknownModeError(str(problem), self.modes) from None
        self.clear()
        self._fault = fault
        self._changed(fault)

    def clear(self) -> None:
        """Return to good behaviour."""
        if self._fault is not None:
            self._fault = None
            self._changed(None)


class TableRegistry(Registry):
    """One practice registry that is read where it lies."""

    modes: ClassVar[tuple[str, ...]]

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self.standing = StandingFaults(self.modes, self._changed)
        self.faults = self.standing
        self.folder = Path()
        """Where its records lie; the country says so before it settles."""

    async def settle(self, folder: Path, happenings: Happenings, port: int) -> str:
        """Put the records in place, and return the address that they are read at.

        folder: a new one of this registry's own.
        port: for one that listens itself; 0 takes a free one.
        """
        raise NotImplementedError

    async def leave(self) -> None:
        """Let go of what is open."""

    def break_down(self, fault: Fault) -> None:
        """Do to the records what a fault says."""
        raise NotImplementedError

    def mend(self) -> None:
        """Put everything right again."""
        raise NotImplementedError

    def operations(self) -> Iterable[Operation]:
        """Return none: nothing is asked over HTTP."""
        return ()

    def _changed(self, fault: Fault | None) -> None:
        if fault is None:
            self.mend()
        else:
            self.break_down(fault)
