"""Claims: which source's word settles an attribute, and which words disagree with it. Pure.

Units and codes are the catalogue's by the time they come here: adapters convert. What is compared is the meaning, not
the writing: a name in other case, with other spaces or without its accents is the same name; another spelling is not.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import orjson

from standards.attributes import AttributeDefinition, ValueType
from standards.states import Conflict, JsonValue, Value

_TEXTS: Final = frozenset({ValueType.STRING})
_UNORDERED: Final = frozenset({ValueType.LIST, ValueType.CODES})
_DECIMALS: Final = 6
"""Places after the point beyond which two decimals are the same: conversion of units leaves such dust."""


class Weighing(NamedTuple):
    """How the claims about one attribute are compared and weighed."""

    type: ValueType = ValueType.IDENTIFIER
    fresher_wins_after_days: int | None = None

    @classmethod
    def of(cls, definition: AttributeDefinition) -> Weighing:
        """Return what the catalogue declares."""
        return cls(definition.type, definition.fresher_wins_after_days)

    def settle(self, claims: Sequence[Value]) -> Value | Conflict:
        """Return the claim that settles the attribute; those that disagree with it stay as evidence, none is dropped.

        claims: at least one, the most authoritative source's first. A later one wins over an earlier one only where
        the catalogue lets freshness weigh, and both say as of when they hold.
        """
        best = claims[0]
        if len(claims) == 1:
            return best
        if self.fresher_wins_after_days is not None:
            for claim in claims[1:]:
                if self._is_fresher(claim, best, self.fresher_wins_after_days):
                    best = claim
        meant = self._meaning(best.value)
        differing = tuple(
            c for c in claims if c is not best and c.value != best.value and self._meaning(c.value) != meant
        )
        return Conflict(best, differing) if differing else best

    def may_be_outdone(self, best: Value, today: date) -> bool:
        """Tell whether the word of a lesser source, whatever it is, could still settle the attribute."""
        held = _day(best)
        return (
            self.fresher_wins_after_days is not None
            and held is not None
            and (today - held).days >= self.fresher_wins_after_days
        )

    @staticmethod
    def _is_fresher(claim: Value, best: Value, days: int) -> bool:
        newer, older = _day(claim), _day(best)
        return newer is not None and older is not None and (newer - older).days >= days

    def _meaning(self, value: JsonValue) -> JsonValue:
        """Return what a value says, however it is written."""
        if self.type in _TEXTS and isinstance(value, str):
            return _plain(value)
        if self.type is ValueType.DECIMAL and isinstance(value, int | float):
            return round(float(value), _DECIMALS)
        if self.type in _UNORDERED and isinstance(value, list):
            return sorted(
                _plain(v) if isinstance(v, str) else repr(orjson.dumps(v, option=orjson.OPT_SORT_KEYS)) for v in value
            )
        return value


def _plain(text: str) -> str:
    """Return a text without case, accents and superfluous spaces."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(text.casefold().split())


def _day(claim: Value) -> date | None:
    """Return the day as of which a claim holds; None where its source does not say."""
    try:
        return date.fromisoformat((claim.provenance.as_of or "")[:10])
    except ValueError:
        return None
