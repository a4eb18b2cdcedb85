"""Dates and moments are read as they are written, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from adapters.generic.mapping.dates import day_reader, moment_reader
from adapters.reading import Reader
from standards.errors import SourceContractError

READ = Reader("probe")

NO_DAYS: tuple[object, ...] = ({}, [], "x", False)

DAYS = [
    ("iso", "gregorian", "1990-12-31", "1990-12-31"),
    ("iso", "gregorian", "1990/12/31 23:59", "1990-12-31"),
    ("iso", "gregorian", date(1990, 12, 31), "1990-12-31"),
    ("iso", "gregorian", datetime(1990, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=9))), "1990-12-31"),
    ("iso", "ethiopian", "2000-13-05", "2008-09-10"),
    ("iso", "buddhist", date(2567, 2, 1), "2024-02-01"),
    ("day_first", "gregorian", "31.12.1990", "1990-12-31"),
    ("day_first", "gregorian", "1/2/1990", "1990-02-01"),
    ("day_first", "gregorian", " 01-02-1990 10:30:00 ", "1990-02-01"),
    ("day_first", "solar_hijri", "۲۲/۱۱/۱۳۵۷", "1979-02-11"),
    ("month_first", "gregorian", "12/31/1990", "1990-12-31"),
    ("month_first", "gregorian", "1/2/1990, 4:00 PM", "1990-01-02"),
    ("compact", "gregorian", "19901231", "1990-12-31"),
    ("compact", "gregorian", 19901231, "1990-12-31"),
    ("compact", "gregorian", 19901231.0, "1990-12-31"),
    ("compact", "islamic", "14450101", "2023-07-19"),
    ("year", "gregorian", 1990, "1990-01-01"),
    ("year", "gregorian", Decimal(1990), "1990-01-01"),
    ("year", "ethiopian", "2000", "2007-09-12"),
    ("unix_s", "gregorian", 662601600, "1990-12-31"),
    ("unix_s", "gregorian", "-1", "1969-12-31"),
    ("unix_ms", "gregorian", 662601600123, "1990-12-31"),
    ("excel", "gregorian", 33238, "1990-12-31"),
    ("excel", "gregorian", "33238.75", "1990-12-31"),
    ("excel", "gregorian", 1, "1900-01-01"),
    ("excel", "gregorian", 59, "1900-02-28"),
    ("excel", "gregorian", 61, "1900-03-01"),
    ("excel", "gregorian", date(1990, 12, 31), "1990-12-31"),
    *((form, "gregorian", nothing, None) for form in ("iso", "day_first", "unix_s", "excel") for nothing in (None, "")),
]
NONE = [
    ("iso", "31.12.1990"),
    ("iso", 19901231),
    ("day_first", "12/31/1990"),
    ("day_first", "31.12.90"),
    ("day_first", "31.12.1990x"),
    ("day_first", "1990-12-31"),
    ("month_first", "31/12/1990"),
    ("compact", "1990123"),
    ("compact", "199012311"),
    ("compact", 19901231.5),
    ("year", "90"),
    ("year", True),
    ("unix_s", "1990-12-31"),
    ("unix_s", True),
    ("unix_s", 1e18),
    ("unix_ms", float("nan")),
    ("excel", 60),
    ("excel", 0),
    ("excel", [33238]),
    *((form, junk) for form in ("iso", "day_first", "compact", "year", "unix_s") for junk in NO_DAYS),
]


@pytest.mark.parametrize(("form", "calendar", "written", "expected"), DAYS)
def test_a_day_in_every_form(form, calendar, written, expected):
    """Texts, numbers, and what databases hold as a date; a time of day is dropped."""
    assert day_reader(form, calendar)(READ, "born", written) == expected


@pytest.mark.parametrize(("form", "written"), NONE)
def test_what_is_no_day_in_that_form_is_refused(form, written):
    """By the name of the field, and without its value."""
    with pytest.raises(SourceContractError, match="born") as caught:
        day_reader(form)(READ, "born", written)
    assert "1990" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "written", "expected"),
    [
        ("iso", "2026-01-02", "2026-01-02"),
        ("iso", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("iso", datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        ("iso", datetime(2026, 1, 2, 3), "2026-01-02T03:00:00+00:00"),  # noqa: DTZ001 - as databases give it
        ("iso", date(2026, 1, 2), "2026-01-02"),
        ("unix_s", 1_767_323_045, "2026-01-02T03:04:05+00:00"),
        ("unix_ms", "1767323045000", "2026-01-02T03:04:05+00:00"),
        ("excel", 46024.5, "2026-01-02"),
        ("day_first", "02.01.2026 03:04", "2026-01-02"),
        ("unix_s", None, None),
    ],
)
def test_a_moment_in_every_form(form, written, expected):
    """With an offset where it has a time."""
    assert moment_reader(form)(READ, "as of", written) == expected
