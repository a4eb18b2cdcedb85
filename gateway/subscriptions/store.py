"""The store of consumers' subscriptions: added once, found by whoever an event is about, ended for good.

A number stands in it as a keyed digest, by which an event finds it, and once sealed, since the gateway has to ask about
the person when something is to be told. Both go with the subscription.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.keys import Keys
from gateway.ports import Clock
from gateway.subscriptions.tables import PEOPLE, PRINTS, SUBSCRIPTIONS, TOLD, USES, Database
from gateway.work.seal import Seal
from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.dci.events import EventKind
from standards.dci.frequency import Schedule, read_frequency
from standards.dci.subscribe import Wanted
from standards.identifiers import Identifier

MANY: Final = 500
"""Most digests of one query."""


class Subscription(NamedTuple):
    """One open subscription of one consumer."""

    code: str
    client_id: str
    wanted: Wanted
    purpose: str
    transaction_id: str
    """The consumer's; every notification bears it."""
    url: str
    """Where notifications go."""
    made_at: datetime

    @property
    def kind(self) -> EventKind:
        """Return what it is about."""
        return self.wanted.kind

    @property
    def schedule(self) -> Schedule | None:
        """Return when it wants to be told; None: as it happens."""
        return self.wanted.schedule


class Ended(NamedTuple):
    """What became of the wish to end one subscription."""

    code: str
    outcome: str
    """`ended`, `ended_before`, `unknown`, `not_yours`."""


class AlreadySubscribedError(Exception):
    """The consumer has a subscription to the same; carries its code."""

    def __init__(self, code: str) -> None:
        super().__init__("there is an open subscription to the same")
        self.code = code


class SubscriptionStore:
    """The subscriptions of one gateway, of all its processes together."""

    def __init__(self, database: Database, keys: Keys, now: Clock) -> None:
        self._database, self._now = database, now
        self._seal = Seal(keys.derived("subscriptions"))
        self._people, self._events = keys.derived("subscription person"), keys.derived("subscription event")

    def digest_of(self, number: Identifier) -> str:
        """Return the keyed digest under which a number is found; it fits nowhere else."""
        return keyed(self._people, number.type, number.value)

    async def add(self, subscription: Subscription) -> Subscription:
        """Keep a subscription; one of the same code is there already, and stays as it is.

        Raises: AlreadySubscribedError when its consumer has another one to the same.
        """
        wanted, code = subscription.wanted, subscription.code
        person = self.digest_of(wanted.subject)
        same = keyed(self._events, subscription.client_id, wanted.kind, person, subscription.purpose)
        row = {
            "code": code,
            "client_id": subscription.client_id,
            "kind": wanted.kind.value,
            "same": same,
            "made_at": subscription.made_at.timestamp(),
            "sealed": self._seal.sealed(_content(subscription), code),
        }

        def insert(connection: sa.Connection) -> None:
            if connection.execute(sa.select(SUBSCRIPTIONS.c.code).where(SUBSCRIPTIONS.c.code == code)).first():
                return
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(SUBSCRIPTIONS), [row])
            except IntegrityError:
                wanted_row = sa.select(SUBSCRIPTIONS.c.code).where(SUBSCRIPTIONS.c.same == same)
                raise AlreadySubscribedError(str(connection.execute(wanted_row).scalar())) from None
            connection.execute(sa.insert(PEOPLE), [{"person": person, "code": code}])

        await self._database.run(insert)
        return subscription

    async def find(self, code: str) -> Subscription | None:
        """Return an open subscription; None when there is none by that code, or none any more."""
        found = await self.find_all([code])
        return found[0] if found else None

    async def find_all(self, codes: Collection[str]) -> Sequence[Subscription]:
        """Return those of the codes that are open, oldest first."""
        wanted = (
            sa.select(SUBSCRIPTIONS)
            .where(SUBSCRIPTIONS.c.code.in_(sorted(codes)), SUBSCRIPTIONS.c.ended_at.is_(None))
            .order_by(SUBSCRIPTIONS.c.made_at, SUBSCRIPTIONS.c.code)
        )
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return [_subscription(row, self._seal.opened(bytes(row.sealed), row.code)) for row in rows]

    async def open_codes(self, client_id: str | None = None) -> Sequence[str]:
        """Return the codes of every open subscription, oldest first; only one consumer's if asked."""
        mine = sa.true() if client_id is None else SUBSCRIPTIONS.c.client_id == client_id
        wanted = sa.select(SUBSCRIPTIONS.c.code).where(mine, SUBSCRIPTIONS.c.ended_at.is_(None))
        ordered = wanted.order_by(SUBSCRIPTIONS.c.made_at, SUBSCRIPTIONS.c.code)
        return list(await self._database.run(lambda connection: connection.execute(ordered).scalars().all()))

    async def about(self, numbers: Collection[Identifier]) -> Sequence[Subscription]:
        """Return every open subscription about one of these numbers."""
        digests = sorted(map(self.digest_of, numbers))
        codes: set[str] = set()
        for start in range(0, len(digests), MANY):
            codes.update(await self._database.run(partial(_codes_of, digests[start : start + MANY])))
        return await self.find_all(codes) if codes else ()

    async def know(self, code: str, numbers: Collection[Identifier]) -> None:
        """Let a subscription be found by further numbers of those whom it is about, in place of what was known."""
        digests = sorted(set(map(self.digest_of, numbers)))

        def change(connection: sa.Connection) -> None:
            is_open = sa.select(SUBSCRIPTIONS.c.code).where(
                SUBSCRIPTIONS.c.code == code, SUBSCRIPTIONS.c.ended_at.is_(None)
            )
            connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.code == code))
            if digests and connection.execute(is_open).first():
                connection.execute(sa.insert(PEOPLE), [{"person": one, "code": code} for one in digests])

        await self._database.run(change)

    async def end(self, code: str, client_id: str | None = None, by: str = "") -> Ended:
        """End a subscription for good: nothing of whom it was about stays.

        client_id: who ends it; None: the gateway itself.
        by: what it is ended by: the same again, when that is done twice, has ended it too.
        """
        ended_at = self._now().timestamp()

        def change(connection: sa.Connection) -> Ended:
            columns = (SUBSCRIPTIONS.c.client_id, SUBSCRIPTIONS.c.ended_at, SUBSCRIPTIONS.c.ended_by)
            row = connection.execute(sa.select(*columns).where(SUBSCRIPTIONS.c.code == code)).first()
            if row is None:
                return Ended(code, "unknown")
            if client_id is not None and row.client_id != client_id:
                return Ended(code, "not_yours")
            if row.ended_at is not None:
                return Ended(code, "ended" if by and row.ended_by == by else "ended_before")
            # INVARIANT: no subscription, no number: what led to a person goes with what it was kept for.
            changed = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.code == code)
            connection.execute(changed.values(ended_at=ended_at, ended_by=by, same=None, sealed=None))
            for table in (PEOPLE, PRINTS, TOLD, USES):
                if table is not USES:  # uses are read once more, to end what rested on it
                    connection.execute(sa.delete(table).where(table.c.code == code))
            return Ended(code, "ended")

        return await self._database.run(change)

    def event_of(self, code: str, kind: EventKind, on: str) -> str:
        """Return the keyed digest of an event for one subscription: the same again, whoever tells of it."""
        return keyed(self._events, "told", code, kind, on)

    async def was_told(self, event: str) -> bool:
        """Tell whether an event was handed on already."""
        wanted = sa.select(TOLD.c.event).where(TOLD.c.event == event)
        return await self._database.run(lambda connection: connection.execute(wanted).first() is not None)

    async def tell(self, event: str, code: str) -> None:
        """Remember that an event was handed on."""
        at = self._now().timestamp()

        def change(connection: sa.Connection) -> None:
            if connection.execute(sa.select(TOLD.c.event).where(TOLD.c.event == event)).first() is None:
                connection.execute(sa.insert(TOLD), [{"event": event, "code": code, "at": at}])

        await self._database.run(change)

    async def prints(self, code: str) -> Mapping[str, str]:
        """Return the fingerprints of the last look; none before the first."""
        wanted = sa.select(PRINTS.c.slot, PRINTS.c.print).where(PRINTS.c.code == code)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return {row.slot: row.print for row in rows}

    async def keep_prints(self, code: str, prints: Mapping[str, str]) -> None:
        """Keep the fingerprints of a look in place of those before; not those of a subscription that has ended."""
        rows = [{"code": code, "slot": slot, "print": one} for slot, one in sorted(prints.items())]

        def change(connection: sa.Connection) -> None:
            wanted = sa.select(SUBSCRIPTIONS.c.ended_at).where(SUBSCRIPTIONS.c.code == code)
            row = connection.execute(wanted).first()
            connection.execute(sa.delete(PRINTS).where(PRINTS.c.code == code))
            if rows and row is not None and row.ended_at is None:
                connection.execute(sa.insert(PRINTS), rows)

        await self._database.run(change)


