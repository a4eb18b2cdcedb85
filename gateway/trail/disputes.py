"""Disputes: a person says that a fact of a registry is wrong, and the registry has to answer.

No text is taken and no value: a dispute names registry, kind of fact and one of a few reasons, and the registry looks
at its own record. The one number that it finds the person by is sealed, and removed when the dispute is closed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import orjson
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.database import add_new
from gateway.keys import Keys, write_private
from gateway.trail.tables import DISPUTERS, DISPUTES, Tables
from standards.errors import ConfigurationError
from standards.identifiers import Identifier

_NONCE_BYTES: Final = 12


class DisputeReason(StrEnum):
    """What is said to be wrong with a fact."""

    WRONG = "wrong"
    OUTDATED = "outdated"
    NOT_MINE = "not_mine"
    MISSING = "missing"


class DisputeState(StrEnum):
    """How far a dispute has got."""

    RECEIVED = "received"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    CLOSED = "closed"


class DisputeAnswer(StrEnum):
    """What a registry says to a dispute."""

    CORRECTED = "corrected"
    CONFIRMED = "confirmed"
    NOT_FOUND = "not_found"


class Dispute(NamedTuple):
    """One dispute as it is kept, without the person."""

    dispute_id: str
    opened_at: str
    client_id: str
    """The portal through which it came."""
    registry: str
    attribute: str
    reason: str
    state: str
    changed_at: str
    answer: str | None
    journal_as: str
    """The person's pseudonym in the journal."""


class Letter(NamedTuple):
    """What a registry needs to know of a dispute."""

    dispute_id: str
    registry: str
    owner: str
    contact: str
    """Where the registry's manifest says that its operators are reached."""
    attribute: str
    reason: str
    opened_at: str
    number: Identifier
    """By which the registry finds the person."""


class DisputeRoute(Protocol):
    """The way to registries. The same letter may be handed over again, and counts once."""

    async def forward(self, letter: Letter) -> None:
        """Return when the letter is on its way for good. Raises: whatever keeps it; it is tried again then."""
        ...


class Seal:
    """Hides a number from whoever holds the files without the gateway's key."""

    def __init__(self, keys: Keys) -> None:
        self._cipher = AESGCM(keys.derived("dispute number"))
        self._key = keys.derived("dispute person")

    def of(self, number: Identifier, dispute_id: str) -> bytes:
        """Return a number, sealed for one dispute and no other."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = orjson.dumps([number.type, number.value])
        return nonce + self._cipher.encrypt(nonce, text, dispute_id.encode())

    def open(self, sealed: bytes, dispute_id: str) -> Identifier:
        """Return the number.

        Raises: ConfigurationError when it was sealed with another key, or for another dispute.
        """
        try:
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], dispute_id.encode())
            type_, value = orjson.loads(text)
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError("the disputes were written with another key: name its folder") from error
        return Identifier(type_, value)

    def name_of(self, number: Identifier) -> str:
        """Return the pseudonym under which a person's disputes are found; it fits nowhere else."""
        return hmac.digest(self._key, f"{number.type}\x00{number.value}".encode(), hashlib.sha256).hex()


class Outbox:
    """The default way: one file for each letter, without the number, which `hearth dispute show` tells an operator."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def forward(self, letter: Letter) -> None:
        """Return when the letter lies in the folder."""
        await asyncio.to_thread(self._write, letter)

    def letters(self) -> Sequence[str]:
        """Return the disputes whose letters lie there."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def _write(self, letter: Letter) -> None:
        path = self._folder / f"{letter.dispute_id}.json"
        if not path.exists():
            # INVARIANT: no number in clear in any file, and none sealed that outlives the dispute.
            told = {name: value for name, value in letter._asdict().items() if name != "number"}
            write_private(path, orjson.dumps(told, option=orjson.OPT_INDENT_2))


class MemoryRoute:
    """Letters for as long as the process lives, for tests."""

    def __init__(self) -> None:
        self.sent: dict[str, Letter] = {}

    async def forward(self, letter: Letter) -> None:
        """Keep the letter."""
        self.sent.setdefault(letter.dispute_id, letter)

    def letters(self) -> Sequence[str]:
        """Return the disputes whose letters were sent."""
        return sorted(self.sent)


