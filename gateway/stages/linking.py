"""Linking: people looked up at registries that know none of their numbers, by what else is known of them.

The registry brings candidates; whether one of them is the person is decided by the gateway's linkage. What comes of it
is a number to ask that registry by, and nothing else: see `Person.unlinked`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from adapters.ports import Record, SourceAnswer, TraitFetch
from gateway.linkage.features import KIN_NUMBERS
from gateway.linkage.judging import Known, Outcome, Verdict
from standards.errors import SourceContractError, SourceUnavailableError
from standards.states import JsonValue, UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Candidate, Deadline, Fetch
    from adapters.transport.guard import Guarded
    from gateway.stages.people import Person
    from gateway.stages.steps import Plan, Step
    from gateway.stages.under_way import Errand
    from standards.identifiers import Identifier

SCORE: Final = "score"
DETAIL: Final = "detail"
"""What a record that rests on linkage says of it, in place of attributes."""

_AMBIGUOUS: Final = Record({}, {}, unusable={"": UnavailableReason.AMBIGUOUS_IDENTITY})


class Settling(Protocol):
    """Decides who of some candidates is the person, if anybody is."""

    async def settle(self, source_id: str, known: Known, candidates: Sequence[Candidate], *, cut: bool) -> Verdict:
        """Return the decision; what is ambiguous goes to review."""
        ...

    def beside(self) -> Settling:
        """Return one that decides by the same for a shadow, whose word nobody reviews."""
        ...

    async def decided_on(self, source_id: str, people: Sequence[Known]) -> Sequence[bool]:
        """Tell of each of some people whether officers decided about them there, or nobody knows if they did."""
        ...


def traits_of(
    person: Person, step: Step, plan: Plan, lookups: Mapping[tuple[str, str], tuple[Manifest, Lookup]]
) -> dict[str, JsonValue] | UnavailableReason:
    """Return by what somebody can be looked up, the best word on each trait; or why that is not to be had.

    Only steps that have surely ended count, so that the order of arrival decides nothing.
    """
    options = lookups[step.key][1].by_traits
    heard = [(lookups[key], said) for key in plan.earlier[step.number - 1] if (said := person.heard.get(key))]
    traits: dict[str, JsonValue] = {}
    for name in step.traits:
        words = sorted(
            (manifest.rank(name), manifest.id, said) for (manifest, lookup), said in heard if name in lookup.attributes
        )
        for *_, said in words:
            if said.reason is not None and said.reason is not UnavailableReason.NO_IDENTIFIER:
                # INVARIANT: an outage is never a "no", and never leads to somebody else: with less known of a person
                # than there is, nobody is looked up.
                return UnavailableReason.IDENTIFIER_UNAVAILABLE
            if said.record is None:
                continue
            if name in said.record.unusable:  # it is stated, in words that nobody here understands
                return UnavailableReason.IDENTIFIER_UNAVAILABLE
            if (value := said.record.values.get(name)) is not None:
                traits[name] = value
                break
    if options is None or not options.narrowed_by(traits):
        return UnavailableReason.NO_IDENTIFIER
    return traits


async def look_up(
    guarded: Guarded, request: Fetch, known: Mapping[Identifier, Known], settling: Settling | None, deadline: Deadline
) -> tuple[SourceAnswer, frozenset[Identifier]]:
    """Return for everybody asked about the number of whom the registry holds; None where it is surely nobody.

    And about whom the next question has to look again: it was left open who they are, or an officer decided, and may
    decide otherwise.
    Raises: SourceError.
    """
    if settling is None:
        raise SourceContractError(request.source_id, "asked by traits, and nothing here decides who is who")
    # INVARIANT: a registry is told the traits that it compares, and of nobody else.
    wanted = tuple(
        {name: value for name, value in known[subject].traits.items() if name != KIN_NUMBERS}
        for subject in request.subjects
    )
    fetch = TraitFetch(request.source_id, request.lookup, wanted, request.transaction_id)
    answer = await guarded.candidates(fetch, deadline)
    if not len(answer.found) == len(answer.cut) == len(wanted):
        raise SourceContractError(request.source_id, "not as many answers as people looked for")
    records: dict[Identifier, Record | None] = {}
    passing: set[Identifier] = set()
    try:
        async with asyncio.timeout(deadline.left_s()):
            for subject, candidates, cut in zip(request.subjects, answer.found, answer.cut, strict=True):
                verdict = await settling.settle(request.source_id, known[subject], candidates, cut=cut)
                records[subject] = _record(verdict)
                if verdict.outcome is Outcome.AMBIGUOUS or verdict.is_reviewed:
                    passing.add(subject)
    except TimeoutError:
        reason = UnavailableReason.SOURCE_TIMEOUT
        raise SourceUnavailableError(request.source_id, reason, "who is who was not decided in time") from None
    return SourceAnswer(records), frozenset(passing)


async def weed(errands: Iterable[Errand], settling: Settling | None) -> None:
    """Take back what is kept of people whom linkage found, where it may be somebody else's by now."""
    for errand in errands:
        if errand.known is not None and settling is not None and (kept := [*errand.heard, *errand.old]):
            known = errand.known
            decided: Sequence[bool] = [True] * len(kept)
            with suppress(TimeoutError):
                async with asyncio.timeout(errand.deadline.left_s() / 2):
                    decided = await settling.decided_on(errand.lane.key[0], [known[subject] for subject in kept])
            # INVARIANT: what an officer decides holds from the next question on, whatever was kept of the one before.
            errand.take_back(s for s, is_decided in zip(kept, decided, strict=True) if is_decided)
        # INVARIANT: what was read by a number before somebody was matched to it is nobody's that we know: lists are
        # numbered anew.
        errand.take_back(s for s, since in errand.matched_at.items() if errand.is_kept_before(s, since))


def _record(verdict: Verdict) -> Record | None:
    if verdict.outcome is Outcome.NONE:
        return None
    if verdict.outcome is Outcome.AMBIGUOUS:
        return _AMBIGUOUS
    compared = ", ".join(f"{reason.trait} {reason.level}" for reason in verdict.reasons)
    detail = f"rule {verdict.rule}: {compared}" if verdict.rule else compared
    return Record(dict(verdict.identifiers), {SCORE: round(float(verdict.score), 1), DETAIL: detail})
