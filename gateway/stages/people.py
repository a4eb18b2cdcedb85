"""People: everybody whom a question comes to know of, with what was heard of them, and who of them are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from gateway.stages.calls import Heard
from gateway.stages.household import Found
from gateway.stages.identity import Issuers, Word, agreed, crosswalk, refused, same_people, strangers, who
from gateway.stages.kin import relationships_by_ties
from gateway.stages.linking import DETAIL, SCORE
from gateway.stages.steps import Plan, Step
from policies.engine import narrowed
from standards.household import Evidence
from standards.identifiers import PLACE_TYPES, SHARED_TYPES, Identifier
from standards.permit import PersonPermit

AMBIGUOUS = Evidence("ambiguous_identity")


class Person:
    """Somebody in the household under construction, or somebody on the way to it."""

    __slots__ = (
        "aliases", "evidence", "heard", "identifiers", "linked", "matched_at", "number", "permit", "relationship",
    )  # fmt: skip

    def __init__(self, number: int, found: Found) -> None:
        self.number = number
        self.identifiers = dict(found.identifiers)
        self.aliases = found.aliases
        """Numbers that are surely this person's too, though `identifiers` has another one of their type."""
        self.relationship = found.relationship
        self.evidence = found.evidence
        self.permit: PersonPermit | None = None
        self.heard: dict[tuple[str, str], Heard] = {}
        self.linked: dict[str, str] = {}
        """Numbers at registries that know no other one of this person, who was found there by what else is known. Good
        for asking these by, and for nothing else."""
        self.matched_at: dict[Identifier, datetime] = {}
        """When the person was found by each of these."""

    def leading_number(self) -> Identifier:
        """Return one number that the person was found by, always the same."""
        return Identifier(*min(self.identifiers.items()))

    def linked_by(self, heard: Heard) -> Heard:
        """Take what a look-up by traits found: a number to ask by; and return it as what the registry said."""
        if heard.record is None:
            return heard
        found = heard.record.values
        self.linked.update(heard.record.identifiers)
        for number in heard.record.identifiers.items():
            self.matched_at[Identifier(*number)] = heard.provenance.retrieved_at
        score, detail = found.get(SCORE), found.get(DETAIL)
        self.evidence = (
            *self.evidence,
            Evidence(
                "linked",
                heard.provenance.source_id,
                score=score if isinstance(score, float) else None,
                detail=str(detail),
            ),
        )
        return self.unlinked(heard._replace(record=heard.record._replace(values={})))

    def unlinked(self, heard: Heard, by: Identifier | None = None) -> Heard:
        """Return what was heard without any number, where it was asked for by one that the person was linked to.

        by: the number asked by; None for the look-up that linked the person.
        """
        if heard.record is None or (by is not None and self.linked.get(by.type) != by.value):
            return heard
        others = [one for one in heard.record.identifiers.items() if one[0] not in SHARED_TYPES]
        if any(
            self.identifiers.get(type_, value) != value and (type_, value) not in self.aliases
            for type_, value in others
        ):
            return refused(heard)  # whoever bears the number found is known there by another one than this person's
        # INVARIANT: a number that rests on linkage never makes two people one, nor gives anybody a number.
        return heard._replace(record=heard.record._replace(identifiers={}))

    def number_for(self, step: Step, plan: Plan, issuers: Issuers) -> Identifier | None:
        """Return the number to ask by: one the person was found by, else one that an earlier step stated.

        Only steps that have surely ended count, so that the order of arrival decides nothing.
        """
        keys = plan.earlier[step.number - 1]
        records = [h.record for key in keys if (h := self.heard.get(key)) is not None and h.record is not None]
        for type_ in step.by:
            value = self.identifiers.get(type_)
            for record in records:
                stated = record.identifiers.get(type_)
                if stated is None or stated == value or (self.aliases and (type_, stated) in self.aliases):
                    continue
                if value is not None:
                    # INVARIANT: a disputed number is asked by on its issuer's word only.
                    issued = [key for key in keys if key[0] in issuers.get(type_, ())]
                    values = self._stated(type_, issued, given=False)
                    value = values[0] if len(values) == 1 else None
                    break
                value = stated
            if value is not None:
                return Identifier(type_, value)
        linking = [s.yields for s in plan.steps if s.traits and s.key in keys] if self.linked else ()
        found = {type_: self.linked[type_] for yields in linking for type_ in yields if type_ in self.linked}
        return next((Identifier(type_, found[type_]) for type_ in step.by if type_ in found), None)

    def disputes(self, step: Step, plan: Plan) -> bool:
        """Tell whether a number that the step takes is known of this person, and disputed."""
        return any(len(self._stated(type_, plan.earlier[step.number - 1])) > 1 for type_ in step.by)

    def _stated(self, type_: str, keys: Iterable[tuple[str, str]], *, given: bool = True) -> list[str]:
        """Return the different numbers of one type that lookups stated, the one the person was found by among them."""
        known = self.identifiers.get(type_) if given else None
        values = [known] if known is not None else []
        for key in keys:
            heard = self.heard.get(key)
            if heard is None or heard.record is None:
                continue
            stated = heard.record.identifiers.get(type_)
            if stated is not None and stated not in values and (type_, stated) not in self.aliases:
                values.append(stated)
        return values

    def numbers(self, issuers: Issuers, keys: Iterable[tuple[str, str]] | None = None) -> dict[str, str]:
        """Return the person's own numbers, one of each type; none of a type that is disputed without its issuer.

        keys: the lookups whose word counts; None: that of all.
        """
        words = self.heard.values() if keys is None else [self.heard[key] for key in keys if key in self.heard]
        stated: dict[str, str] = dict(self.identifiers)
        is_disputed = False
        for heard in words:
            for type_, value in heard.record.identifiers.items() if heard.record is not None else ():
                is_disputed = is_disputed or stated.setdefault(type_, value) != value
        if not is_disputed:
            return {type_: value for type_, value in stated.items() if type_ not in SHARED_TYPES}
        claims = crosswalk(words, issuers)
        undoubted = {t: [c for c in said if Identifier(t, c.value) not in self.aliases] for t, said in claims.items()}
        known = agreed({t: said for t, said in undoubted.items() if said}, self.identifiers)
        return {type_: value for type_, value in known.items() if type_ not in SHARED_TYPES}

    def known_by(self) -> frozenset[Identifier]:
        """Return every number that this person was found by, or that a registry stated."""
        known = self.every_number().union(self.aliases)
        return frozenset(Identifier(type_, value) for type_, value in known if type_ not in PLACE_TYPES)

    def every_number(self) -> set[tuple[str, str]]:
        """Return type and value of every number that this person was found by, or that a registry stated."""
        numbers = {*self.identifiers.items()}
        for heard in self.heard.values():
            if heard.record is not None:
                numbers.update(heard.record.identifiers.items())
        return numbers


