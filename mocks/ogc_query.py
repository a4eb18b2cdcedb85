"""What a request for parcels asks: holders, a place, a time and a page."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from multidict import MultiMapping

from mocks.cql2 import FilterError, wanted_values
from mocks.ogc import PARAMETERS

QUERYABLE: Final = "owner_national_number"
DEFAULT_LIMIT: Final = 100
MOST_FEATURES: Final = 1000
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt][0-9:.]+(?:[Zz]|[+-]\d\d:\d\d))?", re.ASCII)
_FIRST_DAY, _LAST_DAY = "0000-01-01", "9999-12-31"


class ParameterError(ValueError):
    """A query parameter that cannot be used; the message holds no value from it."""


class Query(NamedTuple):
    """A request for parcels; None allows every holder, every place or every time."""

    owners: frozenset[str] | None = None
    box: tuple[float, float, float, float] | None = None
    days: tuple[str, str] | None = None
    limit: int = DEFAULT_LIMIT
    offset: int = 0

    @property
    def narrows(self) -> bool:
        """Tell whether the query speaks of a place or a time."""
        return self.box is not None or self.days is not None

    def takes(self, ring: Sequence[Sequence[float]], day: str) -> bool:
        """Tell whether an upright rectangle touches the place, and a day (YYYY-MM-DD) lies in the time."""
        return (self.box is None or _touches(ring, self.box)) and (
            self.days is None or self.days[0] <= day <= self.days[1]
        )


def query_of(parameters: MultiMapping[str]) -> Query:
    """Read the parameters of a request for parcels.

    Raises: ParameterError for a parameter that is unknown, repeated or out of range, and for other filters.
    """
    if not set(parameters) <= set(PARAMETERS) or len(set(parameters)) != len(parameters):
        raise ParameterError(f"the parameters are {', '.join(PARAMETERS)}, each once")
    if parameters.get("filter-lang", "cql2-text") != "cql2-text":
        raise ParameterError("the filter language is cql2-text")
    if parameters.get("f", "json") != "json":
        raise ParameterError("the format is json")
    try:
        owners = wanted_values(parameters["filter"], QUERYABLE) if "filter" in parameters else None
    except FilterError as problem:
        raise ParameterError(f"filter: {problem}") from None
    return Query(
        owners,
        _box(parameters["bbox"]) if "bbox" in parameters else None,
        _days(parameters["datetime"]) if "datetime" in parameters else None,
        min(_whole(parameters.get("limit", str(DEFAULT_LIMIT)), "limit", least=1), MOST_FEATURES),
        _whole(parameters.get("offset", "0"), "offset", least=0),
    )


def _touches(ring: Sequence[Sequence[float]], box: tuple[float, float, float, float]) -> bool:
    """Tell whether an upright rectangle and a box have a point in common."""
    west, south, east, north = box
    longitudes, latitudes = [point[0] for point in ring], [point[1] for point in ring]
    beside = min(longitudes) > east or max(longitudes) < west
    return not (beside or min(latitudes) > north or max(latitudes) < south)


def _box(text: str) -> tuple[float, float, float, float]:
    """Read a bounding box: west, south, east, north in degrees."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError("bbox is four numbers: west, south, east, north") from None
    if not (all(map(math.isfinite, (west, south, east, north))) and west <= east and south <= north):
        raise ParameterError("bbox is west, south, east, north in degrees")
    return west, south, east, north


def _days(text: str) -> tuple[str, str]:
    """Read a moment or an interval as first and last day; an open end is `..` or nothing."""
    start, slash, end = text.partition("/")
    if not slash:
        end = start
    open_ends = {"", ".."} if slash else set()
    if any(part not in open_ends and _MOMENT.fullmatch(part) is None for part in (start, end)):
        raise ParameterError("datetime is a moment, or an interval of two with a slash")
    return (
        _FIRST_DAY if start in open_ends else start[:10],
        _LAST_DAY if end in open_ends else end[:10],
    )


def _whole(text: str, name: str, *, least: int) -> int:
    """Read a whole number of at most nine digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= least):
        raise ParameterError(f"{name} is a whole number from {least}")
    return int(text)
