"""Names for pairs of a person and somebody in a registry: keyed digests, from which nobody is found."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import orjson

from standards.identifiers import SHARED_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.ports import Candidate
    from gateway.linkage.judging import Known
    from standards.identifiers import Identifier


class Handle(NamedTuple):
    """One pair under one of the person's numbers."""

    person: str
    pair: str


class Handles:
    """Names pairs, the same pair always the same.

    key: 32 bytes, for this use alone.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def persons(self, source_id: str, known: Known) -> tuple[str, ...]:
        """Return the names of a person before a registry, one for each number: a later question may know others."""
        return tuple(self._digest("person", source_id, text) for text in _of_person(known))

    def named(self, source_id: str, number: Identifier) -> str:
        """Return the name of whoever has a number, before a registry."""
        return self._digest("person", source_id, *_own({number.type: number.value}))

    def pairs(self, source_id: str, known: Known, candidate: Candidate) -> tuple[Handle, ...]:
        """Return the names of a pair: every number of the one with every number of the other."""
        return tuple(
            Handle(self._digest("person", source_id, person), self._digest("pair", source_id, person, other))
            for person in _of_person(known)
            for other in _own(candidate.identifiers)
        )

    def _digest(self, *parts: str) -> str:
        # JSON keeps the parts apart, whatever stands in them.
        return hashlib.blake2b(orjson.dumps(parts), digest_size=16, key=self._key).hexdigest()


def _of_person(known: Known) -> list[str]:
    """Return the person's own numbers as texts; of somebody without any, everything that is known instead."""
    numbers = {kind: value for kind, value in known.identifiers.items() if kind not in SHARED_TYPES}
    return _own(numbers) or [orjson.dumps(dict(known.traits), option=orjson.OPT_SORT_KEYS).decode()]


def _own(identifiers: Mapping[str, str]) -> list[str]:
    return sorted(f"{kind}={value}" for kind, value in identifiers.items())
