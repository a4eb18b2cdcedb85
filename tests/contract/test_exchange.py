"""What is under way with consumers, in SQLite and PostgreSQL: transactions and the outbox keep the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.database import Database
from gateway.delivery.outbox import Outbox, Parcel
from gateway.journal import sqlite_url
from gateway.transactions import Asked, Transactions
from gateway.work.seal import Seal
from standards.errors import ConfigurationError, RequestError
from tests.builders import KEYS, NOW
from tests.databases import postgresql
from tests.fakes import StillClock

pytestmark = pytest.mark.contract

CANARY = "Asha Moyo 1000000001"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "exchange.db")
    else:
        with postgresql() as found:
            yield found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The same, open."""
    found = Database(url)
    yield found
    found.close()


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands."""
    return StillClock(NOW)


@pytest.fixture
def transactions(database: Database, clock: StillClock) -> Transactions:
    """No transactions yet."""
    return Transactions(database, KEYS, clock)


def asked(correlation_id: str = "c-1", **changes: Any) -> Asked:
    """A message with two questions."""
    return Asked("t-1", correlation_id, f"m-{correlation_id}", b"body", ("r-1", "r-2"), {"who": CANARY})._replace(
        **changes
    )


def item(reference_id: str, status: str = "succ", **more: Any) -> dict[str, Any]:
    """What became of a question."""
    return {"reference_id": reference_id, "timestamp": "2026-09-30T12:00:00.000+00:00", "status": status, **more}


async def statuses(transactions: Transactions, correlation_id: str = "c-1") -> list[str]:
    """What is known of a transaction: the whole, and each item."""
    (known,) = await transactions.find("uct", "correlation_id", [correlation_id])
    return [known.status, *(one["status"] for one in known.items)]


async def test_from_received_to_settled(transactions: Transactions):
    """Received, pending, done: and then its request is gone."""
    assert await transactions.begin("uct", "search", asked()) == "c-1"
    assert await statuses(transactions) == ["rcvd", "rcvd", "rcvd"]
    assert await transactions.request_of("c-1") == ("uct", {"who": CANARY})
    assert await transactions.open_ones("search") == ["c-1"]
    assert await transactions.pending("c-1") is False
    assert await transactions.pending("c-1") is True, "begun before: an earlier run did not come to its end"
    assert await statuses(transactions) == ["pdng", "pdng", "pdng"]
    assert await transactions.settle(
        "c-1", [item("r-1"), item("r-2", "rjct", status_reason_code="rjct.filter.invalid")]
    )
    assert await statuses(transactions) == ["succ", "succ", "rjct"]
    assert await transactions.request_of("c-1") is None
    assert await transactions.open_ones("search") == []


async def test_settled_once(transactions: Transactions):
    """The first word stands, and what goes with a later one is not done."""
    done: list[int] = []
    await transactions.begin("uct", "search", asked())
    assert await transactions.settle("c-1", [item("r-1")], also=lambda _: done.append(1))
    assert not await transactions.settle("c-1", [item("r-1", "rjct")], also=lambda _: done.append(2))
    assert not await transactions.settle("nobody", [], also=lambda _: done.append(3))
    assert (done, await statuses(transactions)) == ([1], ["succ", "succ"])


async def test_settled_whole_or_not_at_all(transactions: Transactions):
    """Where what goes with it fails, nothing was settled."""
    await transactions.begin("uct", "search", asked())

    def fails(_connection: object) -> None:
        raise LookupError("of what goes with it")

    with pytest.raises(LookupError, match="of what goes with it"):
        await transactions.settle("c-1", [item("r-1")], also=fails)
    assert await statuses(transactions) == ["rcvd", "rcvd", "rcvd"]


async def test_the_same_message_twice(transactions: Transactions):
    """The earlier correlation id; another message under its id is refused; another consumer's is another message."""
    await transactions.begin("uct", "search", asked())
    assert await transactions.begin("uct", "search", asked("c-2", message_id="m-c-1")) == "c-1"
    with pytest.raises(RequestError, match="message_id was used before"):
        await transactions.begin("uct", "search", asked("c-3", message_id="m-c-1", body=b"other"))
    assert await transactions.begin("other", "search", asked("c-4", message_id="m-c-1")) == "c-4"


async def test_the_same_message_twice_at_once(url: str, clock: StillClock):
    """Two processes are given it at the same moment: one transaction."""
    both = [Database(url) for _ in range(2)]
    offices = [Transactions(one, KEYS, clock) for one in both]
    for number in range(20):
        ids = await asyncio.gather(
            *(
                o.begin("uct", "search", asked(f"c-{number}-{n}", message_id=f"m-{number}"))
                for n, o in enumerate(offices)
            )
        )
        assert len(set(ids)) == 1
    for one in both:
        one.close()