class DisputeBook(Tables):
    """The disputes, in the trail's database."""

    def __init__(self, engine: sa.Engine, keys: Keys) -> None:
        super().__init__(engine, "the disputes")
        self.seal, self._keys = Seal(keys), keys

    def new(self, by: Identifier, client_id: str, about: tuple[str, str, str], now: datetime) -> Dispute:
        """Return a dispute that is not kept yet.

        by: the number that the registry finds the person by.
        about: registry, attribute, reason.
        """
        at = now.isoformat(timespec="seconds")
        registry, attribute, reason = about
        state = DisputeState.RECEIVED.value
        journal_as = self._keys.pseudonym_of(by)
        return Dispute(
            f"dp-{secrets.token_hex(16)}", at, client_id, registry, attribute, reason, state, at, None, journal_as
        )

    def keep(self, dispute: Dispute, numbers: Sequence[Identifier], by: Identifier) -> None:
        """Keep a dispute under every number of its person."""
        sealed = self.seal.of(by, dispute.dispute_id)
        with self._writing() as connection:
            connection.execute(sa.insert(DISPUTES), [dispute._asdict() | {"sealed": sealed}])
            people = [{"person": self.seal.name_of(n), "dispute_id": dispute.dispute_id} for n in numbers]
            connection.execute(add_new(self._engine, DISPUTERS), people)

    def of(self, numbers: Collection[Identifier]) -> tuple[Dispute, ...]:
        """Return a person's disputes, oldest first."""
        mine = DISPUTERS.c.person.in_([self.seal.name_of(n) for n in numbers])
        return self._some(DISPUTES.c.dispute_id.in_(sa.select(DISPUTERS.c.dispute_id).where(mine)))

    def all(self, state: str | None = None) -> tuple[Dispute, ...]:
        """Return everybody's disputes, oldest first; only those of one state if asked."""
        return self._some(sa.true() if state is None else DISPUTES.c.state == state)

    def find(self, dispute_id: str) -> Dispute | None:
        """Return one dispute; None when there is none of that name."""
        return next(iter(self._some(DISPUTES.c.dispute_id == dispute_id)), None)

    def number(self, dispute_id: str) -> Identifier | None:
        """Return the number the registry finds the person by; None when it was removed."""
        wanted = sa.select(DISPUTES.c.sealed).where(DISPUTES.c.dispute_id == dispute_id)
        with self._reading() as connection:
            sealed = connection.execute(wanted).scalar()
        return None if sealed is None else self.seal.open(bytes(sealed), dispute_id)

    def move(
        self,
        dispute_id: str,
        from_: Collection[DisputeState],
        to: DisputeState,
        now: datetime,
        *,
        answer: DisputeAnswer | None = None,
    ) -> bool:
        """Bring a dispute into another state; tell whether it was in one of those that lead there."""
        new: dict[str, Any] = {"state": to.value, "changed_at": now.isoformat(timespec="seconds")}
        if answer is not None:
            new["answer"] = answer.value
        if to is DisputeState.CLOSED:
            new["sealed"] = None
        moved = sa.update(DISPUTES).where(DISPUTES.c.dispute_id == dispute_id, DISPUTES.c.state.in_(sorted(from_)))
        with self._writing() as connection:
            return connection.execute(moved.values(**new)).rowcount > 0

    def _some(self, which: sa.ColumnElement[bool]) -> tuple[Dispute, ...]:
        columns = [DISPUTES.c[name] for name in Dispute._fields]
        wanted = sa.select(*columns).where(which).order_by(DISPUTES.c.opened_at, DISPUTES.c.dispute_id)
        with self._reading() as connection:
            return tuple(Dispute(*row) for row in connection.execute(wanted))


OPEN: Final = frozenset({DisputeState.RECEIVED, DisputeState.FORWARDED})
"""States in which a registry has not answered."""
