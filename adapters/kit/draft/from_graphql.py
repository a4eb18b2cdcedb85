"""Drafts from the introspection of a GraphQL schema: which queries take a number, and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS: Final = {"Int": "integer", "Float": "number", "Boolean": "boolean"}
_DEPTH: Final = 3


def from_introspection(schema: Mapping[str, Any]) -> Shape:
    """Return the registry that an introspection describes; a lookup for each query that takes a number of a person.

    schema: what stands under `__schema`.
    Raises: ConfigurationError when none does.
    """
    types = {one["name"]: one for one in schema.get("types") or () if isinstance(one, dict) and one.get("name")}
    root = types.get((schema.get("queryType") or {}).get("name", ""), {})
    lookups = [one for field in root.get("fields") or () if (one := _asked(field, types)) is not None]
    if not lookups:
        raise ConfigurationError("no query takes a number of a person or household; see `graphql` in the guide")
    return Shape("graphql", tuple(lookups), auth={"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"})


def _asked(field: Mapping[str, Any], types: Mapping[str, Any]) -> Asked | None:
    """Return the lookup of a query; None when it takes no number."""
    for argument in field.get("args") or ():
        name, (_, is_list) = str(argument["name"]), _named(argument["type"])
        type_ = number_type(name) or (number_type(name.removesuffix("s")) if is_list else None)
        if type_ is None:
            continue
        kind, _ = _named(field["type"])
        fields = tuple(_fields(types.get(kind, {}), types, "", _DEPTH))
        snake = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in field["name"]).strip("_")
        options = _options(field["name"], argument, field["type"], is_batched=is_list)
        return Asked(snake[:40], fields, options, (type_,), 50 if is_list else 1)
    return None


def _options(field: str, argument: Mapping[str, Any], gives: Mapping[str, Any], *, is_batched: bool) -> dict[str, Any]:
    value = "{numbers}" if is_batched else "{number}"
    request: dict[str, Any] = {
        "field": field,
        "arguments": {argument["name"]: {"type": _written(argument["type"]), "value": value}},
    }
    _, is_list = _named(gives)
    if not is_list:
        request["answer"] = "one"
        request["null_is_nobody"] = Decide(gives.get("kind") != "NON_NULL", "whether null means nobody by that number")
    return {"requests": [request]}


def _fields(type_: Mapping[str, Any], types: Mapping[str, Any], way: str, depth: int) -> Iterator[Seen]:
    for field in type_.get("fields") or ():
        name, (kind, is_list) = field["name"], _named(field["type"])
        inner = types.get(kind, {})
        if inner.get("fields") and not is_list and depth:
            yield from _fields(inner, types, f"{way}{name}.", depth - 1)
            continue
        codes = tuple(one["name"] for one in inner.get("enumValues") or ())
        texts = ("2026-01-31",) if kind in ("Date", "DateTime") else ()
        is_promised = field["type"].get("kind") == "NON_NULL" and not way
        yield Seen(f"{way}{name}", name, "list" if is_list else _KINDS.get(kind, "string"), texts, codes, is_promised)


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
