"""What a programme may read about its own agreements: which there are, and the JSON Schemas of answers under them."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from gateway.api.authentication import caller
from gateway.api.state import GATEWAY
from gateway.api.views.view import Shape, schema_text, shapes_of
from gateway.bootstrap import Gateway, utc_now
from policies.agreement import Agreement, in_force


async def listing(request: web.Request) -> web.Response:
    """Return every version of the agreements of the programme that the token speaks for."""
    gateway = request.app[GATEWAY]
    own = _own(request)
    current = in_force(own, utc_now().date())
    entries = [_entry(gateway, one, is_current=one in current) for one in own]
    return web.Response(body=orjson.dumps({"agreements": entries}), content_type="application/json")


async def schema(request: web.Request) -> web.Response:
    """Return the schema of one shape of the answers under one version of an agreement.

    Somebody else's agreement is answered like one that is not there.
    """
    gateway = request.app[GATEWAY]
    match = request.match_info
    for agreement in _own(request):
        if (agreement.id, agreement.version) == (match["id"], match["version"]):
            if match["shape"] not in shapes_of(agreement):
                break
            shape = Shape(match["shape"])
            text = schema_text(agreement, shape, gateway.catalogue, address(gateway.base_url, agreement, shape))
            return web.Response(body=text, content_type="application/schema+json")
    raise web.HTTPNotFound


def address(base_url: str, agreement: Agreement, shape: Shape) -> str:
    """Return where the schema of an answer is published."""
    return f"{base_url}/v1/agreements/{agreement.id}/versions/{agreement.version}/schemas/{shape}"


def _own(request: web.Request) -> tuple[Agreement, ...]:
    gateway = request.app[GATEWAY]
    consumer = caller(gateway, request)
    return gateway.book.versions(consumer.client_id)


def _entry(gateway: Gateway, agreement: Agreement, *, is_current: bool) -> dict[str, Any]:
    return {
        "id": agreement.id,
        "version": agreement.version,
        "title": agreement.title,
        "start": agreement.start,
        "end": agreement.end,
        "in_force": is_current,
        "purposes": list(agreement.purposes),
        "schemas": {shape.value: address(gateway.base_url, agreement, shape) for shape in shapes_of(agreement)},
    }
