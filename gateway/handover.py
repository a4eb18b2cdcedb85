"""Hand-over: a callback that reached one worker process is given to the one whose question it answers.

A file beside the other stores says, under keyed digests, what each process waits for; whoever receives something that
another waits for puts it there, sealed, and its owner takes it within some hundredths of a second. It is a place to
meet and no archive: nothing in it outlives its question, and losing it costs one answer that is asked for again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from adapters.callbacks import Arrival
from adapters.said import Signed
from gateway.keys import Keys
from gateway.work.seal import Seal, UnsealError
from standards.errors import ConfigurationError

log = structlog.get_logger()

LONGEST_S: Final = 600.0
"""What is older was left behind by a process that is gone."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS expected (key TEXT, waiter TEXT, owner TEXT, until REAL, PRIMARY KEY (key, waiter));
CREATE INDEX IF NOT EXISTS expected_waiter ON expected (waiter);
CREATE TABLE IF NOT EXISTS arrived (id INTEGER PRIMARY KEY, waiter TEXT, owner TEXT, until REAL, sealed BLOB);
CREATE INDEX IF NOT EXISTS arrived_owner ON arrived (owner);
"""


class HandOver:
    """What the worker processes of one gateway hold ready for each other; `Beyond` of this process.

    file: the same for all of them.
    """

    def __init__(self, file: Path, keys: Keys) -> None:
        """Open the file.

        Raises: ConfigurationError when it cannot be used.
        """
        self._key, self._seal = keys.derived("callbacks expected"), Seal(keys.derived("callbacks arrived"))
        self._owner = secrets.token_hex(8)
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
            file.chmod(0o600)
            for pragma in ("journal_mode=WAL", "synchronous=OFF", "secure_delete=ON"):
                self._file.execute(f"PRAGMA {pragma}")
            self._file.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"{file.name}: cannot be used ({type(error).__name__})") from None

    async def expect(self, keys: Sequence[tuple[str, ...]], waiter: str) -> None:
        """Let the other processes know what a waiter here expects."""
        now = time.time()
        rows = [(self._named(key), waiter, self._owner, now + LONGEST_S) for key in keys]
        await self._run(self._expect, rows, now)

    async def hand_over(self, arrival: Arrival) -> bool:
        """Give an arrival to the process where somebody expects it; False when nobody does in any other."""
        names = [self._named(key) for key in arrival.known_by()]
        return bool(await self._run(self._hand_over, names, arrival))

    async def collect(self) -> Sequence[tuple[str, Arrival]]:
        """Return what the others took for waiters here."""
        rows: list[tuple[str, bytes]] = await self._run(self._collect) or []
        found = []
        for waiter, sealed in rows:
            try:
                found.append((waiter, _read(self._seal.opened(sealed, waiter))))
            except UnsealError:
                continue  # it was not put there by this gateway
        return found

    async def forget(self, waiter: str) -> None:
        """Drop everything of a waiter."""
        await self._run(self._forget, waiter)

    def counts(self) -> tuple[int, int]:
        """Return how much is expected, and how much lies there."""
        with self._lock:
            (expected,) = self._file.execute("SELECT count(*) FROM expected").fetchone()
            (arrived,) = self._file.execute("SELECT count(*) FROM arrived").fetchone()
        return expected, arrived

    def close(self) -> None:
        """Drop what is of this process, and let go of the file."""
        with self._lock:
            for table in ("expected", "arrived"):
                self._file.execute(f"DELETE FROM {table} WHERE owner = ?", (self._owner,))  # noqa: S608 - our own names
            self._file.close()

    async def _run(self, what: Any, *arguments: Any) -> Any:
        """Return what came of it; nothing, and a line in the log, when the file cannot be used just now."""
        try:
            return await asyncio.to_thread(self._locked, what, arguments)
        except sqlite3.Error as error:
            log.error("callbacks_not_shared", caught=type(error).__name__)  # the question waits on, in this process
            return None

    def _locked(self, what: Any, arguments: tuple[Any, ...]) -> Any:
        with self._lock:
            return what(*arguments)

    def _expect(self, rows: Sequence[tuple[str, str, str, float]], now: float) -> None:
        for table in ("expected", "arrived"):
            self._file.execute(f"DELETE FROM {table} WHERE until < ?", (now,))  # noqa: S608 - our own names
        self._file.executemany("INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?)", rows)

    def _hand_over(self, names: Sequence[str], arrival: Arrival) -> bool:
        for name in names:
            wanted = "SELECT waiter, owner, until FROM expected WHERE key = ? AND owner != ?"
            row = self._file.execute(wanted, (name, self._owner)).fetchone()
            if row is not None:
                waiter, owner, until = row
                sealed = self._seal.sealed(_written(arrival), waiter)
                insert = "INSERT INTO arrived (waiter, owner, until, sealed) VALUES (?, ?, ?, ?)"
                self._file.execute(insert, (waiter, owner, until, sealed))
                return True
        return False

    def _collect(self) -> list[tuple[str, bytes]]:
        # Looked for first: a look takes no lock that another process would wait for.
        if self._file.execute("SELECT 1 FROM arrived WHERE owner = ? LIMIT 1", (self._owner,)).fetchone() is None:
            return []
        taken = "DELETE FROM arrived WHERE owner = ? RETURNING id, waiter, sealed"
        rows = sorted(self._file.execute(taken, (self._owner,)).fetchall())
        return [(waiter, sealed) for _, waiter, sealed in rows]

    def _forget(self, waiter: str) -> None:
        self._file.execute("DELETE FROM expected WHERE waiter = ?", (waiter,))
        self._file.execute("DELETE FROM arrived WHERE waiter = ?", (waiter,))

    def _named(self, key: tuple[str, ...]) -> str:
        return hmac.new(self._key, "\0".join(key).encode(), hashlib.sha256).hexdigest()


def _written(arrival: Arrival) -> dict[str, Any]:
    return {
        "source_id": arrival.source_id,
        "body": base64.b64encode(arrival.body).decode(),
        "message": arrival.message,
        "secret": arrival.secret,
        "signed": arrival.signed._asdict() if arrival.signed else None,
    }


def _read(stated: dict[str, Any]) -> Arrival:
    signed = Signed(**stated["signed"]) if stated["signed"] else None
    body = base64.b64decode(stated["body"])
    return Arrival(stated["source_id"], body, stated["message"], stated["secret"], signed)
