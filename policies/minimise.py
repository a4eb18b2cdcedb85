"""Minimisation: the answer is built up from the permit, so that nothing else can be in it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Final

from policies.cut import UNKNOWN, Part, cut_of
from policies.forms import apply
from standards.household import Evidence, HouseholdProfile, Member, Outcome, SourceOutcome
from standards.permit import Form, FormKind, Permit, PersonPermit
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
    settled,
)

if TYPE_CHECKING:
    from policies.handles import Handles

UNDISCLOSED: Final = "undisclosed"
"""Source of whatever is absent under an agreement that hides why."""

_LINKED: Final = "linked"
_SILENT: Final = frozenset({Outcome.PARTIAL, Outcome.UNAVAILABLE})
_OUTAGES: Final = frozenset(
    {
        UnavailableReason.SOURCE_DOWN,
        UnavailableReason.SOURCE_TIMEOUT,
        UnavailableReason.SOURCE_BUSY,
        UnavailableReason.SOURCE_CLOSED,
        UnavailableReason.SOURCE_REFUSED,
        UnavailableReason.SOURCE_SUSPENDED,
        UnavailableReason.NOT_AS_OF,
    }
)


def minimise(
    profile: HouseholdProfile,
    permit: Permit,
    persons: Mapping[int, PersonPermit],
    handles: Handles | None = None,
) -> HouseholdProfile:
    """Return what of the profile may leave, in the forms in which it may be known.

    persons: number of a member -> what is permitted of that person. A member who is not in it stays a member, with
    everything withheld. Attributes of the household itself go by the person asked about, or by its head when the
    household was asked for by its own number.
    handles: makes the pseudonyms of the programme that asks; needed where the permit has any.
    """
    members = []
    for number, _, relationship, evidence, states in profile.members:
        cut = cut_of(permit, persons.get(number))
        given = _given(cut.of_person, states, cut.refused, handles)
        members.append(Member(number, {}, relationship, _shown(evidence, persons.get(number)), given))
    owner = _owner(profile)
    cut = cut_of(permit, None if owner is None else persons.get(owner))
    given = _given(cut.of_household, profile.attributes, cut.refused, handles)
    minimised = profile._replace(members=tuple(members), attributes=given)
    return _hidden(minimised, permit) if permit.hide_withheld else minimised


def _shown(evidence: tuple[Evidence, ...], permit: PersonPermit | None) -> tuple[Evidence, ...]:
    """Return why somebody is a member, and where linkage found the person, as far as that may be known."""
    if all(one.basis != _LINKED for one in evidence):
        return evidence
    # INVARIANT: that a registry holds somebody is its word too, and never leaves when that registry is refused.
    return tuple(
        one
        for one in evidence
        if one.basis != _LINKED or (permit is not None and one.source_id is not None and permit.allows(one.source_id))
    )


def _owner(profile: HouseholdProfile) -> int | None:
    """Return the number of the member whose permit covers the household's own attributes."""
    if profile.subject is not None:
        return profile.subject
    return next((member.number for member in profile.members if member.relationship == "SELF"), None)


def _given(
    part: Part, states: Mapping[str, AttributeState], refused: frozenset[str], handles: Handles | None
) -> dict[str, AttributeState]:
    if refused:
        states = {name: _without(state, refused) for name, state in states.items()}
    # INVARIANT: nothing outside the permit leaves; every name comes from its cut, none from the profile.
    given = dict(part.blank)
    given.update(zip(part.whole, map(states.get, part.whole, repeat(UNKNOWN)), strict=True))
    for name, source, form in part.formed:
        given[name] = _formed(form, states.get(source, UNKNOWN), handles)
    return given


def _without(state: AttributeState, refused: frozenset[str]) -> AttributeState:
    """Return the state without the word of sources that must not be asked; none should be in it."""
    match state:
        case Value(provenance=provenance) | Absent(provenance=provenance) if provenance.source_id in refused:
            return Withheld(WithheldReason.CONSENT_REFUSED)
        case Conflict(settled, differing):
            if settled.provenance.source_id in refused:
                return Withheld(WithheldReason.CONSENT_REFUSED)
            left = tuple(claim for claim in differing if claim.provenance.source_id not in refused)
            return Conflict(settled, left) if left else settled
        case _:
            return state


def _formed(form: Form, state: AttributeState, handles: Handles | None) -> AttributeState:
    """Return the state with every claim in the form; claims that become equal become one."""
    if form.kind is FormKind.PREDICATE and (best := settled(state)) is not None and best.provenance.stand_in:
        # INVARIANT: an outage never turns an answer into another one: nothing is concluded from a stand-in's word.
        return Unavailable(UnavailableReason.INPUT_UNAVAILABLE)
    match state:
        case Value():
            return _claim(form, state, handles) or _misstated(state)
        case Conflict(first, differing):
            best = _claim(form, first, handles)
            if best is None:
                return _misstated(first)
            others: list[Value] = []
            for claim in (_claim(form, other, handles) for other in differing):
                if claim is not None and all(claim.value != known.value for known in (best, *others)):
                    others.append(claim)
            return Conflict(best, tuple(others)) if others else best
        case _:
            return state


def _claim(form: Form, claim: Value, handles: Handles | None) -> Value | None:
    try:
        told = apply(form, claim.value, handles)
    except ValueError:
        return None
    if form.kind is FormKind.PSEUDONYM and handles is not None and isinstance(claim.value, str):
        former = handles.former(form.to or "", claim.value)
        return Value(told, claim.provenance._replace(formerly=former) if former else claim.provenance)
    return Value(told, claim.provenance)


def _misstated(claim: Value) -> Unavailable:
    """Say that the source stated something of another type than the attribute has."""
    return Unavailable(UnavailableReason.SOURCE_CONTRACT, claim.provenance.source_id)


def _hidden(profile: HouseholdProfile, permit: Permit) -> HouseholdProfile:
    """Return the profile with everything withheld shown as if it were absent.

    INVARIANT: what is withheld and what is absent are then the same value, so nobody can tell them apart. While a
    registry is out, what is withheld takes the look of what the others have from it. Calls are not counted, since
    their number tells for how many people a registry was asked.
    """
    absent = Absent(Provenance(UNDISCLOSED, permit.decided_at))
    outages = {
        name: state
        for member in profile.members
        for name, state in member.attributes.items()
        if isinstance(state, Unavailable) and state.reason in _OUTAGES
    }

    def look(states: Mapping[str, AttributeState]) -> dict[str, AttributeState]:
        return {
            name: outages.get(name, absent)
            if isinstance(state, Withheld)
            else absent
            if isinstance(state, Absent)
            else state
            for name, state in states.items()
        }

    return profile._replace(
        members=tuple(_silent(member, look(member.attributes)) for member in profile.members),
        attributes=look(profile.attributes),
        sources={source_id: _uncounted(outcome) for source_id, outcome in profile.sources.items()},
        # A source that was not asked about the household because somebody refused it would tell just that.
        unheard=tuple(s for s in profile.unheard if s in profile.sources and profile.sources[s].outcome in _SILENT),
    )


def _silent(member: Member, attributes: dict[str, AttributeState]) -> Member:
    return member._replace(attributes=attributes)


def _uncounted(outcome: SourceOutcome) -> SourceOutcome:
    shown = Outcome.ANSWERED if outcome.outcome is Outcome.NOT_ASKED else outcome.outcome
    return SourceOutcome(shown, reason=outcome.reason)
