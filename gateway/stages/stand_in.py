"""Stand-ins: a lesser registry's word in place of a better one that could not be heard, labelled as such. Pure.

Only where a manifest declares it, attribute by attribute; by default nothing stands in. It is done after everything
derived is derived: a stand-in is shown, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.manifest import Manifest
from gateway.stages.claims import Weighing
from gateway.stages.fetch import Gathered, Person
from gateway.stages.steps import SILENCE
from standards.household import HouseholdProfile, Member
from standards.states import AttributeState, Conflict, Unavailable, Value

Key = tuple[str, str]


class StandIns:
    """Knows which lookups may stand in for which attribute, the most authoritative first."""

    def __init__(self, manifests: Iterable[Manifest], weighing: Mapping[str, Weighing]) -> None:
        self._weighing = weighing
        able: dict[str, list[tuple[int, Key]]] = {}
        for manifest in manifests:
            for lookup in manifest.lookups:
                for name in set(lookup.attributes) & set(manifest.stands_in_for):
                    able.setdefault(name, []).append((manifest.rank(name), (manifest.id, lookup.name)))
        self._able = {name: tuple(key for _, key in sorted(ranked)) for name, ranked in able.items()}

    def fill(self, profile: HouseholdProfile, gathered: Gathered) -> HouseholdProfile:
        """Return the profile with every hole of silence filled that a declared stand-in has a value for."""
        if all(outcome.reason is None for outcome in gathered.outcomes.values()):
            return profile
        people = {person.number: person for person in gathered.people}
        members = tuple(self._member(m, people[m.number]) if m.number in people else m for m in profile.members)
        return profile._replace(members=members)

    def _member(self, member: Member, person: Person) -> Member:
        found = {
            name: value
            for name, state in member.attributes.items()
            if isinstance(state, Unavailable) and state.reason in SILENCE
            for value in self._value(name, person)
        }
        return member._replace(attributes={**member.attributes, **found}) if found else member

    def _value(self, name: str, person: Person) -> Iterable[AttributeState]:
        """Yield the best word that may stand in, with those beside it that differ; nothing when there is none.

        INVARIANT: an outage is never a "no": only a value stands in, never the absence of one.
        """
        heard = [one for key in self._able.get(name, ()) if (one := person.heard.get(key)) and one.record]
        claims = [
            Value(one.record.values[name], one.provenance._replace(stand_in=True))
            for one in heard
            if one.record and name in one.record.values
        ]
        if claims:
            yield self._weighing[name].settle(claims)


def is_stand_in(state: AttributeState | None) -> bool:
    """Tell whether a state rests on a stand-in, so that nothing may be concluded from it."""
    best = state.settled if isinstance(state, Conflict) else state
    return isinstance(best, Value) and best.provenance.stand_in
