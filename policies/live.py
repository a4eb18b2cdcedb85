"""How many consents a purpose rests on today: read from the ledger's table, without anybody's name or number."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from policies.ports import StandingKind
from policies.standing import standing_of
from policies.tables import COLUMNS, RECEIPTS, receipt_of
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path


def live_consents(ledger: Path, consumer_id: str, purposes: Iterable[str], on: date) -> Mapping[str, int]:
    """Return for each purpose how many people have a consent that counts on a day.

    ledger: the SQLite file; it is read and not written. Somebody known under two numbers counts twice.
    Raises: ConfigurationError when there is no such file, or when it is no consent ledger.
    """
    if not ledger.is_file():
        raise ConfigurationError(f"{ledger}: there is no consent ledger; name its folder with --dir")
    engine = sa.create_engine(f"sqlite:///file:{ledger}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            return {purpose: _count(connection, consumer_id, purpose, on) for purpose in purposes}
    except SQLAlchemyError as error:
        raise ConfigurationError(f"{ledger}: cannot be read as the consent ledger ({type(error).__name__})") from None
    finally:
        engine.dispose()


def _count(connection: sa.Connection, consumer_id: str, purpose: str, on: date) -> int:
    columns = [RECEIPTS.c[name] for name in COLUMNS.replace(",", "").split()]
    query = (
        sa.select(*columns)
        .where(RECEIPTS.c.purpose == purpose)
        .order_by(RECEIPTS.c.person, RECEIPTS.c.sequence)
        .execution_options(yield_per=1000)
    )
    by_person = groupby(map(receipt_of, connection.execute(query)), key=lambda receipt: receipt.person)
    return sum(standing_of(list(of), consumer_id, on).kind is StandingKind.GRANTED for _, of in by_person)
