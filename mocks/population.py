"""The population of Poveria: one truth, and what each registry has made of it.

`build` grows the same country from the same numbers on every machine. Registries read `people`, `households` and
`parcels`, and ask the methods of `Population` wherever their own records differ from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mocks import consents as consent_lines
from mocks import examples as named
from mocks.chance import fraction
from mocks.families import REFERENCE_DATE
from mocks.growing import Grown, grow
from mocks.people import Address, Household, Parcel, Person
from mocks.spellings import FullName, drifted, misheard
from mocks.troubles import RATES

__all__ = ["REFERENCE_DATE", "Population", "build", "consents", "examples"]


class Population:
    """Everybody, every household and all land; people, households and parcels are referred to by index."""

    def __init__(self, grown: Grown) -> None:
        """Index what `growing.grow` made for the registries."""
        self.seed = grown.seed
        self.today = REFERENCE_DATE
        """The day it is in the country; `clock` lets it pass."""
        self.people: list[Person] = grown.people
        self.households: list[Household] = grown.households
        self.parcels: list[Parcel] = grown.parcels
        self.by_number = grown.by_number
        """Identifier type -> number -> person; a second UIN leads to the same person as the first."""
        self.marriages_by_mrn = grown.marriages_by_mrn
        """Marriage registration number -> wife and husband."""
        self.households_by_id = {number: [place] for number, place in grown.household_numbers.items()}
        """HOUSEHOLD_ID -> the household registered under it."""
        self.casts = grown.casts
        """The people of the named examples."""
        self.example_people = grown.example_people
        self.example_refusals = {self.casts[key].subject: refusal for key, refusal in named.REFUSALS.items()}
        self._troubles = grown.troubles
        self.parcels_of: dict[int, list[int]] = {}
        """Person -> parcels held, alone or with others."""
        for place, parcel in enumerate(self.parcels):
            for holder in parcel.holders:
                self.parcels_of.setdefault(holder, []).append(place)
        self._former: dict[int, list[int]] = {}
        for household, listed in grown.troubles.stale_members.items():
            for member in listed:
                if grown.people[member].household != household:
                    self._former.setdefault(member, []).append(household)

    def registered_ids(self, household: int) -> tuple[str, ...]:
        """Return a household's numbers in the social registry: none, one, or two when it was registered twice."""
        first = self.households[household].household_id
        second = self._troubles.second_household_id.get(household)
        return tuple(number for number in (first, second) if number is not None)

    def registered_members(self, household: int) -> list[int]:
        """Return the members as the social registry lists them, the head first; empty when not registered."""
        if self.households[household].household_id is None:
            return []
        return self._troubles.stale_members.get(household, self.households[household].members)

    def registered_households(self, person: int) -> tuple[int, ...]:
        """Return the households in which the social registry lists a person: their own and, at times, a former one."""
        own = self.people[person].household
        return (*((own,) if person in self.registered_members(own) else ()), *self._former.get(person, ()))

    def registered_address(self, household: int) -> Address:
        """Return a household's address as the social registry has it."""
        return self._troubles.stale_address.get(household, self.households[household].address)

    def spelling(self, registry: str, person: int) -> FullName:
        """Return a person's given name, second name and surname as a registry spells them."""
        one = self.people[person]
        name = (one.given_name, one.second_name, one.surname)
        if person in self.example_people:
            drifts = person == self.casts["drifting_spelling"].subject and registry in named.DRIFTED_AT
            return (one.given_name, one.second_name, misheard(one.surname)) if drifts else name
        draw = fraction(self.seed, registry, person)
        return name if draw >= RATES.drifting_spelling else drifted(name, draw / RATES.drifting_spelling)

    def in_crvs(self, person: int) -> bool:
        """Tell whether a person's birth was registered; civil registration knows nobody else."""
        return self.people[person].brn is not None

    def national_id_alive(self, person: int) -> bool:
        """Tell whether national ID takes a person to be alive, as it does for some of the dead."""
        return self.people[person].death_date is None or person in self._troubles.alive_at_national_id

    def on_tax_rolls_though_dead(self, person: int) -> bool:
        """Tell whether the tax authority keeps a dead person's file active."""
        return person in self._troubles.on_tax_rolls

    def believe_alive(self, person: int) -> Callable[[], None]:
        """Let national ID take a dead person to be alive; returns what sets it right."""
        self._troubles.alive_at_national_id.add(person)
        return lambda: self._troubles.alive_at_national_id.discard(person)

    def keep_on_tax_rolls(self, person: int) -> Callable[[], None]:
        """Let the tax authority keep a dead person's file active; returns what sets it right."""
        self._troubles.on_tax_rolls.add(person)
        return lambda: self._troubles.on_tax_rolls.discard(person)

    def keep_address(self, household: int, address: Address) -> Callable[[], None]:
        """Let the social registry keep an old address; returns what sets it right."""
        self._troubles.stale_address[household] = address

        def learn() -> None:
            self._troubles.stale_address.pop(household, None)

        return learn

    def learner_brn(self, person: int) -> str | None:
        """Return the BRN by which the education registry knows a learner, if it was ever entered there."""
        return None if person in self._troubles.learners_without_brn else self.people[person].brn


def build(households: int = 2000, seed: int = 7) -> Population:
    """Grow the country with so many households; the same numbers give the same country everywhere.

    Raises: ValueError when there are too few households for the named examples, or too many for their numbers.
    """
    return Population(grow(households, seed))


def examples(population: Population) -> dict[str, dict[str, Any]]:
    """Return the named examples: for each a note and the numbers to ask by."""
    return named.examples(population)


def consents(population: Population) -> Iterator[dict[str, Any]]:
    """Yield the lines of consents.jsonl: what everybody with a number decided."""
    return consent_lines.consents(population)
