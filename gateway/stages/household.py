"""Household: from a boundary rule and what the registries said, the people who belong together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.ports import GroupMember
from gateway.stages.identity import Issuers, Word, same_people
from gateway.stages.kin import Tree, reach
from standards.household import Evidence
from standards.identifiers import SHARED_TYPES, Identifier
from standards.rules import PERSON_ONLY, BoundaryRule, Combination

if TYPE_CHECKING:
    from adapters.manifest import Lookup, Manifest
    from gateway.stages.calls import Heard


class Found(NamedTuple):
    """Somebody whom the rule takes into the household."""

    identifiers: Mapping[str, str]
    relationship: str
    evidence: tuple[Evidence, ...]
    aliases: frozenset[Identifier] = frozenset()
    """Further numbers of the same person, of types that `identifiers` has another number of."""


class Membership(NamedTuple):
    """Who belongs to the household, the person asked about first; and whose word on it is missing."""

    found: tuple[Found, ...]
    unheard: tuple[str, ...] = ()


class _Entry(NamedTuple):
    """One part's word that somebody is a member."""

    numbers: Mapping[str, str]
    relationship: str
    evidence: Evidence
    place: int = -1
    """In the tree of kin."""


class _Part(NamedTuple):
    """What one part of a rule says; entries may name the person asked about."""

    name: str
    entries: tuple[_Entry, ...] = ()
    says: bool = False
    """It knows something about this household."""
    unheard: str | None = None
    """The registry whose word is missing or cut short."""
    note: Evidence | None = None
    """Why it says nothing, where that is worth knowing."""
    source_id: str = ""


def settle(
    rule: BoundaryRule | None,
    asked: Mapping[str, str] | None,
    *,
    group: Heard | None = None,
    kin: Heard | None = None,
    today: date,
    residents: Heard | None = None,
    words: Mapping[Identifier, Heard] | None = None,
    issuers: Issuers | None = None,
    by_group: bool = False,
) -> Membership:
    """Return the household of `asked`; of the head of the group, who comes first, when nobody in it is known yet.

    When a registry that the rule listens to could not be heard, the household is what the others say, and `unheard`
    names the silent one, so that nobody takes a shorter list for the whole.
    words: number -> what civil registration said about the people found on the way.
    by_group: the household was asked for by its own number, so nobody in it was asked about.
    """
    rule, issuers = rule or PERSON_ONLY, issuers or {}
    if asked is None:
        head = _head(group)
        if not head.found:
            return head
        asked, by_group = head.found[0].identifiers, True
    parts: list[_Part] = []
    tree = None
    is_first = rule.combine is Combination.FIRST
    if rule.registered and group is not None:
        parts.append(_registered(group))
    # While an earlier part could not be heard, a later one stands in, and the list counts as incomplete.
    if rule.kin and kin is not None and not (is_first and any(part.says for part in parts)):
        tree = reach(rule, asked, kin, words or {}, today) if kin.record is not None else None
        parts.append(_kin(kin, tree))
    if rule.co_residence and residents is not None and not (is_first and any(part.says for part in parts)):
        parts.append(_co_residence(residents, rule))
    if rule.registered and len(parts) == 1 and parts[0].says and len(parts[0].entries) < rule.max_members:
        plain = _as_recorded(asked, parts[0].entries, by_group=by_group)
        if plain is not None:
            return Membership(plain)
    everyone = rule.combine is not Combination.INTERSECTION
    return _Gathering(rule, asked, parts, tree, issuers).membership(everyone=everyone, by_group=by_group)


def _as_recorded(asked: Mapping[str, str], entries: Sequence[_Entry], *, by_group: bool) -> tuple[Found, ...] | None:
    """Return a recorded group as it is: what most households are. None when anybody shares a number with another."""
    me: Found | None = None
    others: list[Found] = []
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        numbers = entry.numbers.items()
        if any(asked.get(type_) == value for type_, value in numbers):
            if me is not None or any(asked.get(type_, value) != value for type_, value in numbers):
                return None
            evidence = (entry.evidence,) if by_group else (_ASKED, entry.evidence)
            me = Found({**asked, **entry.numbers}, entry.relationship, evidence)
        else:
            if not seen.isdisjoint(numbers):
                return None
            others.append(Found(entry.numbers, entry.relationship, (entry.evidence,)))
        seen.update(numbers)
    return (me or Found(asked, "", (_ASKED,)), *others)


