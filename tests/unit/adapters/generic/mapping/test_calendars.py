"""Days of other calendars are the Gregorian days that historians and almanacs give for them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.generic.mapping.calendars import gregorian

KNOWN = [
    ("ethiopian", (2000, 1, 1), "2007-09-12"),  # the millennium
    ("ethiopian", (1988, 6, 23), "1996-03-02"),
    ("ethiopian", (2015, 13, 6), "2023-09-11"),  # the last day of a long year
    ("ethiopian", (2016, 1, 1), "2023-09-12"),
    ("ethiopian", (2012, 4, 28), "2020-01-07"),  # Christmas
    ("ethiopian", (1, 1, 1), "0008-08-27"),
    ("islamic", (1, 1, 1), "0622-07-19"),
    ("islamic", (1420, 9, 1), "1999-12-09"),
    ("islamic", (1431, 1, 1), "2009-12-18"),
    ("islamic", (1445, 1, 1), "2023-07-19"),
    ("islamic", (1445, 12, 30), "2024-07-07"),  # the last day of a long year
    ("solar_hijri", (1357, 11, 22), "1979-02-11"),
    ("solar_hijri", (1348, 10, 11), "1970-01-01"),
    ("solar_hijri", (1399, 12, 30), "2021-03-20"),  # the last day of a long year
    ("solar_hijri", (1400, 1, 1), "2021-03-21"),
    ("solar_hijri", (1403, 1, 1), "2024-03-20"),
    ("solar_hijri", (1404, 1, 1), "2025-03-21"),
    ("solar_hijri", (1408, 12, 30), "2030-03-20"),
    ("buddhist", (2500, 5, 13), "1957-05-13"),
    ("buddhist", (2567, 2, 29), "2024-02-29"),
    ("gregorian", (1990, 12, 31), "1990-12-31"),
]
NONE = [
    ("ethiopian", (2014, 13, 6)),
    ("ethiopian", (2014, 14, 1)),
    ("ethiopian", (2014, 0, 1)),
    ("ethiopian", (0, 1, 1)),
    ("ethiopian", (9999, 1, 1)),
    ("islamic", (1444, 12, 30)),
    ("islamic", (1445, 2, 30)),
    ("islamic", (1445, 13, 1)),
    ("solar_hijri", (1400, 12, 30)),
    ("solar_hijri", (1400, 7, 31)),
    ("solar_hijri", (1990, 1, 1)),  # a Gregorian year, written where another was promised
    ("buddhist", (2566, 2, 29)),
    ("buddhist", (543, 1, 1)),
    ("gregorian", (1990, 2, 29)),
]
YEARS = {"ethiopian": (1, 9000), "islamic": (1, 9000), "solar_hijri": (1210, 1634), "buddhist": (600, 9000)}


@pytest.mark.parametrize(("calendar", "day", "expected"), KNOWN)
def test_a_known_day(calendar, day, expected):
    """As almanacs have it."""
    assert gregorian(calendar, *day).isoformat() == expected


@pytest.mark.parametrize(("calendar", "day"), NONE)
def test_a_day_that_the_calendar_does_not_have(calendar, day):
    """It is refused, and not counted on into the next month."""
    with pytest.raises(ValueError, match=r"calendar|day|month|year"):
        gregorian(calendar, *day)


@given(st.sampled_from(sorted(YEARS)), st.data())
def test_the_days_of_a_year_follow_each_other_without_a_gap(calendar, data):
    """Each day is the next one of the Gregorian calendar, to the first of the next year."""
    low, high = YEARS[calendar]
    year = data.draw(st.integers(low, high - 1))
    days: list[date] = []
    for month in range(1, 14):
        for day in range(1, 32):
            try:
                days.append(gregorian(calendar, year, month, day))
            except ValueError:
                break
    days.append(gregorian(calendar, year + 1, 1, 1))

    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))
    assert len(days) - 1 in {354, 355, 365, 366}
