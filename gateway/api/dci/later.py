"""Later: questions that were acknowledged take the one straight path, and their answers wait, sealed, for delivery.

What waits is looked at again in the moment it is sent: where the terms that it was given under do not hold any more,
or nobody can tell after a restart, it is given anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, Final, NamedTuple

import orjson
import structlog

from adapters.ports import Deadline
from gateway.api.dci.search import answers_of, measure, recorded, still_holds, unheard
from gateway.bootstrap import Gateway, utc_now
from gateway.delivery.database import ExchangeError
from gateway.pipeline import Answer, Question, superseded
from gateway.ports import Again
from gateway.settings import Consumer
from gateway.stages.admit import Opened
from gateway.work.tries import pause_s
from standards.dci.codes import Action, RegType
from standards.dci.envelope import header_status
from standards.dci.search import FilterQuery, Page, RejectedItem, rejected_item
from standards.dci.validate import header_of
from standards.errors import AccessDeniedError, JournalError, RequestError
from standards.identifiers import Identifier

log = structlog.get_logger()

SEARCH: Final = "search"
ITEMS: Final = "items"
"""The part of a waiting delivery that says what registries said; without it, the answer is given anew."""
REFUSED: Final = "refused"
"""The part of one that says nothing but that there will be no answer: it rests on nobody's word, and stays."""
MOST_TRIES: Final = 12
"""A message that could not be worked on so often is given up: its items are refused, and its consumer is told so."""
_REST_S: Final = 1.0
_LONGEST_REST_S: Final = 20.0
"""Pauses between looks whether a missing registry can be heard, in "answer now, the rest by callback"."""
_HELD: Final = 2_000
"""Waiting deliveries of which it is known here what they rest on; the others are given anew before they are sent."""

Given = Answer | dict[str, object]


class Part(NamedTuple):
    """One question of one callback."""

    place: int
    """Of the question in its message."""
    asked: Question | RejectedItem
    page: int | None = None
    """Of a search that named none and is answered page by page, one callback for each; None for any other question."""


