"""A registry's own roll of people: its entries in order, found by the number it gave and by the national number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from mocks.dci_message import number
from mocks.numbers import fresh

if TYPE_CHECKING:
    from random import Random

    from mocks.people import Address, Person
    from mocks.population import Population


class Enrolled(Protocol):
    """One entry of a roll: about one person, under the registry's number and the national number it was given."""

    @property
    def index(self) -> int:
        """Return the place in the roll."""

    @property
    def person(self) -> Person:
        """Return whom it is about."""

    @property
    def number(self) -> str:
        """Return the registry's own number."""

    @property
    def uin(self) -> str | None:
        """Return the national number given at entry, which need not be the only one the person has."""


Entry = TypeVar("Entry", bound=Enrolled)


class Roll(Generic[Entry]):
    """The entries of one registry; one number may lead to several entries."""

    def __init__(self, entries: Iterable[Entry], number_type: str) -> None:
        """Take the entries in their order, and the name of the registry's own kind of number."""
        self.entries: list[Entry] = []
        self.number_type = number_type
        self._by: dict[str, dict[str, list[Entry]]] = {number_type: {}, "UIN": {}}
        self._people: dict[int, list[Entry]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Put an entry at the end."""
        self.entries.append(entry)
        self._by[self.number_type].setdefault(entry.number, []).append(entry)
        if entry.uin is not None:
            self._by["UIN"].setdefault(entry.uin, []).append(entry)
        self._people.setdefault(entry.person.index, []).append(entry)

    def replace(self, entry: Entry, by: Entry) -> None:
        """Put another entry in the place of one, under the same numbers and about the same person."""
        indices = (self._by[self.number_type][entry.number], self._people[entry.person.index])
        under_uin = () if entry.uin is None else (self._by["UIN"][entry.uin],)
        for listed in (self.entries, *indices, *under_uin):
            listed[:] = [by if one is entry else one for one in listed]

    def fresh_number(self, rng: Random, letters: str, digits: int) -> str:
        """Draw a number of the registry's own that nobody has."""
        return fresh(rng, self._by[self.number_type], letters, digits)

    def by(self, type_: str) -> Callable[[str], Sequence[Entry]]:
        """Return what finds entries by a number of one kind."""
        index = self._by[type_]
        return lambda value: index.get(value, ())

    def by_any(self, value: str) -> Sequence[Entry]:
        """Return the entries that a number of either kind leads to."""
        return next((found for index in self._by.values() if (found := index.get(value))), ())

    def of(self, person: Person) -> Sequence[Entry]:
        """Return the entries about a person."""
        return self._people.get(person.index, ())


def numbers(roll_type: str, entry: Enrolled) -> list[dict[str, str]]:
    """Return the DCI identifiers of an entry: the registry's own, then the national one."""
    own = [number(roll_type, entry.number)]
    return own if entry.uin is None else [*own, number("UIN", entry.uin)]


def member(
    population: Population, registry: str, person: Person, identifiers: Sequence[Mapping[str, str]], kind: str
) -> dict[str, Any]:
    """Return a person as a DCI `Member`, spelled as a registry spells them; `kind` is the class of its person."""
    about: dict[str, Any] = {
        "@type": kind,
        "identifier": list(identifiers),
        "name": spelled(population, registry, person),
        "sex": person.sex,
        "birth_date": person.birth_date.isoformat(),
        "address": [address_of(population.households[person.household].address)],
    }
    if person.phone:
        about["phone_number"] = [person.phone]
    return {"@type": "Member", "member_identifier": list(identifiers), "demographic_info": about}


def spelled(population: Population, registry: str, person: Person) -> dict[str, str]:
    """Return a DCI name as a registry spells it."""
    given, second, surname = population.spelling(registry, person.index)
    name = {"given_name": given, "surname": surname}
    return name | {"second_name": second} if second else name


def address_of(address: Address) -> dict[str, str]:
    """Return a DCI address."""
    return {
        "address_line_1": address.line,
        "locality": address.locality,
        "sub_region_code": address.district,
        "region_code": address.region,
        "postal_code": address.postal_code,
    }
