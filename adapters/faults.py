"""Errors as registries state them, in any of the five forms met in the field; what each code asks us to do.

    {"errors": [{"code": ..., "message": ...}]}        the standard's HttpErrorResponse
    {"message": {"ack_status": "ERR", "error": {...}}}  the standard's acknowledgement
    {"error": {"code": ..., "message": ...}}            others' own, also `{"error": "text"}`
    application/problem+json                            RFC 9457
    any text

Of all of them only a code is kept, as it may be shown: their texts can quote the people asked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from adapters.shown import UNNAMED, shown
from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.json_bodies import JsonError, parsed
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.ports import Response

_ACCEPTED: Final = frozenset({"ACK", "NACK"})
_REFUSES: Final = frozenset({"ERR_ACCESS_DENIED", "err.request.unauthorized", "err.request.forbidden", "401", "403"})
_MAY_PASS: Final = {
    "err.request.timeout": UnavailableReason.SOURCE_TIMEOUT,
    "408": UnavailableReason.SOURCE_TIMEOUT,
    "err.request.too_many_requests": UnavailableReason.SOURCE_BUSY,
    "429": UnavailableReason.SOURCE_BUSY,
    "err.service.unavailable": UnavailableReason.SOURCE_DOWN,
}


def check_answer(response: Response, source_id: str) -> None:
    """Return when the status is a success; else raise what the status means, with the code that the body states.

    Raises: SourceError as `check_status` does.
    """
    if 200 <= response.status <= 299:
        return
    try:
        code = fault_in(parsed(response.body))
    except JsonError:
        code = None
    check_status(response, source_id, said=f", {code}" if code not in (None, UNNAMED, str(response.status)) else "")


def fault_in(content: object) -> str | None:
    """Return the code of the error that a body states, `UNNAMED` where it has none to show; None if it states none."""
    if not isinstance(content, dict):
        return None
    inner = content.get("message")
    ack = inner if isinstance(inner, dict) and "ack_status" in inner else content
    status = ack.get("ack_status")
    if isinstance(status, str) and status.upper() in _ACCEPTED:
        return None  # some products state an `error` beside every acknowledgement
    for stated in (content.get("errors"), ack.get("error"), content.get("error")):
        first = stated[0] if isinstance(stated, list) and stated else stated
        if first:
            return _code(first.get("code") if isinstance(first, dict) else None)
    if "ack_status" in ack:
        return UNNAMED
    is_problem = "title" in content and ("status" in content or "type" in content)
    return _code(content.get("code", content.get("status"))) if is_problem else None


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
    return shown(str(stated) if isinstance(stated, str | int) else None)
