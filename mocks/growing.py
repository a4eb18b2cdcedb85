"""From two numbers to a whole country: the steps in order, each in its own stream of chance."""

from __future__ import annotations

import gc
from math import fsum
from typing import Final, NamedTuple

from mocks import examples as named
from mocks import troubles as trouble
from mocks.chance import stream
from mocks.clinics import insure
from mocks.contacts import reach
from mocks.dwellings import address, dwelling, poverty_score
from mocks.estates import parcels
from mocks.examples import Cast
from mocks.families import TODAY, Country, day
from mocks.homes import settle
from mocks.lives import live
from mocks.newcomers import settle_newcomers
from mocks.numbers import Index, Mint, fresh, give_numbers
from mocks.people import Household, Parcel, Person
from mocks.places import LOCALITIES
from mocks.programmes import enrol
from mocks.relations import relationship
from mocks.troubles import Troubles

MOST_HOUSEHOLDS: Final = 300_000
"""Beyond this, household numbers of six digits would become scarce."""
_HOMES_PER_COUPLE: Final = 4.7
"""Households that stem from one founding couple by the reference date, in the mean."""
_NATIVE: Final = 0.93
"""Share of households that stem from the founders; newcomers fill the country up to the number asked for."""


class Grown(NamedTuple):
    """A whole country: what `population.Population` is made from."""

    seed: int
    people: list[Person]
    households: list[Household]
    parcels: list[Parcel]
    by_number: Index
    marriages_by_mrn: dict[str, tuple[int, int]]
    household_numbers: dict[str, int]
    troubles: Troubles
    casts: dict[str, Cast]
    example_people: set[int]


def grow(households: int, seed: int) -> Grown:
    """Return a country with so many households; the same numbers give the same country everywhere.

    Raises: ValueError when there are too few households for the named examples, or too many for their numbers.
    """
    if not len(named.KEYS) < households <= MOST_HOUSEHOLDS:
        msg = f"a country has {len(named.KEYS) + 1} to {MOST_HOUSEHOLDS} households"
        raise ValueError(msg)
    # Millions of objects are made and none is dropped: looking for garbage among them only takes time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _grow(households, seed)
    finally:
        if collects:
            gc.enable()


def _grow(size: int, seed: int) -> Grown:
    country, casts, households = _settle(size, seed)
    spotless = named.people_of(country, casts)
    troubles = Troubles()
    country.numberless = trouble.numberless(country, stream(seed, "no number"), spotless)
    country.numberless.add(casts["no_number"].subject)
    troubles.unregistered_births = trouble.unregistered_births(country, stream(seed, "births"), spotless)

    standing, income = live(country, households, troubles, seed)
    land = named.furnish(country, casts, stream(seed, "furnishing"))
    land += parcels(country, [h for h in households if h.head not in spotless], seed)
    _dwell(country, households, standing, income, land, seed)

    named.afflict(casts, troubles)
    mint = Mint(seed)
    give_numbers(country, mint, troubles.unregistered_births, spotless)
    rng = stream(seed, "troubles")
    trouble.strike_people(country, rng, mint, troubles, spotless)
    twice = country.people[casts["double_registration"].subject]
    twice.second_uin = mint.uin(twice.index)
    numbers = trouble.register_households(country, households, mint, troubles, spotless, seed)
    trouble.list_members(country, households, mint, troubles)
    enrol(country, (h for h in households if h.household_id), stream(seed, "programmes"))
    _number_parcels(mint, land)
    _date_records(country, seed)
    return Grown(
        seed=seed,
        people=country.people,
        households=households,
        parcels=land,
        by_number=mint.people,
        marriages_by_mrn=mint.marriages,
        household_numbers=numbers,
        troubles=troubles,
        casts=casts,
        example_people=spotless,
    )


