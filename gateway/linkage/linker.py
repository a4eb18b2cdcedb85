"""The linker of one gateway: judges candidates, keeps to what officers decided, and queues what stays open."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.linkage.judging import Known, Outcome, Verdict, contenders, decided, judge, matched, rank
from gateway.linkage.reviews import ReviewBook, Standing, State, Wish
from gateway.linkage.tables import LinkageStoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.ports import Candidate
    from gateway.linkage.model import LinkageModel
    from gateway.linkage.weighing import Weighed
    from standards.identifiers import Identifier

log = structlog.get_logger()

REVIEWED: Final = "reviewed"
"""The rule of a match that an officer decided."""
_MOST_QUEUED: Final = 5
"""Candidates of one person that are put before an officer at once."""
_LOOK_S: Final = 60.0


class Linker:
    """Settles who somebody is in a registry that knows no number of theirs.

    is_beside: it settles for a shadow, of whose word no officer hears.
    counts: verdicts so far, by registry and outcome.
    turned_away: pairs so far for which the review queue had no room.
    standing: how the review queue stood at the last look.
    """

    def __init__(self, model: LinkageModel, book: ReviewBook, *, is_beside: bool = False) -> None:
        self.model, self.book, self._is_beside = model, book, is_beside
        self.counts: Counter[tuple[str, str]] = Counter()
        self.turned_away = 0
        self.standing = Standing(0, 0, 0)
        self._is_full = False

    def beside(self) -> Linker:
        """Return one that settles by the same for a shadow: it queues nothing, and what it settles is counted apart."""
        return Linker(self.model, self.book, is_beside=True)

    async def settle(self, source_id: str, known: Known, candidates: Sequence[Candidate], *, cut: bool) -> Verdict:
        """Return which candidate is the person, if one is for certain; whoever may be is put before an officer, once.

        cut: whether there were more candidates than were brought.
        """
        verdict = await self._settled(source_id, known, candidates, cut=cut)
        self.counts[source_id, verdict.outcome] += 1
        return verdict

    async def decided_on(self, source_id: str, people: Sequence[Known]) -> Sequence[bool]:
        """Tell of each of some people whether officers decided about them there, or nobody knows if they did."""
        names = [self.book.handles.persons(source_id, known) for known in people]
        try:
            decided = await self.book.decided_about({name for of in names for name in of})
        except LinkageStoreError as error:
            log.error("linkage_reviews_not_read", source=source_id, caught=type(error).__name__)
            return [True] * len(people)
        return [not decided.isdisjoint(of) for of in names]

    async def look(self) -> None:
        """Forget what has ended, and see how the queue stands.

        Raises: LinkageStoreError.
        """
        self.standing = await self.book.tidied()
        self._tell_room(is_full=self._is_full and self.standing.open >= self.book.most_open)

    async def forget(self, number: Identifier) -> None:
        """Let nothing about whoever has a number wait for an officer any more."""
        try:
            await self.book.forget(number)
        except LinkageStoreError as error:  # it ends by itself, when its time is over
            log.error("linkage_review_not_forgotten", caught=type(error).__name__)

    async def _settled(self, source_id: str, known: Known, candidates: Sequence[Candidate], *, cut: bool) -> Verdict:
        if not candidates:
            return judge(known, candidates, self.model, cut=cut)
        handles = self.book.handles
        try:
            decisions = await self.book.decided(handles.persons(source_id, known))
        except LinkageStoreError as error:
            log.error("linkage_reviews_not_read", source=source_id, caught=type(error).__name__)
            # INVARIANT: nobody is merged or told to be missing while it is not known what officers decided.
            return judge(known, (), self.model, cut=True)

        def said(candidate: Candidate) -> set[State]:
            pairs = handles.pairs(source_id, known, candidate) if decisions else ()
            return {decisions[one.pair] for one in pairs if one.pair in decisions}

        left = [one for one in candidates if State.DIFFERENT not in said(one)]
        ranking = rank(known, left, self.model)
        same = [one for one in ranking.weighed if State.SAME in said(one.candidate)]
        if same and same[0].score >= self.model.thresholds.review:
            rivals = [one.score for one in ranking.weighed if one is not same[0]]
            return matched(same[0], max(rivals, default=None), REVIEWED)._replace(is_reviewed=True)
        verdict = decided(ranking, self.model, cut=cut)._replace(is_reviewed=bool(decisions))
        if same and verdict.outcome is Outcome.NONE:
            # INVARIANT: a number that was given to somebody else since does not make the two one; nor is it a "no".
            return verdict._replace(outcome=Outcome.AMBIGUOUS)
        if verdict.outcome is Outcome.AMBIGUOUS and not self._is_beside:
            await self._queue(source_id, known, contenders(ranking, self.model)[:_MOST_QUEUED])
        return verdict

    async def _queue(self, source_id: str, known: Known, open_ones: Sequence[Weighed]) -> None:
        wishes = [
            Wish(
                source_id,
                self.book.handles.pairs(source_id, known, one.candidate),
                one.score,
                one.reasons,
                _reference(known, one.candidate),
            )
            for one in open_ones
        ]
        try:
            left_out = (await self.book.put(wishes)).left_out if wishes else 0
        except LinkageStoreError as error:  # the answer stays open all the same; the next question queues it
            log.error("linkage_review_not_queued", source=source_id, caught=type(error).__name__)
            return
        if left_out:
            self.turned_away += left_out
            self._tell_room(is_full=True)

    def _tell_room(self, *, is_full: bool) -> None:
        """Log that the queue is full, or has room again: once when it begins and once when it ends."""
        if is_full and not self._is_full:
            log.warning("linkage_queue_full", detail=f"{self.book.most_open} pairs are open")
        elif self._is_full and not is_full:
            log.info("linkage_queue_has_room", detail=f"{self.standing.open} pairs are open")
        self._is_full = is_full


def _reference(known: Known, candidate: Candidate) -> Mapping[str, Any]:
    """Return by what an officer finds both; of a person without any number, what is known of them instead."""
    person = {"identifiers": dict(known.identifiers)} if known.identifiers else {"traits": dict(known.traits)}
    return {"person": person, "candidate": {"identifiers": dict(candidate.identifiers)}}


async def follow_reviews(linker: Linker) -> None:
    """Forget what has ended and see how the queue stands, every minute, until cancelled."""
    while True:
        try:
            await linker.look()
        except LinkageStoreError as error:
            log.error("linkage_reviews_not_read", source="", caught=type(error).__name__)
        await asyncio.sleep(_LOOK_S)
