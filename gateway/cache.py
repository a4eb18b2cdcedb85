"""The brief cache in memory: source records by keyed digest, bounded in bytes, the least recently used go first."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from gateway.ports import Kept, RecordKey

OVERHEAD_BYTES = 600
"""What an entry costs beyond its text: keys, tuples, mappings (measured with tracemalloc, rounded up)."""


class _Entry(NamedTuple):
    kept: Kept
    until: float
    size: int


class MemoryCache:
    """Source records of one process.

    key: secret of at least 32 bytes; entries are found by HMAC only, so that no number stands in a key.
    max_bytes: bound on the estimated size of everything kept; 0 keeps nothing.
    """

    def __init__(self, key: bytes, max_bytes: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._key, self._max_bytes, self._monotonic = key, max_bytes, monotonic
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0

    async def get_many(self, keys: Sequence[RecordKey]) -> list[Kept | None]:
        """Return what is kept for each key, None for what is not or no longer."""
        now = self._monotonic()
        found: list[Kept | None] = []
        for key in keys:
            name = self._name(key)
            entry = self._entries.get(name)
            if entry is not None and entry.until <= now:
                self._drop(name)
                entry = None
            if entry is not None:
                self._entries.move_to_end(name)
            found.append(entry.kept if entry else None)
        return found

    async def put_many(self, entries: Sequence[tuple[RecordKey, Kept]], lifetime_s: float) -> None:
        """Keep records for `lifetime_s` seconds, and let go of the least used beyond the bound."""
        until = self._monotonic() + lifetime_s
        for key, kept in entries:
            name = self._name(key)
            self._drop(name)
            size = OVERHEAD_BYTES + len(orjson.dumps(kept.record.values)) if kept.record else OVERHEAD_BYTES
            self._entries[name] = _Entry(kept, until, size)
            self._bytes += size
        while self._bytes > self._max_bytes and self._entries:
            self._drop(next(iter(self._entries)))

    async def clear(self) -> int:
        """Drop everything; return how many records were dropped."""
        dropped = len(self._entries)
        self._entries.clear()
        self._bytes = 0
        return dropped

    def __len__(self) -> int:
        """Return how many records are kept, those past their life included until they are looked at."""
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Return the estimated size of everything kept, in bytes."""
        return self._bytes

    def _name(self, key: RecordKey) -> bytes:
        text = "\x00".join((key.source_id, key.lookup, *key.subject))
        return hmac.digest(self._key, text.encode(), hashlib.sha256)

    def _drop(self, name: bytes) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._bytes -= entry.size
