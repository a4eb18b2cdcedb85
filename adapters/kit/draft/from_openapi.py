"""Drafts from an OpenAPI 3 document: what can be asked by a number, and what comes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.kit.draft.from_samples import first_number, step
from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEPTH: Final = 4
_MOST: Final = 4
_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
_KINDS: Final = {"integer": "integer", "number": "number", "boolean": "boolean", "array": "list"}


class _Found(NamedTuple):
    """An operation that takes a number."""

    type: str
    path: str
    parameter: str
    is_in_path: bool
    operation: Mapping[str, Any]


def from_openapi(document: Mapping[str, Any]) -> Shape:
    """Return the registry that a document describes; a lookup for each operation that takes a number of a person.

    Raises: ConfigurationError when none does.
    """
    found = [one for one in _operations(document) if _VARIABLE.sub("", one.path, count=1).find("{") < 0]
    if not found:
        raise ConfigurationError("no GET operation takes a number of a person or household in its path or query")
    taken: dict[str, Asked] = {}
    for one in found[:_MOST]:
        name = _name(one.path)
        while name in taken:
            name += "_too"
        taken[name] = _asked(document, name, one)
    auth, notes = _auth(document)
    info, servers = document.get("info") or {}, document.get("servers") or []
    address = str(servers[0].get("url", "")) if servers else ""
    return Shape("rest", tuple(taken.values()), str(info.get("title", "")), auth, address=address, notes=notes)


def _operations(document: Mapping[str, Any]) -> Iterator[_Found]:
    for path, item in (document.get("paths") or {}).items():
        operation = item.get("get") if isinstance(item, dict) else None
        if not isinstance(operation, dict):
            continue
        stated = [_resolved(document, one) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        for parameter in stated:
            name, where = str(parameter.get("name", "")), parameter.get("in")
            type_ = number_type(name)
            if type_ is not None and where in ("path", "query"):
                yield _Found(type_, path, name, where == "path", operation)
                break


def _asked(document: Mapping[str, Any], name: str, one: _Found) -> Asked:
    responses = one.operation.get("responses") or {}
    answer = next(
        (_resolved(document, responses[code]) for code in ("200", 200, "2XX", "default") if code in responses), {}
    )
    content = answer.get("content") or {}
    schema = next((media.get("schema") or {} for kind, media in content.items() if "json" in kind), {})
    found, record = _record(document, _resolved(document, schema))
    fields = tuple(_fields(document, record, "", _DEPTH))
    request: dict[str, Any] = {"path": _VARIABLE.sub("{number}", one.path) if one.is_in_path else one.path}
    if not one.is_in_path:
        request["query"] = {one.parameter: "{number}"}
    request["found"] = found if fields else Decide(found, "where the records are in the answer (JMESPath)")
    if one.is_in_path or "404" in map(str, responses):
        request["nobody"] = {"status": [404]}
    if not first_number(fields) and one.is_in_path:
        fields = (Seen(step(one.parameter), one.parameter), *fields)
    return Asked(name, fields, {"requests": [request]}, (one.type,), 1)


def _record(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return where an answer has its records, and what one of them looks like."""
    if schema.get("type") == "array":
        return "@", _resolved(document, schema.get("items") or {})
    properties = _properties(document, schema)
    lists = {
        key: inner
        for key, stated in properties.items()
        if (inner := _resolved(document, stated)).get("type") == "array"
    }
    of_objects = {
        key: record
        for key, inner in lists.items()
        if _properties(document, record := _resolved(document, inner.get("items") or {}))
    }
    if len(of_objects) == 1 and not any(number_type(key) for key in properties):
        key, record = next(iter(of_objects.items()))
        return step(key), record
    return "@", schema


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], way: str, depth: int) -> Iterator[Seen]:
    required = schema.get("required") or ()
    for key, stated in _properties(document, schema).items():
        inner = _resolved(document, stated)
        if _properties(document, inner) and depth:
            yield from _fields(document, inner, f"{way}{step(key)}.", depth - 1)
            continue
        kind = inner.get("type")
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        shown = inner.get("example", next(iter(inner.get("examples") or ()), None))
        texts = (str(shown),) if isinstance(shown, str) else ()
        if inner.get("format") in ("date", "date-time"):
            texts = ("2026-01-31",)
        codes = tuple(str(one) for one in inner.get("enum") or () if one is not None)
        is_promised = (
            key in required and not way and "null" not in (inner.get("type") or ()) and not inner.get("nullable")
        )
        yield Seen(f"{way}{step(key)}", key, _KINDS.get(str(kind), "string"), texts, codes, is_promised)


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = dict(schema.get("properties") or {})
    for part in schema.get("allOf") or ():
        properties |= _properties(document, _resolved(document, part))
    return properties


def _resolved(document: Mapping[str, Any], part: Any, hops: int = 8) -> Mapping[str, Any]:
    """Return what a part stands for; references lead within the document only."""
    while isinstance(part, dict) and isinstance(ref := part.get("$ref"), str) and hops:
        part, hops = document, hops - 1
        for key in ref.removeprefix("#/").split("/") if ref.startswith("#/") else ("?",):
            name = key.replace("~1", "/").replace("~0", "~")
            part = part.get(name, {}) if isinstance(part, dict) else {}
    return part if isinstance(part, dict) else {}


def _auth(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return how it knows us, by the first scheme that a manifest has a word for."""
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    for stated in schemes.values():
        one = _resolved(document, stated)
        match one.get("type"), one.get("scheme"), one.get("in"):
            case "apiKey", _, "header":
                return {"kind": "api_key", "header": str(one["name"]), "key": "env:HEARTH_{ID}_KEY"}, ()
            case "http", "basic", _:
                return {"kind": "basic", "user": "env:HEARTH_{ID}_USER", "password": "env:HEARTH_{ID}_PASSWORD"}, ()
            case "http", "bearer", _:
                return {"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"}, ()
            case "oauth2", _, _ if "clientCredentials" in (one.get("flows") or {}):
                return {
                    "kind": "oauth2",
                    "token_path": Decide("/oauth2/token", "path of the token endpoint below the address"),
                    "client_id": "env:HEARTH_{ID}_CLIENT_ID",
                    "client_secret": "env:HEARTH_{ID}_CLIENT_SECRET",
                }, ()
    return {}, ("decide: the description names no way of authentication that Hearth knows; see `connection.auth`.",)


def _name(path: str) -> str:
    words = [word for word in _VARIABLE.sub("", path).split("/") if word and not re.fullmatch(r"v\d+|api", word)]
    flat = re.sub(r"[^a-z0-9]+", "_", words[-1].lower()).strip("_") if words else ""
    return flat[:40] if re.fullmatch(r"[a-z][a-z0-9_]{1,}", flat) else "person"
