"""`/v1/registrations`: registries are submitted, approved, brought live, switched off, rolled back, by signed orders.

Whoever acts here is no consumer: it is somebody whom `registries.operators` names, known by the signature of an order.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web
from pydantic import Field, StrictStr

from gateway.api.native.consent_bodies import Body, read_body
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.registrations.orders import READ, Order
from gateway.registrations.states import Step, Verb
from gateway.registrations.store import Registration
from standards.errors import AccessDeniedError, MalformedMessageError, UnauthenticatedError


class Ordered(Body):
    """A signed order."""

    order: StrictStr = Field(min_length=1, max_length=8_192, description="A JWT (EdDSA), signed by the person.")


class Submitted(Ordered):
    """A version of a registry."""

    files: dict[StrictStr, StrictStr] = Field(
        description="Name below the registry's folder -> text: manifest.yaml, readiness.yaml, examples/..."
    )


def routes() -> list[web.RouteDef]:
    """Return what is answered here."""
    return [
        web.get("/v1/registrations", listing),
        web.post("/v1/registrations", submit),
        web.get("/v1/registrations/{registry}", history),
        web.get("/v1/registrations/{registry}/{version}", files),
        web.post("/v1/registrations/{registry}/{verb}", act),
    ]


async def listing(request: web.Request) -> web.Response:
    """Return where every version of every registry stands, and what could not be taken in."""
    gateway = request.app[GATEWAY]
    _reader(gateway, request)
    office, known = gateway.registrations, {(one.id, one.version) for one in gateway.manifests}
    found = [_told(one) for one in office.sources.registrations]
    registered = {(one["registry"], one["version"]) for one in found}
    of_folders = [
        {"registry": m.id, "version": m.version, "state": "live", "origin": "folder"}
        for m in office.sources.in_folders.values()
        if (m.id, m.version) in known - registered
    ]
    notices = [{"where": n.where, "reason": n.kind.value, "detail": n.sentence} for n in gateway.lineups.notices]
    return _json({"registrations": [*of_folders, *found], "not_in_force": notices})


async def history(request: web.Request) -> web.Response:
    """Return the versions of one registry, every step of each, and what its shadows came to."""
    gateway, registry = request.app[GATEWAY], request.match_info["registry"]
    _reader(gateway, request)
    store, people = gateway.registrations.store, gateway.registrations.people
    versions = await store.versions(registry)
    if not versions and registry not in gateway.registrations.sources.in_folders:
        raise web.HTTPNotFound
    return _json(
        {
            "registry": registry,
            "versions": [_told(one) for one in sorted(versions.values(), key=lambda one: one.order)],
            "steps": [_step(step) | {"proved": people.proves(step)} for step in await store.history(registry)],
            "shadow": [count._asdict() for count in await store.shadowed(registry)],
        }
    )


async def files(request: web.Request) -> web.Response:
    """Return the files of one version as they were submitted: what is read before it is approved."""
    gateway, match = request.app[GATEWAY], request.match_info
    _reader(gateway, request)
    store = gateway.registrations.store
    one = (await store.versions(match["registry"])).get(match["version"])
    if one is None:
        raise web.HTTPNotFound
    kept = await asyncio.to_thread(store.files, one.registry, one.version)
    return _json(_told(one) | {"files": kept})


async def submit(request: web.Request) -> web.Response:
    """Take in a version and check it: it is tested when nothing is wrong, and else stays a draft."""
    gateway = request.app[GATEWAY]
    stated = read_body(Submitted, await _body(request))
    order = _order(gateway, request, stated.order, Verb.SUBMIT)
    one, findings = await gateway.registrations.submit(order, stated.files)
    said = [{"what": what, "is_good": is_good, "text": text} for what, is_good, text in findings]
    return _json(_told(one) | {"findings": said}, 201)


async def act(request: web.Request) -> web.Response:
    """Do what an order says with a registry, or with one of its versions."""
    gateway, match = request.app[GATEWAY], request.match_info
    stated = read_body(Ordered, await _body(request))
    order = _order(gateway, request, stated.order, match["verb"])
    if order.wish.registry != match["registry"]:
        raise MalformedMessageError("the order is about another registry than the address")
    changed = await gateway.registrations.act(order)
    return _json({"versions": [_told(one) for one in changed]})


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return await request.read()


def _reader(gateway: Gateway, request: web.Request) -> None:
    """See that somebody may read.

    Raises: UnauthenticatedError for anybody whom registries.operators does not name; AccessDeniedError for those
        whom it gives no role.
    """
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    order = _order(gateway, request, text.strip() if kind.casefold() == "bearer" else "", READ)
    if not gateway.registrations.people.has_part(order.by):
        raise AccessDeniedError("to read is for whoever has a role: registries.operators gives none to this person")


def _order(gateway: Gateway, request: web.Request, text: str, verb: str) -> Order:
    """Return an order for a verb, once it is known whose it is."""
    stated = gateway.settings.messages
    try:
        order = gateway.registrations.people.order(
            text, gateway.base_url, utc_now(), max_age_s=stated.message_age_s, future_s=stated.future_s
        )
    except UnauthenticatedError:
        gateway.limits.count_stranger(request.remote)
        raise
    # INVARIANT: an order does what was signed: one to look changes nothing, whatever address it comes to.
    if order.wish.verb != verb:
        raise MalformedMessageError("the order says something else than the address")
    request[SUMMARY] = dict[str, object](consumer=f"operator:{order.by}")
    return order


def _told(one: Registration) -> dict[str, Any]:
    standing = one.standing
    return {
        "registry": one.registry,
        "version": one.version,
        "state": str(one.state),
        "origin": "submitted" if standing.authors else "folder",
        "digest": standing.digest,
        "authors": list(standing.authors),
        "approved_by": standing.approved_by,
        "share": standing.share if str(one.state) == "canary" else None,
    }


def _step(step: Step) -> dict[str, Any]:
    told = {name: value for name, value in step._asdict().items() if name not in {"findings", "registry", "key"}}
    return told | {"findings": [{"what": w, "is_good": g, "text": t} for w, g, t in step.findings]}


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
