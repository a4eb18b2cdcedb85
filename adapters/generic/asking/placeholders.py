"""Templates of requests: JSON in which placeholders stand for whole values, and for nothing else.

`"{numbers}"` becomes the list, whatever is in it; `"id={numbers}"` is refused. So nothing that is known of a person is
ever parsed by anybody: it stays one value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standards.states import JsonValue

    Fill = Callable[[Mapping[str, Any]], Any]

LEFT_OUT: Final = object()
"""What a placeholder gives for which there is no value: what holds it is left out."""
ENTRIES: Final = "entries"
"""Under which name the values of a template hold what is known of each subject, for lists with an entry for each."""
OF_ONE: Final = frozenset({"number", "type"})
"""Placeholders of one subject."""
OF_MANY: Final = "numbers"
PAGING: Final = frozenset({"page", "offset", "cursor"})
KNOWN: Final = frozenset({*OF_ONE, *PAGING, OF_MANY, "names", "as_of", "page_size", "transaction"})
"""Every placeholder, beside those of one type's numbers and of traits."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*(?::[A-Z][A-Z0-9_]*)?)\}")
_BRACED: Final = re.compile(r"\{[A-Za-z_][^{}\s]*\}")


class Template:
    """JSON with placeholders, compiled.

    A list of one entry in which `{number}` stands has one such entry for each subject.
    names: the placeholders that stand outside such lists. each: those that stand in them.
    Raises: ValueError for a placeholder that is not a whole value, and for what is no JSON.
    """

    def __init__(self, stated: JsonValue) -> None:
        try:
            orjson.dumps(stated)
        except TypeError as error:  # keys that are no texts, integers beyond 64 bits, what only YAML has
            raise ValueError(f"what is sent is JSON, and this is none: {error}") from None
        names: set[str] = set()
        each: set[str] = set()
        self.fill: Fill = _compiled(stated, names, each)
        self.names, self.each = frozenset(names), frozenset(each)


def placeholder(stated: JsonValue) -> str | None:
    """Return the name of the placeholder that a value is; None for any other value.

    Raises: ValueError for a placeholder that is not the whole value.
    """
    if not isinstance(stated, str):
        return None
    if found := _PLACEHOLDER.fullmatch(stated):
        return found[1]
    if _BRACED.search(stated):
        raise ValueError(f"{stated}: a placeholder is a whole value, such as {{number}}; there are no templates")
    return None


def _compiled(stated: JsonValue, names: set[str], each: set[str]) -> Fill:
    if (name := placeholder(stated)) is not None:
        names.add(name)
        return lambda values: LEFT_OUT if (value := values.get(name)) is None else value
    if isinstance(stated, dict):
        members = {key: _compiled(value, names, each) for key, value in stated.items()}
        return lambda values: {key: value for key, fill in members.items() if (value := fill(values)) is not LEFT_OUT}
    if isinstance(stated, list):
        return _list(stated, names, each)
    return lambda _: stated


def _list(stated: list[JsonValue], names: set[str], each: set[str]) -> Fill:
    inside: set[str] = set()
    entries = [_compiled(entry, inside, each) for entry in stated]
    if len(entries) == 1 and "number" in inside:
        each |= inside
        [fill_one] = entries
        return lambda values: [fill_one({**values, **one}) for one in values.get(ENTRIES, ())]
    names |= inside
    return lambda values: [value for fill in entries if (value := fill(values)) is not LEFT_OUT]
