"""Drafts from the introspection of a GraphQL schema: which queries take a number, and what they give."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.kit.draft.bounds import MOST_FIELDS, MOST_LOOKUPS, OTHERWISE, Budget, lookup_name
from adapters.kit.draft.guessing import is_counted, number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS: Final = {"Int": "integer", "Float": "number", "Boolean": "boolean"}
_DEPTH: Final = 3
_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_BATCH: Final = 50
_CONNECTIONS: Final = ("nodes", "edges")


class _Number(NamedTuple):
    """The argument of a query that takes numbers of people."""

    argument: Mapping[str, Any]
    type: str
    is_list: bool
    value: Any


class _Gives(NamedTuple):
    """What a query gives."""

    record: Mapping[str, Any]
    options: dict[str, Any]


def from_introspection(schema: Mapping[str, Any]) -> Shape:
    """Return the registry that an introspection describes; a lookup for each query that takes a number of a person.

    schema: what stands under `__schema`.
    Raises: ConfigurationError when none does, or when it comes to too much.
    """
    held = _Schema(schema)
    fields = held.fields(held.types.get(str((schema.get("queryType") or {}).get("name")), {}))
    found = [(field, number) for field in fields if (number := held.number(field)) is not None]
    # Whatever takes many people in one call comes first: a draft has room for a few.
    found.sort(key=lambda one: not one[1].is_list)
    if not found:
        raise ConfigurationError(f"no query takes a number of a person or household{OTHERWISE}")
    taken: dict[str, Asked] = {}
    for field, number in found[:MOST_LOOKUPS]:
        name = lookup_name(field["name"], taken)
        taken[name] = held.asked(name, field, number)
    left = [field["name"] for field, _ in found[MOST_LOOKUPS : MOST_LOOKUPS + 20]]
    notes = (f"Left out, as a draft has room for {MOST_LOOKUPS}: {', '.join(left)}.",) if left else ()
    auth = {"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"}
    return Shape("graphql", tuple(taken.values()), auth=auth, notes=notes)


class _Schema:
    """The types of a schema by their names."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        stated = [one for one in schema.get("types") or () if isinstance(one, dict)]
        self.types = {str(one.get("name")): one for one in stated}
        self._budget = Budget()

    def fields(self, type_: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the fields of a type whose names GraphQL allows."""
        stated = type_.get("fields") or ()
        return [one for one in stated if _NAME.fullmatch(str(one.get("name")))]

    def number(self, field: Mapping[str, Any]) -> _Number | None:
        """Return the argument of a query that takes a number, by itself or in an input; None if none does."""
        for argument in field.get("args") or ():
            if not _NAME.fullmatch(str(argument.get("name"))):
                continue
            named, is_list = _named(argument["type"])
            if (found := _meant(argument["name"], is_list=is_list)) is not None:
                return _Number(argument, found, is_list, "{numbers}" if is_list else "{number}")
            for member in self.types.get(named, {}).get("inputFields") or () if not is_list else ():
                _, is_list_there = _named(member["type"])
                found = _meant(str(member.get("name")), is_list=is_list_there)
                if found is not None:
                    value = {member["name"]: "{numbers}" if is_list_there else "{number}"}
                    return _Number(argument, found, is_list_there, value)
        return None

    def asked(self, name: str, field: Mapping[str, Any], number: _Number) -> Asked:
        """Return the lookup of a query."""
        gives = self._gives(field, number)
        arguments = {number.argument["name"]: {"type": _written(number.argument["type"]), "value": number.value}}
        for one in field.get("args") or ():
            if one is number.argument:
                continue
            flat, is_needed = str(one["name"]).lower(), one["type"].get("kind") == "NON_NULL"
            if "pages" in gives.options and flat in ("first", "after"):
                value: Any = "{page_size}" if flat == "first" else "{cursor}"
            elif is_needed and one.get("defaultValue") is None:
                value = Decide("...", f"what is sent as {one['name']}")
            else:
                continue
            arguments[one["name"]] = {"type": _written(one["type"]), "value": value}
        fields = tuple(islice(self._fields(gives.record, "", _DEPTH), MOST_FIELDS))
        request = {"field": field["name"], "arguments": arguments, **gives.options}
        return Asked(name, fields, {"requests": [request]}, (number.type,), _BATCH if number.is_list else 1)

    def _gives(self, field: Mapping[str, Any], number: _Number) -> _Gives:
        """Return of what type a query's records are, and how they come: a list, one, or a connection with pages."""
        named, is_list = _named(field["type"])
        given = self.types.get(named, {})
        inner = {one["name"]: one for one in self.fields(given)}
        way = next((one for one in _CONNECTIONS if one in inner and _named(inner[one]["type"])[1]), None)
        if is_list or way is None:
            options: dict[str, Any] = {}
            if not is_list:
                is_nullable = field["type"].get("kind") != "NON_NULL"
                asked = Decide(is_nullable, "whether null means nobody by that number")
                options = {"answer": "one"} | ({} if number.is_list else {"null_is_nobody": asked})
            return _Gives(given, options)
        record = self.types.get(_named(inner[way]["type"])[0], {})
        if way == "edges":
            node = next((one for one in self.fields(record) if one["name"] == "node"), None)
            record = self.types.get(_named(node["type"])[0], {}) if node else {}
        options = {"answer": way}
        total = next((one for one in inner if is_counted(one)), None)
        if total is not None:
            options["total"] = total
        if "pageInfo" in inner and any(one.get("name") == "after" for one in field.get("args") or ()):
            options["pages"] = Decide({"size": 100}, "how many in a page, and which `key` a record has of its own")
        return _Gives(record, options)

    def _fields(self, type_: Mapping[str, Any], way: str, depth: int) -> Iterator[Seen]:
        for field in self.fields(type_):
            self._budget.spend()
            name, (kind, is_list) = field["name"], _named(field["type"])
            if any(one["type"].get("kind") == "NON_NULL" for one in field.get("args") or ()):
                continue  # it cannot be selected by its name alone; `select` is for it
            inner = self.types.get(kind, {})
            if inner.get("fields") and not is_list and depth:
                yield from self._fields(inner, f"{way}{name}.", depth - 1)
                continue
            if inner.get("fields") and not is_list:
                continue  # an object without a selection is no value
            codes = tuple(str(one.get("name")) for one in inner.get("enumValues") or ())
            texts = ("2026-01-31",) if kind in ("Date", "DateTime") else ()
            is_promised = field["type"].get("kind") == "NON_NULL" and not way
            found = "list" if is_list else _KINDS.get(kind, "string")
            yield Seen(f"{way}{name}", name, found, texts, codes, is_promised)


def _meant(name: str, *, is_list: bool) -> str | None:
    return number_type(name) or (number_type(name.removesuffix("s")) if is_list else None)


def _named(type_: Mapping[str, Any] | None) -> tuple[str, bool]:
    """Return the name of a type without its wrappers, and whether it is a list."""
    is_list = False
    while type_ is not None and type_.get("ofType"):
        is_list = is_list or type_.get("kind") == "LIST"
        type_ = type_["ofType"]
    return str((type_ or {}).get("name") or ""), is_list


def _written(type_: Mapping[str, Any]) -> str:
    """Return a type as GraphQL writes it: `[ID!]!`."""
    match type_.get("kind"):
        case "NON_NULL":
            return f"{_written(type_['ofType'])}!"
        case "LIST":
            return f"[{_written(type_['ofType'])}]"
    return str(type_["name"])
