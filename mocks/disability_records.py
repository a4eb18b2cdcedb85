"""How the disability registry shows a file: the person, the certificate, what it rests on, and the support."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from mocks.beneficiary_records import programme
from mocks.dci_message import number, stamp
from mocks.disability_files import APPROVED, NUMBER_TYPE, PENDING, RECEIVED, DisabilityFile, Support
from mocks.rolls import member, numbers, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mocks.beneficiary_enrolments import Enrolment
    from mocks.population import Population

_NAME: Final = "disability"


def record(population: Population, file: DisabilityFile, allowances: Sequence[Enrolment], day: date) -> dict[str, Any]:
    """Return a file as it stood on a day; one that waits for a decision says nothing of the disability."""
    status = file.status(day)
    person = member(population, _NAME, file.person, numbers(NUMBER_TYPE, file), "DRPerson")
    person["is_disabled"] = status == APPROVED
    shown: dict[str, Any] = {
        "@type": "PWD_Person",
        "personal_details": person,
        "disability_status": status,
        "transport_requirement": file.transport,
        "housing_type": file.housing,
        "registration_date": stamp(file.registered_on),
        "last_updated": stamp(file.touched(day)),
    }
    assessed, due = file.assessed_on(day), file.due_on(day)
    if assessed is None or due is None:
        return shown
    person["disability_info"] = [
        {"disability_limitation_type": file.truth.limitation, "functional_severity": file.truth.severity}
    ]
    shown["disability_status_level"] = file.status_level
    shown["disability_details"] = details(file, day)
    shown["pv:assessment_date"] = assessed.isoformat()
    shown["pv:next_assessment_date"] = due.isoformat()
    if told := supports(population, file, day):
        shown["disability_support"] = told
    if enrolled := [programme(one) for one in allowances if one.enrolled_on <= day]:
        shown["programs_enrolments"] = enrolled
    return shown


def details(file: DisabilityFile, day: date) -> list[dict[str, str]]:
    """Return what the disability is, nothing before it is decided."""
    if file.status(day) == PENDING:
        return []
    return [
        {
            "@type": "DisabilityDetails",
            "impairment_type": file.impairment,
            "impairment_level": file.impairment_level,
            "impairment_cause": file.cause,
            "age_on_set": file.onset,
        }
    ]


def supports(population: Population, file: DisabilityFile, day: date) -> list[dict[str, Any]]:
    """Return what support is needed and received, nothing before it is decided."""
    if file.status(day) == PENDING or not file.supports:
        return []
    support: dict[str, Any] = {"@type": "DisabilitySupport"}
    for one in file.supports:
        support.setdefault(one.kind, []).append(_support(population, file, one))
    return [support | {"registration_date": stamp(file.registered_on), "last_updated": stamp(file.touched(day))}]


def _support(population: Population, file: DisabilityFile, one: Support) -> dict[str, Any]:
    if one.kind != "human_assistance":
        return {"type": one.type, "status": one.status}
    helping: dict[str, Any] = {"type": one.type, "support": one.status}
    if one.intensity is not None:
        helping["intensity"] = one.intensity
    if file.caregiver is not None and one.status == RECEIVED:
        known = [] if file.caregiver.uin is None else [number("UIN", file.caregiver.uin)]
        name = spelled(population, _NAME, file.caregiver)
        helping["caregiver"] = {"@type": "DRPerson", "identifier": known, "name": name}
        helping["relationship"] = file.relationship
    return helping
