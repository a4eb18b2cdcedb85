"""Where decisions of people are kept: in memory, or in an SQL database; under keyed pseudonyms in both.

Append-only: a withdrawal is one more signed record. Nothing is changed, and nothing is removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from policies.gone import REMEMBERED_S, Seal, forgets
from policies.lines import read_lines
from policies.notices import SqlNotices
from policies.quick_reader import QuickReader
from policies.receipts import Consent, Decision, Pseudonyms, Receipt
from policies.signed import Signer, derived_key, fields_of, is_of, read_signed
from policies.standing import objection_of, standing_of
from policies.tables import (
    APPEND_ONLY,
    COLUMNS,
    GONE,
    METADATA,
    RECEIPTS,
    insert_new,
    made_if_missing,
    receipt_of,
    row_of,
)
from standards.errors import ConfigurationError, InteropError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from policies.ports import Standing
    from standards.identifiers import Identifier

_Numbered = tuple[int, Receipt]
_NOTHING: Final[Mapping[str, Sequence[Receipt]]] = {}


class LedgerError(InteropError):
    """What people have decided cannot be read; nothing is answered."""


class _Ledger(ABC):
    """What every ledger does alike.

    key: secret that people's pseudonyms are made with, 32 bytes or more.
    signing: key that receipts are signed with; without one, a key made from the secret.
    """

    def __init__(self, key: bytes, signing: Ed25519PrivateKey | None = None) -> None:
        self.pseudonyms = Pseudonyms(key)
        self.signer = Signer(signing or derived_key(key))
        self.former: Mapping[str, Ed25519PublicKey] = {}
        """Key id -> key, of those that receipts were signed with before."""

    def sign_with(self, signing: Ed25519PrivateKey, former: Mapping[str, Ed25519PublicKey]) -> None:
        """Sign every receipt from now on with another key; what former keys have signed holds."""
        self.signer, self.former = Signer(signing), former

    def names(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the pseudonyms under which a person's decisions may stand."""
        return self.pseudonyms.of_person(numbers)

    async def standings(
        self, subjects: Sequence[Mapping[str, str]], purpose: str, consumer_id: str, at: datetime
    ) -> tuple[Standing, ...]:
        """Return where each person stands, in the order asked."""
        return await self.standings_under([self.names(s) for s in subjects], purpose, consumer_id, at)

    async def standings_under(
        self,
        people: Sequence[tuple[str, ...]],
        purpose: str,
        consumer_id: str,
        at: datetime,
        *,
        carried: Mapping[str, Sequence[Receipt]] = _NOTHING,
        objections: bool = False,
    ) -> tuple[Standing, ...]:
        """Return the same for people given by their pseudonyms."""
        found = await self._found(dict.fromkeys(chain.from_iterable(people)), purpose)
        return _stand(found, people, consumer_id, at, carried, objections=objections)

    @abstractmethod
    async def _found(self, names: Iterable[str], purpose: str) -> Mapping[str, Sequence[_Numbered]]:
        """Return what is kept under each pseudonym for a purpose, with its place in the order of recording."""

    def carried(self, consent: Consent, name: str) -> Receipt:
        """Return the receipt of a decision that came with a question, and is not kept."""
        receipt = self.pseudonyms.receipt(consent, name)
        return receipt._replace(receipt_id=f"ct-{self.pseudonyms.of_text('token', name)}")

    def _signed(self, consent: Consent, salt: str) -> tuple[Receipt, str]:
        receipt = self.pseudonyms.receipt(consent, salt)
        return receipt, self.signer.sign(fields_of(receipt, consent, self.pseudonyms))

    def _imported(self, lines: Iterable[str | bytes]) -> list[tuple[Consent, Receipt, str]]:
        """Return receipts whose ids are the same whenever the same file is read.

        A decision that a file states twice (granted, refused and granted again on one day) is two receipts.
        """
        seen: Counter[Consent] = Counter()
        found = []
        for consent in read_lines(lines):
            seen[consent] += 1
            found.append((consent, *self._signed(consent, f"import-{seen[consent]}")))
        return found


