"""The questions that one registry type alone answers: what each asks, and the items of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from standards.dci.codes import RecordType, RegType, Status
from standards.dci.comparisons import identifier_of
from standards.dci.envelope import VERSION, sentence, wire_time
from standards.dci.reading import ItemRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from standards.identifiers import Identifier

MAX_DEPTH: Final = 8
"""How deep in a beneficiary numbers are looked for."""


class Special(NamedTuple):
    """One of these questions."""

    path: str
    """Below `/registry/`."""
    reg_type: RegType
    record_type: RecordType
    criteria: str
    """Member of the request that says who is asked about."""
    response: str
    """Member of the answer that holds its items."""
    attribute: str
    """What is asked, in the catalogue's name."""
    told: str = ""
    """Member of an item that holds the answer; empty where the item holds records."""


DISABLED: Final = Special(
    "sync/disabled", RegType.DISABILITY, RecordType.DISABLED_PERSON,
    "disabled_criteria", "disabled_response", "is_disabled", "disabled_status",
)  # fmt: skip
DISABILITY_DETAILS: Final = Special(
    "sync/get-disability-details", RegType.DISABILITY, RecordType.DISABLED_PERSON,
    "disabled_criteria", "search_response", "disability_details",
)  # fmt: skip
DISABILITY_SUPPORT: Final = Special(
    "sync/get-disability-support", RegType.DISABILITY, RecordType.DISABLED_PERSON,
    "disabled_criteria", "search_response", "disability_support",
)  # fmt: skip
ENROLLED: Final = Special(
    "sync/enrolled", RegType.BENEFICIARY, RecordType.BENEFICIARY,
    "enrolled_criteria", "enrolled_response", "benefit_enrolments", "enrolled_status",
)  # fmt: skip
CHECK_ENROLMENT: Final = Special(
    "sync/check-enrollment", RegType.EMPLOYMENT, RecordType.MEMBER,
    "enrolled_criteria", "enrolled_response", "employment_enrolment_status", "enrolled_status",
)  # fmt: skip
SPECIALS: Final = (DISABLED, DISABILITY_DETAILS, DISABILITY_SUPPORT, ENROLLED, CHECK_ENROLMENT)

ENROLMENT_WORDS: Final[Mapping[str, str]] = {
    "1": "Active",
    "2": "Deceased",
    "3": "Inactive",
    "4": "Suspended",
    "5": "Inactive",
    "6": "Reinstated",
    "7": "Awaiting Renewal",
}
"""ESS EnrolmentStatus -> the word of an answer. `3`, exited, has none (DEVIATIONS.md, 29)."""

STANDING: Final = frozenset({"1", "4"})
"""IBR EnrollmentStatus of an enrolment that stands: active and suspended; who graduated or died is not enrolled."""


def told_item(special: Special, reference_id: str, word: str, *, now: datetime, message: str = "") -> dict[str, object]:
    """Build the item that answers with one word."""
    item: dict[str, object] = {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.SUCCEEDED.value,
        special.told: word,
    }
    return item | ({"status_reason_message": sentence(message)} if message else {})


def records_item(
    special: Special, reference_id: str, values: Sequence[object], *, now: datetime, extensions: Mapping[str, object]
) -> dict[str, object]:
    """Build the item that answers with records; without values there is none.

    DR has details as members of a record, and support as an array of arrays (DEVIATIONS.md, 28).
    """
    records: list[object] = []
    if values:
        as_array = special is DISABILITY_SUPPORT
        records = [list(values) if as_array else {"@type": "PWD_Person", special.attribute: list(values)}]
    data = {
        "version": VERSION,
        "reg_type": special.reg_type.value,
        "reg_record_type": special.record_type.value,
        "reg_records": records,
        **extensions,
    }
    return {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.SUCCEEDED.value,
        "data": data,
        "pagination": {"page_size": 1, "page_number": 1, "total_count": len(records)},
    }


def refused_item(reference_id: str, message: str, *, now: datetime) -> dict[str, object]:
    """Build the item of a question that is not answered; these have no codes, only a sentence."""
    return {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.REJECTED.value,
        "status_reason_message": sentence(message),
    }


def enrolled_word(enrolments: Sequence[Mapping[str, object]], programme: str | None) -> str:
    """Return whether an enrolment stands, in one programme or in any."""
    wanted = None if programme is None else programme.casefold()
    return (
        "yes"
        if any(
            str(one.get("enrollment_status")) in STANDING
            and (wanted is None or str(one.get("programme_identifier")).casefold() == wanted)
            for one in enrolments
        )
        else "no"
    )


def beneficiaries_of(updates: object) -> list[tuple[Identifier, ...]]:
    """Return the numbers of everybody whom enrolment updates name, one entry for each beneficiary; never raises."""
    listed = updates.get("beneficiaries") if isinstance(updates, dict) else None
    listed = [listed] if isinstance(listed, dict) else listed
    return [tuple(_numbers(one, 1)) for one in listed] if isinstance(listed, list) else []


def _numbers(part: object, depth: int) -> list[Identifier]:
    if depth > MAX_DEPTH:
        return []
    if isinstance(part, list):
        return [found for one in part for found in _numbers(one, depth + 1)]
    if not isinstance(part, dict):
        return []
    found = [number for one in part.values() for number in _numbers(one, depth + 1)]
    if "identifier_value" in part:
        try:
            found.append(identifier_of(part.get("identifier_type"), part["identifier_value"]))
        except ItemRefusedError:
            return found
    return found
