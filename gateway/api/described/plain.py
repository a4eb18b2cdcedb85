"""The plain question, its answer, and a programme's own agreements, as the published description has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.described import examples
from gateway.api.described.request import REQUEST_SCHEMAS, Schema, ref, thing
from gateway.api.views.view import Shape
from standards.dci.codes import ErrorCode, SearchReason
from standards.permit import FormKind

LOOKUP: Final = """\
Ask about one household, or one person, by a number: one JSON object in, one out. What may be known, how it is found \
and what is recorded are the same as for a question in a DCI message; only the form differs. Every value stands beside \
its state and its origin, so nothing has to be put together from two places.

The answer is not signed, and a sender that has to sign its messages cannot ask so. What cannot be answered is an HTTP \
error with the code that DCI has for it: `SearchReason` where a question in a message would have been refused in its \
item, `ErrorCode` otherwise. Nobody by that number is an answer: `household` or `person` is null. The handle for \
questions to the operator is `correlation_id`, in an error the header `Hearth-Correlation-Id`."""

SCHEMAS: Final = """\
A strict JSON Schema (2020-12) of the body of every answer under one version of an agreement, in one shape: \
`dci-group` and `dci-member` of DCI messages with households or single people, `household` and `person` of plain \
answers. Attributes have their agreed form, types, units and codes; whatever is not agreed does not validate. A \
version never changes, so its schemas may be kept."""


def plain_schemas(answers: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return name -> schema of the plain question and answer.

    answers: the schemas of DCI answers; states and evidence are theirs.
    """
    known, state = answers["EvidenceKnown"], answers["EvidenceState"]
    more = {
        "value": {"description": "What is told: the value, or the form of it that is agreed."},
        "form": {
            "enum": [kind.value for kind in FormKind if kind is not FormKind.VALUE],
            "description": "In which form it is agreed, where that is not its value.",
        },
    }
    when = {key: known[key] for key in ("if", "then", "else")}
    told = {
        "if": {"properties": {"state": {"const": "absent"}}},
        "then": {"not": {"anyOf": [{"required": ["value"]}, {"required": ["form"]}]}},
        "else": {"required": ["value"]},
    }
    whole = {key: inner for key, inner in known.items() if key not in when}
    member, evidence = answers["EvidenceMember"], answers["Evidence"]["properties"]
    states = {"type": "object", "additionalProperties": ref("PlainState"), "description": "By name of the attribute."}
    of_member = {**member["properties"], "attributes": states}
    heard = {key: evidence[key] for key in ("complete", "unheard")}
    return {
        **_QUESTION,
        "LookupAnswer": thing(
            "The answer to a plain question.",
            {
                "correlation_id": {"type": "string", "description": "Handle for questions to the operator."},
                "answered_at": ref("SearchAnswerTime"),
                "agreement": thing(
                    "Under which version of which agreement; its schemas describe this answer exactly.",
                    {"id": {"type": "string"}, "version": {"type": "string"}},
                    ("id", "version"),
                ),
                "purpose": {"type": "string"},
                "household": _or_nobody("PlainHousehold"),
                "person": _or_nobody("PlainPerson"),
                "sources": ref("EvidenceSources"),
                "reasons": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What each reason of this answer means, in words.",
                },
                "note": {"type": "string", "description": "What else is to be known of how it was given."},
                "plan": {"type": "string", "description": "Which registry was asked what; if asked to explain."},
            },
            ("correlation_id", "answered_at", "agreement", "purpose", "sources"),
            additionalProperties=False,
            oneOf=[{"required": ["household"]}, {"required": ["person"]}],
        ),
        "PlainHousehold": thing(
            "One household.",
            {
                **heard,
                "rule": evidence["rule"],
                "attributes": states | {"description": "Of the household itself."},
                "members": {"type": "array", "items": ref("PlainMember")},
            },
            ("complete", "unheard", "rule", "attributes", "members"),
            additionalProperties=False,
        ),
        "PlainMember": {**member, "properties": of_member, "description": "One member, with everything told of it."},
        "PlainPerson": {
            **member,
            "properties": {**heard, **of_member},
            "required": ["complete", "unheard", *member["required"]],
            "description": "One person, without a household.",
        },
        "PlainState": _replaced(state, "EvidenceKnown", "PlainKnown")
        | {"description": "The state of one attribute, with what is told of it."},
        "PlainKnown": {
            **whole,
            "description": "A registry was heard: it stated a value or that there is nothing, or registries disagree.",
            "properties": {**known["properties"], **more},
            "allOf": [when, told],
        },
    }


def _or_nobody(name: str) -> Schema:
    return {"anyOf": [ref(name), {"type": "null"}], "description": "Null: the registries know nobody by that number."}


def _replaced(node: Any, old: str, new: str) -> Any:
    if isinstance(node, list):
        return [_replaced(inner, old, new) for inner in node]
    if not isinstance(node, dict):
        return node
    return ref(new) if node == ref(old) else {key: _replaced(inner, old, new) for key, inner in node.items()}


