"""Whole search requests for the tests, to be broken in one place each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from standards.dci.validate import Leniency, read_search

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
BY_UIN = {"query_type": "idtype-value", "query": {"type": "UIN", "value": "847951632"}}


def question(reference_id: str = "ref-1", **criteria: Any) -> dict[str, Any]:
    """Return one question; a criterion of None is left out."""
    asked = {"reg_type": "ns:org:RegistryType:Social", **BY_UIN, **criteria}
    return {
        "reference_id": reference_id,
        "timestamp": NOW.isoformat(),
        "search_criteria": {name: value for name, value in asked.items() if value is not None},
    }


def request(*questions: Any, **header: Any) -> dict[str, Any]:
    """Return a whole message; a header member of None is left out."""
    asked = questions or (question(),)
    said = {
        "version": "1.0.0",
        "message_id": "m-1",
        "message_ts": NOW.isoformat(),
        "action": "search",
        "sender_id": "spmis.example.org",
        "receiver_id": "gateway.example.org",
        "total_count": len(asked),
        "meta": {},
        **header,
    }
    return {
        "header": {name: value for name, value in said.items() if value is not None},
        "message": {"transaction_id": "t-1", "search_request": list(asked)},
    }


def read(message: object, **leniency: Any) -> Any:
    """Read a message at the tests' moment."""
    return read_search(message, now=NOW, leniency=Leniency(**leniency))


def read_one(asked: object, **leniency: Any) -> Any:
    """Read a message with one question, and return its item."""
    return read(request(asked), **leniency).items[0]
