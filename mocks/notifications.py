"""The notifications of one event: to every subscriber whom it concerns, one message with one record."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mocks.dci_message import Envelope, answer_header, moment
from mocks.events import CODES, Event

if TYPE_CHECKING:
    from mocks.dci import DciRegistry
    from mocks.subscriptions import Subscriptions


Addressed = tuple[str, dict[str, Any]]


def notifications(registry: DciRegistry, subscriptions: Subscriptions, event: Event) -> list[Addressed]:
    """Return addresses and messages; the transaction is that of the subscription, as the standard carries no code."""
    now, answers = moment(), []
    for one, thing in subscriptions.meant(event):
        data = {
            "version": "1.0.0",
            "reg_type": registry.reg_type,
            "reg_event_type": CODES[registry.name][event.kind],
            "reg_record_type": one.kind.record_type,
            "reg_records": one.kind.record(thing),
        }
        told = {"reference_id": str(uuid.uuid4()), "timestamp": now, "data": data, "locale": one.locale}
        asked = Envelope({"sender_id": one.sender_id}, one.transaction_id, [told])
        header = answer_header(asked, "notify", "succ", now=now, sender=registry.sender_id, completed=1)
        content = {"transaction_id": one.transaction_id, "notify_event": [told]}
        answers.append((one.url, {"header": header, "message": content}))
    return answers
