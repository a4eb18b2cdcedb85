"""Faults on purpose: what a registry can be told to do wrong, and which of its calls meet that.

`Fault` is one instruction, `FaultBox` the one in force; `faulty_answers` gives the wrong answers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import orjson

MODES: Final = (
    "down",
    "slow",
    "status",
    "reset",
    "empty",
    "malformed",
    "wrong_schema",
    "wrong_person",
    "huge",
)
LOOK_UP_S: Final = 0.1
"""How often a waiting answer looks whether its client has left."""


class MalformedFaultError(ValueError):
    """An instruction that names no fault; `modes` lists those there are."""

    modes: tuple[str, ...] = MODES


class Fault(NamedTuple):
    """One instruction to fail; fields that a mode does not use keep their defaults."""

    mode: str
    delay_ms: int = 30_000
    status: int = 503
    retry_after: int | None = None
    bytes: int = 64_000_000
    times: int | None = None
    probability: float | None = None
    seed: int | None = None
    paths: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the fault as JSON: its mode, that mode's own settings, and the limits that were set."""
        own = {"slow": ("delay_ms",), "status": ("status", "retry_after"), "huge": ("bytes",)}.get(self.mode, ())
        limits = ("times", "probability", "seed", "paths")
        named = {name: getattr(self, name) for name in (*own, *limits)}
        return {"mode": self.mode} | {name: value for name, value in named.items() if value not in (None, ())}


_WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "delay_ms": (0, 3_600_000),
    "status": (300, 599),
    "retry_after": (0, 86_400),
    "bytes": (1, 1_000_000_000_000),
    "times": (1, 1_000_000_000),
    "seed": (-(2**63), 2**63),
}


def parse(body: bytes | str) -> Fault:
    """Read an instruction from JSON.

    Raises: MalformedFaultError, in words that may be shown to whoever sent it.
    """
    given = instruction(body, MODES, Fault._fields, _WHOLE)
    paths = given.pop("paths", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise MalformedFaultError("paths must be a list of path prefixes")
    return Fault(**given, paths=tuple(paths))


def instruction(
    body: bytes | str, modes: Sequence[str], fields: Iterable[str], whole: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Return what an instruction to misbehave states, its mode, whole numbers and probability checked.

    fields: every member that it may have.
    whole: member -> least and most of a whole number.
    Raises: MalformedFaultError, in words that may be shown to whoever sent it.
    """
    try:
        wanted = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedFaultError("a fault is a JSON object with a mode") from None
    if not isinstance(wanted, dict) or wanted.get("mode") not in modes:
        raise MalformedFaultError(f"mode must be one of {', '.join(modes)}")
    if unknown := wanted.keys() - set(fields):
        raise MalformedFaultError(f"a fault has no {', '.join(sorted(unknown))}")
    given = {name: value for name, value in wanted.items() if value is not None}
    for name, (least, most) in whole.items():
        value = given.get(name, least)
        if type(value) is not int or not least <= value <= most:
            raise MalformedFaultError(f"{name} must be a whole number from {least} to {most}")
    probability = given.get("probability", 1)
    if isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
        raise MalformedFaultError("probability must be a number from 0 to 1")
    return given


class FaultBox:
    """The fault in force at one registry, and who still has to meet it."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._dice = random.Random()
        self._closing = asyncio.Event()
        self._endless: set[asyncio.WriteTransport] = set()

    def open(self) -> None:
        """Start afresh with a server; belongs to its event loop."""
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let everybody go who waits for a slow answer or reads an endless one: the server stops."""
        self._closing.set()
        for transport in self._endless:
            transport.abort()

    @contextmanager
    def endless(self, transport: asyncio.WriteTransport | None) -> Iterator[None]:
        """Name the connection of an endless answer: who reads it slowly must not hold up a server that stops."""
        if transport is None:
            yield
            return
        self._endless.add(transport)
        try:
            yield
        finally:
            self._endless.discard(transport)

    @property
    def closing(self) -> bool:
        """Tell whether the server stops."""
        return self._closing.is_set()

    def store(self, body: bytes) -> None:
        """Put a fault in force, in place of any other."""
        self._fault = parse(body)
        self._dice = random.Random(self._fault.seed)

    def clear(self) -> None:
        """Return to good behaviour."""
        self._fault = None

    def shown(self) -> dict[str, Any]:
        """Return the fault in force as JSON, with the `times` left; the mode is null when there is none."""
        return {"mode": None} if self._fault is None else self._fault.shown()

    def draw(self, path: str, header: str | None) -> Fault | None:
        """Return the fault one business call meets, if any; a header with a fault outranks the one in force.

        Raises: MalformedFaultError when the header names no fault.
        """
        if header is not None:
            return parse(header)
        fault = self._fault
        if fault is None or (fault.paths and not path.startswith(fault.paths)):
            return None
        if fault.times is not None:
            self._fault = fault._replace(times=fault.times - 1) if fault.times > 1 else None
        if fault.probability is not None and self._dice.random() >= fault.probability:
            return None
        return fault

    async def wait(self, delay_s: float, *, gone: Callable[[], bool]) -> None:
        """Wait for a delay, at most until the client has left or the server stops."""
        clock = asyncio.get_running_loop().time
        end = clock() + delay_s
        while not gone() and not self.closing and (left := end - clock()) > 0:
            try:
                await asyncio.wait_for(self._closing.wait(), min(left, LOOK_UP_S))
            except TimeoutError:
                continue
