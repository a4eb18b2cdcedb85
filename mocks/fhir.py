"""Clinic history as FHIR R4 resources: pure translations of one person's chart.

Resource ids: a patient's id is the patient number; all else is `<patient number>-<letter><count>`, so that a
single resource can be read by its id without an index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from mocks.clinics import CHILDBEARING, VACCINES
from mocks.people import Chart, Person

Resource = dict[str, Any]
Name = tuple[str, str | None, str]
"""Given name, second name, surname as the registry spells them."""

PATIENT_NUMBER: Final = "urn:pv:patient-number"
NATIONAL_NUMBER: Final = "urn:pv:national-number"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
CVX: Final = "http://hl7.org/fhir/sid/cvx"
ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PREGNANCY_STATUS: Final = "82810-3"
BREASTFEEDING: Final = "63895-7"


def patient(person: Person, name: Name) -> Resource:
    """Return the Patient; the national number is missing for people who have none."""
    number = _number(person)
    given, second, surname = name
    identifiers = [{"system": PATIENT_NUMBER, "value": number}]
    if person.uin is not None:
        identifiers.append({"system": NATIONAL_NUMBER, "value": person.uin})
    resource: Resource = {
        "resourceType": "Patient",
        "id": number,
        "meta": {"lastUpdated": f"{_changed(person).isoformat()}T00:00:00Z"},
        "identifier": identifiers,
        "name": [{"family": surname, "given": [part for part in (given, second) if part]}],
        "gender": person.sex,
        "birthDate": person.birth_date.isoformat(),
    }
    if person.death_date is not None:
        resource["deceasedBoolean"] = True
    return resource


def encounters(person: Person, today: date) -> list[Resource]:
    """Return the visits, newest first."""
    number, visits = _number(person), _chart(person).visits
    return [
        {
            "resourceType": "Encounter",
            "id": f"{number}-V{count}",
            "status": "finished",
            "class": {"system": ACT, "code": "AMB", "display": "ambulatory"},
            "subject": {"reference": f"Patient/{number}"},
            "period": {"start": day.isoformat(), "end": day.isoformat()},
        }
        for count, day in reversed(list(enumerate(sorted(visits), start=1)))
    ]


def immunizations(person: Person, today: date) -> list[Resource]:
    """Return the doses given, oldest first."""
    number = _number(person)
    doses = sorted(_chart(person).doses, key=lambda dose: dose.given_on)
    return [
        {
            "resourceType": "Immunization",
            "id": f"{number}-D{count}",
            "status": "completed",
            "vaccineCode": {"coding": [_coding(CVX, dose.vaccine, VACCINES.get(dose.vaccine))]},
            "patient": {"reference": f"Patient/{number}"},
            "occurrenceDateTime": dose.given_on.isoformat(),
        }
        for count, dose in enumerate(doses, start=1)
    ]


def coverages(person: Person, today: date) -> list[Resource]:
    """Return the insurance, if there ever was one; without an end it is open."""
    number, chart = _number(person), _chart(person)
    if chart.scheme is None:
        return []
    until = chart.insured_until
    resource: Resource = {
        "resourceType": "Coverage",
        "id": f"{number}-C1",
        "status": "active" if until is None or until >= today else "cancelled",
        "type": {"text": chart.scheme},
        "beneficiary": {"reference": f"Patient/{number}"},
        "payor": [{"display": chart.scheme}],
    }
    if until is not None:
        resource["period"] = {"end": until.isoformat()}
    return [resource]


def observations(person: Person, today: date) -> list[Resource]:
    """Return pregnancy status and breastfeeding of a woman of childbearing age; of nobody else."""
    if person.sex != "female" or _age(person, today) not in range(*CHILDBEARING):
        return []
    chart = _chart(person)
    state = ("77386006", "Pregnant") if chart.pregnant else ("60001007", "Not pregnant")
    return [
        _observation(person, 1, _coding(LOINC, PREGNANCY_STATUS, "Pregnancy status"))
        | {"valueCodeableConcept": {"coding": [_coding(SNOMED, *state)]}},
        _observation(person, 2, _coding(LOINC, BREASTFEEDING, "Breastfeeding status"))
        | {"valueBoolean": chart.lactating},
    ]


CHART_TYPES: Final[Mapping[str, Callable[[Person, date], list[Resource]]]] = {
    "Encounter": encounters,
    "Immunization": immunizations,
    "Coverage": coverages,
    "Observation": observations,
}
"""Everything that belongs to a patient, by resource type."""


def _observation(person: Person, count: int, code: Resource) -> Resource:
    number = _number(person)
    seen = _chart(person).visits
    return {
        "resourceType": "Observation",
        "id": f"{number}-O{count}",
        "status": "final",
        "code": {"coding": [code]},
        "subject": {"reference": f"Patient/{number}"},
        "effectiveDateTime": (max(seen) if seen else person.updated_on).isoformat(),
    }


def _coding(system: str, code: str, display: str | None) -> Resource:
    named = {} if display is None else {"display": display}
    return {"system": system, "code": code} | named


def _number(person: Person) -> str:
    """Return the patient number; only people who have one come here."""
    if person.patient_number is None:
        msg = "only patients have FHIR resources"
        raise ValueError(msg)
    return person.patient_number


def _chart(person: Person) -> Chart:
    return person.chart or Chart()


def _changed(person: Person) -> date:
    """Return the day of the last change: a visit is one too."""
    return max([person.updated_on, *_chart(person).visits])


def _age(person: Person, today: date) -> int:
    birthday = (person.birth_date.month, person.birth_date.day)
    return today.year - person.birth_date.year - ((today.month, today.day) < birthday)
