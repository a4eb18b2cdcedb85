"""The filters that the land cadastre understands: the smallest useful part of CQL2 text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>\"[^\"]*\"|[A-Za-z_][A-Za-z0-9_.]*)|(?P<mark>[=(),]))"
)
_WANTED: Final = {
    "name": "a property name",
    "text": "a text in single quotes",
    "=": "=",
    "(": "(",
    ")": ")",
}


class FilterError(ValueError):
    """A filter outside the part of CQL2 spoken here; the message holds no value from the filter."""


def wanted_values(text: str, queryable: str) -> frozenset[str]:
    """Return the values that a filter allows one property to have.

    Grammar: `property = 'value'` or `property IN ('value', ...)`. A quote inside a text is doubled; a property
    name may stand in double quotes; `IN` in any case.
    Raises: FilterError for anything else.
    """
    tokens = _tokens(text)
    name = _next(tokens, "name")
    if name.strip('"') != queryable:
        raise FilterError(f"the only property to filter by is {queryable}")
    operator, word = next(tokens, ("", ""))
    if operator == "=":
        values = [_next(tokens, "text")]
    elif operator == "name" and word.upper() == "IN":
        _next(tokens, "(")
        values = list(_list(tokens))
    else:
        raise FilterError("the operators are = and IN")
    if next(tokens, None) is not None:
        raise FilterError("a filter is one comparison")
    return frozenset(value[1:-1].replace("''", "'") for value in values)


def _list(tokens: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts up to the closing bracket."""
    while True:
        yield _next(tokens, "text")
        kind, _ = next(tokens, ("", ""))
        if kind == ")":
            return
        if kind != ",":
            raise FilterError("values in a list are separated by commas and closed by )")


def _next(tokens: Iterator[tuple[str, str]], kind: str) -> str:
    """Return the next token, which must be of one kind."""
    found, text = next(tokens, ("", ""))
    if found != kind:
        raise FilterError(f"expected {_WANTED[kind]}")
    return text


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of every token; a punctuation mark is its own kind."""
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise FilterError(f"cannot read the filter at character {position + 1}")
        position, part = found.end(), found[found.lastgroup]
        yield (part if found.lastgroup == "mark" else found.lastgroup), part
