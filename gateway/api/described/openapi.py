"""The published description of the interface: an OpenAPI 3.1 document, built from the code that answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.deadline import HEADER as DEADLINE_HEADER
from gateway.api.described import examples, plain
from gateway.api.described.consents import TAG as CONSENTS
from gateway.api.described.consents import consent_paths
from gateway.api.described.operations import CALLBACKS, PREFIX, WEBINAR, callback_paths, operation_paths, webinar_paths
from gateway.api.described.operations import TAG as OPERATIONS_TAG
from gateway.api.described.registrations import OPERATOR_ORDER, registration_paths
from gateway.api.described.registrations import TAG as REGISTRATIONS
from gateway.api.described.registries import TAG as REGISTRIES
from gateway.api.described.registries import registry_paths
from gateway.api.described.request import Schema, ref
from gateway.api.described.schemas import schemas
from gateway.api.described.trail import TAG as TRAIL
from gateway.api.described.trail import trail_paths
from gateway.api.views.view import Shape
from gateway.tokens import SCOPES
from standards import contexts
from standards.attributes import AttributeDefinition, Catalogue
from standards.dci.codes import ErrorCode
from standards.dci.search import error_body

VERSION: Final = "1.0.0"
"""Version of the interface, which is that of the DCI messages; not of this program."""

ATTRIBUTES: Final = "x-hearth-attributes"
"""Member of the document that holds the attribute catalogue, for machines and for the page."""

_ABOUT: Final = """\
One question about a household in the DCI standard; one answer, composed from the registries that hold the truth, and \
shown only as far as an agreement and the people concerned allow.

Every attribute of an answer is in one of five states, told in `hearth:evidence`: `value`, `absent` (a registry \
answered: nothing there), `withheld` (policy or consent), `unavailable` (it could not be obtained) or `conflict` \
(registries disagree; the record shows the more authoritative one). Only `value`, `conflict` and `absent` are \
statements about the person; an outage is never a no.

Any other address is answered with 404, and any other method with 405, as an HttpErrorResponse."""

_TAGS: Final = (
    ("Tokens", "Who asks: an access token for client credentials."),
    ("Search", "Asking for people and households."),
    OPERATIONS_TAG,
    WEBINAR,
    CALLBACKS,
    CONSENTS,
    TRAIL,
    REGISTRIES,
    REGISTRATIONS,
    ("Agreements", "What a programme agreed, and the exact shape of the answers under it."),
    ("Published", "What everybody may read: keys, contexts, and this description."),
    ("Operation", "For those who run the gateway."),
    ("Sandbox", "Controls that exist only in a sandbox."),
)

_SEARCH: Final = """\
Ask one or more questions; the answer comes in the same exchange and is recorded before it leaves.

A question names a person or a household by a number (`idtype-value`), or names nobody and gives conditions \
(`expression`, `predicate`); the latter needs an explicit right in the agreement. Each question is decided, answered \
and recorded on its own, so one message may have answered and refused questions side by side.

