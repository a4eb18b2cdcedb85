"""`/v1/consents`: what people decide, through a citizens' portal or with an officer's help. Every call is journalled.

Numbers stand in bodies only, never in an address, because addresses are logged on the way.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from gateway.api.authentication import caller
from gateway.api.native.consent_bodies import (
    About,
    Decided,
    Withdrawn,
    attested_by,
    consent_of,
    giver_of,
    number_of,
    read_body,
)
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.consents import decision_entry
from gateway.settings import Consumer
from policies.receipts import Consent, Decision, Receipt
from policies.signed import read_unverified
from standards.errors import AccessDeniedError, MalformedMessageError
from standards.identifiers import Identifier


def routes() -> list[web.RouteDef]:
    """Return what is answered here."""
    return [
        web.post("/v1/consents", record),
        web.post("/v1/consents/search", search),
        web.post("/v1/consents/export", export),
        web.get("/v1/consents/{receipt_id}", read),
        web.post("/v1/consents/{receipt_id}/withdraw", withdraw),
        web.post("/v1/notices/search", notices),
        web.post("/v1/notices/{notice_id}/delivered", delivered),
    ]


async def record(request: web.Request) -> web.Response:
    """Keep one decision, signed; it counts from the next question on, and for every answer that has not left yet."""
    gateway, client = _client(request)
    stated = read_body(Decided, await request.read())
    consent = consent_of(stated, gateway, client, utc_now())
    salt = uuid4().hex
    receipt_id = gateway.ledger.pseudonyms.receipt(consent, salt).receipt_id
    event = f"consent.{consent.decision.value}"
    if consent.decision is Decision.GRANTED:
        # INVARIANT: no grant counts that is not in the journal; a refusal counts even if the journal cannot be written.
        await _journal(gateway, client, event, consent.subject, consent.purpose, receipt_id)
        await gateway.ledger.record(consent, salt)
    else:
        await _narrow(gateway, consent, salt)
        await _journal(gateway, client, event, consent.subject, consent.purpose, receipt_id)
    return await _shown(gateway, request, client, receipt_id, 201)


async def withdraw(request: web.Request) -> web.Response:
    """Take one grant back, or an objection: at once, for good, and as a signed record of its own."""
    gateway, client = _client(request)
    stated = read_body(Withdrawn, await request.read())
    subject = number_of(stated.subject)
    found = await _own(gateway, request.match_info["receipt_id"], subject)
    if found.decision not in {Decision.GRANTED, Decision.OBJECTED}:
        raise MalformedMessageError("only a grant or an objection can be withdrawn; to grant again, record a decision")
    now = utc_now()
    is_grant = found.decision is Decision.GRANTED
    consent = Consent(
        subject=subject,
        purpose=found.purpose,
        decision=Decision.WITHDRAWN if is_grant else Decision.LIFTED,
        given_by=giver_of(stated.given_by, stated.capacity, subject),
        given_on=now.date(),
        sources=found.sources,
        consumer_id=found.consumer_id,
        groups=found.groups,
        capacity=stated.capacity,
        withdraws=found.receipt_id,
        given_at=now,
        **attested_by(stated, client),
    )
    salt = uuid4().hex
    receipt_id = gateway.ledger.pseudonyms.receipt(consent, salt).receipt_id
    await _narrow(gateway, consent, salt)
    await _journal(gateway, client, f"consent.{consent.decision.value}", subject, found.purpose, receipt_id)
    return await _shown(gateway, request, client, receipt_id, 201)


async def search(request: web.Request) -> web.Response:
    """Return everything that one person has decided, oldest first."""
    gateway, client = _client(request)
    subject = number_of(read_body(About, await request.read()).subject)
    signed = await gateway.ledger.signed({subject.type: subject.value})
    await _journal(gateway, client, "consent.read", subject, "", "")
    _summarise(request, client)
    return _json({"receipts": [_told(one) for one in signed]})


async def read(request: web.Request) -> web.Response:
    """Return one receipt by its name; it holds nobody's number and no name."""
    gateway, client = _client(request)
    receipt_id = request.match_info["receipt_id"]
    shown = await _shown(gateway, request, client, receipt_id, 200)
    await _journal(gateway, client, "consent.read", None, "", receipt_id)
    return shown


