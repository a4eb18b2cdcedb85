"""Civil dates: whole years between two of them."""

from __future__ import annotations

from datetime import date


def years_between(start: date, end: date) -> int:
    """Return the full years from `start` to `end`; someone born on 29 February ages on 1 March."""
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))
