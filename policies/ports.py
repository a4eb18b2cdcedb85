"""What policy needs to be told: which agreements there are, and what people have decided."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from policies.agreement import Agreement, Consumer
    from policies.receipts import Consent, Receipt
    from standards.identifiers import Identifier


class StandingKind(StrEnum):
    """What a person has decided about one purpose."""

    GRANTED = "granted"
    REFUSED = "refused"
    MISSING = "missing"
    ENDED = "ended"
    """Granted, and over by itself: the person has died, or a child whose guardian granted it has come of age."""
    OBJECTED = "objected"


class Standing(NamedTuple):
    """Where one person stands on one purpose of one consumer, at one moment."""

    kind: StandingKind
    refused_sources: frozenset[str] = frozenset()
    """Sources that the person does not want asked, although the rest is granted."""
    receipt_id: str | None = None
    """The receipt that decided; None when there is none."""
    refused_parts: frozenset[tuple[str | None, str]] = frozenset()
    """Attribute groups that the person keeps back, each with the one source it is kept back from, or None for all."""
    guardian: str | None = None
    """Pseudonym of the guardian who decided; None when the person did, or a proxy."""
    relation: str | None = None
    """What the guardian says to be to the person, DCI Relationship code."""
    giver_type: str | None = None
    """Of which type the guardian's number is."""
    keeping: tuple[str, ...] = ()
    """The receipts by which parts are kept back, by name; the one that decided is not among them."""
    is_objection: bool = False
    """It tells what the person objected to, and not what the person consented to."""

    @property
    def is_whole(self) -> bool:
        """Tell whether everything is granted, so that nothing that was permitted before is permitted no more."""
        return self.kind is StandingKind.GRANTED and not (self.refused_sources or self.refused_parts)


class AgreementBook(Protocol):
    """Every version of every data-sharing agreement; read-only."""

    @property
    def current(self) -> AgreementBook:
        """Return the agreements as they are now: a book that does not change, and another one once anything has."""
        ...

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

    def names(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keyed pseudonyms under which a person's decisions may stand, for the numbers known."""
        ...

    def carried(self, consent: Consent, name: str) -> Receipt:
        """Return the receipt of a decision that came with a question, and is not kept; name: the token's own."""
        ...

    async def standings(
        self, subjects: Sequence[Mapping[str, str]], purpose: str, consumer_id: str, at: datetime
    ) -> tuple[Standing, ...]:
        """Return where each person stands, in the order asked.

        subjects: for each person, the numbers known: identifier type -> value.
        """
        ...

    async def standings_under(
        self,
        people: Sequence[tuple[str, ...]],
        purpose: str,
        consumer_id: str,
        at: datetime,
        *,
        carried: Mapping[str, Sequence[Receipt]] = ...,
        objections: bool = False,
    ) -> tuple[Standing, ...]:
        """Return the same for people given by their pseudonyms.

        carried: pseudonym -> decisions that came with the question itself; they count as made before any other of
            their day.
        objections: tell who objected, instead of who consented.
        """
        ...

    def has_objections(self, purpose: str) -> bool:
        """Tell whether anybody has ever objected to a purpose; True where that cannot be told at once."""
        ...

    def stamp(self) -> object:
        """Return what is another thing once anybody has decided anything; None where that cannot be told at once."""
        ...


class ConsentStore(ConsentLedger, Protocol):
    """What people have decided, read and written. Nothing that is written is ever changed or removed."""

    async def record(self, consent: Consent, salt: str | None = None) -> str:
        """Keep one decision, signed, and return its receipt id; it counts from the next question on.

        salt: what the receipt's id is made from beside the decision; left out, it is drawn.
        Whoever keeps something that was read under the old terms learns of it: see `gone`.
        """
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

    async def signed(self, subject: Mapping[str, str]) -> tuple[str, ...]:
        """Return the signed receipts of everything one person has decided, oldest first."""
        ...

    async def find(self, receipt_id: str) -> tuple[Receipt, str] | None:
        """Return one receipt and its signed text, None when there is none of that name."""
        ...

    async def gone(self, after: int) -> tuple[int, tuple[Identifier, ...]]:
        """Return whose records must be forgotten because of what was recorded since, and where to go on from.

        after: what the last call returned; 0 for what is still remembered from before (an hour at least).
        """
        ...
