"""Who holds which land: what families bought or lease, and what the dead left to their children."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Final

from mocks.chance import Knots, between, curve, pick, stream
from mocks.families import TODAY, YEAR, Country, day
from mocks.people import Household, Parcel, Person
from mocks.places import LOCALITIES, REGIONS, Locality

_LEFT_BY_DEAD: Final = 0.42
"""Share of the first couples in villages that left land to their children."""
_BOUGHT_IN_VILLAGE: Final = 0.44
_BOUGHT_IN_TOWN: Final = 0.22
_LATE_TRANSFER: Final = 0.06
"""Share of inherited parcels that still stand in the name of the dead."""
_MOST_HEIRS: Final = 4

_FIELD_HA: Final[Knots] = ((0, 0.2), (0.4, 0.7), (0.8, 1.9), (0.97, 5), (1, 24))
_PRICE: Final = {"cropland": 9_000, "pasture": 3_500, "residential": 160_000, "forest": 5_000}
"""Assessed crowns per hectare, before the luck of the place."""
_CADASTRE_SINCE: Final = date(1985, 1, 1).toordinal()
"""The cadastre was begun together with the national ID; older land was entered then under its owners' new numbers."""


def parcels(country: Country, households: list[Household], seed: int) -> Iterator[Parcel]:
    """Yield all parcels; holders all have a national number, in the cadastre nobody else can be entered."""
    rng = stream(seed, "estates")
    for person in country.people:
        if person.mother is None and person.children and person.death_date is not None and person.sex == "male":
            yield from _inheritance(rng, country, person)
    for household in households:
        home = LOCALITIES[country.place[household.head]]
        if rng.random() < (_BOUGHT_IN_TOWN if home.town else _BOUGHT_IN_VILLAGE):
            yield from _bought(rng, country, household, home)


def parcel(rng: Random, holders: list[int], home: Locality, use: str, tenure: str, registered: int) -> Parcel:
    """Make one parcel near a locality; `registered` is a day number."""
    residential = use == "residential"
    area = 0.02 + 0.1 * rng.random() if residential else curve(_FIELD_HA, rng.random())
    region = REGIONS[home.region]
    return Parcel(
        parcel_id="",
        holders=holders,
        area_ha=round(area, 4),
        tenure=tenure,
        use=use,
        value=max(10, int(area * _PRICE[use] * (0.6 + 0.8 * rng.random())) // 10 * 10),
        longitude=round(region.longitude + 2 * rng.random(), 5),
        latitude=round(region.latitude + 2 * rng.random(), 5),
        registered_on=day(registered),
    )


def _inheritance(rng: Random, country: Country, dead: Person) -> Iterator[Parcel]:
    home = LOCALITIES[country.place[dead.index]]
    if home.town or rng.random() >= _LEFT_BY_DEAD:
        return
    widow = next((m.spouse for m in dead.marriages if m.ended_by == "death"), None)
    heirs = [widow] if widow is not None and country.alive(widow) else []
    heirs += [c for c in dead.children if country.alive(c) and country.born[c] < TODAY - 18 * YEAR]
    heirs = [h for h in heirs if h not in country.numberless]
    died = country.dies[dead.index]
    # An estate is not settled within months.
    if not heirs or died > TODAY - 200:
        return
    entered = max(_CADASTRE_SINCE + between(rng, 30, 900), country.born[dead.index] + round(25 * YEAR))
    if died > entered and rng.random() < _LATE_TRANSFER:
        yield parcel(rng, [dead.index], home, "cropland", "1", entered)
        return
    for start in range(0, min(len(heirs), 2 * _MOST_HEIRS), _MOST_HEIRS):
        holders = heirs[start : start + _MOST_HEIRS]
        of_age = max(country.born[h] for h in holders) + round(18 * YEAR)
        registered = min(max(died + between(rng, 60, 900), of_age, _CADASTRE_SINCE), TODAY - 30)
        use = "cropland" if rng.random() < 0.75 else pick(rng, ("pasture", "forest", "residential"))
        yield parcel(rng, holders, home, use, "5", registered)


def _bought(rng: Random, country: Country, household: Household, home: Locality) -> Iterator[Parcel]:
    owners = [household.head]
    spouse = next((m for m in household.members if household.relationship[m] == "SPS"), None)
    if spouse is not None and rng.random() < 0.5:
        owners.append(spouse)
    owners = [o for o in owners if o not in country.numberless and country.born[o] < TODAY - 19 * YEAR]
    if not owners:
        return
    of_age = max(country.born[o] for o in owners) + round(18.5 * YEAR)
    for _ in range(1 + (rng.random() < 0.25)):
        if home.town:
            use = "residential" if rng.random() < 0.8 else "cropland"
        else:
            use = pick(rng, ("cropland", "cropland", "cropland", "residential", "pasture", "forest"))
        draw = rng.random()
        tenure = "1" if use == "residential" or draw < 0.6 else "2" if draw < 0.82 else "4" if draw < 0.93 else "3"
        yield parcel(rng, list(owners), home, use, tenure, between(rng, max(of_age, _CADASTRE_SINCE), TODAY - 20))
