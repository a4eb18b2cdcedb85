"""The calls of a probe: bounded in number, paced, each with the manifest's own time limit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.ports import Deadline, Fetch
from standards.errors import SourceError
from standards.identifiers import Identifier
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.kit.watching import Opened
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Record

UNKNOWN: Final = "0000000000"
MOST_BATCH: Final = 200
"""Most people that one call of a probe is about."""
MOST_REQUESTS: Final = 1000
"""Requests after which a probe goes no further; one call about many people may be several requests."""
MOST_UNANSWERED: Final = 5
"""Calls in a row without an answer after which a probe leaves the registry alone."""
_LONGEST_REST_S: Final = 60.0
"""How long a registry is left alone that asks for it (`Retry-After`)."""
_SILENT: Final = frozenset(
    (UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT, UnavailableReason.SOURCE_BUSY)
)


class StoppedError(Exception):
    """The registry is asked no further; the text says why."""


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
    """Asks one lookup of one registry, one call after the other, not faster than `per_s` requests a second."""

    def __init__(
        self, manifest: Manifest, lookup: Lookup, opened: Opened, per_s: float, most: int = MOST_REQUESTS
    ) -> None:
        self.manifest, self.lookup, self.watch = manifest, lookup, opened.watch
        self._adapter, self._gap_s, self._most = opened.adapter, 1 / per_s, most
        self._next = self._rests_until = 0.0
        self._asked = self._answered = self._unanswered = 0
        self._elsewhere = (0, 0)
        self.outcomes: list[Outcome] = []
        self.has_numbers = False
        """Whether numbers were given that the registry should know."""

    @property
    def lacks(self) -> str:
        """Return why something cannot be told that takes somebody's record."""
        return (
            "it knows none of the numbers given" if self.has_numbers else "give numbers that it knows, with --numbers"
        )

    @property
    def requests(self) -> int:
        """Return how many requests were sent; calls, where the protocol is no HTTP."""
        return self._elsewhere[0] + (self.watch.sent if self.watch is not None else self._asked)

    @property
    def answered(self) -> int:
        """Return how many responses came, whatever they said."""
        return self._elsewhere[1] + (len(self.watch.seconds) if self.watch is not None else self._answered)

    def add(self, other: Caller) -> None:
        """Count what another caller asked of the same registry."""
        self._elsewhere = (self._elsewhere[0] + other.requests, self._elsewhere[1] + other.answered)

    async def ask(
        self, numbers: Sequence[str], *, names: frozenset[str] | None = None, is_kept: bool = True
    ) -> Outcome:
        """Ask about people, and return what came of it; never raises what a registry does wrong.

        is_kept: whether it counts among `outcomes`, from which more is told later.
        Raises: StoppedError when enough was asked, or the registry has not answered for some time.
        """
        self._go_on()
        now = time.monotonic()
        begin = max(now, self._next, self._rests_until)
        await asyncio.sleep(begin - now)
        before = self.requests
        outcome = await self._fetch(numbers, names)
        # INVARIANT: on average no more than `per_s` requests a second: a call that took several is waited for longer.
        self._next = begin + self._gap_s * max(1, self.requests - before)
        if is_kept:
            self.outcomes.append(outcome)
            self._unanswered = self._unanswered + 1 if outcome.failed in _SILENT else 0
        return outcome

    async def at_once(self, number: str, calls: int) -> list[Outcome]:
        """Ask the same so many times at the same time, once.

        Raises: StoppedError as `ask` does.
        """
        self._go_on()
        await asyncio.sleep(max(0.0, max(self._next, self._rests_until) - time.monotonic()))
        before = self.requests
        outcomes = await asyncio.gather(*(self._fetch([number], None) for _ in range(calls)))
        self._next = time.monotonic() + self._gap_s * (self.requests - before)
        return list(outcomes)

    def _go_on(self) -> None:
        if self.requests >= self._most:
            raise StoppedError(f"{self.requests} requests were sent, and a probe sends no more")
        if self._unanswered >= MOST_UNANSWERED:
            why = self.outcomes[-1].failed
            raise StoppedError(f"{self._unanswered} calls in a row were not answered ({why})")

    async def _fetch(self, numbers: Sequence[str], names: frozenset[str] | None) -> Outcome:
        subjects = tuple(dict.fromkeys(Identifier(self.lookup.by[0], number) for number in numbers))
        wanted = frozenset(self.lookup.attributes) if names is None else names
        request = Fetch(self.manifest.id, self.lookup.name, subjects, wanted, "probe")
        limit_s = self.manifest.limits.timeout_s
        self._asked += 1
        began = time.monotonic()
        failed: UnavailableReason | None = None
        records: dict[Identifier, Record | None] = {}
        detail = ""
        try:
            async with asyncio.timeout(limit_s):
                records = dict((await self._adapter.fetch(request, Deadline.after(limit_s))).records)
            self._answered += 1
        except SourceError as error:
            failed, detail = error.reason, error.detail
            asked_s = getattr(error, "retry_after_s", None) or 0.0
            self._rests_until = max(self._rests_until, time.monotonic() + min(asked_s, _LONGEST_REST_S))
        except TimeoutError:
            failed = UnavailableReason.SOURCE_TIMEOUT
        except Exception as error:  # noqa: BLE001 - a defect of the registry's adapter is a finding, and no end
            failed, detail = UnavailableReason.SOURCE_CONTRACT, f"a defect of its adapter, {type(error).__name__}"
        return Outcome(records, failed, detail, time.monotonic() - began)


def unknown_numbers(count: int) -> list[str]:
    """Return numbers that no registry gives out."""
    return [UNKNOWN] + [f"{number:010d}" for number in range(1, count)]
