"""A database with a thread of its own, for stores that a question waits for: SQLite, or PostgreSQL by its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from standards.errors import ConfigurationError, InteropError

T = TypeVar("T")
_INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class ThreadedDatabase:
    """One thread and one transaction at a time: SQLite has one writer, and a process needs no more.

    setting: that names the URL, for errors; the URL itself may hold a password.
    failure: what is raised when the database cannot be used.
    """

    def __init__(self, url: str, tables: sa.MetaData, setting: str, failure: type[InteropError]) -> None:
        """Use a database by its SQLAlchemy URL; makes the tables if they are not there.

        Raises: ConfigurationError when it cannot be used.
        """
        self._setting, self._failure = setting, failure
        try:
            self._engine = sa.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare)
                sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            with suppress(OperationalError, ProgrammingError):  # several processes start at once, and one makes them
                tables.create_all(self._engine)
            tables.create_all(self._engine)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"{setting}: cannot be used ({type(error).__name__})") from None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=setting)

    async def run(self, change: Callable[[sa.Connection], T]) -> T:
        """Return what a function of a connection returns; what it changed is durable, whole or not at all.

        Raises: the failure of this database when it cannot be used.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.run_now, change)

    def run_now(self, change: Callable[[sa.Connection], T]) -> T:
        """Do the same, and block meanwhile.

        Raises: the failure of this database when it cannot be used.
        """
        try:
            with self._engine.begin() as connection:
                return change(connection)
        except SQLAlchemyError as error:
            raise self._failure(f"{self._setting}: cannot be used ({type(error).__name__})") from None

    def close(self) -> None:
        """Let go of the database."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()


def add_new(on: sa.Engine | sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that adds rows, and passes over those that are there."""
    return _INSERTS[on.dialect.name](table).on_conflict_do_nothing()


def _prepare(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined] # transactions begin where the engine says so
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
