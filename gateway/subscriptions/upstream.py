"""Upstream: our own subscriptions at registries, one for each registry, kind and person, shared by whoever needs it.

Each is settled by work that survives the process: begun when somebody may be told, ended when nobody may any more. What
it says is compared with what should be, so it may be done twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from gateway.ids import new_id
from gateway.keys import Keys
from gateway.ports import Clock
from gateway.subscriptions.store import keyed
from gateway.subscriptions.tables import SUBSCRIPTIONS, UPSTREAM, USES, Database
from gateway.work.seal import Seal
from standards.dci.events import EventKind
from standards.identifiers import Identifier

WANTED: Final = "wanted"
"""Somebody needs it; it is not asked for, or not yet."""
ASKED: Final = "asked"
"""The registry has acknowledged the wish."""
ACTIVE: Final = "active"
REFUSED: Final = "refused"
ENDING: Final = "ending"
"""The registry has acknowledged the wish to end it."""


class Upstream(NamedTuple):
    """One subscription of ours at a registry."""

    upstream_id: str
    source_id: str
    kind: EventKind
    state: str
    turn: int
    subject: Identifier
    transaction_id: str
    """Ours, by which its callbacks are known."""
    codes: tuple[str, ...]
    """The registry's."""
    changed_at: float


class UpstreamStore:
    """The subscriptions of this gateway at registries."""

    def __init__(self, database: Database, keys: Keys, now: Clock) -> None:
        self._database, self._now = database, now
        self._seal = Seal(keys.derived("subscriptions upstream"))
        self._key = keys.derived("subscription upstream")

    def transaction_digest(self, transaction_id: str) -> str:
        """Return what a transaction of ours is found by."""
        return keyed(self._key, "transaction", transaction_id)

    async def use(self, code: str, source_id: str, kind: EventKind, subject: Identifier) -> str:
        """Let a consumer's subscription rest on one of ours, which is made if there is none; return its id."""
        upstream_id = f"up-{keyed(self._key, source_id, kind, subject.type, subject.value)}"
        transaction_id = new_id()
        row = {
            "upstream_id": upstream_id,
            "source_id": source_id,
            "kind": kind.value,
            "state": WANTED,
            "turn": 0,
            "transaction": self.transaction_digest(transaction_id),
            "changed_at": self._now().timestamp(),
            "sealed": self._sealed(upstream_id, subject, transaction_id, ()),
        }

        def change(connection: sa.Connection) -> None:
            known = sa.select(UPSTREAM.c.upstream_id).where(UPSTREAM.c.upstream_id == upstream_id)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(UPSTREAM), [row])
            mine = sa.select(USES.c.code).where(USES.c.upstream_id == upstream_id, USES.c.code == code)
            if connection.execute(mine).first() is None:
                connection.execute(sa.insert(USES), [{"upstream_id": upstream_id, "code": code}])

        await self._database.run(change)
        return upstream_id

    async def release(self, code: str) -> Sequence[str]:
        """Take a consumer's subscription from all that it rests on; return the ids of these."""

        def change(connection: sa.Connection) -> Sequence[str]:
            used = sa.select(USES.c.upstream_id).where(USES.c.code == code).order_by(USES.c.upstream_id)
            found = list(connection.execute(used).scalars())
            connection.execute(sa.delete(USES).where(USES.c.code == code))
            return found

        return await self._database.run(change)

    async def users(self, upstream_id: str) -> Sequence[str]:
        """Return the codes of the open subscriptions that rest on it."""
        wanted = (
            sa.select(USES.c.code)
            .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.code == USES.c.code)
            .where(USES.c.upstream_id == upstream_id, SUBSCRIPTIONS.c.ended_at.is_(None))
            .order_by(USES.c.code)
        )
        return list(await self._database.run(lambda connection: connection.execute(wanted).scalars().all()))

    async def find(self, upstream_id: str) -> Upstream | None:
        """Return one; None when there is none."""
        return await self._first(UPSTREAM.c.upstream_id == upstream_id)

    async def by_transaction(self, source_id: str, transaction_id: str) -> Upstream | None:
        """Return the one that a registry's callback is about; None when there is none, or none any more."""
        digest = self.transaction_digest(transaction_id)
        return await self._first(sa.and_(UPSTREAM.c.transaction == digest, UPSTREAM.c.source_id == source_id))

    async def all(self) -> Sequence[Upstream]:
        """Return all of them."""
        rows = await self._database.run(lambda connection: connection.execute(sa.select(UPSTREAM)).all())
        return [self._read(row) for row in rows]

    async def turn(self, upstream_id: str) -> int | None:
        """Return the number of a new turn to settle it; earlier turns then have nothing to say. None: it is gone."""

        def change(connection: sa.Connection) -> int | None:
            row = connection.execute(sa.select(UPSTREAM.c.turn).where(UPSTREAM.c.upstream_id == upstream_id)).first()
            if row is None:
                return None
            changed = sa.update(UPSTREAM).where(UPSTREAM.c.upstream_id == upstream_id).values(turn=row.turn + 1)
            connection.execute(changed)
            return int(row.turn) + 1

        return await self._database.run(change)

    async def move(
        self, one: Upstream, state: str, *, transaction_id: str | None = None, codes: Sequence[str] | None = None
    ) -> None:
        """Bring one into another state."""
        transaction = one.transaction_id if transaction_id is None else transaction_id
        new: Mapping[str, Any] = {
            "state": state,
            "changed_at": self._now().timestamp(),
            "transaction": self.transaction_digest(transaction),
            "sealed": self._sealed(
                one.upstream_id, one.subject, transaction, one.codes if codes is None else tuple(codes)
            ),
        }
        changed = sa.update(UPSTREAM).where(UPSTREAM.c.upstream_id == one.upstream_id).values(**new)
        await self._database.run(lambda connection: connection.execute(changed))

    async def drop(self, upstream_id: str) -> bool:
        """Forget one that nobody rests on; tell whether nobody does."""

        def change(connection: sa.Connection) -> bool:
            used = (
                sa.select(USES.c.code)
                .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.code == USES.c.code)
                .where(USES.c.upstream_id == upstream_id, SUBSCRIPTIONS.c.ended_at.is_(None))
            )
            if connection.execute(used).first() is not None:
                return False
            connection.execute(sa.delete(USES).where(USES.c.upstream_id == upstream_id))
            connection.execute(sa.delete(UPSTREAM).where(UPSTREAM.c.upstream_id == upstream_id))
            return True

        return await self._database.run(change)

    async def _first(self, which: sa.ColumnElement[bool]) -> Upstream | None:
        wanted = sa.select(UPSTREAM).where(which)
        row = await self._database.run(lambda connection: connection.execute(wanted).first())
        return None if row is None else self._read(row)

    def _read(self, row: sa.Row[Any]) -> Upstream:
        content = self._seal.opened(bytes(row.sealed), row.upstream_id)
        return Upstream(
            row.upstream_id,
            row.source_id,
            EventKind(row.kind),
            row.state,
            row.turn,
            Identifier(*content["subject"]),
            content["transaction_id"],
            tuple(content["codes"]),
            row.changed_at,
        )

    def _sealed(self, upstream_id: str, subject: Identifier, transaction_id: str, codes: Sequence[str]) -> bytes:
        # A registry's code may be made of anything, the person's number too.
        content = {"subject": list(subject), "transaction_id": transaction_id, "codes": list(codes)}
        return self._seal.sealed(content, upstream_id)
