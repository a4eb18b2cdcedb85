"""The copy of the journal, read while it is written."""

from __future__ import annotations

import threading
from pathlib import Path

from gateway.journal.chain import GENESIS, Row
from gateway.journal.copy import CopyFile, copy_of

ENTRIES = 400


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
