"""What policy needs to be told: which agreements there are, and what people have decided."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from policies.agreement import Agreement, Consumer
    from policies.receipts import Consent, Receipt


class StandingKind(StrEnum):
    """What a person has decided about one purpose."""

    GRANTED = "granted"
    REFUSED = "refused"
    MISSING = "missing"


class Standing(NamedTuple):
    """Where one person stands on one purpose of one consumer, at one moment."""

    kind: StandingKind
    refused_sources: frozenset[str] = frozenset()
    """Sources that the person does not want asked, although the rest is granted."""
    receipt_id: str | None = None
    """The receipt that decided; None when there is none."""


class AgreementBook(Protocol):
    """Every version of every data-sharing agreement; read-only."""

    def versions(self, consumer_id: str) -> tuple[Agreement, ...]:
        """Return all versions of all agreements of a consumer, those that have ended included."""
        ...

    def in_force(self, consumer_id: str, on: date) -> Agreement | None:
        """Return the consumer's agreement that holds on a day; of several the one that started last."""
        ...

    def for_purpose(self, consumer_id: str, purpose: str, on: date) -> Agreement | None:
        """Return the one agreement that holds on a day and names the purpose."""
        ...

    def consumers(self) -> tuple[Consumer, ...]:
        """Return every consumer that has an agreement, as its newest version describes it."""
        ...


class ConsentLedger(Protocol):
    """What people have decided, read."""

    def stamp(self) -> object:
        """Return what is another thing after every decision that is recorded; None where that cannot be told at once."""
        ...

    async def standings(
        self, subjects: Sequence[Mapping[str, str]], purpose: str, consumer_id: str, at: datetime
    ) -> tuple[Standing, ...]:
        """Return where each person stands, in the order asked.

        subjects: for each person, the numbers known: identifier type -> value.
        """
        ...


class ConsentStore(ConsentLedger, Protocol):
    """What people have decided, read and written."""

    async def record(self, consent: Consent) -> str:
        """Keep one decision and return its receipt id; it counts from the next question on."""
        ...

    async def import_lines(self, lines: Iterable[str | bytes]) -> int:
        """Keep every decision of a file of JSON lines and return how many were new.

        The same file can be imported again without effect. Raises: ConfigurationError that names the wrong line;
        then none is kept.
        """
        ...

    async def receipts(self, subject: Mapping[str, str]) -> tuple[Receipt, ...]:
        """Return everything one person has decided, oldest first."""
        ...
