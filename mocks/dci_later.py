"""What a DCI registry does later: asynchronous search, subscriptions and notifications, transaction status.

Every asynchronous request gets an ACK object, and then a callback in the manner that `PUT /_sandbox/callbacks` or the
header `X-Sandbox-Callbacks` asks for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from mocks import async_search
from mocks.callbacks import Callbacks, callback_url
from mocks.dci_message import (
    Envelope,
    acknowledgement,
    answer_header,
    envelope,
    header_refusal,
    moment,
)
from mocks.dci_tokens import errors
from mocks.events import Event
from mocks.manners import MANNER_HEADER, MalformedMannerError, Manner, MannerBox
from mocks.notifications import notifications
from mocks.registry import Call, Operation, json_answer
from mocks.speaking import in_dialect, spoken
from mocks.subscriptions import Subscriptions
from mocks.transactions import Transaction, Transactions

if TYPE_CHECKING:
    from mocks.dci import DciRegistry

Answers = Sequence[Mapping[str, Any]]


class Later:
    """The asynchronous side of one registry."""

    def __init__(self, registry: DciRegistry, bearer: str) -> None:
        self.registry = registry
        self.callbacks = Callbacks(bearer, registry.signer.signed)
        self.manners = MannerBox()
        self.transactions = Transactions(tells_objects=registry.reg_type.endswith((":Civil", ":FR")))
        self.subscriptions = Subscriptions(registry)

    def operations(self) -> Iterable[Operation]:
        """Return the business operations; the disability registry has no transaction status in the standard."""
        yield from spoken(self.registry, "search", self.search, "async-search")
        yield from spoken(self.registry, "subscribe", self.subscribe, "subscribe")
        yield from spoken(self.registry, "unsubscribe", self.unsubscribe, "unsubscribe")
        if not self.registry.reg_type.endswith(":DR"):
            yield from spoken(self.registry, "txn/status", self.status_later, "async-status")
            yield from spoken(self.registry, "sync/txn/status", self.status, "status")

    async def open(self) -> None:
        """Start with a server."""
        await self.callbacks.open()

    async def close(self) -> None:
        """End with a server."""
        await self.callbacks.close()

    async def search(self, request: web.Request, call: Call) -> web.Response:
        """Take a search message, and tell later what it found."""
        message = await self._accepted(request, "search", "search_request")
        call.asked(len(message.items))
        manner, correlation_id = self._manner(request), str(uuid.uuid4())
        answers = async_search.callbacks(
            self.registry, message, call, correlation_id, page_size=manner.page_size, now=moment()
        )
        whole = answers[0]["message"] | {"search_response": async_search.whole(answers)}
        references = tuple(item["reference_id"] for item in message.items)
        self._remember("search", message, whole, manner, references=references)
        return await self._answer(message, "on-search", answers, manner, correlation_id, call)

    async def subscribe(self, request: web.Request, call: Call) -> web.Response:
        """Take subscriptions, and tell later which."""
        message = await self._accepted(request, "subscribe", "subscribe_request")
        manner, correlation_id, now = self._manner(request), str(uuid.uuid4()), moment()
        items = self.subscriptions.take(message, str(message.sender_uri), now)
        content = self._ids(message, correlation_id) | {"subscribe_response": items}
        codes = tuple(taken["code"] for item in items for taken in item.get("subscriptions", []))
        references = tuple(item["reference_id"] for item in message.items)
        self._remember("subscribe", message, content, manner, references=references, codes=codes)
        status = "succ" if any(item["status"] == "succ" for item in items) else "rjct"
        answer = self._whole(message, "on-subscribe", status, content, now)
        return await self._answer(message, "on-subscribe", [answer], manner, correlation_id, call)

    async def unsubscribe(self, request: web.Request, call: Call) -> web.Response:
        """End subscriptions, and tell later which."""
        message = await self._accepted(request, "unsubscribe", None)
        codes = message.items[0].get("subscription_codes")
        if not isinstance(codes, list) or not codes or not all(isinstance(code, str) for code in codes):
            raise _refused("err.request.bad", "the message has subscription_codes")
        manner, correlation_id, now = self._manner(request), str(uuid.uuid4()), moment()
        statuses, reason = self.subscriptions.end(codes, str(message.header["sender_id"]))
        status = "rjct" if reason else "succ"
        content = self._ids(message, correlation_id) | {"timestamp": now, "status": status}
        content |= {"subscription_status": statuses} | ({"status_reason_code": reason} if reason else {})
        self._remember("unsubscribe", message, content, manner, codes=tuple(codes))
        answer = self._whole(message, "on-unsubscribe", status, content, now)
        return await self._answer(message, "on-unsubscribe", [answer], manner, correlation_id, call)

    async def status(self, request: web.Request, call: Call) -> web.Response:
        """Tell at once what became of a message."""
        try:
            message = envelope(await request.read(), None)
        except ValueError as problem:
            return errors(400, "err.request.bad", str(problem))
        return json_answer(self._status(message, str(uuid.uuid4())))

    async def status_later(self, request: web.Request, call: Call) -> web.Response:
        """Tell later what became of a message."""
        message = await self._accepted(request, "txn-status", None)
        correlation_id = str(uuid.uuid4())
        answer = self._status(message, correlation_id)
        return await self._answer(message, "txn/on-status", [answer], self._manner(request), correlation_id, call)

    def happened(self, event: Event) -> int:
        """Notify those who subscribed to an event; returns how many."""
        manner = self.manners.manner
        told = notifications(self.registry, self.subscriptions, event)
        dialect = self.registry.dialect
        for url, message in told:
            if manner.when != "never" and dialect.calls_back:
                said = dialect.told(message, None)
                self.callbacks.start(url, [said] * manner.copies, in_dialect(manner, dialect))
        return len(told)

    async def _accepted(self, request: web.Request, action: str, batch: str | None) -> Envelope:
        """Return an asynchronous message that is whole, or raise the answer that refuses it."""
        try:
            message = envelope(await request.read(), batch)
        except ValueError as problem:
            raise _refused("err.request.bad", str(problem)) from None
        if (code := header_refusal(message, action)) is not None:
            raise _refused("err.request.bad", f"the header is refused: {code}")
        if message.sender_uri is None:
            raise _refused("err.sender_uri.invalid", "the header lacks the address that callbacks go to")
        return message

    def _manner(self, request: web.Request) -> Manner:
        try:
            return self.manners.draw(request.headers.get(MANNER_HEADER))
        except MalformedMannerError as problem:
            raise _refused("err.request.bad", str(problem)) from None

    async def _answer(
        self, message: Envelope, callback: str, answers: Answers, manner: Manner, correlation_id: str, call: Call
    ) -> web.Response:
        """Acknowledge a message and send its callbacks, in the manner asked for."""
        if manner.ack == "err":
            refusal = acknowledgement(correlation_id, "ERR", "err.service.unavailable", "the registry is out of order")
            return json_answer(refusal, status=503)
        if manner.ack == "nack":
            return json_answer(acknowledgement(correlation_id, "NACK"))
        url = callback_url(str(message.sender_uri), callback)
        ordered = list(reversed(answers)) if manner.order == "reversed" else answers
        dialect = self.registry.dialect
        told = [dialect.told(dict(answer), call.raw) for answer in ordered]
        sent = [answer for answer in told for _ in range(manner.copies)]
        sending = in_dialect(manner, dialect)
        if manner.when == "before" and dialect.calls_back:
            await self.callbacks.send(url, sent, sending, tries=1)
        elif manner.when == "after" and dialect.calls_back:
            self.callbacks.start(url, sent, sending)
        media_type = "text/plain" if manner.ack == "text" else "application/json"
        status = 202 if manner.ack == "accepted" else 200
        return json_answer(acknowledgement(correlation_id), status=status, media_type=media_type)

    def _remember(
        self,
        txn_type: str,
        message: Envelope,
        payload: Mapping[str, Any],
        manner: Manner,
        *,
        references: tuple[str, ...] = (),
        codes: tuple[str, ...] = (),
    ) -> None:
        self.transactions.store(
            Transaction(
                txn_type=txn_type,
                sender_id=str(message.header["sender_id"]),
                transaction_id=message.transaction_id,
                correlation_id=str(payload["correlation_id"]),
                references=references,
                codes=codes,
                payload=payload,
                ready_at=time.monotonic() + manner.delay_ms / 1000,
            )
        )

    def _status(self, message: Envelope, correlation_id: str) -> dict[str, Any]:
        now, asked = moment(), message.items[0].get("txnstatus_request")
        asked = asked if isinstance(asked, dict) else {}
        told, refused = self.transactions.answer(asked, str(message.header["sender_id"]), now)
        content = self._ids(message, correlation_id) | {"txnstatus_response": told}
        answer = self._whole(message, "txn-on-status", "rjct" if refused else "succ", content, now)
        if refused is not None:
            answer["header"]["status_reason_message"] = refused
        return answer

    def _whole(self, message: Envelope, action: str, status: str, content: dict[str, Any], now: str) -> dict[str, Any]:
        completed, sender = len(message.items), self.registry.sender_id
        header = answer_header(message, action, status, now=now, sender=sender, completed=completed)
        return {"header": header, "message": content}

    @staticmethod
    def _ids(message: Envelope, correlation_id: str) -> dict[str, Any]:
        return {"transaction_id": message.transaction_id, "correlation_id": correlation_id}


def _refused(code: str, message: str) -> web.HTTPException:
    text = orjson.dumps(acknowledgement(str(uuid.uuid4()), "ERR", code, message)).decode()
    return web.HTTPBadRequest(text=text, content_type="application/json")
