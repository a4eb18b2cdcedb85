"""Living: which processes share a store of work, and which of them have not been heard of for too long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from gateway import database
from standards.errors import ConfigurationError

BEAT_S: Final = 2.0
SILENCE_S: Final = 8.0
"""A process that has been silent so long is taken for dead."""

_METADATA: Final = sa.MetaData()
_PROCESSES: Final = sa.Table(
    "work_process",
    _METADATA,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("seen_at", sa.Float, nullable=False),
)


class Beat(NamedTuple):
    """One process as it was last heard of."""

    name: str
    seen_at: float


class Living:
    """What one process knows of the others."""

    def __init__(self, engine: sa.Engine, name: str, beat_s: float = BEAT_S, silence_s: float = SILENCE_S) -> None:
        self._engine, self._name = engine, name
        self.beat_s, self._silence_s = beat_s, silence_s
        self._is_made = False

    def see(self) -> None:
        """Return when the store answers; raises SQLAlchemyError when it does not in time."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def beat(self) -> None:
        """Say that this process lives."""
        if not self._is_made:
            with suppress(OperationalError, ProgrammingError):  # several start at once, and one of them makes it
                _METADATA.create_all(self._engine)
            self._is_made = True
        with self._engine.begin() as connection:
            mine = _PROCESSES.c.name == self._name
            if not connection.execute(_PROCESSES.update().where(mine).values(seen_at=time.time())).rowcount:
                connection.execute(_PROCESSES.insert(), {"name": self._name, "seen_at": time.time()})

    def dead(self) -> Sequence[Beat]:
        """Return the processes that nobody has heard of for too long."""
        old = _PROCESSES.c.seen_at < time.time() - self._silence_s
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_PROCESSES).where(old, _PROCESSES.c.name != self._name))
            return [Beat(*row) for row in rows]

    def bury(self, beat: Beat) -> None:
        """Forget a process whose work was taken over, unless it was heard of since."""
        with self._engine.begin() as connection:
            connection.execute(
                _PROCESSES.delete().where(_PROCESSES.c.name == beat.name, _PROCESSES.c.seen_at == beat.seen_at)
            )

    def leave(self) -> None:
        """Say that this process ends, so that the others need not wait to take over."""
        with self._engine.begin() as connection:
            connection.execute(_PROCESSES.update().where(_PROCESSES.c.name == self._name).values(seen_at=0.0))


def open_engine(url: str) -> sa.Engine:
    """Return an engine for durable work.

    Raises: ConfigurationError when the URL names no database that can be used; the message does not hold it.
    """
    try:
        if sa.make_url(url).get_backend_name() != "sqlite":
            engine = database.open_engine(url)
            sa.event.listen(engine, "connect", _let_finish)
            return engine
        # One connection: SQLite has one writer, and those that wait for it in a queue wait less than those that retry.
        engine = sa.create_engine(
            url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
        )
        sa.event.listen(engine, "connect", _prepare)
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigurationError(f"stores.work_url: cannot be used ({database.why(error)})") from None
    return engine


def _let_finish(connection: object, _record: object) -> None:
    # What the server has given up, the library takes for a defect of the work, which it gives up as well; silence it
    # takes for an outage, and waits.
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("SET statement_timeout = 0")
    connection.commit()  # type: ignore[attr-defined]
    cursor.close()


def _prepare(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
