"""Births, deaths, marriages and divorces that happen after the country was grown: each changes the one truth."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from mocks.events import Event
from mocks.names import given_names
from mocks.people import Chart, Household, Marriage, Person
from mocks.places import REGIONS
from mocks.relations import relationship

if TYPE_CHECKING:
    from mocks.numbers import Mint
    from mocks.population import Population

_FERTILE_DAYS = (15 * 365, 50 * 365)
_GROWN_DAYS = 18 * 365 + 5
_AFTER_A_BIRTH = timedelta(days=280)


class ImpossibleEventError(ValueError):
    """An event that cannot happen to this person, in words for whoever asked for it."""


def bear(population: Population, mint: Mint, rng: Random, mother: Person, day: date) -> Event:
    """Let a woman give birth; the child is registered at once, lives with her, and has its numbers.

    Raises: ImpossibleEventError.
    """
    _must_live(mother)
    age = (day - mother.birth_date).days
    if mother.sex != "female" or not _FERTILE_DAYS[0] <= age <= _FERTILE_DAYS[1]:
        raise ImpossibleEventError("only a woman from 15 to 50 can give birth")
    people = population.people
    if any(people[one].birth_date + _AFTER_A_BIRTH > day for one in mother.children):
        raise ImpossibleEventError("she has given birth less than nine months ago")
    place = mother.spouse_on(day)
    father = None if place is None else people[place]
    home = population.households[mother.household]
    region = next(i for i, one in enumerate(REGIONS) if one.code == home.address.region)
    sex = "female" if rng.random() < 0.493 else "male"
    given, second = given_names(rng, region, sex)
    child = Person(
        index=len(people),
        sex=sex,
        given_name=given,
        second_name=second,
        surname=(father or mother).surname,
        birth_date=day,
        birth_place=home.address.locality,
        household=home.index,
        mother=mother.index,
        father=None if father is None else father.index,
        language=mother.language,
        birth_registered_on=day,
        updated_on=day,
    )
    people.append(child)
    parents = [mother] if father is None else [mother, father]
    for parent in parents:
        parent.children.append(child.index)
        parent.updated_on = day
    child.brn = mint.yearly("BRN", "B", day.year, child.index)
    child.uin = mint.uin(child.index)
    if mother.chart is not None:
        mother.chart.pregnant, mother.chart.lactating = False, True
        mother.chart.visits.append(day)
        child.chart = Chart(visits=[day], scheme=mother.chart.scheme, insured_until=mother.chart.insured_until)
        child.patient_number = mint.plain("PATIENT_NUMBER", "PT", 7, child.index)
    join(population, mint, home, child)
    return Event("birth", day, child.index, tuple(parent.index for parent in parents))


def die(population: Population, mint: Mint, person: Person, day: date) -> Event:
    """Let a person die: marriages end, and the household goes on without them unless they were its last member.

    Raises: ImpossibleEventError.
    """
    _must_live(person)
    if day < person.birth_date:
        raise ImpossibleEventError("nobody dies before being born")
    person.death_date = person.updated_on = day
    if person.brn is not None or person.uin is not None:
        person.drn = mint.yearly("DRN", "D", day.year, person.index)
    end_marriage(population, person, day, "death")
    if person.chart is not None:
        person.chart.pregnant = person.chart.lactating = False
    home = population.households[person.household]
    if len(home.members) > 1 and person.index in home.members:
        leave(population, home, person)
    return Event("death", day, person.index)


def marry(population: Population, mint: Mint, person: Person, other: Person, day: date) -> Event:
    """Let two people marry.

    Raises: ImpossibleEventError.
    """
    for one in (person, other):
        _must_live(one)
        if (day - one.birth_date).days < _GROWN_DAYS or one.spouse_on(day) is not None:
            raise ImpossibleEventError("only grown people who are not married can marry")
    if person.sex == other.sex or person.index == other.index:
        raise ImpossibleEventError("in Poveria a woman and a man marry")
    if are_kin(person, other):
        raise ImpossibleEventError("near kin cannot marry")
    wife, husband = (person, other) if person.sex == "female" else (other, person)
    number = mint.marriage(day.year, (wife.index, husband.index))
    wife.marriages.append(Marriage(husband.index, day, number))
    husband.marriages.append(Marriage(wife.index, day, number))
    wife.updated_on = husband.updated_on = day
    return Event("marriage", day, person.index, (other.index,))


def divorce(population: Population, person: Person, day: date) -> Event:
    """Let a marriage end by divorce.

    Raises: ImpossibleEventError.
    """
    _must_live(person)
    spouse = end_marriage(population, person, day, "divorce")
    if spouse is None:
        raise ImpossibleEventError("only who is married can divorce")
    return Event("divorce", day, person.index, (spouse,))


def end_marriage(population: Population, person: Person, day: date, reason: str) -> int | None:
    """End the marriage that a person is in, with both spouses; returns the other."""
    spouse = person.spouse_on(day)
    if spouse is None:
        return None
    other = population.people[spouse]
    for one, partner in ((person, spouse), (other, person.index)):
        for marriage in one.marriages:
            if marriage.spouse == partner and (marriage.end is None or marriage.end > day):
                marriage.end, marriage.ended_by = day, reason
        one.updated_on = day
    return spouse


def are_kin(one: Person, other: Person) -> bool:
    """Tell whether two people are parent and child, or have a parent in common."""
    parents = {one.mother, one.father} - {None}
    theirs = {other.mother, other.father} - {None}
    return bool(parents & theirs) or other.index in parents or one.index in theirs


def join(population: Population, mint: Mint, home: Household, person: Person) -> None:
    """Make a person a member of a household, and list them in the social registry where the household is listed."""
    person.household = home.index
    home.members.append(person.index)
    home.relationship[person.index] = relationship(population.people, home.head, person.index)
    if home.household_id is not None and person.member_id is None:
        person.member_id = mint.plain("MEMBER_ID", "SM", 7, person.index)


def leave(population: Population, home: Household, person: Person) -> None:
    """Take a person out of a household; when it was the head, the next member leads it."""
    was_head = home.head == person.index
    home.members.remove(person.index)
    home.relationship.pop(person.index, None)
    if was_head and home.members:
        # The spouse of the one who led it leads it next, or else the eldest.
        people = population.people
        spouses = {marriage.spouse for marriage in person.marriages}
        home.members.sort(key=lambda member: (member not in spouses, people[member].birth_date))
        for member in home.members:
            home.relationship[member] = relationship(people, home.head, member)


def _must_live(person: Person) -> None:
    if person.death_date is not None:
        raise ImpossibleEventError("that person is dead")
