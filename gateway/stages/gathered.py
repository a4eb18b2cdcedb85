"""Gathered: what the registries said for one question, and what it means when they said nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from adapters.said import Said
from gateway.ports import Kept, RecordKey
from gateway.stages.people import Person
from gateway.stages.steps import Plan
from gateway.stages.under_way import Heard
from standards.errors import MandatorySourceError, SourceUnavailableError
from standards.household import Outcome, SourceOutcome
from standards.states import UnavailableReason


class Gathered(NamedTuple):
    """Everything the registries said for one question."""

    plan: Plan
    """The plan that was walked."""
    people: tuple[Person, ...]
    asked: int | None
    """Number of the person asked about; None when the household itself was, or nobody was found."""
    group: Mapping[tuple[str, str], Heard]
    outcomes: Mapping[str, SourceOutcome]
    unheard: tuple[str, ...]
    others: tuple[Person, ...] = ()
    """People outside the household about whom a registry was asked on the way to it."""
    kept: tuple[tuple[RecordKey, Kept], ...] | None = None
    """The records it rests on, when all of them had been kept and were fresh; None when any registry was asked."""
    fresh_s: float = 0.0
    """For how much longer the least fresh of these may serve a question like this one."""
    said: Mapping[tuple[str, str], Collection[Said]] = {}
    """Source and lookup -> SHA-256 of every response that anything was read from."""

    @property
    def is_silence(self) -> bool:
        """Tell whether every registry that was asked failed: then nothing at all is known."""
        asked = [o.outcome for o in self.outcomes.values() if o.outcome is not Outcome.NOT_ASKED]
        return bool(asked) and all(outcome is Outcome.UNAVAILABLE for outcome in asked)

    @property
    def is_nobody(self) -> bool:
        """Tell whether the registries answered, and none of them knows anybody by that number."""
        if not self.people:
            return all(heard.reason is None for heard in self.group.values())
        if (tellers := self.plan.tellers) is not None:
            # Known to others, and to none of those whose records were asked for: there is no such record.
            own = [h for p in self.people for (source_id, _), h in p.heard.items() if source_id in tellers]
            return bool(own) and all(h.record is None and h.reason is None for h in own)
        heard = [*self.group.values(), *(h for p in self.people for h in p.heard.values())]
        asked = [h for h in heard if h.reason is not UnavailableReason.NO_IDENTIFIER]
        return bool(asked) and len(self.people) == 1 and all(h.record is None and h.reason is None for h in asked)


def silence(gathered: Gathered) -> SourceUnavailableError:
    """Return the error of a question for which no registry could be heard; it names them all."""
    failed = {id_: outcome.reason for id_, outcome in gathered.outcomes.items() if outcome.reason is not None}
    reasons = list(failed.values())
    reason = reasons[0] if reasons else UnavailableReason.SOURCE_DOWN
    heard = (*gathered.group.values(), *(said for person in gathered.people for said in person.heard.values()))
    opens = (said.until for said in heard if said.until is not None and said.reason is reason)
    return SourceUnavailableError(", ".join(sorted(failed)), reason, until=min(opens, default=None))


def unheard_mandatory(gathered: Gathered, mandatory: frozenset[str]) -> MandatorySourceError | None:
    """Return the error of a question whose agreement discloses nothing without sources that were not heard.

    They count where they were to say something about the person asked about, or about that person's household; one
    that the question did not need, or that the person refused, was not asked and is not missing.
    """
    if not mandatory or not gathered.people:
        return None
    asked = gathered.people[gathered.asked or 0]
    failed: dict[str, UnavailableReason] = {}
    for (source_id, _), heard in (*asked.heard.items(), *gathered.group.items()):
        if source_id in mandatory and heard.reason not in {None, UnavailableReason.NO_IDENTIFIER}:
            failed.setdefault(source_id, heard.reason or UnavailableReason.SOURCE_DOWN)
    if not failed:
        return None
    names = sorted(failed)
    return MandatorySourceError(", ".join(names), failed[names[0]])
