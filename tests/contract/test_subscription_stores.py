"""The stores of subscriptions, in either database, and by several processes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.subscriptions.store import AlreadySubscribedError, Subscription, SubscriptionStore
from gateway.subscriptions.tables import Database
from gateway.subscriptions.upstream import ACTIVE, ASKED, UpstreamStore
from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.dci.events import EventKind
from standards.dci.frequency import read_frequency
from standards.dci.subscribe import Wanted
from standards.errors import ConfigurationError
from standards.identifiers import Identifier
from tests.builders import KEYS, NOW
from tests.databases import postgresql
from tests.fakes import StillClock

pytestmark = pytest.mark.contract

ANNA, BEN = Identifier("UIN", "1234567890"), Identifier("UIN", "9876543210")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """A database of each make."""
    with nullcontext(f"sqlite:///{tmp_path}/s.db") if request.param == "sqlite" else postgresql() as found:
        yield found


@pytest.fixture
def database(url) -> Iterator[Database]:
    """A connection to it."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def store(database) -> SubscriptionStore:
    """The consumers' subscriptions."""
    return SubscriptionStore(database, KEYS, StillClock(NOW))


@pytest.fixture
def upstream(database) -> UpstreamStore:
    """Ours."""
    return UpstreamStore(database, KEYS, StillClock(NOW))


def subscription(code: str = "sub-1", subject: Identifier = ANNA, client: str = "uct", **more: Any) -> Subscription:
    """A subscription to a death."""
    wanted = Wanted(
        "ref-1", NOW, RegType.CIVIL, EventKind.DEATH, subject, RecordType.PERSON, ResponseEntity.MEMBER,
        schedule=read_frequency("daily"), ends=datetime(2027, 1, 1, tzinfo=UTC), purpose="eligibility", locale="eng",
    )  # fmt: skip
    return Subscription(code, client, wanted._replace(**more), "eligibility", "txn", "https://p.pv/notify", NOW)


async def test_what_is_kept_comes_back_as_it_was(store):
    """Found by its code, and by the number it is about."""
    one = subscription()

    await store.add(one)

    assert await store.find("sub-1") == one
    assert list(await store.about([BEN, ANNA])) == [one]
    assert list(await store.about([BEN])) == []
    assert await store.open_codes("uct") == ["sub-1"]
    assert await store.open_codes("cct") == []


async def test_the_same_is_kept_once(store):
    """Under the same code it is the same; under another it is refused, unless another consumer's."""
    await store.add(subscription())
    await store.add(subscription())

    with pytest.raises(AlreadySubscribedError) as error:
        await store.add(subscription("sub-2"))
    assert error.value.code == "sub-1"
    await store.add(subscription("sub-3", client="cct"))
    await store.end("sub-1", "uct")
    await store.add(subscription("sub-2"))


async def test_two_processes_keep_the_same_once(url, store):
    """Whoever comes second is refused, whichever that is."""
    other = Database(url)
    second = SubscriptionStore(other, KEYS, StillClock(NOW))
    try:
        said = await asyncio.gather(
            *(s.add(subscription(f"sub-{n}")) for n, s in enumerate([store, second] * 5)), return_exceptions=True
        )
    finally:
        other.close()

    assert sum(isinstance(one, AlreadySubscribedError) for one in said) == 9
    assert len(await store.open_codes()) == 1


async def test_an_end_is_for_good_and_leaves_no_number(store):
    """Only its consumer ends it, and nothing finds it any more."""
    await store.add(subscription())
    await store.keep_prints("sub-1", {"a": "1"})

    assert (await store.end("sub-1", "cct")).outcome == "not_yours"
    assert (await store.end("sub-9", "uct")).outcome == "unknown"
    assert (await store.end("sub-1", "uct", "c-1")).outcome == "ended"
    assert (await store.end("sub-1", "uct", "c-1")).outcome == "ended"  # the same wish, worked on twice
    assert (await store.end("sub-1", "uct", "c-2")).outcome == "ended_before"
    await store.keep_prints("sub-1", {"a": "1"})
    await store.know("sub-1", [ANNA])
    assert await store.find("sub-1") is None
    assert list(await store.about([ANNA])) == []
    assert await store.prints("sub-1") == {}


async def test_further_numbers_lead_to_it(store):
    """Those that a look has found."""
    await store.add(subscription())
    await store.know("sub-1", [ANNA, BEN])

    assert [s.code for s in await store.about([BEN])] == ["sub-1"]


async def test_an_event_is_remembered(store):
    """By a digest of subscription, kind and day."""
    event = store.event_of("sub-1", EventKind.DEATH, "2026-01-01")

    assert not await store.was_told(event)
    await store.tell(event, "sub-1")
    await store.tell(event, "sub-1")
    assert await store.was_told(event)
    assert event != store.event_of("sub-1", EventKind.DEATH, "2026-01-02")
    assert event != store.event_of("sub-2", EventKind.DEATH, "2026-01-01")


async def test_ours_is_shared_and_dropped_by_the_last(store, upstream):
    """One row for one registry, kind and person."""
    await store.add(subscription())
    await store.add(subscription("sub-3", client="cct"))
    first = await upstream.use("sub-1", "crvs", EventKind.DEATH, ANNA)
    assert await upstream.use("sub-3", "crvs", EventKind.DEATH, ANNA) == first
    assert await upstream.use("sub-3", "crvs", EventKind.MARRIAGE, ANNA) != first

    assert await upstream.users(first) == ["sub-1", "sub-3"]
    assert not await upstream.drop(first)
    assert await upstream.release("sub-1") == [first]
    await store.end("sub-3", "cct")
    assert await upstream.users(first) == []
    assert await upstream.drop(first)
    assert await upstream.find(first) is None


async def test_ours_is_found_by_its_transaction_and_registry(store, upstream):
    """A callback of another registry leads nowhere."""
    await store.add(subscription())
    name = await upstream.use("sub-1", "crvs", EventKind.DEATH, ANNA)
    one = await upstream.find(name)
    await upstream.move(one, ASKED)
    await upstream.move(one, ACTIVE, codes=["THEIRS"])

    found = await upstream.by_transaction("crvs", one.transaction_id)
    assert (found.state, found.codes, found.subject) == (ACTIVE, ("THEIRS",), ANNA)
    assert await upstream.by_transaction("tax", one.transaction_id) is None
    assert [await upstream.turn(name), await upstream.turn(name)] == [1, 2]
    assert await upstream.turn("up-nothing") is None


def test_a_database_that_cannot_be_used_stops_the_start(tmp_path):
    """Without the URL in the message, which may hold a password."""
    with pytest.raises(ConfigurationError, match="subscriptions_url") as error:
        Database(f"sqlite:///{tmp_path}/nowhere/at/all.db")
    assert "nowhere" not in str(error.value)
