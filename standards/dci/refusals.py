"""What the answer to a refused message still holds, so that it has the shape of an answer to its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ITEMS: Final[Mapping[str, str]] = {
    "sync/search": "search_response",
    "sync/disabled": "disabled_response",
    "sync/get-disability-details": "search_response",
    "sync/get-disability-support": "search_response",
    "sync/enrolled": "enrolled_response",
    "sync/enrollment/updates": "enrolled_response",
    "sync/check-enrollment": "enrolled_response",
}
"""Path -> member of its answer that holds the items."""


def no_items(path: str, transaction_id: str, correlation_id: str) -> dict[str, Any]:
    """Return what stands beside the header of an answer that refuses a whole message.

    path: of the operation, below `/registry/`.
    """
    payload: dict[str, Any] = {"transaction_id": transaction_id, "correlation_id": correlation_id}
    if path == "sync/txn/status":
        return payload | {"txnstatus_response": {"txn_type": "search", "txn_status": payload | {"search_response": []}}}
    return payload | ({_ITEMS[path]: []} if path in _ITEMS else {})
