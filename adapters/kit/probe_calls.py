"""The calls of a probe: bounded in number, paced, each with the manifest's own time limit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.ports import Deadline, Fetch
from standards.errors import SourceError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.kit.watching import Opened
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Record
    from standards.states import UnavailableReason

UNKNOWN: Final = "0000000000"
MOST_BATCH: Final = 200
"""Most people that one call of a probe is about."""


class Outcome(NamedTuple):
    """What became of one call."""

    records: dict[Identifier, Record | None]
    failed: UnavailableReason | None
    """Why there is no answer; None when there is one."""
    detail: str
    seconds: float

    @property
    def found(self) -> list[Record]:
        """Return the records that came back."""
        return [record for record in self.records.values() if record is not None]


class Caller:
    """Asks one lookup of one registry, one call after the other, not faster than `per_s`."""

    def __init__(self, manifest: Manifest, lookup: Lookup, opened: Opened, per_s: float) -> None:
        self.manifest, self.lookup, self.watch = manifest, lookup, opened.watch
        self._adapter, self._gap_s = opened.adapter, 1 / per_s
        self._next = 0.0
        self.outcomes: list[Outcome] = []

    async def ask(
        self, numbers: Sequence[str], *, names: frozenset[str] | None = None, is_kept: bool = True
    ) -> Outcome:
        """Ask about people, and return what came of it; never raises what a registry does wrong.

        is_kept: whether it counts among `outcomes`, from which more is told later.
        """
        now = time.monotonic()
        begin = max(now, self._next)
        self._next = begin + self._gap_s
        await asyncio.sleep(begin - now)
        subjects = tuple(dict.fromkeys(Identifier(self.lookup.by[0], number) for number in numbers))
        wanted = frozenset(self.lookup.attributes) if names is None else names
        request = Fetch(self.manifest.id, self.lookup.name, subjects, wanted, "probe")
        began = time.monotonic()
        try:
            answer = await self._adapter.fetch(request, Deadline.after(self.manifest.limits.timeout_s))
            outcome = Outcome(dict(answer.records), None, "", time.monotonic() - began)
        except SourceError as error:
            outcome = Outcome({}, error.reason, error.detail, time.monotonic() - began)
        if is_kept:
            self.outcomes.append(outcome)
        return outcome

    async def at_once(self, number: str, calls: int) -> list[Outcome]:
        """Ask the same so many times at the same time."""
        self._next, gap_s, self._gap_s = 0.0, self._gap_s, 0.0
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.ask([number])) for _ in range(calls)]
        finally:
            self._gap_s = gap_s
        return [task.result() for task in tasks]


def unknown_numbers(count: int) -> list[str]:
    """Return numbers that no registry gives out."""
    return [UNKNOWN] + [f"{number:010d}" for number in range(1, count)]
