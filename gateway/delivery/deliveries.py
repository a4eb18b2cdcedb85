"""Deliveries: each promise to a consumer becomes exactly one result it can recognise, over hours if need be.

One delivery is one idempotency key and one `message_id`, the same in every try; each try is made, stamped and signed
anew, from what may be told at that moment.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog

from gateway.delivery.database import Also
from gateway.delivery.outbox import Letter, Outbox, Parcel
from gateway.delivery.rest import Rest
from gateway.delivery.sending import Said, Sender
from gateway.delivery.where import Callback, address, checked
from gateway.keys import Keys
from gateway.ports import Again, Clock, Journal, JournalEntry, Work
from gateway.settings import Consumer, Delivery
from gateway.work.tries import pause_s
from standards.dci.envelope import VERSION, wire_time
from standards.errors import InteropError, JournalError, RequestError

log = structlog.get_logger()

KIND: Final = "delivery"
Build = Callable[[Consumer, str, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]
"""Makes the whole message of one try, given the consumer, the delivery's id and what was kept for it.

None: nothing may be told any more. An InteropError: not now, and the try has failed.
"""
Sealed = Callable[[Mapping[str, Any], Consumer, datetime], bytes]
"""Signs a message, and encrypts it where that receiver wants it."""


class Outside(NamedTuple):
    """What deliveries need from the rest of the gateway."""

    work: Work
    sender: Sender
    sealed: Sealed
    journal: Journal
    keys: Keys
    now: Clock
    sender_id: str
    is_off: Callable[[str], bool] = lambda _client_id: False
    """Whether a consumer is switched off: nothing leaves to it, and what waits for it is purged."""
    gone: Callable[[str], Awaitable[None]] | None = None
    """Told the correlation id of what was purged."""


class Deliveries:
    """Delivers to the consumers of one gateway."""

    def __init__(self, outbox: Outbox, outside: Outside, consumers: Sequence[Consumer], settings: Delivery) -> None:
        self.outbox = outbox
        self._outside, self._settings = outside, settings
        self._consumers = {consumer.client_id: consumer for consumer in consumers}
        self._builds: dict[str, Build] = {}
        self._reviews: list[Callable[[], Awaitable[None]]] = []
        self._all = asyncio.Semaphore(settings.in_flight)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._rest = Rest()
        outside.work.handle(KIND, self._work)

    def builds(self, kind: str, build: Build) -> None:
        """Name what makes the messages of a kind."""
        self._builds[kind] = build

    def reviews(self, review: Callable[[], Awaitable[None]]) -> None:
        """Name what looks, now and then, whether what waits may still be told, and forgets what may not."""
        self._reviews.append(review)

    def address(self, consumer: Consumer, callback: Callback, sender_uri: str | None) -> str:
        """Return where a consumer is to be called back; to be asked before anything is acknowledged.

        Raises: RequestError `err.sender_uri.invalid` when it may not be called back there.
        """
        return address(consumer, callback, sender_uri)

    async def send(
        self, consumer: Consumer, kind: str, url: str, id: str, content: Mapping[str, Any], correlation_id: str = ""
    ) -> None:
        """Return once it is certain that this will be delivered, or be a dead letter; once for each id.

        id: at most 120 characters, nothing personal in it.
        content: JSON, for the kind's builder.
        """
        await self.outbox.put(self.prepared(consumer, kind, url, id, content, correlation_id))
        await self.begin(consumer.client_id, id)

    def prepared(
        self, consumer: Consumer, kind: str, url: str, id: str, content: Mapping[str, Any], correlation_id: str
    ) -> Also:
        """Return the change that promises a delivery, to be made together with others; `begin` must follow."""
        return self.outbox.written(id, consumer.client_id, kind, correlation_id, self._settings.give_up_s, url, content)

    async def begin(self, consumer_id: str, id: str) -> None:
        """Begin to deliver what was promised."""
        await self._outside.work.start(KIND, id, {"consumer": consumer_id})

    async def resume(self, correlation_id: str | None = None) -> None:
        """Begin to deliver whatever waits, of one transaction where one is named."""
        for id_, consumer_id in await self.outbox.waiting(correlation_id):
            await self.begin(consumer_id, id_)

    async def resume_due(self) -> None:
        """Begin to deliver what is due and nobody delivers, such as what an operator let be tried again."""
        for id_, consumer_id in await self.outbox.overdue():
            await self.begin(consumer_id, id_)

    async def cancel(self, id: str) -> None:
        """Deliver it no more, unless that is under way."""
        await self.outbox.dropped(id)
        await self._outside.work.cancel(id)

    async def purge(self) -> None:
        """Forget what waits and may not be told any more, however long it is until its next try."""
        # INVARIANT: revoked means revoked: nothing is left of what waits for a consumer that is switched off.
        off = [name for name in self._consumers if self._outside.is_off(name)]
        for letter in await self.outbox.kept(off):
            await self._purged(letter)
        for review in self._reviews:
            await review()

    async def open(self) -> None:
        """Take up what an earlier run of this process was killed over."""
        await self.outbox.release()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._outside.sender.close()

    async def _work(self, id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        async with self._turn(content["consumer"]):
            taken = await self.outbox.take(id)
            if not isinstance(taken, Parcel):
                return None if taken is None else Again(taken)
            try:
                return await self._tried(taken)
            except BaseException:
                await asyncio.shield(self.outbox.let_go(id))
                raise

    @asynccontextmanager
    async def _turn(self, consumer_id: str) -> AsyncIterator[None]:
        """Wait for a turn: a consumer that takes its time takes no more than its own."""
        turns = self._turns.setdefault(consumer_id, asyncio.Semaphore(self._settings.in_flight_per_consumer))
        async with turns, self._all:
            yield

    async def _tried(self, parcel: Parcel) -> Again | None:
        now = self._outside.now()
        consumer = self._consumers.get(parcel.consumer)
        if consumer is None:
            await self._dead(parcel, "consumer_unknown")
            return None
        try:
            host = checked(parcel.url, consumer).netloc  # it may be registered otherwise by now
        except RequestError:
            await self._dead(parcel, "address_not_registered")
            return None
        if (wait := self._rest.left_s(parcel.consumer, host)) > 0 and now.timestamp() + wait < parcel.give_up_at:
            await self.outbox.later(parcel.id, wait, "consumer_rests", is_try=False)
            return Again(wait)
        if self._outside.is_off(parcel.consumer):
            await self._purged(parcel)
            return None
        build = self._builds.get(parcel.kind)
        if build is None:
            return await self._failed(parcel, Said(False, "not_built"))
        try:
            message = await build(consumer, parcel.id, parcel.content)
        except InteropError as error:
            log.warning("delivery_not_built", consumer=parcel.consumer, caught=type(error).__name__)
            return await self._failed(parcel, Said(False, "not_built"))
        if message is None or self._outside.is_off(parcel.consumer):
            await self._purged(parcel)
            return None
        key = self._outside.keys.digest_of(f"delivery\x00{parcel.id}")
        now = self._outside.now()
        try:
            body = self._outside.sealed(self._stamped(message, consumer, key, now), consumer, now)
        except InteropError as error:  # no key of the receiver's to be had: nothing leaves in clear
            log.warning("delivery_not_built", consumer=parcel.consumer, caught=type(error).__name__)
            return await self._failed(parcel, Said(False, "not_sealed"))
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        said = await self._outside.sender.send(
            parcel.url, body, headers, pool=consumer.client_id, is_private=consumer.private_callbacks
        )
        if not said.is_accepted:
            self._rest.begins(parcel.consumer, said, host)
            return await self._failed(parcel, said)
        self._rest.ends(parcel.consumer, host)
        await self._recorded(parcel, "delivery.made", hashlib.sha256(body).hexdigest())
        await self.outbox.made(parcel.id)
        return None

    def _stamped(self, message: Mapping[str, Any], consumer: Consumer, key: str, now: datetime) -> dict[str, Any]:
        """Return a message as it leaves now: one `message_id` for all tries, a fresh time for each."""
        header = {
            "version": VERSION,
            "is_msg_encrypted": False,
            "meta": {},
            **message["header"],
            "message_id": key,
            "message_ts": wire_time(now),
            "sender_id": self._outside.sender_id,
            "receiver_id": consumer.sender_id,
        }
        return {**message, "header": header}

    async def _failed(self, parcel: Parcel, said: Said) -> Again | None:
        stated = self._settings
        pause = max(pause_s(parcel.tries, stated.first_pause_s, stated.longest_pause_s), said.retry_after_s or 0.0)
        if self._outside.now().timestamp() + pause >= parcel.give_up_at:
            await self._dead(parcel, said.reason)
            return None
        await self.outbox.later(parcel.id, pause, said.reason)
        return Again(pause)

    async def _purged(self, parcel: Parcel | Letter) -> None:
        """Forget what may not be delivered any more."""
        if self._outside.gone is not None and parcel.correlation_id:
            await self._outside.gone(parcel.correlation_id)
        if await self.outbox.dropped(parcel.id):  # else another process did, and noted it
            await self._recorded(parcel, "delivery.dropped", "")

    async def _dead(self, parcel: Parcel, reason: str) -> None:
        log.error("delivery_dead", consumer=parcel.consumer, reason=reason, correlation=parcel.correlation_id)
        await self._recorded(parcel, "delivery.failed", "", reason)
        await self.outbox.dead(parcel.id, reason)

    async def _recorded(self, parcel: Parcel | Letter, event: str, digest: str, reason: str = "") -> None:
        entry = JournalEntry(
            at=self._outside.now(),
            event=event,
            consumer=parcel.consumer,
            purpose="",
            agreement="",
            subject="",
            members=(),
            transaction="",
            correlation=parcel.correlation_id,
            released=(),
            plan="",
            outcomes={"delivery": reason or parcel.kind},
            answer_digest=digest,
        )
        try:
            await self._outside.journal.record([entry])
        except JournalError:
            # The answer itself stands in the journal since before it left; only its arrival is not noted.
            log.warning("delivery_not_noted", consumer=parcel.consumer, correlation=parcel.correlation_id)
