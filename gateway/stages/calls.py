"""Calls: the registries as all questions share them.

What is kept is not asked for again; whom another question is asking about already is waited for, not asked about
twice; and an answer that comes too late for its question is kept for the next one, where the manifest says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from weakref import WeakSet

import structlog

from adapters.catalogue import Registries
from adapters.ports import Deadline, Fetch
from adapters.said import listen
from gateway.ports import Clock, Kept, RecordCache, RecordKey
from gateway.stages.linking import Settling, look_up, weed
from gateway.stages.under_way import Call, Counts, Errand, Heard, Lane, Terms, one_is_over, unheard
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import Provenance, UnavailableReason

__all__ = ["Calls", "Counts", "Heard", "Terms"]

log = structlog.get_logger()

_SHORTEST_S: Final = 0.02
"""With less than this left, nobody asks again, nor waits for a call that ends so soon."""
_GRAIN_S: Final = 0.001
"""Timers of the faster event loop count milliseconds, and may ring a part of one early."""
_GRACE_S: Final = 0.02
"""How long after its deadline a call may still say itself why it failed."""
_STOPPING_S: Final = 5.0
"""How long a call that nobody waits for any more may take to stop by itself."""


class Shared(NamedTuple):
    """What calls have in common, over whichever registries they are."""

    tasks: set[asyncio.Task[None]]
    late: set[Call]
    forgetting: list[Callable[[Collection[Identifier]], None]]
    lanes: WeakSet[Lane]


class Calls:
    """Every call to registries, one per need.

    max_age_s: oldest kept record that the gateway serves to anybody, in seconds; 0 keeps none.
    max_stale_s: the most that any agreement's `stale_if_error_s` counts for, in seconds.
    late_grace_s, max_late: how long, and how many, calls may go on that nobody waits for any more.
    settling: decides who is who at registries that know no numbers; None: these are not asked.
    shared: what they have in common with the calls to other registries.
    is_beside: they are a shadow's, on whose word nobody is forgotten.
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
        settling: Settling | None = None,
        shared: Shared | None = None,
        is_beside: bool = False,
    ) -> None:
        self._cache, self._now, self._settling = cache, now, settling
        self._max_age_s, self._max_stale_s = max_age_s, max_stale_s
        self._late_grace_s, self._max_late = late_grace_s, max_late
        self._is_beside = is_beside
        self._shared = shared or Shared(set(), set(), [], WeakSet())
        self._tasks, self._late, self._forgetting, self._everybodys = self._shared
        self._lanes = self._lanes_of(registries)

    def over(self, registries: Registries, *, is_beside: bool = False) -> Calls:
        """Return the calls to other registries, as one with these: who is forgotten here is forgotten there.

        Where a registry is the very same, its calls under way are shared.
        is_beside: they are a shadow's, on whose word nobody is forgotten.
        """
        return Calls(
            registries,
            self._cache,
            self._now,
            max_age_s=self._max_age_s,
            max_stale_s=self._max_stale_s,
            late_grace_s=self._late_grace_s,
            max_late=self._max_late,
            settling=self._settling.beside() if is_beside and self._settling is not None else self._settling,
            shared=self._shared,
            is_beside=is_beside,
        )

    def _lanes_of(self, registries: Registries) -> dict[tuple[str, str], Lane]:
        known = {(id(lane.guarded), lane.key): lane for lane in self._everybodys}
        lanes = {
            key: known.get((id(registry.guarded), key)) or Lane(key, registry.manifest, lookup, registries)
            for id_, registry in registries.items()
            for lookup in registry.manifest.lookups
            for key in ((id_, lookup.name),)
        }
        self._everybodys.update(lanes.values())
        return lanes

    def forgets_for(self, forgetting: Callable[[Collection[Identifier]], None]) -> None:
        """Name what else is told of everybody who is forgotten."""
        self._forgetting.append(forgetting)

    def errand(
        self,
        key: tuple[str, str],
        subjects: Sequence[Identifier],
        names: frozenset[str],
        terms: Terms,
        deadline: Deadline,
        transaction_id: str = "",
    ) -> Errand:
        """Return what one question wants of one lookup, to be begun.

        Everybody among the subjects must have a permit for this source: their records are fetched and kept.
        """
        lane = self._lanes[key]
        lifetime_s = min(lane.manifest.cache_s, terms.max_age_s, self._max_age_s) if terms.as_of is None else 0.0
        stale_s = min(terms.stale_if_error_s, self._max_stale_s)
        return Errand(lane, subjects, names, terms, deadline, transaction_id, lifetime_s, stale_s)

    async def begin(self, errands: Sequence[Errand]) -> None:
        """Look for everybody whom the errands are about in what is kept, at once; and ask about the others.

        Everything is heard, or is a reason why it was not, when an errand `is_over`; at its deadline at the latest.
        """
        keeping = [errand for errand in errands if errand.lifetime_s > 0]
        wanted = [(errand.key_of(subject), errand.names) for errand in keeping for subject in errand.subjects]
        if wanted:
            looked = await self._cache.get_many(wanted)
            now, found = self._now(), iter(zip(wanted, looked.found, strict=True))
            for errand in keeping:
                errand.generation = looked.generation
                _take_kept(errand, found, now)
            await weed(keeping, self._settling)
        for errand in errands:
            if len(errand.heard) < len(errand.subjects):
                self._start(errand, [s for s in errand.subjects if s not in errand.heard])

    def leave(self, errands: Iterable[Errand]) -> None:
        """Give up what some errands still wait for; whoever leaves early ends no other's call."""
        for errand in errands:
            self._leave(errand, may_go_on=False)

    async def carry_out(self, errand: Errand) -> None:
        """Return when all that one errand wants is heard, or is known not to be."""
        try:
            await self.begin([errand])
            await one_is_over([errand])
        finally:
            self.leave([errand])

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        """Drop what is kept of one person, and let no further question wait for a call made before."""
        if self._is_beside:
            return 0
        for lane in self._everybodys:
            for identifier in identifiers:
                lane.under_way.pop(identifier, None)
        for forgetting in self._forgetting:
            forgetting(identifiers)
        return await self._cache.forget(identifiers)

    async def clear(self) -> int:
        """Drop everything that is kept or under way for nobody; return how many records were dropped."""
        for lane in self._everybodys:
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

    # -- what is under way ---------------------------------------------------------------------------------

    def _start(self, errand: Errand, subjects: Sequence[Identifier]) -> None:
        """Let an errand wait for the calls that are under way for its subjects, and start one for the others."""
        lane = errand.lane
        alone: list[Identifier] = []
        for subject in subjects:
            call = lane.under_way.get(subject) if errand.as_of is None else None
            if call is not None and call.serves(errand, subject) and call.deadline.left_s() > _SHORTEST_S:
                self._wait_for(call, errand, subject)
                lane.counts["joined"] += 1
            else:
                alone.append(subject)
        deadline = errand.deadline
        if lane.manifest.limits.keep_late and errand.lifetime_s > 0:
            deadline = Deadline(deadline.at + self._late_grace_s)
        for batch in _batches(alone, lane.lookup.batch):
            request = Fetch(*lane.key, batch, errand.names, errand.transaction_id, errand.as_of)
            call = Call(lane, request, deadline, errand.known)
            call.task = asyncio.create_task(self._run(call, errand))
            self._tasks.add(call.task)
            call.task.add_done_callback(self._tasks.discard)
            for subject in batch:
                if errand.as_of is None:
                    lane.under_way[subject] = call
                self._wait_for(call, errand, subject)
            errand.calls += 1

    def _wait_for(self, call: Call, errand: Errand, subject: Identifier) -> None:
        of = errand.waits.get(call)
        if of is not None:
            of.append(subject)
            return
        errand.waits[call] = [subject]
        call.errands.append(errand)
        self._set_alarm(errand, call)

    def _set_alarm(self, errand: Errand, call: Call) -> None:
        """Wake an errand at its deadline, or when a call ought to have ended; whichever comes first."""
        loop = asyncio.get_running_loop()
        if errand.deadline.at < call.deadline.at:
            after_s = errand.deadline.left_s()
        else:
            after_s = call.deadline.left_s() + _GRACE_S
        if errand.alarm is not None:
            if errand.alarm.when() <= loop.time() + after_s:
                return
            errand.alarm.cancel()
        errand.alarm = loop.call_later(after_s, self._ring, errand)

    def _ring(self, errand: Errand) -> None:
        """Wait no longer for calls that are overdue; at its deadline, an errand waits for none."""
        errand.alarm = None
        # INVARIANT: a question ends at its deadline, whatever an adapter does meanwhile.
        for call in [call for call in errand.waits if call.deadline.at <= errand.deadline.at]:
            if not call.deadline.left_s():
                self._overrun(call)
        if errand.deadline.left_s() <= _GRAIN_S:
            self._run_out(errand)
            return
        for call in errand.waits:
            self._set_alarm(errand, call)

    def _run_out(self, errand: Errand) -> None:
        """Say of everybody about whom nothing was heard by the deadline that it was too late."""
        for call, subjects in errand.waits.items():
            self._miss(errand, subjects, call, UnavailableReason.SOURCE_TIMEOUT)
        self._leave(errand, may_go_on=True)
        errand.end()

    def _overrun(self, call: Call) -> None:
        """Hear no more of a call that has not ended in time; it may stop by itself, and tell the guard why."""
        call.error = SourceUnavailableError(call.request.source_id, UnavailableReason.SOURCE_TIMEOUT)
        self._end(call)
        task = call.task
        if task is not None:
            timer = asyncio.get_running_loop().call_later(_STOPPING_S, task.cancel)
            task.add_done_callback(lambda _: timer.cancel())

    def _hear(self, errand: Errand, call: Call) -> None:
        """Give an errand what came of a call that it waited for."""
        subjects = errand.waits.pop(call)
        if call.defect is not None:
            errand.defect = call.defect
        elif call.records is not None:
            for subject in subjects:
                kept = _narrowed(call.records[subject], errand.names)
                errand.heard[subject] = _said(errand.lane.key[0], kept)
        elif _was_hurried(call) and _has_more_time(errand, call):
            self._start(errand, subjects)  # as the errand would have been answered alone
        else:
            self._miss(errand, subjects, call, call.error.reason if call.error else UnavailableReason.SOURCE_DOWN)
        if errand.is_over:
            errand.end()

    def _miss(self, errand: Errand, subjects: Sequence[Identifier], call: Call, reason: UnavailableReason) -> None:
        """Say why nothing was heard of somebody; or what was heard before, labelled as old, where that may serve."""
        missed = unheard(errand.lane.manifest, reason, self._now())
        errand.failed = missed.reason
        source_id = errand.lane.key[0]
        for subject in subjects:
            kept = errand.old.get(subject)
            # A registry that refuses, or breaks its promise, is not out: then nothing old stands in.
            if kept is None or not isinstance(call.error, SourceUnavailableError | None):
                errand.heard[subject] = missed
                continue
            errand.lane.counts["stale"] += 1
            errand.cached += 1
            errand.heard[subject] = _said(source_id, _narrowed(kept, errand.names), cached=True, stale=True)

    async def _run(self, call: Call, errand: Errand) -> None:
        """Ask one registry once, and keep its answer."""
        lane, request, said = call.lane, call.request, listen()
        try:
            passing: Collection[Identifier] = ()
            if call.known is None:
                answer = await lane.guarded.fetch(request, call.deadline)
            else:
                answer, passing = await look_up(lane.guarded, request, call.known, self._settling, call.deadline)
            if left_out := set(request.subjects) - answer.records.keys():
                raise SourceContractError(  # noqa: TRY301 - the one place where failures are told
                    request.source_id, f"{len(left_out)} of {len(request.subjects)} subjects left out"
                )
            now, whole = self._now(), tuple(said)
            records = {s: Kept(answer.records[s], request.names, now, whole) for s in request.subjects}
            if errand.lifetime_s > 0:
                keep_s = errand.lifetime_s + errand.stale_s
                await self._cache.put_many(
                    [
                        # What passes is kept under a name that nobody looks for, and only so that whoever forgets the
                        # person forgets what was read by the number found, too.
                        (
                            errand.key_of(s) if s not in passing else RecordKey(*lane.key, s),
                            kept,
                            errand.negative_s if kept.record is None else keep_s,
                        )
                        for s, kept in records.items()
                        if s not in passing or (kept.record is not None and kept.record.identifiers)
                    ],
                    errand.generation,
                )
            call.records = records
        except SourceError as error:
            # Without its traceback, which would hold this frame, and with it the call and half an answer, in a circle.
            error.__traceback__ = error.__context__ = None
            call.error = error
            reason = unheard(lane.manifest, error.reason, self._now()).reason
            tell = log.info if reason is UnavailableReason.SOURCE_CLOSED else log.warning
            tell(
                "source_unavailable",
                source=error.source_id,
                lookup=request.lookup,
                reason=reason,
                detail=error.detail,
            )
        except Exception as error:  # noqa: BLE001 - it is raised again at everybody who waits
            call.defect = error
            if not call.errands:
                log.error("unexpected_error", caught=type(error).__name__)
        finally:
            self._end(call)

    def _leave(self, errand: Errand, *, may_go_on: bool) -> None:
        """Take an errand from the calls that it waits for.

        A call that nobody waits for any more goes on if it may and its answer is to be kept; else it is given up.
        """
        for call in errand.waits:
            call.errands.remove(errand)
            if call.errands or call.has_ended or call in self._late:
                continue
            if may_go_on and call.lane.manifest.limits.keep_late and len(self._late) < self._max_late:
                self._late.add(call)
                call.lane.counts["late"] += 1
            else:
                self._give_up(call)
        errand.waits.clear()
        errand.end()

    def _give_up(self, call: Call) -> None:
        self._end(call)
        if call.task is not None:
            call.task.cancel()

    def _end(self, call: Call) -> None:
        """Take a call from what is under way, and tell every errand that waits for it what came of it."""
        if call.has_ended:
            return
        call.has_ended = True
        self._late.discard(call)
        for subject in call.request.subjects:
            if call.lane.under_way.get(subject) is call:
                del call.lane.under_way[subject]
        errands, call.errands = call.errands, []
        for errand in errands:
            self._hear(errand, call)


