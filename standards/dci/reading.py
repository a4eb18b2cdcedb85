"""Reading single members of a wire message liberally, where a reader further up says what is wrong with them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from standards.dci.codes import SearchReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ID: Final = 99
"""Longest transaction, reference, message and correlation id, in characters."""

_INTEGER: Final = re.compile(r"\s*[+-]?\d{1,18}(?:\.0{1,9})?\s*\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"\s*[+-]?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?\s*\Z", re.ASCII)


class ItemRefusedError(Exception):
    """One item cannot be answered; carries the code and a sentence for its `search_response`, nothing personal."""

    def __init__(self, code: SearchReason, message: str) -> None:
        """Keep what the item's answer will say."""
        super().__init__(message)
        self.code = code
        self.message = message


def criteria_refused(message: str) -> ItemRefusedError:
    """Return the refusal of a query that cannot be used."""
    return ItemRefusedError(SearchReason.SEARCH_CRITERIA_INVALID, message)


def filter_refused(message: str) -> ItemRefusedError:
    """Return the refusal of a condition on an attribute."""
    return ItemRefusedError(SearchReason.FILTER_INVALID, message)


def is_absent(value: object) -> bool:
    """Tell whether a member counts as left out: null, or an empty string where something else is expected."""
    return value is None or (isinstance(value, str) and not value.strip())


def first_present(name: str, *sources: Mapping[str, object]) -> object:
    """Return the member of that name from the first object that has it; None when none has."""
    for source in sources:
        value = source.get(name)
        if not is_absent(value):
            return value
    return None


def member(source: Mapping[str, object], names: Iterable[str]) -> object:
    """Return the first member present under any of its spellings; None when none is."""
    for name in names:
        value = source.get(name)
        if not is_absent(value):
            return value
    return None


def moment(value: object) -> datetime | None:
    """Return the moment that an ISO 8601 timestamp with offset names; None when it is not one."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return parsed if parsed.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def integer(value: object) -> int | None:
    """Return a whole number, also from a whole float or a numeric string; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    if isinstance(value, str) and _INTEGER.match(value):
        return int(value.split(".", 1)[0])
    return None


def number(value: object) -> int | float | None:
    """Return a finite number, also from a numeric string; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and _DECIMAL.match(value):
        whole = integer(value)
        return whole if whole is not None else float(value)
    return None


_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "yes": True, "no": False}


def boolean(value: object) -> bool | None:
    """Return true or false, also from those words; None when it is neither."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value.strip().casefold()) if isinstance(value, str) else None
