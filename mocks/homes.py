"""Who lives with whom on the reference date: households out of kin ties.

Everybody follows somebody into a home, a spouse, a parent, a grown child, or heads one. Following is decided from the
young to the old, and nobody follows a person who follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from mocks.chance import stream
from mocks.families import TODAY, YEAR, Country
from mocks.people import Person

_WIFE_HEADS = 0.24
_CHILD_FOSTERED = 0.04
_STEPCHILD_STAYS = 0.75
_COUPLE_WITH_PARENTS = ((26, 0.45), (32, 0.22), (200, 0.06))
"""Up to this age of the husband, the share of couples that live with his or her parents."""
_SINGLE_WITH_PARENTS = ((26, 0.96), (33, 0.85), (200, 0.7))
_SINGLE_WITH_SIBLING = 0.75
_WIDOWED_ELDER_MOVES = 0.75
_ELDER_COUPLE_MOVES = 0.3
_CROWDED = 10
"""A home of so many members takes in no more grown people."""


def settle(country: Country, seed: int) -> list[list[int]]:
    """Return the households of all living people: lists of members, the head first, then by age."""
    homes = _Homes(country, stream(seed, "homes"))
    homes.decide()
    return list(homes.households())


def ordered(country: Country, head: int, members: Iterable[int]) -> list[int]:
    """Put the head first, the head's spouse next and the others behind them by age."""
    spouse = current_spouse(country.people[head])
    rank = {head: 0, spouse: 1} if spouse is not None else {head: 0}
    return sorted(members, key=lambda m: (rank.get(m, 2), country.born[m], m))


def current_spouse(person: Person) -> int | None:
    """Return whom a person is married to on the reference date."""
    return next((m.spouse for m in person.marriages if m.end is None), None)


class _Homes:
    """The decisions of one country; `follows` points from a person to the one they live with."""

    def __init__(self, country: Country, rng: Random) -> None:
        self.country, self.rng = country, rng
        self.people = country.people
        self.living = [p.index for p in country.people if p.death_date is None]
        self.follows = list(range(len(country.people)))
        self.size = [1] * len(country.people)
        self.spouse = [None if p.death_date else current_spouse(p) for p in country.people]

    def age(self, person: int) -> float:
        return (TODAY - self.country.born[person]) / YEAR

    def root(self, person: int) -> int:
        """Return the head of the home a person lives in as decided so far."""
        while self.follows[person] != person:
            person = self.follows[person]
        return person

    def follow(self, person: int, other: int | None) -> bool:
        """Let the home that a person heads join another's; False where there is none or it is the same."""
        if other is None or not self.country.alive(other):
            return False
        home, own = self.root(other), self.root(person)
        crowded = self.size[home] + self.size[own] > _CROWDED and self.age(person) >= 18
        if home == own or crowded:
            return False
        self._join(own, home)
        return True

    def decide(self) -> None:
        self._couples()
        for person in self.living:
            if self.spouse[person] is None:
                if self.age(person) < 18:
                    self._minor(person)
                else:
                    self._single(person)
        for person in self.living:
            spouse = self.spouse[person]
            if spouse is not None and self.people[person].sex == "male":
                self._couple_with_parents(person, spouse)
        for person in self.living:
            if self.age(person) >= 62 and self.follows[person] == person:
                self._elder(person)

    def households(self) -> Iterator[list[int]]:
        groups: dict[int, list[int]] = {}
        for person in self.living:
            groups.setdefault(self.root(person), []).append(person)
        for head, members in groups.items():
            yield ordered(self.country, head, members)

    def _join(self, own: int, home: int) -> None:
        self.follows[own] = home
        self.size[home] += self.size[own]

    def _couples(self) -> None:
        for person in self.living:
            spouse = self.spouse[person]
            if spouse is not None and person < spouse:
                wife, husband = (person, spouse) if self.people[person].sex == "female" else (spouse, person)
                if self.rng.random() < _WIFE_HEADS:
                    self._join(husband, wife)
                else:
                    self._join(wife, husband)

    def _minor(self, person: int) -> None:
        mother, father = self.people[person].mother, self.people[person].father
        mother_lives = mother is not None and self.country.alive(mother)
        fostered = self.rng.random() < _CHILD_FOSTERED
        if mother_lives and mother is not None:
            remarried = self.spouse[mother] not in (None, father) and self.rng.random() >= _STEPCHILD_STAYS
            if not (fostered or remarried):
                self.follow(person, mother)
                return
            if any(self.follow(person, elder) for elder in self._parents(mother)):
                return
            self.follow(person, mother)
            return
        _ = self.follow(person, father) or any(self.follow(person, kin) for kin in self._guardians(person))

    def _single(self, person: int) -> None:
        if self.age(person) >= 62 or self.rng.random() >= _share(_SINGLE_WITH_PARENTS, self.age(person)):
            return
        if any(self.follow(person, parent) for parent in self._parents(person)):
            return
        if self.rng.random() < _SINGLE_WITH_SIBLING:
            _ = any(self.follow(person, sibling) for sibling in self._siblings(person) if self.age(sibling) >= 18)

    def _couple_with_parents(self, husband: int, wife: int) -> None:
        if self.rng.random() < _share(_COUPLE_WITH_PARENTS, self.age(husband)):
            _ = any(self.follow(husband, elder) for elder in (*self._parents(husband), *self._parents(wife)))

    def _elder(self, person: int) -> None:
        share = _WIDOWED_ELDER_MOVES if self.spouse[person] is None else _ELDER_COUPLE_MOVES
        if self.rng.random() < share:
            grown = sorted(
                (c for c in self.people[person].children if self.country.alive(c)),
                key=lambda c: self.spouse[c] is None,
            )
            _ = any(self.follow(person, child) for child in grown)

    def _parents(self, person: int) -> list[int]:
        known = (self.people[person].father, self.people[person].mother)
        return [p for p in known if p is not None and self.country.alive(p)]

    def _siblings(self, person: int) -> list[int]:
        mother = self.people[person].mother
        if mother is None:
            return []
        return [s for s in self.people[mother].children if s != person and self.country.alive(s)]

    def _guardians(self, person: int) -> Iterator[int]:
        """Yield who takes in an orphan: grandparents, grown siblings, aunts and uncles, then the eldest sibling."""
        parents = [p for p in (self.people[person].mother, self.people[person].father) if p is not None]
        for parent in parents:
            yield from self._parents(parent)
        yield from (s for s in self._siblings(person) if self.age(s) >= 18)
        for parent in parents:
            yield from (s for s in self._siblings(parent) if self.age(s) >= 18)
        yield from self._siblings(person)


def _share(table: tuple[tuple[int, float], ...], age: float) -> float:
    return next(share for limit, share in table if age < limit)
