"""Replay protection for several machines: the same port in PostgreSQL, which does not wait for its disk here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_engine, why
from gateway.trust.replay import Again, digest_of, name_of
from standards.errors import ConfigurationError, JournalError

_SWEEP_EVERY: Final = 2_000
SEEN: Final = sa.Table(
    "seen_message",
    sa.MetaData(),
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Column("answer", sa.LargeBinary),
)


class DatabaseReplay:
    """What came to any process on any machine.

    url: SQLAlchemy URL of a PostgreSQL database.
    """

    def __init__(self, url: str, window_s: float, now: Callable[[], float] = time.time) -> None:
        self._window_s, self._now, self._count = window_s, now, 0
        try:
            self._engine = open_engine(url)
            sa.event.listen(self._engine, "connect", _prepare)
            with self._engine.begin() as connection:
                # Several processes may start at once, and each would make the table.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('seen_message'))"))
                SEEN.metadata.create_all(connection)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"stores.replay: cannot be used ({why(error)})") from None

    async def first(self, sender: str, message_id: str, body: bytes) -> Again | None:
        """Note a message; see `ReplayGuard`."""
        try:
            return await asyncio.to_thread(self._first, name_of(sender, message_id), digest_of(body))
        except SQLAlchemyError as error:
            # INVARIANT: a message that cannot be noted is not worked on: it could come again.
            raise JournalError(f"message ids cannot be noted ({why(error)})") from None

    async def answered(self, sender: str, message_id: str, answer: bytes) -> None:
        """Keep an acknowledgement; see `ReplayGuard`."""
        with contextlib.suppress(SQLAlchemyError):  # whoever sends it again is acknowledged by its own operation
            await asyncio.to_thread(self._answered, name_of(sender, message_id), answer)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _first(self, name: bytes, digest: bytes) -> Again | None:
        now = self._now()
        made = insert(SEEN).values(name=name, digest=digest, until=now + self._window_s)
        # INVARIANT: one statement looks and notes, so that two processes never both take a message for the first.
        noting = made.on_conflict_do_update(
            index_elements=[SEEN.c.name],
            set_={"digest": digest, "until": now + self._window_s, "answer": None},
            where=SEEN.c.until <= now,
        ).returning(SEEN.c.name)
        with self._engine.begin() as connection:
            if connection.execute(noting).first() is not None:
                self._count += 1
                if self._count % _SWEEP_EVERY == 0:
                    connection.execute(SEEN.delete().where(SEEN.c.until <= now))
                return None
            found = connection.execute(sa.select(SEEN.c.digest, SEEN.c.answer).where(SEEN.c.name == name)).first()
        return Again(is_same=found is not None and found.digest == digest, answer=found.answer if found else None)

    def _answered(self, name: bytes, answer: bytes) -> None:
        with self._engine.begin() as connection:
            connection.execute(SEEN.update().where(SEEN.c.name == name).values(answer=answer))


def _prepare(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # DB-API connection, which SQLAlchemy leaves untyped
    cursor.execute("SET synchronous_commit TO off")
    cursor.close()
    connection.commit()  # type: ignore[attr-defined] # the same
