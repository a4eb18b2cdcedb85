"""Where decisions of people are kept: in memory, or in an SQL database; under keyed pseudonyms in both."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from policies.quick_reader import QuickReader
from policies.receipts import Consent, Decision, Pseudonyms, Receipt, read_lines, standing_of
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from policies.ports import Standing


def _salted(consents: Iterable[Consent], pseudonyms: Pseudonyms) -> list[Receipt]:
    """Return receipts whose ids are the same whenever the same file is read.

    A decision that a file states twice (granted, refused and granted again on one day) is two receipts.
    """
    seen: Counter[Consent] = Counter()
    receipts = []
    for consent in consents:
        seen[consent] += 1
        receipts.append(pseudonyms.receipt(consent, f"import-{seen[consent]}"))
    return receipts


class MemoryLedger:
    """Decisions for as long as the process lives."""

    def __init__(self, key: bytes) -> None:
        self._pseudonyms = Pseudonyms(key)
        self._receipts: dict[str, tuple[int, Receipt]] = {}
        self._of_person: dict[str, list[str]] = {}

    async def standings(
        self, subjects: Sequence[Mapping[str, str]], purpose: str, consumer_id: str, at: datetime
    ) -> tuple[Standing, ...]:
        """Return where each person stands, in the order asked."""
        return tuple(
            standing_of((r for r in self._all(subject) if r.purpose == purpose), consumer_id, at.date())
            for subject in subjects
        )

    def stamp(self) -> object:
        """Return what is another thing after every decision that is recorded."""
        return len(self._receipts)

    async def record(self, consent: Consent) -> str:
        """Keep one decision and return its receipt id."""
        receipt = self._pseudonyms.receipt(consent, uuid4().hex)
        self._keep(receipt)
        return receipt.receipt_id

    async def import_lines(self, lines: Iterable[str | bytes]) -> int:
        """Keep every decision of a file of JSON lines and return how many were new."""
        return sum(self._keep(receipt) for receipt in _salted(read_lines(lines), self._pseudonyms))

    async def receipts(self, subject: Mapping[str, str]) -> tuple[Receipt, ...]:
        """Return everything one person has decided, oldest first."""
        return tuple(self._all(subject))

    def _all(self, subject: Mapping[str, str]) -> list[Receipt]:
        ids = chain.from_iterable(self._of_person.get(p, ()) for p in set(self._pseudonyms.of_person(subject)))
        return [receipt for _, receipt in sorted(self._receipts[id_] for id_ in ids)]

    def _keep(self, receipt: Receipt) -> bool:
        if receipt.receipt_id in self._receipts:
            return False
        self._receipts[receipt.receipt_id] = (len(self._receipts), receipt)
        self._of_person.setdefault(receipt.person, []).append(receipt.receipt_id)
        return True


_METADATA: Final = sa.MetaData()

_TABLE: Final = sa.Table(
    "consent_receipt",
    _METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("receipt_id", sa.String(40), nullable=False, unique=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(100), nullable=False),
    sa.Column("consumer_id", sa.String(100)),
    sa.Column("decision", sa.String(10), nullable=False),
    sa.Column("sources", sa.JSON(none_as_null=True)),
    sa.Column("given_by", sa.String(64), nullable=False),
    sa.Column("given_on", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
    sa.Index("consent_receipt_person", "person", "purpose"),
)

_INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

_PEOPLE_IN_ONE_QUERY: Final = 1000
"""Databases bound the number of parameters of one statement."""


class SqliteLedger:
    """Decisions in an SQL database: SQLite by default, PostgreSQL with an engine for it."""

    def __init__(self, engine: sa.Engine, key: bytes) -> None:
        """Use a database; makes the table if it is not there."""
        self._engine = engine
        self._pseudonyms = Pseudonyms(key)
        self._quick: QuickReader | None = None
        _METADATA.create_all(engine)

    @classmethod
    def open(cls, path: Path | None, key: bytes) -> SqliteLedger:
        """Use a SQLite file, made if it is not there; without a path, a database that lives in memory.

        Raises: ConfigurationError when the file cannot be used.
        """
        if path is None:
            in_memory = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
            return cls(in_memory, key)
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})
        sa.event.listen(engine, "connect", _prepare)
        try:
            ledger = cls(engine, key)
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

    async def standings(
        self, subjects: Sequence[Mapping[str, str]], purpose: str, consumer_id: str, at: datetime
    ) -> tuple[Standing, ...]:
        """Return where each person stands, in the order asked."""
        people = [self._pseudonyms.of_person(subject) for subject in subjects]
        if self._quick is not None:
            known = self._quick.read(dict.fromkeys(chain.from_iterable(people)), purpose)
            return tuple(standing_of(_of(known, names), consumer_id, at.date()) for names in people)
        rows = await asyncio.to_thread(self._read, set(chain.from_iterable(people)), purpose)
        return tuple(standing_of(_of(rows, names), consumer_id, at.date()) for names in people)

    def stamp(self) -> object:
        """Return what is another thing after every decision that is recorded; None for other databases than SQLite."""
        return None if self._quick is None else self._quick.version()

    async def record(self, consent: Consent) -> str:
        """Keep one decision and return its receipt id, once it is on disk."""
        receipt = self._pseudonyms.receipt(consent, uuid4().hex)
        await asyncio.to_thread(self._keep, [receipt])
        return receipt.receipt_id

    async def import_lines(self, lines: Iterable[str | bytes]) -> int:
        """Keep every decision of a file of JSON lines and return how many were new."""
        return await asyncio.to_thread(lambda: self._keep(_salted(read_lines(lines), self._pseudonyms)))

    async def receipts(self, subject: Mapping[str, str]) -> tuple[Receipt, ...]:
        """Return everything one person has decided, oldest first."""
        names = self._pseudonyms.of_person(subject)
        return tuple(_of(await asyncio.to_thread(self._read, set(names), None), names))

    def _read(self, people: set[str], purpose: str | None) -> dict[str, list[tuple[int, Receipt]]]:
        """Return each person's receipts with their places in the order of recording."""
        found: dict[str, list[tuple[int, Receipt]]] = {}
        with self._engine.connect() as connection:
            names = sorted(people)
            for start in range(0, len(names), _PEOPLE_IN_ONE_QUERY):
                some = names[start : start + _PEOPLE_IN_ONE_QUERY]
                query = sa.select(_TABLE).where(_TABLE.c.person.in_(some))
                if purpose is not None:
                    query = query.where(_TABLE.c.purpose == purpose)
                for row in connection.execute(query):
                    found.setdefault(row.person, []).append((row.sequence, _receipt(row)))
        return found

    def _keep(self, receipts: Sequence[Receipt]) -> int:
        statement = _INSERTS[self._engine.dialect.name](_TABLE).on_conflict_do_nothing(index_elements=["receipt_id"])
        count = sa.select(sa.func.count()).select_from(_TABLE)
        with self._engine.begin() as connection:
            before = connection.execute(count).scalar_one()
            if receipts:
                connection.execute(statement, [_row(receipt) for receipt in receipts])
            return int(connection.execute(count).scalar_one() - before)


def _of(rows: Mapping[str, Sequence[tuple[int, Receipt]]], names: Iterable[str]) -> list[Receipt]:
    found = chain.from_iterable(rows.get(name, ()) for name in set(names))
    return [receipt for _, receipt in sorted(found, key=lambda entry: entry[0])]


def _row(receipt: Receipt) -> dict[str, object]:
    return {
        **receipt._asdict(),
        "decision": receipt.decision.value,
        "sources": None if receipt.sources is None else sorted(receipt.sources),
    }


def _receipt(row: sa.Row[tuple[object, ...]]) -> Receipt:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row's columns by name
    del fields["sequence"]
    sources = fields["sources"]
    return Receipt(
        **{
            **fields,
            "decision": Decision(fields["decision"]),
            "sources": None if sources is None else frozenset(sources),
        }
    )


def _prepare(connection: object, _: object) -> None:
    """Let readers and one writer work side by side, and write through to the disk at each commit."""
    cursor = connection.cursor()  # type: ignore[attr-defined] # DB-API connection, which SQLAlchemy leaves untyped
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
