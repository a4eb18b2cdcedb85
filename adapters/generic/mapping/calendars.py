"""Days of other calendars as days of the Gregorian one, exactly."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.mapping.layout import Calendar

    Convert = Callable[[int, int, int], date]

_ETHIOPIAN_EPOCH: Final = 2796
"""Ordinal of the first day of the year 1 of the Ethiopian calendar (29 August of the year 8, Julian)."""
_ISLAMIC_EPOCH: Final = 227_015
"""Ordinal of the first day of the Hijra (16 July 622, Julian), by which civil registers count."""
_SOLAR_HIJRI_YEARS: Final = range(1210, 1635)
"""Years in which the rule of leap years that is used here and the equinox agree; 1831 to 2256."""
_SOLAR_HIJRI_START: Final = date(2021, 3, 21).toordinal() - 365 * 1400 - (8 * 1400 + 21) // 33
_BUDDHIST_AHEAD: Final = 543


def gregorian(calendar: Calendar, year: int, month: int, day: int) -> date:
    """Return the day.

    Raises: ValueError when the calendar has no such day.
    """
    try:
        return _CONVERSIONS[calendar](year, month, day)
    except OverflowError:
        raise ValueError("outside the years of the calendar") from None


def _ethiopian(year: int, month: int, day: int) -> date:
    """Thirteen months: twelve of thirty days, and one of five, or of six before a year that four divides."""
    last = (30 if month < 13 else 6 if year % 4 == 3 else 5) if 1 <= month <= 13 else 0
    _check(year >= 1 and 1 <= day <= last)
    return date.fromordinal(_ETHIOPIAN_EPOCH + 365 * (year - 1) + year // 4 + 30 * (month - 1) + day - 1)


def _islamic(year: int, month: int, day: int) -> date:
    """Return a day of the tabular (civil) calendar: 11 leap years in 30, months of 30 and 29 days in turn."""
    is_long = month % 2 == 1 or (month == 12 and (14 + 11 * year) % 30 < 11)
    _check(year >= 1 and 1 <= month <= 12 and 1 <= day <= (30 if is_long else 29))
    before = (year - 1) * 354 + (3 + 11 * year) // 30 + 29 * (month - 1) + (6 * month - 1) // 11
    return date.fromordinal(_ISLAMIC_EPOCH + before + day - 1)


def _solar_hijri(year: int, month: int, day: int) -> date:
    """Return a day of the calendar of Iran and Afghanistan: 8 leap years in 33, the first six months longer."""
    last = 31 if month <= 6 else 30 if month < 12 or (8 * year + 21) % 33 >= 25 else 29
    _check(year in _SOLAR_HIJRI_YEARS and 1 <= month <= 12 and 1 <= day <= last)
    before = 31 * (month - 1) if month <= 7 else 186 + 30 * (month - 7)
    return date.fromordinal(_SOLAR_HIJRI_START + 365 * year + (8 * year + 21) // 33 + before + day - 1)


def _buddhist(year: int, month: int, day: int) -> date:
    return date(year - _BUDDHIST_AHEAD, month, day)


def _check(is_a_day: bool) -> None:  # noqa: FBT001 - a condition, not a switch
    if not is_a_day:
        raise ValueError("no such day in the calendar")


_CONVERSIONS: Final[Mapping[Calendar, Convert]] = MappingProxyType(
    {
        "gregorian": date,
        "ethiopian": _ethiopian,
        "islamic": _islamic,
        "solar_hijri": _solar_hijri,
        "buddhist": _buddhist,
    }
)
