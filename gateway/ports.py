"""What the application needs from outside itself: a brief cache, a journal, a clock.

Each port has an in-memory version, and both versions pass one contract test.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from adapters.ports import Record
from standards.identifiers import Identifier


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Return now, with offset."""
        ...


class RecordKey(NamedTuple):
    """What one source record is kept by. Implementations store a keyed digest of it, never the key."""

    source_id: str
    lookup: str
    subject: Identifier


class Kept(NamedTuple):
    """One source record as it was fetched; `record` is None when the registry held nobody by that number."""

    record: Record | None
    names: frozenset[str]
    """Attributes it was asked for; it may serve only questions that need no others."""
    retrieved_at: datetime


class RecordCache(Protocol):
    """Source records, briefly. Shared between consumers, because it holds them as they were before minimisation."""

    async def get_many(self, keys: Sequence[RecordKey]) -> list[Kept | None]:
        """Return what is kept, in the order of the keys; None for what is not."""
        ...

    async def put_many(self, entries: Sequence[tuple[RecordKey, Kept]], lifetime_s: float) -> None:
        """Keep records for `lifetime_s` seconds at most."""
        ...

    async def clear(self) -> int:
        """Drop everything; return how many records were dropped."""
        ...


class JournalEntry(NamedTuple):
    """One answered or refused question. No personal value: people are keyed pseudonyms, texts are ours."""

    at: datetime
    event: str
    """`search.answered`, `search.denied`, `search.rejected`; see the table in gateway/README.md."""
    consumer: str
    purpose: str
    """Its code; a keyed digest when no agreement of the consumer names it."""
    agreement: str
    """Id and version, `uct@1.0`; empty when none applies."""
    subject: str
    """Keyed pseudonym of the identifier asked about; empty for a search without one."""
    members: tuple[str, ...]
    """Keyed pseudonyms of everyone whose record was part of the answer."""
    transaction: str
    """Keyed digest of the transaction id: a consumer may put anything into one."""
    correlation: str
    """Our own handle of the transaction."""
    released: tuple[str, ...]
    """Names of the attributes that left with a value, in any form."""
    plan: str
    outcomes: dict[str, str]
    """Registry -> what became of it."""
    answer_digest: str
    """SHA-256 of the answered item as sent, in hex."""


class Journal(Protocol):
    """The append-only record of what was asked and answered."""

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Return when every entry is durable.

        Raises: JournalError when they cannot be made so; then nothing may be answered.
        """
        ...