def is_decided(rule: BoundaryRule, group: Heard | None) -> bool:
    """Tell whether the recorded group has decided who belongs together, so that nobody else is listened to."""
    is_first = rule.registered and rule.combine is Combination.FIRST
    return is_first and group is not None and group.record is not None


def missing(
    rule: BoundaryRule,
    lookups: Iterable[tuple[Manifest, Lookup]],
    *,
    group: Heard | None,
    kin: Heard | None,
    residents: Heard | None,
) -> Iterator[str]:
    """Yield the registries that the rule listens to, and that may not or cannot be asked about this person."""
    if is_decided(rule, group):
        return
    for manifest, lookup in lookups:
        tells = (
            (rule.registered and lookup.members and not lookup.boundary and group is None)
            or (rule.kin and lookup.kin and kin is None)
            or (rule.co_residence and lookup.members and lookup.boundary and residents is None)
        )
        if tells:
            yield manifest.id


def _head(group: Heard | None) -> Membership:
    """Return the head of a recorded group, else whoever is named first in it."""
    if group is None or group.record is None:
        return Membership((), (group.provenance.source_id,) if group is not None and group.reason else ())
    heads = sorted(group.record.members, key=lambda member: member.relationship != "SELF")[:1]
    source = group.provenance.source_id
    return Membership(
        tuple(Found(m.identifiers, m.relationship, (Evidence("registered", source, m.relationship),)) for m in heads)
    )


def _registered(group: Heard) -> _Part:
    source = group.provenance.source_id
    if group.record is None:
        return _Part("registered", unheard=source if group.reason else None)
    entries = tuple(
        _Entry(m.identifiers, m.relationship, Evidence("registered", source, m.relationship))
        for m in group.record.members
    )
    return _Part("registered", entries, says=True, source_id=source)


def _kin(kin: Heard, tree: Tree | None) -> _Part:
    source = kin.provenance.source_id
    if tree is None:
        return _Part("kin", unheard=source if kin.reason else None)
    _, relationships = tree.relationships()
    entries = tuple(
        _Entry(one.numbers, relationships[place], Evidence("kin", source, one.relation, of=one.of), place)
        for place, one in enumerate(tree.relatives)
        if place and place in relationships
    )
    return _Part("kin", entries, True, None if tree.is_whole else source, None, source)


def _co_residence(residents: Heard, rule: BoundaryRule) -> _Part:
    source = residents.provenance.source_id
    if residents.record is None:
        return _Part("co-residence", unheard=source if residents.reason else None)
    members: Sequence[GroupMember] = residents.record.members
    if not 0 < len(members) <= rule.max_residents:
        # Where so many live that the platform names none, or more than the rule takes, people share a roof, not a life.
        return _Part("co-residence", note=Evidence("crowded_address", source))
    entries = tuple(
        _Entry(m.identifiers, m.relationship, Evidence("co-residence", source))
        for m in sorted(members, key=lambda member: sorted(member.identifiers.items()))
    )
    return _Part("co-residence", entries, says=True, source_id=source)


_ASKED: Final = Evidence("asked")


