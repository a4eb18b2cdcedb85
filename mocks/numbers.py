"""The numbers that registries give people, households and parcels: unique, and none to be guessed from another."""

from __future__ import annotations

from collections.abc import Container
from random import Random
from typing import Final

from mocks.chance import between, stream
from mocks.families import TODAY, Country, day
from mocks.people import Person

UIN_SINCE: Final = 1985
"""The national ID was begun in this year; who had died before never got a number."""
LEARNERS_SINCE: Final = 1991
"""Births from this year on have a learner number if they ever went to school."""

_NO_UIN_YET: Final = 0.02
_NO_UIN_AS_INFANT: Final = 0.15

Index = dict[str, dict[str, int]]
"""Identifier type -> number -> person."""


class Mint:
    """Draws numbers of each kind and keeps whose they are."""

    def __init__(self, seed: int) -> None:
        """Start without any number given."""
        self.rng: Random = stream(seed, "numbers")
        self.people: Index = {
            kind: {} for kind in ("UIN", "BRN", "DRN", "TIN", "LEARNER_NUMBER", "PATIENT_NUMBER", "MEMBER_ID")
        }
        self.marriages: dict[str, tuple[int, int]] = {}

    def uin(self, person: int) -> str:
        """Give a national identification number: ten digits, the first not zero."""
        return self._given("UIN", person, "", 10, 10**9)

    def yearly(self, kind: str, letter: str, year: int, person: int) -> str:
        """Give a BRN or DRN of a year."""
        return self._given(kind, person, f"{letter}{year}-", 6)

    def plain(self, kind: str, letters: str, digits: int, person: int) -> str:
        """Give a number of letters and digits."""
        return self._given(kind, person, letters, digits)

    def marriage(self, year: int, couple: tuple[int, int]) -> str:
        """Give a marriage registration number."""
        number = fresh(self.rng, self.marriages, f"M{year}-", 6)
        self.marriages[number] = couple
        return number

    def _given(self, kind: str, person: int, letters: str, digits: int, lowest: int = 1) -> str:
        index = self.people[kind]
        number = fresh(self.rng, index, letters, digits, lowest)
        index[number] = person
        return number


def fresh(rng: Random, taken: Container[str], letters: str, digits: int, lowest: int = 1) -> str:
    """Draw a number that is not taken."""
    while True:
        number = f"{letters}{between(rng, lowest, 10**digits - 1):0{digits}}"
        if number not in taken:
            return number


def give_numbers(country: Country, mint: Mint, unregistered: set[int], spotless: set[int]) -> None:
    """Give everybody the numbers that follow from their life: birth, marriage, death, tax file, school, clinic."""
    for person in country.people:
        index = person.index
        if index in country.numberless:
            continue
        if index not in unregistered:
            _register_birth(country, mint, person)
        if _gets_uin(country, mint.rng, person, unregistered, spotless):
            person.uin = mint.uin(index)
        if person.death_date is not None:
            person.drn = mint.yearly("DRN", "D", person.death_date.year, index)
        if person.tax is not None:
            person.tin = mint.plain("TIN", "T", 8, index)
        if person.schooling is not None and person.birth_date.year >= LEARNERS_SINCE:
            person.learner_number = mint.plain("LEARNER_NUMBER", "L", 7, index)
        if person.chart is not None:
            person.patient_number = mint.plain("PATIENT_NUMBER", "PT", 7, index)
        if person.sex == "female":
            _register_marriages(country, mint, person)


def _register_birth(country: Country, mint: Mint, person: Person) -> None:
    rng, born = mint.rng, country.born[person.index]
    latest = min(TODAY, country.dies[person.index]) - born
    late = between(rng, 2, 90) if rng.random() < 0.86 else between(rng, 90, 2400)
    person.birth_registered_on = day(born + min(late, latest))
    person.brn = mint.yearly("BRN", "B", person.birth_date.year, person.index)


def _register_marriages(country: Country, mint: Mint, wife: Person) -> None:
    """Number the marriages of a woman, in both spouses' records; customary ones of the numberless stay unnumbered."""
    for marriage in wife.marriages:
        husband = country.people[marriage.spouse]
        marriage.mrn = mint.marriage(marriage.start.year, (wife.index, husband.index))
        other = next(m for m in husband.marriages if m.spouse == wife.index and m.start == marriage.start)
        other.mrn = marriage.mrn


def _gets_uin(country: Country, rng: Random, person: Person, unregistered: set[int], spotless: set[int]) -> bool:
    if person.index in spotless:
        return person.index not in unregistered
    if person.death_date is not None and person.death_date.year < UIN_SINCE:
        return False
    age = TODAY - country.born[person.index]
    if person.index in unregistered:
        # Some get a number when they start school or at a later campaign, without the birth being registered.
        return age > 2200 and rng.random() < 0.35
    if age > 6575:
        return True
    return rng.random() >= (_NO_UIN_AS_INFANT if age < 365 else _NO_UIN_YET)
