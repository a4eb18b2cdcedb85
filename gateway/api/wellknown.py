"""What everybody may fetch: our public keys, and the contexts that explain our members of a record."""

from __future__ import annotations

import orjson
from aiohttp import web

from gateway.api.state import GATEWAY
from standards import contexts


async def jwks(request: web.Request) -> web.Response:
    """Return the keys that our signatures verify with, and those that messages to us are encrypted with."""
    published = request.app[GATEWAY].keys.published
    return _public({"keys": [dict(jwk) for jwk in published]}, "application/json")


async def context(request: web.Request) -> web.Response:
    """Return one JSON-LD context."""
    name = request.match_info["name"]
    if name not in contexts.context_names():
        raise web.HTTPNotFound
    return _public(contexts.context(name), "application/ld+json")


def _public(document: object, content_type: str) -> web.Response:
    response = web.Response(body=orjson.dumps(document), content_type=content_type)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
