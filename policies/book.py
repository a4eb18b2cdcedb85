"""The agreements of a programme, by the day and by the purpose: read-only, and free of contradictions."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from policies.agreement import Agreement, Consumer, in_force
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


class AgreementSet:
    """Agreements by consumer. Read-only; a change makes a new set, which replaces the old one whole."""

    def __init__(self, agreements: Iterable[Agreement]) -> None:
        """Index the agreements.

        Raises: ConfigurationError when a version is there twice, when two consumers share a name, or when two
            agreements of a consumer cover one purpose on the same day.
        """
        self.agreements = tuple(sorted(agreements, key=lambda a: (a.id, a.order)))
        _refuse_contradictions(self.agreements)
        self._of_consumer: dict[str, tuple[Agreement, ...]] = {}
        for agreement in self.agreements:
            known = self._of_consumer.get(agreement.consumer.id, ())
            self._of_consumer[agreement.consumer.id] = (*known, agreement)

    @property
    def current(self) -> AgreementSet:
        """Return this set: it never changes."""
        return self

    def versions(self, consumer_id: str) -> tuple[Agreement, ...]:
        """Return all versions of all agreements of a consumer, those that have ended included."""
        return self._of_consumer.get(consumer_id, ())

    def in_force(self, consumer_id: str, on: date) -> Agreement | None:
        """Return the consumer's agreement that holds on a day; of several the one that started last."""
        return max(in_force(self.versions(consumer_id), on), key=lambda a: (a.start, a.id), default=None)

    def for_purpose(self, consumer_id: str, purpose: str, on: date) -> Agreement | None:
        """Return the one agreement that holds on a day and names the purpose."""
        return next((a for a in in_force(self.versions(consumer_id), on) if purpose in a.purposes), None)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return every consumer that has an agreement, as its newest version describes it."""
        return tuple(
            max(versions, key=lambda a: (a.start, a.order)).consumer for versions in self._of_consumer.values()
        )


def _refuse_contradictions(agreements: tuple[Agreement, ...]) -> None:
    known: set[tuple[str, str]] = set()
    for agreement in agreements:
        if (agreement.id, agreement.version) in known:
            raise ConfigurationError(f"agreement {agreement.id} {agreement.version} is there twice: remove one file")
        known.add((agreement.id, agreement.version))
    for one, other in combinations(agreements, 2):
        if one.id == other.id and one.consumer.id != other.consumer.id:
            raise ConfigurationError(
                f"agreement {one.id} changes its consumer: give the new one an agreement id of its own"
            )
        for key in ("client_id", "sender_id"):
            same = getattr(one.consumer, key) == getattr(other.consumer, key)
            if same and one.consumer.id != other.consumer.id:
                raise ConfigurationError(f"agreements {one.id} and {other.id} give one {key} to two consumers")
    for one, other in combinations(agreements, 2):
        if one.id == other.id or one.consumer.id != other.consumer.id:
            continue
        start = max(one.start, other.start)
        if start <= min(_last_day(one, agreements), _last_day(other, agreements)):
            for purpose in sorted(one.purposes.keys() & other.purposes.keys()):
                raise ConfigurationError(
                    f"agreements {one.id} {one.version} and {other.id} {other.version} both cover the purpose "
                    f"{purpose} on {start}: end one of them before the other starts"
                )


def _last_day(agreement: Agreement, agreements: Iterable[Agreement]) -> date:
    """Return the last day on which this version counts: the day before a newer one starts, if that is earlier."""
    newer = (a.start for a in agreements if a.id == agreement.id and a.order > agreement.order)
    return min(agreement.end, min(newer, default=date.max) - timedelta(days=1))
