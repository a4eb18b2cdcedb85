"""The journal: committed together, chained, and honest about whether it could write."""

import asyncio
import sqlite3
from typing import Any

import orjson
import pytest

from gateway.journal import GENESIS, SqlJournal, chained, entry_text, read, sqlite_url, verify
from standards.errors import JournalError
from tests.builders import NOW, entry

COUNT = 5


class Disk:
    """A journal file, opened and tampered with by hand."""

    def __init__(self, path) -> None:
        self.path, self.url = path, sqlite_url(path)

    async def write(self, *correlations: str) -> None:
        """Record one entry after another, from opening to closing."""
        journal = SqlJournal(self.url)
        journal.open()
        try:
            for correlation in correlations:
                await journal.record([entry(correlation=correlation)])
        finally:
            journal.close()

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Do what somebody with access to the file could do."""
        connection = sqlite3.connect(self.path)
        with connection:
            rows = [row for statement in statements for row in connection.execute(statement)]
        connection.close()
        return rows

    def correlations(self) -> list[str]:
        """What stands in it."""
        return [said["correlation"] for _, said in read(self.url)]


@pytest.fixture
def disk(tmp_path) -> Disk:
    """A place for a journal."""
    return Disk(tmp_path / "journal.db")


@pytest.fixture
async def written(disk: Disk) -> Disk:
    """A journal of five entries, closed."""
    await disk.write(*"abcde")
    return disk


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


@pytest.mark.parametrize("seq", range(1, COUNT + 1))
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE journal SET entry = replace(entry, 'answered', 'denied') WHERE seq = {seq}",
        "UPDATE journal SET hash = upper(hash) || '' WHERE seq = {seq} AND hash <> upper(hash)",
        "UPDATE journal SET previous = '{zeros}x' WHERE seq = {seq}",
        "UPDATE journal SET seq = 99 WHERE seq = {seq}",
    ],
    ids=["entry", "hash", "previous", "number"],
)
async def test_an_edit_anywhere_shows(written, seq, edit):
    """Text, hash, the hash before, number: the first entry that is wrong is named."""
    written.run(edit.format(seq=seq, zeros="0" * 63))

    with pytest.raises(JournalError, match=f"entry {seq} "):
        verify(written.url)


@pytest.mark.parametrize("seq", range(1, COUNT))
async def test_a_cut_from_within_shows(written, seq):
    """Whether the gap is left, or the rest is moved up."""
    written.run(f"DELETE FROM journal WHERE seq = {seq}")
    with pytest.raises(JournalError, match=f"entry {seq} is missing"):
        verify(written.url)
    written.run(f"UPDATE journal SET seq = seq - 1 WHERE seq > {seq}")
    with pytest.raises(JournalError, match=f"entry {seq} was changed"):
        verify(written.url)


@pytest.mark.parametrize("seq", range(1, COUNT))
async def test_a_swap_shows(written, seq):
    """Two entries that change places are both wrong; the first one is named."""
    written.run(
        f"UPDATE journal SET seq = 99 WHERE seq = {seq}",
        f"UPDATE journal SET seq = {seq} WHERE seq = {seq + 1}",
        f"UPDATE journal SET seq = {seq + 1} WHERE seq = 99",
    )

    with pytest.raises(JournalError, match=f"entry {seq} "):
        verify(written.url)


async def test_an_entry_put_in_between_shows(written):
    """With all the others renumbered, and even with a hash of its own that fits."""
    written.run("UPDATE journal SET seq = seq + 100 WHERE seq > 2", "UPDATE journal SET seq = seq - 99 WHERE seq > 100")
    (last,) = written.run("SELECT hash FROM journal WHERE seq = 2")
    forged = chained(3, last[0], "{}")
    written.run(f"INSERT INTO journal (seq, entry, previous, hash) VALUES (3, '{{}}', '{last[0]}', '{forged}')")

    with pytest.raises(JournalError, match="entry 4 was changed"):
        verify(written.url)


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

    assert disk.correlations() == ["a", "b"]
    assert verify(disk.url) == 2


async def test_a_second_writer_cannot_fork_the_chain(disk):
    """Two processes on one file: the one that comes second is refused, not interleaved."""
    one, other = SqlJournal(disk.url), SqlJournal(disk.url)
    one.open()
    other.open()
    await one.record([entry(correlation="a")])
    with pytest.raises(JournalError):
        await other.record([entry(correlation="b")])
    one.close()
    other.close()

    assert disk.correlations() == ["a"]


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


async def test_the_newest_entries_come_oldest_first(written):
    """With their numbers."""
    assert [(seq, said["correlation"]) for seq, said in read(written.url, newest=2)] == [(4, "d"), (5, "e")]
    assert [seq for seq, _ in read(written.url)] == [1, 2, 3, 4, 5]


async def test_an_empty_journal_is_whole(disk):
    """Nothing was asked yet."""
    await disk.write()

    assert verify(disk.url) == 0
    assert list(read(disk.url, newest=3)) == []


async def test_a_disk_that_takes_no_log_line_either_stops_no_question(disk, monkeypatch):
    """Journal and log often share a disk: when it is full, whoever waits is told, and the writer lives on."""

    class FullDisk:
        def error(self, *_: object, **__: object) -> None:
            raise OSError(28, "no space left on device")

    monkeypatch.setattr("gateway.journal.log", FullDisk())
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

    assert disk.correlations() == ["a", "b"]


async def test_a_commit_that_failed_and_yet_reached_the_disk_does_not_break_the_chain(tmp_path):
    """After a failure the writer goes on from the end that the disk knows."""
    url = sqlite_url(tmp_path / "journal.db")
    journal = SqlJournal(url)
    journal.open()
    await journal.record([entry()])
    journal._failed, journal._seq, journal._last = "reported, but written", 0, GENESIS

    await journal.record([entry()])
    journal.close()

    assert verify(url) == 2
