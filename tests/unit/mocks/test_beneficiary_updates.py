"""What programmes tell the beneficiary registry, in the spellings met in samples, and what cannot be used."""

from datetime import date

import pytest

from mocks.beneficiary_updates import Update, updates_of

GOOD = {
    "member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": "1234567890"}]},
    "programme_identifier": [{"programme_identifier": "CG-01"}],
    "enrollment_date": "2026-01-15",
    "enrollment_status": "1",
}
EXPECTED = Update("1234567890", "CG-01", "1", date(2026, 1, 15), date(2026, 1, 15))


@pytest.mark.parametrize(
    "sent",
    [
        GOOD,
        GOOD | {"programme_identifier": {"programme_identifier": "CG-01"}},
        GOOD | {"programme_identifier": "CG-01"},
        GOOD | {"programme_identifier": [{"programme": {"programme_identifier": "CG-01"}}]},
        GOOD | {"enrollment_status": "Active", "enrollment_date": "2026-01-15T00:00:00+00:00"},
        GOOD | {"member": {"member_identifier": "1234567890"}},
        {key.replace("enrollment", "enrolment"): value for key, value in GOOD.items()},
        {**GOOD, "enrollment_date": "2001-01-01"}
        | {"programme_identifier": [{"programme_identifier": "CG-01", "enrollment_date": "2026-01-15"}]},
    ],
)
def test_one_meaning_in_many_spellings(sent):
    """Single objects, wrapped programmes, labels, moments, and facts inside the programme are all read."""
    assert updates_of(sent) == [EXPECTED]


def test_every_programme_is_an_update():
    """Each with its own standing."""
    programmes = [
        {"programme_identifier": "CG-01"},
        {"programme_identifier": "DA-03", "enrollment_status": "4", "status_change_date": ["2026-03-01", "2026-02-01"]},
    ]

    assert updates_of(GOOD | {"programme_identifier": programmes}) == [
        EXPECTED,
        Update("1234567890", "DA-03", "4", date(2026, 1, 15), date(2026, 3, 1)),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {key: value for key, value in GOOD.items() if key != "member"},
        {key: value for key, value in GOOD.items() if key != "programme_identifier"},
        {key: value for key, value in GOOD.items() if key != "enrollment_date"},
        GOOD | {"member": {"member_identifier": []}},
        GOOD | {"member": {"member_identifier": [{"identifier_value": 5}]}},
        GOOD | {"programme_identifier": []},
        GOOD | {"programme_identifier": ["XX-01"]},
        GOOD | {"programme_identifier": [["CG-01"]]},
        GOOD | {"enrollment_status": "9"},
        GOOD | {"enrollment_status": {"code": "1"}},
        GOOD | {"enrollment_date": "yesterday"},
        GOOD | {"enrollment_date": 20260115},
        GOOD | {"status_change_date": [None]},
        GOOD | {"status_change_date": {"day": 1}},
    ],
)
def test_what_cannot_be_used_is_refused_without_a_personal_value(sent):
    """In words for the sender that repeat nothing of what was sent."""
    with pytest.raises(ValueError, match=r"^(a|enrollment)") as refused:
        updates_of(sent)

    assert "1234567890" not in str(refused.value)
