"""A consumer that hangs up: its question ends, and the journal tells who asked about whom, however late it was."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from adapters.ports import Deadline
from gateway.api.dci import search
from gateway.api.dci.exchange import Received
from gateway.journal import MemoryJournal
from gateway.settings import Consumer, Settings
from gateway.stages.admit import Opened
from gateway.suspensions import Suspensions
from gateway.telemetry import Metrics
from standards.dci.codes import SearchReason
from standards.dci.envelope import Header
from standards.dci.operations import OPERATIONS
from standards.dci.search import RejectedItem
from standards.errors import JournalError
from tests.builders import World, item

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOON = Deadline.after(5.0)
ASKING = Consumer(client_id="cct-education", sender_id="cct-education.programmes.pv")


class Desk:
    """A message with one question and one that could not be read, on its way through a gateway."""

    def __init__(self, journal):
        self.world, self.journal = World(), journal
        refused = RejectedItem("r-2", SearchReason.SEARCH_CRITERIA_INVALID, "no query")
        message = SimpleNamespace(items=[item(), refused], transaction_id="t-1", header=None)
        self.metrics = Metrics()
        gateway: Any = SimpleNamespace(
            admission=SimpleNamespace(questions=lambda *_: message),
            settings=Settings(),
            rooms=self.world.rooms,
            journal=journal,
            metrics=self.metrics,
            suspensions=Suspensions(Path("nowhere")),
        )
        self.gateway = gateway
        self.received = Received(
            Opened(ASKING, Header("m-1", None, "search", ""), {}), OPERATIONS["sync/search"], "c-1", NOW, SOON, b"{}"
        )
        self.request = make_mocked_request("POST", "/registry/sync/search")

    async def hang_up_when(self, reached):
        """Send the message, and hang up as soon as something is reached."""
        task = asyncio.create_task(search.sync_search(self.gateway, self.received, self.request))
        for _ in range(100_000):
            if reached():
                break
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    @property
    def is_counted(self):
        return self.metrics.registry.get_sample_value(
            "hearth_questions_total", {"consumer": "cct-education", "outcome": "search.abandoned"}
        )


class HeldJournal(MemoryJournal):
    """A journal whose first write takes its time, as a slow disk does: the entries are on their way."""

    is_writing = False

    async def record(self, entries):
        await super().record(entries)
        if not self.is_writing:
            self.is_writing = True
            await asyncio.Event().wait()


async def test_a_hang_up_while_registries_are_asked_leaves_one_entry():
    """Without an answer; what could not be read as a question is not among them."""
    desk = Desk(MemoryJournal())
    for registry in desk.world.registries.values():
        registry.turns = 1_000_000
    before = asyncio.all_tasks()
    await desk.hang_up_when(lambda: any(r.asked for r in desk.world.registries.values()))
    for _ in range(20):
        await asyncio.sleep(0)

    (entry,) = desk.journal.entries
    assert (entry.event, entry.consumer) == ("search.abandoned", "cct-education")
    assert entry.subject
    assert (entry.answer_digest, entry.released) == ("", ())
    assert desk.is_counted == 1
    assert asyncio.all_tasks() == before
    assert desk.world.rooms.fetcher.calls.under_way == 0


async def test_a_hang_up_while_the_answer_is_recorded_leaves_an_entry_too():
    """The answer was about to leave, and did not."""
    desk = Desk(HeldJournal())
    await desk.hang_up_when(lambda: desk.journal.is_writing)

    assert [e.event for e in desk.journal.entries] == ["search.answered", "search.abandoned"]


async def test_a_second_hang_up_does_not_lose_the_entry():
    """A server that stops cancels once more."""

    class Slow(MemoryJournal):
        async def record(self, entries):
            await super().record(entries)
            await asyncio.Event().wait()

    desk = Desk(Slow())
    for registry in desk.world.registries.values():
        registry.turns = 1_000_000
    task = asyncio.create_task(search.sync_search(desk.gateway, desk.received, desk.request))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [e.event for e in desk.journal.entries] == ["search.abandoned"]


async def test_a_journal_that_fails_hides_no_hang_up():
    """Whoever hung up is told nothing; the journal tells the operator."""

    class Broken(MemoryJournal):
        async def record(self, entries):
            raise JournalError("full")

    desk = Desk(Broken())
    for registry in desk.world.registries.values():
        registry.turns = 1_000_000
    await desk.hang_up_when(lambda: any(r.asked for r in desk.world.registries.values()))

    assert desk.is_counted == 1
