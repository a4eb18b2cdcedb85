"""DCI queries over anything that has attributes: which things match, in what order, on which page.

A registry declares its searchable attributes as `Attribute`s; a query becomes one function from thing to bool.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

Value: TypeAlias = "str | float | bool"
"""Dates are ISO strings here: they compare as dates do."""
Test: TypeAlias = Callable[[Any], bool]
Thing = TypeVar("Thing")

DEFAULT_PAGE: Final = 10
LARGEST_PAGE: Final = 500
MOST_CONDITIONS: Final = 200


class RefusedItemError(ValueError):
    """A request item that cannot be answered; `code` is its DCI status reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Attribute(NamedTuple):
    """One searchable attribute: `text`, `number`, `date` or `flag`, and how to read it off a thing."""

    kind: str
    of: Callable[[Any], Value | tuple[Value, ...] | None]
    """A thing with several values matches when one of them does."""


class Page(NamedTuple):
    """One page of answers: its size and its number, counted from 1."""

    size: int
    number: int


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
    "lte": operator.le,
    "gte": operator.ge,
}


def predicate(query: Any, attributes: Mapping[str, Attribute]) -> Test:
    """Return what a predicate query asks for; its entries hold together.

    Raises: RefusedItemError.
    """
    entries = [query] if isinstance(query, dict) else query
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise _invalid("a predicate query is a list of entries")
    if len(entries) > MOST_CONDITIONS:
        raise _invalid("a predicate query has too many entries")
    return _all([_entry(entry, attributes) for entry in entries])


def expression(query: Any, attributes: Mapping[str, Attribute]) -> Test:
    """Return what an expression query asks for: a document of `$and`, `$or` and comparisons.

    Raises: RefusedItemError.
    """
    document = query
    for step in ("value", "expression", "query"):
        document = document.get(step) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        raise _invalid("an expression query holds value.expression.query")
    return _document(document, attributes, depth=0)


def ordered(things: Sequence[Thing], sort: Any, attributes: Mapping[str, Attribute]) -> list[Thing]:
    """Return things in the order a `sort` list asks for; those without a value come last, ties keep their order.

    Raises: RefusedItemError.
    """
    keys = [sort] if isinstance(sort, dict) else sort
    if not isinstance(keys, list):
        raise RefusedItemError("rjct.sort.invalid", "sort is a list")
    answer = list(things)
    for key in reversed(keys):
        name = key.get("attribute_name") if isinstance(key, dict) else None
        attribute = attributes.get(name) if isinstance(name, str) else None
        direction = key.get("sort_order", "asc") if isinstance(key, dict) else None
        if attribute is None or direction not in ("asc", "desc"):
            raise RefusedItemError("rjct.sort.invalid", "sort names an attribute this registry can sort by")
        known = [(value, one) for one in answer if (value := attribute.of(one)) is not None]
        unknown = [one for one in answer if attribute.of(one) is None]
        known.sort(key=lambda pair: pair[0], reverse=direction == "desc")
        answer = [one for _, one in known] + unknown
    return answer


def page(wanted: Any) -> Page:
    """Return the page a `pagination` object asks for; larger pages than allowed shrink to the largest.

    Raises: RefusedItemError.
    """
    if wanted is None:
        return Page(DEFAULT_PAGE, 1)
    refusal = RefusedItemError("rjct.pagination.invalid", "page_size and page_number are whole numbers from 1")
    if not isinstance(wanted, dict):
        raise refusal
    size, number = wanted.get("page_size"), wanted.get("page_number", 1)
    if type(size) is not int or type(number) is not int or size < 1 or number < 1:
        raise refusal
    return Page(min(size, LARGEST_PAGE), number)


def on_page(things: Sequence[Thing], wanted: Page) -> Sequence[Thing]:
    """Return the things on one page; a page past the end is empty."""
    start = (wanted.number - 1) * wanted.size
    return things[start : start + wanted.size]


