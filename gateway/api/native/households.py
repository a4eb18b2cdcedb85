"""`POST /v1/households/lookup`: a plain question about one household or person, answered in the plain shape.

The question takes the same path as one in a DCI message, and is recorded in the same way; only its two ends differ.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from gateway.api.authentication import authenticated
from gateway.api.dci.search import measure, record_abandoned, recorded, unheard
from gateway.api.deadline import HEADER as DEADLINE_HEADER
from gateway.api.deadline import deadline_of
from gateway.api.state import GATEWAY, SUMMARY
from gateway.bootstrap import utc_now
from gateway.ids import new_id
from gateway.pipeline import Answer, Question, answer
from gateway.settings import Consumer
from gateway.stages.admit import parsed
from standards.attributes import Catalogue
from standards.dci.codes import ErrorCode, RegType, ResponseEntity
from standards.dci.operations import OPERATIONS
from standards.dci.question import read_item
from standards.dci.search import RejectedItem, SearchItem
from standards.dci.validate import Leniency
from standards.errors import EncryptionInvalidError, MalformedMessageError, RequestError, SignatureInvalidError

CORRELATION_HEADER: Final = "Hearth-Correlation-Id"

SCOPE: Final = OPERATIONS["sync/search"].scope
"""What an access token must be good for: the same as for the question in a DCI message."""
STATUSES: Final[Mapping[str, int]] = {
    "search.answered": 200,
    "search.rejected": 400,
    "search.denied": 403,
    "search.unanswered": 503,
}
"""Journal event of a question -> HTTP status of its plain answer; 429 where a quota is used up."""

_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "subject": (dict, "an object with type and value"),
    "purpose": (str, "the code of a purpose of the agreement"),
    "attributes": (list, "an array of attribute names"),
    "as_of": (str, "a day, such as 2025-01-31"),
    "explain": (bool, "true or false"),
    "person_only": (bool, "true or false"),
}


async def lookup(request: web.Request) -> web.Response:
    """Answer one plain question; what cannot be answered is an HTTP error with the code that DCI has for it."""
    gateway = request.app[GATEWAY]
    start = time.perf_counter()
    consumer = await authenticated(gateway, request, SCOPE)
    may_ask_unsigned(consumer)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    deadline = deadline_of(request.headers.get(DEADLINE_HEADER), gateway.settings.messages)
    correlation_id = new_id()
    item = read_lookup(await request.read(), correlation_id, utc_now(), gateway.catalogue)
    question = Question(consumer, item, new_id(), correlation_id, deadline, is_plain=True)
    try:
        answers = await recorded(gateway, [question], [await answer(question, gateway.rooms)])
    except asyncio.CancelledError:
        await record_abandoned(gateway, [question])
        raise
    measure(gateway, consumer, answers, time.perf_counter() - start)
    request[SUMMARY] = {
        "consumer": consumer.client_id,
        "correlation": correlation_id,
        "items": 1,
        "outcomes": unheard(answers),
    }
    (given,) = (a for a in answers if isinstance(a, Answer))
    status = STATUSES[given.entry.event] if given.again_on is None else 429
    response = web.Response(status=status, body=given.item, content_type="application/json")
    if given.again_on is not None:
        begins = datetime.combine(given.again_on, datetime.min.time(), UTC)
        response.headers["Retry-After"] = str(max(1, math.ceil((begins - utc_now()).total_seconds())))
    response.headers[CORRELATION_HEADER] = correlation_id
    return response


def read_lookup(body: bytes, correlation_id: str, now: datetime, catalogue: Catalogue) -> SearchItem:
    """Return a plain question as the item of a DCI message that asks the same.

    Raises: RequestError that says what to change, with the code that DCI has for it.
    """
    raw = parsed(body)
    if not isinstance(raw, dict):
        raise MalformedMessageError("the body is a JSON object")
    _check_members(raw)
    criteria = {
        "reg_type": RegType.SOCIAL.value,
        "response_entity": (ResponseEntity.MEMBER if raw.get("person_only") else ResponseEntity.GROUP).value,
        "query_type": "idtype-value",
        "query": raw["subject"],
        "consent": {"purpose": {"code": raw["purpose"]}} if "purpose" in raw else {},
        "hearth:attributes": raw.get("attributes"),
        "hearth:as_of": raw.get("as_of"),
        "hearth:explain": raw.get("explain"),
    }
    asked = {"reference_id": correlation_id, "timestamp": now.isoformat(), "search_criteria": criteria}
    item = read_item(asked, set(), Leniency(), catalogue)
    if isinstance(item, RejectedItem):
        raise RequestError(item.message.replace("hearth:", ""), reason_code=item.code)
    return item


def _check_members(raw: Mapping[str, Any]) -> None:
    if strangers := raw.keys() - _TYPES.keys():
        count = f"{len(strangers)} members are" if len(strangers) > 1 else "one member is"
        raise MalformedMessageError(f"{count} not known here; there are {', '.join(_TYPES)}")
    if "subject" not in raw:
        raise MalformedMessageError("subject is missing: the type and value of a number")
    for name, value in raw.items():
        kind, words = _TYPES[name]
        if not isinstance(value, kind):
            raise MalformedMessageError(f"{name} is {words}")
    if raw["subject"].keys() != {"type", "value"}:
        raise MalformedMessageError("subject is an object with type and value, and nothing else")


def may_ask_unsigned(consumer: Consumer) -> None:
    """Let nobody ask in a shape without a signature who has to sign, or without encryption who has to encrypt.

    Raises: SignatureInvalidError, EncryptionInvalidError for a sender that has to.
    """
    if consumer.encryption == "required" or consumer.answers.encrypted:
        raise EncryptionInvalidError(
            "this sender's messages are encrypted, which a plain question and its answer cannot be: ask at "
            "/registry/sync/search"
        )
    # INVARIANT: who has to sign cannot get around it by asking in the plain shape, which has no signature.
    if consumer.signature == "required":
        raise SignatureInvalidError(
            "this sender signs its messages, which a plain question cannot be: ask at /registry/sync/search",
            reason_code=ErrorCode.SIGNATURE_MISSING,
        )
