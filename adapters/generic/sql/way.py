"""The way to a registry's database: few connections, read only, every statement bounded in rows, bytes and time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar
from urllib.parse import quote
from uuid import UUID

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.generic.sql.errors import meaning
from adapters.generic.sql.using import Use
from adapters.ports import Response
from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from adapters.ports import Deadline

T = TypeVar("T")

_LOG: Final = structlog.stdlib.get_logger(__name__)
SQLITE: Final = "sqlite"
_LEAST_LENGTH: Final = 100_000
"""Bytes that SQLite may hold in one value at least: its own statements and schema are among them."""
_BUFFERED_ROWS: Final = 100
"""Rows that are fetched at a time: together with the limit of bytes, what is in memory at once."""
_OTHER_BYTES: Final = 16
"""What a value counts for that is no text."""
_KEPT_S: Final = 600
"""A connection older than this is replaced, so that a database that has moved is found again."""


class Bounded(NamedTuple):
    """A select, and how many rows it may have."""

    statement: sa.Select[Any]
    most: int
    leaves_rest: bool = False
    """Whether rows beyond are left where they are; otherwise they are one too many, and refused."""


class SqlWay(Protocol):
    """The way to one database."""

    async def read(self, selects: Sequence[Bounded], deadline: Deadline) -> list[list[dict[str, Any]]]:
        """Return the rows of each select, in one transaction, with values as JSON has them.

        Raises: SourceError.
        """
        ...


class Database:
    """A registry's database.

    url: as SQLAlchemy reads it, of PostgreSQL or of a SQLite file.
    refuse_writers: a role that could write to one of `tables` is not used.
    """

    def __init__(
        self,
        source_id: str,
        url: sa.URL,
        *,
        places: int,
        most_bytes: int,
        timeout_s: float,
        tables: Sequence[sa.TableClause] = (),
        refuse_writers: bool = True,
    ) -> None:
        self._source_id, self._url = source_id, url
        self._places, self._most_bytes, self._timeout_s = places, most_bytes, timeout_s
        self._tables, self._refuse_writers = tuple(tables), refuse_writers
        self._is_sqlite = url.get_backend_name() == SQLITE
        url.get_dialect().import_dbapi()  # which takes its time: at start, not while the first question waits
        self._engine: AsyncEngine | None = None
        self._opened_for: tuple[int, ...] = ()
        self._of_parents: list[AsyncEngine] = []
        self._left: set[asyncio.Future[Any]] = set()
        """Uses of connections that nobody waits for any more, and that are being ended."""
        self._is_checked = False
        self._told: tuple[str, ...] = ()
        """Tables of which the log was told that our role may write to them."""

    async def read(self, selects: Sequence[Bounded], deadline: Deadline) -> list[list[dict[str, Any]]]:
        """Return the rows of each select, in one transaction, with values as JSON has them.

        Raises: SourceError.
        """
        try:
            async with asyncio.timeout(deadline.left_s()):
                try:
                    return await self._read(selects, deadline)
                except DBAPIError as error:
                    # A database that was started anew has closed the connections of before, and nobody was told.
                    if not error.connection_invalidated:
                        raise
                return await self._read(selects, deadline)
        except TimeoutError:
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_TIMEOUT) from None
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise meaning(self._source_id, error) from None

    async def writable(self, deadline: Deadline) -> tuple[str, ...]:
        """Return the tables that our role could write to, were its transactions not read only; best are none.

        Raises: SourceError.
        """
        try:
            async with asyncio.timeout(deadline.left_s()):
                return await self._use(self._writable)
        except TimeoutError:
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_TIMEOUT) from None
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise meaning(self._source_id, error) from None

    async def close(self) -> None:
        """Let go of all connections, once those are ended that nobody waits for any more."""
        await asyncio.gather(*self._left, return_exceptions=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def _read(self, selects: Sequence[Bounded], deadline: Deadline) -> list[list[dict[str, Any]]]:
        return await self._use(lambda connection: self._all(connection, selects, deadline))

    async def _use(self, talk: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Return what comes of a talk over one connection; whoever is cancelled leaves at once, whatever is said."""
        use = Use(await self._opened(), talk, is_sqlite=self._is_sqlite)
        try:
            return await asyncio.shield(use.work)
        except asyncio.CancelledError:
            self._left.add(use.work)
            use.work.add_done_callback(self._left.discard)
            use.stop()
            raise

    async def _all(
        self, connection: AsyncConnection, selects: Sequence[Bounded], deadline: Deadline
    ) -> list[list[dict[str, Any]]]:
        await self._check_role(connection)
        if not self._is_sqlite:
            # The server ends the statement itself, should we no longer be there to cancel it.
            left = sa.literal(str(max(1, int(deadline.left_s() * 1000))))
            await connection.execute(sa.select(sa.func.set_config("statement_timeout", left, sa.true())))
        room, found = self._most_bytes, []
        for select in selects:
            rows, room = await self._rows(connection, select, room)
            found.append(rows)
        return found

    async def _rows(self, connection: AsyncConnection, select: Bounded, room: int) -> tuple[list[dict[str, Any]], int]:
        """Return the rows of one select, and how many bytes are left."""
        rows: list[dict[str, Any]] = []
        # INVARIANT: one row more than there may be is asked for, so that too many never read as all there are.
        limited = select.statement.limit(select.most if select.leaves_rest else select.most + 1)
        result = await connection.stream(limited.execution_options(max_row_buffer=_BUFFERED_ROWS))
        try:
            async for one in result.mappings():
                row = {name: plain(value) for name, value in one.items()}
                room -= sum(len(v) if isinstance(v, str) else _OTHER_BYTES for v in row.values())
                if len(rows) == select.most:
                    raise SourceContractError(self._source_id, "more rows than the manifest allows")
                if room < 0:
                    raise SourceContractError(self._source_id, "larger than the manifest allows")
                rows.append(row)
        finally:
            await result.close()
        return rows, room

    async def _check_role(self, connection: AsyncConnection) -> None:
        if self._is_checked:
            return
        if writable := await self._writable(connection):
            if writable != self._told:
                _LOG.warning("role_may_write", source=self._source_id, detail=", ".join(writable))
                self._told = writable
            if self._refuse_writers:
                names = ", ".join(writable)
                raise SourceRefusedError(self._source_id, f"the role may write to {names}: grant it nothing but SELECT")
        self._is_checked = True

    async def _writable(self, connection: AsyncConnection) -> tuple[str, ...]:
        if self._is_sqlite:
            return ()  # the file is opened for reading only
        preparer = connection.dialect.identifier_preparer
        asked = {table.name: preparer.format_table(table) for table in self._tables}
        named = [sa.cast(sa.literal(name), sa.Text) for name in asked.values()]
        rights = [
            sa.or_(
                sa.func.has_table_privilege(name, "INSERT, UPDATE, DELETE, TRUNCATE"),
                sa.func.has_any_column_privilege(name, "INSERT, UPDATE"),
            )
            for name in named
        ]
        if not rights:
            return ()
        said = (await connection.execute(sa.select(*rights))).one()
        return tuple(name for name, may_write in zip(asked, said, strict=True) if may_write)

    async def _opened(self) -> AsyncEngine:
        """Return the engine of this process and of this very file: connections are never shared across either."""
        now = self._now()
        if self._engine is not None and now == self._opened_for:
            return self._engine
        before, self._engine = self._engine, None
        if before is not None and self._opened_for[0] == now[0]:
            await before.dispose()
        elif before is not None:
            self._of_parents.append(before)  # which closes its connections itself
        self._engine, self._opened_for, self._is_checked = self._new(), now, False
        return self._engine

    def _now(self) -> tuple[int, ...]:
        if not self._is_sqlite:
            return (os.getpid(),)
        stat = Path(self._url.database or "").stat()  # a file that was replaced is another database
        return (os.getpid(), stat.st_dev, stat.st_ino)

    def _new(self) -> AsyncEngine:
        url = self._url
        if self._is_sqlite:
            file = f"file:{quote(str(Path(url.database or '').absolute()))}"
            url = sa.URL.create("sqlite+aiosqlite", database=file, query={"mode": "ro", "uri": "true"})
            # INVARIANT: no value is in memory that is larger than an answer may be, whatever a view makes up.
            longest = max(self._most_bytes, _LEAST_LENGTH)
            options: dict[str, Any] = {"connect_args": {"timeout": self._timeout_s, "factory": _bounded(longest)}}
        else:
            settings = f"-c default_transaction_read_only=on -c statement_timeout={max(1, int(self._timeout_s * 1000))}"
            known = {
                "connect_timeout": max(1, round(self._timeout_s)),
                "application_name": "hearth",
                "options": settings,
            }
            options = {"connect_args": {name: value for name, value in known.items() if name not in url.query}}
            options["execution_options"] = {"postgresql_readonly": True}
        engine = create_async_engine(
            url,
            pool_size=self._places,
            max_overflow=0,
            pool_use_lifo=True,
            pool_recycle=_KEPT_S,
            hide_parameters=True,
            **options,
        )
        if self._is_sqlite:
            sa.event.listen(engine.sync_engine, "connect", _read_only)
        return engine


