"""The DCI search message and its answer (release of 2025): reading the envelope, judging and making headers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import orjson

LONGEST_ID: Final = 99
MOST_ITEMS: Final = 1000


class Envelope(NamedTuple):
    """A search message that is whole."""

    header: Mapping[str, Any]
    transaction_id: str
    items: Sequence[Any]


def moment() -> str:
    """Return the present moment in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def stamp(day: date) -> str:
    """Return a day as the timestamp of its first second."""
    return f"{day.isoformat()}T00:00:00+00:00"


def number(type_: str, value: str) -> dict[str, str]:
    """Return a DCI identifier."""
    return {"identifier_type": type_, "identifier_value": value}


def envelope(body: bytes) -> Envelope:
    """Read a search message.

    Raises: ValueError, in words for the sender, when it is no DCI message at all.
    """
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    header = whole.get("header") if isinstance(whole, dict) else None
    message = whole.get("message") if isinstance(whole, dict) else None
    if not isinstance(header, dict) or not isinstance(message, dict):
        raise ValueError("a message has a header and a message")
    missing = [name for name in ("message_id", "message_ts", "action", "sender_id") if not _short(header.get(name))]
    if missing or type(header.get("total_count")) is not int:
        raise ValueError("the header lacks message_id, message_ts, action, sender_id or total_count")
    transaction_id, items = message.get("transaction_id"), message.get("search_request")
    if not _short(transaction_id) or not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        raise ValueError(f"the message has a transaction_id and 1 to {MOST_ITEMS} search_request items")
    if not all(isinstance(item, dict) and _short(item.get("reference_id")) for item in items):
        raise ValueError("every search_request item has a reference_id")
    return Envelope(header, str(transaction_id), items)


def header_refusal(message: Envelope) -> str | None:
    """Return the reason code for which a whole message is refused, or None."""
    if message.header["action"] != "search":
        return "rjct.action.invalid"
    if not is_moment(message.header["message_ts"]):
        return "rjct.message_ts.invalid"
    if message.header["total_count"] != len(message.items):
        return "rjct.total_count.invalid"
    return None


def answer_to(
    message: Envelope, items: Sequence[Mapping[str, Any]], refused: str | None, *, now: str, sender: str
) -> dict[str, Any]:
    """Return the answer to a message; `refused` is the reason code when the whole message is refused."""
    header = {
        "version": "1.0.0",
        "message_id": str(uuid.uuid4()),
        "message_ts": now,
        "action": "on-search",
        "status": "succ" if any(item["status"] == "succ" for item in items) else "rjct",
        "total_count": len(message.items),
        "completed_count": len(items),
        "sender_id": message.header.get("receiver_id") or sender,
        "receiver_id": message.header["sender_id"],
        "is_msg_encrypted": False,
    }
    if refused is not None:
        header["status_reason_code"] = refused
    content = {
        "transaction_id": message.transaction_id,
        "correlation_id": str(uuid.uuid4()),
        "search_response": items,
    }
    return {"header": header, "message": content}


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID


def is_moment(value: Any) -> bool:
    """Tell whether a value is a moment with its offset from UTC."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
