"""The writer: entries of questions that end together become durable together, and nobody waits without bound.

A thread takes whatever waits, commits it, and tells those who wait; meanwhile others gather.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.journal.chain import Note, entry_text
from gateway.journal.keeper import Duties, Keeper
from gateway.journal.store import Store
from gateway.ports import JournalEntry
from standards.errors import JournalError

log = structlog.get_logger()

RETRY_S: Final = 1.0
"""How often a journal that cannot be written is tried again when nobody asks anything."""
_MOST_AT_ONCE: Final = 500
_LAST_S: Final = 3.0
"""How long closing waits for what is still to be written."""
_OWED: Final = frozenset({"search.abandoned", "search.superseded", "search.withheld"})
"""Entries that are taken however many wait: registries were asked, and nobody is there to be refused."""


class MemoryJournal:
    """A journal that forgets when the process ends, for tests."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Keep the entries."""
        self.entries.extend(entries)


class _Waiting(NamedTuple):
    """What somebody wants written, and how to tell that it is."""

    texts: Sequence[str]
    written: asyncio.Future[None]


class SqlJournal:
    """The journal in a database: SQLite by default, with full synchronisation. Any number of processes write one.

    max_waiting: entries that may wait for the disk; whoever comes then is refused at once.
    max_wait_s: longest that anybody waits for the disk.
    """

    def __init__(
        self, url: str, duties: Duties | None = None, *, max_waiting: int = 10_000, max_wait_s: float = 3.0
    ) -> None:
        self._store = Store(url)
        self._keeper = Keeper(url, duties, _now) if duties is not None else None
        self._max_waiting, self._max_wait_s = max_waiting, max_wait_s
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: threading.Thread | None = None
        self._failed: str | None = None
        self._failed_since = ""
        self._refused = 0
        self._count = 0
        self._is_late = False

    def open(self) -> None:
        """Create the tables if need be, and start the writer.

        Raises: JournalError when the database cannot be used.
        """
        self._store.create()
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()
        if self._keeper is not None:
            self._keeper.start()

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Return when the entries are on disk.

        Raises: JournalError when they could not be written, or not in time.
        """
        if self._loop is None or self._writer is None or not self._writer.is_alive():
            raise JournalError("the journal is not open")
        if not entries:
            return
        if self._count + len(entries) > self._max_waiting and any(e.event not in _OWED for e in entries):
            raise JournalError(f"{self._count} entries wait for the disk already, and no more are taken")
        waiting = self._put(self._loop, entries)
        alarm = self._loop.call_later(self._max_wait_s, self._too_late, self._loop, waiting.written, entries)
        try:
            await waiting.written
        finally:
            alarm.cancel()

    def sign_with(self, key: Ed25519PrivateKey) -> None:
        """Sign every checkpoint from now on with another key."""
        if self._keeper is not None:
            self._keeper.key = key

    @property
    def is_writable(self) -> bool:
        """Tell whether what was to be written last was written in time."""
        return self._writer is not None and self._writer.is_alive() and self._failed is None and not self._is_late

    @property
    def trouble(self) -> str | None:
        """Return why checkpoints or the copy are behind; None while they are not."""
        return self._keeper.trouble if self._keeper is not None else None

    def close(self) -> None:
        """Write what waits, stop the writer and let go of the database."""
        if self._writer is not None and self._writer.is_alive():
            self._queue.put(None)
            self._writer.join(_LAST_S)
            if self._keeper is not None:
                self._keeper.stop()
        self._store.close()

    # -- on the event loop ---------------------------------------------------------------------------------

    def _put(self, loop: asyncio.AbstractEventLoop, entries: Sequence[JournalEntry]) -> _Waiting:
        waiting = _Waiting([entry_text(e) for e in entries], loop.create_future())
        self._count += len(entries)
        self._queue.put(waiting)
        return waiting

    def _too_late(
        self, loop: asyncio.AbstractEventLoop, written: asyncio.Future[None], entries: Sequence[JournalEntry]
    ) -> None:
        """Refuse an answer whose entry is not on disk in time. It stays, and a second one says what came of it."""
        if written.done():
            return
        self._is_late = True
        written.set_exception(JournalError(f"the journal took longer than {self._max_wait_s:g} s"))
        answers = [e for e in entries if e.event not in _OWED]
        if answers:
            owed = [e._replace(event="search.withheld", released=(), answer_digest="") for e in answers]
            self._put(loop, owed).written.add_done_callback(_seen)

    def _release(self, batch: Sequence[_Waiting], failure: JournalError | None) -> None:
        self._is_late = self._is_late and failure is not None
        for texts, written in batch:
            self._count -= len(texts)
            if not written.done():
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)

    # -- the writer thread ---------------------------------------------------------------------------------

    def _write(self) -> None:
        stop = False
        while not stop:
            batch, stop = self._next()
            if batch or self._failed is not None:
                self._commit(batch)

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Return whatever waits, and whether the writer is to stop; nothing when a failed journal is to be tried."""
        batch: list[_Waiting] = []
        try:
            one = self._queue.get(timeout=RETRY_S if self._failed is not None else None)
            while one is not None:
                batch.append(one)
                if len(batch) >= _MOST_AT_ONCE:
                    return batch, False
                one = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        texts = [text for waiting in batch for text in waiting.texts]
        if self._failed is not None:
            texts.insert(0, entry_text(self._resumed()))
        failure: JournalError | None = None
        try:
            self._store.append(texts)
        except JournalError as error:
            # INVARIANT: what cannot be recorded is not answered. The chain goes on from the last entry on disk.
            failure = error
        was, self._failed = self._failed, None if failure is None else str(failure)
        self._refused = 0 if failure is None else self._refused + sum(len(waiting.texts) for waiting in batch)
        # Whoever waits is told before a line is logged: what failed may be the disk that holds the log as well.
        if batch and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._release, batch, failure)
        with contextlib.suppress(OSError):
            if failure is not None and was is None:
                self._failed_since = _now().isoformat(timespec="seconds")
                log.error("journal_failed", reason=str(failure))
            elif failure is None and was is not None:
                log.info("journal_resumed")

    def _resumed(self) -> Note:
        """Return the entry that tells of the time without one: nothing was answered then."""
        detail = {"since": self._failed_since, "refused": str(self._refused)}
        return Note(_now(), "journal.resumed", "gateway", "", detail)


def _seen(written: asyncio.Future[None]) -> None:
    """Look at what became of an entry that nobody waits for, so that nobody is told that nobody looked."""
    if not written.cancelled():
        written.exception()


def _now() -> datetime:
    return datetime.now(UTC)