def _entry(entry: dict[str, Any], attributes: Mapping[str, Attribute]) -> Test:
    first = _compared(entry.get("expression1"), attributes)
    condition = entry.get("condition")
    if entry.get("expression2") is None:
        if condition == "not":
            return lambda thing: not first(thing)
        if condition is not None:
            raise _invalid("a condition joins two expressions")
        return first
    other = _compared(entry["expression2"], attributes)
    match condition:
        case "and" | None:
            return lambda thing: first(thing) and other(thing)
        case "or":
            return lambda thing: first(thing) or other(thing)
        case "not":
            return lambda thing: first(thing) and not other(thing)
    raise _invalid("condition is and, or, not")


def _compared(wanted: Any, attributes: Mapping[str, Attribute]) -> Test:
    if not isinstance(wanted, dict) or "attribute_value" not in wanted:
        raise _invalid("an expression has attribute_name, operator and attribute_value")
    return _comparison(wanted.get("attribute_name"), wanted.get("operator"), wanted["attribute_value"], attributes)


def _document(document: dict[str, Any], attributes: Mapping[str, Attribute], depth: int) -> Test:
    if not document or depth > 10:
        raise _invalid("an expression document names conditions, at most ten deep")
    tests: list[Test] = []
    for name, wanted in document.items():
        if name in ("$and", "$or"):
            if not isinstance(wanted, list) or not 0 < len(wanted) <= MOST_CONDITIONS:
                raise _invalid(f"{name} takes a list of conditions")
            if not all(isinstance(inner, dict) for inner in wanted):
                raise _invalid(f"{name} takes a list of conditions")
            parts = [_document(inner, attributes, depth + 1) for inner in wanted]
            tests.append(_all(parts) if name == "$and" else _any(parts))
        elif isinstance(wanted, dict):
            if not wanted or not all(sign.startswith("$") for sign in wanted):
                raise _invalid('a comparison in an expression is like {"$lt": 5}')
            tests.extend(_comparison(name, sign[1:], value, attributes) for sign, value in wanted.items())
        else:
            tests.append(_comparison(name, "eq", wanted, attributes))
    return _all(tests)


def _comparison(name: Any, sign: Any, wanted: Any, attributes: Mapping[str, Attribute]) -> Test:
    attribute = attributes.get(name) if isinstance(name, str) else None
    if attribute is None:
        raise RefusedItemError("rjct.filter.invalid", "this registry cannot search by that attribute")
    of = attribute.of
    if sign == "in":
        values = wanted.split(",") if isinstance(wanted, str) else wanted
        if not isinstance(values, list):
            raise RefusedItemError("rjct.filter.invalid", "in takes values separated by commas")
        among = frozenset(_value(attribute.kind, value) for value in values)
        return lambda thing: any(found in among for found in _values(of(thing)))
    compare = _OPERATORS.get(sign) if isinstance(sign, str) else None
    if compare is None:
        raise _invalid("operator is one of eq, lt, gt, le, ge, in")
    value = _value(attribute.kind, wanted)

    def test(thing: Any) -> bool:
        return any(compare(found, value) for found in _values(of(thing)))

    return test


def _values(found: Value | tuple[Value, ...] | None) -> tuple[Value, ...]:
    """Return the values a thing has of an attribute."""
    if isinstance(found, tuple):
        return found
    return () if found is None else (found,)


def _value(kind: str, wanted: Any) -> Value:
    """Return a value asked for as its attribute has it."""
    refusal = RefusedItemError("rjct.filter.invalid", f"the value must be a {kind}")
    match kind:
        case "number" if isinstance(wanted, (int, float, str)) and not isinstance(wanted, bool):
            try:
                return float(wanted)
            except ValueError:
                raise refusal from None
        case "flag" if isinstance(wanted, bool):
            return wanted
        case "flag" if wanted in ("true", "false"):
            return bool(wanted == "true")
        case "date" if isinstance(wanted, str):
            try:
                return date.fromisoformat(wanted.strip()[:10]).isoformat()
            except ValueError:
                raise refusal from None
        case "text" if isinstance(wanted, str):
            return wanted.strip()
    raise refusal


def _all(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda thing: all(test(thing) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda thing: any(test(thing) for test in tests)


def _invalid(message: str) -> RefusedItemError:
    return RefusedItemError("rjct.search_criteria.invalid", message)
