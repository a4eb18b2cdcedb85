"""The schemas of the operations beside the synchronous search, with an example of each message. Pure."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.described import examples as openapi_examples
from gateway.api.described.request import REQUEST_SCHEMAS, Schema, ref, thing
from standards.dci.codes import AckStatus, Status
from standards.dci.comparisons import MAX_TEXT
from standards.dci.operations import OPERATIONS
from standards.dci.reading import MAX_ID
from standards.dci.specials import ENROLMENT_WORDS
from standards.dci.status import MAX_VALUES, txn_types

_TEXT: Final[Schema] = {"type": "string"}
_ID: Final[Schema] = {"type": "string", "maxLength": MAX_ID}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_SENTENCE: Final[Schema] = {"type": "string", "maxLength": 999}
_STATUS: Final[Schema] = {"enum": [status.value for status in Status]}
_BASIS: Final = REQUEST_SCHEMAS["SearchCriteria"]["properties"]["consent"]


def operation_schemas() -> dict[str, Schema]:
    """Return name -> schema of every message that is asked or answered there."""
    return {**_headers(), **_asked(), **_answered(), **_webinar()}


def _headers() -> dict[str, Schema]:
    request = REQUEST_SCHEMAS["RequestHeader"]
    actions = sorted({one.action.value for one in OPERATIONS.values() if not one.is_callback} - {"search"})
    return {
        "OperationHeader": request
        | {
            "description": "Who sends what to whom.",
            "properties": {**request["properties"], "action": {"enum": ["search", *actions]}},
        },
        "AnswerHeader": thing(
            "Who answers whom, and what became of the message as a whole.",
            {
                "version": {"const": "1.0.0"},
                "message_id": _ID,
                "message_ts": _MOMENT,
                "action": {"enum": sorted({one.answer_action for one in OPERATIONS.values() if one.answer_action})},
                "status": {"enum": ["succ", "pdng", "rjct"]},
                "status_reason_code": ref("HeaderReason"),
                "status_reason_message": _SENTENCE,
                "total_count": {"type": "integer", "minimum": 0},
                "completed_count": {"type": "integer", "minimum": 0},
                "sender_id": _TEXT,
                "receiver_id": _TEXT,
                "is_msg_encrypted": {"type": "boolean"},
                "meta": {"type": "object"},
            },
            ("message_id", "message_ts", "action", "status"),
        ),
        "Acknowledgement": thing(
            "Whether a message is taken that is answered later.",
            {
                "message": thing(
                    "`ACK`: an answer follows. `NACK`: taken, and nothing follows. `ERR`: not taken.",
                    {
                        "ack_status": {"enum": [status.value for status in AckStatus]},
                        "timestamp": _MOMENT,
                        "correlation_id": _ID | {"description": "Comes back in the answer."},
                        "error": thing("Why not.", {"code": ref("ErrorCode"), "message": _SENTENCE}, ("code",)),
                    },
                    ("ack_status", "timestamp", "correlation_id"),
                )
            },
            ("message",),
        ),
        "CallbackMessage": thing(
            "A message of a registry; what it must hold, its dialect says.",
            {"signature": _TEXT, "header": {"type": "object"}, "message": {"type": "object"}},
        ),
    }


def _message(about: str, properties: Schema, required: tuple[str, ...]) -> Schema:
    inner = thing(about, {"transaction_id": _ID, **properties}, ("transaction_id", *required))
    return thing(about, {"signature": _TEXT, "header": ref("OperationHeader"), "message": inner}, ("header", "message"))


def _asked() -> dict[str, Schema]:
    query: Schema = {
        "type": ["object", "array"],
        "description": 'A path and the number it equals, `{"person_identifier": {"eq": "1000000001"}}`; or one of the '
        "forms of a search.",
    }
    criteria: Schema = {
        "query_type": {"enum": ["idtype-value", "expression", "predicate"]},
        "query": query,
        "consent": _BASIS,
        "authorize": _BASIS,
    }
    entity = {"response_entity": {"const": "Member"}}
    status = {
        "reference_id": _ID,
        "txn_type": {"enum": list(txn_types(None))},
        "attribute_type": {
            "enum": ["transaction_id", "correlation_id", "reference_id_list", "subscription_code_list"],
            "description": "The last one under `crvs` and `fr`, or without a prefix.",
        },
        "attribute_value": {"anyOf": [_ID, {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": _ID}]},
    }
    subscription: Schema = {
        "reg_type": _TEXT,
        "reg_event_type": _TEXT
        | {"description": "What is to happen, such as `Death`; gateway/README.md has the list."},
        "frequency": {"type": "object", "description": "When to look; left out: as it happens."},
        "filter_type": {"enum": ["idtype-value", "expression", "predicate"]},
        "filter": {"type": ["object", "array"], "description": "Whom it is about, as in a search."},
        "notify_record_type": _TEXT,
        "authorize": _BASIS,
    }
    asked = thing(
        "One wish to be told.",
        {
            "reference_id": _ID,
            "timestamp": _MOMENT,
            "subscribe_criteria": thing("What about.", subscription, ("reg_event_type", "filter")),
            "locale": _TEXT,
        },
        ("reference_id", "timestamp", "subscribe_criteria"),
    )
    return {
        "SubscribeRequest": _message(
            "Wishes to be told.", {"subscribe_request": {"type": "array", "items": asked}}, ("subscribe_request",)
        ),
        "UnsubscribeRequest": _message(
            "Subscriptions that are to end.",
            {"timestamp": _MOMENT, "subscription_codes": {"type": "array", "minItems": 1, "items": _ID}},
            ("timestamp", "subscription_codes"),
        ),
        "StatusRequest": _message(
            "A question about a message that was sent before.",
            {"txnstatus_request": thing("Which, and by which of its names.", status, tuple(status))},
            ("txnstatus_request",),
        ),
        "DisabledRequest": _message(
            "A question about one person's disability.",
            {"disabled_criteria": thing("Whom it is about.", criteria, ("query",))},
            ("disabled_criteria",),
        ),
        "EnrolledRequest": _message(
            "A question about one person's enrolment.",
            {"enrolled_criteria": thing("Whom it is about, and which programme.", criteria | entity, ("query",))},
            ("enrolled_criteria",),
        ),
        "EnrolmentUpdates": _message(
            "Enrolments of a programme; the header is that of a callback, with a `status`.",
            {
                "enrolled_updates": thing(
                    "Who.", {"beneficiaries": {"type": "array", "minItems": 1, "items": {"type": "object"}}}
                )
            },
            ("enrolled_updates",),
        ),
    }


def _answer(about: str, properties: Schema, required: tuple[str, ...]) -> Schema:
    ids = {"transaction_id": _ID, "correlation_id": _ID}
    inner = thing(about, ids | properties, (*ids, *required))
    return thing(about, {"signature": _TEXT, "header": ref("AnswerHeader"), "message": inner}, ("header", "message"))


def _answered() -> dict[str, Schema]:
    item = {"reference_id": _ID, "timestamp": _MOMENT, "status": _STATUS, "status_reason_message": _SENTENCE}
    required = ("reference_id", "timestamp", "status")
    refused = {"type": "array", "items": ref("RefusedItem"), "description": "What is not answered, and why."}
    evidence = {"hearth:evidence": {"type": "object", "description": "Where it comes from."}}

    def word(about: str, member: str, words: list[str]) -> Schema:
        name = member.replace("_status", "_response")
        told = thing("What was asked.", item | {member: {"enum": words}} | evidence, (*required, member))
        items = {name: {"type": "array", "items": told}, "hearth:rejected": refused}
        return _answer(about, items, (name,))

    records = {
        "version": _TEXT,
        "reg_type": _TEXT,
        "reg_record_type": _TEXT,
        "reg_records": {"type": "array"},
        "hearth:evidence": {"type": "array"},
        "hearth:sources": {"type": "object"},
    }
    found = item | {
        "status_reason_code": ref("SearchReason"),
        "data": thing("The records found.", records, ("reg_records",)),
        "pagination": {"type": "object"},
    }
    became = thing(
        "What became of it.",
        {
            "txn_type": {"enum": list(txn_types(None))},
            "txn_status": {"type": "object", "description": "The payload of its answer, without records."},
        },
        ("txn_type", "txn_status"),
    )
    return {
        "RefusedItem": thing("One question that is not answered.", item, (*required, "status_reason_message")),
        "DisabledAnswer": word("Whether somebody is disabled.", "disabled_status", ["yes", "no"]),
        "EnrolledAnswer": word("Whether somebody is enrolled.", "enrolled_status", ["yes", "no"]),
        "EmploymentAnswer": word(
            "How somebody stands with the employment services.",
            "enrolled_status",
            list(dict.fromkeys(ENROLMENT_WORDS.values())),
        ),
        "DisabilityAnswer": _answer(
            "What the disability registry holds.",
            {"search_response": {"type": "array", "items": thing("What was asked.", found, required)}},
            ("search_response",),
        ),
        "UpdatesAnswer": _answer(
            "What became of each enrolment.",
            {"enrolled_response": {"type": "array", "items": ref("RefusedItem")}},
            ("enrolled_response",),
        ),
        "StatusAnswer": _answer(
            "What became of a message. Unknown: `header.status` is `rjct`, and so is the item.",
            {"txnstatus_response": became},
            ("txnstatus_response",),
        ),
    }


def _webinar() -> dict[str, Schema]:
    limits = thing("Bounds, both included.", {"min": {"type": "number"}, "max": {"type": "number"}}, minProperties=1)
    number = {"identifier_type": _TEXT | {"default": "UIN"}, "identifier_value": _TEXT | {"maxLength": MAX_TEXT}}
    basis = {"consent": _BASIS, "authorize": _BASIS}

    def message(about: str, asked: Schema, more: Schema) -> Schema:
        payload = {"search_request": {"type": "array", "minItems": 1, "maxItems": 1, "items": asked}, **basis, **more}
        whole = {"signature": _TEXT, "headers": {"type": "object"}}
        return thing(about, whole | {"payload": thing(about, payload, ("search_request",))}, ("payload",))

    conditions = {"poverty_score": limits, "household_size": limits, "region": _TEXT}
    return {
        "WebinarLookup": message("A household by a number.", thing("Whom.", number, ("identifier_value",)), {}),
        "WebinarSearch": message(
            "Households by conditions.",
            thing("What must hold.", conditions, minProperties=1),
            {
                "sortby": thing("The order.", {"fieldname": _TEXT, "order": {"enum": ["asc", "desc"]}}, ("fieldname",)),
                "pagination": ref("Pagination"),
            },
        ),
        "WebinarAnswer": thing(
            "An answer in the shape of 2023.",
            {
                "status": {"enum": ["succ", "rjct"]},
                "return_message": _TEXT,
                "correlation_id": _ID,
                "total_count": {"type": "integer", "minimum": 0},
                "message": thing(
                    "What was found.",
                    {
                        "search_response": {
                            "type": "array",
                            "items": thing(
                                "One member, or one household's score.",
                                {
                                    "registry_data": {"type": "object"},
                                    "household_head_info": {"type": ["object", "null"]},
                                    "household_info": {"type": "object"},
                                    "hearth:evidence": {"type": "object"},
                                },
                                ("registry_data",),
                            ),
                        }
                    },
                    ("search_response",),
                ),
                "pagination": {"type": "object"},
                "hearth:reasons": {"type": "object"},
            },
            ("status", "return_message", "correlation_id", "total_count", "message"),
        ),
    }


def examples() -> dict[str, dict[str, Any]]:
    """Return name of a schema -> a message of it."""
    number = {"eq": "1000000001"}
    basis = {"purpose": {"code": "entitlement"}}
    ask = {"query_type": "expression", "authorize": basis}
    disabled = {"disabled_criteria": ask | {"query": {"personal_details.member_identifier": number}}}
    programme = "programme_identifier.program.programme_identifier"
    enrolled = {"enrolled_criteria": ask | {"query": {"person_identifier": number, programme: {"eq": "UCT"}}}}
    status = {
        "reference_id": "st-1",
        "txn_type": "search",
        "attribute_type": "correlation_id",
        "attribute_value": "5f0c1d1e7a394d579a390d6b9a1f4c55",
    }
    criteria = {
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "spdci-common:RegistryEventType:Death",
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": "1000000001"},
        "notify_record_type": "spdci-extensions-dci:Person",
        "authorize": basis,
    }
    wish = {"reference_id": "ref-1", "timestamp": openapi_examples.ASKED_AT, "subscribe_criteria": criteria}
    ending = {"timestamp": openapi_examples.ASKED_AT, "subscription_codes": ["7d1fb43c"]}
    poor = {"poverty_score": {"max": 30}, "household_size": {"min": 4}, "region": "PV-1"}
    consent = {"consent": {"purpose": {"code": "eligibility"}}}
    lookup = {"search_request": [{"identifier_type": "UIN", "identifier_value": "1000000001"}], **consent}
    order = {
        "sortby": {"fieldname": "poverty_score", "order": "asc"},
        "pagination": {"page_size": 10, "page_number": 1},
    }
    return {
        "SearchRequest": openapi_examples.search_request(),
        "SubscribeRequest": _example("subscribe", {"subscribe_request": [wish]}),
        "UnsubscribeRequest": _example("unsubscribe", ending),
        "StatusRequest": _example("txn-status", {"txnstatus_request": status}),
        "DisabledRequest": _example("search", disabled),
        "EnrolledRequest": _example("search", enrolled),
        "WebinarLookup": {"headers": {}, "payload": lookup},
        "WebinarSearch": {"headers": {}, "payload": {"search_request": [poor], **order, **consent}},
    }


def _example(action: str, message: dict[str, Any]) -> dict[str, Any]:
    header = openapi_examples.search_request()["header"] | {"action": action}
    return {"header": header, "message": {"transaction_id": "txn-7f3a91", **message}}
