"""The copy of the journal, read while it is written."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.journal.chain import GENESIS, Row
from gateway.journal.copy import CopyFile, copy_of, line_of
from standards.errors import JournalError

ENTRIES = 400


def row(seq: int) -> Row:
    """Return an entry of some length."""
    return Row(seq, f'{{"text":"{seq:0200d}"}}', f"h{seq - 1}" if seq > 1 else GENESIS, f"h{seq}")


def numbers_in(path: Path) -> list[int]:
    """Return the numbers of the entries of a copy."""
    with copy_of(path) as rows:
        return [row.seq for row in rows]


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: what fits of a write is written, and the rest refused."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_is_read_whole_while_its_files_are_put_aside(tmp_path: Path):
    """Whoever reads sees every entry from the first to some later one, also when a file is renamed meanwhile."""
    path = tmp_path / "journal.jsonl"
    copy = CopyFile(path, max_bytes=600)
    copy.append([Row(1, "{}", GENESIS, "h1")])

    def write() -> None:
        for seq in range(2, ENTRIES + 1):
            copy.append([Row(seq, "{}", f"h{seq - 1}", f"h{seq}")])

    writer = threading.Thread(target=write)
    writer.start()
    seen = [0]
    while seen[-1] < ENTRIES:
        with copy_of(path) as rows:
            numbers = [row.seq for row in rows]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= seen[-1]
        seen.append(len(numbers))
    writer.join()

    assert len(set(seen)) > 2, "it was read while it was written"


@pytest.mark.parametrize("entries", [2, 5, 13, 40, 400])
@pytest.mark.parametrize("room", [0, 1, 500, 4000])
def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path, entries: int, room: int):
    """Also not the rest of a line after its beginning was taken back: the disk was full, and then it was not."""
    path = tmp_path / "journal.jsonl"
    copy = CopyFile(path)
    copy.append([row(1)])
    before = path.read_bytes()
    some = [row(seq) for seq in range(2, entries + 2)]
    size = sum(len(line_of(one)) for one in some)

    with files_no_larger_than(len(before) + min(room, size - 1)), pytest.raises(OSError, match="too large"):
        copy.append(some)
    assert path.read_bytes() == before
    assert copy.end() == (1, "h1")
    copy.append(some)
    assert numbers_in(path) == list(range(1, entries + 2))


def test_a_broken_line_is_named(tmp_path: Path):
    """By its file and its place there, also where that file was put aside."""
    path = tmp_path / "journal.jsonl"
    copy = CopyFile(path, max_bytes=1)
    for seq in (1, 2, 3):
        copy.append([row(seq)])
    aside = tmp_path / "journal-000000000002.jsonl"
    aside.write_bytes(aside.read_bytes() + b"half of a line\n")
    with pytest.raises(JournalError, match=r"journal-000000000002\.jsonl, line 2: .* no entry of a journal"):
        numbers_in(path)


def test_a_reader_whose_end_is_taken_back_sees_whole_entries(tmp_path: Path):
    """It looked at the size when lines stood there that a full disk then refused."""
    path = tmp_path / "journal.jsonl"
    copy = CopyFile(path)
    copy.append([row(seq) for seq in range(1, 2000)])
    with copy_of(path) as rows:
        assert next(rows).seq == 1
        os.truncate(path, path.stat().st_size // 2 + 7)
        seen = [1, *(one.seq for one in rows)]

    assert seen == list(range(1, len(seen) + 1))
    assert 900 < len(seen) < 1100
