"""The journal: append-only, hash-chained, durable before the answer leaves, signed now and then, copied elsewhere.

Every entry carries the hash of the one before it, so that an edit, a cut or a swap shows; signed checkpoints show a
tail that was cut off and a chain that was made anew.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import select

from gateway.journal.chain import GENESIS, chained, entry_text
from gateway.journal.copy import CopyFile
from gateway.journal.keeper import Duties
from gateway.journal.store import ENTRIES, Store, open_engine, sqlite_url
from gateway.journal.verify import examine, verify
from gateway.journal.writer import MemoryJournal, SqlJournal

__all__ = [
    "GENESIS",
    "CopyFile",
    "Duties",
    "MemoryJournal",
    "SqlJournal",
    "chained",
    "entry_text",
    "examine",
    "open_engine",
    "read",
    "sqlite_url",
    "verify",
]


def read(url: str, *, newest: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of a journal with their numbers, the oldest first; only the newest so many if asked.

    Raises: JournalError when the database cannot be read.
    """
    rows = select(ENTRIES.c.seq, ENTRIES.c.entry)
    store = Store(url)
    try:
        with store.reading() as connection:
            if newest is not None:
                found = connection.execute(rows.order_by(ENTRIES.c.seq.desc()).limit(newest)).all()[::-1]
            else:
                found = connection.execute(rows.order_by(ENTRIES.c.seq)).all()
    finally:
        store.close()
    for row in found:
        yield row.seq, orjson.loads(row.entry)