class Later:
    """Answers acknowledged questions for one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        stated = gateway.settings.asynchronous
        self._stated = stated
        self._consumers = {consumer.client_id: consumer for consumer in gateway.settings.consumers}
        self._all = asyncio.Semaphore(stated.in_flight)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._held: OrderedDict[str, list[Given]] = OrderedDict()
        self._untold: set[str] = set()
        """Deliveries whose answers may not leave as they are, and still lie in the outbox."""
        self._reviewed: tuple[object, ...] = ()

    async def answer(self, correlation_id: str, _content: Mapping[str, Any], tries: int) -> Again | None:
        """Answer one message, and promise the delivery of its answers."""
        gateway = self._gateway
        known = await gateway.transactions.request_of(correlation_id)
        if known is None:  # answered; but perhaps this process ended before anybody was told to deliver it
            await gateway.deliveries.resume(correlation_id)
            return None
        client_id, request = known
        consumer = self._consumers.get(client_id)
        if consumer is None:
            await self._give_up(correlation_id, consumer, request)
            return None
        async with self._turn(client_id):
            try:
                if not await self._answered(correlation_id, consumer, request):
                    return Again(pause_s(tries, _REST_S, _LONGEST_REST_S))
            except AccessDeniedError:
                log.warning("answer_purged", consumer=client_id, correlation=correlation_id)
                await gateway.transactions.refuse(correlation_id)
            except (ExchangeError, JournalError) as error:
                # INVARIANT: what cannot be recorded is not answered, however long it takes until it can be.
                log.warning("answer_waits", correlation=correlation_id, caught=type(error).__name__)
                return Again(pause_s(tries))
            except RequestError:  # read when it was acknowledged; by now the gateway is set otherwise
                await self._give_up(correlation_id, consumer, request)
            except Exception:
                if tries < MOST_TRIES:
                    raise
                await self._give_up(correlation_id, consumer, request)
        return None

    async def build(self, consumer: Consumer, id: str, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the message of a callback as it may leave now."""
        gateway, items = self._gateway, content.get(REFUSED, content.get(ITEMS))
        held = self._held.get(id)
        if items is None or (content["parts"] and not await self._all_hold(held)):
            parts = self._parts_of(consumer, content)
            # INVARIANT: revoked means revoked: nothing that waited leaves under terms that nobody has looked at again.
            asked = [part.asked for part in parts]
            await gateway.journal.record([superseded(one, gateway.rooms) for one in asked if isinstance(one, Question)])
            given = await recorded(gateway, asked, await answers_of(gateway, asked))
            items = [_text(one) for one in given]
            self._hold(id, given)
            await gateway.deliveries.outbox.rewrite(id, content["url"], {**content, ITEMS: items})
        return _message(content["transaction_id"], content["correlation_id"], items)

    async def review(self) -> None:
        """Forget what was said in answers that wait and may not leave any more; each is given anew when it is sent."""
        # Read first: what changes meanwhile is seen next time.
        gateway, now = self._gateway, utc_now()
        off = frozenset(gateway.suspensions.registries())
        stamp, emergencies = gateway.rooms.decisions.stamp(), gateway.consents.emergencies()
        state = (stamp, gateway.book.agreements, emergencies, off, now.date())
        if stamp is None or state != self._reviewed:
            for id_, held in list(self._held.items()):
                if not await self._all_hold(held):
                    self._let_go(id_)
        # INVARIANT: revoked means revoked: what rests on it does not lie in a queue either, not even sealed.
        gone = frozenset(self._untold)
        if gone:
            await gateway.deliveries.outbox.unsaid(SEARCH, ITEMS, gone)
        self._untold -= gone
        self._reviewed = state

    def forgotten(self, people: Collection[Identifier]) -> None:
        """Let go of answers that wait about people of whom nothing is to be kept: they died, say, or withdrew."""
        names = frozenset(name for one in people for name in self._gateway.ledger.names({one.type: one.value}))
        for id_, held in list(self._held.items()):
            if any(isinstance(one, Answer) and _rests_on(one, names) for one in held):
                self._let_go(id_)

    def _let_go(self, id_: str) -> None:
        self._held.pop(id_, None)
        self._untold.add(id_)

    async def _answered(self, correlation_id: str, consumer: Consumer, request: Mapping[str, Any]) -> bool:
        """Answer page by page; false when registries are missing that are still to be waited for."""
        gateway, started = self._gateway, time.perf_counter()
        parts = self._parts(consumer, request, correlation_id)
        if await gateway.transactions.pending(correlation_id):
            # An earlier run ended on the way. If its answer was recorded, that answer did not leave.
            again = [part.asked for part in parts if isinstance(part.asked, Question)]
            await gateway.journal.record([superseded(one, gateway.rooms) for one in again])
        gateway.suspensions.check(consumer.client_id)  # nobody is asked on behalf of who is switched off
        number, told = 0, list[Given]()
        said: dict[int, dict[str, Any]] = {}
        while parts:
            number += 1
            asked = [part.asked for part in parts]
            given = await recorded(gateway, asked, await answers_of(gateway, asked))
            told += given
            if number == 1 and unheard(given) and utc_now().timestamp() < request.get("rest_until", 0.0):
                return False
            items = [orjson.loads(_text(one)) for one in given]
            for part, item in zip(parts, items, strict=True):
                said.setdefault(part.place, _summary(item))
            following = [] if number >= self._stated.max_pages else _following(parts, items)
            await self._promise(correlation_id, consumer, request, number, parts, given, said, is_last=not following)
            parts = following
        seconds = time.perf_counter() - started
        measure(gateway, consumer, told, seconds)
        log.info(
            "answered_later",
            consumer=consumer.client_id,
            correlation=correlation_id,
            items=len(told),
            outcomes=unheard(told),
            duration_ms=round(seconds * 1000, 1),
        )
        return True

    async def _promise(
        self,
        correlation_id: str,
        consumer: Consumer,
        request: Mapping[str, Any],
        number: int,
        parts: Sequence[Part],
        given: Sequence[Given],
        said: Mapping[int, Mapping[str, Any]],
        *,
        is_last: bool,
    ) -> None:
        """Promise one callback; with the last one, the message is settled in the same moment."""
        gateway, id_ = self._gateway, f"{correlation_id}-{number}"
        content = {
            **request,
            "transaction_id": request["message"]["transaction_id"],
            "correlation_id": correlation_id,
            "parts": [[part.place, part.page] for part in parts],
            ITEMS: [_text(one) for one in given],
        }
        self._hold(id_, given)
        change = gateway.deliveries.prepared(consumer, SEARCH, request["url"], id_, content, correlation_id)
        if is_last:
            summaries = [summary for _, summary in sorted(said.items())]
            await gateway.transactions.settle(correlation_id, summaries, also=change)
        else:
            await gateway.deliveries.outbox.put(change)
        await gateway.deliveries.begin(consumer.client_id, id_)

    async def _give_up(self, correlation_id: str, consumer: Consumer | None, request: Mapping[str, Any]) -> None:
        """Refuse every question of a message that cannot be answered, and tell the consumer so."""
        gateway, now = self._gateway, utc_now()
        log.error("answer_given_up", correlation=correlation_id)
        references = [str(one.get("reference_id", "")) for one in request["message"]["search_request"]]
        items = [rejected_item(one, None, "could not be answered: ask again", now=now) for one in references]
        change = None
        id_ = f"{correlation_id}-0"  # pages before the one that failed may have been promised, under their own numbers
        if consumer is not None:
            content = {
                **request,
                "transaction_id": request["message"]["transaction_id"],
                "correlation_id": correlation_id,
                "parts": [],
                REFUSED: [_text(item) for item in items],
            }
            change = gateway.deliveries.prepared(consumer, SEARCH, request["url"], id_, content, correlation_id)
        await gateway.transactions.settle(correlation_id, items, also=change)
        if consumer is not None:
            await gateway.deliveries.begin(consumer.client_id, id_)

    def _parts(self, consumer: Consumer, request: Mapping[str, Any], correlation_id: str) -> list[Part]:
        """Return the questions of a message, read again; searches that name no page get their first one."""
        raw = {"header": request["header"], "message": request["message"]}
        stated = request["reg_type"]
        reg_type = None if stated is None else RegType(stated)
        opened = Opened(consumer, header_of(raw), raw)
        message = self._gateway.admission.questions(opened, reg_type)
        deadline = Deadline.after(self._stated.deadline_s)
        parts = []
        for place, item in enumerate(message.items):
            if isinstance(item, RejectedItem):
                parts.append(Part(place, item))
                continue
            asked = Question(consumer, item, message.transaction_id, correlation_id, deadline)
            part = Part(place, asked)
            if item.page is None and isinstance(item.query, FilterQuery):
                part = _on_page(part, 1, self._stated.page_size)
            parts.append(part)
        return parts

    def _parts_of(self, consumer: Consumer, content: Mapping[str, Any]) -> list[Part]:
        """Return the questions of one callback, read again."""
        whole = self._parts(consumer, content, content["correlation_id"])
        return [_on_page(whole[place], page, self._stated.page_size) for place, page in content["parts"]]

    async def _all_hold(self, given: Sequence[Given] | None) -> bool:
        if given is None:
            return False
        for one in given:
            if isinstance(one, Answer) and not await still_holds(self._gateway, one):
                return False
        return True

    def _hold(self, id_: str, given: Sequence[Given]) -> None:
        """Remember what the answers of a waiting delivery rest on; not what they say."""
        self._held[id_] = [one._replace(item=b"", beside=None) if isinstance(one, Answer) else {} for one in given]
        while len(self._held) > _HELD:
            self._held.popitem(last=False)

    @asynccontextmanager
    async def _turn(self, client_id: str) -> AsyncIterator[None]:
        turns = self._turns.setdefault(client_id, asyncio.Semaphore(self._stated.in_flight_per_consumer))
        async with turns, self._all:
            yield


