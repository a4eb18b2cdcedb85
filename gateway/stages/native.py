"""The plain shape of an answer: every value beside its state and where it came from. Pure.

Written from the same profiles as the DCI records, with the same words as `hearth:evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.stages.plan import Plan
from standards.dci.codes import ErrorCode, ResponseEntity
from standards.dci.envelope import error_body, sentence, wire_time
from standards.dci.evidence import EVIDENCE, REASONS, SOURCES, evidence_extension
from standards.dci.search import SearchItem
from standards.household import HouseholdProfile
from standards.permit import Form, FormKind, Permit
from standards.states import AttributeState, settled


def answered(
    item: SearchItem,
    profiles: Sequence[HouseholdProfile],
    permit: Permit,
    now: datetime,
    *,
    plan: Plan | None = None,
    note: str | None = None,
) -> dict[str, object]:
    """Return the body of an answer about one subject; nobody found is an answer too.

    item: its `reference_id` is the correlation id, since a plain question has no other.
    """
    alone = item.response_entity is ResponseEntity.MEMBER
    shown = [profile.subject or 0 for profile in profiles] if alone else None
    evidence = evidence_extension(profiles, members=shown)
    write = _person if alone else _household
    found = [write(entry, one, permit.forms) for entry, one in zip(evidence[EVIDENCE], profiles, strict=True)]
    body: dict[str, object] = {
        "correlation_id": item.reference_id,
        "answered_at": wire_time(now),
        "agreement": {"id": permit.agreement_id, "version": permit.agreement_version},
        "purpose": permit.purpose,
        "person" if alone else "household": found[0] if found else None,
        "sources": evidence[SOURCES],
    }
    if REASONS in evidence:
        body["reasons"] = evidence[REASONS]
    if note is not None:
        body["note"] = sentence(note)
    if plan is not None:
        body["plan"] = plan.explained()
    return body


def refused(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a question that was not answered, from the DCI item that would say so.

    Where the standard has no code for it, no registry could be heard: the gateway cannot answer now.
    """
    code = item.get("status_reason_code", ErrorCode.SERVICE_UNAVAILABLE.value)
    # The sentences name members of a DCI question; in a plain one they have no prefix.
    return error_body(code, item["status_reason_message"].replace("hearth:", ""))


def _household(entry: Mapping[str, Any], profile: HouseholdProfile, forms: Mapping[str, Form]) -> dict[str, Any]:
    return {
        **_heard(entry),
        "rule": entry["rule"],
        "attributes": _told(entry["attributes"], profile.attributes, forms),
        "members": _members(entry, profile, forms),
    }


def _person(entry: Mapping[str, Any], profile: HouseholdProfile, forms: Mapping[str, Form]) -> dict[str, Any]:
    (member,) = _members(entry, profile, forms)
    return _heard(entry) | member


def _heard(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"complete": entry["complete"], "unheard": entry["unheard"]}


def _members(entry: Mapping[str, Any], profile: HouseholdProfile, forms: Mapping[str, Form]) -> list[dict[str, Any]]:
    states = {member.number: member.attributes for member in profile.members}
    return [
        {**said, "attributes": _told(said["attributes"], states[said["member"]], forms)} for said in entry["members"]
    ]


def _told(
    said: Mapping[str, Mapping[str, Any]], states: Mapping[str, AttributeState], forms: Mapping[str, Form]
) -> dict[str, dict[str, Any]]:
    """Return name -> state with its value; states that are equal are one object in the evidence, so each is copied."""
    told: dict[str, dict[str, Any]] = {}
    for name, part in said.items():
        best = settled(states[name])
        told[name] = dict(part)
        if best is not None:
            told[name]["value"] = best.value
            if (kind := forms[name].kind) is not FormKind.VALUE:
                told[name]["form"] = kind.value
    return told
