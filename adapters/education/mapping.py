"""Learners of the education registry in Hearth's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.ports import Record
from adapters.reading import Draft, Reader, newest
from standards.identifiers import BRN, LEARNER_NUMBER, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOURCE: Final = "education"
READ: Final = Reader(SOURCE)

LEVEL: Final = {
    "PRE_PRIMARY": "0",
    "PRIMARY": "1",
    "LOWER_SECONDARY": "2",
    "UPPER_SECONDARY": "3",
    "POST_SECONDARY": "4",
    "SHORT_TERTIARY": "5",
    "BACHELOR": "6",
    "MASTER": "7",
    "DOCTORATE": "8",
}
NO_LEVEL: Final = "NONE"
ENROLLED: Final = "ENROLLED"
_STATUS: Final = frozenset({ENROLLED, "LEFT", "GRADUATED"})
_OF_ENROLMENT: Final = (
    "school_enrolled",
    "school_name",
    "school_grade",
    "school_year",
    "enrolment_date",
    "grade_repeated",
)
_LISTS: Final = ((LEARNER_NUMBER, "learnerNumbers"), (BRN, "birthRegistrationNumbers"))


class Page(NamedTuple):
    """One page of learners."""

    items: tuple[dict[str, Any], ...]
    is_last: bool
    missing: frozenset[Identifier]
    """Whom the registry says it does not hold."""


def to_request(subjects: Sequence[Identifier], page: int, page_size: int) -> dict[str, Any]:
    """Return the body that asks for one page about everyone."""
    body: dict[str, Any] = {"pageSize": page_size, "page": page}
    for type_, field in _LISTS:
        body[field] = [subject.value for subject in subjects if subject.type == type_]
    return body


def to_page(body: bytes, page: int) -> Page:
    """Return one page of an answer."""
    answer = READ.json(body)
    if READ.whole("page", answer.get("page")) != page:
        READ.refuse("page", "another than asked for")
    total = READ.required("totalPages", READ.whole("totalPages", answer.get("totalPages")))
    not_found = READ.record("notFound", answer.get("notFound"))
    missing = frozenset(
        Identifier(type_, READ.number_of(field, number))
        for type_, field in _LISTS
        for number in READ.array(field, not_found.get(field, []))
    )
    return Page(tuple(READ.objects("items", answer.get("items"))), page >= total, missing)


def to_answer(
    items: Iterable[Mapping[str, Any]],
    missing: frozenset[Identifier],
    subjects: Sequence[Identifier],
    names: frozenset[str],
) -> dict[Identifier, Record | None]:
    """Translate all pages together: a record, or None for whom the registry does not hold, for everyone.

    Of several learners with one birth registration number, the one changed last counts.
    Raises: SourceContractError for someone else, a subject left out, or a field of another shape.
    """
    found: dict[tuple[str, str], list[Record]] = {subject: [] for subject in subjects}
    for item in items:
        record = to_record(item, names)
        asked = [records for number in record.identifiers.items() if (records := found.get(number)) is not None]
        if not asked:
            READ.wrong_subject("items")
        for records in asked:
            records.append(record)
    if any(not records and subject not in missing for subject, records in found.items()):
        READ.refuse("items", "lack a learner who is not under notFound")
    return {subject: newest(records) if (records := found[subject]) else None for subject in subjects}


def to_record(item: Mapping[str, Any], names: frozenset[str]) -> Record:
    """Translate one learner."""
    identifiers = {LEARNER_NUMBER: READ.number_of("learnerNumber", item.get("learnerNumber"))}
    if item.get("birthRegistrationNumber") is not None:
        identifiers[BRN] = READ.number_of("birthRegistrationNumber", item["birthRegistrationNumber"])
    draft = Draft(names)
    level = READ.required("highestLevel", READ.text("highestLevel", item.get("highestLevel")))
    draft.code("education_level", None if level == NO_LEVEL else level, LEVEL)
    if "enrolment" not in item or "attendance" not in item:
        READ.refuse("enrolment, attendance", "missing")  # null is an answer, nothing at all is not
    _read_enrolment(item["enrolment"], draft)
    if item["attendance"] is not None:
        draft.put("attendance_rate", attendance_rate(READ.record("attendance", item["attendance"])))
    as_of = READ.required("modifiedAt", READ.moment("modifiedAt", item.get("modifiedAt")))
    return Record(identifiers, draft.values, as_of, unusable=draft.unusable)


def _read_enrolment(stated: object, draft: Draft) -> None:
    if stated is None:
        draft.put("school_enrolled", False)
        return
    enrolment = READ.record("enrolment", stated)
    status = READ.required("status", READ.text("status", enrolment.get("status")))
    if status not in _STATUS:
        # An unknown standing is neither "enrolled" nor "not enrolled", and its school may be a former one.
        for name in _OF_ENROLMENT:
            draft.code(name, status, {})
        return
    draft.put("school_enrolled", status == ENROLLED)
    if status != ENROLLED:
        return
    school = READ.record("school", enrolment.get("school"))
    draft.put("school_name", READ.text("name", school.get("name")))
    draft.put("school_grade", READ.whole("grade", enrolment.get("grade")))
    year = READ.required("schoolYear", READ.text("schoolYear", enrolment.get("schoolYear")))
    draft.put("school_year", year)
    draft.put("enrolment_date", READ.day("enrolledOn", enrolment.get("enrolledOn")))
    draft.put("grade_repeated", READ.flag("repeating", enrolment.get("repeating")))


def attendance_rate(attendance: Mapping[str, Any]) -> float | None:
    """Return the share of school days attended, in percent with one decimal; None for a term without days."""
    possible = READ.required("daysPossible", READ.whole("daysPossible", attendance.get("daysPossible")))
    present = READ.required("daysPresent", READ.whole("daysPresent", attendance.get("daysPresent")))
    if not 0 <= present <= possible:
        READ.refuse("daysPresent", "not between 0 and daysPossible")
    return round(100 * present / possible, 1) if possible else None
