"""Answer now, the rest by callback: a synchronous search whose consumer would rather not wait for a late registry.

`"hearth:callback_rest": true` in the message, beside `search_request`. What could be had by the deadline is answered
at once, with the missing registries named; one `on-search` callback then brings the whole answer, under the same
correlation id, as soon as they were heard, or when `asynchronous.rest_wait_s` have passed, with what there is.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api.dci import search
from gateway.api.dci.asynchronous import begin, request_of
from gateway.api.dci.exchange import Received
from gateway.api.state import SUMMARY
from gateway.bootstrap import Gateway
from gateway.delivery.where import Callback

WANTED: Final = "hearth:callback_rest"
HEADER: Final = "Hearth-Rest"
"""Header of the HTTP answer: `callback` when one follows, `none` when the answer is whole."""


async def sync_search(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer every question of a message, and promise a callback for what is missing, if that was asked for.

    Raises: RequestError when it was, and there is no address to call back.
    """
    if received.message.get(WANTED) is not True:
        return await search.sync_search(gateway, received, request)
    url = gateway.deliveries.address(received.consumer, Callback.ON_SEARCH, received.header.sender_uri)
    response = await search.sync_search(gateway, received, request)
    is_whole = not request[SUMMARY].get("outcomes")
    if not is_whole:
        # INVARIANT: a callback that an answer announces is durable before the answer leaves.
        message = gateway.admission.questions(received.opened, received.reg_type)
        until = received.now.timestamp() + gateway.settings.asynchronous.rest_wait_s
        await begin(gateway, received, message, request_of(received, url) | {"rest_until": until}, after_s=1.0)
    response.headers[HEADER] = "none" if is_whole else "callback"
    return response
