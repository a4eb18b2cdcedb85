"""Finders: JMESPath expressions, compiled once, applied to many records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from jmespath.exceptions import JMESPathError

from adapters.generic.mapping.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Callable

    Find = Callable[[object], object]

_FIRST: Final = expression("[0]").parsed
"""The syntax tree of the first entry of a list."""


class UnexpectedTypeError(ValueError):
    """A function in a path met a value of a type that it does not take; the value is not shown."""

    def __init__(self) -> None:
        super().__init__("of another type than the path expects")


def finder(path: str) -> Find:
    """Return a function that finds what a JMESPath names in a record; None where there is nothing.

    The library interprets an expression anew for every record. What manifests are full of (chains of names and
    positions, `list[*].name`, `list[?name=='x'].value`, `max(a || b)`,
    `a && sum([a.x, a.y])`) becomes plain functions instead, at a
    tenth of the cost and with the same meaning; any other expression goes through the library.
    Raises: ValueError when the path is no JMESPath; the function itself UnexpectedTypeError.
    """
    compiled = expression(path)
    short = _compiled(cast("dict[str, Any]", compiled.parsed))
    if short is not None:
        return short

    def search(record: object) -> object:
        try:
            return compiled.search(record)
        except JMESPathError:
            raise UnexpectedTypeError from None

    return search


class Place(NamedTuple):
    """Where a path leads: to a member of the object that `holder` finds, or to what `holder` finds itself."""

    path: str
    """Equal for the same holder."""
    holder: Find
    member: str | None


def place(path: str) -> Place:
    """Return where a path leads, so that paths which share an object look for it once.

    Raises: ValueError when the path is no JMESPath.
    """
    find = finder(path)  # whatever it is, it must be a JMESPath
    node = cast("dict[str, Any]", expression(path).parsed)
    if node["type"] == "field":
        return Place("@", lambda record: record, node["value"])
    if node["type"] == "subexpression" and node["children"][-1]["type"] == "field":
        *steps, last = node["children"]
        holder = {**node, "children": steps} if len(steps) > 1 else steps[0]
        if (find_holder := _compiled(holder)) is not None:
            return Place(repr(holder), find_holder, last["value"])
    return Place(path, find, None)


def _compiled(node: dict[str, Any]) -> Find | None:
    """Return a function for one node of the syntax tree, or None for a kind of node that is not known here."""
    if names := _names(node):
        return _field(*names)
    if node["type"] == "pipe" and (first := _first(node)) is not None:
        return first
    parts = [_compiled(child) for child in node.get("children", ())]
    known = [part for part in parts if part is not None]
    return _of_parts(node, known) if len(known) == len(parts) else None


def _of_parts(node: dict[str, Any], parts: list[Find]) -> Find | None:
    """Return a function for a node whose parts are compiled."""
    value = node.get("value")
    match node["type"], parts:
        case "identity", []:
            return lambda record: record
        case "index", []:
            return _index(cast("int", value))
        case "literal", []:
            return lambda _: value
        case (("subexpression" | "index_expression" | "pipe"), [*steps]):
            return _chain(steps)
        case "projection", [base, each]:
            return _projection(base, each, _always)
        case "filter_projection", [base, each, holds]:
            return _projection(base, each, holds)
        case "comparator", [left, _] if value == "eq" and _is_text(right := node["children"][1]):
            return _equals(node["children"][0], left, right["value"])
        case "or_expression", [left, right]:
            return _either(left, right)
        case "and_expression", [left, right]:
            return _both(left, right)
        case "multi_select_list", [*members]:
            return lambda record: None if record is None else [member(record) for member in members]
        case "function_expression", [argument] if value in _OF_LISTS:
            return _applied(_OF_LISTS[value], argument)
    return None


def _names(node: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a chain of names only, `a.b.c`; nothing for any other node."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        parts = [_names(child) for child in node["children"]]
        return tuple(name for part in parts for name in part) if all(parts) else ()
    return ()


def _field(first: str, second: str | None = None, *more: str) -> Find:
    if second is None:
        return lambda record: record.get(first) if isinstance(record, dict) else None

    def find(record: object) -> object:
        inner = record.get(first) if isinstance(record, dict) else None
        found = inner.get(second) if isinstance(inner, dict) else None
        for name in more:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return find


def _first(node: dict[str, Any]) -> Find | None:
    """Return a function for `list[...].name | [0]`, which need not look beyond what it returns."""
    projection, position = node["children"]
    if projection["type"] not in {"projection", "filter_projection"} or position != _FIRST:
        return None
    parts = [_compiled(child) for child in projection["children"]]
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    base, each, *conditions = known
    holds = conditions[0] if conditions else _always

    def find(record: object) -> object:
        entries = base(record)
        for one in entries if isinstance(entries, list) else ():
            if holds(one) and (found := each(one)) is not None:
                return found
        return None

    return find


def _always(_: object) -> bool:
    return True


def _equals(node: dict[str, Any], left: Find, text: str) -> Find:
    names = _names(node)
    if len(names) == 1:
        name = names[0]
        return lambda record: isinstance(record, dict) and record.get(name) == text
    return lambda record: left(record) == text


def _is_text(node: dict[str, Any]) -> bool:
    return node["type"] == "literal" and isinstance(node["value"], str)


def _either(left: Find, right: Find) -> Find:
    def find(record: object) -> object:
        found = left(record)
        # JMESPath holds every number to be true, zero too.
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return found if found or is_number else right(record)

    return find


def _applied(function: Find, argument: Find) -> Find:
    return lambda record: function(argument(record))


def _both(left: Find, right: Find) -> Find:
    def find(record: object) -> object:
        found = left(record)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return right(record) if found or is_number else found

    return find


def _index(position: int) -> Find:
    def find(record: object) -> object:
        if isinstance(record, list) and -len(record) <= position < len(record):
            return record[position]
        return None

    return find


def _chain(steps: list[Find]) -> Find:
    if len(steps) == 2:
        first, second = steps
        return lambda record: second(first(record))

    def find(record: object) -> object:
        for step in steps:
            record = step(record)
        return record

    return find


def _projection(base: Find, each: Find, holds: Find) -> Find:
    def find(record: object) -> object:
        entries = base(record)
        if not isinstance(entries, list):
            return None
        return [found for one in entries if holds(one) and (found := each(one)) is not None]

    return find


def _greatest(values: object) -> object:
    if isinstance(values, list):
        kinds = {str if isinstance(value, str) else type(value) for value in values}
        if not kinds or kinds == {str} or kinds <= {int, float}:
            return max(values, default=None)
    raise UnexpectedTypeError


def _total(values: object) -> object:
    if isinstance(values, list) and all(type(value) is int or type(value) is float for value in values):
        return sum(values)
    raise UnexpectedTypeError


_OF_LISTS: Final[dict[str, Find]] = {"max": _greatest, "sum": _total}
