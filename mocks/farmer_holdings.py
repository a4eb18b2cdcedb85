"""Who farms what, as the farmer registry has it: mostly holders of land in the cadastre, some who till without any.

The registry asks the farmer and the cadastre surveys, so sizes drift; some are told in acres or square metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import Knots, between, curve, pick, stream
from mocks.families import TODAY, YEAR, day
from mocks.numbers import fresh
from mocks.people import Parcel, Person
from mocks.places import LOCALITIES

if TYPE_CHECKING:
    from mocks.population import Population

NUMBER_TYPE: Final = "FARMER_ID"
PER_HECTARE: Final = {"0": 1.0, "1": 2.47105, "2": 10_000.0}
"""How much of a unit (hectares, acres, square metres) one hectare is."""

_DIGITS: Final = {"0": 4, "1": 2, "2": 0}

_REGISTERED: Final = 0.72
"""Share of the living holders of fields and pastures who are in the registry."""
_LANDLESS: Final = 0.045
"""Share of village adults without land in the cadastre who farm other people's, or land nobody entered."""
_EXACT: Final = 0.55
"""Share of farms whose size is the cadastre's."""
_SINCE: Final = date(2012, 1, 1).toordinal()
_BORROWED_HA: Final[Knots] = ((0, 0.1), (0.5, 0.6), (0.95, 2), (1, 5))
_VILLAGES: Final = frozenset(place.name for place in LOCALITIES if not place.town)
_CROPS: Final = (
    ("011", "1", "maize"), ("011", "1", "sorghum"), ("011", "1", "millet"), ("011", "5", "cassava"),
    ("011", "7", "beans"), ("011", "2", "onion"), ("012", "6", "coffee"), ("012", "3", "banana"),
    ("011", "4", "groundnut"), ("011", "8", "sugar cane"),
)  # fmt: skip
"""Activity, type of crop, variety."""
_SEASONS: Final = ("long rains", "short rains")


class Crop(NamedTuple):
    """What grows on a farm; codes are those of DCI."""

    activity: str
    type: str
    variety: str
    season: str
    end_use: str
    irrigation: str | None
    """Where its water comes from, None where only rain falls on it."""


class Animals(NamedTuple):
    """What lives on a farm."""

    type: str
    head: int
    system: str


class Farm(NamedTuple):
    """One piece of land as the farmer told of it."""

    area_ha: float
    unit: str
    tenure: str
    locality: str
    longitude: float | None
    latitude: float | None
    crops: tuple[Crop, ...]
    animals: tuple[Animals, ...]
    parcel_id: str | None
    """The parcel of the cadastre that it is; the registry does not tell it."""

    @property
    def size(self) -> float:
        """Return the size in its unit, as it was written down."""
        return round(self.area_ha * PER_HECTARE[self.unit], _DIGITS[self.unit])


@dataclass(frozen=True, slots=True)
class Holding:
    """One farmer and all they farm."""

    index: int
    person: Person
    number: str
    farms: tuple[Farm, ...]
    machines: tuple[tuple[str, int, str], ...]
    """Kind, how many, and where they come from."""
    registered_on: date
    updated_on: date

    @property
    def uin(self) -> str | None:
        """Return the national number."""
        return self.person.uin

    @property
    def area_ha(self) -> float:
        """Return the size of all farms."""
        return round(sum(round(farm.area_ha, 4) for farm in self.farms), 4)

    @property
    def farm_type(self) -> str:
        """Return the DCI code of the kind of farm, by its size."""
        return "1" if self.area_ha < 2 else "2" if self.area_ha < 5 else "3" if self.area_ha < 10 else "5"


def holdings(population: Population) -> list[Holding]:
    """Return all farmers, in the order of the population; the same population gives the same."""
    rng = stream(population.seed, "farmer registry")
    subject = population.casts["complete_household"].subject
    tilled = _tilled(population)
    taken: set[str] = set()
    found: list[Holding] = []
    for person in population.people:
        if person.death_date is not None or person.uin is None or person.birth_date.toordinal() > TODAY - 18 * YEAR:
            continue
        fields = tilled.get(person.index, ())
        if person.index == subject:
            farms = tuple(_farm(rng, field, population, person, is_exact=True) for field in fields)
        elif fields:
            farms = tuple(_farm(rng, field, population, person) for field in fields) if _draw(rng, _REGISTERED) else ()
        else:
            farms = _borrowed(rng, population, person)
        if not farms:
            continue
        number = fresh(rng, taken, "FR-", 6)
        taken.add(number)
        registered = between(rng, max(_SINCE, person.birth_date.toordinal() + round(18 * YEAR)), TODAY)
        updated = between(rng, registered, TODAY)
        machines = _machines(rng, sum(farm.area_ha for farm in farms))
        found.append(Holding(len(found), person, number, farms, machines, day(registered), day(updated)))
    return found


