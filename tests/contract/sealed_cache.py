"""A RecordCache whose far side sees nothing but sealed bytes under keyed digests: what Redis will be given."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.ports import GroupMember, Link, Record
from adapters.said import Said, Signed
from gateway.ports import Kept, Looked, RecordKey
from standards.identifiers import GROUP_TYPES, Identifier
from standards.states import UnavailableReason


class SealedCache:
    """Values in a plain dictionary of bytes, sets of names by tag, a counter: each a type that Redis has."""

    def __init__(self, key: bytes, monotonic: Callable[[], float]) -> None:
        self._secret, self._seal, self._monotonic = key, AESGCM(hashlib.sha256(key).digest()), monotonic
        self.far: dict[bytes, tuple[bytes, float]] = {}
        self.beside: dict[bytes, list[bytes]] = {}
        self.own: dict[bytes, set[bytes]] = {}
        self.named: dict[bytes, set[bytes]] = {}
        self.tags_of: dict[bytes, set[bytes]] = {}
        self.marks: dict[bytes, int] = {}
        self.generation = self.cleared = 0

    async def get_many(self, wanted: Sequence[tuple[RecordKey, frozenset[str]]]) -> Looked:
        found = []
        for key, names in wanted:
            kept = (self._kept(name) for name in reversed(self.beside.get(self._digest_of(key), [])))
            found.append(next((k for k in kept if k and (k.record is None or names <= k.names)), None))
        return Looked(found, self.generation)

    async def put_many(self, entries: Sequence[tuple[RecordKey, Kept, float]], since: int) -> None:
        for key, kept, lifetime_s in entries:
            own, named = self._tags(key.subject, kept.record)
            if since < self.cleared or any(self.marks.get(tag, -1) > since for tag in own | named):
                continue
            digest = self._digest_of(key)
            name = self._digest(digest.hex(), *sorted(kept.names))
            beside = self.beside.get(digest, [])
            stays = [other for other in beside if (k := self._kept(other)) and not _takes_the_place(kept, k)]
            for gone in set(beside) - set(stays):
                self.far.pop(gone, None)
            self.beside[digest] = [*stays, name]
            self.far[name] = (self._sealed(kept), self._monotonic() + lifetime_s)
            self.tags_of[name] = own
            for tag in own:
                self.own.setdefault(tag, set()).add(name)
            for tag in named:
                self.named.setdefault(tag, set()).add(name)

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        self.generation += 1
        names: set[bytes] = set()
        waiting = {self._digest(*i) for i in identifiers}
        seen: set[bytes] = set()
        while waiting:
            tag = waiting.pop()
            seen.add(tag)
            self.marks[tag] = self.generation
            for name in self.own.pop(tag, set()):
                names.add(name)
                waiting |= self.tags_of.get(name, set()) - seen
            names |= self.named.pop(tag, set())
        return sum(self.far.pop(name, None) is not None for name in names)

    async def clear(self) -> int:
        dropped = len(self.far)
        self.far.clear()
        self.generation += 1
        self.cleared = self.generation
        return dropped

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._secret, "\0".join(parts).encode(), "sha256")

    def _kept(self, name: bytes) -> Kept | None:
        sealed, until = self.far.get(name, (b"", 0.0))
        return self._opened(sealed) if until > self._monotonic() else None

    def _digest_of(self, key: RecordKey) -> bytes:
        return self._digest(key.source_id, key.lookup, key.edition, *key.subject)

    def _tags(self, subject: Identifier, record: Record | None) -> tuple[set[bytes], set[bytes]]:
        if record is None:
            return {self._digest(*subject)}, set()
        own = {tuple(subject), *_numbers(record.identifiers, *record.duplicates)}
        named = _numbers(*(m.identifiers for m in record.members), *(k.identifiers for k in record.links))
        return {self._digest(*n) for n in own}, {self._digest(*n) for n in named}

    def _sealed(self, kept: Kept) -> bytes:
        record = kept.record
        plain = orjson.dumps(
            {
                "names": sorted(kept.names),
                "retrieved_at": kept.retrieved_at,
                "said": [(one.digest.hex(), one.signed and tuple(one.signed)) for one in kept.said],
                "record": None if record is None else {**record._asdict(), "links": [k._asdict() for k in record.links], "members": [m._asdict() for m in record.members]},
            }
        )  # fmt: skip
        nonce = os.urandom(12)
        return nonce + self._seal.encrypt(nonce, plain, None)

    def _opened(self, sealed: bytes) -> Kept:
        stated = orjson.loads(self._seal.decrypt(sealed[:12], sealed[12:], None))
        record = stated["record"]
        if record is not None:
            record["links"] = tuple(Link(**k) for k in record["links"])
            record["members"] = tuple(GroupMember(**m) for m in record["members"])
            record["unusable"] = {name: UnavailableReason(why) for name, why in record["unusable"].items()}
            record["duplicates"] = tuple(record["duplicates"])
            record = Record(**record)
        said = tuple(
            Said(bytes.fromhex(digest), Signed(*signed) if signed else None) for digest, signed in stated["said"]
        )
        return Kept(record, frozenset(stated["names"]), datetime.fromisoformat(stated["retrieved_at"]), said)


def _takes_the_place(new: Kept, old: Kept) -> bool:
    return new.record is None or old.record is None or old.names <= new.names


def _numbers(*stated: Mapping[str, str]) -> set[tuple[str, str]]:
    return {number for numbers in stated for number in numbers.items() if number[0] not in GROUP_TYPES}
