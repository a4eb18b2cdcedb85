"""The rule on consent: what one person's decision leaves of a permit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from policies.agreement import LegalBasis
from policies.ports import Standing, StandingKind
from standards.permit import Permit
from standards.states import WithheldReason

_WHOLLY: Final = {
    StandingKind.MISSING: WithheldReason.CONSENT_MISSING,
    StandingKind.REFUSED: WithheldReason.CONSENT_REFUSED,
    StandingKind.ENDED: WithheldReason.CONSENT_ENDED,
    StandingKind.OBJECTED: WithheldReason.OBJECTED,
}

LAST_WORDS: Final = frozenset({"vital_status", "death_date"})
"""What may still be told of somebody who has died, where it was granted: that consent ended, and when."""

_NOTHING: Final[Mapping[str, frozenset[str]]] = {}


def needs_consent(permit: Permit) -> bool:
    """Tell whether the people concerned have to be asked: they have under consent, and under no other legal basis."""
    return permit.legal_basis == LegalBasis.CONSENT


def allows_objection(permit: Permit) -> bool:
    """Tell whether the people concerned may object: to a public task, and under no other basis.

    Source: GDPR Article 21 (1), and laws made after it. Consent is withdrawn instead; a legal obligation, a contract
    and a vital interest know no objection.
    """
    return permit.legal_basis == LegalBasis.PUBLIC_TASK


def counts_for(permit: Permit, standing: Standing | None) -> bool:
    """Tell whether what a person decided has a bearing on a permit: consent where it is needed, objections to tasks."""
    if standing is None:
        return False
    return allows_objection(permit) if standing.is_objection else needs_consent(permit)


def withheld_by_consent(
    permit: Permit,
    standing: Standing | None,
    holders: Mapping[str, frozenset[str]],
    refused: Mapping[str, frozenset[str]] = _NOTHING,
) -> Mapping[str, WithheldReason]:
    """Return which of the permitted attributes this person's decision keeps back, and why.

    holders: base attribute -> every source that could state it. What is refused takes with it what nobody else may
    state, and what is computed from that.
    refused: source -> attributes that must not be read from it, though others may.
    """
    if not needs_consent(permit) and not counts_for(permit, standing):
        return {}
    if standing is None or standing.kind is not StandingKind.GRANTED:
        return dict.fromkeys(permit.forms, _WHOLLY[standing.kind if standing else StandingKind.MISSING])
    reason = WithheldReason.OBJECTED if standing.is_objection else WithheldReason.CONSENT_REFUSED
    lost = {
        name
        for name, sources in holders.items()
        if sources and all(s in standing.refused_sources or name in refused.get(s, ()) for s in sources)
    }
    kept_back: dict[str, WithheldReason] = {}
    for name in permit.forms if lost else ():
        if name in permit.inputs:
            if not lost.isdisjoint(permit.inputs[name]):
                kept_back[name] = WithheldReason.INPUT_WITHHELD
        elif name in lost:
            kept_back[name] = reason
    return kept_back


class Known(NamedTuple):
    """What a question came to know of one person that bears on who may decide for that person."""

    birth_date: date | None = None
    has_died: bool = False
    parents: tuple[Mapping[str, str], ...] = ()
    """Numbers of everybody whom civil registration names as a parent: type -> pseudonym."""


def reconsidered(standing: Standing, known: Known, on: date, age_of_majority: int) -> Standing:
    """Return a standing after what the registries said of the person; it never widens.

    A dead person consents to nothing, and nobody decides in their place. A guardian's grant is over once the person's
    own date of birth says so, whatever the receipt says; and the word of somebody who claims to be a parent counts for
    nothing when civil registration names others, and that one not. Neither a child's own grant counts, nor a proxy's
    for a child.
    """
    if standing.kind is not StandingKind.GRANTED:
        return standing
    # INVARIANT: consent ends with the life of who gave it, or for whom it was given.
    if known.has_died:
        return Standing(StandingKind.ENDED, receipt_id=standing.receipt_id)
    if standing.guardian is not None:
        if known.birth_date is not None and comes_of_age(known.birth_date, age_of_majority) <= on:
            return Standing(StandingKind.ENDED, receipt_id=standing.receipt_id)
        if standing.relation == "PRN" and _is_contradicted(standing, known.parents):
            return Standing(StandingKind.MISSING, receipt_id=standing.receipt_id)
    elif known.birth_date is not None and comes_of_age(known.birth_date, age_of_majority) > on:
        # INVARIANT: adults decide for themselves, and give mandates; children do neither.
        return Standing(StandingKind.MISSING, receipt_id=standing.receipt_id)
    return standing


def _is_contradicted(standing: Standing, parents: Sequence[Mapping[str, str]]) -> bool:
    # A parent known there by a number of another type may be this one: what cannot be compared contradicts nothing.
    told = [parent.get(standing.giver_type or "") for parent in parents]
    return bool(told) and None not in told and standing.guardian not in told


def comes_of_age(birth_date: date, age: int) -> date:
    """Return the day of coming of age; who was born on 29 February does so on 1 March of a common year."""
    try:
        return birth_date.replace(year=birth_date.year + age)
    except ValueError:
        return date(birth_date.year + age, 3, 1)
