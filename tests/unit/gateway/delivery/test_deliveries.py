"""Deliveries: one key for all tries, patience with those that are ill, none with those that may not be told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.delivery.database import Database
from gateway.delivery.deliveries import Deliveries, Outside
from gateway.delivery.outbox import Letter, Outbox
from gateway.delivery.sending import Said
from gateway.journal import MemoryJournal, sqlite_url
from gateway.settings import Consumer, Delivery
from gateway.work import MemoryWork
from gateway.work.seal import Seal
from standards.errors import ConfigurationError, SourceUnavailableError
from standards.states import UnavailableReason
from tests.builders import KEYS, NOW
from tests.fakes import StillClock

URL = "https://uct.example.org/registry/on-search"
OK = Said(True, "")
DOWN = Said(False, "no_connection")


class Receivers:
    """A Sender without a network: says what it is told to, then accepts."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], str]] = []
        self.says: dict[str, list[Said]] = {}
        self.hangs: set[str] = set()
        self.under_way: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.changed = asyncio.Condition()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, pool: str, is_private: bool) -> Said:
        """Note what comes."""
        async with self.changed:
            self.sent.append((pool, orjson.loads(body), headers["Idempotency-Key"]))
            self.changed.notify_all()
        self.under_way[pool] = self.under_way.get(pool, 0) + 1
        self.most[pool] = max(self.most.get(pool, 0), self.under_way[pool])
        try:
            if pool in self.hangs:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        finally:
            self.under_way[pool] -= 1
        says = self.says.get(pool, [])
        return says.pop(0) if says else OK

    async def close(self) -> None:
        """Nothing is held."""

    async def times(self, count: int, pool: str = "uct") -> list[tuple[str, dict[str, Any], str]]:
        """What one consumer was sent, once that is so much."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.of(pool)) >= count)
        return self.of(pool)

    def of(self, pool: str) -> list[tuple[str, dict[str, Any], str]]:
        """What one consumer was sent."""
        return [one for one in self.sent if one[0] == pool]


class GoingClock(StillClock):
    """A clock that goes by itself, and can be moved ahead."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return self.now + timedelta(seconds=time.monotonic() - self._began)


class Bench:
    """Deliveries over a real outbox, with everything around them in memory."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.receivers, self.journal, self.work, self.clock = (
            Receivers(),
            MemoryJournal(),
            MemoryWork(),
            GoingClock(),
        )
        self.database = Database(sqlite_url(folder / "exchange.db"))
        self.outbox = Outbox(self.database, Seal(KEYS.derived("deliveries")), self.clock, "me", 30)
        self.off: set[str] = set()
        self.gone: list[str] = []
        self.consumers = [
            Consumer(client_id=name, sender_id=f"{name}.pv", callback_hosts=(f"{name}.example.org",))
            for name in ("uct", "other")
        ]
        stated = {"first_pause_s": 0.01, "longest_pause_s": 0.02, "give_up_s": 100.0} | settings
        self.deliveries = Deliveries(
            self.outbox,
            Outside(
                self.work,
                self.receivers,
                self._sealed,
                self.journal,
                KEYS,
                self.clock,
                "hearth.gateway",
                self.off.__contains__,
                self._gone,
            ),
            self.consumers,
            Delivery(**stated),
        )
        self.deliveries.builds("search", self._build)
        self.built: list[Any] = []
        self.cannot: list[Exception | None] = []

    def _sealed(self, message: Mapping[str, Any], _to: Consumer, _now: object) -> bytes:
        return orjson.dumps(message)

    async def _gone(self, correlation_id: str) -> None:
        self.gone.append(correlation_id)

    async def _build(self, consumer: Consumer, id: str, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.built.append((consumer.client_id, id, content))
        self.clock.move(1)
        if self.cannot and (error := self.cannot.pop(0)) is not None:
            raise error
        if content.get("untold"):
            return None
        return {"header": {"action": "on-search", "status": "succ"}, "message": {"said": content["said"]}}

    async def send(self, id: str = "c-1-1", consumer: int = 0, **content: Any) -> None:
        """Promise one delivery."""
        one = self.consumers[consumer]
        url = f"https://{one.client_id}.example.org/registry/on-search"
        await self.deliveries.send(one, "search", url, id, {"said": "x"} | content, "c-1")

    async def becomes(self, state: str | None, id: str = "c-1-1") -> Letter | None:
        """Wait until a delivery is in a state; None: until it is gone."""
        async with asyncio.timeout(10):
            while True:
                found = self.outbox.letters(None, id=id)
                if (found[0].state if found else None) == state:
                    return found[0] if found else None
                await asyncio.sleep(0.01)

    async def noted(self, entries: int) -> None:
        """Wait until so much is journalled."""
        async with asyncio.timeout(10):
            while True:
                if len(self.journal.entries) >= entries:
                    return
                await asyncio.sleep(0.01)

    def events(self) -> list[tuple[str, str]]:
        """What was journalled: event and what it says."""
        return [(entry.event, entry.outcomes["delivery"]) for entry in self.journal.entries]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench at work."""
    one = Bench(tmp_path)
    await one.work.open()
    yield one
    await one.work.close()
    one.database.close()


