"""Drafts from an OpenAPI 3 document: what can be asked by a number, and what comes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from adapters.kit.draft.bounds import DEEPEST, MOST_FIELDS, MOST_LOOKUPS, OTHERWISE, Budget, lookup_name
from adapters.kit.draft.from_samples import step
from adapters.kit.draft.guessing import guess, is_counted, number_type
from adapters.kit.draft.paging import paged
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEPTH: Final = 4
_HOPS: Final = 16
_BATCH: Final = 50
_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
_KINDS: Final = {"integer": "integer", "number": "number", "boolean": "boolean", "array": "list"}
_FORMS: Final = ("anyOf", "oneOf")


class _Found(NamedTuple):
    """An operation that takes a number."""

    type: str
    """Of the number."""
    path: str
    request: dict[str, Any]
    batch: int
    is_in_path: bool
    operation: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


def from_openapi(document: Mapping[str, Any]) -> Shape:
    """Return the registry that a document describes; a lookup for each operation that takes a number of a person.

    Raises: ConfigurationError when none does, when it leans on another document, or comes to too much.
    """
    held = _Document(document)
    # Whatever takes many people in one call comes first: a draft has room for a few.
    found = sorted(_operations(held), key=lambda one: one.batch == 1)
    if not found:
        raise ConfigurationError(f"no GET or POST operation takes a number of a person or household{OTHERWISE}")
    taken: dict[str, Asked] = {}
    for one in found[:MOST_LOOKUPS]:
        name = lookup_name(_said(one.path), taken)
        taken[name] = _asked(held, name, one)
    servers = document.get("servers") or []
    address = str(servers[0].get("url", "")) if servers else ""
    auth, notes = _auth(held, address)
    if len(found) > MOST_LOOKUPS:
        notes = (*notes, f"Left out, as a draft has room for {MOST_LOOKUPS}: {', '.join(o.path for o in found[4:24])}.")
    title = str((document.get("info") or {}).get("title", ""))
    return Shape("rest", tuple(taken.values()), title, auth, address=address, notes=notes)


class _Document:
    """A document whose references are followed, within it and no further."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content, self.budget = content, Budget()

    def resolved(self, part: Any) -> dict[str, Any]:
        """Return what a part stands for.

        Raises: ConfigurationError for a reference to another document: nothing is fetched, nothing is read.
        """
        hops = _HOPS
        while isinstance(part, dict) and isinstance(ref := part.get("$ref"), str) and hops:
            self.budget.spend()
            # INVARIANT: a reference never leads out of the document, to a network or to a disk.
            if not ref.startswith("#"):
                raise ConfigurationError(f"it refers to another document ({ref[:100]!r}): bundle all into one first")
            part, hops = self._at(ref.removeprefix("#").removeprefix("/")), hops - 1
        return part if isinstance(part, dict) and "$ref" not in part else {}

    def _at(self, pointer: str) -> Any:
        part: Any = self.content
        for key in pointer.split("/") if pointer else ():
            name = unquote(key).replace("~1", "/").replace("~0", "~")
            part = part.get(name) if isinstance(part, dict) else None
        return part

    def schema(self, part: Any, depth: int = DEEPEST) -> dict[str, Any]:
        """Return a schema with what it is put together from written out: `$ref`, `allOf`, and forms beside null."""
        self.budget.spend()
        schema = dict(self.resolved(part))
        if "const" in schema:
            schema.setdefault("enum", [schema["const"]])
        if not depth:
            return schema
        for one in schema.get("allOf") or ():
            schema = self._joined(schema, self.schema(one, depth - 1))
        forms = [self.schema(one, depth - 1) for key in _FORMS for one in schema.get(key) or ()]
        whole = [one for one in forms if one.get("type") != "null"]
        if len(whole) == 1:
            schema = self._joined(schema, whole[0])
        elif whole:
            values = [value for one in whole for value in one.get("enum") or ()]
            schema = {"enum": values, **schema} if values else schema
            for one in whole:
                schema = self._joined(schema, {**one, "required": ()})
        return {**schema, "nullable": True} if len(whole) < len(forms) else schema

    @staticmethod
    def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        both: dict[str, Any] = {**other, **one}
        both["properties"] = {**(other.get("properties") or {}), **(one.get("properties") or {})}
        both["required"] = [*(other.get("required") or ()), *(one.get("required") or ())]
        return both

    def answered(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema of what an operation answers."""
        responses = operation.get("responses") or {}
        codes = ("200", 200, "2XX", "default")
        answer = next((self.resolved(responses[code]) for code in codes if code in responses), {})
        return self._in_json(answer)

    def sent(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema of what an operation is sent."""
        return self._in_json(self.resolved(operation.get("requestBody") or {}))

    def _in_json(self, part: Mapping[str, Any]) -> dict[str, Any]:
        content = part.get("content") or {}
        return self.schema(next((media.get("schema") or {} for kind, media in content.items() if "json" in kind), {}))


def _operations(held: _Document) -> Iterator[_Found]:
    for path, stated in (held.content.get("paths") or {}).items():
        item = held.resolved(stated)
        for method in ("get", "post"):
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            parameters = tuple(
                held.resolved(one) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))
            )
            one = (_by_parameter if method == "get" else _by_body)(held, str(path), operation, parameters)
            if one is not None and "{" not in _VARIABLE.sub("", one.path, count=int(one.is_in_path)):
                yield one


