"""What people do with their lives: health, school and work, told household by household."""

from __future__ import annotations

from random import Random
from typing import Final

from mocks.chance import stream
from mocks.clinics import chart, disability, is_lactating, is_patient
from mocks.families import TODAY, YEAR, Country
from mocks.livelihoods import file_of_the_dead, work
from mocks.people import Household, Person
from mocks.places import LOCALITIES
from mocks.schooling import schooling
from mocks.troubles import RATES, Troubles

_TAX_FILES_SINCE: Final = 2005
_CHARTS_SINCE: Final = 2010
_PAID_TAX: Final = 0.35
"""Share of those who died of working age that had a tax file."""
_SEEN_AT_CLINIC: Final = 0.6
"""Share of those who died since clinics keep charts that have one."""


def live(country: Country, households: list[Household], troubles: Troubles, seed: int) -> tuple[list[float], list[int]]:
    """Fill in everybody's life; returns the standing of each household and everybody's true income.

    Standing is a household's place in society, from 0 to 1; income is in crowns a year, declared or not.
    """
    rng = stream(seed, "lives")
    income = [0] * len(country.people)
    standing = []
    for household in households:
        town = LOCALITIES[country.place[household.head]].town
        luck = rng.random()
        standing.append(min(1.0, 0.78 * luck + (0.22 if town else 0.06 * rng.random())))
        for member in household.members:
            income[member] = _live(rng, country, country.people[member], standing[-1])
    for person in country.people:
        if person.death_date is not None:
            _have_lived(rng, country, person, standing[person.household], troubles)
    return standing, income


def _live(rng: Random, country: Country, person: Person, standing: float) -> int:
    """Fill in the life of a living person and return the true income."""
    age = (TODAY - country.born[person.index]) / YEAR
    home = LOCALITIES[country.place[person.index]]
    person.disability = disability(rng, age)
    person.schooling = schooling(rng, person, home, standing)
    job = work(rng, person, age, standing, town=home.town)
    mother = person.index in country.expecting or (person.sex == "female" and is_lactating(country, person))
    patient = is_patient(rng, person, age, mother=mother)
    if person.index not in country.numberless:
        person.tax = job.file
        if patient:
            person.chart = chart(rng, country, person, standing)
    return job.income


def _have_lived(rng: Random, country: Country, person: Person, standing: float, troubles: Troubles) -> None:
    """Fill in what registers still hold on a dead person."""
    died = country.dies[person.index]
    age = (died - country.born[person.index]) / YEAR
    year = 0 if person.death_date is None else person.death_date.year
    person.schooling = schooling(rng, person, LOCALITIES[country.place[person.index]], standing)
    if year >= _TAX_FILES_SINCE and 21 <= age < 72 and rng.random() < _PAID_TAX:
        forgotten = rng.random() < RATES.dead_on_tax_rolls
        level = None if person.schooling is None else person.schooling.level
        person.tax = file_of_the_dead(rng, level, still_on_rolls=forgotten)
        if forgotten:
            troubles.on_tax_rolls.add(person.index)
    if year >= _CHARTS_SINCE and rng.random() < _SEEN_AT_CLINIC:
        person.chart = chart(rng, country, person, standing)
