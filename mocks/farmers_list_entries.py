"""The list that agricultural extension officers keep of the farmers they visit: names, and no number anybody shares.

Who stands on it is settled by the country. How well a person was written down is a matter of noise: names as they were
heard, day and month exchanged, a year of birth only (written as its first of January), the village of before, no second
name. In one region it is kept in Ethiopic letters.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import fraction
from mocks.families import YEAR
from mocks.farmer_holdings import holdings
from mocks.places import LOCALITIES
from mocks.scripts import HILLS, ethiopic
from mocks.spellings import FullName, drifted, swapped

if TYPE_CHECKING:
    from mocks.people import Person
    from mocks.population import Population

NUMBER_TYPE: Final = "FARMER_LIST_NO"
CROPS: Final = ("maize", "sorghum", "millet", "cassava", "beans", "groundnut", "banana", "coffee", "onion", "teff")
COOPERATIVES: Final = (
    "Unity Growers",
    "Millet & Maize Union",
    "Hill Terrace Society",
    "Lake Gardens",
    "Red Well Farmers",
)
_MEMBERS: Final = 0.45
"""Share of those listed who belong to a cooperative."""
_VOUCHERS: Final = 0.6
"""Share who were given a voucher for seed and fertiliser this season."""

_FARMERS: Final = 0.75
"""Share of those who farm by the farmer registry's own knowledge who are on the list."""
_VILLAGERS: Final = 0.06
"""Share of other grown villagers with a number."""
_NUMBERLESS: Final = 0.5
"""Share of grown villagers whom no office ever gave a number: officers ask for none."""
_DEAD: Final = 0.03
"""Share of grown villagers who died lately, and are on the list still."""
_DEAD_SINCE: Final = date(2022, 1, 1)
_VILLAGES: Final = {place.name: place for place in LOCALITIES if not place.town}


class Noise(NamedTuple):
    """How often each thing goes wrong when somebody is written down."""

    spelling: float
    swapped_days: float
    year_only: float
    moved: float
    no_second_name: float
    typed_over: float = 0.0
    """A further slip of the pen in the surname."""


NOISE: Final = {
    "low": Noise(spelling=0.02, swapped_days=0.005, year_only=0.03, moved=0.02, no_second_name=0.1),
    "default": Noise(spelling=0.12, swapped_days=0.03, year_only=0.15, moved=0.08, no_second_name=0.3, typed_over=0.02),
    "high": Noise(spelling=0.3, swapped_days=0.1, year_only=0.35, moved=0.2, no_second_name=0.6, typed_over=0.08),
}


class ListEntry(NamedTuple):
    """One line of the list, and whom it is about, which the list does not know."""

    person: Person
    number: str
    given_name: str
    second_name: str | None
    surname: str
    sex: str
    birth_date: date
    village: str
    district: str
    region: str
    crop: str
    plot_ha: float
    cooperative: str | None
    has_voucher: bool
    visited_on: date


def entries(population: Population, noise: str = "default") -> list[ListEntry]:
    """Return the whole list in the order of its numbers; the same country gives the same.

    noise: one of `NOISE`; who is on the list, and under which number, does not hang on it.
    """
    farming = frozenset(one.person.index for one in holdings(population))
    listed = [one for one in population.people if _is_listed(population, one, farming)]
    taken: set[int] = set()
    found = [_entry(population, person, _number(population, person, taken), NOISE[noise]) for person in listed]
    return sorted(found, key=lambda one: one.number)


def _is_listed(population: Population, person: Person, farming: frozenset[int]) -> bool:
    if person.index in population.example_people:
        return person.index == population.casts["complete_household"].subject
    village = population.households[person.household].address.locality
    age = (population.today - person.birth_date).days / YEAR
    if village not in _VILLAGES or age < 18:
        return False
    draw = fraction(population.seed, "farmers list", person.index)
    if person.death_date is not None:
        return person.death_date >= _DEAD_SINCE and draw < _DEAD
    if person.index in farming:
        return draw < _FARMERS
    numberless = person.uin is None and person.brn is None
    return draw < (_NUMBERLESS if numberless else _VILLAGERS)


def _number(population: Population, person: Person, taken: set[int]) -> str:
    number = int(fraction(population.seed, "farmers list number", person.index) * 10**6)
    while number in taken:
        number = (number + 1) % 10**6
    taken.add(number)
    return f"FL-{number:06d}"


def _entry(population: Population, person: Person, number: str, noise: Noise) -> ListEntry:
    is_example = person.index in population.example_people

    def draw(what: str) -> float:
        return fraction(population.seed, f"farmers list: {what}", person.index)

    def goes_wrong(what: str, rate: float) -> bool:
        return not is_example and draw(what) < rate

    address = population.households[person.household].address
    given, second, surname = _heard(population, person, noise, is_example=is_example)
    if second is not None and goes_wrong("second name", noise.no_second_name):
        second = None
    born = person.birth_date
    if goes_wrong("year", noise.year_only):
        born = date(born.year, 1, 1)
    elif goes_wrong("days", noise.swapped_days) and born.day <= 12:
        born = date(born.year, born.day, born.month)
    village, district = address.locality, address.district
    if goes_wrong("village", noise.moved):
        near = [one for one in _VILLAGES.values() if one.district == district and one.name != village]
        village = near[int(draw("which village") * len(near))].name if near else village
    if address.region == HILLS:
        given, second, surname = ethiopic(given), ethiopic(second) if second else None, ethiopic(surname)
    return ListEntry(
        person=person,
        number=number,
        given_name=given,
        second_name=second,
        surname=surname,
        sex=person.sex,
        birth_date=born,
        village=village,
        district=district,
        region=address.region,
        crop=CROPS[int(draw("crop") * len(CROPS))],
        plot_ha=round(0.1 + draw("plot") * draw("larger plot") * 6, 1),
        cooperative=_cooperative(draw("member"), draw("cooperative"), is_example=is_example),
        has_voucher=is_example or draw("voucher") < _VOUCHERS,
        visited_on=date.fromordinal(date(2026, 3, 1).toordinal() + int(draw("visit") * 200)),
    )


def _cooperative(member: float, which: float, *, is_example: bool) -> str | None:
    return COOPERATIVES[int(which * len(COOPERATIVES))] if is_example or member < _MEMBERS else None


def _heard(population: Population, person: Person, noise: Noise, *, is_example: bool) -> FullName:
    name: FullName = (person.given_name, person.second_name, person.surname)
    if is_example:
        return name
    draw = fraction(population.seed, "farmers list: spelling", person.index)
    if draw < noise.spelling:
        name = drifted(name, draw / noise.spelling)
    if fraction(population.seed, "farmers list: pen", person.index) < noise.typed_over:
        name = (name[0], name[1], swapped(name[2]))
    return name
