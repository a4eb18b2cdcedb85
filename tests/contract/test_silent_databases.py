"""A PostgreSQL that hangs: whoever waits for it gives up in time and says so, and goes on once it is heard again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from gateway.database import open_engine
from gateway.journal import SqlJournal, read, verify
from gateway.ports import WorkError
from gateway.pulses import Pulses
from gateway.registrations.states import State, Verb
from gateway.registrations.store import SqlRegistrations
from gateway.registrations.tables import Database, RegistrationsError
from gateway.settings import Stores
from gateway.trust.replay_database import DatabaseReplay
from gateway.work import open_work
from gateway.work.living import Living
from gateway.work.living import open_engine as open_work_engine
from gateway.work.seal import Seal
from policies.counters import CountError, QuestionCounter
from policies.ledger import LedgerError, SqliteLedger
from policies.ports import StandingKind
from policies.receipts import Consent, Decision
from standards.errors import ConfigurationError, InteropError, JournalError
from standards.identifiers import identifier
from tests.builders import NOW, entry
from tests.databases import postgresql
from tests.silence import Line
from tests.unit.gateway.registrations.steps import PATH, step
from tests.unit.policies.builders import VALUE, permit

T = TypeVar("T")
pytestmark = pytest.mark.contract

SOON_S = 8.0
"""Some limits of one second after the other; without a limit nothing here would ever end."""
ONE = {"UIN": "1000000001"}


@pytest.fixture
def line() -> Iterator[Line]:
    """The way to an empty database, which can be told to go silent."""
    with postgresql() as url, Line(url) as found:
        yield found


async def fails(wanted: Callable[[], Awaitable[Any]], kind: type[Exception], match: str | None = None) -> None:
    """See that this fails as it should, and soon."""
    async with asyncio.timeout(SOON_S):
        with pytest.raises(kind, match=match):
            await wanted()


async def comes(wanted: Callable[[], Awaitable[T]]) -> T:
    """Return what is given as soon as the database is heard again."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await wanted()
            except (InteropError, sa.exc.SQLAlchemyError):
                await asyncio.sleep(0.05)


async def beating(pulses: Pulses) -> Mapping[str, bool]:
    """Return what pulses tell, once all of them beat."""
    told = await pulses.beats()
    if not all(told.values()):
        raise JournalError("silent")
    return told


async def test_a_consent_is_not_assumed_and_is_read_again_afterwards(line: Line) -> None:
    """Whoever asks the ledger gets an error in time, never an empty answer."""
    ledger = SqliteLedger(open_engine(line.url), b"k" * 32)
    who = identifier("UIN", ONE["UIN"])
    await ledger.record(Consent(who, "eligibility", Decision.GRANTED, who, NOW.date()))
    asked = partial(ledger.standings, [ONE], "eligibility", "uct", NOW)
    before = await asked()
    line.go_silent()

    await fails(asked, LedgerError)
    await fails(asked, LedgerError)

    line.resume()
    assert await comes(asked) == before
    assert before[0].kind is StandingKind.GRANTED
    ledger.close()


async def test_an_answer_without_its_entry_is_refused_until_the_journal_is_heard(line: Line) -> None:
    """Whoever waits is told in time; the writer goes on by itself, the chain holds, and says that there was a gap."""
    journal = SqlJournal(line.url, max_wait_s=30.0)
    journal.open()
    await journal.record([entry(correlation="before")])
    line.go_silent()

    await fails(lambda: journal.record([entry(correlation="lost")]), JournalError, match="does not answer")
    assert not journal.is_writable
    shown = partial(asyncio.to_thread, lambda: list(read(line.url)))
    await fails(shown, JournalError, match="cannot be read \\(it does not answer\\)")

    line.resume()
    await comes(lambda: journal.record([entry(correlation="after")]))
    assert journal.is_writable
    journal.close()
    verify(line.url)
    told = [(one["event"], one.get("correlation")) for _, one in read(line.url)]
    assert told[0] == ("search.answered", "before")
    assert "journal.resumed" in {event for event, _ in told}
    assert told[-1] == ("search.answered", "after")


async def test_a_switch_says_that_it_could_not_be_made_and_can_be_made_afterwards(line: Line) -> None:
    """Many orders at once fail together, not one after the other; what is read in the same thread fails as well."""
    store = SqlRegistrations(Database(line.url))
    await store.change("land", lambda _: [*map(step, PATH)], None, {"manifest.yaml": "id: land\n"})
    suspended = partial(store.change, "land", lambda _: [step(Verb.SUSPEND)], None)
    line.go_silent()

    said = "stores.registrations_url: cannot be used \\(it does not answer\\)"
    await asyncio.gather(*(fails(suspended, RegistrationsError, match=said) for _ in range(20)))
    await fails(partial(asyncio.to_thread, store.revision), RegistrationsError, match=said)

    line.resume()
    await comes(suspended)
    assert [one.state for one in store.all()] == [State.SUSPENDED]
    store.close()


