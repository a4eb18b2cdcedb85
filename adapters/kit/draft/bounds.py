"""Bounds on what a draft is made from: what is small to write may be endless to write out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_PARTS: Final = 20_000
"""Parts of a description (fields, types, elements) that are looked at."""
MOST_FIELDS: Final = 400
"""Fields of one record that a draft asks about."""
MOST_LOOKUPS: Final = 4
DEEPEST: Final = 8
OTHERWISE: Final = " whose name is known; where it has a name of its own, say so: --number personalCode=UIN"
_ID: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_VALUE: Final = re.compile(r"\d{5,}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\S@\S")


class Budget:
    """How much of a description may still be looked at."""

    def __init__(self, parts: int = MOST_PARTS) -> None:
        self._left = parts

    def spend(self) -> None:
        """Look at one more part.

        Raises: ConfigurationError when it was one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise ConfigurationError(
                f"it comes to more than {MOST_PARTS} parts once written out: give the part of it that is about people"
            )


def lookup_name(said: str, taken: Collection[str]) -> str:
    """Return a name for a lookup that none of those taken bears, as close to what was said as a name may be."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said)
    flat = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_0123456789").removeprefix("get_")[:36].strip("_")
    name = flat if _ID.fullmatch(flat) else "person"
    found, at = name, 2
    while found in taken:
        found, at = f"{name}_{at}", at + 1
    return found


def is_value(name: str) -> bool:
    """Tell whether what stands where names of fields belong looks like somebody's number, date or address instead."""
    return len(name) > 80 or _VALUE.search(name) is not None
