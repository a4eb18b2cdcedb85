"""The troubles of real registers, each seeded at the rate it has here.

`Troubles` is what became of them: who and which households are hit. Registries ask `Population`, never this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from mocks.chance import between, stream
from mocks.dwellings import address
from mocks.families import TODAY, YEAR, Country, day, some_place
from mocks.homes import current_spouse
from mocks.numbers import Mint, fresh
from mocks.people import Address, Household
from mocks.places import LOCALITIES
from mocks.relations import relationship


class Rates(NamedTuple):
    """How often each trouble strikes, as a share of those it can strike."""

    drifting_spelling: float = 0.03
    """Of people, in each registry by itself."""
    unregistered_birth: float = 0.04
    """Of the living under 18."""
    no_number: float = 0.02
    """Of the living from 18 up."""
    alive_at_national_id: float = 0.08
    """Of the dead with a national number."""
    dead_on_tax_rolls: float = 0.12
    """Of the dead who ever paid tax."""
    double_registration: float = 0.003
    """Of the living from 18 up with a national number."""
    learner_without_brn: float = 0.015
    """Of learners with a registered birth."""
    unregistered_household: float = 0.12
    """Of households, in the social registry."""
    registered_twice: float = 0.007
    """Of registered households."""
    stale_address: float = 0.06
    """Of registered households."""
    stale_membership: float = 0.05
    """Of registered households that had a birth, a death or a child moved out in the last years."""


RATES: Final = Rates()

_NEWBORN: Final = 3
"""Years after which even the laziest update has seen a child."""
_RECENT_DEATH: Final = 4


@dataclass(slots=True)
class Troubles:
    """Who is hit by what; people and households by index."""

    unregistered_births: set[int] = field(default_factory=set)
    alive_at_national_id: set[int] = field(default_factory=set)
    on_tax_rolls: set[int] = field(default_factory=set)
    learners_without_brn: set[int] = field(default_factory=set)
    second_household_id: dict[int, str] = field(default_factory=dict)
    stale_address: dict[int, Address] = field(default_factory=dict)
    stale_members: dict[int, list[int]] = field(default_factory=dict)


def numberless(country: Country, rng: Random, spotless: set[int]) -> set[int]:
    """Choose the grown people without any number: unmarried ones, and couples who married by custom only.

    Nobody with a number is or was married to one of them, so no register points to a spouse it cannot name.
    """
    grown = 0
    candidates: list[tuple[int, ...]] = []
    for person in country.people:
        if person.death_date is not None or country.born[person.index] > TODAY - 18 * YEAR:
            continue
        grown += 1
        spouse = current_spouse(person)
        if not person.marriages:
            candidates.append((person.index,))
        elif spouse is not None and spouse > person.index and len(person.marriages) == 1:
            candidates += [(person.index, spouse)] if len(country.people[spouse].marriages) == 1 else []
    share = RATES.no_number * grown / max(1, sum(map(len, candidates)))
    hit = [c for c in candidates if rng.random() < share and spotless.isdisjoint(c)]
    return {person for candidate in hit for person in candidate}


def unregistered_births(country: Country, rng: Random, spotless: set[int]) -> set[int]:
    """Choose the living children whose birth nobody registered."""
    return {
        p.index
        for p in country.people
        if p.death_date is None
        and country.born[p.index] > TODAY - 18 * YEAR
        and rng.random() < RATES.unregistered_birth
        and p.index not in spotless
    }


def strike_people(country: Country, rng: Random, mint: Mint, troubles: Troubles, spotless: set[int]) -> None:
    """Let troubles of single people happen; they need the numbers given before."""
    for person in country.people:
        index = person.index
        if person.uin is None or index in spotless:
            continue
        if person.death_date is not None:
            if rng.random() < RATES.alive_at_national_id:
                troubles.alive_at_national_id.add(index)
        elif country.born[index] <= TODAY - 18 * YEAR and rng.random() < RATES.double_registration:
            person.second_uin = mint.uin(index)
        if person.learner_number and person.brn and rng.random() < RATES.learner_without_brn:
            troubles.learners_without_brn.add(index)


def register_households(
    country: Country, households: list[Household], mint: Mint, troubles: Troubles, spotless: set[int], seed: int
) -> dict[str, int]:
    """Enter households into the social registry, some twice, some as they were years ago; returns them by number.

    `spotless` are the people whose households are registered once, and as they are.
    """
    rng = stream(seed, "social registry")
    by_number: dict[str, int] = {}
    for household in households:
        clean = household.head in spotless
        if not clean and rng.random() < RATES.unregistered_household:
            continue
        registered = TODAY - between(rng, 40, 4500)
        household.registered_on = day(registered)
        household.household_id = _household_number(mint, by_number, household.index)
        if clean:
            continue
        if rng.random() < RATES.registered_twice:
            troubles.second_household_id[household.index] = _household_number(mint, by_number, household.index)
        if rng.random() < RATES.stale_address:
            region = LOCALITIES[country.place[household.head]].region
            troubles.stale_address[household.index] = address(rng, LOCALITIES[some_place(rng, region)])
        if rng.random() < RATES.stale_membership:
            _let_members_go_stale(country, rng, household, troubles)
    return by_number


def list_members(country: Country, households: Iterable[Household], mint: Mint, troubles: Troubles) -> None:
    """Give everybody whom the social registry lists a member number, and say what they are to the head."""
    for household in households:
        if household.household_id is None:
            continue
        for index in troubles.stale_members.get(household.index, household.members):
            person = country.people[index]
            if person.member_id is None:
                person.member_id = mint.plain("MEMBER_ID", "SM", 7, index)
            if index not in household.relationship:
                household.relationship[index] = relationship(country.people, household.head, index)


def _household_number(mint: Mint, taken: dict[str, int], household: int) -> str:
    number = fresh(mint.rng, taken, "HH-", 6)
    taken[number] = household
    return number


def _let_members_go_stale(country: Country, rng: Random, household: Household, troubles: Troubles) -> None:
    """Keep an old list of members: without the newborn, with who moved out or died since."""
    newborn = [m for m in household.members if country.born[m] > TODAY - _NEWBORN * YEAR]
    gone = _moved_out(country, household) + _lately_dead(country, household)
    if gone and (not newborn or rng.random() < 0.5):
        troubles.stale_members[household.index] = [*household.members, *gone]
    elif newborn and newborn != household.members:
        troubles.stale_members[household.index] = [m for m in household.members if m not in newborn]


def _moved_out(country: Country, household: Household) -> list[int]:
    """Return the youngest grown child of the head that lives elsewhere now, in a list, or nobody."""
    gone = [
        c
        for c in country.people[household.head].children
        if country.alive(c) and c not in household.members and country.born[c] < TODAY - 18 * YEAR
    ]
    return gone[-1:]


def _lately_dead(country: Country, household: Household) -> list[int]:
    """Return the spouses and children of the head that died in the last years."""
    head = country.people[household.head]
    near = [m.spouse for m in head.marriages if m.ended_by == "death"] + head.children
    return [p for p in near if TODAY - _RECENT_DEATH * YEAR < country.dies[p] <= TODAY]
