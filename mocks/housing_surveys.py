"""How people are housed, as the housing authority's surveyors saw it: a dwelling each, and who was said to live there.

A survey is some years old: who was born or moved in since is not named, and rooms have been added. Not every dwelling
was surveyed.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import fraction

if TYPE_CHECKING:
    from mocks.people import Person
    from mocks.population import Population

_SURVEYED: Final = 0.83
_FIRST: Final = date(2021, 1, 11).toordinal()
_DAYS: Final = 2000
_NEWLY_BUILT: Final = 0.06
"""Share of dwellings with a room more than at the survey."""
_CONNECTED_SINCE: Final = 0.05
"""Share of dwellings that the survey has without the electricity they have now."""
ROOFS: Final = {
    "brick": ("TILES", "TILES", "METAL_SHEETS", "CONCRETE"),
    "mud": ("THATCH", "THATCH", "METAL_SHEETS"),
    "iron_sheet": ("METAL_SHEETS",),
    "temporary": ("PLASTIC", "THATCH"),
}
FLOORS: Final = {
    "brick": ("CEMENT", "CEMENT", "TILED"),
    "mud": ("EARTH", "EARTH", "CEMENT"),
    "iron_sheet": ("CEMENT", "EARTH"),
    "temporary": ("EARTH",),
}
KINDS: Final = {"brick": "MASONRY", "mud": "EARTHEN", "iron_sheet": "METAL", "temporary": "MAKESHIFT"}
WATERS: Final = {"piped": "PIPED", "borehole": "BOREHOLE", "well": "DUG_WELL", "surface": "RIVER_OR_LAKE"}
_TENURES: Final = ("OWNED", "OWNED", "OWNED", "RENTED", "RENTED", "LENT")


class Survey(NamedTuple):
    """One dwelling as it was surveyed, in the authority's words."""

    code: str
    household: int
    kind: str
    roof: str
    floor: str
    rooms: int
    water: str
    is_connected: bool
    tenure: str
    surveyed_on: date
    residents: tuple[Person, ...]


def surveys(population: Population) -> list[Survey]:
    """Return the surveys of all dwellings that had one; the same population gives the same."""
    return [found for place in range(len(population.households)) if (found := _survey(population, place)) is not None]


def _survey(population: Population, place: int) -> Survey | None:
    def draw(what: str) -> float:
        return fraction(population.seed, f"housing: {what}", place)

    home = population.households[place]
    is_example = home.head in population.example_people
    if not is_example and draw("surveyed") >= _SURVEYED:
        return None
    seen = date.fromordinal(_FIRST + int(draw("day") * _DAYS))
    people = (population.people[member] for member in home.members)
    residents = tuple(one for one in people if one.uin is not None and (is_example or one.birth_date <= seen))
    roofs, floors = ROOFS[home.dwelling], FLOORS[home.dwelling]
    return Survey(
        code=f"HU-{place + 1:06d}",
        household=place,
        kind=KINDS[home.dwelling],
        roof=roofs[int(draw("roof") * len(roofs))],
        floor=floors[int(draw("floor") * len(floors))],
        rooms=home.rooms if is_example else max(1, home.rooms - (draw("rooms") < _NEWLY_BUILT)),
        water=WATERS[home.water],
        is_connected=home.electricity and (is_example or draw("power") >= _CONNECTED_SINCE),
        tenure=_TENURES[int(draw("tenure") * len(_TENURES))],
        surveyed_on=seen,
        residents=residents,
    )
