"""What registries tell of subscriptions and events, after their messages were found to be theirs.

Each function returns when what was said is kept for good; then the registry's message may be acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.bootstrap import Gateway
from standards.dci.notified import read_notify, read_on_subscribe, read_on_unsubscribe
from standards.errors import MalformedMessageError


async def on_subscribe(gateway: Gateway, source_id: str, raw: Mapping[str, Any]) -> None:
    """Take in what a registry says to our wishes to be told of events.

    Raises: MalformedMessageError when it cannot be read; JournalError when it cannot be kept.
    """
    await gateway.subscriptions.asking.answered(source_id, read_on_subscribe(_payload(raw)))


async def on_unsubscribe(gateway: Gateway, source_id: str, raw: Mapping[str, Any]) -> None:
    """Take in what a registry says to our wishes to be told no more.

    Raises: as `on_subscribe` does.
    """
    await gateway.subscriptions.asking.unanswered(source_id, read_on_unsubscribe(_payload(raw)))


async def notified(gateway: Gateway, source_id: str, raw: Mapping[str, Any]) -> None:
    """Take in what a registry says has happened: what was kept of the people concerned is gone when this returns.

    Raises: as `on_subscribe` does.
    """
    today = gateway.rooms.now().date().isoformat()
    _, events = read_notify(_payload(raw), told_at=today)
    for event in events:
        await gateway.subscriptions.happening.happened(source_id, event)


def _payload(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = raw.get("message")
    if not isinstance(inner, dict):
        raise MalformedMessageError("a message is an object with header and message")
    return inner