def _stand(
    found: Mapping[str, Sequence[_Numbered]],
    people: Sequence[tuple[str, ...]],
    consumer_id: str,
    at: datetime,
    carried: Mapping[str, Sequence[Receipt]],
    *,
    objections: bool,
) -> tuple[Standing, ...]:
    day, tell = at.date(), objection_of if objections else standing_of
    if not carried:
        return tuple(tell(_of(found, names), consumer_id, day) for names in people)
    return tuple(
        tell([*chain.from_iterable(carried.get(name, ()) for name in names), *_of(found, names)], consumer_id, day)
        for names in people
    )


def _of(rows: Mapping[str, Sequence[_Numbered]], names: Iterable[str]) -> list[Receipt]:
    found = chain.from_iterable(rows.get(name, ()) for name in set(names))
    return [receipt for _, receipt in sorted(found, key=lambda entry: entry[0])]


class MemoryLedger(_Ledger):
    """Decisions for as long as the process lives."""

    def __init__(self, key: bytes, signing: Ed25519PrivateKey | None = None) -> None:
        super().__init__(key, signing)
        self._receipts: dict[str, tuple[int, Receipt]] = {}
        self._texts: dict[str, str] = {}
        self._of_person: dict[str, list[str]] = {}
        self._gone: list[Identifier] = []

    async def _found(self, names: Iterable[str], purpose: str) -> Mapping[str, Sequence[_Numbered]]:
        kept = {name: [self._receipts[id_] for id_ in self._of_person.get(name, ())] for name in names}
        return {name: [e for e in entries if e[1].purpose == purpose] for name, entries in kept.items()}

    def has_objections(self, purpose: str) -> bool:
        """Tell whether anybody has ever objected to a purpose."""
        return any(r.decision is Decision.OBJECTED and r.purpose == purpose for _, r in self._receipts.values())

    def stamp(self) -> object:
        """Return how many decisions there are."""
        return len(self._receipts)

    async def record(self, consent: Consent, salt: str | None = None) -> str:
        """Keep one decision and return its receipt id."""
        receipt, signed = self._signed(consent, salt or uuid4().hex)
        self._keep(consent, receipt, signed)
        return receipt.receipt_id

    async def import_lines(self, lines: Iterable[str | bytes]) -> int:
        """Keep every decision of a file of JSON lines and return how many were new."""
        return sum(self._keep(*entry) for entry in self._imported(lines))

    async def receipts(self, subject: Mapping[str, str]) -> tuple[Receipt, ...]:
        """Return everything one person has decided, oldest first."""
        return tuple(self._all(subject))

    async def signed(self, subject: Mapping[str, str]) -> tuple[str, ...]:
        """Return the signed receipts of everything one person has decided, oldest first."""
        return tuple(self._texts[receipt.receipt_id] for receipt in self._all(subject))

    async def find(self, receipt_id: str) -> tuple[Receipt, str] | None:
        """Return one receipt and its signed text, None when there is none of that name."""
        entry = self._receipts.get(receipt_id)
        return None if entry is None else (entry[1], self._texts[receipt_id])

    async def gone(self, after: int) -> tuple[int, tuple[Identifier, ...]]:
        """Return whose records must be forgotten because of what was recorded since."""
        return len(self._gone), tuple(self._gone[after:])

    async def leave_word(self, people: Sequence[Identifier]) -> None:
        """Have whoever reads this ledger forget what was read of people to whom something has happened."""
        self._gone.extend(people)

    def _all(self, subject: Mapping[str, str]) -> list[Receipt]:
        ids = chain.from_iterable(self._of_person.get(p, ()) for p in set(self.names(subject)))
        return [receipt for _, receipt in sorted((self._receipts[id_] for id_ in ids), key=lambda entry: entry[0])]

    def _keep(self, consent: Consent, receipt: Receipt, signed: str) -> bool:
        if receipt.receipt_id in self._receipts:
            return False
        self._receipts[receipt.receipt_id] = (len(self._receipts), receipt)
        self._texts[receipt.receipt_id] = signed
        self._of_person.setdefault(receipt.person, []).append(receipt.receipt_id)
        if forgets(consent):
            self._gone.append(consent.subject)
        return True


_PEOPLE_IN_ONE_QUERY: Final = 1000
"""Databases bound the number of parameters of one statement."""


