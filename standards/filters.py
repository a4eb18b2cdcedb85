"""Filters over attributes: a tree of comparisons, and whether it holds when not everything is known."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from standards.permit import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from standards.states import JsonValue


class TextOperator(StrEnum):
    """Comparisons with a part of a text; no registry is searched by them, and no agreement's form uses one."""

    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"


class Comparison(NamedTuple):
    """One attribute against one value; for `in`, the value is a list or tuple of candidates."""

    attribute: str
    operator: Operator | TextOperator
    value: JsonValue


class Every(NamedTuple):
    """All parts hold; without parts it always holds."""

    parts: tuple[Filter, ...]


class Any_(NamedTuple):  # noqa: N801 - `Any` alone reads as the type of that name
    """At least one part holds; without parts it never holds."""

    parts: tuple[Filter, ...]


class Not(NamedTuple):
    """The part does not hold."""

    part: Filter


Filter = Comparison | Every | Any_ | Not

NEVER: Final = Any_(())
"""The filter that holds for nobody."""


def attributes_of(filter: Filter) -> frozenset[str]:
    """Return the name of every attribute that a filter compares."""
    if isinstance(filter, Comparison):
        return frozenset((filter.attribute,))
    parts = (filter.part,) if isinstance(filter, Not) else filter.parts
    return frozenset[str]().union(*map(attributes_of, parts))


def looks_into_text(filter: Filter) -> bool:
    """Tell whether a filter compares anything with a part of a text."""
    if isinstance(filter, Comparison):
        return isinstance(filter.operator, TextOperator)
    parts = (filter.part,) if isinstance(filter, Not) else filter.parts
    return any(map(looks_into_text, parts))


def holds(filter: Filter, lookup: Callable[[str], tuple[bool, JsonValue]]) -> bool | None:
    """Tell whether a filter holds; None when what is known does not decide it.

    lookup: returns, for an attribute, whether it is known, and its value. A known None means that there is
    none: it equals only None and stands in no other relation. Of a list, one entry that compares is enough.
    """
    # INVARIANT: what is not known decides nothing: learning it later may turn None into an answer, never one
    # answer into the other.
    if isinstance(filter, Comparison):
        known, value = lookup(filter.attribute)
        return _compare(value, filter.operator, filter.value) if known else None
    if isinstance(filter, Not):
        inner = holds(filter.part, lookup)
        return None if inner is None else not inner
    verdicts = (holds(part, lookup) for part in filter.parts)
    return _every(verdicts) if isinstance(filter, Every) else _any(verdicts)


def _every(verdicts: Iterable[bool | None]) -> bool | None:
    answer: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            answer = None
    return answer


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    answer: bool | None = False
    for verdict in verdicts:
        if verdict is True:
            return True
        if verdict is None:
            answer = None
    return answer


def _compare(value: JsonValue, operator: Operator | TextOperator, wanted: JsonValue) -> bool | None:
    if operator is Operator.IN:
        candidates = wanted if isinstance(wanted, list | tuple) else (wanted,)
        return _any(_compare(value, Operator.EQ, candidate) for candidate in candidates)
    if isinstance(value, list | tuple):
        return _any(_compare(entry, operator, wanted) for entry in value)
    if value is None or wanted is None:
        return operator is Operator.EQ and value is wanted
    if isinstance(operator, TextOperator):
        return _looked_into(value, operator, wanted) if isinstance(value, str) and isinstance(wanted, str) else None
    # A word against a number, say, is not comparable, and "not comparable" is not "no".
    if isinstance(value, bool) or isinstance(wanted, bool):
        if not (isinstance(value, bool) and isinstance(wanted, bool) and operator is Operator.EQ):
            return None
        return value == wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return _ordered(value, operator, wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        return _ordered(value, operator, wanted)
    return None


def _looked_into(text: str, operator: TextOperator, part: str) -> bool:
    """Tell whether a text has a part, in upper or lower case."""
    text, part = text.casefold(), part.casefold()
    if operator is TextOperator.CONTAINS:
        return part in text
    return text.startswith(part) if operator is TextOperator.STARTS_WITH else text.endswith(part)


def _ordered(value: float | str, operator: Operator, wanted: float | str) -> bool:
    if value == wanted:
        return operator in (Operator.EQ, Operator.LE, Operator.GE)
    if operator is Operator.EQ:
        return False
    return (value < wanted) == (operator in (Operator.LT, Operator.LE))  # type: ignore[operator]
