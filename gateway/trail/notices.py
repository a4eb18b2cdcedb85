"""Notice on access: whoever wished so is told when somebody asks. The port, and where notices lie by default.

Notices are made from the journal after the answer has left, so they hold up none: the entry is durable before the
answer is, and whoever makes notices of it can be interrupted anywhere and begin again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

import sqlalchemy as sa

from gateway.database import add_new
from gateway.trail.tables import NOTICES, WATCHES


class WishesChangedError(Exception):
    """A wish that a notice was made under is not there any more: notices of these entries are to be made anew."""


KEPT: Final = timedelta(days=30)
"""How long it is known that a notice was delivered."""


class AccessNotice(NamedTuple):
    """Somebody asked about a person who wanted to be told. It names nobody; the portal knows whose watch it is."""

    watch_id: str
    client_id: str
    """The portal that is to tell."""
    seq: int
    """The first entry of the journal about that person in the answer."""
    correlation: str
    """Our handle of the answer."""

    @property
    def notice_id(self) -> str:
        """Return its name: the same for the same person and answer."""
        return notice_id(self.watch_id, self.correlation)


def notice_id(watch_id: str, correlation: str) -> str:
    """Return the name of a notice."""
    return hashlib.sha256(f"{watch_id}\n{correlation}".encode()).hexdigest()[:40]


class AccessNotices(Protocol):
    """Takes notices to whoever tells people. The same notice may be handed over again, and is told once."""

    async def owe(self, notices: Sequence[AccessNotice]) -> None:
        """Return when every notice is durable. Raises: whatever keeps it from being so; it is tried again then."""
        ...


class SqlAccessNotices:
    """Notices in the trail's database, where the portal fetches them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def owe(self, notices: Sequence[AccessNotice]) -> None:
        """Return when every notice is on disk.

        Raises: WishesChangedError when somebody ended or joined wishes since; none is kept then.
        """
        if notices:
            await asyncio.to_thread(self._write, notices)

    def due(self, client_id: str, most: int) -> tuple[AccessNotice, ...]:
        """Return what a portal has still to tell, oldest first."""
        wanted = (
            sa.select(*(NOTICES.c[name] for name in AccessNotice._fields))
            .where(NOTICES.c.client_id == client_id, NOTICES.c.told_at.is_(None))
            .order_by(NOTICES.c.seq, NOTICES.c.notice_id)
            .limit(most)
        )
        with self._engine.connect().execution_options(hearth_reads=True) as connection:
            return tuple(AccessNotice(*row) for row in connection.execute(wanted))

    def delivered(self, notice_id: str, client_id: str, now: datetime) -> bool:
        """Note that a portal has told a notice, and tell whether it was still due; forget those of long ago."""
        told = (
            sa.update(NOTICES)
            .where(NOTICES.c.notice_id == notice_id, NOTICES.c.client_id == client_id, NOTICES.c.told_at.is_(None))
            .values(told_at=now.isoformat(timespec="seconds"))
        )
        old = sa.delete(NOTICES).where(NOTICES.c.told_at < (now - KEPT).isoformat(timespec="seconds"))
        with self._engine.begin() as connection:
            connection.execute(old)
            return connection.execute(told).rowcount > 0

    def _write(self, notices: Sequence[AccessNotice]) -> None:
        rows = [n._asdict() | {"notice_id": n.notice_id} for n in notices]
        wishes = {n.watch_id for n in notices}
        there = sa.select(WATCHES.c.watch_id).where(WATCHES.c.watch_id.in_(sorted(wishes)))
        with self._engine.begin() as connection:
            if wishes != set(connection.execute(there).scalars()):
                raise WishesChangedError
            connection.execute(add_new(self._engine, NOTICES), rows)


class MemoryAccessNotices:
    """Notices for as long as the process lives, for tests."""

    def __init__(self) -> None:
        self.owed: dict[str, AccessNotice] = {}

    async def owe(self, notices: Sequence[AccessNotice]) -> None:
        """Keep the notices."""
        for notice in notices:
            self.owed.setdefault(notice.notice_id, notice)
