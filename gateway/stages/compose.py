"""Compose: from what every registry said, one household profile with the origin of every value. Pure.

The order in which answers arrived plays no part: claims are weighed by the rank that the manifests declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from adapters.manifest import Manifest
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Gathered, Heard, Person
from gateway.stages.plan import Plan
from standards.attributes import Catalogue
from standards.household import HouseholdProfile, Member
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
)

Key = tuple[str, str]


class Composer:
    """Composes profiles over one set of registries; knows which lookups hold which attribute, best first."""

    def __init__(self, manifests: Iterable[Manifest], catalogue: Catalogue, deriver: Deriver) -> None:
        self._catalogue, self._deriver = catalogue, deriver
        holders: dict[str, list[tuple[int, Key]]] = {}
        for manifest in manifests:
            for lookup in manifest.lookups:
                named = [t.lower() for t in lookup.identifiers if t.lower() in catalogue]
                for name in (*lookup.attributes, *named):
                    holders.setdefault(name, []).append((manifest.rank(name), (manifest.id, lookup.name)))
        self._holders = {name: tuple(key for _, key in sorted(ranked)) for name, ranked in holders.items()}

    def compose(self, plan: Plan, gathered: Gathered, names: frozenset[str], now: datetime) -> HouseholdProfile:
        """Return the profile with every attribute of the plan, and every derived one among `names`, in its state."""
        base = [(name, self._catalogue[name]) for name in plan.reads]
        person_names = [(n, d.type == "identifier") for n, d in base if d.entity == "person"]
        asked_keys = {step.key for step in plan.steps}
        found_in = {h.provenance.source_id: h.provenance for h in _told_of_members(gathered) if h.record is not None}
        members = tuple(self._member(p, person_names, asked_keys, plan, found_in) for p in gathered.people)
        group: dict[str, AttributeState] = {}
        for name, definition in base:
            if definition.entity == "household":
                group[name] = self._of_group(name, gathered, asked_keys, plan)
        profile = HouseholdProfile(
            rule=plan.rule.title if plan.rule else "",
            subject=gathered.asked,
            members=members,
            attributes=group,
            sources=gathered.outcomes,
            unheard=gathered.unheard,
        )
        return self._deriver.derive(profile, names, now)

    def _member(
        self,
        person: Person,
        names: Sequence[tuple[str, bool]],
        asked_keys: set[Key],
        plan: Plan,
        found_in: Mapping[str, Provenance],
    ) -> Member:
        attributes: dict[str, AttributeState] = {}
        for name, is_identifier in names:
            if is_identifier:
                state = self._number(name, person, asked_keys, found_in)
            else:
                state = self._settled(name, person, asked_keys)
            attributes[name] = state or self._unasked(name, plan)
        return Member(person.number, person.identifiers, person.relationship, person.evidence, attributes)

    def _settled(self, name: str, person: Person, asked_keys: set[Key]) -> AttributeState | None:
        """Return one attribute's state from everything heard of it, the most authoritative word first.

        None when no registry that holds it was asked.
        """
        claims: list[Value] = []
        silent: AttributeState | None = None
        for key in self._holders.get(name, ()):
            if key not in asked_keys:
                continue
            state = _claim(name, key[0], person, person.heard.get(key))
            if isinstance(state, Value):
                claims.append(state)
            elif isinstance(state, Unavailable) and state.reason is not UnavailableReason.NO_IDENTIFIER:
                # INVARIANT: an outage never changes a value. A lesser word does not stand in for a better one
                # that could not be heard; what was settled with all registries up is now unknown.
                if not claims:
                    return state
            elif silent is None or isinstance(silent, Unavailable):
                silent = state or silent
        return settle(claims) if claims else silent

    def _number(
        self, name: str, person: Person, asked_keys: set[Key], found_in: Mapping[str, Provenance]
    ) -> AttributeState | None:
        """Return the state of an identifier: every number of that type which some registry stated.

        found_in: the records that members were found in, by source.
        """
        type_ = name.upper()
        known = person.identifiers.get(type_)
        claims: list[Value] = []
        silent: AttributeState | None = None
        for key in self._holders.get(name, ()):
            if key not in asked_keys:
                continue
            heard = person.heard.get(key)
            if heard is not None and heard.record is not None and type_ in heard.record.identifiers:
                claims.append(Value(heard.record.identifiers[type_], heard.provenance))
                continue
            state = _claim(name, key[0], person, heard)
            if known is None and isinstance(state, Unavailable) and state.reason is not UnavailableReason.NO_IDENTIFIER:
                # INVARIANT: an outage never changes a value, as in `_settled`. A number that the person was found by
                # cannot change: every registry asked by it states it.
                if not claims:
                    return state
            elif silent is None or isinstance(silent, Absent):
                silent = state or silent
        if known is not None:
            said_by = (found_in.get(e.source_id) for e in person.evidence if e.source_id is not None)
            claims += [Value(known, provenance) for provenance in said_by if provenance is not None]
            claims.sort(key=lambda claim: claim.value != known)
        return settle(claims) if claims else silent

    def _unasked(self, name: str, plan: Plan) -> Unavailable:
        """Return why an attribute is not known of which no registry was asked."""
        is_held = name in plan.unreachable and name in self._holders
        return Unavailable(UnavailableReason.NO_IDENTIFIER if is_held else UnavailableReason.NO_SOURCE)

    def _of_group(self, name: str, gathered: Gathered, asked_keys: set[Key], plan: Plan) -> AttributeState:
        is_identifier = self._catalogue[name].type == "identifier"
        for key in self._holders.get(name, ()):
            if key in asked_keys and (heard := gathered.group.get(key)) is not None:
                if is_identifier and heard.record is not None:
                    number = heard.record.identifiers.get(name.upper())
                    return Value(number, heard.provenance) if number else Absent(heard.provenance)
                return _from_record(name, key[0], heard)
        return self._unasked(name, plan)


def _told_of_members(gathered: Gathered) -> Iterable[Heard]:
    """Return what was heard about the household, and about the family of the person it was found from."""
    return (*(gathered.people[0].heard.values() if gathered.people else ()), *gathered.group.values())


def settle(claims: Sequence[Value]) -> Value | Conflict:
    """Prefer the first claim; keep those that disagree with it as evidence, never drop them.

    claims: at least one, the most authoritative source's first.
    """
    best = claims[0]
    differing = tuple(c for c in claims[1:] if c.value != best.value)
    return Conflict(best, differing) if differing else best


def _claim(name: str, source_id: str, person: Person, heard: Heard | None) -> AttributeState | None:
    if heard is not None:
        return _from_record(name, source_id, heard)
    if person.permit is not None and not person.permit.allows(source_id):
        return Withheld(WithheldReason.CONSENT_REFUSED)
    return None


def _from_record(name: str, source_id: str, heard: Heard) -> AttributeState:
    if heard.reason is not None:
        return Unavailable(heard.reason, source_id)
    record = heard.record
    if record is None:
        return Absent(heard.provenance)
    if name in record.values:
        return Value(record.values[name], heard.provenance)
    if name in record.unusable:
        return Unavailable(record.unusable[name], source_id)
    return Absent(heard.provenance)
