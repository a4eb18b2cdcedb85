"""What a test may tell and ask the asynchronous side of a registry, below `/_sandbox/`."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from mocks.dci_later import Later
from mocks.dci_message import moment
from mocks.manners import MalformedMannerError
from mocks.registry import json_answer


def controls(later: Later) -> Iterable[web.RouteDef]:
    """Return the routes."""

    async def set_manner(request: web.Request) -> web.Response:
        try:
            later.manners.store(await request.read())
        except MalformedMannerError as problem:
            return json_answer({"error": str(problem)}, status=422)
        return await show(request)

    async def show(request: web.Request) -> web.Response:
        sent = [one._asdict() for one in later.callbacks.sent]
        manner = later.manners.manner._asdict()
        return json_answer({"manner": manner, "under_way": later.callbacks.under_way, "sent": sent})

    async def clear(request: web.Request) -> web.Response:
        later.manners.clear()
        later.callbacks.sent.clear()
        return web.Response(status=204)

    async def subscribed(request: web.Request) -> web.Response:
        now = moment()
        shown = [one.shown("subscribe", now) | {"sender_id": one.sender_id} for one in later.subscriptions.all]
        return json_answer({"total": len(shown), "subscriptions": shown})

    async def end_tokens(request: web.Request) -> web.Response:
        later.registry.tokens.end_all()
        return web.Response(status=204)

    yield web.put("/_sandbox/callbacks", set_manner)
    yield web.get("/_sandbox/callbacks", show)
    yield web.delete("/_sandbox/callbacks", clear)
    yield web.get("/_sandbox/subscriptions", subscribed)
    yield web.delete("/_sandbox/tokens", end_tokens)
