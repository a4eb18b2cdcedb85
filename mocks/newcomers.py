"""Families that came from elsewhere: nobody recorded their parents, and each is one household."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from mocks.chance import between
from mocks.families import TODAY, YEAR, Country, day, some_place
from mocks.homes import ordered


def couple(country: Country, place: int, ages: tuple[float, float], children: Sequence[float]) -> list[int]:
    """Add a married couple of the ages (husband, wife) with children of those ages; returns husband, wife, children.

    The wedding lies ten months before the eldest birth, or three years ago without children.
    """
    husband, wife = (
        country.newcomer(sex, _born(age), place) for sex, age in zip(("male", "female"), ages, strict=True)
    )
    eldest = max(children, default=2.2)
    country.marry(wife, husband, _born(eldest) - 300)
    return [husband, wife, *_children(country, place, wife, husband, children)]


def settle_newcomers(country: Country, rng: Random) -> list[int]:
    """Add one household of newcomers; returns its members, the head first."""
    place, kind = some_place(rng), rng.random()
    if kind < 0.76:
        wife = 20 + int(rng.random() * 20)
        members = couple(country, place, (wife + between(rng, -1, 7), wife), _ages(rng, wife, 6))
    elif kind < 0.86:
        mother = 20 + int(rng.random() * 18)
        woman = country.newcomer("female", _born(mother), place)
        members = [woman, *_children(country, place, woman, None, _ages(rng, mother, 4) or [1.3])]
    elif kind < 0.96:
        members = [country.newcomer("female" if rng.random() < 0.5 else "male", _born(20 + 35 * rng.random()), place)]
    else:
        return _orphans(country, rng, place)
    for member in members:
        keep_alive(country, member)
    return ordered(country, members[0], members)


def keep_alive(country: Country, person: int) -> None:
    """Let a person live beyond the reference date, whatever chance had said."""
    if not country.alive(person):
        country.dead_on(person, TODAY + 3650)


def part_by_death(country: Country, wife: int, husband: int) -> None:
    """End the last marriage of a couple on the day the first of the two died."""
    end = day(min(country.dies[wife], country.dies[husband]))
    for spouse in (wife, husband):
        marriage = country.people[spouse].marriages[-1]
        marriage.end, marriage.ended_by = end, "death"


def _orphans(country: Country, rng: Random, place: int) -> list[int]:
    """Add siblings who live alone, the eldest sixteen or seventeen, after the death of both parents."""
    eldest = 16 + 1.9 * rng.random()
    ages = [eldest, *(age for age in (eldest - 2.7, eldest - 5.2, eldest - 8.1) if rng.random() < 0.7)]
    father, mother, *siblings = couple(country, place, (eldest + 26, eldest + 22), ages)
    for parent in (mother, father):
        country.dead_on(parent, TODAY - between(rng, 100, 1300))
    part_by_death(country, mother, father)
    for sibling in siblings:
        keep_alive(country, sibling)
    return ordered(country, siblings[0], siblings)


def _children(country: Country, place: int, mother: int, father: int | None, ages: Sequence[float]) -> list[int]:
    return [country.bear(mother, father, _born(age), place) for age in sorted(ages, reverse=True)]


def _ages(rng: Random, mother: int, most: int) -> list[float]:
    """Draw ages of children, two to four years apart, none before their mother was nineteen."""
    ages: list[float] = []
    age = 0.2 + 3 * rng.random()
    while age < mother - 19 and age < 17.5 and len(ages) < most:
        ages.append(age)
        age += 1.8 + 2.2 * rng.random()
    return ages


def _born(age: float) -> int:
    return TODAY - round(age * YEAR)
