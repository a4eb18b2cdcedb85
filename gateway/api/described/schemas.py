"""Every schema of the published description: what is asked, what is answered, and the codes in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.described.answer import answer_schemas, code_schema_name
from gateway.api.described.consents import consent_schemas
from gateway.api.described.operation_schemas import operation_schemas
from gateway.api.described.plain import plain_schemas
from gateway.api.described.reasons import REASON_TABLES, STATUSES, ReasonTable
from gateway.api.described.registrations import REGISTRATION_SCHEMAS
from gateway.api.described.registries import REGISTRY_SCHEMAS
from gateway.api.described.request import REQUEST_SCHEMAS, Schema, ref, thing
from gateway.api.described.trail import trail_schemas
from policies.folder import NoticeKind
from standards.attributes import Catalogue
from standards.codes import CodeDirectories

MEANINGS: Final = "x-enumDescriptions"
"""Code -> what it means, beside an `enum`; several readers of these documents show it."""


def schemas(catalogue: Catalogue) -> dict[str, Schema]:
    """Return name -> schema, in the order in which a reader meets them."""
    answers = answer_schemas(catalogue)
    found: dict[str, Schema] = {
        **REQUEST_SCHEMAS,
        **REGISTRY_SCHEMAS,
        **REGISTRATION_SCHEMAS,
        **answers,
        **plain_schemas(answers),
        **operation_schemas(),
        **consent_schemas(),
        **trail_schemas(),
        **_SMALL,
        "AttributeName": {
            "type": "string",
            "description": "Name of an attribute in the catalogue.",
            "enum": [definition.name for definition in catalogue],
        },
        **{table.name: _reasons(table) for table in (STATUSES, *REASON_TABLES)},
        **{code_schema_name(directory): _codes(directory) for directory in code_directories(catalogue)},
    }
    named = {frozenset(schema["enum"]): name for name, schema in found.items() if MEANINGS in schema}
    return {name: schema if MEANINGS in schema else _by_name(schema, named) for name, schema in found.items()}


def code_directories(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the directories whose codes stand in records, in the order of the catalogue."""
    named = (definition.codes for definition in catalogue if definition.codes)
    return tuple(dict.fromkeys([*named, "Relationship"]))


def _codes(directory: str) -> Schema:
    codes = CodeDirectories.load().codes(directory)
    return {
        "type": "string",
        "description": f"Code directory {directory}.",
        "enum": list(codes),
        MEANINGS: dict(codes),
    }


def _reasons(table: ReasonTable) -> Schema:
    rows = "\n".join(f"- `{code}`: {meaning}" for code, meaning in table.meanings.items())
    return {
        "type": "string",
        "description": f"{table.about}\n\n{rows}",
        "enum": list(table.meanings),
        MEANINGS: dict(table.meanings),
    }


def _by_name(node: Any, named: Mapping[frozenset[str], str]) -> Any:
    """Return a schema in which a list of codes that has a name of its own is referred to by that name."""
    if isinstance(node, list):
        return [_by_name(inner, named) for inner in node]
    if not isinstance(node, dict):
        return node
    known = named.get(frozenset(map(str, node["enum"]))) if isinstance(node.get("enum"), list) else None
    if known is None:
        return {key: _by_name(inner, named) for key, inner in node.items()}
    return {key: inner for key, inner in node.items() if key not in {"enum", "type"}} | ref(known)


_ONE_ERROR: Final = thing(
    "One fault.",
    {"code": ref("ErrorCode"), "message": {"type": "string", "maxLength": 999, "description": "What to change."}},
    ("code", "message"),
)

_SMALL: Final[dict[str, Schema]] = {
    "HttpErrorResponse": thing(
        "Why a request as a whole was refused. It holds codes and no personal value.",
        {"errors": {"type": "array", "minItems": 1, "items": _ONE_ERROR}},
        ("errors",),
    ),
    "TokenRequest": thing(
        "Client credentials. The id and the secret may come as HTTP Basic credentials in place of the form.",
        {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string", "format": "password"},
            "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            "client_assertion": {
                "type": "string",
                "description": "In place of a secret: a JWT that the client signed with its own key (RFC 7523).",
            },
        },
        ("grant_type",),
    ),
    "Token": thing(
        "An access token.",
        {
            "access_token": {"type": "string", "description": "Send it as `Authorization: Bearer ...`."},
            "token_type": {"const": "Bearer"},
            "expires_in": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "Its life in seconds; a string, as the standard has it.",
            },
            "scope": {"type": "string", "description": "What it may be used for, with spaces between."},
        },
        ("access_token", "token_type", "expires_in"),
    ),
    "JwkSet": thing(
        "The public keys that signatures of this gateway verify with.",
        {
            "keys": {
                "type": "array",
                "items": thing(
                    "One key.",
                    {
                        "kty": {"const": "OKP"},
                        "crv": {"const": "Ed25519"},
                        "x": {"type": "string"},
                        "kid": {"type": "string", "description": "Thumbprint of the key (RFC 7638)."},
                        "use": {"const": "sig"},
                        "alg": {"const": "EdDSA"},
                    },
                    ("kty", "crv", "x", "kid", "use", "alg"),
                ),
            }
        },
        ("keys",),
    ),
    "JsonLdContext": thing(
        "What the members of a record mean.",
        {"@context": {"type": "object"}},
        ("@context",),
    ),
    "Health": thing("The process answers.", {"status": {"const": "up"}}, ("status",)),
    "Readiness": thing(
        "Whether questions can be answered. A registry that is out makes its attributes `unavailable`, nothing else.",
        {
            "status": {"enum": ["ready", "not_ready"]},
            "journal": {
                "enum": ["writable", "not_writable"],
                "description": "What cannot be recorded is not answered.",
            },
            "stores": {
                "type": "object",
                "additionalProperties": {"enum": ["answers", "silent"]},
                "description": "By setting, of the stores in PostgreSQL; `silent` names the one to see to.",
            },
            "circuit_breakers": {
                "type": "object",
                "additionalProperties": {"enum": ["open", "closed"]},
                "description": "By registry; `open` means that it is not asked for the moment.",
            },
            "lists": {
                "type": "object",
                "additionalProperties": {"type": "object"},
                "description": "By registry that drops lists: rows, as of when, how old, why a newer one is refused.",
            },
            "agreements": {
                "type": "object",
                "properties": {
                    "in_force": {"type": "array", "items": {"type": "string"}},
                    "not_in_force": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "file": {"type": "string"},
                                "reason": {"enum": [kind.value for kind in NoticeKind]},
                                "detail": {"type": "string"},
                            },
                            "required": ["file", "reason", "detail"],
                        },
                    },
                },
                "required": ["in_force", "not_in_force"],
                "description": "Agreements that hold today; what in their folder does not, and what to do about it.",
            },
            "cache": {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 0},
                "description": "Source records kept, their estimated size and its bound, and people found or not.",
            },
        },
        ("status", "journal", "circuit_breakers", "agreements", "cache"),
    ),
    "Dropped": thing(
        "How many source records were dropped.",
        {"dropped": {"type": "integer", "minimum": 0}},
        ("dropped",),
    ),
}
