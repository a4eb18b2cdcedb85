"""Reads consent receipts from an SQLite file in the time that a question has: some microseconds a person.

Every question waits for the ledger, so what was read is remembered, and forgotten the moment anybody writes: SQLite
tells a connection, without touching the table, whether another connection has changed the file since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from policies.receipts import Receipt
from policies.tables import COLUMNS, receipt_of

KNOWN_AT_MOST: Final = 50_000
"""People remembered between two writes."""

_Numbered = tuple[int, Receipt]


class QuickReader:
    """One read-only connection to the table of receipts; used from one thread.

    It reads on the thread that asks: an indexed look-up of a few people takes less than handing it to another thread.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=10)
        self._connection.execute("PRAGMA query_only = ON")
        self._known: dict[tuple[str, str], tuple[_Numbered, ...]] = {}
        self._objections: dict[str, bool] = {}
        self._version = -1

    def version(self) -> int:
        """Return SQLite's count of changes that others made to the file."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def read(self, people: Iterable[str], purpose: str) -> dict[str, tuple[_Numbered, ...]]:
        """Return each person's receipts for a purpose with their places in the order of recording."""
        self._renew()
        found = {person: self._known.get((person, purpose)) for person in people}
        missing = [person for person, receipts in found.items() if receipts is None]
        if missing:
            read: dict[str, list[_Numbered]] = {person: [] for person in missing}
            marks = ",".join("?" * len(missing))
            query = f"SELECT {COLUMNS} FROM consent_receipt WHERE person IN ({marks}) AND purpose = ?"  # noqa: S608
            for row in self._connection.execute(query, (*missing, purpose)):
                read[row[2]].append((row[0], receipt_of(row)))
            for person, receipts in read.items():
                found[person] = self._known[person, purpose] = tuple(receipts)
        return {person: receipts or () for person, receipts in found.items()}

    def has_objections(self, purpose: str) -> bool:
        """Tell whether anybody has ever objected to a purpose; while nobody has, nobody's row needs to be read."""
        self._renew()
        known = self._objections.get(purpose)
        if known is None:
            query = "SELECT EXISTS (SELECT 1 FROM consent_receipt WHERE decision = 'objected' AND purpose = ?)"
            known = bool(self._connection.execute(query, (purpose,)).fetchone()[0])
            self._objections[purpose] = known
        return known

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _renew(self) -> None:
        # INVARIANT: revoked means revoked: what is remembered is older than no write.
        version = self.version()
        if version != self._version or len(self._known) > KNOWN_AT_MOST:
            self._known.clear()
            self._objections.clear()
            self._version = version
