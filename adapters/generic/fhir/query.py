"""Searches of a FHIR server as they are sent: parameters, escaped; one form, one address, or a batch of several."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from adapters.generic.fhir.options import FhirLookup, FhirSearch

_ESCAPED: Final = str.maketrans({sign: "\\" + sign for sign in "\\,|$"})


class Question(NamedTuple):
    """One search, ready to be sent."""

    name: str
    """Of the search in the manifest."""
    type: str
    query: str


def questions(
    lookup: FhirLookup, names: Iterable[str], numbers: Sequence[tuple[str, str]], today: date
) -> tuple[Question, ...]:
    """Return the searches of some names about everyone.

    Numbers that go into the same parameter go into one search; those of another parameter into one more, as a server
    takes two parameters for two conditions that both hold.
    numbers: type, and value as the registry writes it.
    """
    return tuple(
        Question(name, lookup.searches[name].type or name, query)
        for name in names
        for query in _queries(lookup.searches[name], numbers, today)
    )


def batch(asked: Iterable[Question]) -> bytes:
    """Return a batch bundle that makes several searches at once."""
    entries = [{"request": {"method": "GET", "url": f"{one.type}?{one.query}"}} for one in asked]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _queries(search: FhirSearch, numbers: Sequence[tuple[str, str]], today: date) -> Iterator[str]:
    by_parameter: dict[str, list[str]] = {}
    for type_, written in numbers:
        number = search.by[type_]
        by_parameter.setdefault(number.parameter, []).append(_token(number.system, written))
    further = "".join(f"&{_quoted(name)}={_quoted(value)}" for name, value in _further(search, today))
    for parameter, tokens in by_parameter.items():
        yield f"{_quoted(parameter)}={'%2C'.join(tokens)}{further}"


def _further(search: FhirSearch, today: date) -> Iterator[tuple[str, str]]:
    yield from search.parameters.items()
    if search.within is not None:
        yield search.within.parameter, f"ge{(today - timedelta(days=search.within.days)).isoformat()}"
    if search.elements:
        yield "_elements", ",".join(search.elements)
    if search.count is not None:
        yield "_count", str(search.count)


def _token(system: str | None, value: str) -> str:
    """Return a number as a search takes it.

    INVARIANT: its own commas, bars and dollars are escaped, so that it stays one value whatever it holds.
    """
    escaped = value if value.isalnum() and value.isascii() else _quoted(value.translate(_ESCAPED))
    return escaped if system is None else f"{_quoted(system.translate(_ESCAPED))}%7C{escaped}"


def _quoted(text: str) -> str:
    return quote(text, safe="")
