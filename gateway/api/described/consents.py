"""What people decide, as the published description has it. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from gateway.api.described.calls import call, path_parameter
from gateway.api.described.request import Schema, ref, thing
from gateway.api.native.consent_bodies import About, Decided, Withdrawn
from gateway.api.native.emergencies import Acting, Approving, Declared

TAG: Final = ("Consents", "What people decide, through a citizens' portal or with an officer's help.")

_NUMBER: Final = {"type": "UIN", "value": "2904417738"}
_PREFIX: Final = "Consent"
_BODIES: Final = (About, Decided, Withdrawn, Declared, Approving, Acting)

_DECIDE: Final = """\
Keep one decision of a person: a grant, a refusal, or an objection against a public task. It is signed, counts from \
the next question on, and nothing that was read under older terms leaves after it.

Adults decide for themselves. For a child a guardian does (`capacity`, `given_by`, `relation`, `birth_date`), until \
the child comes of age; for an adult who gave a mandate, a proxy until it ends. A portal asserts who signed in; an \
office names the officer, and what that officer saw of the person."""


def consent_schemas() -> dict[str, Schema]:
    """Return name -> schema of everything said about decisions."""
    _, whole = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template=f"#/components/schemas/{_PREFIX}{{model}}"
    )
    bodies = {f"{_PREFIX}{name}": schema for name, schema in whole["$defs"].items()}
    text: Schema = {"type": "string"}
    return {
        **bodies,
        "ConsentReceipt": thing(
            "One decision, signed. People stand in it under keyed pseudonyms.",
            {
                "receipt": {
                    "type": "object",
                    "description": "The record under the names of ISO/IEC TS 27560: who, what for, which registries "
                    "and groups of attributes, from when until when, taken by whom.",
                },
                "signed": text | {"description": "The same as a JWS (EdDSA), which our published keys verify."},
            },
            ("receipt", "signed"),
        ),
        "ConsentReceipts": thing(
            "Everything one person has decided, oldest first.",
            {"receipts": {"type": "array", "items": ref("ConsentReceipt")}},
            ("receipts",),
        ),
        "ConsentPack": thing(
            "A file that `hearth consent verify` checks with nothing but public keys.",
            {
                "format": {"const": "hearth-consent-receipts/1"},
                "receipts": {"type": "array", "items": text},
                "proof": text | {"description": "A JWS: none of the receipts is missing, added or moved."},
            },
            ("format", "receipts", "proof"),
        ),
        "ConsentEmergency": thing(
            "A declared emergency; it counts once `approved_by` names somebody, from `start` to `end`.",
            {
                **dict.fromkeys(("id", "title", "reference", "declared_by"), text),
                "approved_by": {"type": ["string", "null"]},
                **{name: {"type": "string", "format": "date"} for name in ("start", "end")},
                **{name: {"type": "array", "items": text} for name in ("consumers", "attributes")},
                "area": {"type": ["array", "null"], "items": text},
                "overrides_refusal": {"type": "boolean"},
                "digest": text | {"description": "SHA-256 of what is declared; whoever approves it names it."},
            },
            ("id", "title", "reference", "declared_by", "start", "end", "consumers", "attributes"),
        ),
        "ConsentEmergencies": thing(
            "Every emergency, those that have ended included.",
            {"emergencies": {"type": "array", "items": ref("ConsentEmergency")}},
            ("emergencies",),
        ),
        "ConsentNoticeDelivered": thing(
            "A notice that is due no more.",
            {"notice_id": text, "delivered": {"const": True}},
            ("notice_id", "delivered"),
        ),
        "ConsentNotices": thing(
            "What a person has still to be told.",
            {
                "notices": {
                    "type": "array",
                    "items": thing(
                        "Something was read without consent, under a declared emergency.",
                        {
                            "notice_id": text,
                            "emergency": text,
                            "consumer_id": text,
                            "purpose": text,
                            "attributes": {"type": "array", "items": text},
                            "at": {"type": "string", "format": "date-time"},
                            "correlation": text,
                        },
                        ("notice_id", "emergency", "consumer_id", "purpose", "attributes", "at", "correlation"),
                    ),
                }
            },
            ("notices",),
        ),
    }


def consent_paths() -> dict[str, Any]:
    """Return path -> operations."""
    receipt, about = ref("ConsentReceipt"), {"subject": _NUMBER}
    delivered = ref("ConsentNoticeDelivered")
    decided = about | {"purpose": "eligibility", "groups": ["income", "land"]}
    return {
        "/v1/consents": {
            "post": _call("decide", "Keep a decision", _DECIDE, "ConsentDecided", decided, "201", receipt),
        },
        "/v1/consents/search": {
            "post": _call(
                "decisions",
                "What a person has decided",
                "Everything, oldest first. The number stands in the body, because addresses are logged on the way.",
                "ConsentAbout",
                about,
                "200",
                ref("ConsentReceipts"),
            )
        },
        "/v1/consents/export": {
            "post": _call(
                "exportDecisions",
                "The same as a file that proves itself",
                "Verified offline with the keys of `/.well-known/jwks.json`.",
                "ConsentAbout",
                about,
                "200",
                ref("ConsentPack"),
            )
        },
        "/v1/consents/{receipt_id}": {
            "parameters": [path_parameter("receipt_id", "Name of a receipt.")],
            "get": _call("receipt", "One receipt", "It holds nobody's number.", None, None, "200", receipt),
        },
        "/v1/consents/{receipt_id}/withdraw": {
            "parameters": [path_parameter("receipt_id", "Name of the receipt of a grant, or of an objection.")],
            "post": _call(
                "withdraw",
                "Take a grant back",
                "At once and for good; the withdrawal is a signed record of its own, and the grant stays in the "
                "history. An objection is taken back in the same way.",
                "ConsentWithdrawn",
                about,
                "201",
                receipt,
            ),
        },
        **_emergency_paths(),
        "/v1/notices/search": {
            "post": _call(
                "notices",
                "What a person has still to be told",
                "Who read what about the person without consent, under which declared emergency.",
                "ConsentAbout",
                about,
                "200",
                ref("ConsentNotices"),
            )
        },
        "/v1/notices/{notice_id}/delivered": {
            "parameters": [path_parameter("notice_id", "Name of a notice.")],
            "post": _call(
                "noticeDelivered", "A notice was delivered", "It is due no more.", None, None, "200", delivered
            ),
        },
    }


def _emergency_paths() -> dict[str, Any]:
    emergency, acting = ref("ConsentEmergency"), {"officer": "S. Bakari"}
    declared = acting | {
        "id": "flood-2026-lake",
        "title": "Flood at Lake Poveria",
        "reference": "Disaster Management Act, section 9, declaration 12/2026",
        "start": "2026-09-20",
        "end": "2026-10-10",
        "consumers": ["uct"],
        "attributes": ["given_name", "surname", "locality"],
        "area": ["PV-1"],
    }
    about = "A client that is an office does this; the officer is named, and the journal keeps it."
    return {
        "/v1/emergencies": {
            "get": _call(
                "emergencies", "Every declared emergency", about, None, None, "200", ref("ConsentEmergencies")
            ),
            "post": _call(
                "declareEmergency",
                "Declare an emergency",
                "For its time, it stands in for consent in its scope and area, within what is agreed; it counts once "
                f"another officer has approved it, and ends by itself. {about}",
                "ConsentDeclared",
                declared,
                "201",
                emergency,
            ),
        },
        "/v1/emergencies/{id}/approve": {
            "parameters": [path_parameter("id", "Name of an emergency.")],
            "post": _call(
                "approveEmergency",
                "Approve an emergency",
                f"By somebody else than who declared it, who names by its digest what was read. {about}",
                "ConsentApproving",
                acting | {"digest": "0" * 64},
                "200",
                emergency,
            ),
        },
        "/v1/emergencies/{id}/end": {
            "parameters": [path_parameter("id", "Name of an emergency.")],
            "post": _call(
                "endEmergency",
                "End an emergency early",
                f"At once; answers under it that have not left are given anew. {about}",
                "ConsentActing",
                acting,
                "200",
                emergency,
            ),
        },
    }


def _call(
    operation: str,
    summary: str,
    about: str,
    body: str | None,
    example: dict[str, Any] | None,
    status: str,
    schema: Schema,
) -> dict[str, Any]:
    return call(TAG[0], operation, summary, about, schema, body, example, status=status)
