"""For the operator: whether the process lives, whether it can do its work, and its metrics."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.agreements import standing
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now


async def health(request: web.Request) -> web.Response:
    """Say that the process answers; nothing else is looked at."""
    return web.json_response({"status": "up"})


async def ready(request: web.Request) -> web.Response:
    """Say whether questions can be answered: 503 when the journal cannot be written, or a store does not answer.

    A registry that is down does not make the gateway unready: its attributes are then `unavailable`, and listed here.
    """
    gateway = request.app[GATEWAY]
    registries = {id_: "open" if r.guarded.is_open else "closed" for id_, r in gateway.registries.items()}
    stores, is_writable = await gateway.pulses.beats(), gateway.journal.is_writable
    is_ready = is_writable and all(stores.values())
    counts = gateway.rooms.fetcher.calls.counts().values()
    body = {
        "status": "ready" if is_ready else "not_ready",
        "journal": "writable" if is_writable else "not_writable",
        "journal_copy": "behind" if gateway.journal.trouble else "kept",
        "stores": {f"stores.{name}": "answers" if answers else "silent" for name, answers in stores.items()},
        "circuit_breakers": registries,
        "suspended": {
            "consumers": sorted(gateway.suspensions.consumers()),
            "registries": sorted(gateway.suspensions.registries()),
        },
        "linkage": gateway.linker.standing._asdict(),
        "registries": {
            "connected": {one.id: one.version for one in gateway.lineups.live.manifests},
            "canary": {m.id: m.version for one in gateway.lineups.canaries for m in one.manifests if m.id in one.ids},
            "shadow": {m.id: m.version for m in gateway.lineups.shadowed},
            "not_in_force": [
                {"where": n.where, "reason": n.kind.value, "detail": n.sentence} for n in gateway.lineups.notices
            ],
        },
        "lists": {id_: state._asdict() for id_, r in gateway.registries.items() if (state := r.list_state())},
        "agreements": standing(gateway.book, utc_now().date()),
        "cache": {
            "records": len(gateway.cache),
            "bytes": gateway.cache.size_bytes,
            "max_bytes": gateway.cache.max_bytes,
            "hits": sum(c.hits for c in counts),
            "misses": sum(c.misses for c in counts),
        },
    }
    return web.Response(status=200 if is_ready else 503, body=orjson.dumps(body), content_type="application/json")


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics in the text format of Prometheus."""
    gateway = request.app[GATEWAY]
    refresh(gateway)
    return web.Response(body=generate_latest(gateway.metrics.published), headers={"Content-Type": CONTENT_TYPE_LATEST})


def refresh(gateway: Gateway) -> None:
    """Bring up to date the metrics that nobody sets until somebody looks."""
    for id_, registry in gateway.registries.items():
        gateway.metrics.breaker_open.labels(id_).set(registry.guarded.is_open)
    gateway.metrics.tasks.set(len(asyncio.all_tasks()))
