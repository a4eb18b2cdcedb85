"""Recall: the answer to a question that was answered before, while everything it was composed from still stands.

Composing costs more than everything else when the records are kept. So an answer that was composed from kept records
alone is remembered beside them, and falls with any of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date
from typing import Final, NamedTuple

import orjson

from gateway.ports import AnswerCache, JournalEntry
from gateway.settings import Consumer
from gateway.stages.gathered import Gathered
from standards.dci.search import IdQuery, SearchItem
from standards.household import SourceOutcome
from standards.permit import Permit

OVERHEAD_BYTES: Final = 6000
"""What an answer takes beside its text: its terms, its journal entry, what became of the sources."""


class Terms(NamedTuple):
    """Everything that an answer hangs on beside the question and the records it was composed from."""

    permit: Permit
    stamp: object
    """The consent ledger's, read before anybody's consent was."""
    silent: frozenset[str]
    """Registries that were known to be down: plans go around them."""
    day: date


class Remembered(NamedTuple):
    """An answered item, complete but for what is new about every message."""

    terms: Terms
    item: Mapping[str, object]
    """As `Responder.answered` built it; its `data` is text already."""
    entry: JournalEntry
    sources: Mapping[str, SourceOutcome]


class Recall:
    """Remembers answers, each under the question and the terms it was given under."""

    def __init__(self, answers: AnswerCache) -> None:
        self._answers = answers
        self.recalled = 0

    def find(self, consumer: Consumer, item: SearchItem, terms: Terms) -> Remembered | None:
        """Return the answer to the same question on the same terms, if there is one."""
        if not isinstance(item.query, IdQuery):
            return None
        known = self._answers.recall(_name(consumer, item))
        # INVARIANT: one person's answer is never another's, and revoked means revoked: consumer, purpose, subject and
        # form of the question are in the name; agreement, permit, everybody's consent and the day in the terms.
        if not isinstance(known, Remembered) or not _are_same(known.terms, terms):
            return None
        self.recalled += 1
        return known

    def keep(
        self, consumer: Consumer, item: SearchItem, remembered: Remembered, gathered: Gathered, size: int
    ) -> None:
        """Remember an answer about one subject, if it was composed from kept records alone.

        size: of its text, in bytes.
        """
        if not gathered.kept or remembered.terms.stamp is None or not isinstance(item.query, IdQuery):
            return
        name = _name(consumer, item)
        self._answers.remember(name, remembered, OVERHEAD_BYTES + size, gathered.kept, gathered.fresh_s)


def _are_same(one: Terms, other: Terms) -> bool:
    if one.stamp is None or (one.stamp, one.silent, one.day) != (other.stamp, other.silent, other.day):
        return False
    return one.permit == other.permit._replace(decided_at=one.permit.decided_at)


def _name(consumer: Consumer, item: SearchItem) -> Hashable:
    """Return everything that a consumer said in a question, but for its reference and its time."""
    said = tuple(value for field, value in zip(item._fields, item, strict=True) if field not in _SAID_APART)
    return (consumer.client_id, said, orjson.dumps((item.consent, item.authorize), option=orjson.OPT_SORT_KEYS))


_SAID_APART: Final = frozenset({"reference_id", "timestamp", "consent", "authorize"})
