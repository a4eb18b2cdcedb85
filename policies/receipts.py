"""Consent receipts: one person's decision about one purpose, as it is given and as it is kept."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from standards.errors import ConfigurationError
from standards.identifiers import GROUP_TYPES, MRN, Identifier, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_PERSONAL: Final = frozenset({MRN, *GROUP_TYPES})
"""Numbers of more than one person: a marriage has two spouses. Nobody's decision counts under them."""


_LONGEST_KEY: Final = hashlib.blake2b.MAX_KEY_SIZE


class Decision(StrEnum):
    """What was decided. The first three answer whether a programme may ask under consent."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """A grant taken back: it counts as a refusal, and the grant never counts again."""
    OBJECTED = "objected"
    """Against a public task, where the law gives the right to object; until it is lifted."""
    LIFTED = "lifted"
    """The objection was taken back, or overruled by those who may."""


class Capacity(StrEnum):
    """In which capacity somebody decides."""

    SELF = "self"
    GUARDIAN = "guardian"
    """For a child, until the child comes of age."""
    PROXY = "proxy"
    """For an adult who gave a mandate, until the mandate ends."""


class Channel(StrEnum):
    """How a decision came in."""

    OFFICE = "office"
    """In person, with an officer assisting."""
    PORTAL = "portal"
    TOKEN = "token"  # noqa: S105 - the name of a channel
    IMPORT = "import"


class Presence(StrEnum):
    """What an officer saw of the person who decided. A closed list."""

    ID_CARD = "id_card"
    FINGERPRINT = "fingerprint"
    ONE_TIME_CODE = "one_time_code"
    SIGNED_FORM = "signed_form"
    WITNESS = "witness"


class Consent(NamedTuple):
    """One decision, as it is given."""

    subject: Identifier
    """Whom it is about."""
    purpose: str
    decision: Decision
    given_by: Identifier
    """Who decided: the person, a guardian or a proxy."""
    given_on: date
    sources: frozenset[str] | None = None
    """Sources it is about; None means all of them."""
    until: date | None = None
    """Last day on which a grant holds; a refusal holds until the person decides otherwise."""
    consumer_id: str | None = None
    """Consumer it is about; None means whoever asks for this purpose."""
    groups: frozenset[str] | None = None
    """Attribute groups it is about; None means all of them."""
    capacity: Capacity | None = None
    """None: the person, if the two numbers are equal, else a guardian."""
    relation: str | None = None
    """What a guardian is to the child: `PRN` for a parent, which registries can contradict, or another code."""
    majority_on: date | None = None
    """Day on which the child comes of age: from then on the guardian's grant counts no more."""
    channel: Channel = Channel.IMPORT
    attested_by: str | None = None
    """The client, and the officer if one assisted, who saw the person decide."""
    presence: Presence | None = None
    reference: str | None = None
    """Of the evidence of presence, or of a proxy's mandate: a number on paper. Kept as a keyed digest."""
    mandate_until: date | None = None
    """Last day of a proxy's mandate; no grant under it outlasts it."""
    notice: str | None = None
    """Which privacy notice was shown: its address or version."""
    language: str | None = None
    withdraws: str | None = None
    """Receipt that this decision takes back."""
    given_at: datetime | None = None
    """The moment, where it is known."""

    @property
    def acts_as(self) -> Capacity:
        """Return the capacity, also where none is stated."""
        if self.capacity is not None:
            return self.capacity
        return Capacity.SELF if self.given_by == self.subject else Capacity.GUARDIAN


class Receipt(NamedTuple):
    """One decision as questions need it: people stand in it under a keyed pseudonym only."""

    receipt_id: str
    person: str
    purpose: str
    consumer_id: str | None
    decision: Decision
    sources: frozenset[str] | None
    given_by: str
    given_on: date
    until: date | None
    groups: frozenset[str] | None = None
    capacity: Capacity = Capacity.SELF
    relation: str | None = None
    majority_on: date | None = None
    withdraws: str | None = None
    giver_type: str | None = None
    """Type of the number under which `given_by` is kept: whether a registry's word on kin can be compared with it."""


class Pseudonyms:
    """Keyed names for people: equal for equal numbers, and of no use to whoever lacks the key."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        """Take the secret key, 32 bytes or more.

        Raises: ConfigurationError when the key is shorter.
        """
        if len(key) < 32:
            raise ConfigurationError("the key of the consent ledger is too short: it needs 32 bytes or more")
        # Keyed once and copied for every name: an HMAC sets up its key anew each time, and questions make many names.
        self._keyed = hashlib.blake2b(
            key=key if len(key) <= _LONGEST_KEY else hashlib.sha512(key).digest(), digest_size=32
        )

    def of(self, subject: Identifier) -> str:
        """Return the pseudonym of one number."""
        return self._digest("person", subject.type, subject.value)

    def of_person(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the pseudonyms under which a person's decisions may stand, one for each personal number."""
        normal = (identifier(type_, value) for type_, value in numbers.items() if type_ and value)
        return tuple(self.of(number) for number in normal if number.type not in _NOT_PERSONAL)

    def of_text(self, use: str, text: str) -> str:
        """Return a keyed digest of something that may be personal: an officer's name, the number of a paper."""
        return self._digest(use, text)[:32]

    def receipt(self, consent: Consent, salt: str) -> Receipt:
        """Return the receipt of a decision; the same decision with the same salt has the same id."""
        person, giver = self.of(consent.subject), self.of(consent.given_by)
        stated = consent._replace(subject=None, given_by=None, sources=None, groups=None)  # type: ignore[arg-type]
        told = [f"{name}={value}" for name, value in stated._asdict().items() if value is not None]
        told += [f"{name}={_listed(scope)}" for name, scope in (("s", consent.sources), ("g", consent.groups))]
        return Receipt(
            receipt_id="cr-" + self._digest("receipt", salt, person, giver, *told)[:32],
            person=person,
            purpose=consent.purpose,
            consumer_id=consent.consumer_id,
            decision=consent.decision,
            sources=consent.sources,
            given_by=giver,
            given_on=consent.given_on,
            until=_earlier(consent.until, consent.mandate_until),
            groups=consent.groups,
            capacity=consent.acts_as,
            relation=consent.relation,
            majority_on=consent.majority_on,
            withdraws=consent.withdraws,
            giver_type=consent.given_by.type,
        )

    def _digest(self, *parts: str) -> str:
        digest = self._keyed.copy()
        digest.update(orjson.dumps(parts))
        return digest.hexdigest()


def _listed(scope: frozenset[str] | None) -> str:
    return "*" if scope is None else ",".join(sorted(scope))


def _earlier(one: date | None, other: date | None) -> date | None:
    known = [day for day in (one, other) if day is not None]
    return min(known) if known else None
