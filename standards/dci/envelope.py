"""The outer wire objects: the header in, the header out, acknowledgements, error bodies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.dci.codes import AckStatus, Action, ErrorCode, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VERSION: Final = "1.0.0"
MAX_MESSAGE: Final = 999
"""Longest sentence in an answer, in characters."""

CORRELATION_ID: Final = re.compile(r"[a-zA-Z0-9-]{1,99}\Z")
"""What our correlation ids look like; the narrowest rule of any DCI generation."""


class Header(NamedTuple):
    """The header of a request, read; empty strings and None stand for what it does not say."""

    message_id: str
    message_ts: datetime | None
    action: str
    sender_id: str
    receiver_id: str | None = None
    sender_uri: str | None = None
    total_count: int = 0
    version: str = VERSION
    is_msg_encrypted: bool = False
    meta: Mapping[str, object] = {}


class HttpError(NamedTuple):
    """One entry of an HTTP error body."""

    code: str
    message: str


@lru_cache(maxsize=1024)
def wire_time(moment: datetime) -> str:
    """Return a moment as the wire has it: UTC, milliseconds, with offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def sentence(message: str) -> str:
    """Return a message cut to the length the standard allows."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def header_status(statuses: Iterable[str]) -> Status:
    """Return the status of a whole answer, from those of its items.

    `succ` when at least one item succeeded, `rjct` when every item is refused (or there is none), else `pdng`.
    """
    seen = set(statuses)
    if Status.SUCCEEDED in seen:
        return Status.SUCCEEDED
    return Status.PENDING if seen & {Status.PENDING, Status.RECEIVED} else Status.REJECTED


def answer_header(
    request: Header,
    items: Sequence[Mapping[str, object]],
    *,
    now: datetime,
    message_id: str,
    sender_id: str,
    action: Action = Action.ON_SEARCH,
    reason_code: str | None = None,
    reason_message: str | None = None,
) -> dict[str, Any]:
    """Build the header of an answer: sender and receiver swapped, a fresh message id, the status of its items.

    items: the items of the answer. With a `reason_code` the whole message is refused, whatever the items say.
    """
    statuses = [str(item["status"]) for item in items]
    open_ = statuses.count(Status.PENDING) + statuses.count(Status.RECEIVED)
    header: dict[str, object] = {
        "version": VERSION,
        "message_id": message_id,
        "message_ts": wire_time(now),
        "action": action.value,
        "status": (Status.REJECTED if reason_code else header_status(statuses)).value,
        "total_count": len(items) if items else max(0, request.total_count),
        "completed_count": len(items) - open_,
        "sender_id": sender_id,
    }
    if reason_code:
        header["status_reason_code"] = str(reason_code)
    if reason_message:
        header["status_reason_message"] = sentence(reason_message)
    if request.sender_id:
        header["receiver_id"] = request.sender_id
    header["is_msg_encrypted"] = False
    header["meta"] = {}
    return header


def acknowledgement(
    *, now: datetime, correlation_id: str, error: HttpError | None = None, status: AckStatus = AckStatus.ACK
) -> dict[str, Any]:
    """Build the answer to a message that is answered later, or to a callback; with an error it says `ERR`."""
    body: dict[str, object] = {
        "ack_status": (AckStatus.ERR if error else status).value,
        "timestamp": wire_time(now),
        "correlation_id": correlation_id,
    }
    if error:
        body["error"] = {"code": str(error.code), "message": sentence(error.message)}
    return {"message": body}


def error_body(code: ErrorCode | str, message: str) -> dict[str, Any]:
    """Build the body of an HTTP error (HttpErrorResponse)."""
    return {"errors": [{"code": str(code), "message": sentence(message)}]}