def _rests_on(given: Answer, names: frozenset[str]) -> bool:
    """Tell whether an answer rests on what one of these people decided; true where it does not say on whose word."""
    people = [held.standings for held in given.held]
    return any(one is None or not names.isdisjoint(chain.from_iterable(one)) for one in people)


def _following(parts: Sequence[Part], items: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Return the questions that have a further page."""
    found = []
    for part, item in zip(parts, items, strict=True):
        if part.page is None or not item.get("data", {}).get("reg_records"):
            continue
        size, total = item["pagination"]["page_size"], item["pagination"]["total_count"]
        if part.page * size < total:
            found.append(_on_page(part, part.page + 1, size))
    return found


def _on_page(part: Part, number: int | None, size: int) -> Part:
    if number is None or not isinstance(part.asked, Question):
        return part
    item = part.asked.item._replace(page=Page(size, number))
    return part._replace(asked=part.asked._replace(item=item), page=number)


def _text(given: Given | Mapping[str, Any]) -> str:
    """Return an item as it is sent, byte by byte: the journal holds its digest."""
    return given.item.decode() if isinstance(given, Answer) else orjson.dumps(given).decode()


def _summary(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a status tells of an item: all but the records."""
    kept = ("reference_id", "timestamp", "status", "status_reason_code", "status_reason_message")
    return {name: item[name] for name in kept if name in item}


def _message(transaction_id: str, correlation_id: str, items: Sequence[str]) -> dict[str, Any]:
    statuses = [str(orjson.loads(item)["status"]) for item in items]
    return {
        "header": {
            "action": Action.ON_SEARCH.value,
            "status": header_status(statuses).value,
            "total_count": len(items),
            "completed_count": len(items),
        },
        "message": {
            "transaction_id": transaction_id,
            "correlation_id": correlation_id,
            "search_response": [orjson.Fragment(item) for item in items],
        },
    }
