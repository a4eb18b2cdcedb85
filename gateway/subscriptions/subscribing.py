"""Subscribing: what a consumer asks for is kept, begun at the registries or by looking, and undone when it ends.

The parts of this package meet here. Whatever a consumer's message leads to is done by work that survives the process,
under names made from the message, so that doing it twice comes to the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from adapters.catalogue import Registry
from gateway.delivery.deliveries import Deliveries
from gateway.delivery.where import Callback
from gateway.keys import Keys
from gateway.ports import Again, Clock, Journal, JournalEntry, Work
from gateway.settings import Consumer
from gateway.settings import Subscriptions as Settings
from gateway.stages.rooms import Rooms
from gateway.subscriptions.asking import Asking
from gateway.subscriptions.happening import Happening
from gateway.subscriptions.store import AlreadySubscribedError, Subscription, SubscriptionStore, keyed
from gateway.subscriptions.tables import Database
from gateway.subscriptions.telling import Telling
from gateway.subscriptions.terms import Terms
from gateway.subscriptions.upstream import UpstreamStore
from gateway.subscriptions.watching import Watching
from gateway.transactions import Transactions
from policies.ports import AgreementBook
from standards.dci.codes import Action, RegType, SubscribeReason, UnsubscribeReason
from standards.dci.envelope import header_status
from standards.dci.events import EventKind
from standards.dci.subscribe import Unwanted, Wanted, read_subscribe, read_unsubscribe
from standards.dci.subscribed import (
    message_with,
    refused_subscription,
    subscribed_item,
    unsubscribed_payload,
)
from standards.household import SourceOutcome
from standards.identifiers import Identifier

ADD: Final = "subscription.add"
"""Kind of the work that answers a subscribe message."""
REMOVE: Final = "subscription.remove"
"""Kind of the work that answers an unsubscribe message."""
EXPIRE: Final = "subscription.expire"
"""Kind of the work that ends a subscription whose time is over."""


class Around(NamedTuple):
    """What subscriptions need from the rest of the gateway; what is a function here may be another thing later."""

    work: Work
    deliveries: Deliveries
    transactions: Transactions
    journal: Journal
    keys: Keys
    book: AgreementBook
    now: Clock
    rooms: Callable[[], Rooms]
    registries: Callable[[], Mapping[str, Registry]]
    consumers: Callable[[str], Consumer | None]
    leave_word: Callable[[Sequence[Identifier]], Awaitable[None]]
    """Tells every other process whom to forget."""
    is_suspended: Callable[[str], None]
    deadline_s: float
    silence: Callable[[Mapping[str, SourceOutcome]], bool] = lambda _sources: False
    """Tells whether an answer rests on a registry that is switched off."""


class Subscriptions:
    """The subscriptions of one gateway."""

    def __init__(self, database: Database, around: Around, settings: Settings) -> None:
        self._database, self._around, self._settings = database, around, settings
        keys, now, work = around.keys, around.now, around.work
        self._key = keys.derived("subscription codes")
        self.store = SubscriptionStore(database, keys, now)
        self.upstream = UpstreamStore(database, keys, now)
        self.terms = Terms(around.rooms, around.book, around.is_suspended)
        self.asking = Asking(
            (self.store, self.upstream),
            self.terms,
            work,
            around.registries,
            now,
            review_s=settings.review_s,
            renew_s=settings.renew_s,
            fall_back=self._watch,
        )
        self.happening = Happening(
            self.store,
            work,
            keys.derived("subscription happening"),
            now,
            forgetting=lambda: around.rooms().fetcher.calls,
            leave_word=around.leave_word,
            hand_over=self._hand_over,
        )
        self.watching = Watching(
            self.store,
            self.terms,
            work,
            around.rooms,
            around.journal,
            keys.derived("subscription watching"),
            now,
            consumers=around.consumers,
            least_s=settings.min_interval_s,
            deadline_s=around.deadline_s,
            tell=self.happening.tell,
            end=self.expire,
        )
        self.telling = Telling(
            self.store,
            self.terms,
            around.rooms,
            around.journal,
            now,
            deadline_s=around.deadline_s,
            silence=around.silence,
        )
        around.deliveries.builds(Callback.NOTIFY, self.telling.notification)
        around.deliveries.builds(Callback.ON_SUBSCRIBE, _as_kept)
        around.deliveries.builds(Callback.ON_UNSUBSCRIBE, _as_kept)
        work.handle(ADD, self._added)
        work.handle(REMOVE, self._removed)
        work.handle(EXPIRE, self._expired)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    async def add(
        self,
        consumer: Consumer,
        correlation_id: str,
        message: Mapping[str, Any],
        *,
        default: RegType | None,
        urls: tuple[str, str],
    ) -> None:
        """Return when a subscribe message will be answered for sure.

        urls: where the answer goes, and where notifications go.
        """
        content = {
            "client_id": consumer.client_id,
            "correlation_id": correlation_id,
            "message": message,
            "default": default.value if default is not None else None,
            "urls": list(urls),
        }
        await self._around.work.start(ADD, f"sa-{correlation_id}", content)

    async def remove(self, consumer: Consumer, correlation_id: str, message: Mapping[str, Any], url: str) -> None:
        """Return when an unsubscribe message will be answered for sure."""
        content = {"client_id": consumer.client_id, "correlation_id": correlation_id, "message": message, "url": url}
        await self._around.work.start(REMOVE, f"sr-{correlation_id}", content)

    async def expire(self, code: str) -> None:
        """End a subscription whose time is over."""
        subscription = await self.store.find(code)
        await self._end(code, subscription, None)

    async def _added(self, _id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        consumer = self._around.consumers(content["client_id"])
        if consumer is None:
            return None
        default = RegType(content["default"]) if content["default"] else None
        transaction_id, requests = read_subscribe(content["message"], default=default)
        correlation_id, (url, notify_url) = content["correlation_id"], content["urls"]
        items: list[dict[str, Any]] = []
        codes: list[str] = []
        for one in requests:
            taken: Subscription | Unwanted
            if isinstance(one, Unwanted):
                taken = one
            else:
                taken = await self._taken(consumer, correlation_id, transaction_id, one, notify_url)
            now = self._around.now()
            if isinstance(taken, Unwanted):
                items.append(refused_subscription(taken, now=now))
            else:
                codes.append(taken.code)
                items.append(subscribed_item(taken.wanted, taken.code, since=taken.made_at, now=now))
        payload = {"transaction_id": transaction_id, "correlation_id": correlation_id, "subscribe_response": items}
        status = header_status(item["status"] for item in items)
        answer = message_with(Action.ON_SUBSCRIBE, status, payload, total=len(items))
        await self._around.transactions.settle(correlation_id, items, codes=codes)
        await self._around.deliveries.send(
            consumer, Callback.ON_SUBSCRIBE, url, f"os-{correlation_id}", answer, correlation_id
        )
        return None

    async def _taken(
        self, consumer: Consumer, correlation_id: str, transaction_id: str, wanted: Wanted, url: str
    ) -> Subscription | Unwanted:
        now, client_id = self._around.now(), consumer.client_id
        agreed = self.terms.agreed(client_id, wanted, now)
        if isinstance(agreed, Unwanted):
            return agreed
        code = f"sub-{keyed(self._key, client_id, correlation_id, wanted.reference_id)[:32]}"
        if wanted.ends is not None and wanted.ends <= now:
            return _refused(wanted, SubscribeReason.NOTIFY_DETAILS_INVALID, "end_time has passed")
        most = min(self._settings.max_per_consumer, agreed.events.max_subscriptions)
        open_codes = await self.store.open_codes(client_id)
        if code not in open_codes and len(open_codes) >= most:
            sentence = f"as many subscriptions as agreed are open ({most}): end some first"
            return _refused(wanted, SubscribeReason.NOTIFY_DETAILS_INVALID, sentence)
        subscription = Subscription(code, client_id, wanted, agreed.purpose, transaction_id, url, now)
        try:
            await self.store.add(subscription)
        except AlreadySubscribedError:
            sentence = "there is an open subscription of yours to the same: end it first, or go on with it"
            return _refused(wanted, SubscribeReason.ALREADY_SUBSCRIBED, sentence)
        if await self.store.find(code) is None:
            return subscription  # this message was worked on before, and what it began has ended since
        await self._around.journal.record([self._entry("subscription.added", subscription, now)])
        begun = await self.asking.begin(subscription)
        if wanted.kind is EventKind.CHANGE or not begun:
            await self.watching.begin(subscription)
        if wanted.ends is not None:
            after_s = (wanted.ends - now).total_seconds()
            await self._around.work.start(EXPIRE, f"se-{code}", {"code": code}, after_s=after_s)
        return subscription

    async def _removed(self, _id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        consumer = self._around.consumers(content["client_id"])
        if consumer is None:
            return None
        asked, correlation_id = read_unsubscribe(content["message"]), content["correlation_id"]
        outcomes: dict[str, str] = {}
        if asked.timestamp is not None:
            for code in asked.codes:
                found = await self.store.find(code)
                outcomes[code] = await self._end(code, found, consumer.client_id, correlation_id)
        statuses = {code: "unsubscribe" for code, one in outcomes.items() if one in {"ended", "ended_before"}}
        refusal = _refusal(asked.timestamp, outcomes)
        now = self._around.now()
        payload = unsubscribed_payload(
            asked.transaction_id,
            correlation_id,
            now=now,
            is_done="ended" in outcomes.values(),
            statuses=statuses,
            refusal=refusal,
        )
        answer = message_with(Action.ON_UNSUBSCRIBE, payload["status"], payload, total=1)
        await self._around.transactions.settle(correlation_id, [payload], codes=tuple(statuses))
        await self._around.deliveries.send(
            consumer, Callback.ON_UNSUBSCRIBE, content["url"], f"ou-{correlation_id}", answer, correlation_id
        )
        return None

    async def _expired(self, _id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        await self.expire(content["code"])
        return None

    async def _end(self, code: str, known: Subscription | None, client_id: str | None, correlation_id: str = "") -> str:
        """End one subscription, and whatever nobody else needs; return what became of the wish."""
        if known is not None and client_id in {None, known.client_id}:
            entry = self._entry("subscription.removed", known, self._around.now())
            await self._around.journal.record([entry])
        ended = await self.store.end(code, client_id, correlation_id)
        if ended.outcome in {"ended", "ended_before"}:
            await self.asking.end(code)  # also after a crash in between
        return ended.outcome

    async def _watch(self, subscription: Subscription) -> None:
        await self.watching.begin(subscription)

    async def _hand_over(self, subscription: Subscription, event: str) -> None:
        """Make the delivery of one event durable; it is known by the event, so that it is one delivery."""
        consumer = self._around.consumers(subscription.client_id)
        if consumer is not None:
            await self._around.deliveries.send(
                consumer,
                Callback.NOTIFY,
                subscription.url,
                f"nt-{event}",
                {"code": subscription.code},
                subscription.code,
            )

    def _entry(self, event: str, subscription: Subscription, now: datetime) -> JournalEntry:
        keys, wanted = self._around.keys, subscription.wanted
        agreement = self._around.book.current.for_purpose(subscription.client_id, subscription.purpose, now.date())
        pseudonym = keys.pseudonym_of(wanted.subject)
        return JournalEntry(
            at=now,
            event=event,
            consumer=subscription.client_id,
            purpose=subscription.purpose,
            agreement=agreement.name if agreement is not None else "",
            subject=pseudonym,
            members=(pseudonym,),
            transaction=keys.digest_of(subscription.transaction_id),
            correlation=subscription.code,
            released=(),
            plan=f"subscription to {wanted.kind}",
            outcomes={},
            answer_digest=hashlib.sha256(b"").hexdigest(),
        )


async def _as_kept(_consumer: Consumer, _id: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer as it was made: it tells nothing of anybody, only what became of the consumer's wish."""
    return content


def _refused(wanted: Wanted, code: SubscribeReason, sentence: str) -> Unwanted:
    return Unwanted(wanted.reference_id, code, sentence)


def _refusal(timestamp: datetime | None, outcomes: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the code and the sentence for what could not be ended; None when all could."""
    said = set(outcomes.values())
    if timestamp is None:
        return UnsubscribeReason.TIMESTAMP_INVALID, "a timestamp is an ISO 8601 timestamp with offset"
    if "not_yours" in said:
        return UnsubscribeReason.REQUESTER_INVALID, "a code of these is not that of a subscription of yours"
    if "unknown" in said:
        return UnsubscribeReason.SUBSCRIPTION_CODE_INVALID, "a code of these is that of no subscription"
    if "ended" not in said:
        return UnsubscribeReason.ALREADY_UNSUBSCRIBED, "all of these had ended before"
    return None
