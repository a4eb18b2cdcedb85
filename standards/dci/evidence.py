"""A minimised household profile -> the part of an answer that says where every value came from.

It stands in `data` under prefixed keys, beside the records, so that a consumer who knows only the standard can
leave it unread. Nothing is filtered here: what the profile holds is shown (`policies.minimise` comes before).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from standards.dci.envelope import wire_time
from standards.household import Outcome, SourceOutcome
from standards.reasons import WORDS
from standards.states import Absent, Conflict, Unavailable, Value, Withheld

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from standards.household import Evidence, HouseholdProfile, Member
    from standards.states import AttributeState, Provenance

EVIDENCE: Final = "hearth:evidence"
SOURCES: Final = "hearth:sources"
REASONS: Final = "hearth:reasons"
PLAN: Final = "hearth:plan"


def evidence_extension(
    profiles: Sequence[HouseholdProfile],
    *,
    members: Sequence[int] | None = None,
    plan: str | None = None,
) -> dict[str, Any]:
    """Build every extension member of one answered question.

    profiles: the profile behind each record, in the order of the records.
    members: for answers of single people, the number of the member that each record is about; the other members of
        the profile are then left out.
    plan: the text of the plan, when the question asked to have it explained.
    """
    words = _Words()
    extension: dict[str, object] = {
        EVIDENCE: [
            household_evidence(profile, record, member=members[record] if members else None, words=words)
            for record, profile in enumerate(profiles)
        ],
        # Several records may be about one profile, which was asked for once.
        SOURCES: sources_part(merged_sources(list({id(profile): profile for profile in profiles}.values()))),
    }
    if reasons := words.reasons():
        extension[REASONS] = reasons
    if plan is not None:
        extension[PLAN] = plan
    return extension


def household_evidence(
    profile: HouseholdProfile, record: int, *, member: int | None = None, words: _Words | None = None
) -> dict[str, Any]:
    """Build the entry of one record: the rule, the household's attributes, then member by member.

    member: number of the only member to show, for a record of a single person.
    """
    words = words or _Words()
    shown = profile.members if member is None else [m for m in profile.members if m.number == member]
    entry: dict[str, object] = {
        "record": record,
        "rule": profile.rule,
        "complete": not profile.unheard,
        "unheard": profile.unheard,
    }
    if member is None:
        entry["attributes"] = words.of_all(profile.attributes)
    entry["members"] = [_member(m, words, is_subject=m.number == profile.subject) for m in shown]
    return entry


def sources_part(sources: Mapping[str, SourceOutcome]) -> dict[str, Any]:
    """Build the part that tells what became of every source."""
    part: dict[str, object] = {}
    for source_id, said in sources.items():
        entry: dict[str, object] = {"outcome": said.outcome.value, "calls": said.calls, "cached": said.cached}
        if said.reason is not None:
            entry["reason"] = said.reason.value
        part[source_id] = entry
    return part


def merged_sources(profiles: Sequence[HouseholdProfile]) -> Mapping[str, SourceOutcome]:
    """Return each source's part in several profiles together: counts added, unlike outcomes as `partial`."""
    if len(profiles) == 1:
        return profiles[0].sources
    merged: dict[str, SourceOutcome] = {}
    for profile in profiles:
        for source_id, said in profile.sources.items():
            before = merged.get(source_id)
            merged[source_id] = said if before is None else _together(before, said)
    return merged


def _together(one: SourceOutcome, other: SourceOutcome) -> SourceOutcome:
    outcomes = {one.outcome, other.outcome} - {Outcome.NOT_ASKED}
    return SourceOutcome(
        Outcome.NOT_ASKED if not outcomes else outcomes.pop() if len(outcomes) == 1 else Outcome.PARTIAL,
        one.calls + other.calls,
        one.cached + other.cached,
        one.reason or other.reason,
    )


def _member(member: Member, words: _Words, *, is_subject: bool) -> dict[str, Any]:
    return {
        "member": member.number,
        "asked": is_subject,
        "relationship": member.relationship,
        "evidence": [_evidence(e) for e in member.evidence],
        "attributes": words.of_all(member.attributes),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    part: dict[str, object] = {"basis": evidence.basis}
    if evidence.source_id is not None:
        part["source"] = evidence.source_id
    if evidence.relation is not None:
        part["relation"] = evidence.relation
    if evidence.of is not None:
        part["of"] = evidence.of
    if evidence.score is not None:
        part["score"] = evidence.score
    return part


class _Words:
    """States as dictionaries; equal ones are one object, since the attributes of a record share a provenance."""

    def __init__(self) -> None:
        # Keyed by identity: hashing a provenance costs more than its dictionary. The profile keeps it alive.
        self._values: dict[int, dict[str, object]] = {}
        self._absents: dict[int, dict[str, object]] = {}
        self._holes: dict[AttributeState, dict[str, object]] = {}

    def of_all(self, states: Mapping[str, AttributeState]) -> dict[str, Any]:
        """Return attribute name -> its state; the values themselves stand in the record, not here."""
        values = self._values
        return {
            name: (values.get(id(state.provenance)) or self._value(state.provenance))
            if type(state) is Value
            else self._other(state)
            for name, state in states.items()
        }

    def reasons(self) -> dict[str, str]:
        """Return every reason among the states told so far, with what it means to the programme."""
        found = {state.reason for state in self._holes if isinstance(state, Withheld | Unavailable)}
        return {reason.value: WORDS[reason].consumer for reason in sorted(found)}

    def _value(self, provenance: Provenance) -> dict[str, Any]:
        made = self._values[id(provenance)] = _origin("value", provenance)
        return made

    def _other(self, state: AttributeState) -> dict[str, Any]:
        if isinstance(state, Absent):
            known = self._absents.get(id(state.provenance))
            if known is None:
                known = self._absents[id(state.provenance)] = _origin("absent", state.provenance)
            return known
        if isinstance(state, Conflict):
            return _conflict(state)
        known = self._holes.get(state)
        if known is None:
            known = self._holes[state] = _hole(state)
        return known


def _origin(state: str, provenance: Provenance) -> dict[str, Any]:
    source_id, retrieved_at, as_of, cached, derived_from, stale, stand_in, formerly = provenance
    moment = wire_time(retrieved_at)
    part: dict[str, object] = (
        {"state": state, "source": source_id, "retrieved_at": moment, "cached": cached}
        if as_of is None
        else {"state": state, "source": source_id, "retrieved_at": moment, "as_of": as_of, "cached": cached}
    )
    if stale:
        part["stale"] = True
    if stand_in:
        part["stand_in"] = True
    if derived_from:
        part["derived_from"] = derived_from
    if formerly:
        part["formerly"] = formerly
    return part


def _conflict(state: Conflict) -> dict[str, Any]:
    part = _origin("conflict", state.settled.provenance)
    differing = []
    for claim in state.differing:
        other: dict[str, object] = {"value": claim.value, "source": claim.provenance.source_id}
        if claim.provenance.as_of is not None:
            other["as_of"] = claim.provenance.as_of
        differing.append(other)
    part["differing"] = differing
    return part


def _hole(state: AttributeState) -> dict[str, Any]:
    if isinstance(state, Withheld):
        return {"state": "withheld", "reason": state.reason.value}
    if isinstance(state, Unavailable):
        part: dict[str, object] = {"state": "unavailable", "reason": state.reason.value}
        if state.source_id is not None:
            part["source"] = state.source_id
        if state.until is not None:
            part["until"] = state.until
        return part
    message = f"not the state of an attribute: {type(state).__name__}"
    raise TypeError(message)
