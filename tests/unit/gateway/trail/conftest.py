"""A trail beside a journal on disk, followed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import SqlJournal, sqlite_url
from gateway.journal.store import Store
from gateway.keys import Keys, open_keys
from gateway.ports import JournalEntry
from gateway.trail.book import Page, Range, TrailBook
from gateway.trail.notices import AccessNotices, SqlAccessNotices
from gateway.trail.tables import open_tables
from standards.identifiers import Identifier, identifier

ANNA, TAX, BEN = identifier("UIN", "1234567890"), identifier("TIN", "55-77"), identifier("UIN", "1111111111")


class Desk:
    """Journal, index and notices of one gateway."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder, open_keys(folder / "keys")
        self.url, self.trail_url = sqlite_url(folder / "journal.db"), sqlite_url(folder / "trail.db")
        self.store = Store(self.url)
        self.store.create()
        self.engine = open_tables(self.trail_url)
        self.book = TrailBook(self.engine, self.store)
        self.notices = SqlAccessNotices(self.engine)

    def names(self, *numbers: Identifier) -> frozenset[str]:
        return frozenset(map(self.keys.pseudonym_of, numbers))

    async def write(self, *entries: JournalEntry) -> None:
        journal = SqlJournal(self.url)
        journal.open()
        try:
            await journal.record(entries)
        finally:
            journal.close()

    async def follow(self, sink: AccessNotices | None = None) -> None:
        """Take in everything that is new."""
        while True:
            step = self.book.step()
            await (sink or self.notices).owe(step.notices)
            self.book.advance(step)
            if not step.is_full:
                return

    def find(self, *numbers: Identifier, **wanted: Any) -> Page:
        return self.book.find(self.names(*numbers), Range(**wanted))

    def close(self) -> None:
        self.store.close()
        self.engine.dispose()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A gateway of which nobody has asked anything yet."""
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def keys(desk: Desk) -> Keys:
    """Its keys."""
    return desk.keys