async def export(request: web.Request) -> web.Response:
    """Return everything that one person has decided as one file that proves itself with our public keys."""
    gateway, client = _client(request)
    subject = number_of(read_body(About, await request.read()).subject)
    signed = await gateway.ledger.signed({subject.type: subject.value})
    await _journal(gateway, client, "consent.exported", subject, "", "")
    _summarise(request, client)
    return _json(gateway.ledger.signer.pack(signed, gateway.base_url, utc_now()))


async def notices(request: web.Request) -> web.Response:
    """Return what one person has still to be told: what was read without consent, under which emergency."""
    gateway, client = _client(request)
    subject = number_of(read_body(About, await request.read()).subject)
    due = gateway.ledger.notices.due(gateway.ledger.names({subject.type: subject.value}))
    await _journal(gateway, client, "consent.notices_read", subject, "", "")
    _summarise(request, client)
    told = [n._asdict() | {"notice_id": n.notice_id} for n in due]
    return _json({"notices": [{k: v for k, v in n.items() if k not in {"person", "told_at"}} for n in told]})


async def delivered(request: web.Request) -> web.Response:
    """Note that a notice was delivered."""
    gateway, client = _client(request)
    notice_id = request.match_info["notice_id"]
    if not gateway.ledger.notices.delivered([notice_id], utc_now()):
        raise web.HTTPNotFound
    await _journal(gateway, client, "consent.notice_delivered", None, "", notice_id)
    _summarise(request, client)
    return _json({"notice_id": notice_id, "delivered": True})


def _client(request: web.Request) -> tuple[Gateway, Consumer]:
    """Return who calls: a portal or an office, and nobody else."""
    gateway = request.app[GATEWAY]
    client = caller(gateway, request)
    # INVARIANT: a programme never records anybody's consent to itself.
    if client.role not in {"portal", "office"}:
        raise AccessDeniedError("consents are kept by portals and offices; a programme asks the person through them")
    if request.can_read_body and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return gateway, client


async def _narrow(gateway: Gateway, consent: Consent, salt: str) -> None:
    """Keep a decision that narrows, and forget here what was read under older ones; other processes follow."""
    await gateway.ledger.record(consent, salt)
    await gateway.rooms.fetcher.calls.forget([consent.subject])


async def _own(gateway: Gateway, receipt_id: str, subject: Identifier) -> Receipt:
    found = await gateway.ledger.find(receipt_id)
    # One answer for a receipt that is not there and for somebody else's: nobody learns which receipts there are.
    if found is None or found[0].person not in gateway.ledger.names({subject.type: subject.value}):
        raise web.HTTPNotFound
    return found[0]


async def _shown(
    gateway: Gateway, request: web.Request, client: Consumer, receipt_id: str, status: int
) -> web.Response:
    found = await gateway.ledger.find(receipt_id)
    if found is None:
        raise web.HTTPNotFound
    _summarise(request, client)
    return _json(_told(found[1]), status)


def _told(signed: str) -> dict[str, Any]:
    return {"receipt": read_unverified(signed), "signed": signed}


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def _summarise(request: web.Request, client: Consumer) -> None:
    request[SUMMARY] = dict[str, object](consumer=client.client_id)


async def _journal(
    gateway: Gateway, client: Consumer, event: str, subject: Identifier | None, purpose: str, name: str
) -> None:
    """Record a call, and return once it is recorded.

    subject: None where a receipt or notice is called by its name: nobody's number is known then.
    name: of the receipt or notice; empty where the call is about all of a person's.
    """
    pseudonym = gateway.keys.pseudonym_of(subject) if subject is not None else ""
    await gateway.journal.record([decision_entry(event, client.client_id, pseudonym, purpose, name, utc_now())])