def _by_parameter(
    held: _Document, path: str, operation: Mapping[str, Any], parameters: tuple[Mapping[str, Any], ...]
) -> _Found | None:
    """Return a GET that names people in its path or in its query."""
    for parameter in parameters:
        name, where = str(parameter.get("name", "")), parameter.get("in")
        schema = held.schema(parameter.get("schema") or {})
        is_list = schema.get("type") == "array"
        type_ = number_type(name) or (number_type(name.removesuffix("s")) if is_list else None)
        if type_ is None or where not in ("path", "query"):
            continue
        if where == "path":
            request: dict[str, Any] = {"path": _VARIABLE.sub("{number}", path, count=1)}
            return _Found(type_, path, request, 1, True, operation, parameters)
        request = {"path": path, "query": {name: "{numbers}" if is_list else "{number}"}}
        if is_list and parameter.get("explode", True):
            request["joined_by"] = None
        return _Found(type_, path, request, _most(schema) if is_list else 1, False, operation, parameters)
    return None


def _by_body(
    held: _Document, path: str, operation: Mapping[str, Any], parameters: tuple[Mapping[str, Any], ...]
) -> _Found | None:
    """Return a POST that names people in its JSON body: one, a list of numbers, or a list of entries with one each."""
    schema = held.sent(operation)
    body: dict[str, Any] = {}
    found: tuple[str, int] | None = None
    for key, stated in (schema.get("properties") or {}).items():
        inner = held.schema(stated)
        taken = None if found else _place(held, key, inner)
        if taken is not None:
            found, body[key] = taken[:2], taken[2]
        elif key in (schema.get("required") or ()):
            body[key] = Decide("...", f"what stands at {key} of the body")
    if found is None:
        return None
    request = {"method": "POST", "path": path, "body": body}
    return _Found(found[0], path, request, found[1], False, operation, parameters)


def _place(held: _Document, key: str, schema: Mapping[str, Any]) -> tuple[str, int, Any] | None:
    """Return type of number, people in one call and what is sent, for a member of a body that names people."""
    if schema.get("type") != "array":
        type_ = number_type(key)
        return None if type_ is None or schema.get("properties") else (type_, 1, "{number}")
    entry = held.schema(schema.get("items") or {})
    inner = next(((one, type_) for one in entry.get("properties") or {} if (type_ := number_type(one))), None)
    if inner is not None:
        return inner[1], _most(schema), [{inner[0]: "{number}"}]
    type_ = number_type(key) or number_type(key.removesuffix("s"))
    return None if type_ is None else (type_, _most(schema), "{numbers}")


def _most(schema: Mapping[str, Any]) -> int:
    most = schema.get("maxItems")
    return most if isinstance(most, int) and 1 < most <= 1000 else _BATCH


def _asked(held: _Document, name: str, one: _Found) -> Asked:
    answer = held.answered(one.operation)
    found, record = _record(held, answer, 2)
    fields = tuple(_first(_fields(held, record, "", _DEPTH)))
    request = dict(one.request)
    for parameter in one.parameters:
        if parameter.get("required") and parameter.get("in") == "query" and parameter.get("name") not in _sent(request):
            asked = Decide("...", f"what is sent as {parameter['name']}")
            request["query"] = {**request.get("query", {}), parameter["name"]: asked}
    request["found"] = found if fields else Decide(found, "where the records are in the answer (JMESPath)")
    if found != "@":
        envelope = [key for key in answer.get("properties") or {} if not is_counted(key)]
        request |= paged(request, answer.get("properties") or {}, one.parameters)
        unknown = next((key for key in envelope if _is_unknown(key)), None)
        if unknown is not None:
            request["not_found"] = {one.type: Decide(step(unknown), "whether it names there whom it does not hold")}
    if one.batch == 1 and (one.is_in_path or "404" in map(str, one.operation.get("responses") or {})):
        request["nobody"] = {"status": [404]}
    return Asked(name, fields, {"requests": [request]}, (one.type,), one.batch, one.batch == 1 and found != "@")


def _sent(request: Mapping[str, Any]) -> Mapping[str, Any]:
    query: Mapping[str, Any] = request.get("query") or {}
    return query


def _is_unknown(key: str) -> bool:
    return re.sub(r"[^a-z]", "", key.lower()) in ("unknown", "notfound", "missing", "unmatched")


