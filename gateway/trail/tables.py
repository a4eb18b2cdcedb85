"""The tables beside the journal: index, wishes to be told, notices, disputes. SQLite, or PostgreSQL with its URL.

Nobody stands in them in clear: people are keyed pseudonyms, numbers are sealed, values are not kept at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_engine, why
from standards.errors import ConfigurationError, JournalError

METADATA: Final = sa.MetaData()
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_HANDLE: Final = sa.String(64)

CURSOR: Final = sa.Table(
    "trail_cursor",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", _NUMBER, nullable=False),
)
"""Up to which entry the journal has been followed."""

PLACES: Final = sa.Table(
    "trail_place",
    METADATA,
    sa.Column("person", _HANDLE, primary_key=True),
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Person -> entries, newest found first; it can be made anew from the journal at any time."""

WATCHES: Final = sa.Table(
    "trail_watch",
    METADATA,
    sa.Column("person", _HANDLE, primary_key=True),
    sa.Column("client_id", sa.String(100), primary_key=True),
    sa.Column("watch_id", _HANDLE, nullable=False, index=True),
    sa.Column("since", _NUMBER, nullable=False),
)
"""Who wants to be told when somebody asks: one row for each number of a person."""

NOTICES: Final = sa.Table(
    "trail_notice",
    METADATA,
    sa.Column("notice_id", _HANDLE, primary_key=True),
    sa.Column("watch_id", _HANDLE, nullable=False, index=True),
    sa.Column("client_id", sa.String(100), nullable=False),
    sa.Column("seq", _NUMBER, nullable=False),
    sa.Column("correlation", sa.String(100), nullable=False),
    sa.Column("told_at", sa.String(40)),
)
"""What is still to be told, and what was."""

DISPUTES: Final = sa.Table(
    "dispute",
    METADATA,
    sa.Column("dispute_id", _HANDLE, primary_key=True),
    sa.Column("opened_at", sa.String(40), nullable=False),
    sa.Column("client_id", sa.String(100), nullable=False),
    sa.Column("registry", sa.String(40), nullable=False),
    sa.Column("attribute", sa.String(60), nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.Column("answer", sa.String(20)),
    sa.Column("journal_as", _HANDLE, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
)
"""What people dispute; `sealed` has the number the registry finds them by, until the dispute is closed."""

DISPUTERS: Final = sa.Table(
    "dispute_person",
    METADATA,
    sa.Column("person", _HANDLE, primary_key=True),
    sa.Column("dispute_id", _HANDLE, primary_key=True),
)


def open_tables(url: str) -> sa.Engine:
    """Return an engine over the tables, which are made if they are not there.

    Raises: ConfigurationError when the URL names no database that can be used.
    """
    try:
        engine = open_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        try:
            METADATA.create_all(engine)
        except SQLAlchemyError:  # another process may have made them at the same moment
            METADATA.create_all(engine)
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigurationError(f"stores.trail_url: the trail cannot be kept there ({why(error)})") from error
    return engine


def add_places(engine: sa.Engine, connection: sa.Connection, places: Sequence[tuple[str, int]]) -> None:
    """Add to the index; written without SQLAlchemy's statements, which take longer than everything else in a step."""
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    statement = f"INSERT INTO trail_place (person, seq) VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING"  # noqa: S608
    connection.exec_driver_sql(statement, list(places))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("hearth_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Tables:
    """A book over these tables; what the database says against it is told in the book's own words.

    what: names the book in an error, `the trail`.
    """

    def __init__(self, engine: sa.Engine, what: str) -> None:
        self._engine, self._what = engine, what

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect().execution_options(hearth_reads=True) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise JournalError(f"{self._what} cannot be read ({why(error)})") from error

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise JournalError(f"{self._what} cannot be written ({why(error)})") from error