class _Gathering:
    """The people of several parts, made into one list."""

    def __init__(
        self, rule: BoundaryRule, asked: Mapping[str, str], parts: Sequence[_Part], tree: Tree | None, issuers: Issuers
    ) -> None:
        self.rule, self.asked, self.parts, self.tree = rule, asked, parts, tree
        self.entries = [(part.name, entry) for part in parts for entry in part.entries]
        own = {t: v for t, v in asked.items() if t not in SHARED_TYPES}
        vouches = {
            part.name: frozenset(t for t, sources in issuers.items() if part.source_id in sources) for part in parts
        }
        words = [Word(own), *(Word(entry.numbers, vouches[name]) for name, entry in self.entries)]
        self.people, self.ambiguous = same_people(words)

    def membership(self, *, everyone: bool, by_group: bool) -> Membership:
        """Return the members: of `everyone` in any part, else of those in every part that could be heard."""
        heard = {part.name for part in self.parts if part.says or part.unheard is None}
        chosen = [
            places
            for places in self.people
            if places[0] == 0 or everyone or heard <= {self.entries[place - 1][0] for place in places}
        ]
        unheard = [part.unheard for part in self.parts if part.unheard is not None]
        notes = [part.note for part in self.parts if part.note is not None]
        if len(chosen) > self.rule.max_members:
            cut = sorted({e.source_id for p in chosen for e in self._evidence(p) if e.source_id is not None})
            chosen = chosen[: self.rule.max_members]
            unheard += cut
            notes += [Evidence("too_many", source) for source in cut]
        numbers = self._numbers_in_tree(chosen)
        relationships = self._relationships(chosen, numbers)
        found = [
            self._found(places, relationships[number], numbers, by_group=by_group)
            for number, places in enumerate(chosen)
        ]
        found[0] = found[0]._replace(evidence=(*found[0].evidence, *notes))
        return Membership(tuple(found), tuple(dict.fromkeys(unheard)))

    def _numbers_in_tree(self, chosen: Iterable[Sequence[int]]) -> Mapping[int, int]:
        """Return place in the tree of kin -> number of the member."""
        return {0: 0} | {
            self.entries[place - 1][1].place: number
            for number, places in enumerate(chosen)
            for place in places
            if place and self.entries[place - 1][0] == "kin"
        }

    def _evidence(self, places: Iterable[int]) -> Iterator[Evidence]:
        for place in places:
            if place:
                yield self.entries[place - 1][1].evidence

    def _relationships(self, chosen: Sequence[Sequence[int]], numbers: Mapping[int, int]) -> Sequence[str]:
        """Return what everybody is to the head: by the recorded group where there is one, else by kin."""
        recorded = [self._relationship_in("registered", places) for places in chosen]
        if "SELF" in recorded:
            return recorded
        if any(part.name == "registered" and part.says for part in self.parts):
            return recorded
        if len(chosen) == 1:
            return ["SELF"]
        if self.tree is None:
            return [""] * len(chosen)
        head, by_place = self.tree.relationships()
        if head not in numbers:
            return [""] * len(chosen)
        by_number = {number: by_place[place] for place, number in numbers.items() if place in by_place}
        return [by_number.get(number, "") for number in range(len(chosen))]

    def _relationship_in(self, part: str, places: Sequence[int]) -> str:
        said = (self.entries[place - 1] for place in places if place)
        return next((entry.relationship for name, entry in said if name == part), "")

    def _found(self, places: Sequence[int], relationship: str, numbers: Mapping[int, int], *, by_group: bool) -> Found:
        identifiers: dict[str, str] = dict(self.asked) if places[0] == 0 else {}
        aliases = set()
        for _, entry in (self.entries[place - 1] for place in places if place):
            for type_, value in entry.numbers.items():
                if type_ not in SHARED_TYPES and identifiers.setdefault(type_, value) != value:
                    aliases.add(Identifier(type_, value))
        said = [self._placed(evidence, numbers) for evidence in self._evidence(places)]
        if places[0] == 0 and not (by_group and said):
            said.insert(0, _ASKED)
        if self.ambiguous.intersection(places):
            said.append(Evidence("ambiguous_identity"))
        if aliases:
            said.append(Evidence("double_registration"))
        return Found(identifiers, relationship, tuple(dict.fromkeys(said)), frozenset(aliases))

    def _placed(self, evidence: Evidence, numbers: Mapping[int, int]) -> Evidence:
        """Return evidence with the member's number in the place of the one in the tree; None for no member."""
        return evidence if evidence.of is None else evidence._replace(of=numbers.get(evidence.of))