Faults are told at the place where they belong: of one question in its item (`SearchReason`), of the message in the \
header of the answer (`HeaderReason`, HTTP says 200), of the request in an HTTP error (`ErrorCode`). When no registry \
could be heard at all, the item is `rjct` without a code, and its message says so: nothing is known, ask again."""

_ERRORS: Final[Mapping[int, tuple[str, tuple[tuple[ErrorCode, str], ...]]]] = {
    400: (
        "The request is not whole or not well formed.",
        (
            (ErrorCode.BAD, "header.message_id is missing"),
            (ErrorCode.ENCRYPTION_INVALID, "encrypted messages are not taken here"),
        ),
    ),
    401: (
        "No valid access token or credentials, or no valid signature where one is due.",
        (
            (ErrorCode.UNAUTHORIZED, "the access token is not valid or has ended; ask for a new one"),
            (ErrorCode.SIGNATURE_MISSING, "this sender signs its messages"),
            (ErrorCode.SIGNATURE_INVALID, "the signature does not fit header and message"),
        ),
    ),
    403: (
        "The client that the token speaks for may not send this.",
        ((ErrorCode.FORBIDDEN, "sender_id is not the one registered for the client that the token speaks for"),),
    ),
    404: ("There is nothing at this address.", ((ErrorCode.NOT_FOUND, "404 Not Found"),)),
    413: ("The body is larger than the operator allows.", ((ErrorCode.BAD, "413 Request Entity Too Large"),)),
    415: ("The body is not JSON by its content type.", ((ErrorCode.BAD, "415 Unsupported Media Type"),)),
    429: (
        "Asked too often; `Retry-After` says in how many seconds to try again.",
        ((ErrorCode.TOO_MANY_REQUESTS, "asked too often: try again when Retry-After has passed"),),
    ),
    500: (
        "Something went wrong in the gateway.",
        ((ErrorCode.SERVICE_UNAVAILABLE, "something went wrong here; it has been logged"),),
    ),
    503: (
        "The answer could not be recorded, so it is not given.",
        (
            (
                ErrorCode.SERVICE_UNAVAILABLE,
                "the answer could not be recorded and is therefore not given; try again later",
            ),
        ),
    ),
}


def document(base_url: str, catalogue: Catalogue, *, sandbox: bool) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a gateway.

    base_url: address that others reach the gateway by, without a slash at its end.
    sandbox: describe the practice controls too.
    """
    tags = [{"name": name, "description": about} for name, about in _TAGS if sandbox or name != "Sandbox"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hearth",
            "summary": "A virtual social registry: one question, many registries, one answer.",
            "description": _ABOUT,
            "version": VERSION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url, "description": "This gateway."}],
        "tags": tags,
        "paths": _paths(base_url, sandbox=sandbox),
        "components": {
            "schemas": schemas(catalogue),
            "responses": {f"Error{status}": _error(status) for status in _ERRORS},
            "securitySchemes": {
                "clientCredentials": {
                    "type": "oauth2",
                    "description": "An access token as `Authorization: Bearer ...`.",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{base_url}/oauth2/client/token",
                            "scopes": {scope: _SCOPES.get(scope, f"use {scope}") for scope in SCOPES},
                        }
                    },
                },
                "operatorOrder": OPERATOR_ORDER,
                "clientBasic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Client id and secret, for the token endpoint only.",
                },
            },
        },
        ATTRIBUTES: [_attribute(definition) for definition in catalogue],
    }


_DEADLINE: Final[Schema] = {
    "name": DEADLINE_HEADER,
    "in": "header",
    "required": False,
    "description": "Milliseconds that the sender will wait; the gateway's own limit counts as well. What has not been "
    "obtained by then is `unavailable`.",
    "schema": {"type": "integer", "minimum": 1},
    "example": 1500,
}

_SCOPES: Final = {
    "registry.search": "ask, and have the answer delivered",
    "registry.sync.search": "ask, and be answered in the same exchange",
}


def _attribute(definition: AttributeDefinition) -> dict[str, Any]:
    entry = {
        "name": definition.name,
        "title": definition.title,
        "entity": definition.entity.value,
        "type": definition.type.value,
        "unit": definition.unit,
        "codes": definition.codes,
        "sensitivity": definition.sensitivity,
        "place": definition.place,
        "derived_from": list(definition.derived.inputs) if definition.derived else None,
    }
    return {key: value for key, value in entry.items() if value is not None}


