"""The schemas of a search request, as a sender should write it.

What is read is wider than this (other spellings of types and codes, numbers as strings); what is described is the
one form that every system of the standard understands.
"""

from __future__ import annotations

from typing import Any, Final

from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.dci.comparisons import MAX_TEXT, MAX_VALUES, MIN_PART
from standards.dci.criteria import MAX_COMPARISONS, MAX_DEPTH
from standards.dci.question import MAX_NAMES, MAX_SORT_KEYS
from standards.dci.reading import MAX_ID
from standards.dci.validate import MAX_URI
from standards.identifiers import GROUP_TYPES, MAX_LENGTH, PERSON_TYPES
from standards.permit import Operator

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(description: str, properties: Schema, required: tuple[str, ...] = (), **more: Any) -> Schema:
    """Return the schema of an object."""
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema | more


_MOMENT: Final[Schema] = {"type": "string", "format": "date-time", "description": "ISO 8601, with offset."}
_VERSION: Final[Schema] = {"type": "string", "default": "1.0.0", "description": "Version of the standard."}
_PART: Final[Schema] = {"type": "string", "minLength": MIN_PART, "maxLength": MAX_TEXT}
_COMPARED: Final[Schema] = {"type": ["string", "number", "boolean"], "maxLength": MAX_TEXT}

_BASIS: Final = thing(
    "Why it is asked. The agreement that covers this purpose decides what may be known.",
    {
        "@type": {"type": "string", "description": "`Consent` or `Authorize`."},
        "ts": _MOMENT | {"description": "When it was given. ISO 8601, with offset."},
        "purpose": thing(
            "The purpose.",
            {
                "code": {"type": "string", "maxLength": MAX_ID, "description": "Code of the purpose in the agreement."},
                "text": {"type": "string"},
                "ref_uri": {"type": "string", "format": "uri"},
            },
            ("code",),
        ),
    },
)

_ENVELOPE: Final[dict[str, Schema]] = {
    "SearchRequest": thing(
        "A search message: one or more questions of one transaction.",
        {
            "signature": {
                "type": "string",
                "description": "Over header and message: a keyed string, or a JWS with or without its payload; due "
                "where the operator demands it of the sender. Signed is the JSON of `header` and `message` in UTF-8, "
                "members sorted by name, without white space. A compact JWS has it as payload, a detached one leaves "
                "it out; the keyed string is over the three lines `(created): N`, `(expires): N` and `digest: D`, "
                "where D is the Base64 of its SHA-256.",
            },
            "header": ref("RequestHeader"),
            "message": thing(
                "The questions.",
                {
                    "transaction_id": {
                        "type": "string",
                        "maxLength": MAX_ID,
                        "description": "The sender's handle for the transaction; comes back unchanged.",
                    },
                    "search_request": {"type": "array", "minItems": 1, "items": ref("SearchQuestion")},
                    "hearth:callback_rest": {
                        "type": "boolean",
                        "default": False,
                        "description": "Of `sync/search`: answer now, and have the whole answer delivered later where "
                        "a registry was not heard in time; the header `Hearth-Rest` says whether a callback follows.",
                    },
                },
                ("transaction_id", "search_request"),
            ),
        },
        ("header", "message"),
    ),
    "RequestHeader": thing(
        "Who sends what to whom.",
        {
            "version": _VERSION,
            "message_id": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ID,
                "description": "A new one for every message.",
            },
            "message_ts": _MOMENT
            | {"description": "When the message is sent; it must be recent. ISO 8601, with offset."},
            "action": {"const": "search"},
            "sender_id": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_URI,
                "description": "The one registered for the client that the access token speaks for.",
            },
            "sender_uri": {"type": "string", "format": "uri", "maxLength": MAX_URI},
            "receiver_id": {"type": "string", "maxLength": MAX_URI, "description": "This gateway, or left out."},
            "total_count": {"type": "integer", "minimum": 1, "description": "Number of questions in the message."},
            "is_msg_encrypted": {
                "type": "boolean",
                "default": False,
                "description": "`message` is then a JWE of it (header, encrypted_key, iv, ciphertext, tag), where the "
                "operator takes that of the sender.",
            },
            "meta": {"type": "object"},
        },
        ("message_id", "message_ts", "action", "sender_id", "total_count"),
    ),
    "SearchQuestion": thing(
        "One question; it is decided, answered and recorded on its own.",
        {
            "reference_id": {
                "type": "string",
                "maxLength": MAX_ID,
                "description": "The sender's handle for the question, unique in the message; stands in its answer.",
            },
            "timestamp": _MOMENT,
            "search_criteria": ref("SearchCriteria"),
            "locale": {"type": "string", "pattern": "^[a-z]{3}$", "description": "ISO 639-3, such as `eng`."},
        },
        ("reference_id", "timestamp", "search_criteria"),
    ),
}

