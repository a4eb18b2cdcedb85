"""The tables of the consent ledger, and how a receipt becomes a row and again a receipt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from policies.receipts import Capacity, Decision, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

METADATA: Final = sa.MetaData()
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

RECEIPTS: Final = sa.Table(
    "consent_receipt",
    METADATA,
    sa.Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("receipt_id", sa.String(40), nullable=False, unique=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(100), nullable=False),
    sa.Column("consumer_id", sa.String(100)),
    sa.Column("decision", sa.String(10), nullable=False),
    sa.Column("sources", sa.JSON(none_as_null=True)),
    sa.Column("given_by", sa.String(64), nullable=False),
    sa.Column("given_on", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
    sa.Column("groups", sa.JSON(none_as_null=True)),
    sa.Column("capacity", sa.String(10), nullable=False),
    sa.Column("relation", sa.String(20)),
    sa.Column("majority_on", sa.Date),
    sa.Column("withdraws", sa.String(40)),
    sa.Column("giver_type", sa.String(99)),
    sa.Column("signed", sa.Text, nullable=False),
    sa.Index("consent_receipt_person", "person", "purpose"),
)

GONE: Final = sa.Table(
    "consent_gone",
    METADATA,
    sa.Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""Whose records every process has to forget: a number, sealed, for an hour."""

NOTICES: Final = sa.Table(
    "emergency_notice",
    METADATA,
    sa.Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("notice_id", sa.String(64), nullable=False, unique=True),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("emergency", sa.String(100), nullable=False),
    sa.Column("consumer_id", sa.String(100), nullable=False),
    sa.Column("purpose", sa.String(100), nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("correlation", sa.String(100), nullable=False),
    sa.Column("told_at", sa.String(40)),
)
"""Who is to be told that something was read without consent, and whether it was done."""

APPEND_ONLY: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS consent_receipt_no_{what} BEFORE {what} ON consent_receipt "
    "BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END"
    for what in ("update", "delete")
)
"""For SQLite. In another database, grant the gateway's role INSERT and SELECT on this table and nothing else."""

COLUMNS: Final = (
    "sequence, receipt_id, person, purpose, consumer_id, decision, sources, given_by, given_on, until, groups, "
    "capacity, relation, majority_on, withdraws, giver_type"
)
"""What a question needs of a row; the signed text is not among it."""


INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""By a database's name: the insert that can say what becomes of rows that are there already."""


def insert_new(engine: sa.Engine, table: sa.Table, unique: str) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that adds rows, and passes over those whose `unique` column is there already."""
    return INSERTS[engine.dialect.name](table).on_conflict_do_nothing(index_elements=[unique])


def made_if_missing(metadata: sa.MetaData) -> Iterator[sa.schema.ExecutableDDLElement]:
    """Yield the statements that make every table and index which is not there: nobody minds who was first."""
    for table in metadata.sorted_tables:
        yield sa.schema.CreateTable(table, if_not_exists=True)
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            yield sa.schema.CreateIndex(index, if_not_exists=True)


def row_of(receipt: Receipt, signed: str) -> dict[str, object]:
    """Return a receipt as a row."""
    return {
        **receipt._asdict(),
        "decision": receipt.decision.value,
        "capacity": receipt.capacity.value,
        "sources": None if receipt.sources is None else sorted(receipt.sources),
        "groups": None if receipt.groups is None else sorted(receipt.groups),
        "signed": signed,
    }


def receipt_of(row: Sequence[Any]) -> Receipt:
    """Return the receipt of a row of `COLUMNS`, as SQLite's own driver or as SQLAlchemy reads it."""
    (_, receipt_id, person, purpose, consumer_id, decision, sources, given_by, given_on, until, groups) = row[:11]
    capacity, relation, majority_on, withdraws, giver_type = row[11:16]
    return Receipt(
        receipt_id,
        person,
        purpose,
        consumer_id,
        _DECISIONS[decision],
        _scope(sources),
        given_by,
        _day(given_on),
        None if until is None else _day(until),
        _scope(groups),
        _CAPACITIES[capacity],
        relation,
        None if majority_on is None else _day(majority_on),
        withdraws,
        giver_type,
    )


_DECISIONS: Final = {decision.value: decision for decision in Decision}
_CAPACITIES: Final = {capacity.value: capacity for capacity in Capacity}


def _scope(stated: Any) -> frozenset[str] | None:
    if stated is None:
        return None
    return frozenset(orjson.loads(stated) if isinstance(stated, str) else stated)


def _day(stated: Any) -> date:
    return date.fromisoformat(stated) if isinstance(stated, str) else stated
