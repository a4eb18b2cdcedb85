"""Errors as registries state them, in any of the five forms met in the field; what each code asks us to do.

    {"errors": [{"code": ..., "message": ...}]}        the standard's HttpErrorResponse
    {"message": {"ack_status": "ERR", "error": {...}}}  the standard's acknowledgement
    {"error": {"code": ..., "message": ...}}            others' own, also `{"error": "text"}`
    application/problem+json                            RFC 9457
    any text

Of all of them only a code that looks like one is kept: their texts can quote the people asked about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

import orjson

from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.ports import Response

_CODE: Final = re.compile(
    r"(?:err|rjct)(?:\.[a-z_]{1,40}){1,4}|[1-5]\d\d|[A-Z]{2,20}(?:[_-][A-Z]{2,20}){1,4}(?:-\d{1,4})?"
)
"""Codes of the standard, numbers of statuses, words in capitals: nothing that anybody is called or numbered by."""
_ACCEPTED: Final = frozenset({"ACK", "NACK"})
_REFUSES: Final = frozenset({"ERR_ACCESS_DENIED", "err.request.unauthorized", "err.request.forbidden", "401", "403"})
_MAY_PASS: Final = {
    "err.request.timeout": UnavailableReason.SOURCE_TIMEOUT,
    "408": UnavailableReason.SOURCE_TIMEOUT,
    "err.request.too_many_requests": UnavailableReason.SOURCE_BUSY,
    "429": UnavailableReason.SOURCE_BUSY,
    "err.service.unavailable": UnavailableReason.SOURCE_DOWN,
}
UNNAMED: Final = "unnamed error"


def check_answer(response: Response, source_id: str) -> None:
    """Return when the status is a success; else raise what the status means, with the code that the body states.

    Raises: SourceError as `check_status` does.
    """
    if 200 <= response.status <= 299:
        return
    try:
        parsed = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        parsed = None
    code = fault_in(parsed)
    check_status(response, source_id, said=f", {code}" if code not in (None, UNNAMED, str(response.status)) else "")


def fault_in(parsed: object) -> str | None:
    """Return the code of the error that a body states, `UNNAMED` where it has none to show; None if it states none."""
    if not isinstance(parsed, dict):
        return None
    inner = parsed.get("message")
    ack = inner if isinstance(inner, dict) and "ack_status" in inner else parsed
    if str(ack.get("ack_status", "")).upper() in _ACCEPTED:
        return None  # some products state an `error` beside every acknowledgement
    for stated in (parsed.get("errors"), ack.get("error"), parsed.get("error")):
        first = stated[0] if isinstance(stated, list) and stated else stated
        if first:
            return _code(first.get("code") if isinstance(first, dict) else None)
    if "ack_status" in ack:
        return UNNAMED
    is_problem = "title" in parsed and ("status" in parsed or "type" in parsed)
    return _code(parsed.get("code", parsed.get("status"))) if is_problem else None


def raise_fault(code: str, source_id: str) -> NoReturn:
    """Raise what an error that came instead of an answer asks us to do: ask later, not at all, or report it."""
    if code in _REFUSES or code.startswith("err.signature"):
        raise SourceRefusedError(source_id, f"error {code}")
    reason = _MAY_PASS.get(code)
    if reason is None and code.startswith("5") and len(code) == 3:
        reason = UnavailableReason.SOURCE_DOWN
    if reason is not None:
        raise SourceUnavailableError(source_id, reason, f"error {code}")
    raise SourceContractError(source_id, f"error {code}")


def _code(stated: object) -> str:
    word = str(stated) if isinstance(stated, str | int) else ""
    return word if _CODE.fullmatch(word) else UNNAMED