_CRITERIA: Final = REQUEST_SCHEMAS["SearchCriteria"]["properties"]
_QUESTION: Final[dict[str, Schema]] = {
    "LookupRequest": thing(
        "A plain question about one household or person.",
        {
            "subject": REQUEST_SCHEMAS["IdQuery"]
            | {"description": "A person or a household by a number.", "additionalProperties": False},
            "purpose": {
                "type": "string",
                "maxLength": 99,
                "description": "Code of the purpose in the agreement. Left out: the only one that is agreed.",
            },
            "attributes": _CRITERIA["hearth:attributes"],
            "as_of": _CRITERIA["hearth:as_of"],
            "explain": _CRITERIA["hearth:explain"]
            | {"description": "Show in `plan` which registry was asked what, in which order, and why."},
            "person_only": {
                "type": "boolean",
                "default": False,
                "description": "Only the person, not the household: nobody else is asked about.",
            },
        },
        ("subject",),
        additionalProperties=False,
    ),
    "LookupRefusal": thing(
        "Why a plain question was not answered. It holds codes and no personal value.",
        {
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": thing(
                    "One fault.",
                    {
                        "code": {"anyOf": [ref("ErrorCode"), ref("SearchReason")]},
                        "message": {"type": "string", "maxLength": 999, "description": "What to change."},
                    },
                    ("code", "message"),
                ),
            }
        },
        ("errors",),
    ),
    "AgreementList": thing(
        "Every version of a programme's own agreements.",
        {
            "agreements": {
                "type": "array",
                "items": thing(
                    "One version.",
                    {
                        "id": {"type": "string"},
                        "version": {"type": "string"},
                        "title": {"type": "string"},
                        "start": {"type": "string", "format": "date", "description": "Its first day."},
                        "end": {"type": "string", "format": "date", "description": "Its last day."},
                        "in_force": {"type": "boolean", "description": "It decides what may be known today."},
                        "purposes": {"type": "array", "items": {"type": "string"}},
                        "schemas": {
                            "type": "object",
                            "propertyNames": {"enum": [shape.value for shape in Shape]},
                            "additionalProperties": {"type": "string", "format": "uri"},
                            "description": "Shape of an answer -> address of its JSON Schema.",
                        },
                    },
                    ("id", "version", "title", "start", "end", "in_force", "purposes", "schemas"),
                    additionalProperties=False,
                ),
            }
        },
        ("agreements",),
    ),
}

REFUSALS: Final[Mapping[int, tuple[str, tuple[tuple[str, str], ...]]]] = {
    400: (
        "The question is not whole or not well formed, or cannot be answered as it is put.",
        (
            (ErrorCode.BAD, "subject is missing: the type and value of a number"),
            (SearchReason.SEARCH_CRITERIA_INVALID, "as_of is a day that has not come yet"),
        ),
    ),
    403: (
        "Policy denies the question; the message names every reason (see DenialReason), and what to obtain.",
        ((SearchReason.SEARCH_CRITERIA_INVALID, examples.DENIED),),
    ),
    429: (
        "A quota of the agreement is used up, or the system asks too often: again after `Retry-After`.",
        ((ErrorCode.TOO_MANY_REQUESTS, "asked too often: try again when Retry-After has passed"),),
    ),
    503: (
        "No registry could be heard, or not one that is mandatory: nothing is known. Or nothing can be recorded.",
        ((ErrorCode.SERVICE_UNAVAILABLE, "not obtained from crvs (source_down): nothing is known, ask again"),),
    ),
}
"""HTTP status -> what it means for a plain question, and examples: code and message."""


def lookup_request() -> dict[str, Any]:
    """Return the plain question that asks the same as the example of a DCI message."""
    return {
        "subject": {"type": "UIN", "value": "1000000001"},
        "purpose": "eligibility",
        "attributes": list(examples.ATTRIBUTES),
    }


def person_request() -> dict[str, Any]:
    """Return a plain question about a single person on a past day."""
    return {
        "subject": {"type": "UIN", "value": "1000000001"},
        "purpose": "eligibility",
        "person_only": True,
        "as_of": "2025-06-30",
        "explain": True,
    }


def lookup_answer() -> dict[str, Any]:
    """Return the answer to `lookup_request`, which holds what the example of a DCI answer holds."""
    item = examples.search_answer("")["message"]["search_response"][0]
    (evidence,), (record,) = item["data"]["hearth:evidence"], item["data"]["reg_records"]
    of_household = {"household_size": record["group_size"], "children_under_5": record["hearth:children_under_5"]}
    members = []
    for told, member in zip(evidence["members"], record["member_list"], strict=True):
        person = member["demographic_info"]
        values = {"given_name": person["name"]["given_name"], "sex": person["sex"]}
        members.append({**told, "attributes": _with(told["attributes"], values)})
    return {
        "correlation_id": "5f0c1d1e7a394d579a390d6b9a1f4c55",
        "answered_at": item["timestamp"],
        "agreement": {"id": "uct-eligibility", "version": "1.0"},
        "purpose": "eligibility",
        "household": {
            "complete": evidence["complete"],
            "unheard": evidence["unheard"],
            "rule": evidence["rule"],
            "attributes": _with(evidence["attributes"], of_household),
            "members": members,
        },
        "sources": item["data"]["hearth:sources"],
    }


def agreements_answer(base_url: str) -> dict[str, Any]:
    """Return a list of one agreement."""
    address = f"{base_url}/v1/agreements/uct-eligibility/versions/1.0/schemas"
    return {
        "agreements": [
            {
                "id": "uct-eligibility",
                "version": "1.0",
                "title": "Eligibility for the Unconditional Cash Transfer",
                "start": "2026-01-01",
                "end": "2027-12-31",
                "in_force": True,
                "purposes": ["eligibility"],
                "schemas": {shape.value: f"{address}/{shape}" for shape in Shape},
            }
        ]
    }


def _with(states: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        n: {**state, "value": values[n]} if state["state"] == "value" else dict(state) for n, state in states.items()
    }