def _first(fields: Iterator[Seen]) -> Iterator[Seen]:
    yield from (one for one, _ in zip(fields, range(MOST_FIELDS), strict=False))


def _record(held: _Document, schema: Mapping[str, Any], depth: int) -> tuple[str, Mapping[str, Any]]:
    """Return where an answer has its records, and what one of them looks like.

    Of several lists of objects, that which states a number and what the catalogue has words for.
    """
    if schema.get("type") == "array":
        return "@", held.schema(schema.get("items") or {})
    inside = {key: held.schema(stated) for key, stated in (schema.get("properties") or {}).items()}
    if any(number_type(key) for key in inside):
        return "@", schema
    lists = {key: held.schema(one.get("items") or {}) for key, one in inside.items() if one.get("type") == "array"}
    worth = {key: _worth(held, record) for key, record in lists.items() if record.get("properties")}
    if worth:
        key = max(worth, key=lambda one: worth[one])
        return step(key), lists[key]
    for key, one in inside.items() if depth else ():
        path, record = _record(held, one, depth - 1)
        if path != "@":
            return f"{step(key)}.{path}", record
    return "@", schema


def _worth(held: _Document, record: Mapping[str, Any]) -> int:
    fields = [guess(one) for one in _first(_fields(held, record, "", 1))]
    return sum(one.attribute is not None or one.is_changed for one in fields) + 10 * any(one.number for one in fields)


def _fields(held: _Document, schema: Mapping[str, Any], way: str, depth: int) -> Iterator[Seen]:
    required = schema.get("required") or ()
    for key, stated in (schema.get("properties") or {}).items():
        inner = held.schema(stated)
        if inner.get("properties") and depth:
            yield from _fields(held, inner, f"{way}{step(key)}.", depth - 1)
            continue
        kind = inner.get("type")
        is_nullable = bool(inner.get("nullable")) or (isinstance(kind, list) and "null" in kind)
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        shown = inner.get("example", next(iter(inner.get("examples") or ()), None))
        texts = (str(shown),) if isinstance(shown, str) else ()
        if inner.get("format") in ("date", "date-time"):
            texts = ("2026-01-31",)
        codes = tuple(str(one) for one in inner.get("enum") or () if one is not None)
        is_promised = key in required and not way and not is_nullable
        yield Seen(f"{way}{step(key)}", key, _KINDS.get(str(kind), "string"), texts, codes, is_promised)


def _auth(held: _Document, address: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return how it knows us, by the first scheme that a manifest has a word for; those in use for everything first."""
    schemes = (held.content.get("components") or {}).get("securitySchemes") or {}
    used = [name for one in held.content.get("security") or () for name in one]
    for name in dict.fromkeys((*used, *schemes)):
        one = held.resolved(schemes.get(name))
        match one.get("type"), str(one.get("scheme")).lower(), one.get("in"):
            case "apiKey", _, ("header" | "query") as where:
                return {"kind": "api_key", where: str(one["name"]), "key": "env:HEARTH_{ID}_KEY"}, ()
            case "http", "basic", _:
                return {"kind": "basic", "user": "env:HEARTH_{ID}_USER", "password": "env:HEARTH_{ID}_PASSWORD"}, ()
            case "http", "bearer", _:
                return {"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"}, ()
            case "oauth2", _, _ if "clientCredentials" in (one.get("flows") or {}):
                return _token(one["flows"]["clientCredentials"], address), ()
    return {}, ("decide: the description names no way of authentication that Hearth knows; see `connection.auth`.",)


def _token(flow: Mapping[str, Any], address: str) -> Mapping[str, Any]:
    stated, below = urlsplit(str(flow.get("tokenUrl", ""))), urlsplit(address)
    question = "path of the token endpoint below the address"
    path = stated.path or "/oauth2/token"
    if stated.netloc and (stated.netloc, stated.scheme) != (below.netloc, below.scheme):
        question += f"; the description has it at another one, {stated.scheme}://{stated.netloc}"
    elif stated.netloc and not path.startswith(f"{below.path.rstrip('/')}/"):
        question += f"; it is not below {below.path}, so leave that out of the address, and put it before every path"
    else:
        path = path.removeprefix(below.path.rstrip("/")) or path
    auth = {
        "kind": "oauth2",
        "token_path": Decide(path, question),
        "client_id": "env:HEARTH_{ID}_CLIENT_ID",
        "client_secret": "env:HEARTH_{ID}_CLIENT_SECRET",
    }
    scopes = " ".join(map(str, flow.get("scopes") or {}))
    return {**auth, "scope": Decide(scopes, "which of its scopes are needed")} if scopes else auth


def _said(path: str) -> str:
    words = [word for word in _VARIABLE.sub("", path).split("/") if word and not re.fullmatch(r"v\d+|api", word)]
    generic = ("search", "query", "find", "lookup")
    return next((word for word in reversed(words) if word.lower() not in generic), "person")
