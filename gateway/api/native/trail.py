"""`/v1/trail`: who asked about a citizen, told through the portal that the citizen signed in to.

The names are those of Estonia's data tracker. Numbers stand in bodies only, never in an address, because addresses are
logged on the way. Every call about a person is an entry of the journal before it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import orjson
from aiohttp import web

from gateway.api.authentication import caller
from gateway.api.native.consent_bodies import read_body
from gateway.api.native.trail_bodies import LANGUAGE, TrailPerson, TrailUsage, numbers_of, range_of
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.settings import Consumer
from gateway.trail.noting import noted
from gateway.trail.telling import Titles, told
from gateway.trail.words import DEFAULT, sentences
from standards.errors import AccessDeniedError, MalformedMessageError
from standards.identifiers import Identifier


def routes() -> list[web.RouteDef]:
    """Return what is answered here."""
    return [
        web.post("/v1/trail/findUsage", find_usage),
        web.get("/v1/trail/usagePeriod", usage_period),
        web.get("/v1/trail/heartbeat", heartbeat),
        web.post("/v1/trail/watch", watch),
        web.post("/v1/trail/unwatch", unwatch),
        web.get("/v1/trail/notices", notices),
        web.post("/v1/trail/notices/{notice_id}/delivered", delivered),
    ]


async def find_usage(request: web.Request) -> web.Response:
    """Return who asked about one person: the newest first, in pages."""
    gateway, client = portal(request)
    stated = read_body(TrailUsage, await request.read())
    numbers, wanted = numbers_of(stated), range_of(stated)
    names = names_of(gateway, numbers)
    page = await asyncio.to_thread(gateway.trail.book.find, names, wanted)
    # INVARIANT: what cannot be recorded is not answered, to citizens neither.
    await gateway.journal.record([noted("trail.read", client.client_id, names, utc_now())])
    locale, words = sentences(stated.locale)
    titles = titles_of(gateway)
    usage = [told(found, names, titles, words) for found in page.found]
    return answered(request, client, {"locale": locale, "usage": usage, "next": page.before})


async def usage_period(request: web.Request) -> web.Response:
    """Return the time over which the trail goes: of the journal's oldest entry, and of its newest."""
    gateway, client = portal(request)
    since, until = await asyncio.to_thread(gateway.trail.book.period)
    return answered(request, client, {"since": since, "until": until})


async def heartbeat(request: web.Request) -> web.Response:
    """Return whether trails can be told, and whether notices and disputes keep up."""
    gateway, client = portal(request)
    trouble = gateway.trail.trouble
    body = {
        "status": "up" if gateway.journal.is_writable else "down",
        "following": "up" if trouble is None else f"behind: {trouble}",
        "serverTime": utc_now().isoformat(timespec="seconds"),
    }
    return answered(request, client, body)


async def watch(request: web.Request) -> web.Response:
    """Keep that a person wants to be told when somebody asks; the portal gets the notices, under the wish's name."""
    gateway, client = portal(request)
    names = names_of(gateway, numbers_of(read_body(TrailPerson, await request.read())))
    await gateway.journal.record([noted("trail.watched", client.client_id, names, utc_now())])
    watch_id = await asyncio.to_thread(gateway.trail.book.watch, names, client.client_id)
    return answered(request, client, {"watch_id": watch_id}, 201)


async def unwatch(request: web.Request) -> web.Response:
    """End that wish, with every notice that was still to be told."""
    gateway, client = portal(request)
    names = names_of(gateway, numbers_of(read_body(TrailPerson, await request.read())))
    if not await asyncio.to_thread(gateway.trail.book.unwatch, names, client.client_id):
        raise web.HTTPNotFound
    await gateway.journal.record([noted("trail.unwatched", client.client_id, names, utc_now())])
    return answered(request, client, {"ended": True})


async def notices(request: web.Request) -> web.Response:
    """Return what a portal has still to tell its citizens, oldest first."""
    gateway, client = portal(request)
    most = _number(request.query.get("limit", "50"), 200)
    locale, words = sentences(_language(request.query.get("locale", DEFAULT)))
    due = await asyncio.to_thread(gateway.trail.notices.due, client.client_id, most)
    people = await asyncio.to_thread(gateway.trail.book.watchers, {notice.watch_id for notice in due})
    told_of = []
    titles = titles_of(gateway)
    for one in due:
        names = people.get(one.watch_id, frozenset())
        found = await asyncio.to_thread(gateway.trail.book.answer, names, one.seq, one.correlation)
        usage = [told(each, names, titles, words) for each in found]
        told_of.append({"notice_id": one.notice_id, "watch_id": one.watch_id, "usage": usage})
    if told_of:
        everybody = frozenset[str]().union(*people.values())
        await gateway.journal.record([noted("trail.notices_read", client.client_id, everybody, utc_now())])
    return answered(request, client, {"locale": locale, "notices": told_of})


async def delivered(request: web.Request) -> web.Response:
    """Note that a citizen was told."""
    gateway, client = portal(request)
    notice_id = request.match_info["notice_id"]
    if not await asyncio.to_thread(gateway.trail.notices.delivered, notice_id, client.client_id, utc_now()):
        raise web.HTTPNotFound
    return answered(request, client, {"notice_id": notice_id, "delivered": True})


def portal(request: web.Request) -> tuple[Gateway, Consumer]:
    """Return who calls: a citizens' portal, and nobody else."""
    gateway = request.app[GATEWAY]
    client = caller(gateway, request)
    # INVARIANT: a trail is told to the person it is about, who has signed in to a portal; to no programme or office.
    if client.role != "portal":
        raise AccessDeniedError("who asked about a citizen is told through a citizens' portal")
    if request.can_read_body and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return gateway, client


def names_of(gateway: Gateway, numbers: Collection[Identifier]) -> frozenset[str]:
    """Return the pseudonyms under which the journal has a person."""
    return frozenset(map(gateway.keys.pseudonym_of, numbers))


def titles_of(gateway: Gateway) -> Titles:
    """Return where codes get their titles from."""
    manifests = {manifest.id: manifest.title for manifest in gateway.manifests}
    emergencies = {one.id: one.title for one in gateway.consents.emergencies().all}
    senders = {consumer.client_id: consumer.sender_id for consumer in gateway.settings.consumers}
    attributes = {definition.name: definition.title for definition in gateway.catalogue}
    return Titles(gateway.book, attributes.get, manifests.get, emergencies.get, senders.get)


def answered(request: web.Request, client: Consumer, body: object, status: int = 200) -> web.Response:
    """Return an answer, and what its line in the log says."""
    request[SUMMARY] = dict[str, object](consumer=client.client_id)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def _number(stated: str, most: int) -> int:
    if not stated.isascii() or not stated.isdigit() or not 1 <= int(stated[:9]) <= most:
        raise MalformedMessageError(f"limit: a number from 1 to {most}")
    return int(stated)


def _language(stated: str) -> str:
    if len(stated) != 3 or not stated.isascii() or not stated.islower():
        raise MalformedMessageError(f"locale: three letters, as in ISO 639-3 ({LANGUAGE})")
    return stated
