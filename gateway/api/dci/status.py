"""`sync/txn/status` and `txn/status`: what became of a message that is answered later; each consumer sees its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.api.dci.exchange import Received, acknowledged, answered
from gateway.bootstrap import Gateway
from gateway.delivery.where import Callback
from gateway.settings import Consumer
from standards.dci.codes import Action, RegType, Status
from standards.dci.status import UNKNOWN, Became, StatusAsked, read_status, told

KIND = "txn-on-status"
"""Name of these deliveries."""


async def sync_status(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer at once."""
    asked = read_status(received.message, received.reg_type)
    found = await _found(gateway, received.consumer, asked)
    payload = told(asked, found, received.reg_type, received.correlation_id, received.now)
    if found:
        return answered(gateway, received, payload, [Status.SUCCEEDED])
    return answered(gateway, received, payload, [Status.REJECTED], UNKNOWN)


async def status(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Acknowledge, and answer by a callback that tells how things are when it is sent."""
    asked = read_status(received.message, received.reg_type)
    url = gateway.deliveries.address(received.consumer, Callback.TXN_ON_STATUS, received.header.sender_uri)
    # INVARIANT: one transaction, one outcome: the same message once more is the same delivery, under the same name.
    named = f"txn/status\x00{received.consumer.client_id}\x00{received.header.message_id}"
    received = received._replace(correlation_id=gateway.keys.digest_of(named))
    content = {
        "asked": asked._asdict(),
        "reg_type": received.reg_type,
        "correlation_id": received.correlation_id,
    }
    await gateway.deliveries.send(received.consumer, KIND, url, f"status-{received.correlation_id}", content)
    return acknowledged(received)


def attach(gateway: Gateway) -> None:
    """Have the callbacks of `status` built when they are sent; before the gateway opens."""

    async def build(consumer: Consumer, id: str, content: Mapping[str, Any]) -> dict[str, Any]:
        asked = StatusAsked(**{**content["asked"], "values": tuple(content["asked"]["values"])})
        reg_type = RegType(content["reg_type"]) if content["reg_type"] else None
        found = await _found(gateway, consumer, asked)
        payload = told(asked, found, reg_type, content["correlation_id"], gateway.rooms.now())
        header: dict[str, Any] = {"action": Action.TXN_ON_STATUS, "status": Status.SUCCEEDED, "total_count": 1}
        if not found:
            header |= {"status": Status.REJECTED, "status_reason_message": UNKNOWN}
        return {"header": header | {"completed_count": 1}, "message": payload}

    gateway.deliveries.builds(KIND, build)


async def _found(gateway: Gateway, consumer: Consumer, asked: StatusAsked) -> list[Became]:
    # INVARIANT: nobody learns of another consumer's transactions; an unknown one and another's look alike.
    known = await gateway.transactions.find(consumer.client_id, asked.attribute_type, asked.values)
    return [
        Became(one.transaction_id, one.correlation_id, one.status, one.items, one.at)
        for one in known
        if one.kind == asked.txn_type
    ]
