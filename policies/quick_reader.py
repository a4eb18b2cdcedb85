"""Reads consent receipts from an SQLite file in the time that a question has: some microseconds a person.

Every question waits for the ledger, so what was read is remembered, and forgotten the moment anybody writes: SQLite
tells a connection, without touching the table, whether another connection has changed the file since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from policies.receipts import Decision, Receipt

KNOWN_AT_MOST: Final = 50_000
"""People remembered between two writes."""

_COLUMNS: Final = "sequence, receipt_id, person, purpose, consumer_id, decision, sources, given_by, given_on, until"
_Numbered = tuple[int, Receipt]


class QuickReader:
    """One read-only connection to the table of receipts; used from one thread.

    It reads on the thread that asks: an indexed look-up of a few people takes less than handing it to another thread.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=10)
        self._connection.execute("PRAGMA query_only = ON")
        self._known: dict[tuple[str, str], tuple[_Numbered, ...]] = {}
        self._version = -1

    def read(self, people: Iterable[str], purpose: str) -> dict[str, tuple[_Numbered, ...]]:
        """Return each person's receipts for a purpose with their places in the order of recording."""
        # INVARIANT: revoked means revoked: what is remembered is older than no write.
        version = self.version()
        if version != self._version or len(self._known) > KNOWN_AT_MOST:
            self._known.clear()
            self._version = version
        found = {person: self._known.get((person, purpose)) for person in people}
        missing = [person for person, receipts in found.items() if receipts is None]
        if missing:
            read: dict[str, list[_Numbered]] = {person: [] for person in missing}
            marks = ",".join("?" * len(missing))
            query = f"SELECT {_COLUMNS} FROM consent_receipt WHERE person IN ({marks}) AND purpose = ?"  # noqa: S608
            for row in self._connection.execute(query, (*missing, purpose)):
                read[row[2]].append((row[0], _receipt(row)))
            for person, receipts in read.items():
                found[person] = self._known[person, purpose] = tuple(receipts)
        return {person: receipts or () for person, receipts in found.items()}

    def version(self) -> int:
        """Return what is another number after every write of another connection."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _receipt(row: tuple[Any, ...]) -> Receipt:
    _, receipt_id, person, purpose, consumer_id, decision, sources, given_by, given_on, until = row
    return Receipt(
        receipt_id=receipt_id,
        person=person,
        purpose=purpose,
        consumer_id=consumer_id,
        decision=Decision(decision),
        sources=None if sources is None else frozenset(orjson.loads(sources)),
        given_by=given_by,
        given_on=date.fromisoformat(given_on),
        until=None if until is None else date.fromisoformat(until),
    )
