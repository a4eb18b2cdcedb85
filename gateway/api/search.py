"""`POST /registry/sync/search`: a DCI message in, its answer out, recorded before it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import datetime

import orjson
from aiohttp import web

from gateway.api.deadline import HEADER as DEADLINE_HEADER
from gateway.api.deadline import deadline_of
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.ids import new_id
from gateway.pipeline import Answer, Question, abandoned, answer, superseded
from gateway.settings import Consumer
from gateway.stages.admit import parsed
from standards.dci.codes import HeaderReason
from standards.dci.envelope import Header
from standards.dci.search import RejectedItem, answer_header, rejected_item, search_answer
from standards.dci.validate import header_of, transaction_id_of
from standards.errors import JournalError, RequestError
from standards.signing import public_jwk, sign

_HEADER_CODES = frozenset(HeaderReason)
_JSON = {"Content-Type": "application/json"}
_IN_HEADER = _HEADER_CODES | {"err.receiver_id.invalid"}


async def sync_search(request: web.Request) -> web.Response:
    """Answer every question of a message.

    A fault of one question is its item's; a fault the standard has a header code for is told in the header of an
    answer; every other fault is an HTTP error.
    """
    gateway = request.app[GATEWAY]
    start = time.perf_counter()
    consumer = gateway.admission.consumer_of(request.headers.get("Authorization", ""))
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    deadline = deadline_of(request.headers.get(DEADLINE_HEADER), gateway.settings.messages)
    body = await request.read()
    now = utc_now()
    try:
        message = gateway.admission.admit(consumer, body, now).message
    except RequestError as error:
        if error.reason_code not in _IN_HEADER:
            raise
        return _refused_whole(gateway, body, error, now)
    correlation_id = new_id()
    asked = [
        item
        if isinstance(item, RejectedItem)
        else Question(consumer, item, message.transaction_id, correlation_id, deadline)
        for item in message.items
    ]
    try:
        answers = await recorded(gateway, asked, await _answers(gateway, asked))
    except asyncio.CancelledError:
        await record_abandoned(gateway, [one for one in asked if isinstance(one, Question)])
        raise
    items = [orjson.Fragment(a.item if isinstance(a, Answer) else orjson.dumps(a)) for a in answers]
    statuses: list[dict[str, object]] = [{"status": a.status if isinstance(a, Answer) else "rjct"} for a in answers]
    response = _sealed(gateway, message.header, message.transaction_id, correlation_id, items, statuses, now)
    measure(gateway, consumer, answers, time.perf_counter() - start)
    request[SUMMARY] = {
        "consumer": consumer.client_id,
        "correlation": correlation_id,
        "items": len(answers),
        "outcomes": unheard(answers),
    }
    return response


async def _answers(gateway: Gateway, asked: Sequence[Question | RejectedItem]) -> list[Answer | dict[str, object]]:
    """Return the answers of a message's questions, worked on side by side."""
    if len(asked) == 1:
        return [await _answer(gateway, asked[0])]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(gateway, one)) for one in asked]
    return [task.result() for task in tasks]


async def _answer(gateway: Gateway, asked: Question | RejectedItem) -> Answer | dict[str, object]:
    if isinstance(asked, RejectedItem):
        return rejected_item(asked.reference_id, asked.code, asked.message, now=utc_now())
    return await answer(asked, gateway.rooms)


async def recorded(
    gateway: Gateway, asked: Sequence[Question | RejectedItem], answers: list[Answer | dict[str, object]]
) -> list[Answer | dict[str, object]]:
    """Record the answers and return them as they may leave: those whose terms changed meanwhile are given anew."""
    entries = [a.entry for a in answers if isinstance(a, Answer)]
    while entries:
        # INVARIANT: what cannot be recorded is not answered; the entry is durable before a byte of the answer leaves.
        await gateway.journal.record(entries)
        # INVARIANT: revoked means revoked: nothing leaves under terms that were narrowed while it was worked on.
        entries = []
        for place, (one, given) in enumerate(zip(asked, answers, strict=True)):
            if isinstance(given, Answer) and isinstance(one, Question) and not await _still_holds(gateway, given):
                again = await answer(one, gateway.rooms)
                answers[place] = again
                entries += [superseded(one, gateway.rooms), again.entry]
    return answers


