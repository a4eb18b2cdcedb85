"""One question, answered on the path of all questions and recorded as it leaves, in another shape than a search's."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from gateway.api.dci.search import measure, record_abandoned, recorded, unheard
from gateway.api.state import SUMMARY
from gateway.bootstrap import Gateway
from gateway.pipeline import Answer, Question, Rooms, answer


class Dressed(NamedTuple):
    """An answer as it will be sent."""

    item: bytes
    status: str
    """`succ` or `rjct`."""


Dress = Callable[[Question, Answer], Dressed]


async def dressed(gateway: Gateway, question: Question, dress: Dress, request: web.Request) -> Answer:
    """Answer one question in the shape that `dress` gives it; the journal holds the digest of that shape."""

    async def ask(question: Question, rooms: Rooms) -> Answer:
        given = await answer(question, rooms)
        item, status = dress(question, given)
        entry = given.entry._replace(answer_digest=hashlib.sha256(item).hexdigest())
        return given._replace(item=item, status=status, entry=entry)

    start = time.perf_counter()
    try:
        answers = await recorded(gateway, [question], [await ask(question, gateway.rooms)], ask)
    except asyncio.CancelledError:
        await record_abandoned(gateway, [question])
        raise
    measure(gateway, question.consumer, answers, time.perf_counter() - start)
    request[SUMMARY] = {
        "consumer": question.consumer.client_id,
        "correlation": question.correlation_id,
        "items": 1,
        "outcomes": unheard(answers),
    }
    (given,) = (one for one in answers if isinstance(one, Answer))
    return given
