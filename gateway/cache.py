"""The brief cache in memory: source records by keyed digest, and answers beside the records that they rest on.

Bounded in bytes; the least recently used go first.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from adapters.ports import Record
from gateway.ports import AnswerKey, Kept, Looked, RecordKey
from standards.identifiers import GROUP_TYPES, Identifier

ENTRY_BYTES: Final = 890
"""What an entry costs that holds no record: keys, tags, times, digests. This and the next are measured with
tracemalloc."""
RECORD_BYTES: Final = 340
IDENTIFIER_BYTES: Final = 150
VALUE_BYTES: Final = 75
"""What a value costs beyond its text."""
PERSON_BYTES: Final = 650
"""What a further person named in a record costs: a member, or next of kin."""
MARK_S: Final = 600.0
"""For how long it is remembered that somebody was forgotten: longer than any call may be under way, in seconds."""
MOST_MARKS: Final = 100_000
"""Of so many numbers at most; before the oldest of them, everybody counts as forgotten."""
MOST_BESIDE: Final = 8
"""Records of one person, asked for other attributes each, that are kept side by side: a look tries one by one."""

TOUCH_S: Final = 1.0
"""How often an answer in use keeps its records from being the least recently used, in seconds."""
SWEEP_S: Final = 5.0
"""How often to call `sweep`: so much longer than its life may a record be held that nobody asks for, in seconds."""

Tag = int
"""Stands for one number of a person. Python's hash of a text is keyed anew in every process, so that no number
stands in a tag; two numbers with one tag would only make a record be forgotten too early."""

Name = tuple[bytes, Hashable]
"""A keyed digest, and the attributes that a record was asked for, or the question that an answer is for."""


class _Entry(NamedTuple):
    what: Kept | _Answer
    until: float
    size: int
    tags: tuple[Tag, ...]
    """Of its subject's own numbers, then of everybody else whom it names."""
    own: int
    """How many of the tags are of the subject's own numbers."""


class _Answer:
    """An answer, with the names of the records that it was composed from."""

    __slots__ = ("rests_on", "touched", "what")

    def __init__(self, what: object, rests_on: Sequence[Name], touched: float) -> None:
        self.what, self.rests_on, self.touched = what, rests_on, touched