def _paths(base_url: str, *, sandbox: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/oauth2/client/token": {"post": _token()},
        "/registry/sync/search": {"post": _search("syncSearch", "Ask, and be answered", _SEARCH, base_url)},
        "/{registry}/registry/sync/search": {
            "parameters": [PREFIX],
            "post": _search(
                "syncSearchByRegistry",
                "The same under a registry's name",
                "For senders that put the name of a registry before the path, as some deployments have it.",
                base_url,
            ),
        },
        "/v1/households/lookup": {"post": _lookup()},
        "/v1/agreements": {"get": _agreements(base_url)},
        "/v1/agreements/{id}/versions/{version}/schemas/{shape}": {
            "parameters": [
                _parameter("id", "Id of an agreement of the programme's own.", {"type": "string"}, "uct-eligibility"),
                _parameter("version", "One version of it.", {"type": "string"}, "1.0"),
                _parameter("shape", "Shape of the answers.", {"enum": [shape.value for shape in Shape]}),
            ],
            "get": _schema(),
        },
        **registry_paths(),
        **registration_paths(),
        **operation_paths(),
        **webinar_paths(),
        **callback_paths(),
        **consent_paths(),
        **trail_paths(),
        "/.well-known/jwks.json": {
            "get": _read("jwks", "Published", "The keys that signatures of this gateway verify with", ref("JwkSet"))
        },
        "/contexts/v1/{name}.jsonld": {
            "parameters": [_parameter("name", "Name of a context.", {"enum": list(contexts.context_names())})],
            "get": _read(
                "context",
                "Published",
                "A JSON-LD context: what our members of a record mean",
                ref("JsonLdContext"),
                content_type="application/ld+json",
                errors=(404,),
            ),
        },
        "/health": {"get": _read("health", "Operation", "Whether the process answers", ref("Health"))},
        "/ready": {"get": _ready()},
        "/metrics": {
            "get": _read("metrics", "Operation", "Counters in the text format of Prometheus", content_type="text/plain")
        },
        "/openapi.json": {"get": _read("openapi", "Published", "This description", {"type": "object"})},
        "/collection.json": {
            "get": _read("collection", "Published", "The requests, for API clients to import", {"type": "object"})
        },
        "/docs": {"get": _read("docs", "Published", "This description as a page", content_type="text/html")},
        "/docs/style.css": {
            "get": _read("docsStyle", "Published", "The stylesheet of the page", content_type="text/css")
        },
    }
    if sandbox:
        dropped = _read("clearCache", "Sandbox", "Forget every source record that is kept", ref("Dropped"))
        paths["/_sandbox/cache"] = {"delete": dropped}
        paths["/_sandbox/rehearsals"] = {"post": _rehearsal()}
    return paths


def _rehearsal() -> dict[str, Any]:
    return {
        "operationId": "rehearse",
        "tags": ["Sandbox"],
        "summary": "Try what a draft of an agreement would tell of a practice household",
        "description": "Signed like a DCI message, with the key of an operator whom `header.sender_id` names. "
        "`message` is a plain question with the text of the draft under `agreement`.",
        "security": [{}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": _json("What would be told, or why not.", {"type": "object"})} | _refusals(400, 401, 500),
    }


def _token() -> dict[str, Any]:
    return {
        "operationId": "token",
        "tags": ["Tokens"],
        "summary": "Get an access token",
        "description": "Client id and secret come in the form or as HTTP Basic credentials.",
        "security": [{}, {"clientBasic": []}],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": ref("TokenRequest")}},
        },
        "responses": {"200": _json("The token.", ref("Token"))} | _refusals(400, 401, 413, 429, 500),
    }


def _lookup() -> dict[str, Any]:
    asked = {
        "household": {"summary": "One household by a number", "value": plain.lookup_request()},
        "person": {"summary": "One person on a past day", "value": plain.person_request()},
    }
    answered = {"household": {"summary": "A household; one registry was out", "value": plain.lookup_answer()}}
    refused = {}
    for status, (about, cases) in plain.REFUSALS.items():
        shown = {str(code): {"summary": text, "value": error_body(code, text)} for code, text in cases}
        refused[str(status)] = _json(about, ref("LookupRefusal"), shown)
    return {
        "operationId": "lookup",
        "tags": ["Search"],
        "summary": "Ask a plain question",
        "description": plain.LOOKUP,
        "security": [{"clientCredentials": ["registry.sync.search"]}],
        "parameters": [_DEADLINE],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("LookupRequest"), "examples": asked}},
        },
        "responses": {"200": _json("The answer.", ref("LookupAnswer"), answered)}
        | refused
        | _refusals(401, 413, 415, 429, 500),
    }