def _was_hurried(call: Call) -> bool:
    """Tell whether a call failed that might not have, had its own deadline been later."""
    error = call.error
    return isinstance(error, SourceUnavailableError) and (error.was_hurried or call.deadline.left_s() <= _SHORTEST_S)


def _has_more_time(errand: Errand, call: Call) -> bool:
    """Tell whether an errand has time to ask again, and more of it than a call had that was begun for another one."""
    return min(errand.deadline.left_s(), errand.deadline.at - call.deadline.at) > _SHORTEST_S


def _take_kept(
    errand: Errand, found: Iterator[tuple[tuple[RecordKey, frozenset[str]], Kept | None]], now: datetime
) -> None:
    """Hear what is kept and fresh of an errand's subjects, the next of those found; note what may stand in."""
    source_id, names = errand.lane.key[0], errand.names
    for subject in errand.subjects:
        (key, _), kept = next(found)
        if kept is None:
            continue
        age_s = (now - kept.retrieved_at).total_seconds()
        left_s = (errand.negative_s if kept.record is None else errand.lifetime_s) - age_s
        if left_s >= 0:
            errand.heard[subject] = _said(source_id, _narrowed(kept, names), cached=True)
            errand.kept.append((key, kept))
            errand.fresh_s = min(errand.fresh_s, left_s)
        elif kept.record is not None and age_s <= errand.lifetime_s + errand.stale_s:
            errand.old[subject] = kept  # that somebody was not held then is no answer when the registry is out now
    errand.cached = len(errand.heard)
    counts = errand.lane.counts
    counts["hits"] += errand.cached
    counts["misses"] += len(errand.subjects) - errand.cached


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
    return Heard(kept.record, Provenance(source_id, kept.retrieved_at, as_of, cached, (), stale), None, kept.said)
