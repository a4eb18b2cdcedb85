"""The keeper: signs when it is due, one of all at a time, catches up a sink that was away, and signs nothing altered."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest

from gateway.journal import CopyFile
from gateway.journal.checkpoints import read_checkpoints
from gateway.journal.copy import copy_of, files_of, row_of
from gateway.journal.store import Store, sqlite_url
from standards.errors import JournalError


def looked(keeper, *, is_last: bool = False):
    """Let a keeper look once, and end; tell whether it was its turn, and what troubled it."""
    turn = keeper._look(is_last=is_last)
    return turn, keeper.trouble


def copied(disk) -> list[int]:
    """Return the numbers of the entries in the copy."""
    with copy_of(disk.copy) as rows:
        return [row.seq for row in rows]


def done(keeper):
    """Let go of what a keeper that had no thread holds."""
    keeper._turns.close()
    keeper._store.close()


async def test_a_checkpoint_is_due_after_so_many_entries(written):
    """Not before; and not again without new ones."""
    keeper = written.keeper(checkpoint_entries=6)
    assert looked(keeper) == (True, None)
    assert not written.checkpoints.exists()
    await written.write("f")
    for _ in range(2):
        looked(keeper)
    await written.write("g")
    looked(keeper)
    done(keeper)

    assert [one.seq for one in read_checkpoints(written.checkpoints)] == [6]
    assert written.run("SELECT seq FROM journal_checkpoint") == [(6,)]


async def test_a_checkpoint_is_due_after_so_long_with_something_new(written):
    """However few entries came; none without one."""
    keeper = written.keeper(checkpoint_s=1e-9)
    for _ in range(3):
        looked(keeper)
    await written.write("f")
    looked(keeper)
    done(keeper)

    assert [one.seq for one in read_checkpoints(written.checkpoints)] == [5, 6]


async def test_one_keeps_at_a_time(written):
    """The next takes over where the one before has got to, when that is gone."""
    one, other = written.keeper(checkpoint_entries=1), written.keeper(checkpoint_entries=1)
    assert looked(one)[0]
    assert not looked(other)[0]
    done(one)
    assert looked(other) == (True, None)
    await written.write("f")
    looked(other)
    done(other)

    assert [o.seq for o in read_checkpoints(written.checkpoints)] == [5, 6]


@pytest.mark.parametrize("where", ["while it runs", "while it was down"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET entry = '{}' WHERE seq = 2",
        "DELETE FROM journal WHERE seq > 3",
        "DELETE FROM journal WHERE seq = 1",
    ],
)
async def test_nobody_signs_a_journal_that_was_altered(written, change, where):
    """With all hashes made anew, and even with the store's checkpoints removed: it has seen another."""
    keeper = written.keeper(checkpoint_entries=1)
    looked(keeper)
    if where == "while it was down":
        done(keeper)
        keeper = written.keeper(checkpoint_entries=1)
    written.run(change, "DELETE FROM journal_checkpoint")
    written.chain_anew()
    await written.write("more")

    for _ in range(2):
        _, trouble = looked(keeper)
        assert trouble is not None
        assert "entry 5 was changed or removed" in trouble
    done(keeper)
    assert [one.seq for one in read_checkpoints(written.checkpoints)] == [5]


async def test_the_copy_is_caught_up_after_a_time_without_it(written):
    """A sink that cannot be written stops no question, and lacks nothing once it can."""
    written.copy.parent.parent.joinpath("copy").write_text("in the way")
    keeper = written.keeper(CopyFile(written.copy))
    _, trouble = looked(keeper)
    assert trouble is not None
    assert "File exists" in trouble or "Not a directory" in trouble
    (written.path.parent / "copy").unlink()
    await written.write("f")
    assert looked(keeper) == (True, None)
    done(keeper)

    assert written.examine(copy=True).copied == 6


