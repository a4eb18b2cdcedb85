"""Reads consent receipts from an SQLite file in the time that a question has: some microseconds a person.

Every question waits for the ledger, so what was read is remembered, and forgotten the moment anybody writes: SQLite
tells a connection, without touching the table, whether another connection has changed the file since.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from policies.receipts import Receipt
from policies.tables import COLUMNS, receipt_of

KNOWN_AT_MOST: Final = 50_000
"""People remembered between two writes."""

MAPPED_BYTES: Final = 2**31
"""How much of the file may be read as memory; the system keeps of it what is used."""

_Numbered = tuple[int, Receipt]


class QuickReader:
    """One read-only connection to the table of receipts; used from one thread.

    It reads on the thread that asks: an indexed look-up of a few people takes less than handing it to another thread.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=10)
        self._connection.execute("PRAGMA query_only = ON")
        # A few people among millions lie on pages all over the file: none shall cost a call to the system.
        self._connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        self._known: dict[tuple[str, str], tuple[_Numbered, ...]] = {}
        self._objections: dict[str, bool] = {}
        self._version = -1
        self._turn: tuple[asyncio.AbstractEventLoop, int] | None = None

    def version(self) -> int:
        """Return SQLite's count of changes that others made to the file.

        Asked for once in a turn of the event loop: it costs several calls to the system, and all answers that become
        ready in one turn leave in it.
        """
        loop = _running_loop()
        if self._turn is not None and self._turn[0] is loop:
            return self._turn[1]
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if loop is not None:
            self._turn = loop, int(version)
            loop.call_soon(self._end_turn)
        return int(version)

    def _end_turn(self) -> None:
        self._turn = None

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


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
