"""A journal on disk, written as the gateway does and tampered with as somebody with access to the file could."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.journal import CopyFile, Duties, SqlJournal, chained, examine, read, sqlite_url
from gateway.journal.checkpoints import key_id
from gateway.journal.keeper import Keeper
from gateway.journal.turns import Turns
from tests.builders import NOW, entry

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY.public_key()): KEY.public_key()}


class Disk:
    """A journal file, opened and tampered with by hand."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, sqlite_url(path)
        self.checkpoints = path.with_name("checkpoints.jsonl")
        self.copy = path.with_name("copy") / "journal.jsonl"

    async def write(self, *correlations: str) -> None:
        """Record one entry after another, from opening to closing."""
        journal = SqlJournal(self.url)
        journal.open()
        try:
            for correlation in correlations:
                await journal.record([entry(correlation=correlation)])
        finally:
            journal.close()

    def keeper(self, copy: CopyFile | None = None, **more: Any) -> Keeper:
        """A keeper that is made to look by hand."""
        duties = Duties(KEY, self.path.with_name("lock"), self.checkpoints, copy=copy, **more)
        return Keeper(self.url, duties, lambda: NOW)

    def keep(self, *, copy: bool = False) -> None:
        """Sign a checkpoint over what is there, and copy it if asked."""
        keeper = self.keeper(CopyFile(self.copy) if copy else None)
        keeper.start()
        keeper.stop()
        assert keeper.trouble is None

    def examine(self, *, file: bool = False, copy: bool = False) -> Any:
        """Verify with the public key."""
        return examine(self.url, KEYS, checkpoints=[self.checkpoints] if file else [], copy=self.copy if copy else None)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Do what somebody with access to the file could do."""
        connection = sqlite3.connect(self.path)
        with connection:
            rows = [row for statement in statements for row in connection.execute(statement)]
        connection.close()
        return rows

    def chain_anew(self) -> None:
        """Number the entries without gaps and make all hashes fit, as somebody who knows how it works could."""
        rows = self.run("SELECT entry FROM journal ORDER BY seq")
        connection = sqlite3.connect(self.path)
        with connection:
            connection.execute("DELETE FROM journal")
            last = "0" * 64
            for seq, (text,) in enumerate(rows, 1):
                previous, last = last, chained(seq, last, text)
                connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", (seq, text, previous, last))
        connection.close()

    @contextmanager
    def held(self, how: str = "database"):
        """Let nobody write for a while: another process has locked the database, or stopped in the middle of its turn."""
        if how == "turn":
            turns = Turns(self.path.with_name(f"{self.path.name}-turn"))
            with turns.mine():
                yield
            turns.close()
            return
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def correlations(self) -> list[str]:
        """What stands in it."""
        return [said["correlation"] for _, said in read(self.url)]

    def events(self) -> list[str]:
        """What became of every question."""
        return [said["event"] for _, said in read(self.url)]


@pytest.fixture
def disk(tmp_path) -> Disk:
    """A place for a journal."""
    return Disk(tmp_path / "journal.db")


@pytest.fixture
async def written(disk: Disk) -> Disk:
    """A journal of five entries, closed."""
    await disk.write(*"abcde")
    return disk
