"""`POST /registry/sync/search`: a DCI message in, its answer out, recorded before it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
from aiohttp import web

from gateway.api.dci.exchange import Received, answered
from gateway.api.state import SUMMARY
from gateway.bootstrap import Gateway, utc_now
from gateway.pipeline import Answer, Question, Rooms, abandoned, answer, superseded
from gateway.settings import Consumer
from standards.dci.search import RejectedItem, SearchMessage, rejected_item
from standards.errors import AccessDeniedError, JournalError


async def sync_search(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer every question of a message; a fault of one question is its item's."""
    start = time.perf_counter()
    message = gateway.admission.questions(received.opened, received.reg_type)
    asked = asked_of(received, message)
    try:
        answers = await recorded(gateway, asked, await answers_of(gateway, asked))
    except asyncio.CancelledError:
        await record_abandoned(gateway, [one for one in asked if isinstance(one, Question)])
        raise
    items = [orjson.Fragment(a.item if isinstance(a, Answer) else orjson.dumps(a)) for a in answers]
    payload = {
        "transaction_id": message.transaction_id,
        "correlation_id": received.correlation_id,
        "search_response": items,
    }
    statuses = [a.status if isinstance(a, Answer) else "rjct" for a in answers]
    response = answered(gateway, received, payload, statuses)
    measure(gateway, received.consumer, answers, time.perf_counter() - start)
    request[SUMMARY] = {
        "consumer": received.consumer.client_id,
        "correlation": received.correlation_id,
        "items": len(answers),
        "outcomes": unheard(answers),
    }
    return response


def asked_of(received: Received, message: SearchMessage) -> list[Question | RejectedItem]:
    """Return the questions of a message in its order, with what is known about their surroundings."""
    return [
        item
        if isinstance(item, RejectedItem)
        else Question(received.consumer, item, message.transaction_id, received.correlation_id, received.deadline)
        for item in message.items
    ]


async def answers_of(gateway: Gateway, asked: Sequence[Question | RejectedItem]) -> list[Answer | dict[str, object]]:
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
    gateway: Gateway,
    asked: Sequence[Question | RejectedItem],
    answers: list[Answer | dict[str, object]],
    ask: Callable[[Question, Rooms], Awaitable[Answer]] = answer,
) -> list[Answer | dict[str, object]]:
    """Record the answers and return them as they may leave: those whose terms changed meanwhile are given anew.

    ask: how a question is answered anew, where its answer goes out in another shape than that of a search.
    Raises: AccessDeniedError when whoever asked was switched off meanwhile; then nothing leaves.
    """
    entries = [a.entry for a in answers if isinstance(a, Answer)]
    while entries:
        # INVARIANT: what cannot be recorded is not answered; the entry is durable before a byte of the answer leaves.
        await gateway.journal.record(entries)
        # INVARIANT: revoked means revoked: nothing leaves under terms that were narrowed while it was worked on.
        entries = []
        for place, (one, given) in enumerate(zip(asked, answers, strict=True)):
            if isinstance(given, Answer) and isinstance(one, Question) and not await still_holds(gateway, given):
                again = await ask(one, gateway.rooms)
                answers[place] = again
                entries += [superseded(one, gateway.rooms), again.entry]
    questions = [one for one in asked if isinstance(one, Question)]
    try:
        for client_id in {one.consumer.client_id for one in questions}:
            gateway.suspensions.check(client_id)
    except AccessDeniedError:
        await gateway.journal.record([superseded(one, gateway.rooms) for one in questions])
        raise
    return answers


async def still_holds(gateway: Gateway, given: Answer) -> bool:
    """Tell whether an answer may still leave: nothing that it rests on was narrowed or switched off meanwhile."""
    if gateway.suspensions.silence(given.sources):
        return False
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
            if one.beside is not None:
                gateway.shadows.offer(one.beside)
            for source, part in one.sources.items():
                if part.calls:
                    metrics.source_calls.add(source, count=part.calls)
                if part.cached:
                    metrics.cached_records.add(source, count=part.cached)
                if part.reason is not None:
                    metrics.source_failures.add(source, part.reason)
