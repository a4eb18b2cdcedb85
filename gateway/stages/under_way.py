"""What is asked of registries right now, and what came of it: the words that `calls` and `fetch` share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from adapters.catalogue import Registries
from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline, Fetch, Record
from gateway.ports import Kept
from standards.errors import SourceError
from standards.identifiers import Identifier
from standards.states import Provenance, UnavailableReason


class Heard(NamedTuple):
    """What one lookup said about one person or group: a record, nobody (None), or why nothing was obtained."""

    record: Record | None
    provenance: Provenance
    reason: UnavailableReason | None = None


class Terms(NamedTuple):
    """What one question takes."""

    max_age_s: float
    """Oldest kept record, in seconds."""
    stale_if_error_s: float = 0.0
    """So much older a record may be when its registry cannot be heard, in seconds."""
    as_of: date | None = None
    """The past day as of which everything is wanted; what is said of it is neither kept nor shared."""


class Asked(NamedTuple):
    """What came of asking one lookup about some people."""

    heard: dict[Identifier, Heard]
    calls: int
    """Calls made for this question; those that others had made already are not among them."""
    cached: int
    failed: UnavailableReason | None
    has_answered: bool


class Counts(NamedTuple):
    """What was spared at one registry since the start, for the operator."""

    hits: int
    misses: int
    stale: int
    """Records given although too old, because the registry could not be heard."""
    joined: int
    """People about whom another question was asking already."""
    late: int
    """Calls that went on after their last question had ended."""


class Lane:
    """One lookup of one registry, and the calls on it that are under way."""

    __slots__ = ("counts", "guarded", "key", "lookup", "manifest", "under_way")

    def __init__(self, key: tuple[str, str], manifest: Manifest, lookup: Lookup, registries: Registries) -> None:
        self.key, self.manifest, self.lookup = key, manifest, lookup
        self.guarded = registries[key[0]].guarded
        self.under_way: dict[Identifier, Call] = {}
        self.counts = dict.fromkeys(Counts._fields, 0)


class Call:
    """One call under way, and everybody who waits for it."""

    __slots__ = ("askers", "deadline", "defect", "error", "has_ended", "lane", "records", "request", "sleepers", "task")

    def __init__(self, lane: Lane, request: Fetch, deadline: Deadline) -> None:
        self.lane, self.request, self.deadline = lane, request, deadline
        self.task: asyncio.Task[None] | None = None
        self.askers = 0
        self.sleepers: list[asyncio.Future[None]] = []
        self.has_ended = False
        self.records: Mapping[Identifier, Kept] | None = None
        self.error: SourceError | None = None
        self.defect: Exception | None = None

    async def ended(self, deadline: Deadline) -> None:
        """Return when the call has ended, or at the deadline."""
        if self.has_ended:
            return
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self.sleepers.append(sleeper)
        # A call keeps its own deadline, so only whoever has less time needs a clock.
        alarm = loop.call_later(deadline.left_s(), wake, sleeper) if deadline.at < self.deadline.at else None
        try:
            await sleeper
        finally:
            if alarm is not None:
                alarm.cancel()


def wake(sleeper: asyncio.Future[None]) -> None:
    """Let somebody go on who waits for a call, unless that is done already."""
    if not sleeper.done():
        sleeper.set_result(None)