async def test_a_delivery_is_made_once(bench: Bench):
    """Addressed, stamped, journalled, and gone from the store; promising it again changes nothing."""
    await bench.send()
    letter = await bench.becomes("made")
    await bench.send()
    await asyncio.sleep(0.05)

    ((_, message, key),) = bench.receivers.sent
    assert message["header"].pop("message_ts").startswith("2026-09-30T12:00:0")
    assert message["header"] == {
        "version": "1.0.0",
        "is_msg_encrypted": False,
        "meta": {},
        "action": "on-search",
        "status": "succ",
        "message_id": key,
        "sender_id": "hearth.gateway",
        "receiver_id": "uct.pv",
    }
    assert bench.events() == [("delivery.made", "search")]
    assert letter is not None
    assert letter.tries == 1
    assert bench.database.run_now(lambda c: c.exec_driver_sql("SELECT sealed FROM delivery").scalars().all()) == [None]


async def test_all_tries_have_one_key_and_each_its_own_time(bench: Bench):
    """The receiver can tell that they are one; the message is made and stamped anew for each."""
    bench.receivers.says["uct"] = [DOWN, Said(False, "status_503"), DOWN]
    await bench.send()
    await bench.becomes("made")
    sent = bench.receivers.sent
    assert len(sent) == len(bench.built) == 4
    assert len({key for _, _, key in sent}) == len({m["header"]["message_id"] for _, m, _ in sent}) == 1
    assert len({m["header"]["message_ts"] for _, m, _ in sent}) == 4


async def test_two_deliveries_have_two_keys(bench: Bench):
    """Nobody takes one for the other."""
    await bench.send("c-1-1")
    await bench.send("c-1-2")
    assert len({key for _, _, key in await bench.receivers.times(2)}) == 2


async def test_what_cannot_be_built_is_tried_again(bench: Bench):
    """Registries out, or no key to encrypt with: not now, which is not the receiver's fault."""
    out = SourceUnavailableError("tax", UnavailableReason.SOURCE_DOWN)
    bench.cannot = [out, ConfigurationError("no key"), None]
    await bench.send()
    await bench.becomes("made")
    assert (len(bench.built), len(bench.receivers.sent)) == (3, 1)


async def test_what_may_not_be_told_any_more_is_dropped(bench: Bench):
    """Nothing leaves, nothing stays; the journal and the transaction know."""
    await bench.send(untold=True)
    await bench.becomes(None)
    await bench.noted(1)  # what is gone is gone at once, and noted then
    assert bench.receivers.sent == []
    assert bench.events() == [("delivery.dropped", "search")]
    assert bench.gone == ["c-1"]


async def test_to_who_is_switched_off_nothing_leaves(bench: Bench):
    """What waits for it is purged, and nothing is even built; others are not concerned."""
    bench.off.add("uct")
    await bench.send()
    await bench.send("c-2-1", consumer=1)
    await bench.becomes(None)
    await bench.becomes("made", "c-2-1")
    assert [client for client, _, _ in bench.built] == ["other"]
    assert bench.receivers.of("uct") == []


async def test_what_waits_long_is_purged_when_its_consumer_is_switched_off(bench: Bench):
    """Not at the next try, which may be in an hour: at the next look; another consumer's waits on."""
    bench.receivers.says = {"uct": [Said(False, "status_429", 50.0)], "other": [Said(False, "status_429", 50.0)]}
    await bench.send()
    await bench.send("c-2-1", consumer=1)
    await bench.receivers.times(1)
    await bench.receivers.times(1, "other")
    bench.off.add("uct")
    await bench.deliveries.purge()

    await bench.becomes(None)
    await bench.becomes("waiting", "c-2-1")
    await bench.deliveries.purge()
    assert bench.events() == [("delivery.dropped", "search")]
    assert bench.gone[0] == "c-1"


