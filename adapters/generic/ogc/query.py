"""Questions to OGC API Features: whom features are wanted about, as CQL2 text or as parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.generic.ogc.options import OgcLookup, OgcNumber

_WHOLE: Final = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)


class Number(NamedTuple):
    """One number as the collection holds it."""

    held: OgcNumber
    written: str


def can_be_held(number: Number) -> bool:
    """Tell whether a collection can hold a number at all: one of numbers holds no letters and no leading zeros."""
    return number.held.type == "text" or _WHOLE.fullmatch(number.written) is not None


def parameters(lookup: OgcLookup, numbers: Sequence[Number], selected: Sequence[str] | None) -> Mapping[str, str]:
    """Return the parameters of the first page.

    numbers: which the collection can hold. selected: properties that are needed; None for all.
    """
    asked = dict(lookup.parameters)
    if lookup.filter == "parameter":
        [number] = numbers
        asked[number.held.property] = number.written
    else:
        asked["filter"] = cql2_text(numbers)
        asked["filter-lang"] = "cql2-text"
    if lookup.selection is not None and selected is not None:
        asked[lookup.selection] = ",".join(selected)
    asked["limit"] = str(lookup.limit)
    return asked


def cql2_text(numbers: Iterable[Number]) -> str:
    """Return the filter that finds the features of some people."""
    by_property: dict[str, list[str]] = {}
    for held, written in numbers:
        literal = written if held.type == "number" else _quoted(written)
        by_property.setdefault(held.property, []).append(literal)
    return " OR ".join(f"{name} IN ({', '.join(literals)})" for name, literals in by_property.items())


def _quoted(value: str) -> str:
    """Return a text of CQL2. INVARIANT: a quote in it is doubled, so that no value ever ends it."""
    return "'" + value.replace("'", "''") + "'"
