"""A household profile: the people who live as one unit, each attribute in one of its five states."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.states import AttributeState, UnavailableReason


class Evidence(NamedTuple):
    """Why a person counts as a member: which part of the boundary rule, on whose word."""

    basis: str
    """Why a member: `asked` (the person asked about), `registered` (recorded in the group), `kin` (a family tie),
    `co-residence` (lives in the same dwelling). Beside these, what is known of who it is: `verified` (the issuer states
    the number asked by), `double_registration` (one person under two numbers), `ambiguous_identity` (a number leads to
    this person and to another); and of the asked person's household: `crowded_address` (so many live there that it is
    none), `too_many` (the list was cut). And `emergency`: told without consent under the declared one that `source_id`
    names; and `linked`: `source_id` knows no number of this person, who was found there by what else is known (`score`,
    `detail`)."""
    source_id: str | None = None
    relation: str | None = None
    """DCI Relationship code as the source states it: to the head for `registered`, to `of` for `kin`."""
    of: int | None = None
    """Number of the member the tie leads from, for `kin`; None when it leads over somebody who is no member."""
    score: float | None = None
    """How surely it is this person, for `linked`: weight of evidence in bits."""
    detail: str | None = None
    """How each trait compares, for `linked`: for the journal, never a value."""


class Member(NamedTuple):
    """One person of a household; `number` is the person's place within this answer and nothing else."""

    number: int
    identifiers: Mapping[str, str]
    """Crosswalk found for this answer: identifier type -> value. Never leaves except through the permit."""
    relationship: str
    """Relationship to the head of the household, DCI Relationship code; `SELF` for the head, `` if unknown."""
    evidence: tuple[Evidence, ...]
    attributes: Mapping[str, AttributeState]


class Outcome(StrEnum):
    """What became of one source in one answer."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not_asked"


class SourceOutcome(NamedTuple):
    """One source's part in an answer."""

    outcome: Outcome
    calls: int = 0
    cached: int = 0
    """Records that came from the brief cache."""
    reason: UnavailableReason | None = None


class HouseholdProfile(NamedTuple):
    """One composed household. Attributes of the household itself stand beside those of its members."""

    rule: str
    """Name and version of the boundary rule, for example `registered-or-kin@1`."""
    subject: int | None
    """Number of the member who was asked about; None when the household itself was."""
    members: tuple[Member, ...]
    attributes: Mapping[str, AttributeState]
    sources: Mapping[str, SourceOutcome]
    unheard: tuple[str, ...] = ()
    """Sources whose word on who is a member is missing; while any is, the member list may be incomplete."""
