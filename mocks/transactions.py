"""What a registry knows of the asynchronous messages it has accepted, and the answers to enquiries about them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_REMEMBERED: Final = 10_000
TYPES: Final = ("search", "subscribe", "unsubscribe")
_BATCH: Final = {"search": "search_response", "subscribe": "subscribe_response"}


@dataclass(frozen=True, slots=True)
class Transaction:
    """One accepted message; `payload` is what its callback says, and counts from `ready_at` on."""

    txn_type: str
    sender_id: str
    transaction_id: str
    correlation_id: str
    references: tuple[str, ...]
    codes: tuple[str, ...]
    payload: Mapping[str, Any]
    ready_at: float

    def told(self, references: Sequence[str], now: str) -> dict[str, Any]:
        """Return the payload as an enquiry is told it, about these references only when there are any."""
        ids = {"transaction_id": self.transaction_id, "correlation_id": self.correlation_id}
        is_ready = time.monotonic() >= self.ready_at
        batch = _BATCH.get(self.txn_type)
        if batch is None:
            return dict(self.payload) if is_ready else ids | {"timestamp": now, "status": "pdng"}
        if is_ready:
            items = [item for item in self.payload[batch] if not references or item["reference_id"] in references]
            return {**self.payload, batch: items}
        waiting = [one for one in self.references if not references or one in references]
        return ids | {batch: [{"reference_id": one, "timestamp": now, "status": "pdng"} for one in waiting]}


class Transactions:
    """The accepted messages of one registry, the newest last."""

    def __init__(self, *, tells_objects: bool) -> None:
        self._known: list[Transaction] = []
        self._tells_objects = tells_objects

    def store(self, transaction: Transaction) -> None:
        """Remember a message."""
        self._known.append(transaction)
        del self._known[:-_REMEMBERED]

    def answer(self, request: Mapping[str, Any], sender_id: str, now: str) -> tuple[dict[str, Any], str | None]:
        """Return `txnstatus_response` for an enquiry, and why it is refused, if it is."""
        txn_type, type_ = request.get("txn_type"), request.get("attribute_type")
        value = request.get("attribute_value")
        given = value if isinstance(value, list) else [value]
        values = [one for one in given if isinstance(one, str)]
        found = next((one for one in reversed(self._known) if _fits(one, txn_type, type_, values, sender_id)), None)
        if found is not None:
            references = values if type_ == "reference_id_list" else []
            told = found.told(references, now)
            if txn_type == "search" and self._tells_objects:
                told["search_response"] = [part for item in told["search_response"] for part in _as_objects(item)]
            return {"txn_type": txn_type, "txn_status": told}, None
        item = {
            "reference_id": str(request.get("reference_id", "")),
            "timestamp": now,
            "status": "rjct",
            "status_reason_code": "rjct.reference_id.invalid",
        }
        unknown = {"transaction_id": "unknown", "correlation_id": "unknown", "search_response": [item]}
        # The release has only these words; an enquiry in others is answered as one about a search.
        said = txn_type if txn_type in TYPES else "search"
        return {"txn_type": said, "txn_status": unknown}, "no such transaction is known here"


def _as_objects(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return an item as the civil and the farmer registry's files want it in a status answer: one record an item.

    There, and nowhere else, the release has `reg_records` as an object.
    """
    if "data" not in item:
        return [item]
    records, total = item["data"]["reg_records"], item["pagination"]["total_count"]
    if not records:
        return [{name: value for name, value in item.items() if name != "data"}]
    return [
        {
            **item,
            "data": {**item["data"], "reg_records": record},
            "pagination": {"page_size": 1, "page_number": number, "total_count": total},
        }
        for number, record in enumerate(records, start=1)
    ]


def _fits(one: Transaction, txn_type: Any, type_: Any, values: Sequence[str], sender_id: str) -> bool:
    if one.txn_type != txn_type or one.sender_id != sender_id or not values:
        return False
    match type_:
        case "transaction_id":
            return one.transaction_id == values[0]
        case "correlation_id":
            return one.correlation_id == values[0]
        case "reference_id_list":
            return not set(one.references).isdisjoint(values)
        case "subscription_code_list":
            return not set(one.codes).isdisjoint(values)
    return False
