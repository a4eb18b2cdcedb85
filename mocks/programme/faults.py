"""How the programme can be told to receive badly: which callbacks meet what, and how often."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any, Final, NamedTuple

import orjson

MODES: Final = ("fail", "late", "redirect", "hang", "nack", "err", "lost", "down")


class MalformedFaultError(ValueError):
    """An instruction that names no fault."""


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
    try:
        wanted = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedFaultError("a fault is a JSON object with a mode") from None
    if not isinstance(wanted, dict) or wanted.get("mode") not in MODES:
        raise MalformedFaultError(f"mode must be one of {', '.join(MODES)}")
    if unknown := wanted.keys() - set(Fault._fields):
        raise MalformedFaultError(f"a fault has no {', '.join(sorted(unknown))}")
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    for name, (least, most) in _WHOLE.items():
        value = given.get(name, least)
        if type(value) is not int or not least <= value <= most:
            raise MalformedFaultError(f"{name} must be a whole number from {least} to {most}")
    probability = given.get("probability", 1)
    if isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
        raise MalformedFaultError("probability must be a number from 0 to 1")
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