def _settle(size: int, seed: int) -> tuple[Country, dict[str, Cast], list[Household]]:
    """Grow families and let them live together in exactly so many households."""
    native = size - len(named.KEYS)
    couples = int(native * _NATIVE / _HOMES_PER_COUPLE)
    while True:
        country = Country(seed, couples)
        country.grow()
        homes = settle(country, seed)
        if len(homes) <= native:
            break
        # A fruitful generation outgrew the number asked for; fewer founders have fewer descendants.
        couples = min(couples - 1, int(couples * 0.97 * native / len(homes)))
    rng = stream(seed, "newcomers")
    homes += [settle_newcomers(country, rng) for _ in range(native - len(homes))]
    casts = named.settle_examples(country, stream(seed, "examples"))
    # Examples stand among the others, not at the end.
    for number, (key, cast) in enumerate(casts.items()):
        casts[key] = cast._replace(household=(number * 2 + 1) * size // (2 * len(casts)))
    for cast in casts.values():
        homes.insert(cast.household, cast.members)
    rng = stream(seed, "addresses")
    households = []
    for index, members in enumerate(homes):
        for member in members:
            country.people[member].household = index
        to_head = {m: relationship(country.people, members[0], m) for m in members}
        home = address(rng, LOCALITIES[country.place[members[0]]])
        households.append(Household(index, members, to_head, home, "", "", False, 1, 0.0))
    _place_the_dead(country)
    return country, casts, households


def _place_the_dead(country: Country) -> None:
    """Count the dead to the household where their nearest kin live now, or to some household where none do."""
    people = country.people
    # The last born come first, so that dead children have been placed when their dead parents are.
    for person in reversed(people):
        if person.household < 0:
            near = [m.spouse for m in person.marriages] + person.children
            near += [p for p in (person.mother, person.father) if p is not None]
            person.household = next((people[n].household for n in near if people[n].household >= 0), -1)
    last = 0
    for person in people:
        if person.household < 0:
            kin = (person.mother, person.father, *(m.spouse for m in person.marriages))
            person.household = next(
                (people[k].household for k in kin if k is not None and people[k].household >= 0), last
            )
        last = person.household


def _dwell(
    country: Country,
    households: list[Household],
    standing: list[float],
    income: list[int],
    land: list[Parcel],
    seed: int,
) -> None:
    """House everybody, score the households, and insure who is insured."""
    people, rng = country.people, stream(seed, "dwellings")
    hectares: dict[int, float] = {}
    for parcel in land:
        for holder in parcel.holders:
            hectares[holder] = hectares.get(holder, 0.0) + parcel.area_ha / len(parcel.holders)
    for household in households:
        size, place = len(household.members), LOCALITIES[country.place[household.head]]
        home = dwelling(rng, standing[household.index], size, town=place.town)
        household.dwelling, household.water, household.electricity, household.rooms = home
        earned = sum(max(income[m], _declared(people[m])) for m in household.members)
        # `fsum` rounds once: plain sums of fractions differ between versions of Python.
        area = fsum(hectares.get(m, 0.0) for m in household.members)
        household.poverty_score = poverty_score(rng, earned, area, size, home)
        insure(rng, people, household)


def _declared(person: Person) -> int:
    return 0 if person.tax is None else person.tax.employment_income + person.tax.business_income


def _number_parcels(mint: Mint, land: list[Parcel]) -> None:
    taken: set[str] = set()
    for parcel in land:
        parcel.parcel_id = fresh(mint.rng, taken, "P-", 6)
        taken.add(parcel.parcel_id)


def _date_records(country: Country, seed: int) -> None:
    """Say how people are reached, and since when their entry stands: not before the last event it tells of."""
    rng = stream(seed, "contacts")
    for person in country.people:
        reach(rng, country, person)
        events = [m.start for m in person.marriages] + [m.end for m in person.marriages if m.end]
        events += [d for d in (person.death_date, person.birth_registered_on) if d]
        last = max((e.toordinal() for e in events), default=country.born[person.index])
        person.updated_on = day(last + int(rng.random() * rng.random() * (TODAY - last)))
