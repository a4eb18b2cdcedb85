"""Everybody finds what is theirs, however far the index has got, and is told once of each answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.journal import sqlite_url
from gateway.journal.store import Store
from gateway.trail.book import ROWS, TrailBook
from gateway.trail.notices import MemoryAccessNotices, WishesChangedError
from gateway.trail.tables import PLACES
from tests.builders import NOW, entry
from tests.unit.gateway.trail.conftest import ANNA, BEN, TAX, Desk


def asked(desk: Desk, correlation: str, subject=ANNA, members=(ANNA, BEN), **changes):
    """An entry about Anna, in whose household Ben lives."""
    name = desk.keys.pseudonym_of
    about = {"subject": name(subject) if subject else "", "members": tuple(sorted(map(name, members)))}
    return entry(correlation=correlation, **(about | changes))


def correlations(page) -> list[str]:
    """What a page holds."""
    return [found.entry["correlation"] for found in page.found]


@pytest.mark.parametrize("followed", [0, 2, 5])
async def test_a_trail_is_whole_wherever_the_index_is(desk, followed):
    """Read from the index, from the end of the journal, or from both."""
    entries = [asked(desk, f"c{n}", members=(ANNA, BEN) if n % 2 else (ANNA,)) for n in range(5)]
    await desk.write(*entries[:followed])
    await desk.follow()
    await desk.write(*entries[followed:])

    assert desk.book.cursor() == followed
    assert correlations(desk.find(ANNA)) == ["c4", "c3", "c2", "c1", "c0"]
    assert correlations(desk.find(BEN)) == ["c3", "c1"]
    assert correlations(desk.find(TAX)) == []
    assert correlations(desk.find(BEN, TAX)) == ["c3", "c1"]


async def test_pages_hold_every_entry_once(desk):
    """Also over more than the database is asked for at a time, half of it indexed."""
    await desk.write(*[asked(desk, f"c{n}") for n in range(150)])
    await desk.follow()
    await desk.write(*[asked(desk, f"c{n}") for n in range(150, 300)])
    found, page = [], desk.find(ANNA, most=70)
    while True:
        found += correlations(page)
        if page.before is None:
            break
        page = desk.find(ANNA, most=70, before=page.before)

    assert found == [f"c{n}" for n in reversed(range(300))]


async def test_a_time_is_kept_to(desk):
    """From its first moment, to before its last one."""
    await desk.write(*[asked(desk, f"c{n}", at=NOW + timedelta(days=n)) for n in range(6)])
    await desk.follow()

    page = desk.find(ANNA, since=NOW + timedelta(days=1), until=NOW + timedelta(days=3))
    assert correlations(page) == ["c2", "c1"]


async def test_records_are_found_when_they_are_asked_for(desk):
    """A decision is no question."""
    await desk.write(asked(desk, "c0"), asked(desk, "r0", members=(), event="consent.granted"))

    assert correlations(desk.find(ANNA)) == ["c0"]
    assert correlations(desk.find(ANNA, kinds=frozenset({"record"}))) == ["r0"]


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_what_did_not_leave_is_not_told_as_told(desk, is_indexed):
    """Replaced, too late, or nobody there any more to take it: for each person in it."""
    late = asked(desk, "late")
    await desk.write(
        asked(desk, "again"), asked(desk, "again", members=(), event="search.superseded"), asked(desk, "again"),
        late, late._replace(event="search.withheld", released=(), answer_digest=""),
        asked(desk, "left"), asked(desk, "left", members=(), event="search.abandoned"),
        asked(desk, "early", members=(), event="search.abandoned"),
        asked(desk, "fine"),
    )  # fmt: skip
    if is_indexed:
        await desk.follow()

    told = [(f.entry["correlation"], f.entry["event"], f.is_given) for f in desk.find(ANNA).found]
    answered = "search.answered"
    expected = [("fine", answered, True), ("early", "search.abandoned", True), ("left", answered, False)]
    expected += [("late", answered, False), ("again", answered, True), ("again", answered, False)]
    assert told == expected
    assert [(f.entry["correlation"], f.is_given) for f in desk.find(BEN).found] == [
        (c, given) for c, event, given in expected if event == answered
    ]


async def test_of_alike_questions_rather_both_count_as_told(desk):
    """One message asks twice about Anna, and one of the answers is replaced: nobody can tell which."""
    await desk.write(
        asked(desk, "m"), asked(desk, "m"), asked(desk, "m", members=(), event="search.superseded"), asked(desk, "m")
    )

    assert [f.is_given for f in desk.find(ANNA).found] == [True, True, True]


async def test_the_index_decides_nothing(desk):
    """A wrong line in it leads nobody to what is somebody else's; a lost one is there again when it is made anew."""
    await desk.write(asked(desk, "c0", members=(ANNA,)))
    await desk.follow()
    (ben,) = desk.names(BEN)
    with desk.engine.begin() as connection:
        connection.execute(sa.insert(PLACES), [{"person": ben, "seq": 1}])

    assert correlations(desk.find(BEN)) == []


