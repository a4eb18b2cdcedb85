"""The journal's writer: committed together, chained, bounded in what waits, honest about whether it could write."""

import asyncio
import sqlite3

import orjson
import pytest
from sqlalchemy import event

from gateway.journal import GENESIS, SqlJournal, chained, entry_text, read, sqlite_url, verify
from gateway.journal.store import Store
from gateway.journal.writer import MemoryJournal
from standards.errors import JournalError
from tests.builders import NOW, entry

COUNT = 5


async def writable(journal: SqlJournal) -> None:
    """Return once the journal can be written again, with nobody asking."""
    async with asyncio.timeout(10):
        while not journal.is_writable:  # noqa: ASYNC110 - the writer is a thread
            await asyncio.sleep(0)


async def fill(journal: SqlJournal) -> None:
    """Record until there is no room."""
    for number in range(1000):
        await journal.record([entry(correlation=f"{number}")])


async def test_every_entry_names_the_hash_of_the_one_before_it(written):
    """The first one names the beginning."""
    rows = written.run("SELECT seq, previous, entry, hash FROM journal ORDER BY seq")

    last = GENESIS
    for seq, previous, text, hash_ in rows:
        assert previous == last
        assert hash_ == chained(seq, previous, text)
        last = hash_
    assert verify(written.url) == COUNT


def test_an_entry_s_text_is_the_same_for_the_same_entry():
    """Names sorted, no white space, the time with its offset."""
    text = entry_text(entry())

    assert text == orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS).decode()
    assert orjson.loads(text)["at"] == NOW.isoformat()


async def test_a_restart_continues_the_chain(disk):
    """One chain over all lives of the process."""
    await disk.write("a", "b")
    await disk.write("c")

    assert disk.correlations() == ["a", "b", "c"]
    assert verify(disk.url) == 3


async def test_entries_that_wait_are_committed_together(disk):
    """However many questions end at once, and each is told only when it is on disk."""
    journal = SqlJournal(disk.url)
    journal.open()
    await asyncio.gather(*(journal.record([entry(correlation=f"{n}")]) for n in range(200)))
    on_disk = set(disk.correlations())
    journal.close()

    assert on_disk == {f"{n}" for n in range(200)}
    assert verify(disk.url) == 200


async def test_what_cannot_be_written_is_an_error_and_breaks_no_chain(disk):
    """While the database fails, every question hears of it; afterwards the chain goes on from what is on disk."""
    journal = SqlJournal(disk.url)
    journal.open()
    await journal.record([entry(correlation="a")])
    disk.run("ALTER TABLE journal RENAME TO elsewhere")
    for _ in range(2):
        with pytest.raises(JournalError, match="could not be written"):
            await journal.record([entry(correlation="lost"), entry(correlation="lost too")])
        assert not journal.is_writable
    disk.run("ALTER TABLE elsewhere RENAME TO journal")
    await journal.record([entry(correlation="b")])
    assert journal.is_writable
    journal.close()

    assert [(e["event"], e.get("correlation")) for _, e in read(disk.url)] == [
        ("search.answered", "a"),
        ("journal.resumed", None),
        ("search.answered", "b"),
    ]
    assert verify(disk.url) == 3


async def test_two_writers_make_one_chain(disk):
    """Two processes on one file take turns; both read where the other has got to."""
    one, other = SqlJournal(disk.url), SqlJournal(disk.url)
    one.open()
    other.open()
    for number in range(10):
        await asyncio.gather(
            one.record([entry(correlation=f"a{number}")]), other.record([entry(correlation=f"b{number}")])
        )
    one.close()
    other.close()

    assert sorted(disk.correlations()) == sorted(f"{who}{n}" for who in "ab" for n in range(10))
    assert verify(disk.url) == 20


@pytest.mark.parametrize("how", ["database", "turn"])
async def test_a_slow_disk_is_waited_for_so_long_and_no_longer(disk, how):
    """The answer is refused; its entry is not lost, and a second one tells that it did not leave."""
    journal = SqlJournal(disk.url, max_wait_s=0.05)
    journal.open()
    with disk.held(how):
        with pytest.raises(JournalError, match=r"took longer than 0\.05 s"):
            await journal.record([entry(correlation="slow")])
        assert not journal.is_writable
    await asyncio.to_thread(journal.close)
    await asyncio.sleep(0)

    assert [(e["event"], e["correlation"]) for _, e in read(disk.url)] == [
        ("search.answered", "slow"),
        ("search.withheld", "slow"),
    ]
    assert journal._count == 0


async def test_a_journal_that_was_slow_is_writable_again(disk):
    """As soon as something is written in time."""
    journal = SqlJournal(disk.url, max_wait_s=0.05)
    journal.open()
    with disk.held(), pytest.raises(JournalError):
        await journal.record([entry()])
    await writable(journal)
    journal.close()


