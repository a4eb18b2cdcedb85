"""The journal: append-only, hash-chained, durable before the answer leaves.

Every entry carries the hash of the one before it, so that an edit, a cut or a swap shows. Entries of questions that
end at the same moment are committed together: one writer thread takes whatever waits, and nobody waits for company.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.ports import JournalEntry
from standards.errors import JournalError

log = structlog.get_logger()

GENESIS: Final = "0" * 64
"""What the first entry names as the hash before it."""

_metadata = MetaData()
_entries = Table(
    "journal",
    _metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)


def entry_text(entry: JournalEntry) -> str:
    """Return an entry's canonical text: compact JSON, keys sorted, time in ISO 8601 with offset."""
    return orjson.dumps(entry._asdict(), option=orjson.OPT_SORT_KEYS).decode()


def chained(seq: int, previous: str, text: str) -> str:
    """Return the hash of an entry: SHA-256 over its place, the hash before it and its text."""
    return hashlib.sha256(f"{seq}\n{previous}\n{text}".encode()).hexdigest()


class MemoryJournal:
    """A journal that forgets when the process ends, for tests."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Keep the entries."""
        self.entries.extend(entries)


class SqlJournal:
    """The journal in a database: SQLite by default, with full synchronisation.

    One process writes one journal; it continues the chain that it finds.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._waiting: queue.SimpleQueue[tuple[list[str], asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: threading.Thread | None = None
        self._failed: str | None = None
        self._seq, self._last = 0, GENESIS

    def open(self) -> None:
        """Create the table if need be, find the end of the chain, and start the writer.

        Raises: JournalError when the database cannot be used.
        """
        try:
            _metadata.create_all(self._engine)
            with self._engine.connect() as connection:
                self._seq, self._last = _end(connection)
        except SQLAlchemyError as error:
            raise JournalError(f"the journal cannot be opened ({type(error).__name__})") from error
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Return when the entries are on disk.

        Raises: JournalError when they could not be written.
        """
        if self._loop is None or self._writer is None or not self._writer.is_alive():
            raise JournalError("the journal is not open")
        if not entries:
            return
        written: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put(([entry_text(e) for e in entries], written))
        await written

    @property
    def is_writable(self) -> bool:
        """Tell whether the last write succeeded."""
        return self._writer is not None and self._writer.is_alive() and self._failed is None

    def close(self) -> None:
        """Write what waits, stop the writer and let go of the database."""
        if self._writer is not None:
            self._waiting.put(None)
            self._writer.join()
        self._engine.dispose()

    # -- the writer thread ---------------------------------------------------------------------------------

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, stop = [first], False
            while not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    stop = True
                    break
                batch.append(more)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[tuple[list[str], asyncio.Future[None]]]) -> None:
        rows: list[dict[str, Any]] = []
        failure: JournalError | None = None
        try:
            with self._engine.begin() as connection:
                # After a failure nobody knows whether the last commit reached the disk: the disk does.
                seq, last = _end(connection) if self._failed else (self._seq, self._last)
                for text in (text for texts, _ in batch for text in texts):
                    seq += 1
                    previous, last = last, chained(seq, last, text)
                    rows.append({"seq": seq, "entry": text, "previous": previous, "hash": last})
                connection.execute(insert(_entries), rows)
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer goes on and whoever waits is told
            # INVARIANT: what cannot be recorded is not answered. The chain goes on from the last entry on disk.
            failure = JournalError(f"the journal could not be written ({type(error).__name__})")
        else:
            self._seq, self._last = seq, last
        is_new = self._failed is None
        self._failed = None if failure is None else str(failure)
        # Whoever waits is told before a line is logged: what failed may be the disk that holds the log as well.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_release, [future for _, future in batch], failure)
        if failure is not None and is_new:
            with contextlib.suppress(OSError):
                log.error("journal_failed", reason=str(failure))


def _end(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the newest entry."""
    newest = select(_entries.c.seq, _entries.c.hash).order_by(_entries.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (row.seq, row.hash) if row is not None else (0, GENESIS)


def _release(futures: Sequence[asyncio.Future[None]], failure: JournalError | None) -> None:
    for future in futures:
        if not future.done():
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)


def open_engine(url: str) -> Engine:
    """Return an engine for the journal; SQLite syncs fully, because an entry must survive a power cut.

    Raises: JournalError when the URL names no database that can be used.
    """
    try:
        engine = create_engine(url)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the database's driver is not installed
        raise JournalError(f"stores.journal_url names no database in use here ({type(error).__name__})") from error
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    return engine


def read(url: str, *, newest: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of a journal with their numbers, the oldest first; only the newest so many if asked.

    Raises: JournalError when the database cannot be read.
    """
    rows = select(_entries.c.seq, _entries.c.entry)
    with _connected(url) as connection:
        if newest is not None:
            found = connection.execute(rows.order_by(_entries.c.seq.desc()).limit(newest)).all()[::-1]
        else:
            found = connection.execute(rows.order_by(_entries.c.seq)).all()
    for row in found:
        yield row.seq, orjson.loads(row.entry)


def verify(url: str) -> int:
    """Return how many entries the journal holds, when the chain is whole.

    Raises: JournalError that names the first entry which was edited, cut or moved, or when it cannot be read.
    """
    seq, last = 0, GENESIS
    with _connected(url) as connection:
        for row in connection.execute(select(_entries).order_by(_entries.c.seq)):
            seq += 1
            if row.seq != seq:
                raise JournalError(f"entry {seq} is missing: the next one there is {row.seq}")
            if row.previous != last or row.hash != chained(seq, last, row.entry):
                raise JournalError(f"entry {seq} was changed, or the entry before it was")
            last = row.hash
    return seq


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise JournalError(f"the journal cannot be read ({type(error).__name__})") from error
    finally:
        engine.dispose()


def sqlite_url(path: Path) -> str:
    """Return the SQLAlchemy URL of an SQLite file."""
    return f"sqlite:///{path.absolute()}"
