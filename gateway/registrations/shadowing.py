"""Shadowing: questions that were answered are walked beside once more, over versions that nobody is told anything of.

Only counts come of it: how often each attribute agreed with what was answered. Persons are read about under the same
permits as for the answer, and the journal has an entry of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from adapters.ports import Deadline
from gateway.evidence.stating import ASKED_BY_CITIZENS
from gateway.pipeline import disclose
from gateway.registrations.comparing import Key, compared, failed
from gateway.registrations.store import ShadowCount
from gateway.stages.record import blank
from standards.dci.search import IdQuery
from standards.errors import InteropError, SourceError

if TYPE_CHECKING:
    from gateway.ports import Clock, Journal, JournalEntry
    from gateway.registrations.lineups import Lineup
    from gateway.registrations.store import SqlRegistrations
    from gateway.stages.rooms import Beside, Disclosure, Rooms
    from standards.attributes import Catalogue

log = structlog.get_logger()

AFTER_S: Final = 0.05
"""How long after an answer was handed over it is walked beside: it has left by then."""


class Shadows:
    """Walks questions beside, a few at a time.

    shadow: the lineup to walk over; None while nothing is in shadow.
    most: questions at the same time; while so many are under way, further ones are dropped.
    """

    def __init__(
        self,
        shadow: Callable[[], Lineup | None],
        store: SqlRegistrations,
        journal: Journal,
        catalogue: Catalogue,
        now: Clock,
        *,
        deadline_s: float,
        most: int,
    ) -> None:
        self._shadow, self._store, self._journal = shadow, store, journal
        self._catalogue, self._now = catalogue, now
        self._deadline_s, self._most = deadline_s, most
        self._places = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts: Counter[Key] = Counter()
        self.walked = self.dropped = 0

    def offer(self, beside: Beside) -> None:
        """Walk a question beside in a moment, unless too many are under way."""
        if self._shadow() is None:
            return
        if self._places >= self._most:
            self.dropped += 1
            return
        self._places += 1
        task = asyncio.create_task(self._walk_soon(beside))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def keep_counts(self) -> None:
        """Write what was counted where every process adds to it."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._store.add_shadowed([ShadowCount(*key, count) for key, count in sorted(counts.items())])
        except InteropError:
            self._counts.update(counts)
            raise

    async def close(self) -> None:
        """End what is under way, and what is about to be."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places -= 1

    async def _walk_soon(self, beside: Beside) -> None:
        await asyncio.sleep(AFTER_S)
        await self._walk(beside)

    async def _walk(self, beside: Beside) -> None:
        lineup = self._shadow()
        query = beside.question.item.query
        if lineup is None or not isinstance(query, IdQuery):
            return
        shadows = {id_: one.manifest for id_, one in lineup.registries.items() if id_ in lineup.ids}
        try:
            # INVARIANT: revoked means revoked: nobody is asked about under terms that hold no more.
            if not lineup.rooms.decisions.is_current(beside.permit, self._now()):
                return
            question = beside.question._replace(deadline=Deadline.after(self._deadline_s))
            told = None
            try:
                told = await disclose(query.identifier, question, beside.permit, lineup.rooms)
            except SourceError:
                self._counts.update(failed(beside.permit, shadows))
            self.walked += 1
            await self._journal.record([_entry(beside, lineup.rooms, told, frozenset(shadows))])
            if told is not None:
                before = beside.disclosures[0].gathered if beside.disclosures else None
                self._counts.update(compared(before, told.gathered, shadows, self._catalogue))
        except Exception as error:  # noqa: BLE001 - a shadow disturbs nobody, whatever it does
            log.error("shadow_failed", caught=type(error).__name__)


def _entry(beside: Beside, rooms: Rooms, told: Disclosure | None, shadows: frozenset[str]) -> JournalEntry:
    """Return the journal entry of a walk: about whom registries were asked, and that nothing was told.

    told: None when nothing came of it, or when nobody was found.
    """
    permit = beside.permit
    entry = blank(beside.question, rooms, permit.purpose, "search.shadowed")._replace(
        agreement=f"{permit.agreement_id}@{permit.agreement_version}"
    )
    if told is None:
        return entry
    people = (*told.gathered.people, *told.gathered.others)
    members = {rooms.keys.pseudonym_of(n) for one in people for n in one.known_by() if n.type in ASKED_BY_CITIZENS}
    return entry._replace(
        members=tuple(sorted(members)),
        plan=told.gathered.plan.text(),
        outcomes={s: str(o.outcome) for s, o in told.gathered.outcomes.items() if s in shadows},
    )
