"""Which registries are connected, how ready each is, and whether it can be heard: for every client with a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from adapters.catalogue import FOLDER
from adapters.kit.tiers import Described, all_described, tier
from adapters.manifest import Manifest
from gateway.api.authentication import caller
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now


def routes() -> list[web.RouteDef]:
    """Return the address of the list."""
    return [web.get("/v1/registries", listing)]


async def listing(request: web.Request) -> web.Response:
    """Return every registry that is connected."""
    gateway = request.app[GATEWAY]
    caller(gateway, request)
    stated = gateway.settings.registries
    folders = (*((FOLDER,) if stated.builtin else ()), *stated.folders)
    beside = await asyncio.to_thread(all_described, folders)
    entries = [_entry(gateway, manifest, beside) for manifest in gateway.manifests]
    return web.Response(body=orjson.dumps({"registries": entries}), content_type="application/json")


def _entry(gateway: Gateway, manifest: Manifest, beside: Mapping[str, Described]) -> dict[str, Any]:
    one = beside.get(manifest.id)
    readiness, probe = (one.readiness, one.probe) if one else (None, None)
    rating = tier(manifest, readiness, probe, utc_now())
    return {
        "id": manifest.id,
        "title": manifest.title,
        "owner": manifest.legal.owner,
        "speaks": manifest.speaks.value,
        "version": manifest.version,
        "environment": manifest.environment,
        "tier": rating.tier.value,
        "lacking": list(rating.lacking),
        "readiness": {rule: readiness.status(rule) for rule in readiness.root} if readiness else {},
        "freshness_h": manifest.freshness.max_lag_h if manifest.freshness else None,
        "is_open": manifest.hours.is_open(utc_now()) if manifest.hours else None,
        "state": _state(gateway, manifest.id),
    }


def _state(gateway: Gateway, id_: str) -> str:
    if id_ in gateway.suspensions.registries():
        return "suspended"
    registry = gateway.registries.get(id_)
    return "silent" if registry is not None and registry.guarded.is_open else "live"