class SqliteLedger(_Ledger):
    """Decisions in an SQL database: SQLite by default, PostgreSQL with an engine for it."""

    def __init__(self, engine: sa.Engine, key: bytes, signing: Ed25519PrivateKey | None = None) -> None:
        """Use a database; makes the tables if they are not there."""
        super().__init__(key, signing)
        self._engine = engine
        self._seal = Seal(key)
        self._quick: QuickReader | None = None
        self._columns = [RECEIPTS.c[name] for name in COLUMNS.replace(",", "").split()]
        with engine.begin() as connection:
            for making in made_if_missing(METADATA):  # several processes may start at once
                connection.execute(making)
            if engine.dialect.name == "sqlite":
                for trigger in APPEND_ONLY:
                    connection.execute(sa.text(trigger))
        self.notices = SqlNotices(engine)

    @classmethod
    def open(cls, path: Path | None, key: bytes, signing: Ed25519PrivateKey | None = None) -> SqliteLedger:
        """Use a SQLite file, made if it is not there; without a path, a database that lives in memory.

        Raises: ConfigurationError when the file cannot be used.
        """
        if path is None:
            in_memory = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
            return cls(in_memory, key, signing)
        with contextlib.suppress(OSError):  # whatever is wrong with the path, opening it says so
            path.touch(mode=0o600)  # whoever makes the file first, nobody else on the machine reads it
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})
        sa.event.listen(engine, "connect", _prepare)
        try:
            ledger = cls(engine, key, signing)
            with engine.connect() as connection:
                connection.execute(
                    sa.select(RECEIPTS).limit(0)
                )  # names every column: another version's file has others
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"{path}: cannot be used as the consent ledger ({type(error).__name__})"
            ) from error
        ledger._quick = QuickReader(path)
        return ledger

    def close(self) -> None:
        """Close every connection."""
        if self._quick is not None:
            self._quick.close()
        self._engine.dispose()

    async def _found(self, names: Iterable[str], purpose: str) -> Mapping[str, Sequence[_Numbered]]:
        if self._quick is not None:
            return self._quick.read(names, purpose)
        try:
            return await asyncio.to_thread(self._read, set(names), purpose)
        except SQLAlchemyError as error:
            # INVARIANT: a consent that cannot be read is not assumed, and neither is that there is none.
            raise LedgerError(f"the consent ledger cannot be read ({type(error).__name__})") from None

    def has_objections(self, purpose: str) -> bool:
        """Tell whether anybody has ever objected to a purpose; True where a database has to be asked for it."""
        return self._quick is None or self._quick.has_objections(purpose)

    def stamp(self) -> object:
        """Return what is another thing once anything was recorded; None where a database has to be asked for it."""
        return None if self._quick is None else self._quick.version()

    async def record(self, consent: Consent, salt: str | None = None) -> str:
        """Keep one decision and return its receipt id, once it is on disk."""
        receipt, signed = self._signed(consent, salt or uuid4().hex)
        await asyncio.to_thread(self._keep, [(consent, receipt, signed)])
        return receipt.receipt_id

    async def import_lines(self, lines: Iterable[str | bytes]) -> int:
        """Keep every decision of a file of JSON lines and return how many were new."""
        return await asyncio.to_thread(lambda: self._keep(self._imported(lines)))

    async def receipts(self, subject: Mapping[str, str]) -> tuple[Receipt, ...]:
        """Return everything one person has decided, oldest first."""
        names = self.names(subject)
        return tuple(_of(await asyncio.to_thread(self._read, set(names), None), names))

    async def signed(self, subject: Mapping[str, str]) -> tuple[str, ...]:
        """Return the signed receipts of everything one person has decided, oldest first."""
        return await asyncio.to_thread(self._texts, sorted(set(self.names(subject))))

    async def find(self, receipt_id: str) -> tuple[Receipt, str] | None:
        """Return one receipt and its signed text, None when there is none of that name."""
        return await asyncio.to_thread(self._find, receipt_id)

    async def gone(self, after: int) -> tuple[int, tuple[Identifier, ...]]:
        """Return whose records must be forgotten because of what was recorded since."""
        return await asyncio.to_thread(self._gone_since, after)

    async def leave_word(self, people: Sequence[Identifier]) -> None:
        """Have every process that reads this ledger forget what was read of people to whom something has happened."""
        if people:
            await asyncio.to_thread(self._leave_word, people)

    def check(self) -> int:
        """Return how many receipts there are, when every row is what was signed.

        Raises: ConfigurationError that names the first row which is not.
        """
        keys = {**self.former, self.signer.key_id: self.signer.public_key}
        count = 0
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(*self._columns, RECEIPTS.c.signed).order_by(RECEIPTS.c.sequence)):
                count += 1
                receipt = receipt_of(row)
                try:
                    told = read_signed(row.signed, keys)
                except ConfigurationError as error:
                    raise ConfigurationError(f"receipt {receipt.receipt_id}: {error}") from None
                if not is_of(receipt, told):
                    raise ConfigurationError(
                        f"receipt {receipt.receipt_id}: the row says something else than what was signed"
                    )
        return count

    def known(self, receipt_ids: Collection[str]) -> frozenset[str]:
        """Return which of some receipts are kept."""
        found: set[str] = set()
        names = sorted(receipt_ids)
        with self._engine.connect() as connection:
            for start in range(0, len(names), _PEOPLE_IN_ONE_QUERY):
                query = sa.select(RECEIPTS.c.receipt_id).where(
                    RECEIPTS.c.receipt_id.in_(names[start : start + _PEOPLE_IN_ONE_QUERY])
                )
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def _read(self, people: set[str], purpose: str | None) -> dict[str, list[_Numbered]]:
        """Return each person's receipts with their places in the order of recording."""
        found: dict[str, list[_Numbered]] = {}
        with self._engine.connect() as connection:
            names = sorted(people)
            for start in range(0, len(names), _PEOPLE_IN_ONE_QUERY):
                query = sa.select(*self._columns).where(
                    RECEIPTS.c.person.in_(names[start : start + _PEOPLE_IN_ONE_QUERY])
                )
                if purpose is not None:
                    query = query.where(RECEIPTS.c.purpose == purpose)
                for row in connection.execute(query):
                    found.setdefault(row.person, []).append((row.sequence, receipt_of(row)))
        return found

    def _texts(self, names: Sequence[str]) -> tuple[str, ...]:
        query = sa.select(RECEIPTS.c.signed).where(RECEIPTS.c.person.in_(names)).order_by(RECEIPTS.c.sequence)
        with self._engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def _find(self, receipt_id: str) -> tuple[Receipt, str] | None:
        query = sa.select(*self._columns, RECEIPTS.c.signed).where(RECEIPTS.c.receipt_id == receipt_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else (receipt_of(row), row.signed)

    def _gone_since(self, after: int) -> tuple[int, tuple[Identifier, ...]]:
        query = sa.select(GONE.c.sequence, GONE.c.sealed).where(GONE.c.sequence > after).order_by(GONE.c.sequence)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return (rows[-1].sequence if rows else after), tuple(self._seal.open(row.sealed) for row in rows)

    def _leave_word(self, people: Sequence[Identifier]) -> None:
        now = time.time()
        with self._engine.begin() as connection:
            connection.execute(sa.delete(GONE).where(GONE.c.at < now - REMEMBERED_S))
            connection.execute(sa.insert(GONE), [{"at": now, "sealed": self._seal.of(one)} for one in people])

    def _keep(self, entries: Sequence[tuple[Consent, Receipt, str]]) -> int:
        statement = insert_new(self._engine, RECEIPTS, "receipt_id")
        count = sa.select(sa.func.count()).select_from(RECEIPTS)
        now = time.time()
        gone = [{"at": now, "sealed": self._seal.of(consent.subject)} for consent, *_ in entries if forgets(consent)]
        with self._engine.begin() as connection:
            before = connection.execute(count).scalar_one()
            if entries:
                connection.execute(statement, [row_of(receipt, signed) for _, receipt, signed in entries])
            if gone:
                # INVARIANT: a withdrawal and the word to forget what was read under it are one write.
                connection.execute(sa.delete(GONE).where(GONE.c.at < now - REMEMBERED_S))
                connection.execute(sa.insert(GONE), gone)
            return int(connection.execute(count).scalar_one() - before)


def _prepare(connection: object, _: object) -> None:
    """Let readers and one writer work side by side, and write through to the disk at each commit."""
    cursor = connection.cursor()  # type: ignore[attr-defined] # DB-API connection, which SQLAlchemy leaves untyped
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
