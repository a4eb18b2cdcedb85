"""`/v1/emergencies`: emergencies declared by one officer, approved by another, and ended early by any of them.

What is declared here is a file of the folder that settings name, the same that an operator could write by hand.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from pydantic import Field, StrictStr, ValidationError

from gateway.api.authentication import caller
from gateway.api.native.consent_bodies import Body, read_body
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.keys import write_private
from gateway.ports import JournalEntry
from gateway.settings import Consumer
from policies.emergency import Emergency, problem
from standards.errors import AccessDeniedError, MalformedMessageError


class Declared(Body):
    """An emergency, as an officer declares it."""

    id: StrictStr = Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")
    title: StrictStr = Field(min_length=1, max_length=300)
    reference: StrictStr = Field(min_length=1, max_length=300, description="The declaration, and the law behind it.")
    start: date
    end: date = Field(description="Its last day; it ends by itself.")
    consumers: tuple[StrictStr, ...] = Field(min_length=1, description="Client ids of programmes.")
    attributes: tuple[StrictStr, ...] = Field(min_length=1)
    area: tuple[StrictStr, ...] | None = Field(default=None, description="Regions or districts; null: everywhere.")
    overrides_refusal: bool = False
    officer: StrictStr = Field(min_length=1, max_length=200, description="Who declares it.")


class Acting(Body):
    """Who approves an emergency, or ends it."""

    officer: StrictStr = Field(min_length=1, max_length=200)


class Approving(Acting):
    """Who approves an emergency, and what of it was read."""

    digest: StrictStr = Field(min_length=64, max_length=64, description="As the emergency is told: what was read.")


def routes() -> list[web.RouteDef]:
    """Return what is answered here."""
    return [
        web.get("/v1/emergencies", listing),
        web.post("/v1/emergencies", declare),
        web.post("/v1/emergencies/{id}/approve", approve),
        web.post("/v1/emergencies/{id}/end", end),
    ]


async def listing(request: web.Request) -> web.Response:
    """Return every emergency, those that have ended included."""
    gateway, client = _office(request)
    request[SUMMARY] = dict[str, object](consumer=client.client_id)
    return _json({"emergencies": [_told(one) for one in gateway.consents.emergencies().all]})


async def declare(request: web.Request) -> web.Response:
    """Declare an emergency; it counts for nobody until another officer has approved it."""
    gateway, client = _office(request)
    stated = read_body(Declared, await request.read())
    if any(one.id == stated.id for one in gateway.consents.emergencies().all):
        raise MalformedMessageError("id: there is an emergency of this name; a new one has a name of its own")
    told = stated.model_dump(mode="json", exclude={"officer"})
    declared = _valid(gateway, told | {"declared_by": f"{client.client_id}: {stated.officer}"})
    return await _kept(gateway, request, client, declared, "emergency.declared", 201)


async def approve(request: web.Request) -> web.Response:
    """Approve an emergency that somebody else declared; from then on it counts."""
    gateway, client = _office(request)
    stated = read_body(Approving, await request.read())
    officer = f"{client.client_id}: {stated.officer}"
    declared = _found(gateway, request)
    # INVARIANT: what is approved is what the officer has read, whoever may have written the file since.
    if not compare_digest(stated.digest, _digest_of(declared)):
        raise MalformedMessageError("digest: the emergency says something else by now; read it again")
    if declared.approved_by is not None:
        raise MalformedMessageError("it is approved already")
    # INVARIANT: whoever declares an emergency does not approve it.
    approved = _valid(gateway, declared.model_dump(mode="json") | {"approved_by": officer})
    return await _kept(gateway, request, client, approved, "emergency.approved", 200)


async def end(request: web.Request) -> web.Response:
    """End an emergency before its last day: from now on it counts for nobody."""
    gateway, client = _office(request)
    read_body(Acting, await request.read())
    declared = _found(gateway, request)
    yesterday = utc_now().date() - timedelta(days=1)
    told = declared.model_dump(mode="json")
    # One that began today is taken back as a whole: it has no day on which it counts.
    # One that has ended already stays as it was.
    last_day = min(declared.end, yesterday)
    ended = {"end": last_day.isoformat()} if declared.start <= last_day else {"approved_by": None}
    return await _kept(gateway, request, client, _valid(gateway, told | ended), "emergency.ended", 200)


def _office(request: web.Request) -> tuple[Gateway, Consumer]:
    gateway = request.app[GATEWAY]
    client = caller(gateway, request)
    if client.role != "office":
        raise AccessDeniedError("emergencies are declared by offices")
    if gateway.settings.consents.emergencies is None:
        raise web.HTTPNotFound
    if request.can_read_body and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    gateway.emergencies.refresh()  # what another process was told a moment ago is known here, too
    return gateway, client


def _found(gateway: Gateway, request: web.Request) -> Emergency:
    name = request.match_info["id"]
    found = next((one for one in gateway.consents.emergencies().all if one.id == name), None)
    if found is None:
        raise web.HTTPNotFound
    return found


def _valid(gateway: Gateway, stated: dict[str, Any]) -> Emergency:
    try:
        emergency = Emergency.model_validate(stated)
    except ValidationError as error:
        text = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise MalformedMessageError(text) from None
    wrong = problem(emergency, gateway.catalogue, gateway.settings.consents.emergency_max_days)
    if wrong is not None:
        raise MalformedMessageError(wrong)
    known = {agreement.consumer.id for agreement in gateway.book.agreements}
    if not set(emergency.consumers) <= known:
        raise MalformedMessageError("consumers: a programme has an agreement; an emergency stays within it")
    return emergency


async def _kept(
    gateway: Gateway, request: web.Request, client: Consumer, emergency: Emergency, event: str, status: int
) -> web.Response:
    # INVARIANT: no emergency counts that is not in the journal.
    await gateway.journal.record([_entry(client, emergency, event)])
    folder = gateway.settings.consents.emergencies
    if folder is not None:
        file = gateway.consents.emergencies().files.get(emergency.id, f"{emergency.id}.yaml")
        await asyncio.to_thread(_write, folder / file, emergency)
        gateway.emergencies.refresh()
    request[SUMMARY] = dict[str, object](consumer=client.client_id)
    return _json(_told(emergency), status)


def _write(path: Path, emergency: Emergency) -> None:
    text = orjson.dumps(emergency.model_dump(mode="json", exclude_none=True), option=orjson.OPT_INDENT_2)
    write_private(path, text)  # JSON is YAML too


def _entry(client: Consumer, emergency: Emergency, event: str) -> JournalEntry:
    return JournalEntry(
        at=utc_now(),
        event=event,
        consumer=client.client_id,
        purpose="",
        agreement=f"emergency:{emergency.id}",
        subject="",
        members=(),
        transaction="",
        correlation=emergency.id,
        released=tuple(sorted(emergency.attributes)),
        plan="",
        outcomes={},
        answer_digest="",
    )


def _told(emergency: Emergency) -> dict[str, Any]:
    return emergency.model_dump(mode="json") | {"digest": _digest_of(emergency)}


def _digest_of(emergency: Emergency) -> str:
    """Return the SHA-256 of what is declared, in hex; the approval is no part of it."""
    declared = emergency.model_dump(mode="json", exclude={"approved_by"})
    return hashlib.sha256(orjson.dumps(declared, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
