"""The education registry finds learners by two kinds of number and answers page by page."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from mocks.education import (
    EducationRegistry,
    Lookup,
    RefusedError,
    attendance,
    enrolment,
    learner,
    lookup_of,
    page_of,
    school_codes,
)
from tests.unit.mocks.few_people import ASHA, ASHA_SCHOOLING, JUMA, JUMA_SCHOOLING, few_people


def refusal(**body):
    """Return the error code that a body gets."""
    with pytest.raises(RefusedError) as refused:
        lookup_of(orjson.dumps(body))
    assert refused.value.status == 400
    return refused.value.code


def test_a_lookup_is_read():
    """Numbers are taken without repetition; page and size have defaults."""
    body = {"learnerNumbers": ["L2", "L1", "L2"], "birthRegistrationNumbers": ["B1"]}

    assert lookup_of(orjson.dumps(body)) == Lookup(("L2", "L1"), ("B1",), 1, 100)


def test_lookups_that_are_refused():
    """Each way of asking wrongly has an error code."""
    with pytest.raises(RefusedError):
        lookup_of(b"learnerNumbers=L1")
    assert refusal() == "NO_NUMBERS"
    assert refusal(learnerNumbers=[]) == "NO_NUMBERS"
    assert refusal(learners=["L1"]) == "BAD_REQUEST"
    assert refusal(learnerNumbers="L1") == "BAD_REQUEST"
    assert refusal(learnerNumbers=[1]) == "BAD_REQUEST"
    assert refusal(learnerNumbers=["L1"], page=0) == "BAD_REQUEST"
    assert refusal(learnerNumbers=["L1"], page=True) == "BAD_REQUEST"
    assert refusal(learnerNumbers=["L1"], pageSize=201) == "BAD_REQUEST"
    numbers = [f"L{number}" for number in range(150)]
    assert refusal(learnerNumbers=numbers, birthRegistrationNumbers=numbers) == "TOO_MANY"


def test_a_learner_is_written_whole():
    """A child in school has level, enrolment and attendance; no birth number is null."""
    assert learner(JUMA, JUMA_SCHOOLING, "Juma Moyo", None, "S-001") == {
        "learnerNumber": "L0000002",
        "birthRegistrationNumber": None,
        "fullName": "Juma Moyo",
        "highestLevel": "PRE_PRIMARY",
        "enrolment": {
            "schoolYear": "2026",
            "school": {"code": "S-001", "name": "Lake Primary"},
            "grade": 5,
            "enrolledOn": "2026-01-12",
            "status": "ENROLLED",
            "repeating": False,
        },
        "attendance": {"term": "2026-T2", "daysPossible": 60, "daysPresent": 54},
        "modifiedAt": "2026-02-11T08:00:00Z",
    }


def test_who_left_school_has_neither_enrolment_nor_attendance():
    """A grown-up keeps the level attained."""
    record = learner(ASHA, ASHA_SCHOOLING, "Asha Moyo", "B1990-000001", "")

    assert record["highestLevel"] == "UPPER_SECONDARY"
    assert record["enrolment"] is None
    assert record["attendance"] is None


def test_an_enrolment_is_a_change():
    """A record enrolled after its last other change was modified on that day."""
    late = replace(JUMA_SCHOOLING, enrolled_on=date(2026, 3, 2))

    assert learner(JUMA, late, "", None, "")["modifiedAt"] == "2026-03-02T08:00:00Z"


def test_who_leaves_during_the_year_is_no_longer_enrolled():
    """The enrolment stays, with another status; attendance goes."""
    left = replace(JUMA_SCHOOLING, enrolled=False)

    ended = enrolment(left, "S-001")
    assert ended is not None
    assert ended["status"] == "LEFT"
    assert attendance(left) is None


def test_pages_hold_everybody_once():
    """All pages together hold all items; an answer without items has one page."""
    items = [{"n": n} for n in range(5)]
    pages = [page_of(items, Lookup((), (), number, 2), {}) for number in (1, 2, 3)]

    assert [item for page in pages for item in page["items"]] == items
    assert {(page["totalPages"], page["totalItems"]) for page in pages} == {(3, 5)}
    assert page_of([], Lookup((), (), 1, 2), {})["totalPages"] == 1


def test_schools_have_codes_of_their_own():
    """Every school in use has a code, and no code is for no school."""
    assert school_codes(few_people()) == {"Lake Primary": "S-001"}


def test_only_learners_are_held():
    """Somebody who never went to school is nobody here, whatever other number they have."""
    registry = EducationRegistry(few_people(), {"KEY": "k"})

    assert registry._person("LEARNER_NUMBER", "L0000001") is ASHA
    assert registry._person("BRN", "B1990-000001") is ASHA
    assert registry._person("BRN", "B1990-000003") is None
    assert registry._person("LEARNER_NUMBER", "L9999999") is None


def test_a_birth_number_never_entered_finds_nobody():
    """A learner whose birth number the registry was never told is found by learner number alone."""
    people = few_people()
    people.without_learner_brn.add(ASHA.index)
    registry = EducationRegistry(people, {"KEY": "k"})

    assert registry._person("BRN", "B1990-000001") is None
    assert registry._person("LEARNER_NUMBER", "L0000001") is ASHA
    assert registry._record(ASHA)["birthRegistrationNumber"] is None
