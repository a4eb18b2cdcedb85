"""Decisions from a file of JSON lines: how a country brings the consents that it has already."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import orjson

from policies.groups import GROUPS
from policies.receipts import Capacity, Consent, Decision
from standards.errors import ConfigurationError
from standards.identifiers import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable


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
                "sources (null or a list), given_by, given_on and until (dates); majority_on where a guardian grants, "
                "mandate_until where a proxy does; policies/README.md names the rest"
            ) from None
    return found


def _consent(stated: dict[str, Any]) -> Consent:
    if not _is_name(stated["purpose"]) or not (stated.get("consumer_id") is None or _is_name(stated["consumer_id"])):
        raise ValueError
    decision = Decision(stated["decision"])
    if decision in {Decision.WITHDRAWN, Decision.LIFTED}:
        raise ValueError  # they take a receipt back, and a file knows none
    groups = _names(stated.get("groups"))
    if groups is not None and not groups <= GROUPS:
        raise ValueError
    capacity = stated.get("capacity")
    consent = Consent(
        subject=identifier(stated["subject"]["type"], stated["subject"]["value"]),
        purpose=stated["purpose"],
        decision=decision,
        given_by=identifier(stated["given_by"]["type"], stated["given_by"]["value"]),
        given_on=date.fromisoformat(stated["given_on"]),
        sources=_names(stated.get("sources")),
        until=_day(stated.get("until")),
        consumer_id=stated.get("consumer_id"),
        groups=groups,
        capacity=None if capacity is None else Capacity(capacity),
        relation=stated.get("relation"),
        majority_on=_day(stated.get("majority_on")),
        mandate_until=_day(stated.get("mandate_until")),
        notice=stated.get("notice"),
        language=stated.get("language"),
    )
    if (consent.given_by == consent.subject) != (consent.acts_as is Capacity.SELF):
        raise ValueError
    # INVARIANT: a grant for somebody else ends: a guardian's with majority, a proxy's with the mandate.
    ends = {Capacity.GUARDIAN: consent.majority_on, Capacity.PROXY: consent.mandate_until}.get(consent.acts_as, True)
    if decision is Decision.GRANTED and ends is None:
        raise ValueError
    return consent


def _names(stated: Any) -> frozenset[str] | None:
    if stated is None:
        return None
    if not (isinstance(stated, list) and stated and all(map(_is_name, stated))):
        raise ValueError
    return frozenset(stated)


def _day(stated: Any) -> date | None:
    return None if stated is None else date.fromisoformat(stated)


def _is_name(stated: object) -> bool:
    return isinstance(stated, str) and bool(stated)
