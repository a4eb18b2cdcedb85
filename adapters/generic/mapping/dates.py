"""Days and moments as registries write them, in ISO 8601: forms, calendars, and what databases hold as a date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from adapters.generic.mapping.calendars import gregorian
from adapters.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.generic.mapping.layout import Calendar, DateForm

    Read = Callable[[Reader, str, Any], str | None]
    Parts = tuple[int, int, int]

_TIME: Final = r"(?:(?:T|,?\s+)\d{1,2}:\d{2}.*)?"
"""A time of day may follow a date, and is dropped."""
_FORMS: Final = {
    # Digits of any script count: \d knows them all, and so does int.
    "iso": (re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})" + _TIME), (1, 2, 3)),
    "day_first": (re.compile(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})" + _TIME), (3, 2, 1)),
    "month_first": (re.compile(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})" + _TIME), (3, 1, 2)),
    "compact": (re.compile(r"(\d{4})(\d{2})(\d{2})"), (1, 2, 3)),
}
_YEAR: Final = re.compile(r"\d{4}")
_COUNT: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_ZERO: Final = datetime(1899, 12, 30, tzinfo=UTC)
_INVENTED: Final = 60
"""The serial number of 29 February 1900, a day that spreadsheets have and the year had not."""


def day_reader(form: DateForm = "iso", calendar: Calendar = "gregorian") -> Read:
    """Return a reader that gives YYYY-MM-DD.

    A day is taken as written: it never moves with a time zone. One that a database holds as a date counts as
    written in the calendar that is declared.
    """
    if form == "iso" and calendar == "gregorian":
        return _usual
    if form in ("unix_s", "unix_ms", "excel"):
        return lambda reader, label, value: _day_of(_instant(reader, label, value, form), value)
    return _Written(form, calendar)


def moment_reader(form: DateForm = "iso", calendar: Calendar = "gregorian") -> Read:
    """Return a reader that gives a date, or a timestamp with offset (UTC where none is written), in ISO 8601."""
    if form in ("unix_s", "unix_ms"):
        return lambda reader, label, value: _stamp(_instant(reader, label, value, form))
    day = day_reader(form, calendar)

    def moment(reader: Reader, label: str, value: object) -> str | None:
        if isinstance(value, datetime) and calendar == "gregorian":
            return _stamp(value)
        return day(reader, label, value)

    def usual(reader: Reader, label: str, value: object) -> str | None:
        return reader.moment(label, value) if isinstance(value, str) else moment(reader, label, value)

    return usual if form == "iso" and calendar == "gregorian" else moment


def _usual(reader: Reader, label: str, value: object) -> str | None:
    """Read an ISO date of the Gregorian calendar, as nearly all are."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return reader.day(label, value)


class _Written:
    """A reader of days that are written as year, month and day."""

    def __init__(self, form: DateForm, calendar: Calendar) -> None:
        self._form, self._calendar = form, calendar

    def __call__(self, reader: Reader, label: str, value: object) -> str | None:
        if value is None or value == "":
            return None
        parts = self._parts(reader, label, value)
        if parts is None:
            reader.no_day(label)
        try:
            return gregorian(self._calendar, *parts).isoformat()
        except ValueError:
            reader.no_day(label)

    def _parts(self, reader: Reader, label: str, value: object) -> Parts | None:
        if isinstance(value, date):
            return value.year, value.month, value.day
        text = (reader.written(label, value) or "").strip()
        if self._form == "year":
            return (int(text), 1, 1) if _YEAR.fullmatch(text) else None
        pattern, (year, month, day) = _FORMS[self._form]
        found = pattern.fullmatch(text)
        return (int(found[year]), int(found[month]), int(found[day])) if found else None


def _instant(reader: Reader, label: str, value: object, form: DateForm) -> datetime | None:
    """Return the moment that a number counts to; for the serial number of a day, its midnight or later."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        reader.no_day(label)
    try:
        number = float(value)
        if form != "excel":
            return _1970 + timedelta(seconds=number if form == "unix_s" else number / 1000)
        if int(number) == _INVENTED or number < 1:
            reader.no_day(label)
        return _DAY_ZERO + timedelta(days=number + (1 if number < _INVENTED else 0))
    except (ValueError, OverflowError):
        reader.no_day(label)


def _day_of(instant: datetime | None, value: object) -> str | None:
    if isinstance(value, date):
        return value.isoformat()[:10]
    return None if instant is None else instant.date().isoformat()


def _stamp(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).isoformat()
