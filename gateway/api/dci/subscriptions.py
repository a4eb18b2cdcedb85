"""`POST /registry/subscribe` and `/registry/unsubscribe`: acknowledged at once, answered by a callback."""

from __future__ import annotations

from aiohttp import web

from gateway.api.dci.exchange import Received, acknowledged
from gateway.api.state import SUMMARY
from gateway.bootstrap import Gateway
from gateway.delivery.where import Callback
from gateway.settings import Consumer
from gateway.transactions import Asked
from standards.dci.subscribe import read_subscribe, read_unsubscribe


async def subscribe(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Take requests for subscriptions; what became of each is told by `on-subscribe`."""
    consumer, message = received.consumer, received.message
    transaction_id, items = read_subscribe(
        message,
        default=received.reg_type,
        total_count=received.header.total_count,
        max_items=gateway.settings.messages.max_items,
    )
    uri = received.header.sender_uri
    urls = (
        gateway.deliveries.address(consumer, Callback.ON_SUBSCRIBE, uri),
        _for_notifications(gateway, consumer, uri),
    )
    references = list(dict.fromkeys(item.reference_id for item in items))
    received = await _begun(gateway, received, "subscribe", transaction_id, references)
    await gateway.subscriptions.add(consumer, received.correlation_id, message, default=received.reg_type, urls=urls)
    request[SUMMARY] = _summary(received, len(items))
    return acknowledged(received)


async def unsubscribe(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Take the wish to end subscriptions; what became of it is told by `on-unsubscribe`."""
    consumer, message = received.consumer, received.message
    asked = read_unsubscribe(message)
    url = gateway.deliveries.address(consumer, Callback.ON_UNSUBSCRIBE, received.header.sender_uri)
    received = await _begun(gateway, received, "unsubscribe", asked.transaction_id, [])
    await gateway.subscriptions.remove(consumer, received.correlation_id, message, url)
    request[SUMMARY] = _summary(received, len(asked.codes))
    return acknowledged(received)


async def _begun(
    gateway: Gateway, received: Received, kind: str, transaction_id: str, references: list[str]
) -> Received:
    """Return the message under the correlation id by which it is known: an earlier one where it came before."""
    asked = Asked(transaction_id, received.correlation_id, received.header.message_id, received.body, references)
    correlation_id = await gateway.transactions.begin(received.consumer.client_id, kind, asked)
    return received._replace(correlation_id=correlation_id)


def _for_notifications(gateway: Gateway, consumer: Consumer, sender_uri: str | None) -> str:
    """Return where notifications go: the registered address, else that of the message with another last segment."""
    if consumer.callback_url or not sender_uri:
        return gateway.deliveries.address(consumer, Callback.NOTIFY, None)
    base, _, last = sender_uri.rstrip("/").rpartition("/")
    # DEVIATION 25: the standard does not say where notifications go.
    uri = f"{base}/{Callback.NOTIFY}" if last.startswith("on-") else sender_uri
    return gateway.deliveries.address(consumer, Callback.NOTIFY, uri)


def _summary(received: Received, items: int) -> dict[str, object]:
    return {"consumer": received.consumer.client_id, "correlation": received.correlation_id, "items": items}
