"""Raw JSON -> a typed search message, or the code that says why not.

Liberal in what it takes; DEVIATIONS.md lists how. A fault of the message as a whole raises; a fault of one
question makes that item a `RejectedItem`, so that the others are still answered. No sentence ever holds a value of
the message.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from standards.attributes import Catalogue
from standards.dci.codes import Action, ErrorCode, HeaderReason, RegType
from standards.dci.envelope import VERSION, Header
from standards.dci.question import read_item
from standards.dci.reading import MAX_ID, boolean, integer, is_absent, moment
from standards.dci.search import SearchMessage
from standards.errors import MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_URI: Final = 2048

_VERSION: Final = re.compile(r"v?1(\.\d{1,3}){0,2}\Z", re.ASCII)


class Leniency(NamedTuple):
    """How far one endpoint, or one sender, may differ from the standard, and how much it may ask at once."""

    two_letter_locales: bool = False
    message_age_s: float = 300.0
    """Oldest `message_ts` taken."""
    future_s: float = 60.0
    """How far `message_ts` may lie ahead of our clock."""
    placeholders: frozenset[str] = frozenset()
    """Literal signatures that count as none; see `standards.signing.verify_policy`."""
    default_reg_type: RegType | None = None
    """Which registry a question without `reg_type` is for; None refuses such a question."""
    max_items: int = 100
    max_page_size: int = 500
    count_must_match: bool = True
    """Refuse a `total_count` that is not the number of items."""


def read_search(raw: object, *, now: datetime, leniency: Leniency, catalogue: Catalogue | None = None) -> SearchMessage:
    """Read a search request that was parsed from JSON.

    Raises: MalformedMessageError whose `reason_code` is `err.request.bad` for a broken envelope, the `rjct.*` code
        of the header for a wrong header, and `err.encryption.invalid` for an encrypted message.
    """
    header = read_header(raw, now=now, leniency=leniency, action=Action.SEARCH)
    return read_questions(header, raw["message"], leniency=leniency, catalogue=catalogue)  # type: ignore[index]


def read_questions(
    header: Header, message: Mapping[str, object], *, leniency: Leniency, catalogue: Catalogue | None = None
) -> SearchMessage:
    """Read the questions of a message whose header was read.

    Raises: MalformedMessageError as `read_search` does.
    """
    transaction_id = read_id(message, "transaction_id")
    items = message.get("search_request")
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not items:
        raise MalformedMessageError("message.search_request is an array of at least one question")
    if len(items) > leniency.max_items:
        raise _header_refused(
            HeaderReason.TOTAL_COUNT_LIMIT_EXCEEDED, f"a message holds at most {leniency.max_items} questions"
        )
    if leniency.count_must_match and header.total_count != len(items):
        raise _header_refused(HeaderReason.TOTAL_COUNT_INVALID, "total_count is the number of questions")
    catalogue = catalogue or Catalogue.load()
    seen: set[str] = set()
    return SearchMessage(header, transaction_id, tuple(read_item(item, seen, leniency, catalogue) for item in items))


def read_header(raw: object, *, now: datetime, leniency: Leniency, action: Action) -> Header:
    """Read the header of a request, and see that there is a message beside it.

    Raises: MalformedMessageError as `read_search` does.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("header"), dict):
        raise MalformedMessageError("a message is an object with header and message")
    header: dict[str, object] = raw["header"]
    if boolean(header.get("is_msg_encrypted")):
        raise MalformedMessageError("encrypted messages are not taken here", reason_code=ErrorCode.ENCRYPTION_INVALID)
    if not isinstance(raw.get("message"), dict):
        raise MalformedMessageError("a message is an object with header and message")
    version = header.get("version")
    if not is_absent(version) and not (isinstance(version, str) and _VERSION.match(version)):
        raise _header_refused(HeaderReason.VERSION_INVALID, "the version is 1.0.0")
    if not read_id(header, "message_id"):
        raise MalformedMessageError("header.message_id is missing")
    sender_id = header.get("sender_id")
    if not isinstance(sender_id, str) or not 0 < len(sender_id) <= MAX_URI:
        raise MalformedMessageError("header.sender_id is missing")
    said = header.get("action")
    if not isinstance(said, str) or said.strip().lower() != action:
        raise _header_refused(HeaderReason.ACTION_INVALID, f"the action of this operation is {action}")
    sent = moment(header.get("message_ts"))
    if sent is None:
        raise _header_refused(HeaderReason.MESSAGE_TS_INVALID, "message_ts is an ISO 8601 timestamp with offset")
    if not -timedelta(seconds=leniency.future_s) <= now - sent <= timedelta(seconds=leniency.message_age_s):
        raise _header_refused(HeaderReason.MESSAGE_TS_INVALID, "message_ts is too far from the present")
    total_count = integer(header.get("total_count"))
    if total_count is None and not is_absent(header.get("status")):
        total_count = 0  # the header of a callback, which may leave it out
    if total_count is None or total_count < 0:
        raise _header_refused(HeaderReason.TOTAL_COUNT_INVALID, "total_count is the number of questions")
    return header_of(raw)._replace(total_count=total_count)


def header_of(raw: object) -> Header:
    """Return what can be read of a message's header, for an answer that refuses it; never raises."""
    header = raw.get("header") if isinstance(raw, dict) else None
    if not isinstance(header, dict):
        return Header("", None, "", "")
    meta = header.get("meta")
    return Header(
        message_id=_short(header.get("message_id"), MAX_ID) or "",
        message_ts=moment(header.get("message_ts")),
        action=_short(header.get("action"), MAX_ID) or "",
        sender_id=_short(header.get("sender_id"), MAX_URI) or "",
        receiver_id=_short(header.get("receiver_id"), MAX_URI),
        sender_uri=_short(header.get("sender_uri"), MAX_URI),
        total_count=min(max(0, integer(header.get("total_count")) or 0), 2**31 - 1),
        version=_short(header.get("version"), MAX_ID) or VERSION,
        is_msg_encrypted=bool(boolean(header.get("is_msg_encrypted"))),
        meta=meta if isinstance(meta, dict) else {},
    )


def transaction_id_of(raw: object) -> str:
    """Return what can be read of a message's transaction id, for an answer that refuses it; never raises."""
    message = raw.get("message") if isinstance(raw, dict) else None
    return _short(message.get("transaction_id"), MAX_ID) or "" if isinstance(message, dict) else ""


def _header_refused(code: HeaderReason, sentence: str) -> MalformedMessageError:
    return MalformedMessageError(sentence, reason_code=code)


def _short(value: object, limit: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def read_id(source: Mapping[str, object], name: str) -> str:
    """Return one of the message's ids as given, which may be empty.

    Raises: MalformedMessageError when it is none.
    """
    value = source.get(name)
    if not isinstance(value, str) or len(value) > MAX_ID:
        raise MalformedMessageError(f"{name} is a string of at most {MAX_ID} characters")
    return value
