"""Consent receipts: one person's decision about one purpose, and what all of a person's decisions amount to."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from policies.ports import Standing, StandingKind
from standards.errors import ConfigurationError
from standards.identifiers import GROUP_TYPES, MRN, Identifier, identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NOT_PERSONAL: Final = frozenset({MRN, *GROUP_TYPES})
"""Numbers of more than one person: a marriage has two spouses. Nobody's decision counts under them."""


class Decision(StrEnum):
    """What was decided."""

    GRANTED = "granted"
    REFUSED = "refused"


class Consent(NamedTuple):
    """One decision, as it is given."""

    subject: Identifier
    """Whom it is about."""
    purpose: str
    decision: Decision
    given_by: Identifier
    """Who decided: the person, or a guardian."""
    given_on: date
    sources: frozenset[str] | None = None
    """Sources it is about; None means all of them."""
    until: date | None = None
    """Last day on which a grant holds; a refusal holds until the person decides otherwise."""
    consumer_id: str | None = None
    """Consumer it is about; None means whoever asks for this purpose."""


class Receipt(NamedTuple):
    """One decision, as it is kept: people stand in it under a keyed pseudonym only."""

    receipt_id: str
    person: str
    purpose: str
    consumer_id: str | None
    decision: Decision
    sources: frozenset[str] | None
    given_by: str
    given_on: date
    until: date | None


class Pseudonyms:
    """Keyed names for people: equal for equal numbers, and of no use to whoever lacks the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Take the secret key, 32 bytes or more.

        Raises: ConfigurationError when the key is shorter.
        """
        if len(key) < 32:
            raise ConfigurationError("the key of the consent ledger is too short: it needs 32 bytes or more")
        self._key = key

    def of(self, subject: Identifier) -> str:
        """Return the pseudonym of one number."""
        return self._digest("person", subject.type, subject.value)

    def of_person(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the pseudonyms under which a person's decisions may stand, one for each personal number."""
        normal = (identifier(type_, value) for type_, value in numbers.items() if type_ and value)
        return tuple(self.of(number) for number in normal if number.type not in _NOT_PERSONAL)

    def receipt(self, consent: Consent, salt: str) -> Receipt:
        """Return the receipt of a decision; the same decision with the same salt has the same id."""
        person, giver = self.of(consent.subject), self.of(consent.given_by)
        sources = "*" if consent.sources is None else ",".join(sorted(consent.sources))
        told = (consent.purpose, consent.consumer_id or "*", consent.decision, sources)
        dates = (consent.given_on.isoformat(), consent.until.isoformat() if consent.until else "*")
        return Receipt(
            receipt_id="cr-" + self._digest("receipt", salt, person, giver, *told, *dates)[:32],
            person=person,
            purpose=consent.purpose,
            consumer_id=consent.consumer_id,
            decision=consent.decision,
            sources=consent.sources,
            given_by=giver,
            given_on=consent.given_on,
            until=consent.until,
        )

    def _digest(self, *parts: str) -> str:
        return hmac.digest(self._key, orjson.dumps(parts), hashlib.sha256).hex()


def standing_of(receipts: Iterable[Receipt], consumer_id: str, at: date) -> Standing:
    """Return what one person's decisions about one purpose amount to on a day.

    receipts: in the order in which they were recorded. The newest decision wins, for everything and for each
    source. A refusal of single sources leaves the rest; alone, it says that the rest was granted. A grant counts
    from its first day to its last; a refusal counts at once, and until the person decides otherwise.
    """
    # Sorting is stable: of the decisions of one day, the one recorded last is the newest.
    relevant = sorted((r for r in receipts if r.consumer_id in {None, consumer_id}), key=lambda r: r.given_on)
    whole: Receipt | None = None
    parts: dict[str, Receipt] = {}
    for receipt in relevant:
        if receipt.decision is Decision.GRANTED and receipt.given_on > at:
            continue
        if receipt.sources is None:
            whole, parts = receipt, {}
        else:
            parts |= dict.fromkeys(receipt.sources, receipt)
    if whole is not None:
        kind = _kind(whole.decision, whole, at)
    else:
        # INVARIANT: a refusal of single sources may stand for a grant of the rest, a grant of single ones never.
        partial = [r for r in relevant if r.decision is Decision.REFUSED and r.given_on <= at]
        if not partial:
            return Standing(StandingKind.MISSING)
        whole = partial[-1]
        kind = _kind(Decision.GRANTED, whole, at)
    if kind is not StandingKind.GRANTED:
        return Standing(kind, receipt_id=whole.receipt_id)
    # INVARIANT: a grant of single sources ends on its last day, as any other; what it has ended for is not asked.
    refused = frozenset(source for source, r in parts.items() if _kind(r.decision, r, at) is not StandingKind.GRANTED)
    return Standing(kind, refused, whole.receipt_id)


def _kind(decision: Decision, receipt: Receipt, at: date) -> StandingKind:
    if decision is Decision.REFUSED:
        return StandingKind.REFUSED
    expired = receipt.until is not None and receipt.until < at
    return StandingKind.MISSING if expired else StandingKind.GRANTED


def read_lines(lines: Iterable[str | bytes]) -> list[Consent]:
    """Return the decisions of a file of JSON lines; empty lines are passed over.

    Raises: ConfigurationError with the number of the line that is wrong; it never holds what stands there.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_consent(orjson.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ConfigurationError(
                f"consents, line {number}: write an object with subject, purpose, decision (granted or refused), "
                f"sources (null or a list), given_by, given_on and until (dates)"
            ) from None
    return found


def _consent(stated: dict[str, Any]) -> Consent:
    sources, until = stated.get("sources"), stated.get("until")
    if sources is not None and not (isinstance(sources, list) and sources and all(map(_is_name, sources))):
        raise ValueError
    if not _is_name(stated["purpose"]) or not (stated.get("consumer_id") is None or _is_name(stated["consumer_id"])):
        raise ValueError
    return Consent(
        subject=identifier(stated["subject"]["type"], stated["subject"]["value"]),
        purpose=stated["purpose"],
        decision=Decision(stated["decision"]),
        given_by=identifier(stated["given_by"]["type"], stated["given_by"]["value"]),
        given_on=date.fromisoformat(stated["given_on"]),
        sources=None if sources is None else frozenset(sources),
        until=None if until is None else date.fromisoformat(until),
        consumer_id=stated.get("consumer_id"),
    )


def _is_name(stated: object) -> bool:
    return isinstance(stated, str) and bool(stated)
