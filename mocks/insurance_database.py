"""The database of the social insurance fund: a SQLite file with a view made for those who may read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mocks.insurance_accounts import Account

_WAIT_S: Final = 2.0
"""How long the fund waits until nobody reads."""
_TABLES: Final = """
CREATE TABLE account (
  number TEXT PRIMARY KEY, tin TEXT, uin TEXT, given TEXT NOT NULL, family TEXT NOT NULL, state TEXT NOT NULL,
  since TEXT NOT NULL, changed_on TEXT NOT NULL
);
CREATE TABLE contribution (account TEXT NOT NULL, month TEXT NOT NULL, employer TEXT, wage INTEGER NOT NULL);
CREATE TABLE pension (account TEXT PRIMARY KEY, kind TEXT, monthly INTEGER, starts TEXT, ends TEXT);
CREATE TABLE calendar (today TEXT NOT NULL);
CREATE INDEX account_tin ON account (tin);
CREATE INDEX account_uin ON account (uin);
CREATE INDEX contribution_account ON contribution (account, month);
"""
COLUMNS: Final = (
    "account_no", "tin", "uin", "state", "months_paid", "last_month", "pension_kind", "pension_monthly",
    "pension_since", "changed_on",
)  # fmt: skip
"""The columns of the view; wages and pensions are hundredths of a crown, months those of the last twelve."""
_VIEW: Final = """
CREATE VIEW insured AS
SELECT a.number AS {0}, a.tin AS {1}, a.uin AS {2}, a.state AS {3},
  (SELECT count(DISTINCT c.month) FROM contribution c
    WHERE c.account = a.number AND c.month > (SELECT date(today, '-12 months') FROM calendar)) AS {4},
  (SELECT max(c.month) FROM contribution c WHERE c.account = a.number) AS {5},
  p.kind AS {6}, p.monthly AS {7}, p.starts AS {8}, a.changed_on AS {9}
FROM account a LEFT JOIN pension p ON p.account = a.number AND p.ends IS NULL
"""


class Database:
    """One file; it is written in place, so that whoever has it open reads on."""

    def __init__(self, path: Path) -> None:
        """Take where the file is."""
        self._path = path

    def create(self, accounts: Sequence[Account], spelled: Iterable[tuple[str, str]], today: date) -> None:
        """Write the file anew; `spelled` are given and family name of each account."""
        with self._open() as database:
            database.executescript(_TABLES)
            database.executemany(
                "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (a.number, a.tin, a.uin, *name, a.state, a.since.isoformat(), a.changed_on.isoformat())
                    for a, name in zip(accounts, spelled, strict=True)
                ),
            )
            database.executemany(
                "INSERT INTO contribution VALUES (?, ?, ?, ?)",
                ((a.number, month.isoformat(), by, wage) for a in accounts for month, by, wage in a.months),
            )
            database.executemany(
                "INSERT INTO pension VALUES (?, ?, ?, ?, ?)",
                (
                    (a.number, p.kind, p.monthly, p.starts.isoformat(), p.ends.isoformat() if p.ends else None)
                    for a in accounts
                    if (p := a.pension) is not None
                ),
            )
            database.execute("INSERT INTO calendar VALUES (?)", (today.isoformat(),))
        self.show()

    def show(self, columns: Sequence[str] = COLUMNS) -> None:
        """Make the view, under these names of its columns."""
        with self._open() as database:
            database.execute("DROP VIEW IF EXISTS insured")
            database.execute(_VIEW.format(*columns))

    def turn(
        self, today: date, changed: Iterable[Account], months: Sequence[date], accounts: Iterable[Account]
    ) -> None:
        """Enter the day, how accounts stand that changed since the last, and what was paid for some months."""
        paid = (
            (one.number, month.isoformat(), by, wage)
            for one in accounts
            for month, by, wage in one.months[: len(months)]
            if month in months
        )
        with self._open() as database:
            database.execute("UPDATE calendar SET today = ?", (today.isoformat(),))
            if months:
                database.executemany("INSERT INTO contribution VALUES (?, ?, ?, ?)", paid)
            for one in changed:
                state = (one.state, one.changed_on.isoformat(), one.number)
                database.execute("UPDATE account SET state = ?, changed_on = ? WHERE number = ?", state)
                if one.pension is not None and one.pension.ends is not None:
                    ended = (one.pension.ends.isoformat(), one.number)
                    database.execute("UPDATE pension SET ends = ? WHERE account = ?", ended)

    def locked(self) -> sqlite3.Connection:
        """Return a connection that keeps everybody else out until it is closed."""
        database = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        database.execute("BEGIN EXCLUSIVE")
        return database

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as database, database:
            # It is only a practice country: nobody waits for a disk.
            database.execute("PRAGMA synchronous = OFF")
            yield database
