"""Both versions of the trail's ports, and the trail in either database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import NamedTuple

import pytest

from gateway.journal import SqlJournal, sqlite_url
from gateway.journal.store import Store
from gateway.keys import Keys, open_keys
from gateway.trail.book import Range, TrailBook
from gateway.trail.disputes import OPEN, DisputeAnswer, DisputeBook, DisputeState, Letter, MemoryRoute, Outbox
from gateway.trail.notices import AccessNotice, AccessNotices, MemoryAccessNotices, SqlAccessNotices
from gateway.trail.tables import open_tables
from standards.identifiers import identifier
from tests.builders import NOW, entry
from tests.databases import postgresql

pytestmark = pytest.mark.contract

ANNA = identifier("UIN", "1234567890")


class Place(NamedTuple):
    """Where a trail lies, with its journal."""

    url: str
    keys: Keys


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request, tmp_path) -> AsyncIterator[Place]:
    """A database of each make, with three questions about Anna."""
    keys = open_keys(tmp_path / "keys")
    with nullcontext(sqlite_url(tmp_path / "all.db")) if request.param == "sqlite" else postgresql() as url:
        journal = SqlJournal(url)
        journal.open()
        await journal.record(
            [entry(correlation=f"c{n}", subject=keys.pseudonym_of(ANNA), members=()) for n in range(3)]
        )
        journal.close()
        yield Place(url, keys)


async def test_a_trail_is_the_same_in_either_database(place):
    """Followed, found in pages, watched, told, delivered, and unwatched."""
    engine, store = open_tables(place.url), Store(place.url)
    book, notices = TrailBook(engine, store), SqlAccessNotices(engine)
    names = frozenset({place.keys.pseudonym_of(ANNA)})
    assert book.watch(names, "portal") == book.watch(names, "portal")
    journal = SqlJournal(place.url)
    journal.open()
    await journal.record([entry(correlation="new", subject=place.keys.pseudonym_of(ANNA), members=())])
    journal.close()
    step = book.step()
    await notices.owe(step.notices)
    await notices.owe(step.notices)
    assert book.advance(step)
    assert not book.advance(step)

    (due,) = notices.due("portal", 10)
    assert (due.seq, due.correlation) == (4, "new")
    assert [found.seq for found in book.answer(names, due.seq, "new")] == [4]
    assert notices.delivered(due.notice_id, "portal", NOW)
    first = book.find(names, Range(most=3))
    assert [found.seq for found in first.found] == [4, 3, 2]
    assert [found.seq for found in book.find(names, Range(before=first.before)).found] == [1]
    assert book.unwatch(names, "portal")
    assert not book.unwatch(names, "portal")
    store.close()
    engine.dispose()


def test_a_dispute_is_the_same_in_either_database(place):
    """Kept, moved in order, and closed without its number; by another connection too."""
    engine = open_tables(place.url)
    book = DisputeBook(engine, place.keys)
    new = book.new(ANNA, "portal", ("tax", "income_annual", "wrong"), NOW)
    book.keep(new, [ANNA], ANNA)
    other = open_tables(place.url)
    again = DisputeBook(other, place.keys)

    assert again.of([ANNA]) == (new,)
    assert again.number(new.dispute_id) == ANNA
    later = NOW + timedelta(days=1)
    assert again.move(new.dispute_id, OPEN, DisputeState.ANSWERED, later, answer=DisputeAnswer.CORRECTED)
    assert not again.move(new.dispute_id, OPEN, DisputeState.FORWARDED, later)
    assert again.move(new.dispute_id, [DisputeState.ANSWERED], DisputeState.CLOSED, later)
    (closed,) = book.all("closed")
    assert (closed.answer, book.number(new.dispute_id)) == ("corrected", None)
    engine.dispose()
    other.dispose()


@pytest.fixture(params=["memory", "sql"])
def sink(request, tmp_path) -> tuple[AccessNotices, str, Callable[[], list[str]]]:
    """Each place for notices, a wish that it knows, and what it would tell."""
    if request.param == "memory":
        memory = MemoryAccessNotices()
        return memory, "w", lambda: [notice.correlation for notice in memory.owed.values()]
    store = Store(sqlite_url(tmp_path / "journal.db"))
    store.create()
    engine = open_tables(sqlite_url(tmp_path / "trail.db"))
    wish = TrailBook(engine, store).watch(["0" * 32], "portal")
    kept = SqlAccessNotices(engine)
    return kept, wish, lambda: [notice.correlation for notice in kept.due("portal", 10)]


async def test_a_notice_that_is_handed_over_again_is_told_once(sink):
    """The name of person and answer is the same, whichever entry it was made from."""
    port, wish, told = sink
    await port.owe([])
    await port.owe([AccessNotice(wish, "portal", 1, "a"), AccessNotice(wish, "portal", 2, "b")])
    await port.owe([AccessNotice(wish, "portal", 3, "a")])

    assert told() == ["a", "b"]


@pytest.fixture(params=["memory", "outbox"])
def route(request, tmp_path) -> MemoryRoute | Outbox:
    """Each way to registries."""
    return MemoryRoute() if request.param == "memory" else Outbox(tmp_path / "letters")


async def test_a_letter_that_is_handed_over_again_counts_once(route):
    """And letters of several disputes stay apart."""
    letter = Letter("dp-1", "tax", "Owner", "a@b", "income_annual", "wrong", "2026-09-30", ANNA)
    assert route.letters() == []
    await route.forward(letter)
    await route.forward(letter)
    await route.forward(letter._replace(dispute_id="dp-2"))

    assert route.letters() == ["dp-1", "dp-2"]
