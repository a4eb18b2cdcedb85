"""What everybody may fetch: our public keys, and the contexts that explain our members of a record."""

from __future__ import annotations

import orjson
from aiohttp import web

from gateway.api.state import GATEWAY
from standards import contexts
from standards.signing import public_jwk


async def jwks(request: web.Request) -> web.Response:
    """Return the keys that our signatures verify with."""
    key = request.app[GATEWAY].keys.signing.public_key()
    return _public({"keys": [public_jwk(key)]}, "application/json")


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
