"""Replay: whether a message was here before, by its sender and `message_id`, as long as its time would still be taken.

Versions of one port: `MemoryReplay` knows what came to this process, `KeptReplay` also what came to the one before it,
`SharedReplay` what came to any process on this machine, `DatabaseReplay` what came to any machine. None waits for the
disk (README.md, decisions).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import structlog

from standards.errors import ConfigurationError

log = structlog.get_logger()

_TRIES_S: Final = 2.0
_SWEEP_EVERY: Final = 2_000
_WRITE_S: Final = 0.05
"""How long `KeptReplay` gathers what it writes."""
_PREPARING: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=OFF",
    f"PRAGMA busy_timeout={int(_TRIES_S * 1000)}",
    (
        "CREATE TABLE IF NOT EXISTS seen_message (name BLOB PRIMARY KEY, digest BLOB NOT NULL, until REAL NOT NULL, "
        "answer BLOB) WITHOUT ROWID"
    ),
    "CREATE INDEX IF NOT EXISTS ix_seen_message_until ON seen_message (until)",
)


class Again(NamedTuple):
    """A message that was here before."""

    is_same: bool
    """Its body is the very same, byte by byte."""
    answer: bytes | None
    """What it was acknowledged with, if that was kept."""


class ReplayGuard(Protocol):
    """Which messages were here. Keeps digests of ids and bodies, and acknowledgements; nothing else of a message."""

    async def first(self, sender: str, message_id: str, body: bytes) -> Again | None:
        """Note a message and return None, or what is known of it when it was here before.

        Of several at once, in whichever process, exactly one is the first.
        Raises: JournalError when it cannot be noted; then nothing may be done about it.
        """
        ...

    async def answered(self, sender: str, message_id: str, answer: bytes) -> None:
        """Keep what a message was acknowledged with, for whoever sends it again."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class _Seen:
    """One message of the memory version."""

    __slots__ = ("answer", "digest", "until")

    def __init__(self, digest: bytes, until: float) -> None:
        self.digest, self.until = digest, until
        self.answer: bytes | None = None


class MemoryReplay:
    """What came to this process: a microsecond a message, and some 300 bytes for as long as it counts.

    window_s: how long a message id counts.
    """

    def __init__(self, window_s: float, now: Callable[[], float] = time.time) -> None:
        self._window_s, self._now = window_s, now
        # Two generations: whatever is in the older one has ended when that is dropped, so nothing is searched for.
        self._young: dict[bytes, _Seen] = {}
        self._old: dict[bytes, _Seen] = {}
        self._turn = now() + window_s

    async def first(self, sender: str, message_id: str, body: bytes) -> Again | None:
        """Note a message; see `ReplayGuard`."""
        now, name, digest = self._now(), name_of(sender, message_id), digest_of(body)
        if now >= self._turn:
            self._old = self._young if now < self._turn + self._window_s else {}
            self._young, self._turn = {}, now + self._window_s
        known = self._young.get(name) or self._old.get(name)
        if known is not None and known.until > now:
            return Again(known.digest == digest, known.answer)
        self._young[name] = _Seen(digest, now + self._window_s)
        return None

    async def answered(self, sender: str, message_id: str, answer: bytes) -> None:
        """Keep an acknowledgement; see `ReplayGuard`."""
        name = name_of(sender, message_id)
        known = self._young.get(name) or self._old.get(name)
        if known is not None:
            known.answer = answer

    def close(self) -> None:
        """Nothing is open."""


