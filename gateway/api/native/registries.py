"""Which registries are connected, how ready each is, and whether it can be heard: for every client with a token."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from adapters.kit.readiness import READINESS, Readiness
from adapters.kit.report import PROBE, ProbeReport
from adapters.kit.tiers import in_folder, tier
from adapters.manifest import Manifest
from gateway.api.authentication import caller
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now
from gateway.registrations.bundle import write_folder
from gateway.registrations.states import State
from standards.errors import InteropError

Ready = tuple[Readiness | None, ProbeReport | None]


def routes() -> list[web.RouteDef]:
    """Return the address of the list."""
    return [web.get("/v1/registries", listing)]


async def listing(request: web.Request) -> web.Response:
    """Return every registry that is connected."""
    gateway = request.app[GATEWAY]
    caller(gateway, request)
    connected = {m.id: m for lineup in reversed(gateway.lineups.all) for m in lineup.manifests}
    beside = await asyncio.to_thread(lambda: {id_: _beside(gateway, one) for id_, one in connected.items()})
    entries = [_entry(gateway, manifest, beside[id_]) for id_, manifest in sorted(connected.items())]
    return web.Response(body=orjson.dumps({"registries": entries}), content_type="application/json")


def _beside(gateway: Gateway, manifest: Manifest) -> Ready:
    """Return what lies beside a manifest: in its folder, or among the files that were submitted with it."""
    office = gateway.registrations
    if any((one.registry, one.version) == (manifest.id, manifest.version) for one in office.sources.registrations):
        with suppress(InteropError):
            if files := office.store.files(manifest.id, manifest.version):
                return _submitted(manifest.id, files.get(READINESS, ""), files.get(PROBE, ""))
    folder = office.sources.folder_of(manifest.id)
    return in_folder(folder) if folder is not None else (None, None)


@lru_cache(maxsize=64)
def _submitted(id_: str, readiness: str, probe: str) -> Ready:
    with tempfile.TemporaryDirectory(prefix="registration-") as place:
        folder = Path(place) / id_
        folder.mkdir()
        write_folder({READINESS: readiness} | ({PROBE: probe} if probe else {}), folder)
        return in_folder(folder)


def _entry(gateway: Gateway, manifest: Manifest, beside: Ready) -> dict[str, Any]:
    readiness, probe = beside
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
        "versions": _versions(gateway, manifest.id),
        "list": _list(gateway, manifest.id),
    }


def _list(gateway: Gateway, id_: str) -> dict[str, Any] | None:
    """Return how a registry stands that is a list: which drop is asked, and why a newer one is not."""
    registry = gateway.registries.get(id_)
    state = registry.list_state() if registry is not None else None
    return state._asdict() if state is not None else None


def _state(gateway: Gateway, id_: str) -> str:
    if id_ in gateway.suspensions.registries():
        return "suspended"
    state = next((one["state"] for one in _versions(gateway, id_)), "live")
    registry = gateway.registries.get(id_)
    return "silent" if state == "live" and registry is not None and registry.guarded.is_open else str(state)


def _versions(gateway: Gateway, id_: str) -> list[dict[str, Any]]:
    """Return the versions of a registry that are connected: the one that answers first, then canary and shadow."""
    lineups = gateway.lineups
    found: list[tuple[str, State, float | None]] = [
        (m.version, State.LIVE, None) for m in lineups.live.manifests if m.id == id_
    ]
    shares = {m.id: 100 * share for share, m in gateway.registrations.sources.wanted.canaries}
    in_canary = {m.version for one in lineups.canaries for m in one.manifests if m.id == id_ and id_ in one.ids}
    found += [(version, State.CANARY, shares.get(id_)) for version in sorted(in_canary)]
    found += [(m.version, State.SHADOW, None) for m in lineups.shadowed if m.id == id_]
    return [{"version": version, "state": str(state), "share": share} for version, state, share in found]
