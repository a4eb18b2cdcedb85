"""The databases of stores: SQLite, or PostgreSQL by its URL, which is never waited for without bound.

One limit in seconds holds for connecting to PostgreSQL, for every silence of the server, and for the wait for a
connection of the pool: `connect_timeout` of the URL where that has one. The server is told to give up sooner, on a
statement and on a transaction that nobody goes on with: it says why, and holds no lock for somebody who is gone.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from standards.errors import ConfigurationError, InteropError

T = TypeVar("T")
LIMIT_S: Final = 4.0
"""How long a database may be silent; a question has five seconds by default."""
_SERVER_SHARE: Final = 0.75
_INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def open_engine(url: str, *, patience_s: float | None = None) -> sa.Engine:
    """Return an engine; one for PostgreSQL bears limits.

    patience_s: how long a statement may take instead, where it has to go over a whole table.
    Raises: SQLAlchemyError, ImportError when the URL names no database that can be used here.
    """
    if sa.make_url(url).get_backend_name() != "postgresql":
        return sa.create_engine(url)
    return _bounded(url, patience_s)


def why(error: Exception) -> str:
    """Return why a database could not be used, in words without values."""
    cause = getattr(error, "orig", None) or error
    names = {kind.__name__ for kind in type(cause).__mro__}  # by name: where all is SQLite, the driver is not loaded
    return "it does not answer" if "ConnectionTimeout" in names else type(error).__name__


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
            self._engine = open_engine(url)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare)
                sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            with suppress(OperationalError, ProgrammingError):  # several processes start at once, and one makes them
                tables.create_all(self._engine)
            tables.create_all(self._engine)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"{setting}: cannot be used ({why(error)})") from None
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
            raise self._failure(f"{self._setting}: cannot be used ({why(error)})") from None

    def close(self) -> None:
        """Let go of the database."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()


def add_new(on: sa.Engine | sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that adds rows, and passes over those that are there."""
    return _INSERTS[on.dialect.name](table).on_conflict_do_nothing()


def _bounded(url: str, patience_s: float | None) -> sa.Engine:
    from gateway.bounded import Outage, connected

    stated = sa.make_url(url)
    limit_s = _limit_s(stated)
    bounds = {
        "connect_timeout": math.ceil(limit_s),
        "tcp_user_timeout": int(1000 * limit_s),
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    engine = sa.create_engine(
        stated,
        pool_pre_ping=True,  # a connection that the server has closed meanwhile costs nobody an answer
        pool_timeout=limit_s,
        connect_args={name: bound for name, bound in bounds.items() if name not in stated.query},
    )
    if engine.dialect.driver != "psycopg":
        raise sa.exc.ArgumentError("give it as postgresql+psycopg://: another driver would wait without bound")
    outage, silence_s = Outage(limit_s), patience_s or limit_s

    def connect(_dialect: object, _record: object, _arguments: object, parameters: Mapping[str, Any]) -> object:
        return connected(silence_s, outage, **parameters)

    def prepare(connection: Any, _record: object) -> None:
        bound = str(int(1000 * _SERVER_SHARE * silence_s))
        cursor = connection.cursor()
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (bound, bound),
        )
        connection.commit()
        cursor.close()

    sa.event.listen(engine, "do_connect", connect)
    sa.event.listen(engine, "connect", prepare)
    return engine


def _limit_s(url: sa.URL) -> float:
    """Return the limit that a URL states; whatever is no number of seconds is told by whoever connects."""
    try:
        stated = float(str(url.query.get("connect_timeout", LIMIT_S)))
    except ValueError:
        return LIMIT_S
    return stated if stated > 0 else LIMIT_S


def _prepare(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined] # transactions begin where the engine says so
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