class KeptReplay(MemoryReplay):
    """The same, and what it knew is there again after a new start.

    Decided in memory; written down beside the questions, many at a time. A crash loses the last twentieth of a second.
    """

    def __init__(self, path: Path, window_s: float, now: Callable[[], float] = time.time) -> None:
        super().__init__(window_s, now)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._connection = _opened(path)
        self._waiting: dict[bytes, _Seen] = {}
        self._connection.execute("DELETE FROM seen_message WHERE until <= ?", (now(),))
        for name, digest, until, answer in self._connection.execute("SELECT * FROM seen_message"):
            self._young[name] = known = _Seen(digest, until)
            known.answer = answer
        self._writes = 0

    async def first(self, sender: str, message_id: str, body: bytes) -> Again | None:
        """Note a message; see `ReplayGuard`."""
        again = await super().first(sender, message_id, body)
        if again is None:
            name = name_of(sender, message_id)
            self._write(name, self._young[name])
        return again

    async def answered(self, sender: str, message_id: str, answer: bytes) -> None:
        """Keep an acknowledgement; see `ReplayGuard`."""
        await super().answered(sender, message_id, answer)
        name = name_of(sender, message_id)
        known = self._young.get(name) or self._old.get(name)
        if known is not None:
            self._write(name, known)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._flush()
        self._thread.shutdown()
        self._connection.close()

    def _write(self, name: bytes, known: _Seen) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(_WRITE_S, self._flush)
        self._waiting[name] = known

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = [(name, known.digest, known.until, known.answer) for name, known in self._waiting.items()]
        self._waiting = {}
        with contextlib.suppress(RuntimeError):  # closed meanwhile, and nothing is noted any more
            self._thread.submit(self._keep, rows)

    def _keep(self, rows: list[tuple[bytes, bytes, float, bytes | None]]) -> None:
        with contextlib.suppress(sqlite3.Error):  # decided in memory already; a full disk must not stop questions
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("REPLACE INTO seen_message VALUES (?, ?, ?, ?)", rows)
            self._writes += 1
            if self._writes % _SWEEP_EVERY == 0:
                self._connection.execute("DELETE FROM seen_message WHERE until <= ?", (self._now(),))
            self._connection.execute("COMMIT")
            return
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class SharedReplay:
    """What came to any process that shares a file.

    path: of the file.
    """

    def __init__(self, path: Path, window_s: float, now: Callable[[], float] = time.time) -> None:
        self._window_s, self._now = window_s, now
        self._count = 0
        # One thread: where another process is writing, this waits there, and the questions of this one go on.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._connection = _opened(path)
        self._here: MemoryReplay | None = None
        """What could not be noted for all."""

    async def first(self, sender: str, message_id: str, body: bytes) -> Again | None:
        """Note a message; see `ReplayGuard`."""
        name, digest = name_of(sender, message_id), digest_of(body)
        try:
            again = await asyncio.get_running_loop().run_in_executor(self._thread, self._first, name, digest)
        except sqlite3.Error as error:
            # The disk is full, and the journal stops answers for that; until then this process decides alone.
            if self._here is None:
                log.error("replay_not_shared", reason=type(error).__name__)
                self._here = MemoryReplay(self._window_s, self._now)
            again = None
        return await self._here.first(sender, message_id, body) if again is None and self._here else again

    async def answered(self, sender: str, message_id: str, answer: bytes) -> None:
        """Keep an acknowledgement; see `ReplayGuard`."""
        name = name_of(sender, message_id)
        with contextlib.suppress(sqlite3.Error):  # whoever sends it again is acknowledged by its own operation
            await asyncio.get_running_loop().run_in_executor(self._thread, self._answered, name, answer)

    def close(self) -> None:
        """Close the file."""
        self._thread.shutdown()
        self._connection.close()

    def _first(self, name: bytes, digest: bytes) -> Again | None:
        now = self._now()
        # INVARIANT: one statement looks and notes, so that two processes never both take a message for the first.
        noted = self._connection.execute(
            "INSERT INTO seen_message VALUES (?, ?, ?, NULL) ON CONFLICT (name) DO UPDATE "
            "SET digest = excluded.digest, until = excluded.until, answer = NULL WHERE until <= ?",
            (name, digest, now + self._window_s, now),
        )
        if noted.rowcount == 1:
            self._count += 1
            if self._count % _SWEEP_EVERY == 0:
                self._connection.execute("DELETE FROM seen_message WHERE until <= ?", (now,))
            return None
        found = self._connection.execute("SELECT digest, answer FROM seen_message WHERE name = ?", (name,)).fetchone()
        return Again(bytes(found[0]) == digest, found[1]) if found else Again(is_same=False, answer=None)

    def _answered(self, name: bytes, answer: bytes) -> None:
        self._connection.execute("UPDATE seen_message SET answer = ? WHERE name = ?", (answer, name))


def open_replay(stated: str, folder: Path, window_s: float, workers: int) -> ReplayGuard:
    """Return the guard that settings ask for.

    stated: a file, a PostgreSQL URL, `memory`, or nothing for `replay.db` in the folder.
    workers: how many processes share the port.
    """
    if stated == "memory":
        return MemoryReplay(window_s)
    if stated.startswith("postgresql"):
        from gateway.trust.replay_database import DatabaseReplay

        return DatabaseReplay(stated, window_s)
    path = Path(stated) if stated else folder / "replay.db"
    return SharedReplay(path, window_s) if workers > 1 else KeptReplay(path, window_s)


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=_TRIES_S, isolation_level=None, check_same_thread=False)
        for statement in _PREPARING:
            connection.execute(statement)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"{path}: cannot be used for replay protection ({type(error).__name__})") from error
    return connection


def name_of(sender: str, message_id: str) -> bytes:
    """Return what a message is kept by: a digest, because a sender may put anything into an id."""
    return hashlib.blake2b(f"{sender}\x00{message_id}".encode(), digest_size=16).digest()


def digest_of(body: bytes) -> bytes:
    """Return what two bodies are compared by."""
    return hashlib.blake2b(body, digest_size=16).digest()