def _codes_of(digests: Sequence[str], connection: sa.Connection) -> Sequence[str]:
    wanted = sa.select(PEOPLE.c.code).where(PEOPLE.c.person.in_(digests))
    return connection.execute(wanted).scalars().all()


def keyed(key: bytes, *parts: str) -> str:
    """Return a keyed digest of some words."""
    return hmac.digest(key, "\x00".join(parts).encode(), hashlib.sha256).hex()[:48]


def _content(subscription: Subscription) -> dict[str, Any]:
    wanted = subscription.wanted
    return {
        "reference_id": wanted.reference_id,
        "timestamp": wanted.timestamp.isoformat(),
        "reg_type": wanted.reg_type.value,
        "subject": list(wanted.subject),
        "record_type": wanted.record_type.value,
        "response_entity": wanted.response_entity.value,
        "schedule": wanted.schedule.line if wanted.schedule else None,
        "starts": wanted.starts.isoformat() if wanted.starts else None,
        "ends": wanted.ends.isoformat() if wanted.ends else None,
        "locale": wanted.locale,
        "purpose": subscription.purpose,
        "transaction_id": subscription.transaction_id,
        "url": subscription.url,
    }


def _subscription(row: sa.Row[Any], content: Mapping[str, Any]) -> Subscription:
    wanted = Wanted(
        reference_id=content["reference_id"],
        timestamp=datetime.fromisoformat(content["timestamp"]),
        reg_type=RegType(content["reg_type"]),
        kind=EventKind(row.kind),
        subject=Identifier(*content["subject"]),
        record_type=RecordType(content["record_type"]),
        response_entity=ResponseEntity(content["response_entity"]),
        schedule=read_frequency(content["schedule"]) if content["schedule"] else None,
        starts=_moment(content["starts"]),
        ends=_moment(content["ends"]),
        purpose=content["purpose"],
        locale=content["locale"],
    )
    made_at = datetime.fromtimestamp(row.made_at, UTC)
    return Subscription(
        row.code, row.client_id, wanted, content["purpose"], content["transaction_id"], content["url"], made_at
    )


def _moment(stated: str | None) -> datetime | None:
    return None if stated is None else datetime.fromisoformat(stated)
