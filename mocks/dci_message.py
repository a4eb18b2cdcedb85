"""DCI messages (release of 2025): reading the envelope, judging and making headers, acknowledging."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import orjson

LONGEST_ID: Final = 99
MOST_ITEMS: Final = 1000


class Envelope(NamedTuple):
    """A message that is whole."""

    header: Mapping[str, Any]
    transaction_id: str
    items: Sequence[Any]
    """The batch; for a message that is no batch, the message itself as its one item."""

    @property
    def sender_uri(self) -> str | None:
        """Return where callbacks go, if the sender says so."""
        said = self.header.get("sender_uri")
        return said if isinstance(said, str) and said.startswith(("http://", "https://")) else None


def moment() -> str:
    """Return the present moment in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def stamp(day: date) -> str:
    """Return a day as the timestamp of its first second."""
    return f"{day.isoformat()}T00:00:00+00:00"


def number(type_: str, value: str) -> dict[str, str]:
    """Return a DCI identifier."""
    return {"identifier_type": type_, "identifier_value": value}


def envelope(body: bytes, batch: str | None = "search_request") -> Envelope:
    """Read a message whose items are in a member of that name; None for one that is no batch.

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
    transaction_id = message.get("transaction_id")
    if not _short(transaction_id):
        raise ValueError("the message has a transaction_id")
    if batch is None:
        return Envelope(header, str(transaction_id), [message])
    items = message.get(batch)
    if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        raise ValueError(f"the message has 1 to {MOST_ITEMS} {batch} items")
    if not all(isinstance(item, dict) and _short(item.get("reference_id")) for item in items):
        raise ValueError(f"every {batch} item has a reference_id")
    return Envelope(header, str(transaction_id), items)


def header_refusal(message: Envelope, action: str = "search") -> str | None:
    """Return the reason code for which a whole message is refused, or None."""
    if message.header["action"] != action:
        return "rjct.action.invalid"
    if not is_moment(message.header["message_ts"]):
        return "rjct.message_ts.invalid"
    if message.header["total_count"] != len(message.items):
        return "rjct.total_count.invalid"
    return None


def answer_to(
    message: Envelope,
    items: Sequence[Mapping[str, Any]],
    refused: str | None,
    *,
    now: str,
    sender: str,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """Return the answer to a search message; `refused` is the reason code when the whole message is refused."""
    content = {
        "transaction_id": message.transaction_id,
        "correlation_id": correlation_id or str(uuid.uuid4()),
        "search_response": items,
    }
    status = "succ" if any(item["status"] == "succ" for item in items) else "rjct"
    header = answer_header(message, "on-search", status, now=now, sender=sender, completed=len(items))
    if refused is not None:
        header["status_reason_code"] = refused
    return {"header": header, "message": content}


def answer_header(
    message: Envelope, action: str, status: str, *, now: str, sender: str, completed: int
) -> dict[str, Any]:
    """Return the header of an answer or a callback: sender and receiver change places."""
    return {
        "version": "1.0.0",
        "message_id": str(uuid.uuid4()),
        "message_ts": now,
        "action": action,
        "status": status,
        "total_count": len(message.items),
        "completed_count": completed,
        "sender_id": message.header.get("receiver_id") or sender,
        "receiver_id": message.header["sender_id"],
        "is_msg_encrypted": False,
    }


def acknowledgement(
    correlation_id: str, status: str = "ACK", code: str | None = None, message: str = ""
) -> dict[str, Any]:
    """Return an ACK object; `code` says why a message cannot be processed."""
    said: dict[str, Any] = {"ack_status": status, "timestamp": moment(), "correlation_id": correlation_id}
    if code is not None:
        said["error"] = {"code": code, "message": message}
    return {"message": said}


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID


def is_moment(value: Any) -> bool:
    """Tell whether a value is a moment with its offset from UTC."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
