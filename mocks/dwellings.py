"""How a household lives, and the poverty score that follows from its income, land and dwelling."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from mocks.chance import Knots, between, curve
from mocks.people import Address
from mocks.places import REGIONS, STREETS, Locality

_INCOME_POINTS: Final[Knots] = ((0, 0), (400, 10), (1200, 22), (3000, 36), (8000, 52), (20000, 64), (60000, 74))
"""Points by true income per head."""
_LAND_POINTS: Final[Knots] = ((0, 0), (0.1, 3), (0.5, 6), (2, 9), (10, 12))
"""Points by hectares per head."""
_DWELLING_POINTS: Final = {"brick": 6, "iron_sheet": 3, "mud": 1, "temporary": 0}
_WATER_POINTS: Final = {"piped": 3, "borehole": 2, "well": 1, "surface": 0}


class Dwelling(NamedTuple):
    """A home: its walls, where its water comes from, light and rooms."""

    dwelling: str
    water: str
    electricity: bool
    rooms: int


def dwelling(rng: Random, standing: float, size: int, *, town: bool) -> Dwelling:
    """Return the home of a household of some standing."""
    comfort = 0.75 * standing + 0.25 * rng.random() + (0.12 if town else 0.0)
    walls = "brick" if comfort > 0.62 else "iron_sheet" if comfort > 0.42 else "mud" if comfort > 0.12 else "temporary"
    if town and walls == "mud":
        walls = "iron_sheet"
    flow = comfort * 0.7 + 0.3 * rng.random()
    water = "piped" if flow > 0.6 else "borehole" if flow > 0.4 else "well" if flow > 0.2 else "surface"
    electricity = rng.random() < curve(((0.1, 0.05), (0.5, 0.5), (0.9, 0.98)), comfort)
    rooms = 1 if walls == "temporary" else max(1, min(9, int(size * 0.35 + 3 * comfort * rng.random() + 0.6)))
    return Dwelling(walls, water, electricity, rooms)


def address(rng: Random, home: Locality) -> Address:
    """Return an address in a locality: a street and number in towns, a plot in villages."""
    if home.town:
        line = f"{between(rng, 1, 180)} {STREETS[int(rng.random() * len(STREETS))]}"
    else:
        line = f"Plot {between(rng, 1, 600)}, {home.name}"
    return Address(line, home.name, home.district, REGIONS[home.region].code, home.postal_code)


def poverty_score(rng: Random, income: float, land_ha: float, size: int, home: Dwelling) -> float:
    """Return the score from 0 (poorest) to 100 by income and land per head and by the dwelling."""
    points = curve(_INCOME_POINTS, income / size) + curve(_LAND_POINTS, land_ha / size)
    points += _DWELLING_POINTS[home.dwelling] + _WATER_POINTS[home.water]
    points += 2 if home.electricity else 0
    points += 3 * min(1.0, home.rooms / size)
    return round(min(100.0, max(0.0, points + 4 * (rng.random() - 0.5))), 1)