def _agreements(base_url: str) -> dict[str, Any]:
    operation = _read("agreements", "Agreements", "A programme's own agreements", ref("AgreementList"), errors=(401,))
    shown = {"one": {"summary": "One agreement", "value": plain.agreements_answer(base_url)}}
    operation["responses"]["200"]["content"]["application/json"]["examples"] = shown
    return operation | {"security": [{"clientCredentials": []}]}


def _schema() -> dict[str, Any]:
    operation = _read(
        "agreementSchema",
        "Agreements",
        "The exact shape of the answers under an agreement",
        {"type": "object"},
        content_type="application/schema+json",
        errors=(401, 404),
    )
    return operation | {"description": plain.SCHEMAS, "security": [{"clientCredentials": []}]}


def _search(operation: str, summary: str, description: str, base_url: str) -> dict[str, Any]:
    asked = {
        "household": {"summary": "One household by a number", "value": examples.search_request()},
        "search": {"summary": "Households by conditions", "value": examples.search_by_filter()},
    }
    answered = {
        "household": {"summary": "A household; one registry was out", "value": examples.search_answer(base_url)},
        "denied": {"summary": "Policy denied the question", "value": examples.refused_question()},
        "refused": {"summary": "The message was refused in its header", "value": examples.refused_message()},
    }
    answer = _json("The answer, signed unless the operator turned that off.", ref("SearchAnswer"), answered)
    rest = {"description": "Whether the rest follows by a callback.", "schema": {"enum": ["callback", "none"]}}
    return {
        "operationId": operation,
        "tags": ["Search"],
        "summary": summary,
        "description": description,
        "security": [{"clientCredentials": ["registry.sync.search"]}],
        "parameters": [_DEADLINE],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("SearchRequest"), "examples": asked}},
        },
        "responses": {"200": answer | {"headers": {"Hearth-Rest": rest}}}
        | _refusals(400, 401, 403, 413, 415, 429, 500, 503),
    }


def _ready() -> dict[str, Any]:
    operation = _read("ready", "Operation", "Whether questions can be answered", ref("Readiness"))
    operation["responses"]["503"] = _json("The journal cannot be written, or a store is silent.", ref("Readiness"))
    return operation


def _read(
    operation: str,
    tag: str,
    summary: str,
    schema: Schema | None = None,
    *,
    content_type: str = "application/json",
    errors: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Return an operation that everybody may call, without a body."""
    content = {content_type: {"schema": schema or {"type": "string"}}}
    answers: dict[str, Any] = {"200": {"description": f"{summary}.", "content": content}}
    return {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": answers | _refusals(*errors, 500),
    }


def _parameter(name: str, description: str, schema: Schema, example: str | None = None) -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
    return parameter | ({"example": example} if example else {})


def _json(description: str, schema: Schema, shown: Mapping[str, Any] | None = None) -> dict[str, Any]:
    body = {"schema": schema} | ({"examples": dict(shown)} if shown else {})
    return {"description": description, "content": {"application/json": body}}


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in statuses}


def _error(status: int) -> dict[str, Any]:
    description, cases = _ERRORS[status]
    rows = "\n".join(f"- `{code.value}`" for code, _ in cases)
    shown = {code.value: {"summary": message, "value": error_body(code, message)} for code, message in cases}
    response = _json(f"{description}\n\n{rows}", ref("HttpErrorResponse"), shown)
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"const": "Bearer"}}}
    return response
