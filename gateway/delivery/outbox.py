"""Outbox: what is to be delivered, until it is; then only that it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from gateway.delivery.database import DELIVERIES, Also, Database
from gateway.ports import Clock
from gateway.work.seal import Seal

WAITING: Final = "waiting"
MADE: Final = "made"
DEAD: Final = "dead"
LOOK_AGAIN_S: Final = 5.0
_GRACE_S: Final = 60.0
"""What is due for so long should be under way; a consumer that has many waits for its own turn meanwhile."""
_AT_ONCE: Final = 500


class Parcel(NamedTuple):
    """One delivery that is being tried: nobody else tries it meanwhile."""

    id: str
    consumer: str
    kind: str
    correlation_id: str
    tries: int
    """So many came before."""
    give_up_at: float
    url: str
    content: Mapping[str, Any]


class Letter(NamedTuple):
    """One delivery as an operator may see it: nothing of its content, nobody's address."""

    id: str
    consumer: str
    kind: str
    correlation_id: str
    at: datetime
    state: str
    """`waiting`, `made` or `dead`."""
    tries: int
    next_at: datetime
    reason: str
    """Why the newest try failed; empty before the first, and after one that was accepted."""


class Outbox:
    """The deliveries of one gateway, of all its processes together.

    holder: names this process, the same after a restart.
    hold_s: longest time that one try takes.
    """

    def __init__(self, database: Database, seal: Seal, now: Clock, holder: str, hold_s: float) -> None:
        self._database, self._seal, self._now = database, seal, now
        self._holder, self._hold_s = holder, hold_s

    def written(
        self, id: str, consumer: str, kind: str, correlation_id: str, give_up_s: float, url: str, content: Any
    ) -> Also:
        """Return the change that puts a delivery in; it changes nothing where one with that id ever was."""
        now = self._now().timestamp()
        row = {
            "id": id,
            "consumer": consumer,
            "kind": kind,
            "correlation_id": correlation_id,
            "at": now,
            "state": WAITING,
            "tries": 0,
            "next_at": now,
            "give_up_at": now + give_up_s,
            "reason": "",
            "holder": "",
            "held_until": 0.0,
            "sealed": self._seal.sealed({"url": url, "content": content}, id),
        }

        def change(connection: sa.Connection) -> None:
            if connection.execute(sa.select(DELIVERIES.c.id).where(DELIVERIES.c.id == id)).first() is None:
                connection.execute(DELIVERIES.insert(), row)

        return change

    async def put(self, change: Also) -> None:
        """Make a change that `written` returned."""
        await self._database.run(change)

    async def take(self, id: str) -> Parcel | float | None:
        """Return a delivery to be tried now, held for this process; or how long to wait for it; None: it is over."""
        now = self._now().timestamp()

        def change(connection: sa.Connection) -> Parcel | float | None:
            row = connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.id == id)).first()
            if row is None or row.state != WAITING or row.sealed is None:
                return None
            if (wait := row.next_at - now) > 0:
                return float(wait)
            if (wait := row.held_until - now) > 0:  # whoever holds it may be dead: look again before its time is up
                return min(float(wait), LOOK_AGAIN_S)
            held = connection.execute(
                _one(id)
                .where(DELIVERIES.c.held_until == row.held_until)
                .values(holder=self._holder, held_until=now + self._hold_s)
            )
            if not held.rowcount:
                return LOOK_AGAIN_S
            said = self._seal.opened(row.sealed, id)
            return Parcel(
                id, row.consumer, row.kind, row.correlation_id, row.tries, row.give_up_at, said["url"], said["content"]
            )

        return await self._database.run(change)

    async def rewrite(self, id: str, url: str, content: Any) -> None:
        """Put other content in place of what waits."""
        sealed = self._seal.sealed({"url": url, "content": content}, id)
        await self._database.run(lambda connection: connection.execute(_one(id).values(sealed=sealed)))

    async def later(self, id: str, after_s: float, reason: str, *, is_try: bool = True) -> None:
        """Note that a try failed, and let go of it until the next."""
        next_at = self._now().timestamp() + after_s
        tries = DELIVERIES.c.tries + int(is_try)
        await self._database.run(
            lambda connection: connection.execute(
                _one(id).values(tries=tries, next_at=next_at, reason=reason, held_until=0.0)
            )
        )

    async def made(self, id: str) -> None:
        """Note that it was delivered; its content is gone."""
        # INVARIANT: what was delivered lies here no more, not even sealed.
        values = {"state": MADE, "reason": "", "sealed": None, "held_until": 0.0, "tries": DELIVERIES.c.tries + 1}
        await self._database.run(lambda connection: connection.execute(_one(id).values(**values)))

    async def dropped(self, id: str) -> bool:
        """Forget one that is not to be delivered any more; return whether it was still there."""
        change = DELIVERIES.delete().where(DELIVERIES.c.id == id)
        return await self._database.run(lambda connection: connection.execute(change).rowcount > 0)

    async def kept(self, consumers: Collection[str]) -> Sequence[Letter]:
        """Return what waits for these consumers, dead letters included."""
        if not consumers:
            return []
        wanted = sa.select(DELIVERIES).where(DELIVERIES.c.state != MADE, DELIVERIES.c.consumer.in_(sorted(consumers)))
        return await self._database.run(lambda connection: [_letter(row) for row in connection.execute(wanted).all()])

    async def unsaid(self, kind: str, name: str, ids: Collection[str] | None = None) -> int:
        """Forget one part of what waits, dead letters included, and keep the rest; return how many had it.

        ids: of these alone; default: of everything of that kind.
        """
        wanted = sa.select(DELIVERIES.c.id, DELIVERIES.c.sealed).where(
            DELIVERIES.c.state != MADE, DELIVERIES.c.kind == kind, DELIVERIES.c.sealed.is_not(None)
        )

        def change(connection: sa.Connection) -> int:
            rows = connection.execute(wanted if ids is None else wanted.where(DELIVERIES.c.id.in_(sorted(ids)))).all()
            count = 0
            for row in rows:
                said = self._seal.opened(row.sealed, row.id)
                if name in said["content"]:
                    content = {key: value for key, value in said["content"].items() if key != name}
                    sealed = self._seal.sealed({**said, "content": content}, row.id)
                    connection.execute(DELIVERIES.update().where(DELIVERIES.c.id == row.id).values(sealed=sealed))
                    count += 1
            return count

        return await self._database.run(change)

    async def dead(self, id: str, reason: str) -> None:
        """Note that nobody tries any more; the content waits, sealed, for an operator's word."""
        await self._database.run(
            lambda connection: connection.execute(_one(id).values(state=DEAD, reason=reason, held_until=0.0))
        )

    async def let_go(self, id: str) -> None:
        """Let go of one that was taken and not tried."""
        await self._database.run(lambda connection: connection.execute(_one(id).values(held_until=0.0)))

    async def release(self, holder: str | None = None) -> None:
        """Let go of what a process held when it died; default: an earlier run of this one."""
        change = DELIVERIES.update().where(DELIVERIES.c.holder == (holder or self._holder))
        await self._database.run(lambda connection: connection.execute(change.values(held_until=0.0, holder="")))

    async def waiting(self, correlation_id: str | None = None) -> Sequence[tuple[str, str]]:
        """Return id and consumer of what waits, the oldest first; of one transaction where one is named."""
        wanted = sa.select(DELIVERIES.c.id, DELIVERIES.c.consumer).where(DELIVERIES.c.state == WAITING)
        if correlation_id is not None:
            wanted = wanted.where(DELIVERIES.c.correlation_id == correlation_id)
        rows = await self._database.run(lambda connection: connection.execute(wanted.order_by(DELIVERIES.c.at)).all())
        return [(row.id, row.consumer) for row in rows]

    async def overdue(self) -> Sequence[tuple[str, str]]:
        """Return id and consumer of what is due for some time, and nobody holds."""
        before = self._now().timestamp() - _GRACE_S
        wanted = sa.select(DELIVERIES.c.id, DELIVERIES.c.consumer).where(
            DELIVERIES.c.state == WAITING, DELIVERIES.c.next_at < before, DELIVERIES.c.held_until < before
        )
        rows = await self._database.run(
            lambda connection: connection.execute(wanted.order_by(DELIVERIES.c.next_at).limit(_AT_ONCE)).all()
        )
        return [(row.id, row.consumer) for row in rows]

    def letters(self, state: str | None, *, consumer: str | None = None, id: str | None = None) -> Sequence[Letter]:
        """Return deliveries as an operator may see them, the oldest first. Blocks."""
        wanted = sa.select(DELIVERIES)
        for column, value in ((DELIVERIES.c.state, state), (DELIVERIES.c.consumer, consumer), (DELIVERIES.c.id, id)):
            if value is not None:
                wanted = wanted.where(column == value)
        rows = self._database.run_now(lambda connection: connection.execute(wanted.order_by(DELIVERIES.c.at)).all())
        return [_letter(row) for row in rows]

    def revive(self, ids: Sequence[str], give_up_s: float) -> int:
        """Let dead letters be tried again, at the next look; return how many there were. Blocks."""
        now = self._now().timestamp()
        change = (
            DELIVERIES.update()
            .where(DELIVERIES.c.id.in_(list(ids)), DELIVERIES.c.state == DEAD, DELIVERIES.c.sealed.is_not(None))
            .values(state=WAITING, next_at=0.0, give_up_at=now + give_up_s, tries=0)
        )
        return self._database.run_now(lambda connection: connection.execute(change).rowcount)

    async def forget(self, before: datetime) -> int:
        """Forget what is over and came before a moment, dead letters included; return how many."""
        change = DELIVERIES.delete().where(DELIVERIES.c.state != WAITING, DELIVERIES.c.at < before.timestamp())
        return await self._database.run(lambda connection: connection.execute(change).rowcount)


def _one(id: str) -> sa.Update:
    return DELIVERIES.update().where(DELIVERIES.c.id == id, DELIVERIES.c.state == WAITING)


def _letter(row: Any) -> Letter:
    at, next_at = _moment(row.at), _moment(row.next_at)
    return Letter(row.id, row.consumer, row.kind, row.correlation_id, at, row.state, row.tries, next_at, row.reason)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
