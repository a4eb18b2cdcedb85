"""Account: what came of everything that one question asked of registries, added up as it comes in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from adapters.said import Said
from gateway.ports import Kept, RecordKey
from gateway.stages.identity import refused
from gateway.stages.under_way import Errand, Heard
from standards.household import Outcome, SourceOutcome
from standards.identifiers import Identifier
from standards.states import UnavailableReason


class Account:
    """The sums of one question."""

    __slots__ = ("_answered", "_cached", "_called", "_failed", "fresh_s", "kept", "said")

    def __init__(self) -> None:
        self._called: dict[str, int] = {}
        self._cached: dict[str, int] = {}
        self._failed: dict[str, UnavailableReason] = {}
        self._answered: set[str] = set()
        self.kept: list[tuple[RecordKey, Kept]] | None = []
        """The records everything rests on, while all of them had been kept and were fresh."""
        self.fresh_s = math.inf
        """For how much longer the least fresh of these may serve."""
        self.said: dict[tuple[str, str], set[Said]] = {}
        """Source and lookup -> the responses."""

    def told(self, errand: Errand) -> dict[Identifier, Heard]:
        """Add up an errand that is over, and return what was said of each subject.

        Raises: the defect of ours that kept it from being carried out.
        """
        if errand.defect is not None:
            raise errand.defect
        key = errand.lane.key
        source_id = key[0]
        self._called[source_id] = self._called.get(source_id, 0) + errand.calls
        self._cached[source_id] = self._cached.get(source_id, 0) + errand.cached
        if errand.failed is not None:
            self._failed[source_id] = errand.failed
        if errand.has_answered:
            self._answered.add(source_id)
        if not errand.is_kept_alone():
            self.kept = None
        elif self.kept is not None:
            self.kept += errand.kept
            self.fresh_s = min(self.fresh_s, errand.fresh_s)
        said: tuple[Said, ...] = ()
        for subject, heard in errand.heard.items():
            if heard.said is not said:  # all who were asked about in one call share what was said
                said = heard.said
                self.said.setdefault(key, set()).update(said)
            unusable = heard.record.unusable if heard.record is not None else None
            if unusable and UnavailableReason.AMBIGUOUS_IDENTITY in unusable.values():
                errand.heard[subject] = refused(heard)
        return errand.heard

    def outcomes(self, sources: Iterable[str]) -> Mapping[str, SourceOutcome]:
        """Return what became of every registry."""
        return {source_id: self._outcome(source_id) for source_id in sources}

    def _outcome(self, source_id: str) -> SourceOutcome:
        calls, cached = self._called.get(source_id, 0), self._cached.get(source_id, 0)
        reason = self._failed.get(source_id)
        if reason is not None:
            outcome = Outcome.PARTIAL if source_id in self._answered else Outcome.UNAVAILABLE
        else:
            outcome = Outcome.ANSWERED if source_id in self._answered else Outcome.NOT_ASKED
        return SourceOutcome(outcome, calls, cached, reason)
