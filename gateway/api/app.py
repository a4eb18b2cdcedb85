"""The aiohttp application: which path is answered by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from gateway.api import health, sandbox, tokens, wellknown
from gateway.api.dci import asynchronous, callbacks, routes, status, webinar
from gateway.api.described import docs
from gateway.api.middleware import around
from gateway.api.native import (
    agreements,
    consents,
    emergencies,
    households,
    registrations,
    registries,
    rehearsals,
    trail,
    trail_disputes,
)
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway


def application(gateway: Gateway) -> web.Application:
    """Return the HTTP surface of a gateway; the gateway opens and closes with it."""
    app = web.Application(middlewares=[around], client_max_size=gateway.settings.server.max_body_bytes)
    app[GATEWAY] = gateway
    app.router.add_routes(
        [
            web.post("/oauth2/client/token", tokens.token),
            *routes.routes(),
            *webinar.routes(),
            *callbacks.routes(),
            web.post("/v1/households/lookup", households.lookup),
            web.get("/v1/agreements", agreements.listing),
            web.get("/v1/agreements/{id}/versions/{version}/schemas/{shape}", agreements.schema),
            *registries.routes(),
            *registrations.routes(),
            *consents.routes(),
            *trail.routes(),
            *trail_disputes.routes(),
            *emergencies.routes(),
            web.get("/.well-known/jwks.json", wellknown.jwks),
            web.get("/contexts/v1/{name}.jsonld", wellknown.context),
            web.get("/health", health.health),
            web.get("/ready", health.ready),
            web.get("/metrics", health.metrics),
            web.get("/openapi.json", docs.openapi),
            web.get("/collection.json", docs.requests),
            web.get("/docs", docs.page),
            web.get("/docs/style.css", docs.style),
        ]
    )
    if gateway.settings.sandbox:
        app.router.add_delete("/_sandbox/cache", sandbox.clear_cache)
        app.router.add_post("/_sandbox/rehearsals", rehearsals.rehearse)
    app.cleanup_ctx.append(_open)
    return app


async def _open(app: web.Application) -> AsyncIterator[None]:
    later = asynchronous.attach(app[GATEWAY])
    status.attach(app[GATEWAY])
    await app[GATEWAY].open()
    await asynchronous.resume(app[GATEWAY], later)
    yield
    await app[GATEWAY].close()
