"""`POST /_sandbox/rehearsals`: what a draft of an agreement would tell a programme of a practice household.

Only in a sandbox, where registries hold invented people: a draft that nobody has approved is no ground for reading
about real ones. The question is an operator's, signed with the operator's key. It takes the path of real questions, is
journalled as a rehearsal, and nothing of it goes to the programme.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway.api.deadline import deadline_of
from gateway.api.native.households import read_lookup
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now
from gateway.pipeline import Disclosure, Question, disclose
from gateway.ports import JournalEntry
from gateway.settings import Consumer
from gateway.stages.admit import parsed
from policies.agreement import Agreement
from policies.cases import worded
from policies.reading import parse_agreement
from standards.dci.search import IdQuery
from standards.errors import ConfigurationError, MalformedMessageError, SourceError, UnauthenticatedError
from standards.permit import Denial, DisclosureRequest, Permit
from standards.signing import public_jwk, verify


async def rehearse(request: web.Request) -> web.Response:
    """Answer one operator's rehearsal: every attribute in its state, or the reasons against the question."""
    gateway = request.app[GATEWAY]
    raw = parsed(await request.read())
    operator = _operator(gateway, raw)
    asked = raw["message"]
    try:
        agreement = parse_agreement(str(asked.get("agreement", "")), gateway.catalogue)
    except ConfigurationError as wrong:
        raise MalformedMessageError(str(wrong)) from None
    if (misfit := gateway.misfit(agreement)) is not None:
        raise MalformedMessageError(f"the agreement {misfit}")
    question = _question(gateway, agreement, asked)
    told = await _told(gateway, agreement, question, operator)
    return web.Response(body=orjson.dumps(told), content_type="application/json")


def _operator(gateway: Gateway, raw: Any) -> str:
    """Return whose signature a message bears.

    Raises: UnauthenticatedError for somebody who is no operator, SignatureInvalidError when it does not hold.
    """
    header = raw.get("header") if isinstance(raw, dict) else None
    name = header.get("sender_id") if isinstance(header, dict) else None
    key = gateway.operators.keys.get(name) if isinstance(name, str) else None
    if key is None or not isinstance(name, str) or not isinstance(raw.get("message"), dict):
        raise UnauthenticatedError("a rehearsal is signed by an operator whom agreements.operators names")
    verify(raw, {public_jwk(key)["kid"]: key}, now=utc_now())
    return name


def _question(gateway: Gateway, agreement: Agreement, asked: Mapping[str, Any]) -> Question:
    correlation_id = secrets.token_hex(16)
    body = orjson.dumps({name: value for name, value in asked.items() if name != "agreement"})
    item = read_lookup(body, correlation_id, utc_now(), gateway.catalogue)
    consumer = Consumer(client_id=agreement.consumer.id, sender_id=agreement.consumer.sender_id)
    return Question(consumer, item, secrets.token_hex(16), correlation_id, deadline_of(None, gateway.settings.messages))


async def _told(gateway: Gateway, agreement: Agreement, question: Question, operator: str) -> dict[str, Any]:
    while True:
        told, found = await _rehearsed(gateway, agreement, question, operator)
        # INVARIANT: nothing is told from a registry that was switched off meanwhile, to an operator either.
        if found is None or not gateway.suspensions.silence(found.profile.sources):
            return told


async def _rehearsed(
    gateway: Gateway, agreement: Agreement, question: Question, operator: str
) -> tuple[dict[str, Any], Disclosure | None]:
    now, item = utc_now(), question.item
    rooms = gateway.rooms._replace(decisions=gateway.rooms.decisions.rehearsing(agreement))
    purpose = rooms.decisions.purpose_of(question.consumer.client_id, item.purpose, now)
    subject = item.query.identifier if isinstance(item.query, IdQuery) else None
    request = DisclosureRequest(question.consumer.client_id, purpose, subject, item.attributes)
    permit = rooms.decisions.decide(request, now)
    found: Disclosure | None = None
    told: dict[str, Any] = {"agreement": agreement.name, "denied": [], "told": []}
    if not isinstance(permit, Permit):
        told["denied"] = [_denied(denial) for denial in permit]
    elif subject is not None:
        try:
            found = await disclose(subject, question, permit, rooms)
        except SourceError as error:
            told["unheard"] = {"source": error.source_id, "reason": error.reason}
    if found is not None:
        told["told"] = [
            {"who": who, "attribute": name, "state": worded(state)}
            for who, states in (
                ("household", found.profile.attributes),
                *((f"{m.number} {m.relationship}".strip(), m.attributes) for m in found.profile.members),
            )
            for name, state in states.items()
        ]
    # INVARIANT: what cannot be recorded is not answered, and a rehearsal reads about people like any other question.
    await gateway.journal.record([_entry(gateway, agreement, question, operator, purpose, found)])
    return told, found


def _denied(denial: Denial) -> dict[str, str]:
    return {"reason": denial.reason.value, "obtain": denial.remedy}


def _entry(
    gateway: Gateway,
    agreement: Agreement,
    question: Question,
    operator: str,
    purpose: str,
    found: Disclosure | None,
) -> JournalEntry:
    keys, item = gateway.keys, question.item
    outcomes = {} if found is None else {source: str(o.outcome) for source, o in found.profile.sources.items()}
    return JournalEntry(
        at=utc_now(),
        event="search.rehearsed",
        consumer=f"operator:{operator}",
        purpose=purpose if purpose in agreement.purposes else "",
        agreement=agreement.name,
        subject=keys.pseudonym_of(item.query.identifier) if isinstance(item.query, IdQuery) else "",
        members=(),
        transaction=keys.digest_of(question.transaction_id),
        correlation=question.correlation_id,
        released=(),
        plan=found.gathered.plan.text() if found is not None else "",
        outcomes=outcomes,
        answer_digest="",
    )
