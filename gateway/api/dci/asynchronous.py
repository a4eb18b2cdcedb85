"""`POST /registry/search`: remembered before it is acknowledged, answered later by a callback, exactly once.

kill -9 at any moment leaves one of two things: no acknowledgement, and then the consumer asks again, under the same
`message_id`, and gets the same correlation id; or an acknowledgement, and then exactly one result that can be told by
its idempotency key, whatever else is killed until it is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.api.dci.exchange import Received, acknowledged
from gateway.api.dci.later import ITEMS, SEARCH, Later
from gateway.api.state import SUMMARY
from gateway.bootstrap import Gateway
from gateway.delivery.where import Callback
from gateway.transactions import Asked
from standards.dci.search import SearchMessage


async def search(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Acknowledge questions that are answered later.

    Raises: RequestError when they cannot be, or there is no address to answer at.
    """
    message = gateway.admission.questions(received.opened, received.reg_type)
    url = gateway.deliveries.address(received.consumer, Callback.ON_SEARCH, received.header.sender_uri)
    correlation_id = await begin(gateway, received, message, request_of(received, url))
    request[SUMMARY] = {
        "consumer": received.consumer.client_id,
        "correlation": correlation_id,
        "items": len(message.items),
    }
    return acknowledged(received._replace(correlation_id=correlation_id))


async def begin(
    gateway: Gateway, received: Received, message: SearchMessage, request: Mapping[str, object], after_s: float = 0.0
) -> str:
    """Remember questions that are answered later, have them answered, and return their correlation id.

    request: what is kept of the message, as `request_of` has it.
    """
    # INVARIANT: one transaction, one outcome: what is acknowledged is durable; what comes twice is answered once.
    correlation_id = await gateway.transactions.begin(
        received.consumer.client_id,
        SEARCH,
        Asked(
            message.transaction_id,
            received.correlation_id,
            received.header.message_id,
            received.body,
            tuple(item.reference_id for item in message.items),
            request,
        ),
    )
    await gateway.work.start(SEARCH, correlation_id, {}, after_s=after_s)
    return correlation_id


def request_of(received: Received, url: str) -> dict[str, object]:
    """Return what is kept of a message, to answer it later at an address."""
    return {
        "url": url,
        "header": received.opened.raw["header"],
        "message": received.message,
        "reg_type": received.reg_type,
    }


def attach(gateway: Gateway) -> Later:
    """Let a gateway's durable work answer what was acknowledged; before the gateway opens."""
    later = Later(gateway)
    gateway.work.handle(SEARCH, later.answer)
    gateway.deliveries.builds(SEARCH, later.build)
    gateway.deliveries.reviews(later.review)
    return later


async def resume(gateway: Gateway, later: Later) -> None:
    """Begin again with everything that is acknowledged and not answered, and with whatever waits to be delivered.

    Answers from before are given anew when they are sent, since nobody knows what they rest on: they are forgotten.
    """
    gateway.rooms.fetcher.calls.forgets_for(later.forgotten)
    await gateway.deliveries.outbox.unsaid(SEARCH, ITEMS)
    for correlation_id in await gateway.transactions.open_ones(SEARCH):
        await gateway.work.start(SEARCH, correlation_id, {})
    await gateway.deliveries.resume()