def told_apart(people: Sequence[Person], issuers: Issuers) -> list[Person]:
    """Return the people with every doubt about who they are settled, numbered anew.

    A record of somebody else is refused; people who turned out to be one are merged, the first of them stays; two
    who share a number and are not one remain two. Their evidence says so.
    """
    for person in people:
        for key in strangers(person.heard, person.identifiers, issuers):
            person.heard[key] = refused(person.heard[key])
            _note(person, AMBIGUOUS)
    kept = _merged(people, issuers) if _share_a_number(people) else list(people)
    for person in kept:
        if person.aliases:
            for source in sorted({s for alias in person.aliases for s in issuers.get(alias.type, ())}):
                _note(person, Evidence("double_registration", source))
    return kept


def _share_a_number(people: Iterable[Person]) -> bool:
    seen: set[tuple[str, str]] = set()
    for person in people:
        own = person.every_number()
        if any(type_ not in SHARED_TYPES for type_, _ in seen & own):
            return True
        seen |= own
    return False


def _merged(people: Sequence[Person], issuers: Issuers) -> list[Person]:
    words = [_word(person, issuers) for person in people]
    same, ambiguous = same_people(words)
    for place in ambiguous:
        _note(people[place], AMBIGUOUS)
    places: dict[int, int] = {}
    kept: list[Person] = []
    for group in same:
        first = people[group[0]]
        others = [people[place] for place in group[1:]]
        if _are_at_odds([first, *others]):
            for person in (first, *others):
                _note(person, AMBIGUOUS)
            kept += [first, *others]
        else:
            for person in others:
                _fold(first, person)
            kept.append(first)
            places.update(dict.fromkeys(group, group[0]))
    kept.sort(key=lambda person: person.number)
    number = {person.number: new for new, person in enumerate(kept)}
    for person in kept:
        person.evidence = tuple(
            e if e.of is None else e._replace(of=number.get(places.get(e.of, e.of))) for e in person.evidence
        )
    for new, person in enumerate(kept):
        person.number = new
    return kept


