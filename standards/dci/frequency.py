"""How often somebody wants to be told: the words and the Quartz-style cron lines of a subscription's frequency.

A line has six or seven fields: seconds, minutes, hours, day of the month, month, day of the week, and a year. Taken are
`*`, `?`, numbers, names of months and days, lists, ranges and steps. Times are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

AS_IT_HAPPENS: Final = frozenset({"realtime", "immediate", "immediately", "instant", "asithappens", "onevent"})
"""Words for no schedule at all."""

WORDS: Final[Mapping[str, str]] = {
    "hourly": "0 0 * * * ? *",
    "daily": "0 0 0 * * ? *",
    "weekly": "0 0 0 ? * MON *",
    "monthly": "0 0 0 1 * ? *",
    "quarterly": "0 0 0 1 1,4,7,10 ? *",
    "yearly": "0 0 0 1 1 ? *",
    "annually": "0 0 0 1 1 ? *",
}
"""Word -> the line that it stands for."""

_MONTHS: Final[Mapping[str, int]] = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_DAYS: Final[Mapping[str, int]] = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_FIELDS: Final[tuple[tuple[int, int, Mapping[str, int]], ...]] = (
    (0, 59, {}), (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (1, 7, _DAYS), (1970, 2199, {}),
)  # fmt: skip
_MAX_LINE: Final = 120
_LOOK_AHEAD_DAYS: Final = 366 * 5


class Schedule(NamedTuple):
    """Moments in time, as a cron line names them."""

    line: str
    """As it is emitted: seven fields."""
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """1 is Sunday, as Quartz counts."""
    years: frozenset[int]

    def after(self, moment: datetime) -> datetime | None:
        """Return the first of its moments later than this one; None when there is none in the next five years."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for ahead in range(_LOOK_AHEAD_DAYS):
            day = (start + timedelta(days=ahead)).date()
            is_named = day.day in self.days and day.month in self.months and day.year in self.years
            if not is_named or day.isoweekday() % 7 + 1 not in self.weekdays:
                continue
            floor = (start.hour, start.minute, start.second) if ahead == 0 else (0, 0, 0)
            found = self._first_of_day(floor)
            if found is not None:
                return datetime(day.year, day.month, day.day, *found, tzinfo=UTC)
        return None

    def _first_of_day(self, floor: tuple[int, int, int]) -> tuple[int, int, int] | None:
        for hour in sorted(h for h in self.hours if h >= floor[0]):
            low = floor[1:] if hour == floor[0] else (0, 0)
            for minute in sorted(m for m in self.minutes if m >= low[0]):
                least = low[1] if minute == low[0] else 0
                second = min((s for s in self.seconds if s >= least), default=None)
                if second is not None:
                    return hour, minute, second
        return None


def read_frequency(said: str) -> Schedule | None:
    """Return the schedule of a word or a cron line; None for the words that mean "as it happens".

    Raises: ValueError when it is neither.
    """
    bare = said.strip().casefold().replace("-", "").replace("_", "").replace(" ", "")
    if bare in AS_IT_HAPPENS:
        return None
    line = WORDS.get(bare, said.strip())
    fields = line.upper().split()
    if len(line) > _MAX_LINE or len(fields) not in {6, 7}:
        message = "a frequency is a word such as daily, or a cron line of six or seven fields"
        raise ValueError(message)
    fields += ["*"] * (7 - len(fields))
    read = [_field(text, *bounds) for text, bounds in zip(fields, _FIELDS, strict=True)]
    return Schedule(" ".join(fields), *read)


def _field(text: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, 1, high, {}) if step_text else 1
        first, _, last = span.partition("-")
        if span in {"*", "?"}:
            begin, end = low, high
        else:
            begin = _number(first, low, high, names)
            end = _number(last, low, high, names) if last else (high if step_text else begin)
        if begin > end or step < 1:
            message = "a range of a cron line ascends"
            raise ValueError(message)
        found.update(range(begin, end + 1, step))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: Mapping[str, int]) -> int:
    value = names.get(text)
    if value is None:
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else low - 1
    if not low <= value <= high:
        message = "a number of a cron line is out of its range"
        raise ValueError(message)
    return value
