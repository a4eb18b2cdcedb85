"""The chain: an entry's canonical text, and the hash that ties it to the one before. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from gateway.ports import JournalEntry

GENESIS: Final = "0" * 64
"""What the first entry names as the hash before it."""


class Note(NamedTuple):
    """An entry about the journal itself, beside those of questions."""

    at: datetime
    event: str
    """`journal.searched` or `journal.resumed`; gateway/README.md lists them."""
    by: str
    """Account of the person who searched, or `gateway`."""
    subject: str
    """Keyed pseudonym of the person searched for; empty otherwise."""
    detail: dict[str, str]
    """What it is about: nothing personal."""


class Row(NamedTuple):
    """An entry as it is kept."""

    seq: int
    entry: str
    previous: str
    hash: str


def entry_text(entry: JournalEntry | Note) -> str:
    """Return an entry's canonical text: compact JSON, keys sorted, time in ISO 8601 with offset."""
    return orjson.dumps(entry._asdict(), option=orjson.OPT_SORT_KEYS).decode()


def digest_of(text: str) -> str:
    """Return the SHA-256 of an entry's text, which is all that the chain needs of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def linked(seq: int, previous: str, digest: str) -> str:
    """Return the hash of an entry: SHA-256 over its place, the hash before it and the digest of its text.

    Not over the text itself: whoever proves one entry shows of those after it no more than their digests.
    """
    return hashlib.sha256(f"{seq}\n{previous}\n{digest}".encode()).hexdigest()


def chained(seq: int, previous: str, text: str) -> str:
    """Return the hash of an entry by its text."""
    return linked(seq, previous, digest_of(text))


def follows(row: Row, seq: int, last: str) -> bool:
    """Tell whether an entry is the one that comes after `last`, at that place."""
    return row.seq == seq and row.previous == last and row.hash == chained(seq, last, row.entry)
