"""One operation of the published description that takes and gives JSON, and a parameter of its path. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.api.described.request import Schema, ref

_READING: Final = (401, 403, 404, 500, 503)
_SENDING: Final = (400, 401, 403, 404, 413, 415, 500, 503)


def path_parameter(name: str, about: str) -> dict[str, Any]:
    """Return a parameter that stands in a path."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}


def call(
    tag: str,
    operation: str,
    summary: str,
    about: str,
    answer: Schema,
    body: str | None = None,
    example: Mapping[str, Any] | None = None,
    *,
    status: str = "200",
    scopes: Iterable[str] = (),
    refusals: Iterable[int] | None = None,
) -> dict[str, Any]:
    """Return an operation that needs an access token.

    body: name of the schema of what is sent; None: nothing is. example: one such body.
    refusals: HTTP statuses of its errors; default: those that such an operation of ours has.
    """
    given = {"description": f"{summary}.", "content": {"application/json": {"schema": answer}}}
    said = (_READING if body is None else _SENDING) if refusals is None else refusals
    described: dict[str, Any] = {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "description": about,
        "security": [{"clientCredentials": list(scopes)}],
        "responses": {status: given, **errors(said)},
    }
    if body is not None:
        content: dict[str, Any] = {"schema": ref(body)}
        if example is not None:
            content["examples"] = {"one": {"summary": summary, "value": example}}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def errors(statuses: Iterable[int]) -> dict[str, Any]:
    """Return HTTP status -> the error that the document describes once for all operations."""
    return {str(code): {"$ref": f"#/components/responses/Error{code}"} for code in statuses}
