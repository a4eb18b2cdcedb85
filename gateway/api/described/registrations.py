"""The life of registrations, as the published description has it. Pure."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.described.calls import call, path_parameter
from gateway.api.described.request import Schema, ref, thing
from gateway.registrations.states import State, Verb

TAG: Final = ("Registrations", "Registries come, change and go while the gateway runs, by signed orders of people.")

OPERATOR_ORDER: Final[Schema] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An order to `read`, signed by somebody whom registries.operators names.",
}
_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_WHO: Final = (
    "The order is a JWT (EdDSA) of somebody whom `registries.operators` names: `iss` the name, `aud` our address, "
    "`iat`, `jti`, and `wish` with verb, registry, version, digest, share, reason. It counts for a few minutes, once."
)
VERBS: Final = tuple(
    verb.value for verb in Verb if verb not in {Verb.SUBMIT, Verb.TEST, Verb.REPLACE, Verb.RESTORE, Verb.ADOPT}
)
"""What can be ordered about a registry that is here."""

_FINDINGS: Final[Schema] = {
    "type": "array",
    "items": thing(
        "One line of the check.",
        {"what": _TEXT, "is_good": {"type": ["boolean", "null"], "description": "Null: not tried."}, "text": _TEXT},
        ("what", "is_good", "text"),
    ),
}

REGISTRATION_SCHEMAS: Final[dict[str, Schema]] = {
    "RegistrationOrdered": thing("A signed order.", {"order": _TEXT}, ("order",), additionalProperties=False),
    "RegistrationSubmitted": thing(
        "A version of a registry, with the signed order to take it in.",
        {
            "order": _TEXT,
            "files": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "Name -> text: manifest.yaml, readiness.yaml, examples/...; at most 1 MB together.",
            },
        },
        ("order", "files"),
        additionalProperties=False,
    ),
    "Registration": thing(
        "Where one version of a registry stands.",
        {
            "registry": _TEXT,
            "version": _TEXT,
            "state": {"enum": [state.value for state in State]},
            "origin": {"enum": ["submitted", "folder"]},
            "digest": _TEXT | {"description": "SHA-256 of its files; every order about it names it."},
            "authors": {"type": "array", "items": _TEXT},
            "approved_by": _MAYBE,
            "share": {"type": ["number", "null"], "description": "Percent of the questions, for a canary."},
            "findings": _FINDINGS,
            "files": {"type": "object", "additionalProperties": _TEXT},
        },
        ("registry", "version", "state", "origin"),
    ),
    "RegistrationList": thing(
        "Every version of every registry, and what could not be taken in.",
        {
            "registrations": {"type": "array", "items": ref("Registration")},
            "not_in_force": {
                "type": "array",
                "items": thing(
                    "Something that is not in force, and what to do about it.",
                    {"where": _TEXT, "reason": _TEXT, "detail": _TEXT},
                    ("where", "reason", "detail"),
                ),
            },
        },
        ("registrations", "not_in_force"),
    ),
    "RegistrationChanged": thing(
        "The versions that stand otherwise since.",
        {"versions": {"type": "array", "items": ref("Registration")}},
        ("versions",),
    ),
    "RegistrationHistory": thing(
        "The versions of one registry, every step, and what its shadows came to.",
        {
            "registry": _TEXT,
            "versions": {"type": "array", "items": ref("Registration")},
            "steps": {
                "type": "array",
                "items": thing(
                    "One step; `order` proves by the person's public key who ordered it.",
                    {
                        **dict.fromkeys(("version", "by", "role", "digest", "reason", "order"), _TEXT),
                        "number": {"type": "integer"},
                        "verb": {"enum": [verb.value for verb in Verb]},
                        "at": {"type": "string", "format": "date-time"},
                        "share": {"type": ["number", "null"]},
                        "proved": {
                            "type": ["boolean", "null"],
                            "description": "Whether `order` is signed by that person and says what was done; null: the "
                            "gateway did it by itself, or the person's key is not among the settings any more.",
                        },
                        "findings": _FINDINGS,
                    },
                    ("number", "version", "verb", "by", "role", "at", "digest"),
                ),
            },
            "shadow": {
                "type": "array",
                "items": thing(
                    "How often one attribute of a shadow came to one outcome.",
                    {
                        **dict.fromkeys(("registry", "version", "attribute"), _TEXT),
                        "outcome": {"enum": ["agree", "differ", "missing", "new", "failed"]},
                        "times": {"type": "integer"},
                    },
                    ("registry", "version", "attribute", "outcome", "times"),
                ),
            },
        },
        ("registry", "versions", "steps", "shadow"),
    ),
}


def registration_paths() -> dict[str, Any]:
    """Return path -> operations."""
    order = {"order": "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJBLiBNb3lvIn0.c2lnbmVk"}
    submitted = order | {"files": {"manifest.yaml": "id: land\nversion: '1.3'\n"}}
    return {
        "/v1/registrations": {
            "get": _signed(
                "registrations",
                "Where every version of every registry stands",
                f"With an order to `read` as the bearer token. {_WHO}",
                ref("RegistrationList"),
            ),
            "post": _signed(
                "submitRegistration",
                "Submit a version of a registry",
                "It is kept as a draft and checked at once; when nothing is wrong it is `tested`, and another person "
                f"may approve it. {_WHO}",
                ref("Registration"),
                "RegistrationSubmitted",
                submitted,
                status="201",
            ),
        },
        "/v1/registrations/{registry}": {
            "parameters": [path_parameter("registry", "Id of a registry.")],
            "get": _signed(
                "registrationHistory",
                "The history of one registry",
                f"With an order to `read` as the bearer token. {_WHO}",
                ref("RegistrationHistory"),
            ),
        },
        "/v1/registrations/{registry}/{version}": {
            "parameters": [path_parameter("registry", "Id of a registry."), path_parameter("version", "One of it.")],
            "get": _signed(
                "registrationFiles",
                "The files of one version",
                f"What is read before it is approved. With an order to `read` as the bearer token. {_WHO}",
                ref("Registration"),
            ),
        },
        "/v1/registrations/{registry}/{verb}": {
            "parameters": [
                path_parameter("registry", "Id of a registry."),
                path_parameter("verb", "As the order says.") | {"schema": {"enum": list(VERBS)}},
            ],
            "post": _signed(
                "orderRegistration",
                "Approve, bring live, suspend, resume, roll back or retire",
                "`approve` is for another person than the authors; `shadow`, `canary` and `promote` bring a version "
                "live step by step; `suspend` acts at once in every process, and purges what was read. No version is "
                f"named for `suspend`, `resume` and `rollback`. {_WHO}",
                ref("RegistrationChanged"),
                "RegistrationOrdered",
                order,
            ),
        },
    }


def _signed(
    operation: str,
    summary: str,
    about: str,
    answer: Schema,
    body: str | None = None,
    example: dict[str, Any] | None = None,
    *,
    status: str = "200",
) -> dict[str, Any]:
    """Return an operation that a signed order opens, in place of a client's access token."""
    described = call(TAG[0], operation, summary, about, answer, body, example, status=status)
    return described | {"security": [{"operatorOrder": []}] if body is None else []}
