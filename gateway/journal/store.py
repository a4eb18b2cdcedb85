"""The journal's tables in an SQL database, written by any number of processes as one chain."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from gateway import database
from gateway.journal.chain import GENESIS, Row, chained
from gateway.journal.turns import Turns
from standards.errors import JournalError

PATIENCE_S: Final = 60.0
"""How long a statement may take that looks at every entry, where somebody waits for it and no question does."""
LOCK_WAIT_S: Final = 2.0
"""How long a writer waits for the others before it says that it could not write."""
_ROWS_AT_ONCE: Final = 250
"""Rows of one statement: databases bound the number of its parameters."""
_TURN: Final = 0x48656172_74680001
"""What writers take turns by in PostgreSQL: the number of the advisory lock."""
_PAGE: Final = 500
_LOG_PAGES: Final = 20_000
"""Length of SQLite's write-ahead log at which a writer moves it into the file itself; the keeper does long before."""
_END: Final = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"

METADATA: Final = MetaData()
_Number: Final = BigInteger().with_variant(Integer, "sqlite")
ENTRIES: Final = Table(
    "journal",
    METADATA,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
CHECKPOINTS: Final = Table(
    "journal_checkpoint",
    METADATA,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("checkpoint", Text, nullable=False),
)


class Store:
    """The journal in a database: SQLite by default, with full synchronisation; or PostgreSQL.

    patience_s: see `open_engine`.
    """

    def __init__(self, url: str, *, patience_s: float | None = None) -> None:
        self._engine = open_engine(url, patience_s=patience_s)
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._mark = "?" if is_sqlite else "%s"
        # Between two pages of a whole journal a reader may take its time; a transaction would be ended meanwhile.
        self._reads = {"hearth_reads": True} | ({} if is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        self._begin = "BEGIN IMMEDIATE" if is_sqlite else f"SELECT pg_advisory_xact_lock({_TURN})"
        self._raw: PoolProxiedConnection | None = None
        file = self._engine.url.database if is_sqlite else None
        # SQLite itself lets a writer that waits sleep longer and longer while another one comes and goes.
        self._turns = Turns(Path(f"{file}-turn")) if file else None

    def create(self) -> None:
        """Make the tables where they are not there.

        Raises: JournalError when the database cannot be used.
        """
        try:
            try:
                METADATA.create_all(self._engine)
            except SQLAlchemyError:  # another process may have made them at the same moment
                METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise JournalError(f"the journal cannot be opened ({database.why(error)})") from error

    def append(self, texts: Sequence[str]) -> None:
        """Add entries at the end of the chain; they are durable when this returns. For one thread at a time.

        Raises: JournalError when they may not be.
        """
        try:
            with self._turns.mine() if self._turns else nullcontext():
                # Kept from one commit to the next, and used without SQLAlchemy's statements: either costs more than
                # hashing does.
                self._raw = self._raw or self._engine.raw_connection()
                self._append(self._raw, texts)
        except Exception as error:
            # After a failure nobody knows what state a connection is in, nor what has reached the disk.
            self.forget_connections()
            raise JournalError(f"the journal could not be written ({_cause(error)})") from error

    def _append(self, connection: PoolProxiedConnection, texts: Sequence[str]) -> None:
        cursor = connection.cursor()
        cursor.execute(self._begin)
        # INVARIANT: one chain. Its end is read when no other process can write, and that until the commit.
        cursor.execute(_END)
        seq, last = cursor.fetchone() or (0, GENESIS)
        values: list[object] = []
        for text in texts:
            seq += 1
            previous, last = last, chained(seq, last, text)
            values += (seq, text, previous, last)
        for start in range(0, len(values), 4 * _ROWS_AT_ONCE):
            some = values[start : start + 4 * _ROWS_AT_ONCE]
            # One statement for all: each one lets other threads run, and waits to get its turn again.
            cursor.execute(_insertion(len(some) // 4, self._mark), some)
        connection.commit()
        cursor.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reading.

        Raises: JournalError when the database cannot be read.
        """
        try:
            with self._engine.connect().execution_options(**self._reads) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise JournalError(f"the journal cannot be read ({database.why(error)})") from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are durable at the end."""
        with self._turns.mine() if self._turns else nullcontext(), self._engine.begin() as connection:
            yield connection

    def settle(self) -> None:
        """Move what was written from SQLite's write-ahead log into the file, beside the writers.

        Left to itself, SQLite lets the writer do it now and then, and every answer of that moment waits for it.
        """
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect().execution_options(hearth_settles=True) as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def forget_connections(self) -> None:
        """Close every connection; the next use makes a new one."""
        if self._raw is not None:
            with contextlib.suppress(Exception):  # it may be gone already
                self._raw.rollback()
            with contextlib.suppress(Exception):
                self._raw.invalidate()
            self._raw = None
        self._engine.dispose()

    def close(self) -> None:
        """Let go of the database."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None
        self._engine.dispose()
        if self._turns is not None:
            self._turns.close()


@lru_cache(maxsize=_ROWS_AT_ONCE)
def _insertion(count: int, mark: str) -> str:
    row = f"({', '.join([mark] * 4)})"
    return f"INSERT INTO journal (seq, entry, previous, hash) VALUES {', '.join([row] * count)}"  # noqa: S608 - marks


def _cause(error: Exception) -> str:
    """Return a failure in words without values: its class, and of an SQLite error its name, SQLITE_FULL for example."""
    return getattr(error, "sqlite_errorname", None) or database.why(error)


def end_of(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the newest entry."""
    row = connection.exec_driver_sql(_END).first()
    return (row[0], row[1]) if row is not None else (0, GENESIS)


def hash_at(connection: Connection, seq: int) -> str | None:
    """Return the hash of one entry; None where there is none."""
    return connection.execute(select(ENTRIES.c.hash).where(ENTRIES.c.seq == seq)).scalar()


def rows_after(connection: Connection, seq: int, most: int) -> list[Row]:
    """Return the entries that follow one, the oldest first, at most so many."""
    wanted = select(ENTRIES).where(ENTRIES.c.seq > seq).order_by(ENTRIES.c.seq).limit(most)
    return [Row(*row) for row in connection.execute(wanted)]


def all_rows(connection: Connection) -> Iterator[Row]:
    """Yield every entry in the order of the numbers, whatever these are."""
    wanted = select(ENTRIES).order_by(ENTRIES.c.seq).limit(_PAGE)
    page = [Row(*row) for row in connection.execute(wanted)]
    while page:
        yield from page
        page = rows_after(connection, page[-1].seq, _PAGE)


def open_engine(url: str, *, patience_s: float | None = None) -> Engine:
    """Return an engine for the journal; commits reach the disk, because an entry must survive a power cut.

    patience_s: how long a statement may take that looks at every entry, in PostgreSQL.
    Raises: JournalError when the URL names no database that can be used.
    """
    try:
        engine = database.open_engine(url, patience_s=patience_s)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the database's driver is not installed
        raise JournalError(f"stores.journal_url names no database in use here ({type(error).__name__})") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so
    cursor = connection.cursor()
    lock_wait = f"busy_timeout={int(1000 * LOCK_WAIT_S)}"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", lock_wait, f"wal_autocheckpoint={_LOG_PAGES}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("hearth_settles", False):
        return  # SQLite settles outside of transactions only
    reads = options.get("hearth_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = {int(1000 * LOCK_WAIT_S)}")
    # An entry must survive a crash of the server. Waiting for replicas or not is the server's own setting.
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
    cursor.close()


def sqlite_url(path: Path) -> str:
    """Return the SQLAlchemy URL of an SQLite file."""
    return f"sqlite:///{path.absolute()}"
