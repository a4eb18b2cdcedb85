"""Patients and charts of the health registry in Hearth's words."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.health.bundles import READ, identifiers_of, patient_of
from adapters.ports import Record
from adapters.reading import Draft, newest
from standards.identifiers import PATIENT_NUMBER, UIN, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PATIENT_SYSTEM: Final = "urn:pv:patient-number"
NATIONAL_SYSTEM: Final = "urn:pv:national-number"
_SYSTEMS: Final = {PATIENT_SYSTEM: PATIENT_NUMBER, NATIONAL_SYSTEM: UIN}

PREGNANCY: Final = "82810-3"
BREASTFEEDING: Final = "63895-7"
_PREGNANT: Final = {"77386006": True, "60001007": False}
_YEAR: Final = timedelta(days=365)
_NEVER: Final = "9999-12-31"
"""The end of a coverage that has none."""


class Part(NamedTuple):
    """One part of a chart: the resources it is read from, and the attributes it gives."""

    resource_type: str
    query: str
    """Address below the base; `{}` stands for the patient numbers."""
    attributes: frozenset[str]
    patient: str
    """Element that names the patient."""


PARTS: Final = (
    Part("Patient", "Patient?_id={}", frozenset(), "id"),
    Part(
        "Encounter",
        "Encounter?patient={}&_count=1000",
        frozenset({"last_visit_date", "visits_12m"}),
        "subject",
    ),
    Part(
        "Immunization",
        "Immunization?patient={}&_count=1000",
        frozenset({"immunisations", "immunisation_count"}),
        "patient",
    ),
    Part(
        "Coverage",
        "Coverage?beneficiary={}",
        frozenset({"insured", "insurance_scheme", "insurance_end_date"}),
        "beneficiary",
    ),
    Part(
        "Observation",
        f"Observation?patient={{}}&code={PREGNANCY},{BREASTFEEDING}",
        frozenset({"is_pregnant", "is_lactating"}),
        "subject",
    ),
)


@lru_cache(maxsize=64)
def parts_for(names: frozenset[str]) -> tuple[Part, ...]:
    """Return the parts that some attributes need; the patients themselves are always one."""
    return tuple(part for part in PARTS if not part.attributes or part.attributes & names)


def to_patients(
    patients: Iterable[Mapping[str, Any]], subjects: Sequence[Identifier]
) -> dict[Identifier, Record | None]:
    """Translate a search for patients; None for whom no clinic has seen.

    Of several patients with one national number, the one changed last counts.
    Raises: SourceContractError for someone else, or a field of another shape.
    """
    found: dict[tuple[str, str], list[Record]] = {subject: [] for subject in subjects}
    for patient in patients:
        record = to_patient(patient)
        asked = [records for number in record.identifiers.items() if (records := found.get(number)) is not None]
        if not asked:
            READ.wrong_subject("identifier")
        for records in asked:
            records.append(record)
    return {subject: newest(records) if (records := found[subject]) else None for subject in subjects}


def to_patient(patient: Mapping[str, Any]) -> Record:
    """Translate one Patient: numbers only."""
    identifiers = identifiers_of(patient, _SYSTEMS)
    if PATIENT_NUMBER not in identifiers:
        READ.refuse("identifier", f"none of {PATIENT_SYSTEM}")
    meta = READ.record("meta", patient.get("meta"))
    return Record(identifiers, {}, READ.moment("lastUpdated", meta.get("lastUpdated")))


def to_charts(
    parts: Sequence[tuple[Part, list[dict[str, Any]]]],
    subjects: Sequence[Identifier],
    names: frozenset[str],
    today: date,
) -> dict[Identifier, Record | None]:
    """Translate the parts of everyone's chart; None for whom no clinic has seen.

    Raises: SourceContractError for someone else's resource, or a field of another shape.
    """
    asked = {subject.value for subject in subjects}
    patients: dict[Identifier, Record | None] = {}
    by_patient: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for part, resources in parts:
        if part.resource_type == "Patient":
            patients = to_patients(resources, subjects)
            continue
        sorted_out: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for resource in resources:
            number = patient_of(resource.get(part.patient), part.patient)
            if number not in asked:
                READ.wrong_subject(part.resource_type)
            sorted_out[number].append(resource)
        by_patient[part.resource_type] = sorted_out
    charts: dict[Identifier, Record | None] = {}
    for subject, patient in patients.items():
        if patient is None:
            charts[subject] = None
            continue
        draft = Draft(names)
        for resource_type, sorted_out in by_patient.items():
            _READERS[resource_type](sorted_out.get(subject.value, []), draft, today)
        charts[subject] = Record(
            patient.identifiers,
            draft.values,
            patient.as_of,
            unusable=draft.unusable,
            duplicates=patient.duplicates,
        )
    return charts


def read_encounters(encounters: Sequence[Mapping[str, Any]], draft: Draft, today: date) -> None:
    """Count the visits that took place."""
    days = []
    for encounter in encounters:
        if encounter.get("status") == "finished":
            period = READ.record("period", encounter.get("period"))
            days.append(READ.required("period.start", READ.day("period.start", period.get("start"))))
    since = (today - _YEAR).isoformat()
    draft.put("last_visit_date", max(days, default=None))
    draft.put("visits_12m", sum(since <= day <= today.isoformat() for day in days))


def read_immunisations(doses: Sequence[Mapping[str, Any]], draft: Draft, today: date) -> None:
    """List the doses that were given, the earliest first."""
    given = []
    for dose in doses:
        if dose.get("status") != "completed":
            continue
        code, name = _coding("vaccineCode", dose.get("vaccineCode"))
        day = READ.day("occurrenceDateTime", dose.get("occurrenceDateTime"))
        given.append({"code": code, "name": name or code, "date": READ.required("occurrenceDateTime", day)})
    given.sort(key=lambda one: (one["date"], one["code"]))
    draft.put("immunisations", given or None)
    draft.put("immunisation_count", len(given))


def read_coverage(coverages: Sequence[Mapping[str, Any]], draft: Draft, today: date) -> None:
    """Find the insurance that is in force the longest."""
    in_force: list[tuple[str, str]] = []
    for coverage in coverages:
        if coverage.get("status") != "active":
            continue
        end = READ.day("period.end", READ.record("period", coverage.get("period", {})).get("end"))
        if end is None or end > today.isoformat():
            scheme = READ.text("type.text", READ.record("type", coverage.get("type", {})).get("text"))
            in_force.append((end or _NEVER, scheme or ""))
    draft.put("insured", bool(in_force))
    if in_force:
        end, scheme = max(in_force)
        draft.put("insurance_scheme", scheme or None)
        draft.put("insurance_end_date", end if end != _NEVER else None)


def read_observations(observations: Sequence[Mapping[str, Any]], draft: Draft, today: date) -> None:
    """Take the latest observation of pregnancy and of breastfeeding; without one there is no value."""
    latest: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for observation in observations:
        code, _ = _coding("code", observation.get("code"))
        at = READ.moment("effectiveDateTime", observation.get("effectiveDateTime")) or ""
        if code not in latest or at >= latest[code][0]:
            latest[code] = (at, observation)
    if PREGNANCY in latest:
        stated, _ = _coding("valueCodeableConcept", latest[PREGNANCY][1].get("valueCodeableConcept"))
        if stated in _PREGNANT:
            draft.put("is_pregnant", _PREGNANT[stated])
        else:
            draft.code("is_pregnant", stated, {})
    if BREASTFEEDING in latest:
        flag = READ.flag("valueBoolean", latest[BREASTFEEDING][1].get("valueBoolean"))
        draft.put("is_lactating", READ.required("valueBoolean", flag))


_READERS: Final = {
    "Encounter": read_encounters,
    "Immunization": read_immunisations,
    "Coverage": read_coverage,
    "Observation": read_observations,
}


def _coding(field: str, concept: object) -> tuple[str, str | None]:
    """Return code and display of the first coding of a CodeableConcept."""
    codings = READ.objects(field, READ.record(field, concept).get("coding"))
    if not codings:
        READ.refuse(field, "without coding")
    code = READ.required(field, READ.text(field, codings[0].get("code")))
    return code, READ.text(field, codings[0].get("display"))
