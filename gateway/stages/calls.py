"""Calls: the registries as all questions share them.

What is kept is not asked for again; whom another question is asking about already is waited for, not asked about
twice; and an answer that comes too late for its question is kept for the next one, where the manifest says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import structlog

from adapters.catalogue import Registries
from adapters.ports import Deadline, Fetch
from gateway.ports import Clock, Kept, RecordCache, RecordKey
from gateway.stages.under_way import Asked, Call, Counts, Heard, Lane, Terms, wake
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import Provenance, UnavailableReason

__all__ = ["Calls", "Counts", "Heard", "Terms"]

log = structlog.get_logger()

_SHORTEST_S: Final = 0.02
"""With less than this left, nobody asks again, nor waits for a call that ends so soon."""


class _Errand(NamedTuple):
    """What one question wants of one lookup, and on which terms."""

    names: frozenset[str]
    deadline: Deadline
    transaction_id: str
    as_of: date | None
    lifetime_s: float
    negative_s: float
    """Lifetime of the answer that nobody is held by a number."""
    stale_s: float


class Calls:
    """Every call to registries, one per need.

    max_age_s: oldest kept record that the gateway serves to anybody, in seconds; 0 keeps none.
    max_stale_s: the most that any agreement's `stale_if_error_s` counts for, in seconds.
    late_grace_s, max_late: how long, and how many, calls may go on that nobody waits for any more.
    """

    def __init__(
        self,
        registries: Registries,
        cache: RecordCache,
        now: Clock,
        *,
        max_age_s: float = 300.0,
        max_stale_s: float = 0.0,
        late_grace_s: float = 0.0,
        max_late: int = 0,
    ) -> None:
        self._cache, self._now = cache, now
        self._max_age_s, self._max_stale_s = max_age_s, max_stale_s
        self._late_grace_s, self._max_late = late_grace_s, max_late
        self._lanes = {
            key: Lane(key, registry.manifest, lookup, registries)
            for id_, registry in registries.items()
            for lookup in registry.manifest.lookups
            for key in ((id_, lookup.name),)
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[Call] = set()

    async def ask(
        self,
        key: tuple[str, str],
        subjects: Sequence[Identifier],
        names: frozenset[str],
        terms: Terms,
        deadline: Deadline,
        transaction_id: str = "",
    ) -> Asked:
        """Return what one lookup says about each subject, by the deadline; a failure comes back as its reason.

        Everybody among the subjects must have a permit for this source: their records are fetched and kept.
        """
        lane = self._lanes[key]
        is_kept = terms.as_of is None
        lifetime_s = min(lane.manifest.cache_s, terms.max_age_s, self._max_age_s) if is_kept else 0.0
        errand = _Errand(
            names=names,
            deadline=deadline,
            transaction_id=transaction_id,
            as_of=terms.as_of,
            lifetime_s=lifetime_s,
            negative_s=min(lifetime_s, lane.manifest.negative_cache_s),
            stale_s=min(terms.stale_if_error_s, self._max_stale_s),
        )
        heard: dict[Identifier, Heard] = {}
        old: dict[Identifier, Kept] = {}
        generation = await self._look(lane, subjects, errand, heard, old) if lifetime_s > 0 else 0
        cached, calls = len(heard), 0
        failed: UnavailableReason | None = None
        missing = [s for s in subjects if s not in heard]
        while missing:
            waits, started = self._calls_for(lane, missing, errand, generation)
            calls += started
            await self._wait(waits, deadline)
            missing = []
            for call, of in waits.items():
                if call.defect is not None:
                    raise call.defect
                if call.records is not None:
                    heard.update((s, _said(key[0], _narrowed(call.records[s], names))) for s in of)
                elif _ran_out(call) and deadline.left_s() > _SHORTEST_S:
                    missing += of  # the call had another question's deadline, which was earlier
                else:
                    failed = _reason(call)
                    for subject in of:
                        heard[subject] = self._stand_in(lane, old.get(subject), call, names)
                        cached += heard[subject].reason is None
        return Asked(heard, calls, cached, failed, any(h.reason is None for h in heard.values()))

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        """Drop what is kept of one person, and let no further question wait for a call made before."""
        for lane in self._lanes.values():
            for identifier in identifiers:
                lane.under_way.pop(identifier, None)
        return await self._cache.forget(identifiers)

    async def clear(self) -> int:
        """Drop everything that is kept or under way for nobody; return how many records were dropped."""
        for lane in self._lanes.values():
            lane.under_way.clear()
        for call in tuple(self._late):
            self._give_up(call)
        return await self._cache.clear()

    async def close(self) -> None:
        """End every call that is still under way, and return when all have ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def counts(self) -> Mapping[str, Counts]:
        """Return what was spared at each registry."""
        sums: dict[str, Counts] = {}
        for (source_id, _), lane in self._lanes.items():
            before = sums.get(source_id, Counts(0, 0, 0, 0, 0))
            sums[source_id] = Counts(*(b + n for b, n in zip(before, lane.counts.values(), strict=True)))
        return sums

    @property
    def under_way(self) -> int:
        """Return how many calls are under way."""
        return len(self._tasks)

    # -- what is kept --------------------------------------------------------------------------------------

    async def _look(
        self,
        lane: Lane,
        subjects: Sequence[Identifier],
        errand: _Errand,
        heard: dict[Identifier, Heard],
        old: dict[Identifier, Kept],
    ) -> int:
        """Fill `heard` with what is kept and fresh, `old` with what may stand in; return the cache's generation."""
        source_id, lookup = lane.key
        looked = await self._cache.get_many([RecordKey(source_id, lookup, s) for s in subjects])
        now = self._now()
        for subject, kept in zip(subjects, looked.found, strict=True):
            if kept is None or not errand.names <= kept.names:
                continue
            age_s = (now - kept.retrieved_at).total_seconds()
            if age_s <= (errand.negative_s if kept.record is None else errand.lifetime_s):
                heard[subject] = _said(source_id, _narrowed(kept, errand.names), cached=True)
            elif kept.record is not None and age_s <= errand.lifetime_s + errand.stale_s:
                old[subject] = kept  # that somebody was not held then is no answer when the registry is out now
        lane.counts["hits"] += len(heard)
        lane.counts["misses"] += len(subjects) - len(heard)
        return looked.generation

    def _stand_in(self, lane: Lane, kept: Kept | None, call: Call, names: frozenset[str]) -> Heard:
        """Return what is said where a call failed: an old record, labelled, if there is one; else why nothing is."""
        # A registry that refuses, or breaks its promise, is not out: then nothing old stands in.
        if kept is None or not isinstance(call.error, SourceUnavailableError | None):
            return Heard(None, Provenance(lane.key[0], self._now()), _reason(call))
        lane.counts["stale"] += 1
        return _said(lane.key[0], _narrowed(kept, names), cached=True, stale=True)

    # -- what is under way ---------------------------------------------------------------------------------

    def _calls_for(
        self, lane: Lane, subjects: Sequence[Identifier], errand: _Errand, generation: int
    ) -> tuple[dict[Call, list[Identifier]], int]:
        """Return the calls to wait for, with the subjects each is for, and how many of them were started here."""
        waits: dict[Call, list[Identifier]] = {}
        alone: list[Identifier] = []
        for subject in subjects:
            call = lane.under_way.get(subject) if errand.as_of is None else None
            if call is not None and errand.names <= call.request.names and call.deadline.left_s() > _SHORTEST_S:
                waits.setdefault(call, []).append(subject)
                lane.counts["joined"] += 1
            else:
                alone.append(subject)
        deadline = errand.deadline
        if lane.manifest.limits.keep_late and errand.lifetime_s > 0:
            deadline = Deadline(deadline.at + self._late_grace_s)
        started = 0
        for batch in _batches(alone, lane.lookup.batch):
            request = Fetch(*lane.key, batch, errand.names, errand.transaction_id, errand.as_of)
            call = Call(lane, request, deadline)
            call.task = asyncio.create_task(self._run(call, errand, generation))
            self._tasks.add(call.task)
            call.task.add_done_callback(self._tasks.discard)
            if errand.as_of is None:
                lane.under_way.update(dict.fromkeys(batch, call))
            waits[call] = list(batch)
            started += 1
        return waits, started

    async def _run(self, call: Call, errand: _Errand, generation: int) -> None:
        """Ask one registry once, and keep its answer."""
        lane, request = call.lane, call.request
        try:
            answer = await lane.guarded.fetch(request, call.deadline)
            if left_out := set(request.subjects) - answer.records.keys():
                raise SourceContractError(  # noqa: TRY301 - the one place where failures are told
                    request.source_id, f"{len(left_out)} of {len(request.subjects)} subjects left out"
                )
            now = self._now()
            records = {s: Kept(answer.records[s], request.names, now) for s in request.subjects}
            if errand.lifetime_s > 0:
                keep_s = errand.lifetime_s + errand.stale_s
                await self._cache.put_many(
                    [
                        (RecordKey(*lane.key, s), kept, errand.negative_s if kept.record is None else keep_s)
                        for s, kept in records.items()
                    ],
                    generation,
                )
            call.records = records
        except SourceError as error:
            # Without its traceback, which would hold this frame, and with it the call and half an answer, in a circle.
            error.__traceback__ = error.__context__ = None
            call.error = error
            log.warning(
                "source_unavailable",
                source=error.source_id,
                lookup=request.lookup,
                reason=error.reason,
                detail=error.detail,
            )
        except Exception as error:  # noqa: BLE001 - it is raised again at everybody who waits
            call.defect = error
            if not call.askers:
                log.error("unexpected_error", caught=type(error).__name__)
        finally:
            self._end(call)

    async def _wait(self, calls: Collection[Call], deadline: Deadline) -> None:
        """Return when all calls have ended, or at the deadline; whoever leaves early cancels no other's call."""
        for call in calls:
            call.askers += 1
        is_deadline = False
        try:
            for call in calls:
                await call.ended(deadline)
            is_deadline = True
        finally:
            for call in calls:
                call.askers -= 1
                if not call.askers and not call.has_ended and call not in self._late:
                    self._leave(call, may_go_on=is_deadline)

    def _leave(self, call: Call, *, may_go_on: bool) -> None:
        """Let a call that nobody waits for any more go on if its answer is to be kept; else give it up."""
        if may_go_on and call.lane.manifest.limits.keep_late and len(self._late) < self._max_late:
            self._late.add(call)
            call.lane.counts["late"] += 1
        else:
            self._give_up(call)

    def _give_up(self, call: Call) -> None:
        self._end(call)
        if call.task is not None:
            call.task.cancel()

    def _end(self, call: Call) -> None:
        """Take a call from what is under way, and wake everybody who waits for it."""
        call.has_ended = True
        self._late.discard(call)
        for subject in call.request.subjects:
            if call.lane.under_way.get(subject) is call:
                del call.lane.under_way[subject]
        for sleeper in call.sleepers:
            wake(sleeper)


def _ran_out(call: Call) -> bool:
    """Tell whether a call ended because its own time was over."""
    return isinstance(call.error, SourceUnavailableError) and call.deadline.left_s() <= _SHORTEST_S


def _reason(call: Call) -> UnavailableReason:
    if call.error is not None:
        return call.error.reason
    return UnavailableReason.SOURCE_DOWN if call.has_ended else UnavailableReason.SOURCE_TIMEOUT


def _batches(subjects: Sequence[Identifier], size: int) -> Iterator[tuple[Identifier, ...]]:
    return (tuple(subjects[i : i + size]) for i in range(0, len(subjects), size))


def _narrowed(kept: Kept, names: frozenset[str]) -> Kept:
    """Return a kept record with no more than was asked for now, as the registry itself would give it."""
    if kept.record is None or kept.names == names:
        return kept
    values = {name: value for name, value in kept.record.values.items() if name in names}
    return kept._replace(record=kept.record._replace(values=values))


def _said(source_id: str, kept: Kept, *, cached: bool = False, stale: bool = False) -> Heard:
    as_of = kept.record.as_of if kept.record else None
    return Heard(kept.record, Provenance(source_id, kept.retrieved_at, as_of, cached, (), stale))
