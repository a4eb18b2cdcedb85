"""Compose: from what every registry said, one household profile with the origin of every value. Pure.

The order in which answers arrived plays no part: claims are weighed by the rank that the manifests declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from adapters.manifest import Manifest
from gateway.stages.claims import Weighing
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Gathered, Heard, Person
from gateway.stages.identity import issuers_of
from gateway.stages.plan import Plan
from gateway.stages.stand_in import StandIns
from gateway.stages.table import Key, Number, Table, Tables
from standards.attributes import Catalogue, ValueType
from standards.household import HouseholdProfile, Member, Outcome, SourceOutcome
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    JsonValue,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)

_NO_CLAIM = frozenset({UnavailableReason.NO_IDENTIFIER, UnavailableReason.NOT_AS_OF})
"""Reasons that no better hour will change: they keep no other source from settling an attribute."""
_EXACT = Weighing()
"""Numbers are the same or they are not."""
_NOTHING: Mapping[str, JsonValue] = {}
_new = tuple.__new__
"""Makes a named tuple without the detour over its own constructor, which takes twice as long."""

_Word = tuple[Mapping[str, JsonValue], Provenance]
"""What one lookup told of a person, by attribute."""


class Composer:
    """Composes profiles over one set of registries; knows which lookups hold which attribute, best first."""

    def __init__(self, manifests: Iterable[Manifest], catalogue: Catalogue, deriver: Deriver) -> None:
        self._catalogue, self._deriver = catalogue, deriver
        manifests = tuple(manifests)
        self._weighing = {d.name: Weighing.of(d) for d in catalogue}
        self._stand_ins = StandIns(manifests, self._weighing)
        past = tuple(p for m in manifests if (p := m.for_past()) is not None)
        holders, past_holders = _holders(manifests, catalogue), _holders(past, catalogue)
        self._tables = Tables(catalogue, self._weighing, issuers_of(manifests), holders, past_holders)

    def compose(
        self,
        plan: Plan,
        gathered: Gathered,
        names: frozenset[str],
        now: datetime,
        as_of: date | None = None,
    ) -> HouseholdProfile:
        """Return the profile with every attribute of the plan, and every derived one among `names`, in its state.

        as_of: the past date that the question is about; None when it is about today.
        """
        table = self._tables.of(plan, is_past=as_of is not None)
        if as_of is not None:
            gathered = _dated(gathered, as_of)
        today = as_of or now.date()
        profile = HouseholdProfile(
            rule=plan.rule.title if plan.rule else "",
            subject=gathered.asked,
            members=tuple(self._member(person, table, gathered, today) for person in gathered.people),
            attributes={
                name: self._of_group(name, keys, gathered) or unasked for name, keys, unasked in table.of_household
            },
            sources=_without_past(gathered) if as_of is not None else gathered.outcomes,
            unheard=gathered.unheard,
        )
        return self._stand_ins.fill(self._deriver.derive(profile, names, now, as_of), gathered)

    def _member(self, person: Person, table: Table, gathered: Gathered, today: date) -> Member:
        attributes: dict[str, AttributeState] = {**table.unasked}
        told = _told(person)
        for key, names in table.alone:
            if key in told:
                values, provenance = told[key]
                absent = _new(Absent, (provenance,))
                for name in names:
                    attributes[name] = _new(Value, (values[name], provenance)) if name in values else absent
            else:
                for name in names:
                    attributes[name] = _claim(name, key[0], person, person.heard.get(key)) or attributes[name]
        for keys, names, by_age in table.shared:
            words = [told[key] for key in keys if key in told]
            is_plain = len(words) == len(keys) and not by_age
            for name in names:
                agreed = _undisputed(name, words) if is_plain else None
                attributes[name] = agreed or self._settled(name, keys, person, today) or attributes[name]
        for number in table.numbers:
            state = _issued(number, person) or self._number(number, person, gathered)
            attributes[number.name] = state or attributes[number.name]
        return Member(person.number, person.identifiers, person.relationship, person.evidence, attributes)

    def _settled(self, name: str, keys: Sequence[Key], person: Person, today: date) -> AttributeState | None:
        """Return one attribute's state from everything heard of it, the most authoritative word first.

        None when no registry that holds it was asked.
        """
        claims: list[Value] = []
        silent: AttributeState | None = None
        for key in keys:
            state = _claim(name, key[0], person, person.heard.get(key))
            if isinstance(state, Value):
                claims.append(state)
            elif isinstance(state, Unavailable) and state.reason not in _NO_CLAIM:
                # INVARIANT: an outage never changes a value. A lesser word does not stand in for a better one
                # that could not be heard; what was settled with all registries up is now unknown. Where a manifest
                # declares otherwise, the hole is filled at the very end, and labelled: see `stand_in.py`.
                if not claims:
                    return state
                # Nor does a better word stand that a fresher one, not heard, might have outdone.
                if self._weighing[name].may_be_outdone(claims[0], today):
                    return state
            elif silent is None or isinstance(silent, Unavailable):
                silent = state or silent
        return self._weighing[name].settle(claims) if claims else silent

    def _number(self, number: Number, person: Person, gathered: Gathered) -> AttributeState | None:
        """Return the state of an identifier: every number of that type which some registry stated."""
        name, type_, keys, issuers = number
        known = person.identifiers.get(type_)
        claims: list[Value] = []
        silent: AttributeState | None = None
        outage: AttributeState | None = None
        for key in keys:
            heard = person.heard.get(key)
            if heard is not None and heard.record is not None and type_ in heard.record.identifiers:
                claims.append(Value(heard.record.identifiers[type_], heard.provenance))
                continue
            state = _claim(name, key[0], person, heard)
            if isinstance(state, Unavailable) and state.reason not in _NO_CLAIM:
                # INVARIANT: an outage never changes a value, as in `_settled`. A number that the person was found by
                # cannot change: every registry asked by it states it.
                if known is None and (not claims or key[0] in issuers):
                    return state
                outage = outage or state
            elif silent is None or isinstance(silent, Unavailable):
                silent = state or silent
        if known is not None:
            found_in = {
                h.provenance.source_id: h.provenance for h in _told_of_members(gathered) if h.record is not None
            }
            said_by = (found_in.get(e.source_id) for e in person.evidence if e.source_id is not None)
            claims += [Value(known, provenance) for provenance in said_by if provenance is not None]
            if not claims and outage is None:
                # Whoever is asked by a number verifies it, also without stating it: a silent one leaves it open.
                outage = next((u for k, h in sorted(person.heard.items()) if (u := _outage(k[0], h))), None)
        if len(claims) > 1:
            # The issuer's word comes first; a second number that is surely the same person's is no disagreement.
            claims = [c for c in claims if (type_, c.value) not in person.aliases]
            claims.sort(key=lambda claim: (claim.provenance.source_id not in issuers, claim.value != known))
        return _EXACT.settle(claims) if claims else outage or silent

    def _of_group(self, name: str, keys: Sequence[Key], gathered: Gathered) -> AttributeState | None:
        for key in keys:
            if (heard := gathered.group.get(key)) is not None:
                if heard.record is not None and self._catalogue[name].type is ValueType.IDENTIFIER:
                    number = heard.record.identifiers.get(name.upper())
                    return Value(number, heard.provenance) if number else Absent(heard.provenance)
                return _from_record(name, key[0], heard)
        return None


def _told(person: Person) -> dict[Key, _Word]:
    """Return the words that count whole: a record that can be understood, or that there is none."""
    told: dict[Key, _Word] = {}
    refused = person.permit.refused_attributes if person.permit is not None else {}
    for key, (record, provenance, reason, *_) in person.heard.items():
        if reason is None and key[0] not in refused and (record is None or not record.unusable):
            told[key] = (record.values if record is not None else _NOTHING), provenance
    return told


def _undisputed(name: str, words: Sequence[_Word]) -> Value | Absent | None:
    """Return the state of an attribute when whoever states it says the same; None when they differ.

    words: of every lookup that might state it, the most authoritative first.
    """
    best: Value | None = None
    for values, provenance in words:
        if name in values:
            if best is None:
                best = _new(Value, (values[name], provenance))
            elif values[name] != best.value:
                return None
    return best or Absent(words[0][1])


def _issued(number: Number, person: Person) -> Value | None:
    """Return the word of the registry that issues a number, when all were heard and nobody states another one."""
    best: Value | None = None
    known = person.identifiers.get(number.type)
    for key in number.keys:
        heard = person.heard.get(key)
        if heard is None:
            continue
        if heard.reason is not None or person.aliases or (heard.record is not None and heard.record.unusable):
            return None
        stated = heard.record.identifiers.get(number.type) if heard.record is not None else None
        if stated is None:
            continue
        if known is not None and stated != known:
            return None
        known = stated
        if best is None and key[0] in number.issuers:
            best = Value(stated, heard.provenance)
    return best


def _holders(manifests: Iterable[Manifest], catalogue: Catalogue) -> Mapping[str, tuple[Key, ...]]:
    """Return for every attribute the lookups that hold it, the most authoritative first."""
    holders: dict[str, list[tuple[int, Key]]] = {}
    for manifest in manifests:
        for lookup in (k for k in manifest.lookups if not k.boundary):
            named = [t.lower() for t in lookup.identifiers if t.lower() in catalogue]
            for name in (*lookup.attributes, *named):
                holders.setdefault(name, []).append((manifest.rank(name), (manifest.id, lookup.name)))
    return {name: tuple(key for _, key in sorted(ranked)) for name, ranked in holders.items()}


def _dated(gathered: Gathered, day: date) -> Gathered:
    """Return what was heard as holding on the day asked about, whenever the registries wrote it."""

    def on_day(said: Mapping[Key, Heard]) -> dict[Key, Heard]:
        return {k: h._replace(provenance=h.provenance._replace(as_of=day.isoformat())) for k, h in said.items()}

    for person in gathered.people:
        person.heard = on_day(person.heard)
    return gathered._replace(group=on_day(gathered.group))


def _without_past(gathered: Gathered) -> Mapping[str, SourceOutcome]:
    """Return what became of every source, where those missing on who was a member keep no history."""
    missing = SourceOutcome(Outcome.UNAVAILABLE, reason=UnavailableReason.NOT_AS_OF)
    return {
        id_: missing if id_ in gathered.unheard and said.outcome is Outcome.NOT_ASKED else said
        for id_, said in gathered.outcomes.items()
    }


def _outage(source_id: str, heard: Heard) -> Unavailable | None:
    if heard.reason is None or heard.reason in _NO_CLAIM:
        return None
    return Unavailable(heard.reason, source_id, heard.until)


def _told_of_members(gathered: Gathered) -> Iterable[Heard]:
    """Return what was heard about the household, and about the family of the person it was found from."""
    return (*(gathered.people[0].heard.values() if gathered.people else ()), *gathered.group.values())


def settle(claims: Sequence[Value]) -> Value | Conflict:
    """Prefer the first claim; keep those that disagree with it as evidence, never drop them.

    claims: at least one, the most authoritative source's first.
    """
    return _EXACT.settle(claims)


def _claim(name: str, source_id: str, person: Person, heard: Heard | None) -> AttributeState | None:
    permit = person.permit
    if permit is not None and permit.refused_attributes and name in permit.refused_attributes.get(source_id, ()):
        return Withheld(WithheldReason.CONSENT_REFUSED)
    if heard is not None:
        return _from_record(name, source_id, heard)
    if person.permit is not None and not person.permit.allows(source_id):
        return Withheld(WithheldReason.CONSENT_REFUSED)
    return None


def _from_record(name: str, source_id: str, heard: Heard) -> AttributeState:
    if heard.reason is not None:
        return Unavailable(heard.reason, source_id, heard.until)
    record = heard.record
    if record is None:
        return Absent(heard.provenance)
    if name in record.values:
        return Value(record.values[name], heard.provenance)
    if name in record.unusable:
        return Unavailable(record.unusable[name], source_id)
    return Absent(heard.provenance)
