"""What a callback is: its envelope held against what the standard requires of each kind."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

import orjson

from mocks.programme.inbox import moment

ACTIONS: Final = {
    "on-search": "on-search",
    "on-subscribe": "on-subscribe",
    "on-unsubscribe": "on-unsubscribe",
    "notify": "notify",
    "txn/on-status": "txn-on-status",
}
"""Kind of callback, as the end of its path -> the action that its header must name."""
_PAYLOAD: Final = {
    "on-search": "search_response",
    "on-subscribe": "subscribe_response",
    "on-unsubscribe": "subscription_status",
    "notify": "notify_event",
    "txn/on-status": "txnstatus_response",
}


class MalformedError(ValueError):
    """A body that is not the callback which its path promises."""


def envelope(body: bytes, kind: str) -> dict[str, Any]:
    """Return the parsed callback, its header checked.

    Raises: MalformedError.
    """
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedError("the body is not JSON") from None
    header = whole.get("header") if isinstance(whole, dict) else None
    if not isinstance(header, dict) or not isinstance(whole.get("message"), dict):
        raise MalformedError("a callback has a header and a message")
    names = ("message_id", "message_ts", "action", "sender_id")
    if lacking := [name for name in names if not isinstance(header.get(name), str) or not header[name]]:
        raise MalformedError(f"the header lacks {', '.join(lacking)}")
    if header["action"] != ACTIONS[kind]:
        raise MalformedError(f"the action of this path is {ACTIONS[kind]}")
    if header.get("status") not in ("rcvd", "pdng", "succ", "rjct"):
        raise MalformedError("the header lacks a status of the standard")
    try:
        has_offset = datetime.fromisoformat(header["message_ts"]).tzinfo is not None
    except ValueError:
        has_offset = False
    if not has_offset:
        raise MalformedError("message_ts is a moment with its offset from UTC")
    return dict(whole)


def content(message: Any, kind: str) -> dict[str, Any]:
    """Return the payload of a callback, decrypted before if need be.

    Raises: MalformedError.
    """
    if not isinstance(message, dict):
        raise MalformedError("a message is an object")
    needed = ["transaction_id", *(["correlation_id"] if kind != "notify" else []), _PAYLOAD[kind]]
    if lacking := [name for name in needed if message.get(name) in (None, "")]:
        raise MalformedError(f"the message lacks {', '.join(lacking)}")
    return dict(message)


def acknowledgement(status: str = "ACK", code: str | None = None, message: str = "") -> dict[str, Any]:
    """Return an ACK object; `code` is why it is none."""
    said: dict[str, Any] = {"ack_status": status, "timestamp": moment(), "correlation_id": str(uuid.uuid4())}
    if code is not None:
        said["error"] = {"code": code, "message": message}
    return {"message": said}


def sent(body: bytes) -> tuple[str | None, str | None]:
    """Return `message_id` and `message_ts` of whatever came, as far as they are there."""
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, None
    header = whole.get("header") if isinstance(whole, dict) else None
    named = [header.get(name) if isinstance(header, dict) else None for name in ("message_id", "message_ts")]
    message_id, message_ts = (value if isinstance(value, str) else None for value in named)
    return message_id, message_ts
