"""The five states of an attribute, and where its value came from.

An attribute is never silently missing: it is a value, absent (the registry answered: nothing there), withheld
(policy or consent), unavailable (it could not be obtained) or in conflict (sources disagree).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


JsonValue = object
"""Whatever orjson reads or writes: None, bool, int, float, str, list or dict of these."""


class Provenance(NamedTuple):
    """Where one value came from."""

    source_id: str
    """The registry, or `derived` for a value that Hearth computed."""
    retrieved_at: datetime
    """When Hearth asked, with offset."""
    as_of: str | None = None
    """The moment for which the registry says the value holds: ISO date or timestamp, as stated by it."""
    cached: bool = False
    """True when the record was asked for an earlier question."""
    derived_from: tuple[str, ...] = ()
    """Names of the attributes that a derived value was computed from."""
    stale: bool = False
    """True when the record is older than the question takes, given because the registry could not be heard and the
    agreement lets an old answer stand in."""
    stand_in: bool = False
    """True when a more authoritative registry could not be heard, and this one's word stands in for it."""
    formerly: tuple[str, ...] = ()
    """Of a pseudonym: what it was under older keys that are not forgotten yet, newest first."""


class UnavailableReason(StrEnum):
    """Why a value could not be obtained. Documented in standards/README.md."""

    SOURCE_DOWN = "source_down"
    SOURCE_TIMEOUT = "source_timeout"
    SOURCE_BUSY = "source_busy"
    SOURCE_CLOSED = "source_closed"
    SOURCE_REFUSED = "source_refused"
    SOURCE_SUSPENDED = "source_suspended"
    SOURCE_CONTRACT = "source_contract"
    WRONG_SUBJECT = "wrong_subject"
    AMBIGUOUS_IDENTITY = "ambiguous_identity"
    UNMAPPED_CODE = "unmapped_code"
    NO_IDENTIFIER = "no_identifier"
    IDENTIFIER_UNAVAILABLE = "identifier_unavailable"
    INPUT_UNAVAILABLE = "input_unavailable"
    MEMBERSHIP_INCOMPLETE = "membership_incomplete"
    NO_SOURCE = "no_source"
    NOT_AS_OF = "not_as_of"


class WithheldReason(StrEnum):
    """Why a value may not be given. Documented in standards/README.md."""

    NOT_IN_AGREEMENT = "not_in_agreement"
    CONSENT_MISSING = "consent_missing"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_ENDED = "consent_ended"
    OBJECTED = "objected"
    INPUT_WITHHELD = "input_withheld"
    PROBED_TOO_OFTEN = "probed_too_often"


class Value(NamedTuple):
    """A value that a source stated, or that was derived."""

    value: JsonValue
    provenance: Provenance


class Absent(NamedTuple):
    """The source answered, and has nothing there."""

    provenance: Provenance


class Withheld(NamedTuple):
    """Policy or consent keeps it back; no source was asked."""

    reason: WithheldReason


class Unavailable(NamedTuple):
    """It could not be obtained. It is never to be read as 'no'."""

    reason: UnavailableReason
    source_id: str | None = None
    until: str | None = None
    """When a registry that is closed opens again, as a timestamp."""


class Conflict(NamedTuple):
    """Sources disagree: the settled value by declared precedence, and the claims that lost."""

    settled: Value
    differing: tuple[Value, ...]


AttributeState = Value | Absent | Withheld | Unavailable | Conflict


def settled(state: AttributeState) -> Value | None:
    """Return the value to work with: the value itself, or the settled side of a conflict; else None."""
    if isinstance(state, Value):
        return state
    if isinstance(state, Conflict):
        return state.settled
    return None
