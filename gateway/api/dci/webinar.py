"""`/getHouseholdByUIN`, `/search`, `/getPovertyScore`: the methods of the 2023 demonstration, on the path of today.

A thin face: the same tokens, agreements and journal as a question in a DCI message; only the shapes differ.
"""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from gateway.api.authentication import authenticated
from gateway.api.dci.dressing import Dressed, dressed
from gateway.api.dci.exchange import Handler
from gateway.api.deadline import HEADER as DEADLINE_HEADER
from gateway.api.deadline import deadline_of
from gateway.api.native.households import may_ask_unsigned
from gateway.api.state import GATEWAY
from gateway.bootstrap import utc_now
from gateway.ids import new_id
from gateway.pipeline import Answer, Question
from gateway.stages.admit import parsed
from standards.dci.operations import OPERATIONS
from standards.dci.question import read_item
from standards.dci.search import RejectedItem
from standards.dci.validate import Leniency
from standards.dci.webinar import METHODS, POVERTY_SCORE, Method, lacks_score, read_webinar, webinar_answer


def routes() -> list[web.RouteDef]:
    """Return the address of every method."""
    return [web.post(f"/{method.path}", handler(method)) for method in METHODS]


def handler(method: Method) -> Handler:
    """Return what answers at a method's address."""

    async def exchange(request: web.Request) -> web.Response:
        gateway = request.app[GATEWAY]
        consumer = await authenticated(gateway, request, OPERATIONS["sync/search"].scope)
        may_ask_unsigned(consumer)  # how its `signature` is made was never said
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        deadline = deadline_of(request.headers.get(DEADLINE_HEADER), gateway.settings.messages)
        correlation_id = new_id()
        asked = read_webinar(parsed(await request.read()), method, correlation_id, utc_now())
        messages = gateway.settings.messages
        item = read_item(asked, set(), Leniency(max_page_size=messages.max_page_size), gateway.catalogue)
        if isinstance(item, RejectedItem):
            refused = {"status": "rjct", "status_reason_message": item.message}
            return web.json_response(webinar_answer(method, refused, correlation_id))
        question = Question(consumer, item, new_id(), correlation_id, deadline)
        given = await dressed(gateway, question, partial(_dress, method), request)
        return web.Response(body=given.item, content_type="application/json")

    return exchange


def _dress(method: Method, question: Question, given: Answer) -> Dressed:
    item = orjson.loads(given.item)
    if method is POVERTY_SCORE and given.status == "succ" and (why := lacks_score(item)) is not None:
        # INVARIANT: an outage is never a "no": a score that could not be obtained is no household without one.
        item = {"status": "rjct", "status_reason_message": why}
    return Dressed(orjson.dumps(webinar_answer(method, item, question.correlation_id)), item["status"])
