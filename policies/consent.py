"""The rule on consent: what one person's decision leaves of a permit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policies.agreement import LegalBasis
from policies.ports import Standing, StandingKind
from standards.permit import Permit
from standards.states import WithheldReason

_WHOLLY: Final = {
    StandingKind.MISSING: WithheldReason.CONSENT_MISSING,
    StandingKind.REFUSED: WithheldReason.CONSENT_REFUSED,
}


def needs_consent(permit: Permit) -> bool:
    """Tell whether the people concerned have a say: they have under consent, and under no other legal basis."""
    return permit.legal_basis == LegalBasis.CONSENT


def withheld_by_consent(
    permit: Permit, standing: Standing | None, holders: Mapping[str, frozenset[str]]
) -> Mapping[str, WithheldReason]:
    """Return which of the permitted attributes this person's decision keeps back, and why.

    holders: base attribute -> every source that could state it. Sources that are refused take with them what
    nobody else holds, and what is computed from that.
    """
    if not needs_consent(permit):
        return {}
    if standing is None or standing.kind is not StandingKind.GRANTED:
        return dict.fromkeys(permit.forms, _WHOLLY[standing.kind if standing else StandingKind.MISSING])
    lost = {name for name, sources in holders.items() if sources and sources <= standing.refused_sources}
    kept_back: dict[str, WithheldReason] = {}
    for name in permit.forms if lost else ():
        if name in permit.inputs:
            if not lost.isdisjoint(permit.inputs[name]):
                kept_back[name] = WithheldReason.INPUT_WITHHELD
        elif name in lost:
            kept_back[name] = WithheldReason.CONSENT_REFUSED
    return kept_back
