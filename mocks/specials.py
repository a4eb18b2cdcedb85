"""The special questions of DCI, such as "is this person disabled?": reading their message, shaping their answer."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web

from mocks.dci_message import LONGEST_ID, is_moment, moment
from mocks.dci_query import RefusedItemError
from mocks.dci_tokens import errors
from mocks.registry import Call, json_answer

MOST_CONDITIONS: Final = 5


class Special(NamedTuple):
    """A special question that is whole."""

    header: Mapping[str, Any]
    transaction_id: str
    asked: Mapping[str, Any]
    """What stands under the operation's own member of the message, such as `disabled_criteria`."""


def served(
    member: str, answer: Callable[[Special, Call], web.Response]
) -> Callable[[web.Request, Call], Awaitable[web.Response]]:
    """Return the handler of a special question; `member` is where it stands in the message."""

    async def serve(request: web.Request, call: Call) -> web.Response:
        try:
            question = special(await request.read(), member)
        except ValueError as problem:
            return errors(400, "err.request.bad", str(problem))
        return answer(question, call)

    return serve


def special(body: bytes, member: str) -> Special:
    """Read a special question.

    Raises: ValueError, in words for the sender, when it is no such message at all.
    """
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    header = whole.get("header") if isinstance(whole, dict) else None
    message = whole.get("message") if isinstance(whole, dict) else None
    if not isinstance(header, dict) or not isinstance(message, dict):
        raise ValueError("a message has a header and a message")
    if not all(_short(header.get(name)) for name in ("message_id", "message_ts", "action", "sender_id")):
        raise ValueError("the header lacks message_id, message_ts, action or sender_id")
    transaction_id, asked = message.get("transaction_id"), message.get(member)
    if not _short(transaction_id) or not isinstance(asked, dict):
        raise ValueError(f"the message has a transaction_id and {member}")
    return Special(header, str(transaction_id), asked)


def refusal_of(question: Special, action: str) -> str | None:
    """Return the reason code for which the whole question is refused, or None."""
    if question.header["action"] != action:
        return "rjct.action.invalid"
    return None if is_moment(question.header["message_ts"]) else "rjct.message_ts.invalid"


def asked_about(question: Special) -> tuple[str, str | None]:
    """Return the number of the person asked about, and the programme, where one is named.

    Raises: RefusedItemError.
    """
    asked = _compared(question.asked)
    programme = asked.pop("programme_identifier", None)
    if len(asked) != 1 or next(iter(asked)) not in ("person_identifier", "member_identifier", "identifier_value"):
        raise _invalid()
    return next(iter(asked.values())), programme


def _compared(criteria: Mapping[str, Any]) -> dict[str, str]:
    """Return what a query compares, by the last part of each path: `{"a.b": {"eq": "1"}}` gives `{"b": "1"}`.

    An `idtype-value` query gives `person_identifier`.
    Raises: RefusedItemError.
    """
    query = criteria.get("query")
    if not isinstance(query, dict) or not 0 < len(query) <= MOST_CONDITIONS:
        raise _invalid()
    if criteria.get("query_type") == "idtype-value":
        query = {"person_identifier": query.get("value")}
    found: dict[str, str] = {}
    for path, wanted in query.items():
        value = wanted
        if isinstance(wanted, dict):
            value = next(iter(wanted.values())) if list(wanted) in (["eq"], ["$eq"]) else None
        if not isinstance(value, str) or not value:
            raise _invalid()
        found[path.rsplit(".", 1)[-1]] = value
    return found


def answer_to_special(
    question: Special,
    content: Mapping[str, Any],
    *,
    action: str,
    sender: str,
    code: str | None = None,
    message: str | None = None,
) -> web.Response:
    """Return the answer to a special question: refused whole where a reason code or a message says why."""
    header: dict[str, Any] = {
        "version": "1.0.0",
        "message_id": str(uuid.uuid4()),
        "message_ts": moment(),
        "action": action,
        "status": "succ" if code is None and message is None else "rjct",
        "sender_id": question.header.get("receiver_id") or sender,
        "receiver_id": question.header["sender_id"],
        "is_msg_encrypted": False,
    }
    if code is not None:
        header["status_reason_code"] = code
    if message is not None:
        header["status_reason_message"] = message
    payload = {"transaction_id": question.transaction_id, "correlation_id": str(uuid.uuid4()), **content}
    return json_answer({"header": header, "message": payload})


def stamped(question: Special, status: str = "succ", number: int | None = None) -> dict[str, Any]:
    """Return the opening of an answer item; special questions have no reference of their own, so it is made here."""
    reference = str(question.header["message_id"])
    own = reference if number is None else f"{reference[: LONGEST_ID - 5]}-{number}"
    return {"reference_id": own, "timestamp": moment(), "status": status}


def page_of(records: Sequence[Any]) -> dict[str, int]:
    """Return the pagination of an answer that is all on one page."""
    return {"page_size": max(1, len(records)), "page_number": 1, "total_count": len(records)}


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID


def _invalid() -> RefusedItemError:
    return RefusedItemError("rjct.search_criteria.invalid", 'a query is like {"person_identifier": {"eq": "..."}}')