async def test_another_journal_is_followed_from_its_beginning(desk, tmp_path):
    """The old one's index leads nowhere in it, and is dropped."""
    await desk.write(*[asked(desk, f"old{n}") for n in range(4)])
    await desk.follow()
    desk.url = sqlite_url(tmp_path / "other.db")
    store = Store(desk.url)
    store.create()
    await desk.write(asked(desk, "new", members=(BEN,)))
    desk.book = TrailBook(desk.engine, store)
    await desk.follow()

    assert desk.book.cursor() == 1
    assert correlations(desk.find(BEN)) == ["new"]
    store.close()


async def test_two_who_follow_at_once_index_once(desk):
    """Of two machines one is first, and the other one goes on after it."""
    await desk.write(asked(desk, "c0"))
    first, second = desk.book.step(), desk.book.step()

    assert desk.book.advance(first)
    assert not desk.book.advance(second)
    assert desk.book.cursor() == 1


# -- wishes and notices


async def test_one_notice_for_each_answer_and_person(desk):
    """By two numbers, in two entries of one message, and followed twice as after a crash: one."""
    desk.book.watch(desk.names(ANNA, TAX), "portal")
    await desk.write(
        asked(desk, "m"), asked(desk, "m", subject=TAX), asked(desk, "n", event="search.denied", members=())
    )
    step = desk.book.step()
    await desk.notices.owe(step.notices)
    await desk.follow()

    assert [one.seq for one in desk.notices.due("portal", 10)] == [1, 3]
    assert desk.notices.due("other", 10) == ()


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_a_notice_tells_every_question_of_its_message(desk, is_indexed):
    """Those about the person, with what became of each."""
    await desk.write(
        asked(desk, "m"), asked(desk, "x"), asked(desk, "m", members=(), event="search.superseded"), asked(desk, "m"),
        asked(desk, "m", subject=TAX), asked(desk, "m", subject=BEN, members=(BEN,)), asked(desk, "m", event="x.y"),
    )  # fmt: skip
    if is_indexed:
        await desk.follow()

    found = desk.book.answer(desk.names(ANNA, TAX), 1, "m")
    assert [(one.seq, one.is_given) for one in found] == [(1, False), (4, True), (5, True)]


async def test_nobody_is_told_of_what_was_before_or_is_somebody_else_s(desk):
    """Nor of entries that are no questions; nor after the wish has ended."""
    await desk.write(asked(desk, "before"))
    desk.book.watch(desk.names(ANNA), "portal")
    await desk.write(
        asked(desk, "other", subject=BEN, members=(BEN,)), asked(desk, "r", members=(), event="consent.read")
    )
    await desk.follow()
    assert desk.notices.due("portal", 10) == ()

    assert desk.book.unwatch(desk.names(ANNA), "portal")
    await desk.write(asked(desk, "after"))
    await desk.follow()
    assert desk.notices.due("portal", 10) == ()
    assert not desk.book.unwatch(desk.names(ANNA), "portal")


async def test_two_wishes_that_are_one_person_s_become_one(desk):
    """What was owed under either is owed once."""
    first, second = desk.book.watch(desk.names(ANNA), "portal"), desk.book.watch(desk.names(TAX), "portal")
    await desk.write(asked(desk, "m", subject=TAX))
    await desk.follow()
    assert len(desk.notices.due("portal", 10)) == 2

    joined = desk.book.watch(desk.names(ANNA, TAX), "portal")
    await desk.follow()
    assert joined in {first, second}
    assert [(one.watch_id, one.seq) for one in desk.notices.due("portal", 10)] == [(joined, 1)]
    assert desk.book.watchers([joined]) == {joined: desk.names(ANNA, TAX)}


async def test_a_notice_made_under_a_wish_that_has_gone_is_made_anew(desk):
    """Between making it and keeping it two wishes were joined: it is neither lost nor told twice."""
    desk.book.watch(desk.names(ANNA), "portal")
    desk.book.watch(desk.names(TAX), "portal")
    await desk.write(asked(desk, "m", subject=TAX))
    step = desk.book.step()
    joined = desk.book.watch(desk.names(ANNA, TAX), "portal")
    with pytest.raises(WishesChangedError):
        await desk.notices.owe(step.notices)
    await desk.follow()

    assert [(one.watch_id, one.seq) for one in desk.notices.due("portal", 10)] == [(joined, 1)]


async def test_notices_go_to_another_sink_in_steps(desk):
    """More entries than one step takes: each is told."""
    desk.book.watch(desk.names(ANNA), "portal")
    await desk.write(*[asked(desk, f"c{n}") for n in range(ROWS + 3)])
    sink = MemoryAccessNotices()
    await desk.follow(sink)

    assert len(sink.owed) == ROWS + 3
    assert desk.notices.due("portal", 10) == ()


async def test_what_was_delivered_is_not_due(desk):
    """Once, by the portal whose it is."""
    desk.book.watch(desk.names(ANNA), "portal")
    await desk.write(asked(desk, "m"))
    await desk.follow()
    name = desk.notices.due("portal", 10)[0].notice_id

    assert not desk.notices.delivered(name, "other", NOW)
    assert desk.notices.delivered(name, "portal", NOW)
    assert not desk.notices.delivered(name, "portal", NOW)
    assert desk.notices.due("portal", 10) == ()
    assert not desk.notices.delivered("nothing", "portal", NOW + timedelta(days=31))