async def test_the_copy_is_asked_what_it_holds_after_a_failure(written):
    """Entries that were there after all, although the disk said no, are not written twice, nor is half a line kept."""

    class Doubtful(CopyFile):
        """A sink that writes, and then says that it could not; the last line it did not finish."""

        fails = True

        def append(self, rows) -> None:
            super().append(rows)
            if self.fails:
                self.fails = False
                os.truncate(self.path, self.path.stat().st_size - 9)
                raise OSError(errno.EIO, "Input/output error")

    keeper = written.keeper(Doubtful(written.copy))
    assert looked(keeper) == (True, "OSError: Input/output error")
    assert looked(keeper) == (True, None)
    await written.write("f")
    assert looked(keeper) == (True, None)
    done(keeper)

    assert copied(written) == [1, 2, 3, 4, 5, 6]
    assert written.examine(copy=True).copied == 6


async def test_a_copy_that_was_cut_in_a_line_is_mended(written):
    """A crash in the middle of writing: the line is written again, whole."""
    written.keep(copy=True)
    written.copy.write_bytes(written.copy.read_bytes()[:-7])
    await written.write("f")
    written.keep(copy=True)

    assert copied(written) == [1, 2, 3, 4, 5, 6]
    assert written.examine(copy=True).copied == 6


async def test_a_file_of_checkpoints_that_was_cut_in_a_line_is_mended(written):
    """The store has them all; the file gets what it lacks."""
    written.keep()
    written.checkpoints.write_bytes(written.checkpoints.read_bytes()[:-7])
    await written.write("f")
    written.keep()

    assert [one.seq for one in read_checkpoints(written.checkpoints)] == [5, 6]


async def test_a_full_file_of_the_copy_is_put_aside(disk):
    """Under the number of its first entry; readers see one sequence."""
    keeper = disk.keeper(CopyFile(disk.copy, max_bytes=1))
    for correlation in "abc":
        await disk.write(correlation)
        looked(keeper)
    done(keeper)

    assert [path.name for path in files_of(disk.copy)] == [
        "journal-000000000001.jsonl",
        "journal-000000000002.jsonl",
        "journal.jsonl",
    ]
    assert disk.examine(copy=True).copied == 3


async def test_every_day_has_a_file_of_its_own(disk):
    """Where that is wanted: yesterday's is put aside with the first entry of today."""
    keeper = disk.keeper(CopyFile(disk.copy, daily=True))
    for correlation in "ab":
        await disk.write(correlation)
        looked(keeper)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(disk.copy, (yesterday, yesterday))
    await disk.write("c")
    looked(keeper)
    done(keeper)

    assert [path.name for path in files_of(disk.copy)] == ["journal-000000000001.jsonl", "journal.jsonl"]
    assert copied(disk) == [1, 2, 3]


async def test_a_copy_goes_on_where_its_last_file_was_put_aside(disk):
    """Also when the new one has not begun yet."""
    await disk.write("a")
    disk.keep(copy=True)
    disk.copy.rename(disk.copy.with_name("journal-000000000001.jsonl"))
    await disk.write("b")
    disk.keep(copy=True)

    assert copied(disk) == [1, 2]


def test_a_line_that_is_no_entry_is_told(disk):
    """A file of something else is not taken for a copy."""
    for line in (b"{}\n", b"[1]\n", b"text\n", b'{"seq":1,"entry":{}}\n'):
        with pytest.raises(JournalError, match="no entry"):
            row_of(line)
    with pytest.raises(JournalError, match="no copy"):
        copied(disk)


def test_what_is_written_is_moved_into_the_file_beside_the_writers(tmp_path):
    """Else the log beside it grows until a writer has to stop and do it, and every answer waits."""
    file = tmp_path / "journal.db"
    store = Store(sqlite_url(file))
    try:
        store.create()
        store.settle()
        before = file.stat().st_size
        store.append(["x" * 3000] * 50)
        assert file.stat().st_size == before
        store.settle()
        assert file.stat().st_size > before + 100_000
    finally:
        store.close()
