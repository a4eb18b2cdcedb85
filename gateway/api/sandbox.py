"""Controls that exist only in a sandbox."""

from __future__ import annotations

from aiohttp import web

from gateway.api.state import GATEWAY


async def clear_cache(request: web.Request) -> web.Response:
    """Forget what is remembered of registries: every source record kept, and which circuit breakers are open."""
    gateway = request.app[GATEWAY]
    dropped = await gateway.rooms.fetcher.calls.clear()
    for registry in gateway.registries.values():
        registry.guarded.reset()
    return web.json_response({"dropped": dropped})
