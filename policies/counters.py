"""How many questions a programme has asked under an agreement: counted on disk, by all processes together.

SQLite by default, PostgreSQL with its URL. No person stands in it: agreement, purpose, day or month, number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from policies.tables import INSERTS
from standards.errors import ConfigurationError, InteropError
from standards.permit import Denial, Permit, Reason

KEPT_DAYS: Final = 800
"""Counts older than this are removed at start: nobody is bound by them any more."""

_METADATA: Final = sa.MetaData()

_TABLE: Final = sa.Table(
    "question_count",
    _METADATA,
    sa.Column("agreement_id", sa.String(60), primary_key=True),
    sa.Column("purpose", sa.String(60), primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("asked", sa.BigInteger, nullable=False),
)


class CountError(InteropError):
    """A question could not be counted; it must not be answered."""


class _UsedUp(Exception):  # noqa: N818 - it leaves no function of this module
    """A period in which no further question may be asked."""


class Period(NamedTuple):
    """A day or a month with its limit."""

    name: str
    """`2026-09-30` or `2026-09`, UTC."""
    limit: int
    next_start: date
    unit: str


def periods(permit: Permit, now: datetime) -> tuple[Period, ...]:
    """Return the periods in which a question at this moment counts against a limit."""
    day = now.date()
    next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    of_day = Period(day.isoformat(), permit.per_day, day + timedelta(days=1), "day") if permit.per_day else None
    of_month = Period(day.isoformat()[:7], permit.per_month, next_month, "month") if permit.per_month else None
    return tuple(period for period in (of_day, of_month) if period is not None)


class QuestionCounter:
    """Counts questions against the quotas of agreements."""

    def __init__(self, url: str, opened: Callable[[str], sa.Engine] = sa.create_engine) -> None:
        """Use a database by its SQLAlchemy URL; makes the table if it is not there.

        opened: gives the engine for a URL.

        Raises: ConfigurationError when it cannot be used; the message does not hold the URL, which may hold a password.
        """
        try:
            self._engine = opened(url)
            if self._engine.dialect.name not in INSERTS:
                raise ConfigurationError("stores.counters_url: give the URL of an SQLite or a PostgreSQL database")
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare)
            with suppress(sa.exc.OperationalError):  # several processes start at once, and one of them makes it
                _METADATA.create_all(self._engine)
            with self._engine.begin() as connection:
                oldest = (date.today() - timedelta(days=KEPT_DAYS)).isoformat()  # noqa: DTZ011 - a day more or less
                connection.execute(_TABLE.delete().where(_TABLE.c.period < oldest))
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"stores.counters_url: cannot be used ({type(error).__name__})") from None

    @property
    def engine(self) -> sa.Engine:
        """Return the database, for whatever else is counted in it."""
        return self._engine

    async def count(self, permit: Permit, now: datetime) -> Denial | None:
        """Count one question; the denial when its quota is used up, and then it is not counted.

        Raises: CountError when it cannot be counted.
        """
        bounds = periods(permit, now)
        if not bounds:
            return None
        try:
            used_up = await asyncio.to_thread(self._add, permit.agreement_id, permit.purpose, bounds)
        except SQLAlchemyError as error:
            raise CountError(f"stores.counters_url: cannot be written ({type(error).__name__})") from None
        if used_up is None:
            return None
        return Denial(
            Reason.QUOTA_USED_UP,
            f"the {used_up.limit} questions of this {used_up.unit} are asked: ask again from {used_up.next_start} "
            "00:00 UTC on, or agree a higher quota",
            again_on=used_up.next_start,
        )

    def used(self, agreement_id: str, purpose: str, now: datetime) -> tuple[int, int]:
        """Return how many questions were counted today and this month."""
        day = now.date().isoformat()
        query = sa.select(_TABLE.c.period, _TABLE.c.asked).where(
            _TABLE.c.agreement_id == agreement_id, _TABLE.c.purpose == purpose, _TABLE.c.period.in_([day, day[:7]])
        )
        with self._engine.connect() as connection:
            found = {row.period: row.asked for row in connection.execute(query)}
        return found.get(day, 0), found.get(day[:7], 0)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _add(self, agreement_id: str, purpose: str, bounds: tuple[Period, ...]) -> Period | None:
        """Count in every period or, when one of them is used up, in none."""
        insert = INSERTS[self._engine.dialect.name]
        full: Period | None = None
        with suppress(_UsedUp), self._engine.begin() as connection:
            for bound in bounds:
                first = insert(_TABLE).values(agreement_id=agreement_id, purpose=purpose, period=bound.name, asked=1)
                # INVARIANT: one statement reads and counts, so that two processes never both take the last question.
                counted = connection.execute(
                    first.on_conflict_do_update(
                        index_elements=["agreement_id", "purpose", "period"],
                        set_={"asked": _TABLE.c.asked + 1},
                        where=_TABLE.c.asked < bound.limit,
                    )
                )
                if counted.rowcount == 0:
                    full = bound
                    raise _UsedUp
        return full


def _prepare(connection: object, _: object) -> None:
    """Let processes count side by side; what is counted outlives the process, if not always a loss of power."""
    cursor = connection.cursor()  # type: ignore[attr-defined] # DB-API connection, which SQLAlchemy leaves untyped
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
