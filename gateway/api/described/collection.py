"""The requests as a collection that API clients import (Postman's format, version 2.1), made of the OpenAPI document.

Ids, times, the number asked about and who asks are variables, so that every request can be sent as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from standards.dci.operations import OPERATIONS

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
VARIABLES: Final[Mapping[str, str]] = {
    "client_id": "",
    "client_secret": "",
    "sender_id": "",
    "callback_url": "",
    "access_token": "",
    "purpose": "eligibility",
    "id_type": "UIN",
    "id_value": "",
}
"""What whoever imports it fills in, or the token request does; `base_url` is known."""
_FRESH: Final[Mapping[str, str]] = {
    "message_id": "{{$guid}}",
    "transaction_id": "{{$guid}}",
    "reference_id": "{{$guid}}",
    "message_ts": "{{$isoTimestamp}}",
    "timestamp": "{{$isoTimestamp}}",
    "ts": "{{$isoTimestamp}}",
    "sender_id": "{{sender_id}}",
}
"""Member of a message -> what stands in its place."""
_LEFT_OUT: Final = frozenset({"signature", "receiver_id", "sender_uri"})
_OTHERS: Final = frozenset({"Callbacks"})
"""Tags of what registries send, and no programme does."""
_KEPT: Final = 'pm.collectionVariables.set("access_token", pm.response.json().access_token);'


def collection(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the collection of an OpenAPI document: a folder for each tag, a request for each example.

    Addresses that are another one's alias, and those that registries call, are left out.
    """
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method, stated in operations.items():
            if method == "parameters":
                continue
            operation = {**stated, "parameters": [*shared, *stated.get("parameters", ())]}
            tag = operation["tags"][0]
            if tag in _OTHERS or operation["operationId"].endswith("ByRegistry"):
                continue
            folders.setdefault(tag, []).extend(_requests(path, method, operation))
    base_url = document["servers"][0]["url"]
    return {
        "info": {"name": document["info"]["title"], "schema": SCHEMA, "version": document["info"]["version"]},
        "variable": [{"key": key, "value": value} for key, value in {"base_url": base_url, **VARIABLES}.items()],
        "item": [{"name": tag, "item": requests} for tag, requests in folders.items()],
    }


def _requests(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/x-www-form-urlencoded" in content:
        yield _token(path, operation)
        return
    stated = content.get("application/json", {})
    examples = {name: one["value"] for name, one in stated.get("examples", {}).items()}
    if "example" in stated:
        examples["one"] = stated["example"]
    if not examples and "application/json" not in content:
        yield _request(path, method, operation, operation["summary"], None)
    for name, example in examples.items():
        title = operation["summary"] if len(examples) == 1 else f"{operation['summary']}: {name}"
        yield _request(path, method, operation, title, example)


def _request(path: str, method: str, operation: Mapping[str, Any], title: str, example: object) -> dict[str, Any]:
    headers = [{"key": "Content-Type", "value": "application/json"}] if example is not None else []
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": headers,
        "url": _url(path, operation),
        "description": operation.get("description", ""),
    }
    if operation.get("security"):
        token = {"key": "token", "value": "{{access_token}}", "type": "string"}
        request["auth"] = {"type": "bearer", "bearer": [token]}
    else:
        request["auth"] = {"type": "noauth"}
    if example is not None:
        opened = _open(example)
        known = OPERATIONS.get(path.removeprefix("/registry/"))
        if known is not None and not known.is_sync and isinstance(opened, dict):
            opened["header"]["sender_uri"] = "{{callback_url}}"
        text = orjson.dumps(opened, option=orjson.OPT_INDENT_2).decode()
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return {"name": title, "request": request}


def _token(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    form = {
        "grant_type": "client_credentials",
        "client_id": "{{client_id}}",
        "client_secret": "{{client_secret}}",
    }
    fields = [{"key": key, "value": value, "type": "text"} for key, value in form.items()]
    return {
        "name": operation["summary"],
        "request": {
            "method": "POST",
            "header": [],
            "url": _url(path, operation),
            "auth": {"type": "noauth"},
            "body": {"mode": "urlencoded", "urlencoded": fields},
        },
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": [_KEPT]}}],
    }


def _url(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return an address; a part in braces is a variable, unless all it can be is known: then it is the first of it."""
    for parameter in operation["parameters"]:
        if choices := parameter.get("schema", {}).get("enum"):
            path = path.replace(f"{{{parameter['name']}}}", str(choices[0]))
    parts = [f":{part[1:-1]}" if part.startswith("{") and part.endswith("}") else part for part in path[1:].split("/")]
    named = [{"key": part[1:], "value": ""} for part in parts if part.startswith(":")]
    url = {"raw": "{{base_url}}/" + "/".join(parts), "host": ["{{base_url}}"], "path": parts}
    return url | ({"variable": named} if named else {})


def _open(example: object) -> object:
    """Return an example with variables in the place of ids, times, senders, numbers and purposes."""
    if isinstance(example, list):
        return [_open(one) for one in example]
    if not isinstance(example, dict):
        return example
    if example.get("type") == "UIN" and "value" in example:
        return example | {"type": "{{id_type}}", "value": "{{id_value}}"}
    found: dict[str, object] = {}
    for name, value in example.items():
        if name in _LEFT_OUT:
            continue
        if name in _FRESH and isinstance(value, str):
            found[name] = _FRESH[name]
        elif name == "purpose" and isinstance(value, str):
            found[name] = "{{purpose}}"
        elif name == "purpose" and isinstance(value, dict) and "code" in value:
            found[name] = value | {"code": "{{purpose}}"}
        else:
            found[name] = _open(value)
    return found