class MemoryCache:
    """Source records of one process, and the answers composed from them.

    key: secret of at least 32 bytes; entries are found by keyed digest only, so that no number stands in a key.
    max_bytes: bound on the estimated size of everything kept; 0 keeps nothing.
    """

    def __init__(self, key: bytes, max_bytes: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes, self._monotonic = max_bytes, monotonic
        self._digest = hashlib.blake2b(key=key[:64], digest_size=16)
        self._entries: OrderedDict[Name, _Entry] = OrderedDict()
        self._beside: dict[bytes, tuple[Name, ...]] = {}
        self._resting: dict[Name, set[Name]] = {}
        self._records = 0
        self._tagged: dict[Tag, Name | set[Name]] = {}
        self._ends: dict[int, set[Name]] = {}
        self._bytes = 0
        self._generation = 0
        self._cleared = 0
        self._marks: OrderedDict[Tag, tuple[int, float]] = OrderedDict()

    async def get_many(self, wanted: Sequence[tuple[RecordKey, frozenset[str]]]) -> Looked:
        """Return what is kept for each key and covers the names, None for what is not or no longer."""
        now = self._monotonic()
        return Looked([self._get(self._digest_of(key), names, now) for key, names in wanted], self._generation)

    def _get(self, digest: bytes, names: frozenset[str], now: float) -> Kept | None:
        for name in reversed(self._beside.get(digest, ())):
            entry = self._entries[name]
            kept: Kept = entry.what  # type: ignore[assignment] # beside each other are records only
            if entry.until <= now:
                self._drop(name)
            elif kept.record is None or names <= kept.names:
                self._entries.move_to_end(name)
                return kept
        return None

    async def put_many(self, entries: Sequence[tuple[RecordKey, Kept, float]], since: int) -> None:
        """Keep records, and let go of the least used beyond the bound."""
        if since < self._cleared or not self.max_bytes:
            return
        now = self._monotonic()
        for key, kept, lifetime_s in entries:
            tags, own = _tags(key.subject, kept.record)
            # INVARIANT: nothing is kept of a person that was asked for before the person was forgotten.
            if self._marks and any(self._marks.get(tag, _UNMARKED)[0] > since for tag in tags):
                continue
            digest = self._digest_of(key)
            name = digest, kept.names
            if digest in self._beside:
                self._replace(digest, kept)
            self._keep(name, _Entry(kept, now + lifetime_s, _size(kept.record), tags, own))
            self._beside[digest] = (*self._beside.get(digest, ()), name)
            self._records += 1
            for tag in tags:
                if (tagged := self._tagged.get(tag)) is None:
                    self._tagged[tag] = name
                elif isinstance(tagged, set):
                    tagged.add(name)
                else:
                    self._tagged[tag] = {tagged, name}
        self._make_room()

    def _replace(self, digest: bytes, by: Kept) -> None:
        """Drop what a newer record leaves nothing of; and the oldest, where there would be too many."""
        beside = self._beside[digest]
        for name in beside:
            kept: Kept = self._entries[name].what  # type: ignore[assignment] # beside each other are records only
            if kept.record is None or by.record is None or kept.names <= by.names:
                self._drop(name)
        if len(self._beside.get(digest, ())) == MOST_BESIDE:
            self._drop(beside[0])

    def remember(
        self,
        key: AnswerKey,
        answer: object,
        size: int,
        rests_on: Sequence[tuple[RecordKey, Kept]],
        lifetime_s: float,
    ) -> None:
        """Keep an answer, unless one of the records it rests on is gone already."""
        now, names = self._monotonic(), []
        until = now + lifetime_s
        for record, kept in rests_on:
            of = self._digest_of(record), kept.names
            entry = self._entries.get(of)
            if entry is None or entry.what is not kept:
                return
            until = min(until, entry.until)
            names.append(of)
        name = self._answer_name(key)
        self._drop(name)
        self._keep(name, _Entry(_Answer(answer, names, now), until, size, (), 0))
        for of in names:
            self._resting.setdefault(of, set()).add(name)
        self._make_room()

    def recall(self, key: AnswerKey) -> object | None:
        """Return the answer that is kept by that; None when there is none, or none any more."""
        name = self._answer_name(key)
        entry = self._entries.get(name)
        if entry is None or not isinstance(answer := entry.what, _Answer):
            return None
        now = self._monotonic()
        if entry.until <= now:
            self._drop(name)
            return None
        if now - answer.touched > TOUCH_S:
            answer.touched = now
            for used in (*answer.rests_on, name):
                self._entries.move_to_end(used)
        return answer.what

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        """Drop every record of one person, at once."""
        now = self._monotonic()
        self._generation += 1
        while self._marks and next(iter(self._marks.values()))[1] <= now:
            self._marks.popitem(last=False)
        dropped = 0
        waiting = [hash(i) for i in identifiers]
        seen = set(waiting)
        while waiting:
            tag = waiting.pop()
            self._marks[tag] = (self._generation, now + MARK_S)
            self._marks.move_to_end(tag)
            tagged = self._tagged.get(tag, set())
            for name in tuple(tagged) if isinstance(tagged, set) else (tagged,):
                entry = self._entries[name]
                if tag in entry.tags[: entry.own]:
                    further = [t for t in entry.tags[: entry.own] if t not in seen]
                    seen.update(further)
                    waiting += further
                self._drop(name)
                dropped += 1
        while len(self._marks) > MOST_MARKS:
            _, (self._cleared, _) = self._marks.popitem(last=False)
        return dropped

    async def clear(self) -> int:
        """Drop everything; return how many records were dropped."""
        dropped = self._records
        self._entries.clear()
        self._beside.clear()
        self._resting.clear()
        self._records = 0
        self._tagged.clear()
        self._ends.clear()
        self._marks.clear()
        self._bytes = 0
        self._generation += 1
        self._cleared = self._generation
        return dropped

    def sweep(self) -> None:
        """Drop every record past its life: nothing is held longer because nobody asks for it."""
        now = self._monotonic()
        for end in [end for end in self._ends if (end + 1) * SWEEP_S <= now]:
            for name in self._ends.pop(end, ()):
                self._drop(name)

    def __len__(self) -> int:
        """Return how many records are kept."""
        return self._records

    @property
    def size_bytes(self) -> int:
        """Return the estimated size of everything kept, in bytes."""
        return self._bytes

    def _digest_of(self, key: RecordKey) -> bytes:
        source_id, lookup, (type_, value), edition = key
        digest = self._digest.copy()
        digest.update(f"{source_id}\0{lookup}\0{edition}\0{type_}\0{value}".encode())
        return digest.digest()

    def _answer_name(self, key: AnswerKey) -> Name:
        return self._digest_of(RecordKey("", "", key.subject)), key.question

    def _keep(self, name: Name, entry: _Entry) -> None:
        self._entries[name] = entry
        end = int(entry.until // SWEEP_S)
        if (ending := self._ends.get(end)) is None:
            self._ends[end] = {name}
        else:
            ending.add(name)
        self._bytes += entry.size

    def _make_room(self) -> None:
        while self._bytes > self.max_bytes and self._entries:
            self._drop(next(iter(self._entries)))

    def _drop(self, name: Name) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        self._bytes -= entry.size
        end = int(entry.until // SWEEP_S)
        if (ending := self._ends.get(end)) is not None:
            ending.discard(name)
            if not ending:
                del self._ends[end]
        if isinstance(entry.what, _Answer):
            for of in entry.what.rests_on:
                resting = self._resting.get(of, set())
                resting.discard(name)
                if not resting:
                    self._resting.pop(of, None)
            return
        self._records -= 1
        # INVARIANT: no answer outlives a record that it was composed from.
        for answer in self._resting.pop(name, ()):
            self._drop(answer)
        if len(beside := self._beside[name[0]]) > 1:
            self._beside[name[0]] = tuple(other for other in beside if other != name)
        else:
            del self._beside[name[0]]
        for tag in entry.tags:
            tagged = self._tagged[tag]
            if isinstance(tagged, set) and len(tagged) > 1:
                tagged.remove(name)
            else:
                del self._tagged[tag]


_UNMARKED: Final = (-1, 0.0)


def _tags(subject: Identifier, record: Record | None) -> tuple[tuple[Tag, ...], int]:
    """Return the tags of a record, and how many of them stand for its subject's own numbers.

    A second number of the subject is an own one: that the two are one person is the registry's word.
    """
    if record is None:
        return (hash(subject),), 1
    own = {hash(subject): None}
    _tag(record.identifiers, own)
    for numbers in record.duplicates:
        _tag(numbers, own)
    if not record.members and not record.links:
        return tuple(own), len(own)
    named = dict(own)
    for member in record.members:
        _tag(member.identifiers, named)
    for link in record.links:
        _tag(link.identifiers, named)
    return tuple(named), len(own)


def _tag(numbers: Mapping[str, str], into: dict[Tag, None]) -> None:
    for number in numbers.items():
        if number[0] not in GROUP_TYPES:
            into[hash(number)] = None  # a plain pair has the hash of an Identifier


def _size(record: Record | None) -> int:
    """Return the estimated size of an entry in memory; every value is parted from the next by one sign."""
    if record is None:
        return ENTRY_BYTES
    text = orjson.dumps(record.values)
    named = len(record.members) + len(record.links) + len(record.duplicates)
    return (
        ENTRY_BYTES
        + RECORD_BYTES
        + IDENTIFIER_BYTES * len(record.identifiers)
        + len(text)
        + VALUE_BYTES * (text.count(b",") + text.count(b"["))
        + PERSON_BYTES * named
    )
