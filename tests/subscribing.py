"""A gateway's subscriptions over in-memory registries: work, deliveries and events go when a test says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from adapters.catalogue import Registry
from adapters.ports import Deadline, EventWish
from gateway.cache import MemoryCache
from gateway.delivery.deliveries import Deliveries
from gateway.ports import Again, JournalEntry
from gateway.settings import Consumer
from gateway.settings import Subscriptions as Settings
from gateway.subscriptions.store import Subscription
from gateway.subscriptions.subscribing import Around, Subscriptions
from gateway.subscriptions.tables import Database
from gateway.transactions import Transactions
from policies.agreement import Agreement, EventTerms
from policies.book import AgreementSet
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.dci.codes import RegType
from standards.dci.events import EventKind, wire_event
from standards.dci.notified import Event, read_notify, read_on_subscribe, read_on_unsubscribe
from standards.errors import AccessDeniedError, InteropError, SourceError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import ASHA, KEY, KEYS, Truth, World, sandbox_agreement, uin

UCT = Consumer(client_id="uct", sender_id="uct.programmes.pv", callback_url="https://uct.programmes.pv/dci")
CCT = Consumer(client_id="cct-education", sender_id="cct.programmes.pv", callback_url="https://cct.programmes.pv/dci")
NOTIFY_URL = "https://uct.programmes.pv/dci/registry/notify"
EVERY_KIND = EventTerms(kinds=tuple(EventKind), min_interval_s=600)

Handler = Callable[[str, Mapping[str, Any], int], Awaitable[Again | None]]


class StepWork:
    """Work that is done when a test says so, in the order of its moments; a handler that fails is called again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self.waiting: dict[str, tuple[datetime, str, bytes, int]] = {}
        self.failed: list[str] = []

    def handle(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    async def open(self) -> None:
        """Nothing waits."""

    async def close(self) -> None:
        """Nothing is under way."""

    async def start(self, kind: str, id: str, content: Mapping[str, Any], *, after_s: float = 0) -> None:
        due = self._clock() + timedelta(seconds=after_s)
        self.waiting.setdefault(id, (due, kind, orjson.dumps(content), 0))

    async def cancel(self, id: str) -> None:
        self.waiting.pop(id, None)

    async def run(self) -> None:
        """Do everything that is due now, and what comes of it."""
        for _ in range(1000):
            due = sorted((moment, name) for name, (moment, *_) in self.waiting.items() if moment <= self._clock())
            if not due:
                return
            _, id_ = due[0]
            _, kind, content, tries = self.waiting.pop(id_)
            try:
                said = await self._handlers[kind](id_, orjson.loads(content), tries)
            except InteropError as error:
                self.failed.append(f"{kind}: {error}")
                said = Again(60.0)
            if said is not None:
                later = self._clock() + timedelta(seconds=max(0.001, said.after_s))
                self.waiting[id_] = (later, kind, content, tries + 1)
        raise AssertionError("the work never ends")


class HeldDeliveries:
    """Deliveries that leave when a test says so."""

    def __init__(self) -> None:
        self.builds_of: dict[str, Callable[..., Awaitable[Mapping[str, Any] | None]]] = {}
        self.waiting: dict[str, tuple[Consumer, str, str, Mapping[str, Any]]] = {}
        self.left: list[dict[str, Any]] = []

    def builds(self, kind: str, build: Callable[..., Awaitable[Mapping[str, Any] | None]]) -> None:
        self.builds_of[str(kind)] = build

    async def send(
        self, consumer: Consumer, kind: str, url: str, id: str, content: Mapping[str, Any], correlation_id: str = ""
    ) -> None:
        assert len(id) <= 120
        self.waiting.setdefault(id, (consumer, str(kind), url, content))  # what has left is remembered by nobody

    async def deliver(self) -> None:
        """Try everything that waits; what cannot be made now waits on."""
        for id_, (consumer, kind, url, content) in list(self.waiting.items()):
            try:
                built = await self.builds_of[kind](consumer, id_, content)
            except SourceError:
                continue
            del self.waiting[id_]
            if built is not None:
                self.left.append({"id": id_, "to": url, "kind": kind, **orjson.loads(orjson.dumps(built))})


class HeldTransactions:
    """What was settled."""

    def __init__(self) -> None:
        self.settled: dict[str, tuple[Sequence[Mapping[str, Any]], Sequence[str]]] = {}

    async def settle(
        self, correlation_id: str, items: Sequence[Mapping[str, Any]], *, codes: Sequence[str] = ()
    ) -> bool:
        self.settled[correlation_id] = (items, codes)
        return True


class EventfulRegistry:
    """The events of one registry: it takes every wish, and answers when a test says so."""

    def __init__(self, *kinds: EventKind) -> None:
        self.kinds, self.identifier_types = frozenset(kinds), ("UIN", "BRN")
        self.wishes: list[EventWish] = []
        self.ended: list[str] = []
        self.transactions: list[str] = []
        self.is_down = False

    async def subscribe(self, wish: EventWish, deadline: Deadline) -> str | None:
        self._fail()
        self.wishes.append(wish)
        return "theirs"

    async def unsubscribe(self, codes: Sequence[str], transaction_id: str, deadline: Deadline) -> str | None:
        self._fail()
        self.ended += codes
        self.transactions.append(transaction_id)
        return None

    def _fail(self) -> None:
        if self.is_down:
            raise SourceUnavailableError("crvs", UnavailableReason.SOURCE_DOWN)


class Subscribed:
    """Subscriptions wired over a small world."""

    def __init__(
        self,
        truth: Truth | None = None,
        *agreements: Agreement,
        url: str,
        events: Mapping[str, EventfulRegistry] | None = None,
        review_s: float = 3600.0,
        renew_s: float = 86_400.0,
        max_per_consumer: int = 100,
    ) -> None:
        self.ledger = MemoryLedger(KEY)
        agreed = agreements or (
            sandbox_agreement("uct").model_copy(update={"events": EVERY_KIND}),
            sandbox_agreement("cct-education").model_copy(update={"events": EVERY_KIND}),
        )
        self.world = World(truth, *agreed, ledger=self.ledger, cache=MemoryCache(KEY, 10_000_000))
        self.clock, self.rooms = self.world.clock, self.world.rooms
        self.entries: list[JournalEntry] = []
        self.work, self.deliveries = StepWork(self.clock), HeldDeliveries()
        self.transactions = HeldTransactions()
        self.registries = {
            id_: Registry(registry.manifest, cast("Any", None), cast("Any", (events or {}).get(id_)))
            for id_, registry in self.world.registries.items()
        }
        self.suspended: set[str] = set()
        self.while_recording: Callable[[str], Awaitable[None]] | None = None
        self.database = Database(url)
        self.book = AgreementSet(agreed)
        around = Around(
            work=self.work,
            deliveries=cast("Deliveries", self.deliveries),
            transactions=cast("Transactions", self.transactions),
            journal=self,
            keys=KEYS,
            book=self.book,
            now=self.clock,
            rooms=lambda: self.rooms,
            registries=lambda: self.registries,
            consumers={"uct": UCT, "cct-education": CCT}.get,
            leave_word=self.ledger.leave_word,
            is_suspended=self._check,
            deadline_s=5.0,
        )
        settings = Settings(review_s=review_s, renew_s=renew_s, min_interval_s=1.0, max_per_consumer=max_per_consumer)
        self.subscriptions = Subscriptions(self.database, around, settings)

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        self.entries += entries
        if self.while_recording is not None:
            await self.while_recording(entries[0].event)

    def _check(self, client_id: str) -> None:
        if client_id in self.suspended:
            raise AccessDeniedError("switched off")

    @property
    def told(self) -> list[dict[str, Any]]:
        """Every notification that left."""
        return [one for one in self.deliveries.left if one["kind"] == "notify"]

    def journalled(self, event: str) -> list[JournalEntry]:
        """Every journal entry of a kind."""
        return [entry for entry in self.entries if entry.event == event]

    async def grant(self, numbers: Mapping[str, str] = ASHA, decision: Decision = Decision.GRANTED) -> None:
        """Let somebody decide about the cash transfer."""
        await self.ledger.record(
            Consent(
                subject=uin(numbers),
                purpose="eligibility",
                decision=decision,
                given_by=uin(numbers),
                given_on=self.clock().date(),
            )
        )

    async def subscribe(self, *requests: Any, consumer: Consumer = UCT, correlation: str = "c-1") -> list[Any]:
        """Subscribe, and return the items of the answer."""
        message = {"transaction_id": "txn-900", "subscribe_request": list(requests or [wish()])}
        await self.subscriptions.add(
            consumer, correlation, message, default=None, urls=("https://uct.programmes.pv/on", NOTIFY_URL)
        )
        await self.settle()
        return list(self.transactions.settled[correlation][0])

    async def unsubscribe(self, *codes: str, consumer: Consumer = UCT, correlation: str = "c-2", **more: Any) -> Any:
        """End subscriptions, and return the payload of the answer."""
        message = {"transaction_id": "txn-901", "timestamp": self.clock().isoformat(), "subscription_codes": codes}
        await self.subscriptions.remove(
            consumer, correlation, {**message, "subscription_codes": list(codes), **more}, "u"
        )
        await self.settle()
        (payload,) = self.transactions.settled[correlation][0]
        return payload

    async def settle(self) -> None:
        """Do what is due, and deliver what waits."""
        await self.work.run()
        await self.deliveries.deliver()

    async def take(self, registry: EventfulRegistry, source_id: str = "crvs", code: str = "THEIRS-1") -> None:
        """Let a registry take the last wish."""
        wish_ = registry.wishes[-1]
        answer = {"reference_id": wish_.reference_id, "status": "succ", "subscriptions": [{"code": code}]}
        message = {"transaction_id": wish_.transaction_id, "correlation_id": "x", "subscribe_response": [answer]}
        await self.subscriptions.asking.answered(source_id, read_on_subscribe(message))
        await self.settle()

    async def let_go(self, registry: EventfulRegistry, source_id: str = "crvs") -> None:
        """Let a registry confirm the last end."""
        message = {"transaction_id": registry.transactions[-1], "status": "succ", "subscription_status": []}
        await self.subscriptions.asking.unanswered(source_id, read_on_unsubscribe(message))
        await self.settle()

    async def happen(self, event: Event, source_id: str = "crvs") -> None:
        """Let a registry tell of an event, and do all that comes of it."""
        await self.subscriptions.happening.happened(source_id, event)
        await self.settle()

    async def only(self) -> Subscription:
        """Return the one open subscription."""
        (code,) = await self.subscriptions.store.open_codes()
        found = await self.subscriptions.store.find(code)
        assert found is not None
        return found


def wish(reference_id: str = "ref-1", kind: EventKind = EventKind.DEATH, **criteria: Any) -> dict[str, Any]:
    """One request for a subscription, as it is on the wire; a criterion of None is left out."""
    stated: dict[str, Any] = {
        "reg_event_type": wire_event(kind, RegType.CIVIL) or kind.value,
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": ASHA["UIN"]},
        "notify_record_type": "spdci-extensions-dci:Person",
        "authorize": {"purpose": {"code": "eligibility"}},
    } | criteria
    return {
        "reference_id": reference_id,
        "timestamp": "2026-03-04T09:15:00+00:00",
        "subscribe_criteria": {name: value for name, value in stated.items() if value is not None},
    }


def death(of: Mapping[str, str] = ASHA, on: str = "2026-04-30") -> Event:
    """Word of a death, as the civil register sends it."""
    record = {
        "identifier": [{"identifier_type": type_, "identifier_value": value} for type_, value in of.items()],
        "death_date": on,
        "name": {"surname": "RAW-NOTIFICATION"},
    }
    data = {"reg_event_type": "spdci-common:RegistryEventType:Death", "reg_records": record}
    _, events = read_notify({"transaction_id": "t", "notify_event": [{"data": data}]}, told_at="2026-05-01")
    return events[0]


def number(value: str, type_: str = "UIN") -> Identifier:
    """A number in normal form."""
    return Identifier(type_, value)
