"""The question to policy and its answers: disclosure request, permit, denial.

Only `policies.engine` makes a Permit; a stage that takes one cannot run without a decision.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from standards.identifiers import Identifier
    from standards.states import JsonValue, WithheldReason


class FormKind(StrEnum):
    """In which form an attribute may be known. A closed list."""

    VALUE = "value"
    BAND = "band"
    PREDICATE = "predicate"
    GENERALISED = "generalised"
    MASKED = "masked"
    PSEUDONYM = "pseudonym"


class Operator(StrEnum):
    """Comparisons of a predicate."""

    LT = "lt"
    LE = "le"
    EQ = "eq"
    GE = "ge"
    GT = "gt"
    IN = "in"


class Form(NamedTuple):
    """One form, with what it needs; fields that the kind does not use are None or empty."""

    kind: FormKind
    edges: tuple[float, ...] = ()
    """For `band`: ascending lower edges of the bands after the first, in the attribute's unit."""
    operator: Operator | None = None
    """For `predicate`: comparison of the attribute with `threshold`."""
    threshold: JsonValue = None
    to: str | None = None
    """For `generalised`: what it is coarsened to (`year`, `month`, `district`, `region`, `initial`). For `pseudonym`:
    the attribute, so that equal numbers of two kinds have two pseudonyms."""


class DisclosureRequest(NamedTuple):
    """What a consumer wants to know, and why."""

    consumer_id: str
    purpose: str
    subject: Identifier | None
    """Who is asked about; None for a search that names nobody."""
    attributes: frozenset[str] | None = None
    """Names asked for; None asks for everything that the agreement allows."""
    needs_household: bool = True
    """False for a question to one kind of registry: nobody's household is looked for."""


class Reason(StrEnum):
    """Why a question was denied as a whole. Documented in policies/README.md."""

    NO_AGREEMENT = "no_agreement"
    AGREEMENT_NOT_IN_FORCE = "agreement_not_in_force"
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    PURPOSE_MISSING = "purpose_missing"
    HOUSEHOLD_NOT_AGREED = "household_not_agreed"
    SEARCH_NOT_AGREED = "search_not_agreed"
    PAST_NOT_AGREED = "past_not_agreed"
    BULK_NOT_AGREED = "bulk_not_agreed"
    NOTHING_AGREED = "nothing_agreed"
    QUOTA_USED_UP = "quota_used_up"
    PROBED_TOO_OFTEN = "probed_too_often"
    UNDECIDED = "undecided"


class Denial(NamedTuple):
    """One reason against a question, and what the consumer would have to obtain."""

    reason: Reason
    remedy: str
    again_on: date | None = None
    """From which day on, UTC, the same question may be asked again; None: that is not a matter of time."""


class ProbeLimits(NamedTuple):
    """How much may be asked of one attribute by thresholds; None: as much as the gateway lets anybody."""

    answers: int | None = None
    """Most answers about one person."""
    thresholds: int | None = None
    """Most different thresholds, or sets of edges, about one person."""
    search_values: int | None = None
    """Most different values that searches compare it with."""


class Permit(NamedTuple):
    """What one question may disclose, before any person is considered."""

    consumer_id: str
    purpose: str
    legal_basis: str
    agreement_id: str
    agreement_version: str
    household_rule: str
    forms: Mapping[str, Form]
    """Attribute -> the form in which it may leave; requested and agreed."""
    withheld: Mapping[str, WithheldReason]
    """Attributes that were requested by name and are not agreed."""
    max_age_s: float
    """Oldest source record that may serve this question, in seconds."""
    decided_at: datetime
    household_names: frozenset[str] = frozenset()
    """Which names of `forms` and `withheld` describe the household itself, rather than its people."""
    inputs: Mapping[str, frozenset[str]] = {}
    """Attribute -> attributes read in its place, when these are others: what a derived one is computed from."""
    hide_withheld: bool = False
    """The agreement wants withheld to look like absent."""
    allows_past: bool = False
    """The agreement gives the right to ask how things were on a past day."""
    allows_linkage: bool = False
    """The agreement gives the right to look people up by their traits where a registry knows no number of theirs."""
    max_results: int = 0
    """For a search that names nobody: most results, over all pages."""
    stale_if_error_s: float = 0.0
    """For how many seconds beyond its age a source record may still serve when its registry cannot be heard."""
    mandatory: frozenset[str] = frozenset()
    """Sources without whose word about the person asked about nothing is disclosed."""
    per_day: int | None = None
    """Most questions a day, UTC, for this purpose; None: as many as are asked."""
    per_month: int | None = None
    """Most questions a calendar month, UTC, for this purpose; None: as many as are asked."""
    searchable: Mapping[str, Form] = {}
    """For a search that names nobody: attribute that it may go by -> the form in which that is agreed."""
    totals: str = "exact"
    """How the number of results is told: `exact`, `rounded` or `hidden`."""
    min_group_size: int = 1
    """A search that finds fewer shows nobody."""
    even_time_s: float = 0.0
    """Answers leave only after whole multiples of this, in seconds; 0: when they are ready."""
    probe_limits: Mapping[str, ProbeLimits] = {}
    """Attribute -> how much of it may be asked by thresholds; of the others, as much as the gateway lets anybody."""
    sources: frozenset[str] | None = None
    """Registries whose word counts, for a question to one kind of registry; None: everybody's."""


class PersonPermit(NamedTuple):
    """What may be read and disclosed of one person, source by source."""

    forms: Mapping[str, Form]
    """Attribute -> form, for what may leave about this person."""
    withheld: Mapping[str, WithheldReason]
    refused_sources: frozenset[str] = frozenset()
    """Sources that must not be asked about this person."""
    basis: str = ""
    """How it came about, for the journal: legal basis, and the consent receipt's id if there is one."""
    refused_attributes: Mapping[str, frozenset[str]] = {}
    """Source -> attributes that must not be read from it about this person, although others may."""
    keeping: tuple[str, ...] = ()
    """The consent receipts by which parts are kept back, by name, for the journal."""
    emergency: str | None = None
    """Declared emergency without which less would be permitted; None when there is none, or none was needed."""

    def allows(self, source_id: str) -> bool:
        """Tell whether this source may be asked about this person at all."""
        return bool(self.forms) and source_id not in self.refused_sources
