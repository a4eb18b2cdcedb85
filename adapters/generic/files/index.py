"""One list, ready to be asked: sealed rows, found by keyed digests, in a private file that has no name."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.generic.files.spool import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Key = tuple[str, str]
    """Kind of a key (a type of number, a block of traits), and its value in normal form."""
    Keys = Callable[[Mapping[str, Any]], Iterable[Key]]
    """What a row is found by; for a lookup in which it states no number, the name of the lookup and `NAMELESS`."""

NAMELESS: Final = ""
"""No key's value: nothing that is looked for is empty."""

_DIGEST_BYTES: Final = 16
_CACHE_KIB: Final = 16_384
"""What of the file is in memory at most; a short list never gets to a disk."""
_AT_ONCE: Final = 2_000
"""Rows that are written together, and after which it is looked whether somebody wants the building to stop."""


class StoppedError(Exception):
    """The building was told to stop."""


class Index:
    """A list of which every row is found by its keys.

    # INVARIANT: neither a row nor a key is stored in clear; the keys to both are in the memory of this process alone.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._sealer, self._secret = Sealer(), secrets.token_bytes(32)
        # SQLite's temporary database: its file is removed from the folder as soon as it is made, if it is at all.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)")
        self._database.execute("CREATE TABLE keys (digest BLOB NOT NULL, row INTEGER NOT NULL)")
        self.rows = 0
        """How many there are."""
        self.nameless: Counter[str] = Counter()
        """Lookup -> how many of them state no number there."""

    def fill(self, rows: Iterable[Mapping[str, Any]], keys: Keys, is_stopped: Callable[[], bool]) -> None:
        """Take all rows of a list.

        Raises: StoppedError, and whatever `rows` and `keys` raise; the index is of no use then.
        """
        sealed: list[tuple[int, bytes]] = []
        digests: list[tuple[bytes, int]] = []
        self._database.execute("BEGIN")
        for row in rows:
            self.rows += 1
            content = orjson.dumps([row[name] for name in self._columns])
            sealed.append((self.rows, self._sealer.seal(self.rows, content)))
            for key in dict.fromkeys(keys(row)):
                if key[1] == NAMELESS:
                    self.nameless[key[0]] += 1
                else:
                    digests.append((self._digest(key), self.rows))
            if len(sealed) >= _AT_ONCE:
                self._put(sealed, digests)
                if is_stopped():
                    raise StoppedError
        self._put(sealed, digests)
        self._database.execute("CREATE INDEX by_digest ON keys (digest, row)")
        self._database.execute("COMMIT")

    def find(self, keys: Iterable[Key], most: int) -> list[list[tuple[int, dict[str, Any]]]]:
        """Return for each key its rows, in the order of the list, each with its place in it; at most so many."""
        found = []
        statement = "SELECT id, sealed FROM keys JOIN rows ON id = row WHERE digest = ? ORDER BY row LIMIT ?"
        for key in keys:
            sealed = self._database.execute(statement, (self._digest(key), most)).fetchall()
            found.append([(place, self._open(place, content)) for place, content in sealed])
        return found

    def close(self) -> None:
        """Let go of the list; what is left of its file cannot be read."""
        self._database.close()

    def _put(self, sealed: list[tuple[int, bytes]], digests: list[tuple[bytes, int]]) -> None:
        self._database.executemany("INSERT INTO rows VALUES (?, ?)", sealed)
        self._database.executemany("INSERT INTO keys VALUES (?, ?)", digests)
        sealed.clear()
        digests.clear()

    def _open(self, place: int, sealed: bytes) -> dict[str, Any]:
        values = orjson.loads(self._sealer.open(place, sealed))
        return dict(zip(self._columns, values, strict=True))

    def _digest(self, key: Key) -> bytes:
        said = f"{len(key[0])}:{key[0]}{key[1]}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, key=self._secret, digest_size=_DIGEST_BYTES).digest()
