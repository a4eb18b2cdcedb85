"""People who move in with others, and households that move to another address."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

from mocks.dwellings import address
from mocks.events import Event
from mocks.people import Household, Person
from mocks.places import LOCALITIES
from mocks.vital_events import ImpossibleEventError, join, leave

if TYPE_CHECKING:
    from mocks.numbers import Mint
    from mocks.population import Population


def move_in(population: Population, mint: Mint, person: Person, home: Household, day: date) -> Event:
    """Let a person move into another household.

    Raises: ImpossibleEventError.
    """
    if person.death_date is not None:
        raise ImpossibleEventError("that person is dead")
    old = population.households[person.household]
    if old.index == home.index:
        raise ImpossibleEventError("that person lives there already")
    if len(old.members) < 2:
        raise ImpossibleEventError("the last member of a household stays")
    leave(population, old, person)
    join(population, mint, home, person)
    person.updated_on = day
    return Event("move", day, person.index, details={"from": old.index, "to": home.index})


def relocate(population: Population, rng: Random, home: Household, day: date) -> Event:
    """Let a household move to another address."""
    home.address = address(rng, LOCALITIES[int(rng.random() * len(LOCALITIES))])
    for member in home.members:
        population.people[member].updated_on = day
    first, *others = home.members
    return Event("relocation", day, first, tuple(others))
