"""Transactions: what became of each message that is answered later, as its consumer may ask at any time.

Kept for a configured time. Names that a consumer chose are keyed digests, everything else about a message is sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.delivery.database import NAMES, TRANSACTIONS, Also, Database
from gateway.keys import Keys
from gateway.ports import Clock
from gateway.work.seal import Seal
from standards.dci.codes import Status
from standards.dci.envelope import header_status, wire_time
from standards.errors import RequestError

BY_CORRELATION: Final = "correlation_id"
BY_TRANSACTION: Final = "transaction_id"
BY_REFERENCES: Final = "reference_id_list"
BY_CODES: Final = "subscription_code_list"
_GONE: Final = "not delivered: it may not be told any more"
MOST: Final = 100
"""Most transactions told of at once."""


class Asked(NamedTuple):
    """A message that is to be answered later."""

    transaction_id: str
    correlation_id: str
    message_id: str
    body: bytes
    references: Sequence[str]
    request: Mapping[str, Any] | None = None
    """What is needed to answer it; kept until it is settled."""


class Known(NamedTuple):
    """What became of one message."""

    kind: str
    """`search`, `subscribe` or `unsubscribe`."""
    transaction_id: str
    correlation_id: str
    status: str
    """`rcvd`, `pdng`, `succ` or `rjct`: of the whole."""
    items: tuple[Mapping[str, Any], ...]
    """One for each request, as on the wire and without records."""
    at: datetime


class Transactions:
    """The transactions of one gateway, of all its processes together."""

    def __init__(self, database: Database, keys: Keys, now: Clock) -> None:
        self._database, self._keys, self._now = database, keys, now
        self._seal = Seal(keys.derived("transactions"))

    async def begin(self, consumer_id: str, kind: str, asked: Asked) -> str:
        """Remember a message, and return its correlation id: an earlier one where this very message came before.

        Raises: RequestError when another message came under its id; ExchangeError when it cannot be remembered.
        """
        now, seal = self._now(), self._seal
        message, body = self._digest(consumer_id, "message", asked.message_id), self._body(asked.body)
        items = [_open_item(reference, now, Status.RECEIVED) for reference in asked.references]
        row = {
            "correlation_id": asked.correlation_id,
            "consumer": consumer_id,
            "kind": kind,
            "message": message,
            "body": body,
            "at": now.timestamp(),
            "status": Status.RECEIVED.value,
            "is_open": True,
            "sealed": seal.sealed({"transaction_id": asked.transaction_id, "items": items}, asked.correlation_id),
            "request": None if asked.request is None else seal.sealed(asked.request, asked.correlation_id + "/request"),
        }
        names = [(BY_TRANSACTION, asked.transaction_id), *((BY_REFERENCES, one) for one in asked.references)]
        digests = {self._digest(consumer_id, *name) for name in names}

        def insert(connection: sa.Connection) -> str:
            known = _before(connection, consumer_id, message)
            if known is None:
                try:
                    with connection.begin_nested():
                        connection.execute(TRANSACTIONS.insert(), row)
                except IntegrityError:  # the same message, to another process, at the same moment
                    known = _before(connection, consumer_id, message)
                else:
                    _name(connection, digests, asked.correlation_id)
                    return asked.correlation_id
            if known is None or known.body != body:
                raise RequestError("message_id was used before, for another message: give every message its own")
            return str(known.correlation_id)

        return await self._database.run(insert)

    async def request_of(self, correlation_id: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return consumer and request of a message that is still to be answered; None when it is not."""
        wanted = sa.select(TRANSACTIONS.c.consumer, TRANSACTIONS.c.request).where(
            TRANSACTIONS.c.correlation_id == correlation_id, TRANSACTIONS.c.is_open
        )
        row = await self._database.run(lambda connection: connection.execute(wanted).first())
        if row is None or row.request is None:
            return None
        return row.consumer, self._seal.opened(row.request, correlation_id + "/request")

    async def pending(self, correlation_id: str) -> bool:
        """Note that a message is being answered; return whether that was noted before."""

        def change(connection: sa.Connection) -> bool:
            row = _row(connection, correlation_id)
            if row is not None and row.status == Status.RECEIVED:
                said = self._seal.opened(row.sealed, correlation_id)
                items = [_open_item(item["reference_id"], self._now(), Status.PENDING) for item in said["items"]]
                self._write(connection, correlation_id, {**said, "items": items}, Status.PENDING, is_open=row.is_open)
                return False
            return row is not None

        return await self._database.run(change)

    async def settle(
        self,
        correlation_id: str,
        items: Sequence[Mapping[str, Any]],
        *,
        codes: Sequence[str] = (),
        also: Also | None = None,
        is_open: bool = False,
    ) -> bool:
        """Note what became of every request; return whether this is the first word about it.

        items: as on the wire, without records.
        codes: subscription codes that it may be asked for by.
        also: what else is changed, in the same moment or not at all; nothing when the message was settled before.
        is_open: something is still to be done about it, so that its request is kept.
        """

        def change(connection: sa.Connection) -> bool:
            row = _row(connection, correlation_id)
            if row is None or not row.is_open:
                return False
            said = self._seal.opened(row.sealed, correlation_id)
            status = header_status(str(item["status"]) for item in items)
            self._write(connection, correlation_id, {**said, "items": list(items)}, status, is_open=is_open)
            _name(connection, {self._digest(row.consumer, BY_CODES, code) for code in codes}, correlation_id)
            if also is not None:
                also(connection)
            return True

        return await self._database.run(change)

    async def refuse(self, correlation_id: str) -> None:
        """Note that the answer to a message is gone: what waited may not be told any more."""

        def change(connection: sa.Connection) -> None:
            row = _row(connection, correlation_id)
            if row is not None:
                said = self._seal.opened(row.sealed, correlation_id)
                items = [
                    {**_open_item(item["reference_id"], self._now(), Status.REJECTED), "status_reason_message": _GONE}
                    for item in said["items"]
                ]
                self._write(connection, correlation_id, {**said, "items": items}, Status.REJECTED, is_open=False)

        await self._database.run(change)

    async def find(self, consumer_id: str, attribute_type: str, values: Sequence[str]) -> Sequence[Known]:
        """Return a consumer's own transactions by one of their names, the newest first.

        attribute_type: transaction_id, correlation_id, reference_id_list or subscription_code_list. Asked by
            references, each has the items of these alone.
        """
        if attribute_type == BY_CORRELATION:
            wanted = sa.select(TRANSACTIONS).where(TRANSACTIONS.c.correlation_id.in_(list(values)))
        else:
            digests = [self._digest(consumer_id, attribute_type, value) for value in values]
            called = sa.select(NAMES.c.correlation_id).where(NAMES.c.digest.in_(digests))
            wanted = sa.select(TRANSACTIONS).where(TRANSACTIONS.c.correlation_id.in_(called))
        # INVARIANT: nobody learns of another consumer's transactions, whatever names are guessed.
        wanted = wanted.where(TRANSACTIONS.c.consumer == consumer_id).order_by(TRANSACTIONS.c.at.desc()).limit(MOST)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        only = frozenset(values) if attribute_type == BY_REFERENCES else None
        return [self._known(row, only) for row in rows]

    async def open_ones(self, kind: str) -> Sequence[str]:
        """Return the correlation ids of messages of a kind that are still to be answered, the oldest first."""
        wanted = sa.select(TRANSACTIONS.c.correlation_id).where(TRANSACTIONS.c.is_open, TRANSACTIONS.c.kind == kind)
        return await self._database.run(
            lambda connection: list(connection.execute(wanted.order_by(TRANSACTIONS.c.at)).scalars())
        )

    async def forget(self, before: datetime) -> int:
        """Forget what was settled and came before a moment; return how many messages that were."""
        old = sa.select(TRANSACTIONS.c.correlation_id).where(
            TRANSACTIONS.c.at < before.timestamp(), sa.not_(TRANSACTIONS.c.is_open)
        )

        def change(connection: sa.Connection) -> int:
            connection.execute(NAMES.delete().where(NAMES.c.correlation_id.in_(old)))
            return connection.execute(
                TRANSACTIONS.delete().where(TRANSACTIONS.c.at < before.timestamp(), sa.not_(TRANSACTIONS.c.is_open))
            ).rowcount

        return await self._database.run(change)

    def _write(
        self, connection: sa.Connection, correlation_id: str, said: Mapping[str, Any], status: Status, *, is_open: bool
    ) -> None:
        values: dict[str, object] = {
            "status": status.value,
            "is_open": is_open,
            "sealed": self._seal.sealed(said, correlation_id),
        }
        if not is_open:
            values["request"] = None
        connection.execute(
            TRANSACTIONS.update().where(TRANSACTIONS.c.correlation_id == correlation_id).values(**values)
        )

    def _known(self, row: Any, only: frozenset[str] | None) -> Known:
        said = self._seal.opened(row.sealed, row.correlation_id)
        items = tuple(item for item in said["items"] if only is None or item["reference_id"] in only)
        at = datetime.fromtimestamp(row.at, UTC)
        return Known(row.kind, said["transaction_id"], row.correlation_id, row.status, items, at)

    def _digest(self, consumer_id: str, type_: str, value: str) -> str:
        return self._keys.digest_of(f"{consumer_id}\x00{type_}\x00{value}")

    def _body(self, body: bytes) -> str:
        return self._keys.digest_of(hashlib.sha256(body).hexdigest())


def _open_item(reference_id: str, now: datetime, status: Status) -> dict[str, Any]:
    return {"reference_id": reference_id, "timestamp": wire_time(now), "status": status.value}


def _row(connection: sa.Connection, correlation_id: str) -> Any:
    return connection.execute(sa.select(TRANSACTIONS).where(TRANSACTIONS.c.correlation_id == correlation_id)).first()


def _before(connection: sa.Connection, consumer_id: str, message: str) -> Any:
    wanted = sa.select(TRANSACTIONS.c.correlation_id, TRANSACTIONS.c.body).where(
        TRANSACTIONS.c.consumer == consumer_id, TRANSACTIONS.c.message == message
    )
    return connection.execute(wanted).first()


def _name(connection: sa.Connection, digests: set[str], correlation_id: str) -> None:
    known = set(connection.execute(sa.select(NAMES.c.digest).where(NAMES.c.correlation_id == correlation_id)).scalars())
    if new := sorted(digests - known):
        connection.execute(NAMES.insert(), [{"digest": one, "correlation_id": correlation_id} for one in new])
