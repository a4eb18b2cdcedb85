"""Notices: who has to be told that something was read about them under an emergency, without their consent.

A notice is durable before the answer leaves, and stays until somebody says that it was delivered.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson
import sqlalchemy as sa

from policies.tables import NOTICES, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


class Notice(NamedTuple):
    """One person, and what was read about them. The person is a keyed pseudonym of the ledger."""

    person: str
    emergency: str
    consumer_id: str
    purpose: str
    attributes: tuple[str, ...]
    at: str
    """When, ISO timestamp with offset."""
    correlation: str
    """Our handle of the answer, as the journal has it."""
    told_at: str | None = None

    @property
    def notice_id(self) -> str:
        """Return its name: the same for the same person and answer."""
        text = orjson.dumps([self.person, self.emergency, self.correlation])
        return hashlib.sha256(text).hexdigest()[:40]


class NoticeSink(Protocol):
    """Takes notices, and keeps them until they are delivered."""

    async def owe(self, notices: Sequence[Notice]) -> None:
        """Return when every notice is durable. Raises: whatever keeps it from being so; then nothing is answered."""
        ...


class SqlNotices:
    """Notices in the ledger's database; whoever delivers them takes them from there."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def owe(self, notices: Sequence[Notice]) -> None:
        """Return when every notice is on disk."""
        if notices:
            await asyncio.to_thread(self._write, notices)

    def due(self, people: Collection[str] | None = None) -> tuple[Notice, ...]:
        """Return the notices not delivered yet, oldest first; only those of some people if asked."""
        query = sa.select(NOTICES).where(NOTICES.c.told_at.is_(None)).order_by(NOTICES.c.sequence)
        if people is not None:
            query = query.where(NOTICES.c.person.in_(sorted(people)))
        with self._engine.connect() as connection:
            return tuple(
                Notice(
                    row.person,
                    row.emergency,
                    row.consumer_id,
                    row.purpose,
                    tuple(row.attributes),
                    row.at,
                    row.correlation,
                )
                for row in connection.execute(query)
            )

    def delivered(self, notice_ids: Collection[str], now: datetime) -> int:
        """Note that notices were delivered, and return how many of them were still due."""
        told = sa.update(NOTICES).where(NOTICES.c.notice_id.in_(sorted(notice_ids)), NOTICES.c.told_at.is_(None))
        with self._engine.begin() as connection:
            return connection.execute(told.values(told_at=now.isoformat(timespec="seconds"))).rowcount

    def _write(self, notices: Sequence[Notice]) -> None:
        rows = [{**n._asdict(), "attributes": list(n.attributes), "notice_id": n.notice_id} for n in notices]
        with self._engine.begin() as connection:
            connection.execute(insert_new(self._engine, NOTICES, "notice_id"), rows)


class MemoryNotices:
    """Notices for as long as the process lives, for tests."""

    def __init__(self) -> None:
        self.owed: list[Notice] = []

    async def owe(self, notices: Sequence[Notice]) -> None:
        """Keep the notices."""
        self.owed.extend(notices)