async def _still_holds(gateway: Gateway, given: Answer) -> bool:
    now = gateway.rooms.now()
    for held in given.held:
        if not await gateway.rooms.decisions.still_holds(held, now):
            return False
    return True


async def record_abandoned(gateway: Gateway, questions: list[Question]) -> None:
    """Record who asked about whom and hung up: registries may have been asked, although no answer left."""
    for question in questions:
        gateway.metrics.questions.add(question.consumer.client_id, "search.abandoned")
    if questions:
        # Handed to the journal before this first waits, so not even a second cancellation can lose it.
        with contextlib.suppress(JournalError):  # the journal has told the operator, and nobody else is left to tell
            await gateway.journal.record([abandoned(question, gateway.rooms) for question in questions])


def _refused_whole(gateway: Gateway, body: bytes, error: RequestError, now: datetime) -> web.Response:
    """Refuse a message in the header of an answer, as the standard's header codes are meant to be used."""
    raw = parsed(body)
    header = answer_header(
        header_of(raw),
        [],
        now=now,
        message_id=new_id(),
        sender_id=gateway.settings.server.sender_id,
        reason_code=error.reason_code if error.reason_code in _HEADER_CODES else None,
        reason_message=str(error),
    )
    return _signed(gateway, search_answer(header, transaction_id_of(raw), new_id(), []), now)


def _sealed(
    gateway: Gateway,
    request: Header,
    transaction_id: str,
    correlation_id: str,
    items: list[orjson.Fragment],
    statuses: list[dict[str, object]],
    now: datetime,
) -> web.Response:
    header = answer_header(
        request,
        statuses,
        now=now,
        message_id=new_id(),
        sender_id=gateway.settings.server.sender_id,
    )
    return _signed(gateway, search_answer(header, transaction_id, correlation_id, items), now)  # type: ignore[arg-type]


def _signed(gateway: Gateway, answered: dict[str, object], now: datetime) -> web.Response:
    if gateway.settings.sign_answers:
        # Signed over the parsed form of exactly what is sent: items are already text, and the signature sorts keys.
        plain = orjson.loads(orjson.dumps(answered))
        key = gateway.keys.signing
        answered = {
            "signature": sign(
                plain,
                key,
                sender_id=gateway.settings.server.sender_id,
                key_id=public_jwk(key.public_key())["kid"],
                now=now,
            ),
            **answered,
        }
    return web.Response(body=orjson.dumps(answered), headers=_JSON)


def unheard(answers: list[Answer | dict[str, object]]) -> dict[str, str]:
    """Return why registries could not be heard, for the log: registry -> reason."""
    parts = (part for one in answers if isinstance(one, Answer) for part in one.sources.items())
    return {source: said.reason.value for source, said in parts if said.reason is not None}


def measure(gateway: Gateway, consumer: Consumer, answers: list[Answer | dict[str, object]], seconds: float) -> None:
    """Count the questions of one message, and what every registry had to do with them."""
    metrics = gateway.metrics
    metrics.duration.observe(seconds)
    for one in answers:
        outcome = one.entry.event if isinstance(one, Answer) else "search.unread"
        metrics.questions.add(consumer.client_id, outcome)
        if isinstance(one, Answer):
            for source, part in one.sources.items():
                if part.calls:
                    metrics.source_calls.add(source, count=part.calls)
                if part.cached:
                    metrics.cached_records.add(source, count=part.cached)
                if part.reason is not None:
                    metrics.source_failures.add(source, part.reason)
