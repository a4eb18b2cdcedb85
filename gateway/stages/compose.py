"""Compose: from what every registry said, one household profile with the origin of every value. Pure.

The order in which answers arrived plays no part: claims are weighed by the rank that the manifests declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from adapters.manifest import Manifest
from gateway.stages.claims import Weighing
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Gathered, Heard, Person
from gateway.stages.identity import issuers_of
from gateway.stages.plan import Plan
from gateway.stages.stand_in import StandIns
from standards.attributes import Catalogue
from standards.household import HouseholdProfile, Member, Outcome, SourceOutcome
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
_NO_CLAIM = frozenset({UnavailableReason.NO_IDENTIFIER, UnavailableReason.NOT_AS_OF})
"""Reasons that no better hour will change: they keep no other source from settling an attribute."""


class _Asked(NamedTuple):
    """What a plan had asked, and the day of the question."""

    keys: frozenset[Key]
    """Lookups whose word counts. What was asked only because a better registry was silent is no claim beside them."""
    plan: Plan
    found_in: Mapping[str, Provenance]
    """The records that members were found in, by source."""
    holders: Mapping[str, tuple[Key, ...]]
    """Attribute -> lookups that can tell it of that day, the most authoritative first."""
    today: date


class Composer:
    """Composes profiles over one set of registries; knows which lookups hold which attribute, best first."""

    def __init__(self, manifests: Iterable[Manifest], catalogue: Catalogue, deriver: Deriver) -> None:
        self._catalogue, self._deriver = catalogue, deriver
        manifests = tuple(manifests)
        self._issuers = issuers_of(manifests)
        self._weighing = {d.name: Weighing.of(d) for d in catalogue}
        self._stand_ins = StandIns(manifests, self._weighing)
        self._holders = _holders(manifests, catalogue)
        self._past_holders = _holders((p for m in manifests if (p := m.for_past()) is not None), catalogue)

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
        if as_of is not None:
            gathered = _dated(gathered, as_of)
        base = [(name, self._catalogue[name]) for name in plan.reads]
        person_names = [(n, d.type == "identifier") for n, d in base if d.entity == "person"]
        asked = _Asked(
            keys=frozenset(step.key for step in plan.steps if not step.instead_of),
            plan=plan,
            found_in={h.provenance.source_id: h.provenance for h in _told_of_members(gathered) if h.record is not None},
            holders=self._holders if as_of is None else self._past_holders,
            today=as_of or now.date(),
        )
        members = tuple(self._member(person, person_names, asked) for person in gathered.people)
        group: dict[str, AttributeState] = {}
        for name, definition in base:
            if definition.entity == "household":
                group[name] = self._of_group(name, gathered, asked)
        profile = HouseholdProfile(
            rule=plan.rule.title if plan.rule else "",
            subject=gathered.asked,
            members=members,
            attributes=group,
            sources=_without_past(gathered) if as_of is not None else gathered.outcomes,
            unheard=gathered.unheard,
        )
        return self._stand_ins.fill(self._deriver.derive(profile, names, now, as_of), gathered)

    def _member(self, person: Person, names: Sequence[tuple[str, bool]], asked: _Asked) -> Member:
        attributes: dict[str, AttributeState] = {}
        for name, is_identifier in names:
            state = self._number(name, person, asked) if is_identifier else self._settled(name, person, asked)
            attributes[name] = state or self._unasked(name, asked)
        return Member(person.number, person.identifiers, person.relationship, person.evidence, attributes)

    def _settled(self, name: str, person: Person, asked: _Asked) -> AttributeState | None:
        """Return one attribute's state from everything heard of it, the most authoritative word first.

        None when no registry that holds it was asked.
        """
        claims: list[Value] = []
        silent: AttributeState | None = None
        for key in asked.holders.get(name, ()):
            if key not in asked.keys:
                continue
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
                if self._weighing[name].may_be_outdone(claims[0], asked.today):
                    return state
            elif silent is None or isinstance(silent, Unavailable):
                silent = state or silent
        return self._weighing[name].settle(claims) if claims else silent

    def _number(self, name: str, person: Person, asked: _Asked) -> AttributeState | None:
        """Return the state of an identifier: every number of that type which some registry stated."""
        type_ = name.upper()
        known, issuers = person.identifiers.get(type_), self._issuers.get(type_, frozenset())
        claims: list[Value] = []
        silent: AttributeState | None = None
        outage: AttributeState | None = None
        for key in asked.holders.get(name, ()):
            if key not in asked.keys:
                continue
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
            said_by = (asked.found_in.get(e.source_id) for e in person.evidence if e.source_id is not None)
            claims += [Value(known, provenance) for provenance in said_by if provenance is not None]
            if not claims and outage is None:
                # Whoever is asked by a number verifies it, also without stating it: a silent one leaves it open.
                outage = next((u for k, h in sorted(person.heard.items()) if (u := _outage(k[0], h))), None)
        if len(claims) > 1:
            # The issuer's word comes first; a second number that is surely the same person's is no disagreement.
            claims = [c for c in claims if (type_, c.value) not in person.aliases]
            claims.sort(key=lambda claim: (claim.provenance.source_id not in issuers, claim.value != known))
        return _EXACT.settle(claims) if claims else outage or silent

    def _unasked(self, name: str, asked: _Asked) -> Unavailable:
        """Return why an attribute is not known of which no registry was asked."""
        today_only = () if name in asked.holders else self._holders.get(name, ())
        if today_only:
            return Unavailable(UnavailableReason.NOT_AS_OF, today_only[0][0])
        is_held = name in asked.plan.unreachable and name in asked.holders
        return Unavailable(UnavailableReason.NO_IDENTIFIER if is_held else UnavailableReason.NO_SOURCE)

    def _of_group(self, name: str, gathered: Gathered, asked: _Asked) -> AttributeState:
        is_identifier = self._catalogue[name].type == "identifier"
        for key in asked.holders.get(name, ()):
            if key in asked.keys and (heard := gathered.group.get(key)) is not None:
                if is_identifier and heard.record is not None:
                    number = heard.record.identifiers.get(name.upper())
                    return Value(number, heard.provenance) if number else Absent(heard.provenance)
                return _from_record(name, key[0], heard)
        return self._unasked(name, asked)


_EXACT = Weighing()
"""Numbers are the same or they are not."""


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
    return Unavailable(heard.reason, source_id)


def _told_of_members(gathered: Gathered) -> Iterable[Heard]:
    """Return what was heard about the household, and about the family of the person it was found from."""
    return (*(gathered.people[0].heard.values() if gathered.people else ()), *gathered.group.values())


def settle(claims: Sequence[Value]) -> Value | Conflict:
    """Prefer the first claim; keep those that disagree with it as evidence, never drop them.

    claims: at least one, the most authoritative source's first.
    """
    return _EXACT.settle(claims)


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