@pytest.mark.parametrize(
    ("attribute_type", "values", "found"),
    [
        ("transaction_id", ["t-1"], ["c-2", "c-1"]),
        ("transaction_id", ["t-2"], []),
        ("reference_id_list", ["r-2"], ["c-2", "c-1"]),
        ("reference_id_list", ["r-9", "r-3"], ["c-2"]),
        ("correlation_id", ["c-1", "c-9"], ["c-1"]),
        ("subscription_code_list", ["s-1"], ["c-1"]),
        ("subscription_code_list", ["t-1"], []),
        ("nonsense", ["t-1"], []),
    ],
)
async def test_found_by_its_names(
    transactions: Transactions, clock: StillClock, attribute_type: str, values: list[str], found: list[str]
):
    """By each of its names, the newest first, and by nothing else; asked by references, only these are told."""
    await transactions.begin("uct", "subscribe", asked("c-1"))
    await transactions.settle("c-1", [item("r-1"), item("r-2")], codes=["s-1"])
    clock.move(1)
    await transactions.begin("uct", "search", asked("c-2", references=("r-2", "r-3")))
    known = await transactions.find("uct", attribute_type, values)
    assert [one.correlation_id for one in known] == found
    if attribute_type == "reference_id_list":
        assert {i["reference_id"] for one in known for i in one.items} <= set(values)
    assert await transactions.find("other", attribute_type, values) == []


async def test_refused_afterwards(transactions: Transactions):
    """What was purged before it was delivered is told as refused."""
    await transactions.begin("uct", "search", asked())
    await transactions.settle("c-1", [item("r-1"), item("r-2")])
    await transactions.refuse("c-1")
    await transactions.refuse("nobody")
    assert await statuses(transactions) == ["rjct", "rjct", "rjct"]


async def test_forgotten_after_its_time(transactions: Transactions, clock: StillClock):
    """What is still open stays."""
    await transactions.begin("uct", "search", asked("c-1"))
    await transactions.settle("c-1", [item("r-1")])
    await transactions.begin("uct", "search", asked("c-2"))
    clock.move(1)
    await transactions.begin("uct", "search", asked("c-3"))
    await transactions.settle("c-3", [item("r-1")])
    assert await transactions.forget(NOW + timedelta(seconds=1)) == 1
    found = await transactions.find("uct", "transaction_id", ["t-1"])
    assert [one.correlation_id for one in found] == ["c-3", "c-2"]


async def test_nothing_personal_in_clear(transactions: Transactions, database: Database):
    """Names that the consumer chose are digests, what it asked is sealed."""
    named = asked(transaction_id=CANARY, message_id=CANARY + "m", references=(CANARY,), body=CANARY.encode())
    await transactions.begin("uct", "search", named)
    kept = [
        str(database.run_now(lambda c, t=table: c.exec_driver_sql(f"SELECT * FROM {t}").all()))  # type: ignore[misc]
        for table in ("exchange_transaction", "exchange_name")
    ]
    assert "c-1" in kept[0]
    assert "Asha" not in "".join(kept)
    assert [k.transaction_id for k in await transactions.find("uct", "transaction_id", [CANARY])] == [CANARY]


async def test_a_delivery_is_taken_by_one(database: Database, clock: StillClock):
    """Of several that reach for it, one has it; the others are told how long to wait."""
    boxes = [Outbox(database, Seal(KEYS.derived("deliveries")), clock, name, 30.0) for name in ("a", "b", "c")]
    await boxes[0].put(boxes[0].written("d-1", "uct", "search", "c-1", 100.0, "https://a.example.org", {"x": 1}))
    await boxes[0].put(boxes[0].written("d-1", "uct", "search", "c-1", 100.0, "https://b.example.org", {"x": 2}))
    taken = await asyncio.gather(*(box.take("d-1") for box in boxes))
    (parcel,) = [one for one in taken if isinstance(one, Parcel)]
    assert (parcel.url, parcel.content) == ("https://a.example.org", {"x": 1}), "the first promise stands"
    assert sorted(one for one in taken if isinstance(one, float)) == [5.0, 5.0]
    await boxes[1].later("d-1", 5.0, "timeout")
    assert await boxes[2].take("d-1") == 5.0
    clock.move(6)
    again = await boxes[2].take("d-1")
    assert isinstance(again, Parcel)
    assert again.tries == 1
    await boxes[2].made("d-1")
    assert await boxes[0].take("d-1") is None
    assert [letter.state for letter in boxes[0].letters(None)] == ["made"]
    assert boxes[0].revive(["d-1"], 1.0) == 0, "what was delivered is not delivered again"


@pytest.mark.parametrize("url", ["nonsense", "mysql://name:secret@x/y", "sqlite:////nowhere/at/all/x.db"])
def test_a_database_that_cannot_be_used(url: str):
    """The setting is named, and the URL, which may hold a password, is not."""
    with pytest.raises(ConfigurationError, match=r"stores\.exchange_url") as caught:
        Database(url)
    assert "secret" not in str(caught.value)