async def test_a_message_or_question_that_cannot_be_noted_is_refused_in_time(line: Line) -> None:
    """More of them than there are threads: the last one does not wait for all the others."""
    replay, counter = DatabaseReplay(line.url, 360.0), QuestionCounter(line.url, open_engine)
    noted = partial(replay.first, "uct", "m-1", b"body")
    counted = partial(counter.count, permit({"given_name": VALUE}, per_day=2), NOW)
    line.go_silent()

    await asyncio.gather(
        *(fails(noted, JournalError, match="it does not answer") for _ in range(40)),
        *(fails(counted, CountError) for _ in range(40)),
    )

    line.resume()
    assert await comes(noted) is None
    assert await comes(counted) is None
    replay.close()
    counter.close()


async def test_work_that_cannot_be_kept_is_not_waited_for(line: Line) -> None:
    """The sign of life of a process fails in time, and comes again."""
    engine = open_work_engine(line.url)
    living = Living(engine, "here")
    living.beat()
    line.go_silent()

    await fails(partial(asyncio.to_thread, living.beat), sa.exc.OperationalError)

    line.resume()
    await comes(partial(asyncio.to_thread, living.beat))
    engine.dispose()


async def test_a_database_that_is_silent_from_the_start_is_named(line: Line) -> None:
    """It takes connections and says nothing: whoever starts learns which setting it is."""
    line.go_silent()

    opened = partial(asyncio.to_thread, Database, line.url)
    await fails(opened, ConfigurationError, match="registrations_url: cannot be used \\(it does not answer\\)")


async def test_the_pulses_name_the_stores_that_are_silent(line: Line) -> None:
    """Those on the same server share one look, those in files have none; asked again, it is found out again."""
    pulses = Pulses(Stores(journal_url=line.url, replay=line.url, counters_url="sqlite:///counters.db"))
    assert await pulses.beats() == {"journal_url": True, "replay": True}
    line.go_silent()

    async with asyncio.timeout(SOON_S):
        assert await pulses.beats() == {"journal_url": False, "replay": False}
        assert await pulses.beats() == {"journal_url": False, "replay": False}

    line.resume()
    assert await comes(partial(beating, pulses)) == {"journal_url": True, "replay": True}
    pulses.close()


async def test_what_somebody_gone_has_locked_is_free_again(line: Line) -> None:
    """A process that hangs in the middle of a change keeps the others waiting for seconds, not for hours."""
    holder, other = open_engine(line.url), open_engine(line.url)
    with holder.connect() as holding:
        holding.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")

        def take() -> None:
            with other.begin() as connection:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")

        await comes(partial(asyncio.to_thread, take))
        with pytest.raises(sa.exc.DBAPIError):
            holding.exec_driver_sql("SELECT 1")
    holder.dispose()
    other.dispose()


async def test_work_is_refused_in_time_and_what_was_taken_is_done_afterwards(line: Line) -> None:
    """Nobody waits for as long as the library does; it goes on by itself, with what waited as well."""
    work, done = open_work(line.url, Seal(b"k" * 32), "here"), asyncio.Queue[str]()

    async def do(id: str, _content: object, _tries: int) -> None:
        done.put_nowait(id)

    work.handle("kind", do)
    await work.open()
    await work.start("kind", "taken", {}, after_s=0.5)
    line.go_silent()

    await asyncio.gather(*(fails(partial(work.start, "kind", f"w-{n}", {}), WorkError) for n in range(3)))
    await fails(partial(work.cancel, "w-0"), WorkError)

    line.resume()
    await comes(partial(work.start, "kind", "afterwards", {}))
    async with asyncio.timeout(30):
        open_ones = {"taken", "afterwards"}
        while open_ones:
            open_ones.discard(await done.get())
    await work.close()


async def test_work_ends_in_time_although_its_store_is_silent(line: Line) -> None:
    """Whoever stops a gateway does not wait for the database, nor does the rest that it has to close."""
    work = open_work(line.url, Seal(b"k" * 32), "here")
    await work.open()
    line.go_silent()

    async with asyncio.timeout(SOON_S):
        await work.close()

    line.resume()
    for thread in threading.enumerate():
        if thread.name == "work-end":
            await asyncio.to_thread(thread.join)
