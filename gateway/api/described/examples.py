"""Synthetic examples of the published description: the people, numbers and programmes in them are invented."""

from __future__ import annotations

from typing import Any, Final

CONSUMER: Final = "uct.programmes.pv"
ATTRIBUTES: Final = ("given_name", "sex", "household_size", "children_under_5", "household_income", "is_disabled")
ASKED_AT: Final = "2026-03-04T09:15:00.000+00:00"
_ANSWERED_AT: Final = "2026-03-04T09:15:00.412+00:00"
_TRANSACTION: Final = "txn-7f3a90"
_REFERENCE: Final = "ref-1"
DENIED: Final = "purpose_not_agreed: agree this purpose, or ask for one that is agreed: eligibility"


def search_request(
    moment: str = ASKED_AT, *, message_id: str = "msg-4c1be2", sender_id: str = CONSUMER, uin: str = "1000000001"
) -> dict[str, Any]:
    """Return a whole message that asks for one household by a person's number; a caller may put others in."""
    criteria = {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "response_entity": "Group",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": uin},
        "consent": {"@type": "Consent", "ts": moment, "purpose": {"code": "eligibility"}},
        "hearth:attributes": list(ATTRIBUTES),
    }
    return _message(criteria, moment, message_id, sender_id)


def search_by_filter() -> dict[str, Any]:
    """Return a whole message that asks for households by conditions, naming nobody."""
    conditions = {"$and": [{"poverty_score": {"$lt": 30}}, {"registered_size": {"$gte": 4}}]}
    criteria = {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "response_entity": "Group",
        "query_type": "expression",
        "query": {
            "type": "ns:org:QueryType:expression",
            "value": {"expression": {"collection": "Group", "query": conditions}},
        },
        "sort": [{"attribute_name": "poverty_score", "sort_order": "asc"}],
        "pagination": {"page_size": 10, "page_number": 1},
        "consent": {"@type": "Consent", "ts": ASKED_AT, "purpose": {"code": "eligibility"}},
    }
    return _message(criteria, ASKED_AT, "msg-9d03fa", CONSUMER)


def _message(criteria: dict[str, Any], moment: str, message_id: str, sender_id: str) -> dict[str, Any]:
    return {
        "header": {
            "version": "1.0.0",
            "message_id": message_id,
            "message_ts": moment,
            "action": "search",
            "sender_id": sender_id,
            "total_count": 1,
            "is_msg_encrypted": False,
        },
        "message": {
            "transaction_id": _TRANSACTION,
            "search_request": [
                {
                    "reference_id": _REFERENCE,
                    "timestamp": moment,
                    "search_criteria": criteria,
                    "locale": "eng",
                }
            ],
        },
    }


def search_answer(base_url: str) -> dict[str, Any]:
    """Return the answer to `search_request`: two members, one registry out, one attribute withheld."""
    item = {
        "reference_id": _REFERENCE,
        "timestamp": _ANSWERED_AT,
        "status": "succ",
        "status_reason_message": "not obtained from tax: see hearth:evidence",
        "data": {
            "version": "1.0.0",
            "reg_type": "ns:org:RegistryType:Social",
            "reg_record_type": "Group",
            "reg_records": [_household(base_url)],
            "hearth:evidence": [_evidence()],
            "hearth:sources": {
                "social": {"outcome": "answered", "calls": 1, "cached": 0},
                "national_id": {"outcome": "answered", "calls": 1, "cached": 0},
                "tax": {"outcome": "unavailable", "calls": 2, "cached": 0, "reason": "source_timeout"},
            },
        },
        "pagination": {"page_size": 1, "page_number": 1, "total_count": 1},
        "locale": "eng",
    }
    return _answer([item], "succ")


def refused_question() -> dict[str, Any]:
    """Return an answer in which policy denies the question."""
    item = {
        "reference_id": _REFERENCE,
        "timestamp": _ANSWERED_AT,
        "status": "rjct",
        "status_reason_code": "rjct.search_criteria.invalid",
        "status_reason_message": DENIED,
        "locale": "eng",
    }
    return _answer([item], "rjct")


def refused_message() -> dict[str, Any]:
    """Return an answer that refuses a whole message in its header."""
    answer = _answer([], "rjct")
    answer["header"] |= {
        "status_reason_code": "rjct.message_ts.invalid",
        "status_reason_message": "message_ts is too far from the present",
        "total_count": 1,
    }
    return answer


def error(code: str, message: str) -> dict[str, Any]:
    """Return the body of an HTTP error."""
    return {"errors": [{"code": code, "message": message}]}


def _answer(items: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {
        "header": {
            "version": "1.0.0",
            "message_id": "0b7c2a5de41f4c0e9d3b8a6f12c47e90",
            "message_ts": _ANSWERED_AT,
            "action": "on-search",
            "status": status,
            "total_count": len(items),
            "completed_count": len(items),
            "sender_id": "hearth.gateway",
            "receiver_id": CONSUMER,
            "is_msg_encrypted": False,
            "meta": {},
        },
        "message": {
            "transaction_id": _TRANSACTION,
            "correlation_id": "5f0c1d1e7a394d579a390d6b9a1f4c55",
            "search_response": items,
        },
    }


def _household(base_url: str) -> dict[str, Any]:
    head = _person("Amara", "female") | {"hearth:relationship_to_head": "SELF"}
    return {
        "@context": f"{base_url}/contexts/v1/VirtualHousehold.jsonld",
        "@type": "Group",
        "group_size": 2,
        "hearth:children_under_5": 1,
        "group_type": "2",
        "group_head_info": head,
        "member_list": [head, _person("Tendai", "male") | {"hearth:relationship_to_head": "SON"}],
    }


def _person(given_name: str, sex: str) -> dict[str, Any]:
    return {
        "@type": "Member",
        "demographic_info": {"@type": "SRPerson", "name": {"given_name": given_name}, "sex": sex},
    }


def _evidence() -> dict[str, Any]:
    known = {
        "state": "value",
        "source": "national_id",
        "retrieved_at": _ANSWERED_AT,
        "as_of": "2025-11-30",
        "cached": False,
    }
    derived = {"state": "value", "source": "derived", "retrieved_at": _ANSWERED_AT, "cached": False}
    missing = {"state": "withheld", "reason": "consent_missing"}
    registered = {"basis": "registered", "source": "social"}
    return {
        "record": 0,
        "rule": "registered-or-kin@1",
        "complete": True,
        "unheard": [],
        "attributes": {
            "household_size": derived | {"derived_from": ["vital_status"]},
            "children_under_5": derived | {"derived_from": ["age", "vital_status"]},
            "household_income": {"state": "unavailable", "reason": "input_unavailable", "source": "tax"},
        },
        "members": [
            {
                "member": 0,
                "asked": True,
                "relationship": "SELF",
                "evidence": [{"basis": "asked"}, registered | {"relation": "SELF"}],
                "attributes": {"given_name": known, "sex": known, "is_disabled": missing},
            },
            {
                "member": 1,
                "asked": False,
                "relationship": "SON",
                "evidence": [registered | {"relation": "SON"}],
                "attributes": {"given_name": known, "sex": known, "is_disabled": missing},
            },
        ],
    }