async def test_too_many_that_wait_are_refused_at_once(disk):
    """Memory is bounded; only entries that are owed to somebody who was asked about are still taken."""
    journal = SqlJournal(disk.url, max_waiting=3)
    journal.open()
    with disk.held():
        waiting = [asyncio.ensure_future(journal.record([entry(correlation=f"{n}")])) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(JournalError, match="3 entries wait"):
            await journal.record([entry(correlation="refused")])
        waiting.append(asyncio.ensure_future(journal.record([entry(event="search.abandoned", correlation="owed")])))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    await journal.record([entry(correlation="after")])
    journal.close()

    assert disk.correlations() == ["0", "1", "2", "owed", "after"]


async def test_a_full_disk_is_told_and_forgotten_when_there_is_room(disk, monkeypatch):
    """Nothing is answered meanwhile; then the writer notices by itself, with nobody asking, and says what was."""
    monkeypatch.setattr("gateway.journal.writer.RETRY_S", 0.01)
    room = {"pages": 20}
    journal = SqlJournal(disk.url)
    event.listen(journal._store._engine, "connect", lambda c, _: c.execute(f"PRAGMA max_page_count={room['pages']}"))
    journal.open()
    with pytest.raises(JournalError, match="SQLITE_FULL"):
        await fill(journal)
    assert not journal.is_writable
    with pytest.raises(JournalError, match="SQLITE_FULL"):
        await journal.record([entry(correlation="refused")])
    before = verify(disk.url)
    room["pages"] = 1_000_000
    await writable(journal)
    await journal.record([entry(correlation="after")])
    journal.close()

    (_, resumed), (_, after) = list(read(disk.url))[before:]
    assert resumed["event"] == "journal.resumed"
    assert resumed["detail"]["refused"] == "2"
    assert after["correlation"] == "after"
    assert verify(disk.url) == before + 2


async def test_a_journal_that_is_not_open_takes_nothing(disk):
    """Neither before it is opened nor after it was closed."""
    journal = SqlJournal(disk.url)
    with pytest.raises(JournalError, match="not open"):
        await journal.record([entry()])
    assert not journal.is_writable
    journal.open()
    assert journal.is_writable
    journal.close()
    with pytest.raises(JournalError, match="not open"):
        await journal.record([entry()])


async def test_closing_writes_what_waits(disk):
    """Nobody who was told to wait is left without a word."""
    journal = SqlJournal(disk.url)
    journal.open()
    waiting = [asyncio.ensure_future(journal.record([entry(correlation=f"{n}")])) for n in range(10)]
    await asyncio.sleep(0)
    await asyncio.to_thread(journal.close)
    await asyncio.gather(*waiting)

    assert len(disk.correlations()) == 10


async def test_a_place_that_cannot_be_used_is_found_at_start(tmp_path):
    """Before any question is taken."""
    journal = SqlJournal(sqlite_url(tmp_path / "nowhere" / "journal.db"))
    with pytest.raises(JournalError, match="cannot be opened"):
        journal.open()
    journal.close()


async def test_a_disk_that_takes_no_log_line_either_stops_no_question(disk, monkeypatch):
    """Journal and log often share a disk: when it is full, whoever waits is told, and the writer lives on."""

    class FullDisk:
        def error(self, *_: object, **__: object) -> None:
            raise OSError(28, "no space left on device")

        info = error

    monkeypatch.setattr("gateway.journal.writer.log", FullDisk())
    await disk.write("a")
    journal = SqlJournal(disk.url)
    journal.open()
    disk.run("ALTER TABLE journal RENAME TO elsewhere")
    async with asyncio.timeout(5):
        for _ in range(2):
            with pytest.raises(JournalError, match="could not be written"):
                await journal.record([entry(correlation="lost")])
        disk.run("ALTER TABLE elsewhere RENAME TO journal")
        await journal.record([entry(correlation="b")])
    journal.close()

    assert disk.events() == ["search.answered", "journal.resumed", "search.answered"]


async def test_a_failure_of_one_moment_leaves_a_whole_chain(disk):
    """Nobody knows whether a commit that failed has reached the disk; the next one reads where the chain ends."""
    store = Store(disk.url)
    store.create()
    store.append(["1"])
    connection = sqlite3.connect(disk.path)
    last = connection.execute("SELECT hash FROM journal").fetchone()[0]
    with connection:  # what a lost connection may have written
        connection.execute("INSERT INTO journal VALUES (2, '2', ?, ?)", (last, chained(2, last, "2")))
    connection.close()
    store.append(["3"])
    store.close()

    assert verify(disk.url) == 3


def test_many_entries_at_once_are_one_chain(disk):
    """More than one statement takes."""
    store = Store(disk.url)
    store.create()
    store.append([f"{n}" for n in range(1234)])
    store.close()

    assert verify(disk.url) == 1234
    assert [said for (said,) in disk.run("SELECT entry FROM journal ORDER BY seq")] == [f"{n}" for n in range(1234)]


async def test_the_one_in_memory_forgets():
    """For tests."""
    journal = MemoryJournal()
    await journal.record([entry()])

    assert journal.entries == [entry()]