def registered(rng: Random, population: Population, index: int, person: Person, number: str, on: date) -> Holding:
    """Return the holding of somebody who registers on a day: the fields they hold, or a plot of somebody else's."""
    fields = (population.parcels[place] for place in population.parcels_of.get(person.index, ()))
    tilled = [parcel for parcel in fields if parcel.use in ("cropland", "pasture")]
    farms = tuple(_farm(rng, parcel, population, person) for parcel in tilled)
    return Holding(index, person, number, farms or (_plot(rng, population, person),), (), on, on)


def _tilled(population: Population) -> dict[int, list[Parcel]]:
    """Return fields and pastures by who works them: the first of their holders who lives."""
    people = population.people
    tilled: dict[int, list[Parcel]] = {}
    for parcel in population.parcels:
        if parcel.use in ("cropland", "pasture"):
            farmer = next((place for place in parcel.holders if people[place].death_date is None), None)
            if farmer is not None:
                tilled.setdefault(farmer, []).append(parcel)
    return tilled


def _farm(rng: Random, parcel: Parcel, population: Population, person: Person, *, is_exact: bool = False) -> Farm:
    drift = 1.0 if is_exact or _draw(rng, _EXACT) else 0.75 + 0.5 * rng.random()
    # A farmer paces out a field: what is not the cadastre's figure is a round one.
    area = parcel.area_ha if drift == 1.0 else max(0.1, round(parcel.area_ha * drift, 1))
    unit = "0" if is_exact else pick(rng, "0000000000000111" if area > 1 else "0000000000000112")
    crops = () if parcel.use == "pasture" else _crops(rng)
    animals = _animals(rng, area) if parcel.use == "pasture" or _draw(rng, 0.35) else ()
    place = population.households[person.household].address.locality
    return Farm(area, unit, parcel.tenure, place, parcel.longitude, parcel.latitude, crops, animals, parcel.parcel_id)


def _borrowed(rng: Random, population: Population, person: Person) -> tuple[Farm, ...]:
    """Return the farm of somebody without land in the cadastre: other people's, or land nobody entered; mostly none."""
    place = population.households[person.household].address.locality
    working = person.tax is None and (person.schooling is None or not person.schooling.enrolled)
    old = person.birth_date.toordinal() < TODAY - 75 * YEAR
    if place not in _VILLAGES or not working or old or person.index in population.example_people:
        return ()
    if not _draw(rng, _LANDLESS):
        return ()
    return (_plot(rng, population, person),)


def _plot(rng: Random, population: Population, person: Person) -> Farm:
    """Return a plot that is in no cadastre."""
    place = population.households[person.household].address.locality
    area = round(curve(_BORROWED_HA, rng.random()), 1)
    return Farm(area, pick(rng, "0001"), pick(rng, "2244"), place, None, None, _crops(rng), (), None)


def _crops(rng: Random) -> tuple[Crop, ...]:
    first = int(rng.random() * len(_CROPS))
    grown = (first,) if _draw(rng, 0.55) else (first, (first + 1 + int(rng.random() * 3)) % len(_CROPS))
    return tuple(
        Crop(*_CROPS[place], pick(rng, _SEASONS), pick(rng, "1111124"), pick(rng, "12") if _draw(rng, 0.12) else None)
        for place in grown
    )


def _animals(rng: Random, area: float) -> tuple[Animals, ...]:
    kept = [Animals("6", between(rng, 2, 30), "4")] if _draw(rng, 0.5) else []
    grazing = pick(rng, "122")
    return (Animals(grazing, between(rng, 1, 3 + int(area * 3)), "3" if area > 5 else "4"), *kept)


def _machines(rng: Random, area: float) -> tuple[tuple[str, int, str], ...]:
    owned = [("10", between(rng, 1, 4), "1")] if _draw(rng, 0.6) else []
    if _draw(rng, 0.2):
        owned.append(("20", 1, pick(rng, "126")))
    if area > 4 and _draw(rng, 0.5):
        owned.append(("32", 1, pick(rng, "156")))
    return tuple(owned)


def _draw(rng: Random, share: float) -> bool:
    return rng.random() < share