async def test_one_part_of_what_waits_can_be_forgotten(bench: Bench):
    """The rest is kept and delivered; what was delivered, or is of another kind, has nothing to forget."""
    bench.receivers.says["uct"] = [Said(False, "status_503")]
    await bench.send(items=["Asha"])
    await bench.receivers.times(1)
    assert await bench.outbox.unsaid("notify", "items") == 0
    assert await bench.outbox.unsaid("search", "items", ["c-9-9"]) == 0
    assert await bench.outbox.unsaid("search", "items", ["c-1-1"]) == 1
    await bench.becomes("made")
    assert "items" not in bench.built[-1][2]
    assert bench.built[-1][2]["said"] == "x"
    assert await bench.outbox.unsaid("search", "items") == 0


async def test_in_the_end_it_is_a_dead_letter(tmp_path: Path):
    """After its time nobody tries any more; its content stays, sealed, and an operator's word brings it back."""
    bench = Bench(tmp_path, give_up_s=4.5)
    bench.receivers.says["uct"] = [DOWN] * 6
    await bench.work.open()
    await bench.send()
    letter = await bench.becomes("dead")
    tried = len(bench.receivers.sent)
    assert letter is not None
    assert (letter.reason, letter.consumer, letter.kind) == ("no_connection", "uct", "search")
    assert bench.events() == [("delivery.failed", "no_connection")]
    assert 3 <= tried <= 6

    bench.receivers.says["uct"] = []
    assert bench.outbox.revive(["c-1-1", "nobody"], 100.0) == 1
    bench.clock.move(10)
    await bench.deliveries.resume_due()
    await bench.becomes("made")
    assert len({key for _, _, key in bench.receivers.sent}) == 1
    await bench.work.close()
    bench.database.close()


@pytest.mark.parametrize("callback_hosts", [(), ("elsewhere.example.org",)])
async def test_an_address_that_is_registered_no_more(tmp_path: Path, callback_hosts: tuple[str, ...]):
    """What was promised under another registration becomes a dead letter at once."""
    bench = Bench(tmp_path)
    await bench.send()
    bench.deliveries._consumers["uct"] = bench.consumers[0].model_copy(update={"callback_hosts": callback_hosts})
    await bench.work.open()
    letter = await bench.becomes("dead")
    assert letter is not None
    assert letter.reason == "address_not_registered"
    assert bench.receivers.sent == []
    await bench.work.close()
    bench.database.close()


async def test_the_receiver_s_wish_to_wait_is_heard(bench: Bench):
    """Retry-After counts where it is longer than our own pause."""
    bench.receivers.says["uct"] = [Said(False, "status_429", 50.0)]
    await bench.send()
    async with asyncio.timeout(10):
        while not (letter := bench.outbox.letters("waiting")[0]).tries:  # noqa: ASYNC110 - the store's condition
            await asyncio.sleep(0.01)
    assert (letter.next_at - bench.clock()).total_seconds() > 45


async def test_one_that_hangs_blocks_nobody_else(bench: Bench):
    """A consumer has so many tries at the same time, and others notice nothing of them."""
    bench.receivers.hangs.add("uct")
    for number in range(20):
        await bench.send(f"c-{number}-1")
    await bench.send("other-1", consumer=1)
    await bench.becomes("made", "other-1")
    assert bench.receivers.most["uct"] == 4
    assert len(bench.receivers.of("uct")) == 4


async def test_who_cannot_be_reached_is_left_alone(bench: Bench):
    """A hundred that wait do not each find out for themselves that nobody is there."""
    bench.receivers.says["uct"] = [DOWN] * 10_000
    for number in range(100):
        await bench.send(f"c-{number}-1")
    await asyncio.sleep(0.5)
    assert len(bench.receivers.of("uct")) < 40


async def test_what_another_process_is_sending_is_left_to_it(bench: Bench, tmp_path: Path):
    """A delivery is held by one process at a time; what a dead one held is free after a while, or at its restart."""
    bench.receivers.hangs.add("uct")
    await bench.send()
    await bench.receivers.times(1)
    other = Outbox(bench.database, Seal(KEYS.derived("deliveries")), bench.clock, "other", 30)
    waits = await other.take("c-1-1")
    assert waits == 5, "and then it looks again"
    await other.release()
    assert isinstance(await other.take("c-1-1"), float), "nobody lets go of what others hold"
    await bench.outbox.release()
    taken = await other.take("c-1-1")
    assert not isinstance(taken, float)
    assert taken is not None


async def test_the_store_tells_nothing_in_clear(bench: Bench, tmp_path: Path):
    """Content and address wait sealed."""
    bench.receivers.hangs.add("uct")
    await bench.send(said="Asha Moyo 1000000001")
    await bench.receivers.times(1)
    kept = _content(tmp_path)
    assert b"c-1-1" in kept
    assert b"Asha" not in kept
    assert b"example.org" not in kept


def _content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("exchange.db*")))
