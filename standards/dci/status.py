"""Transaction status: what a status question asks, and the payload that tells what became of a message.

Registry types differ in what may be asked: civil registration and farmers know `unsubscribe` and ask by subscription
codes, the social, beneficiary and employment interfaces know `receipt` instead. Without a prefix everything is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.dci.codes import RegType, SearchReason, Status
from standards.dci.envelope import CORRELATION_ID, wire_time
from standards.dci.reading import MAX_ID, is_absent
from standards.errors import MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SEARCH: Final = "search"
SUBSCRIBE: Final = "subscribe"
UNSUBSCRIBE: Final = "unsubscribe"
RECEIPT: Final = "receipt"

BY_REFERENCES: Final = "reference_id_list"
BY_CODES: Final = "subscription_code_list"
_ONE: Final = ("transaction_id", "correlation_id")
_MANY: Final = (BY_REFERENCES, BY_CODES)
MAX_VALUES: Final = 100
"""Most references or codes of one question."""

_WITH_RECEIPTS: Final = frozenset({RegType.SOCIAL, RegType.BENEFICIARY, RegType.EMPLOYMENT})
"""Registry types whose interface has `receipt` in place of `unsubscribe`, and no subscription codes."""

UNKNOWN: Final = "no such transaction is known of this sender: it was never received, or was forgotten since"


class StatusAsked(NamedTuple):
    """One question about the status of a transaction."""

    transaction_id: str
    """Of the question itself."""
    reference_id: str
    txn_type: str
    attribute_type: str
    values: tuple[str, ...]


class Became(NamedTuple):
    """What became of one message, as far as a status tells it."""

    transaction_id: str
    correlation_id: str
    status: str
    items: Sequence[Mapping[str, Any]]
    """One for each request, as on the wire and without records."""
    at: datetime


def read_status(message: Mapping[str, object], reg_type: RegType | None) -> StatusAsked:
    """Read a status question.

    reg_type: whose interface it came in by; None takes what any of them takes.
    Raises: MalformedMessageError that says what to change.
    """
    asked = message.get("txnstatus_request")
    if isinstance(asked, list) and len(asked) == 1:
        asked = asked[0]
    if not isinstance(asked, dict):
        raise MalformedMessageError("message.txnstatus_request is an object")
    txn_type = _one_of(asked.get("txn_type"), "txn_type", txn_types(reg_type))
    kinds = _ONE + _MANY[: 1 if reg_type in _WITH_RECEIPTS else None]
    attribute_type = _one_of(asked.get("attribute_type"), "attribute_type", kinds)
    said = asked.get("attribute_value")
    values = said if isinstance(said, list) and attribute_type in _MANY else [said]
    if not 0 < len(values) <= MAX_VALUES:
        raise MalformedMessageError(f"attribute_value holds 1 to {MAX_VALUES} values")
    return StatusAsked(
        _id(message.get("transaction_id"), "transaction_id"),
        _id(asked.get("reference_id"), "reference_id"),
        txn_type,
        attribute_type,
        tuple(_id(value, "attribute_value") for value in values),
    )


def txn_types(reg_type: RegType | None) -> tuple[str, ...]:
    """Return the kinds of messages whose status may be asked for."""
    if reg_type is None:
        return (SEARCH, SUBSCRIBE, UNSUBSCRIBE, RECEIPT)
    return (SEARCH, SUBSCRIBE, RECEIPT if reg_type in _WITH_RECEIPTS else UNSUBSCRIBE)


def told(
    asked: StatusAsked, found: Sequence[Became], reg_type: RegType | None, correlation_id: str, now: datetime
) -> dict[str, Any]:
    """Build the payload of an answer.

    found: what became of the messages that were asked about, the newest first; of none, the answer says that they are
        unknown.
    correlation_id: of the answer itself.
    """
    items = _merged(found)
    if not found:
        items = [_unknown(asked.reference_id, now)]
    elif asked.attribute_type == BY_REFERENCES:
        known = {item.get("reference_id") for item in items}
        items += [_unknown(reference, now) for reference in asked.values if reference not in known]
    newest = found[0] if found else Became(*_named(asked, correlation_id), Status.REJECTED.value, (), now)
    return {
        "transaction_id": asked.transaction_id,
        "correlation_id": correlation_id,
        "txnstatus_response": {
            "txn_type": asked.txn_type,
            "txn_status": _payload(asked.txn_type, newest, items, reg_type),
        },
    }


def _payload(txn_type: str, newest: Became, items: list[Mapping[str, Any]], reg_type: RegType | None) -> dict[str, Any]:
    payload: dict[str, Any] = {"transaction_id": newest.transaction_id, "correlation_id": newest.correlation_id}
    if txn_type == UNSUBSCRIBE:
        reasons = ("status_reason_code", "status_reason_message")
        codes = [{"code": item["code"], "status": item["status"]} for item in items if "code" in item]
        said: dict[str, Any] = {
            key: item[key] for item in items for key in reasons if "code" not in item and key in item
        }
        return payload | {
            "timestamp": wire_time(newest.at),
            "status": newest.status,
            **said,
            "subscription_status": codes,
        }
    if txn_type == SUBSCRIBE:
        # DEVIATION 31: where the interface has no place for it, an empty receipt beside it makes one.
        other: dict[str, Any] = {"receipt_information": {}} if RECEIPT in txn_types(reg_type) else {}
        return payload | {"subscribe_response": items} | other
    return payload | {"search_response": items}


def _merged(found: Sequence[Became]) -> list[Mapping[str, Any]]:
    """Return the items of several messages together; of one reference, what the newest message says."""
    items: dict[object, Mapping[str, Any]] = {}
    for one in found:
        for place, item in enumerate(one.items):
            name = item.get("reference_id") or item.get("code") or (one.correlation_id, place)
            items.setdefault(name, item)
    return list(items.values())


def _named(asked: StatusAsked, correlation_id: str) -> tuple[str, str]:
    """Return transaction and correlation id of a message that is not known: as it was asked for."""
    (value, *_) = asked.values
    if asked.attribute_type == "transaction_id":
        return value, correlation_id
    is_ours = asked.attribute_type == "correlation_id" and CORRELATION_ID.match(value)
    return asked.transaction_id, value if is_ours else correlation_id


def _unknown(reference_id: str, now: datetime) -> dict[str, Any]:
    return {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.REJECTED.value,
        "status_reason_code": SearchReason.REFERENCE_ID_INVALID.value,
        "status_reason_message": UNKNOWN,
    }


def _one_of(said: object, name: str, words: Sequence[str]) -> str:
    # Older files name a message by its answer, `on-search`; no word of today begins so.
    word = said.strip().lower().removeprefix("on-") if isinstance(said, str) else ""
    if word not in words:
        raise MalformedMessageError(f"txnstatus_request.{name} is one of {', '.join(words)} here")
    return word


def _id(value: object, name: str) -> str:
    if is_absent(value) or not isinstance(value, str) or len(value) > MAX_ID:
        raise MalformedMessageError(f"{name} is a string of 1 to {MAX_ID} characters")
    return value