_QUERIES: Final[dict[str, Schema]] = {
    "SearchCriteria": thing(
        "Who or what is asked for, why, and in which form.",
        {
            "version": _VERSION,
            "reg_type": {
                "enum": [r.value for r in RegType],
                "description": "Which registry; a household profile is asked of `Social`, which is the default.",
            },
            "reg_record_type": {"enum": [r.value for r in RecordType], "description": "Which kind of record."},
            "response_entity": {
                "enum": [e.value for e in ResponseEntity],
                "description": "`Group` asks for households, `Member` for single people.",
            },
            "query_type": {
                "enum": ["idtype-value", "expression", "predicate"],
                "description": "In which form the query is written.",
            },
            "query": {"oneOf": [ref("IdQuery"), ref("ExpressionQuery"), ref("PredicateQuery")]},
            "sort": {"type": "array", "maxItems": MAX_SORT_KEYS, "items": ref("SortKey")},
            "pagination": ref("Pagination"),
            "consent": _BASIS,
            "authorize": _BASIS,
            "hearth:attributes": {
                "type": "array",
                "maxItems": MAX_NAMES,
                "items": ref("AttributeName"),
                "description": "The attributes wanted. Left out: everything the agreement allows for the purpose.",
            },
            "hearth:explain": {
                "type": "boolean",
                "default": False,
                "description": "Show in `hearth:plan` which registry was asked what, in which order, and why.",
            },
            "hearth:as_of": {
                "type": "string",
                "format": "date",
                "description": "How things were on this past day, for a question by number. What registries keep no "
                "history of is `unavailable` with the reason `not_as_of`, never today's value.",
            },
        },
        ("query_type", "query"),
    ),
    "IdQuery": thing(
        "A person or a household by a number (`idtype-value`).",
        {
            "type": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_LENGTH,
                "examples": [*PERSON_TYPES, *GROUP_TYPES],
                "description": f"Kind of number: {', '.join((*PERSON_TYPES, *GROUP_TYPES))}.",
            },
            "value": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "description": "The number."},
        },
        ("type", "value"),
    ),
    "ExpressionQuery": thing(
        "Everyone, or every household, that a document of conditions holds for (`expression`).",
        {
            "type": {"const": "ns:org:QueryType:expression"},
            "value": thing(
                "The wrapping of the standard.",
                {
                    "expression": thing(
                        "The expression.",
                        {
                            "collection": {"enum": [e.value for e in ResponseEntity]},
                            "query": ref("Document"),
                        },
                        ("query",),
                    )
                },
                ("expression",),
            ),
        },
        ("value",),
    ),
    "Document": thing(
        f"Conditions that must all hold. At most {MAX_DEPTH} deep, with at most {MAX_COMPARISONS} comparisons.",
        {
            "$and": {"type": "array", "minItems": 1, "maxItems": MAX_COMPARISONS, "items": ref("Document")},
            "$or": {"type": "array", "minItems": 1, "maxItems": MAX_COMPARISONS, "items": ref("Document")},
            "$not": ref("Document"),
        },
        minProperties=1,
        additionalProperties=ref("Condition"),
    ),
    "Condition": thing(
        "What the value of one attribute must be like; the attribute's name is the key it stands under.",
        {
            **{f"${word}": _COMPARED for word in ("eq", "ne", "lt", "lte", "gt", "gte")},
            **{
                f"${word}": {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": _COMPARED}
                for word in ("in", "nin")
            },
            **{f"${word}": _PART for word in ("contains", "startsWith", "endsWith")},
            "$not": ref("Condition"),
        },
        minProperties=1,
        additionalProperties=False,
    ),
    "PredicateQuery": {
        "type": "array",
        "description": "Conditions that must all hold (`predicate`).",
        "minItems": 1,
        "maxItems": MAX_COMPARISONS,
        "items": ref("Predicate"),
    },
    "Predicate": thing(
        "Comparisons joined by one word; further ones are `expression3` and so on.",
        {
            "seq_num": {"type": "integer"},
            "expression1": ref("Comparison"),
            "condition": {
                "enum": ["and", "or", "not"],
                "default": "and",
                "description": "`not`: the first holds and none of the others does; alone, it does not hold.",
            },
            "expression2": ref("Comparison"),
        },
        ("expression1",),
    ),
    "Comparison": thing(
        "One comparison.",
        {
            "attribute_name": ref("AttributeName"),
            "operator": {"enum": [o.value for o in Operator]},
            "attribute_value": _COMPARED
            | {"description": f"With `in`: at most {MAX_VALUES} values, with commas between them."},
        },
        ("attribute_name", "operator", "attribute_value"),
    ),
    "SortKey": thing(
        "One attribute to order by.",
        {"attribute_name": ref("AttributeName"), "sort_order": {"enum": ["asc", "desc"], "default": "asc"}},
        ("attribute_name",),
    ),
    "Pagination": thing(
        "Which part of the results; a page larger than the operator allows is cut to that size.",
        {
            "page_size": {"type": "integer", "minimum": 1},
            "page_number": {"type": "integer", "minimum": 1, "default": 1},
        },
        ("page_size",),
    ),
}

REQUEST_SCHEMAS: Final[dict[str, Schema]] = _ENVELOPE | _QUERIES
"""Name -> schema of every part of a search request."""
