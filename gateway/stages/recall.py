"""Recall: the answer to a question that was answered before, while everything it was composed from still stands.

Composing costs more than everything else when the records are kept. So an answer that was composed from kept records
alone is remembered beside them, and falls with any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from gateway.ports import AnswerCache, AnswerKey, JournalEntry
from gateway.settings import Consumer
from gateway.stages.gathered import Gathered
from policies.carried import tokens_of
from standards.dci.search import IdQuery, SearchItem
from standards.household import SourceOutcome
from standards.permit import Permit

OVERHEAD_BYTES: Final = 10_000
"""What an answer takes beside its text: its terms, its journal entry, what became of the sources."""


class Terms(NamedTuple):
    """Everything that an answer hangs on beside the question and the records it was composed from."""

    permit: Permit
    stamp: object
    """The consent ledger's, read before anybody's consent was."""
    silent: frozenset[str]
    """Registries that were known to be down: plans go around them."""
    day: date
    emergencies: tuple[object, ...] = ()
    """Those that count for the programme, as they were declared."""


class Remembered(NamedTuple):
    """An answered item, complete but for what is new about every message."""

    terms: Terms
    item: Mapping[str, object]
    """As `Responder.answered` built it; its `data` is text already."""
    entry: JournalEntry
    sources: Mapping[str, SourceOutcome]


class Recall:
    """Remembers answers, each under the question and the terms it was given under.

    lineup: name of the registries that they are composed from; an answer of others is never given again for them.
    """

    def __init__(self, answers: AnswerCache, lineup: str = "") -> None:
        self._answers, self._lineup = answers, lineup
        self.recalled = 0

    def find(self, consumer: Consumer, item: SearchItem, terms: Terms) -> Remembered | None:
        """Return the answer to the same question on the same terms, if there is one."""
        if not isinstance(item.query, IdQuery) or tokens_of(item.consent, item.authorize):
            return None  # what a question carries of consent is weighed anew
        known = self._answers.recall(self._key(consumer, item, item.query))
        # INVARIANT: one person's answer is never another's, and revoked means revoked: consumer, purpose, subject and
        # form of the question are in the name; agreement, permit, everybody's consent and the day in the terms.
        if not isinstance(known, Remembered) or not _are_same(known.terms, terms):
            return None
        self.recalled += 1
        return known

    def keep(self, consumer: Consumer, item: SearchItem, remembered: Remembered, gathered: Gathered, size: int) -> None:
        """Remember an answer about one subject, if it was composed from kept records alone.

        size: of its text, in bytes.
        """
        if not gathered.kept or remembered.terms.stamp is None or not isinstance(item.query, IdQuery):
            return
        key = self._key(consumer, item, item.query)
        self._answers.remember(key, remembered, OVERHEAD_BYTES + size, gathered.kept, gathered.fresh_s)

    def _key(self, consumer: Consumer, item: SearchItem, query: IdQuery) -> AnswerKey:
        """Return whom a question is about, and everything else it says.

        But for its reference and its times, and for what it says of its basis: the purpose has a place of its own, and
        tokens keep it from being recalled.
        """
        said = tuple(value for field, value in zip(item._fields, item, strict=True) if field not in _SAID_APART)
        return AnswerKey(query.identifier, (consumer.client_id, self._lineup, said))


def _are_same(one: Terms, other: Terms) -> bool:
    return one.stamp is not None and one == other._replace(
        permit=other.permit._replace(decided_at=one.permit.decided_at)
    )


_SAID_APART: Final = frozenset({"reference_id", "timestamp", "query", "consent", "authorize"})
