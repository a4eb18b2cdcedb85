"""How the programme can be told to receive badly: which callbacks meet what, and how often."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final, NamedTuple

from mocks.faults import MalformedFaultError, instruction

MODES: Final = ("fail", "late", "redirect", "hang", "nack", "err", "lost", "down")


class Fault(NamedTuple):
    """One instruction; `mocks/README.md` says what each mode does."""

    mode: str
    times: int | None = None
    kinds: tuple[str, ...] = ()
    status: int = 503
    retry_after: int | None = None
    delay_ms: int = 3000
    location: str = "http://127.0.0.1:9/registry/on-search"
    probability: float = 1.0
    seed: int | None = None


_WHOLE: Final = {"times": (1, 1_000_000), "status": (300, 599), "retry_after": (0, 86_400), "delay_ms": (0, 3_600_000)}


def parse(body: bytes) -> Fault:
    """Read an instruction from JSON.

    Raises: MalformedFaultError.
    """
    given = instruction(body, MODES, Fault._fields, _WHOLE)
    kinds = given.pop("kinds", [])
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise MalformedFaultError("kinds must be a list such as on-search, notify")
    return Fault(**given, kinds=tuple(kinds))


class FaultBox:
    """The fault in force, and who still has to meet it."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self._dice = random.Random()
        self._closing = asyncio.Event()

    def store(self, fault: Fault | None) -> None:
        """Put a fault in force in place of any other; None returns to good behaviour."""
        self.fault = fault
        self._dice = random.Random(None if fault is None else fault.seed)

    def draw(self, kind: str) -> Fault | None:
        """Return the fault that one callback meets, if any."""
        fault = self.fault
        if fault is None or (fault.kinds and kind not in fault.kinds) or self._dice.random() >= fault.probability:
            return None
        if fault.times is not None:
            self.fault = fault._replace(times=fault.times - 1) if fault.times > 1 else None
        return fault

    def close(self) -> None:
        """Let everybody go who waits: the server stops."""
        self._closing.set()

    async def wait(self, delay_s: float | None) -> None:
        """Wait for a delay, or for ever, at most until the server stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)
