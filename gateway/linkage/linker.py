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

    counts: verdicts so far, by registry and outcome.
    standing: how the review queue stood at the last look.
    """

    def __init__(self, model: LinkageModel, book: ReviewBook) -> None:
        self.model, self.book = model, book
        self.counts: Counter[tuple[str, str]] = Counter()
        self.standing = Standing(0, 0, 0)

    async def settle(self, source_id: str, known: Known, candidates: Sequence[Candidate], *, cut: bool) -> Verdict:
        """Return which candidate is the person, if one is for certain; whoever may be is put before an officer, once.

        cut: whether there were more candidates than were brought.
        """
        verdict = await self._settled(source_id, known, candidates, cut=cut)
        self.counts[source_id, verdict.outcome] += 1
        return verdict

    async def look(self) -> None:
        """Forget what has ended, and see how the queue stands.

        Raises: LinkageStoreError.
        """
        self.standing = await self.book.tidied()

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
        if verdict.outcome is Outcome.AMBIGUOUS:
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
            if wishes:
                await self.book.put(wishes)
        except LinkageStoreError as error:  # the answer stays open all the same; the next question queues it
            log.error("linkage_review_not_queued", source=source_id, caught=type(error).__name__)


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