class ExampleTables:
    """The way that gives prepared rows: one answer per select, `{"rows": [{"column": value}]}`."""

    def __init__(self, source_id: str, answers: Sequence[Response]) -> None:
        self._source_id, self._answers = source_id, list(answers)

    async def read(self, selects: Sequence[Bounded], deadline: Deadline) -> list[list[dict[str, Any]]]:
        """Return the next answers, as far as the selects ask for their columns."""
        return [self._rows(select) for select in selects]

    def _rows(self, select: Bounded) -> list[dict[str, Any]]:
        if not self._answers:
            raise SourceContractError(self._source_id, "asked more often than the example has answers")
        answer = self._answers.pop(0)
        check_status(answer, self._source_id)
        try:
            rows = orjson.loads(answer.body)["rows"]
            asked = [[row[column.name] for column in select.statement.selected_columns] for row in rows]
        except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
            raise SourceContractError(self._source_id, "not the rows and columns that were asked for") from None
        if len(asked) > select.most:
            raise SourceContractError(self._source_id, "more rows than the manifest allows")
        return [
            {column.name: value for column, value in zip(select.statement.selected_columns, row, strict=True)}
            for row in asked
        ]


def plain(value: object) -> Any:
    """Return a value of a database as JSON would have it: what the readers of records know."""
    match value:
        case Decimal():
            is_whole = value.is_finite() and value == value.to_integral_value()
            return int(value) if is_whole else float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case memoryview() | bytes() | bytearray():
            return bytes(value).hex()
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case None | str() | bool() | int() | float():
            return value
    return str(value)  # an interval, an address, a range: as the database would show it, nearly


def _bounded(longest: int) -> Callable[..., sqlite3.Connection]:
    def connection(*arguments: Any, **more: Any) -> sqlite3.Connection:
        made = sqlite3.Connection(*arguments, **more)
        made.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
        return made

    return connection


def _read_only(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def address(written: str, user: str | None, password: str | None) -> sa.URL:
    """Return the URL of a database with its asynchronous driver.

    Raises: ValueError, saying what to write instead, when it is not the address of a database that can be asked.
    """
    try:
        url = sa.engine.make_url(written)
    except SQLAlchemyError:
        raise ValueError("not the URL of a database; write postgresql://host/database or sqlite:////file") from None
    drivers: Mapping[str, str] = {SQLITE: "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = {"postgres": "postgresql"}.get(url.get_backend_name(), url.get_backend_name())
    if backend not in drivers:
        raise ValueError("a database of this kind cannot be asked; the kinds are postgresql and sqlite")
    if backend == SQLITE and not (url.database and url.database != ":memory:"):
        raise ValueError("name the file of the database: sqlite:////file")
    url = url.set(drivername=drivers[backend])
    if user is not None:
        url = url.set(username=user, password=password)
    return url
