"""What a member of a household is to its head, in the DCI Relationship codes that the social registry uses."""

from __future__ import annotations

from collections.abc import Sequence

from mocks.homes import current_spouse
from mocks.people import Person


def relationship(people: Sequence[Person], head: int, member: int) -> str:
    """Return the DCI Relationship code of a member to the head; EXT when they are related in no nearer way."""
    if member == head:
        return "SELF"
    chief, person = people[head], people[member]
    spouse = current_spouse(chief)
    if member == spouse or any(m.spouse == member and m.ended_by == "death" for m in chief.marriages):
        return "SPS"
    own = _parents(chief)
    if member in own:
        return "PRN"
    theirs = _parents(person)
    if head in theirs or (spouse is not None and spouse in theirs):
        return "CHILD"
    if own & theirs:
        return "SIB"
    if any(head in _parents(people[parent]) or spouse in _parents(people[parent]) for parent in theirs):
        return "GRNDCHILD"
    if any(member in _parents(people[parent]) for parent in own):
        return "GRPRN"
    if any(own & _parents(people[parent]) for parent in theirs):
        return "NEPHEW"
    return "INLAW" if _by_marriage(people, head, member) else "EXT"


def _parents(person: Person) -> set[int]:
    return {parent for parent in (person.mother, person.father) if parent is not None}


def _by_marriage(people: Sequence[Person], head: int, member: int) -> bool:
    """Tell whether one of them is a near relative of the other's husband or wife, living or dead."""
    spouses = {m.spouse for m in people[head].marriages}
    theirs = {m.spouse for m in people[member].marriages}
    near_head = _parents(people[head]) | set(people[head].children) | {head}
    for spouse in spouses:
        if member in _parents(people[spouse]) or _parents(people[spouse]) & _parents(people[member]):
            return True
    return any(
        other in near_head or _parents(people[other]) & _parents(people[head]) or spouses & _parents(people[other])
        for other in theirs
    )
