"""What every journal promises, wherever it keeps its entries; record caches have `test_record_cache.py`."""

from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest

from gateway.journal import MemoryJournal, SqlJournal, read, sqlite_url, verify
from gateway.ports import Journal
from tests.builders import entry
from tests.databases import postgresql

pytestmark = pytest.mark.contract


class Kind:
    """A journal, and how to read what it holds."""

    def __init__(self, journal: MemoryJournal | SqlJournal, url: str) -> None:
        self.journal, self._url = journal, url

    def events(self) -> list[str]:
        """The correlation of every entry, in their order."""
        if isinstance(self.journal, MemoryJournal):
            return [e.correlation for e in self.journal.entries]
        verify(self._url)
        return [e["correlation"] for _, e in read(self._url)]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def kind(request, tmp_path) -> AsyncIterator[Kind]:
    """Each journal in turn, open and empty."""
    if request.param == "memory":
        yield Kind(MemoryJournal(), "")
        return
    here = nullcontext(sqlite_url(tmp_path / "journal.db")) if request.param == "sqlite" else postgresql()
    with here as url:
        journal = SqlJournal(url)
        journal.open()
        yield Kind(journal, url)
        journal.close()


async def test_an_entry_is_there_when_recording_returns(kind):
    """The answer may leave then."""
    journal: Journal = kind.journal
    await journal.record([entry(correlation="a")])

    assert kind.events() == ["a"]


async def test_entries_stand_in_the_order_in_which_they_were_recorded(kind):
    """Those given together stay together."""
    await kind.journal.record([entry(correlation="a"), entry(correlation="b")])
    await kind.journal.record([entry(correlation="c")])

    assert kind.events() == ["a", "b", "c"]


async def test_the_same_entry_twice_is_two_entries(kind):
    """A question asked twice was asked twice."""
    await kind.journal.record([entry(), entry()])

    assert len(kind.events()) == 2


async def test_recording_nothing_is_no_entry(kind):
    """And no fault."""
    await kind.journal.record([])

    assert kind.events() == []
