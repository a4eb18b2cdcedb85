"""`/v1/trail/disputes`: citizens dispute facts of registries, and see how far that has got."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.api.native.consent_bodies import read_body
from gateway.api.native.trail import answered, names_of, portal
from gateway.api.native.trail_bodies import (
    TrailDisputed,
    TrailSpoken,
    number_for,
    numbers_of,
    registry_of,
)
from gateway.bootstrap import Gateway, utc_now
from gateway.trail.disputes import OPEN, Dispute, DisputeState
from gateway.trail.noting import noted, noted_dispute
from gateway.trail.words import Sentences, sentences


def routes() -> list[web.RouteDef]:
    """Return what is answered here."""
    return [
        web.post("/v1/trail/disputes", dispute),
        web.post("/v1/trail/disputes/search", search),
        web.post("/v1/trail/disputes/{dispute_id}/close", close),
    ]


async def dispute(request: web.Request) -> web.Response:
    """Keep a dispute, to be passed on to the registry; the same one again is the one that is open."""
    gateway, client = portal(request)
    stated = read_body(TrailDisputed, await request.read())
    numbers = numbers_of(stated)
    manifest = registry_of(stated, {m.id: m for m in gateway.manifests})
    by = number_for(manifest, numbers)
    _, words = sentences(stated.locale)
    disputes = gateway.trail.disputes
    for known in await asyncio.to_thread(disputes.of, numbers):
        if (known.registry, known.attribute) == (stated.registry, stated.attribute) and known.state in OPEN:
            await gateway.journal.record([noted_dispute("dispute.read", client.client_id, known, utc_now())])
            return answered(request, client, shown(gateway, known, words))
    new = disputes.new(by, client.client_id, (stated.registry, stated.attribute, stated.reason.value), utc_now())
    # INVARIANT: no dispute counts that is not in the journal.
    await gateway.journal.record([noted_dispute("dispute.received", client.client_id, new, utc_now())])
    await asyncio.to_thread(disputes.keep, new, numbers, by)
    return answered(request, client, shown(gateway, new, words), 201)


async def search(request: web.Request) -> web.Response:
    """Return everything that one person disputes, oldest first."""
    gateway, client = portal(request)
    stated = read_body(TrailSpoken, await request.read())
    numbers = numbers_of(stated)
    found = await asyncio.to_thread(gateway.trail.disputes.of, numbers)
    await gateway.journal.record(
        [noted("dispute.read", client.client_id, names_of(gateway, numbers), utc_now())],
    )
    locale, words = sentences(stated.locale)
    return answered(request, client, {"locale": locale, "disputes": [shown(gateway, one, words) for one in found]})


async def close(request: web.Request) -> web.Response:
    """Close a dispute of the person's own, answered or not: the number that was kept for it is removed."""
    gateway, client = portal(request)
    stated = read_body(TrailSpoken, await request.read())
    name, disputes = request.match_info["dispute_id"], gateway.trail.disputes
    mine = await asyncio.to_thread(disputes.of, numbers_of(stated))
    # One answer for a dispute that is not there and for somebody else's: nobody learns which there are.
    found = next((one for one in mine if one.dispute_id == name and one.state != DisputeState.CLOSED), None)
    if found is None:
        raise web.HTTPNotFound
    await gateway.journal.record([noted_dispute("dispute.closed", client.client_id, found, utc_now())])
    await asyncio.to_thread(disputes.move, name, [*OPEN, DisputeState.ANSWERED], DisputeState.CLOSED, utc_now())
    now = await asyncio.to_thread(disputes.find, name)
    return answered(request, client, shown(gateway, now or found, sentences(stated.locale)[1]))


def shown(gateway: Gateway, one: Dispute, words: Sentences) -> dict[str, Any]:
    """Return a dispute as its person sees it."""
    manifest = next((m for m in gateway.manifests if m.id == one.registry), None)
    owner = one.registry if manifest is None else manifest.legal.owner
    answer = "" if one.answer is None else words.answers[one.answer]
    titles = {definition.name: definition.title for definition in gateway.catalogue}
    return {
        "dispute_id": one.dispute_id,
        "opened_at": one.opened_at,
        "changed_at": one.changed_at,
        "registry": {"id": one.registry, "title": one.registry if manifest is None else manifest.title, "owner": owner},
        "fact": {"name": one.attribute, "title": titles.get(one.attribute, one.attribute)},
        "reason": one.reason,
        "state": one.state,
        "answer": one.answer,
        "text": words.disputes[one.state].format(registry=owner, answer=answer).strip(),
    }