def _word(person: Person, issuers: Issuers) -> Word:
    numbers = person.numbers(issuers)
    vouched = {
        type_
        for heard in person.heard.values()
        if heard.record is not None
        for type_, value in heard.record.identifiers.items()
        if numbers.get(type_) == value and heard.provenance.source_id in issuers.get(type_, ())
    }
    return Word(numbers, frozenset(vouched))


def _are_at_odds(people: Sequence[Person]) -> bool:
    """Tell whether registries know people who share a number as of different sex or birth date."""
    known = {stated for person in people for heard in person.heard.values() if (stated := who(heard)) is not None}
    return len({sex for sex, _ in known}) > 1 or len({birth_date for _, birth_date in known}) > 1


def _fold(first: Person, other: Person) -> None:
    """Take what is known of somebody who turned out to be the same person."""
    for type_, value in other.identifiers.items():
        if first.identifiers.setdefault(type_, value) != value:
            first.aliases |= {Identifier(type_, value)}
    first.aliases |= other.aliases
    for key, heard in other.heard.items():
        mine = first.heard.get(key)
        if mine is None or (mine.record is None and heard.record is not None):
            first.heard[key] = heard
    first.relationship = first.relationship or other.relationship
    first.evidence = tuple(dict.fromkeys((*first.evidence, *other.evidence)))
    if first.permit is not None and other.permit is not None:
        first.permit = narrowed(first.permit, other.permit)


def _note(person: Person, evidence: Evidence) -> None:
    if evidence not in person.evidence:
        person.evidence = (*person.evidence, evidence)


def without_family(people: Iterable[Person], asked: Person) -> list[Person]:
    """Return the people, numbered anew, without those whom only a family tie made members."""
    kept = [person for person in people if person is asked or {e.basis for e in person.evidence} - {"kin"}]
    for number, person in enumerate(kept):
        person.number = number
    return kept


def verify(person: Person, given: Identifier, issuers: Issuers) -> None:
    """Note that the number a consumer gave is verified, when the registry that issues it states it of this person."""
    sources = issuers.get(given.type, frozenset())
    for heard in person.heard.values():
        if heard.record is not None and heard.provenance.source_id in sources:
            stated = heard.record.identifiers.get(given.type)
            if stated == given.value or (stated is not None and given in person.aliases):
                _note(person, Evidence("verified", heard.provenance.source_id))


def relate(people: Sequence[Person], asked: Person, child_until_age: int, today: date) -> None:
    """Say what everybody is to the head of whom no registry said it, by the kin ties that were heard of."""
    if all(person.relationship for person in people):
        return
    place_of = {number: place for place, person in enumerate(people) for number in person.known_by()}
    ties: list[tuple[object, str, object]] = []
    for place, person in enumerate(people):
        for heard in person.heard.values():
            for link in heard.record.links if heard.record is not None else ():
                numbers = sorted(Identifier(*number) for number in link.identifiers.items())
                other = next((place_of[n] for n in numbers if n in place_of), None)
                ties.append((place, link.relation, numbers[0] if other is None else other))
    born = [_birth_date(person) for person in people]
    head = next((place for place, person in enumerate(people) if person.relationship == "SELF"), None)
    relationships: Mapping[int, str] = relationships_by_ties(
        len(people), ties, born, people.index(asked), head, child_until_age, today
    )
    for place, person in enumerate(people):
        person.relationship = person.relationship or relationships.get(place, "")


def _birth_date(person: Person) -> str | None:
    values = (h.record.values.get("birth_date") for _, h in sorted(person.heard.items()) if h.record is not None)
    return next((value for value in values if isinstance(value, str)), None)
