"""Which agreement holds on a day, and which contradict each other."""

from datetime import date
from pathlib import Path

import pytest

from policies.agreement import in_force
from policies.book import AgreementSet
from policies.folder import AgreementFolder
from standards.errors import ConfigurationError
from tests.unit.policies.builders import CATALOGUE, agreement

SANDBOX = Path(__file__).parents[3] / "policies" / "sandbox"
JUNE = date(2026, 6, 1)


def consumer(id_, **changes):
    """A consumer whose names follow from its id."""
    return {"id": id_, "title": id_, "client_id": id_, "sender_id": f"{id_}.pv"} | changes


def test_the_newest_version_that_has_started_holds():
    """Versions count by their numbers, not as text, and not before their first day."""
    old, new = agreement(version="1.9"), agreement(version="1.10")
    later = agreement(version="2.0", start="2026-07-01")

    assert in_force([new, later, old], JUNE) == (new,)
    assert in_force([new, later, old], date(2026, 7, 1)) == (later,)


def test_a_version_that_has_ended_does_not_bring_older_ones_back():
    """Ending an agreement early must not widen it."""
    wide, ended = agreement(version="1.0"), agreement(version="1.1", start="2026-02-01", end="2026-03-01")

    assert in_force([wide, ended], JUNE) == ()
    assert in_force([wide, ended], date(2026, 1, 15)) == (wide,)


@pytest.mark.parametrize(
    ("day", "holds"), [("2025-12-31", False), ("2026-01-01", True), ("2026-12-31", True), ("2027-01-01", False)]
)
def test_the_first_and_the_last_day_belong_to_the_term(day, holds):
    """Both ends are included."""
    assert bool(in_force([agreement()], date.fromisoformat(day))) is holds


def test_a_consumer_may_have_several_agreements():
    """The purpose tells which one applies; without one, the one that started last is meant."""
    other = {"audit": {"title": "Audit", "legal_basis": "public_task", "reference": "Act"}}
    first, second = agreement(), agreement(id="audit", purposes=other, start="2026-02-01")
    book = AgreementSet([second, first])

    assert book.for_purpose("programme", "eligibility", JUNE) == first
    assert book.for_purpose("programme", "audit", JUNE) == second
    assert book.for_purpose("programme", "audit", date(2026, 1, 31)) is None
    assert book.for_purpose("somebody", "audit", JUNE) is None
    assert book.in_force("programme", JUNE) == second
    assert book.in_force("somebody", JUNE) is None
    assert book.versions("programme") == (second, first)
    assert book.versions("somebody") == ()


def test_a_consumer_is_as_its_newest_version_describes_it():
    """A renamed programme has one name."""
    renamed = agreement(version="1.1", start="2026-02-01", consumer=consumer("programme", title="New name"))

    assert [known.title for known in AgreementSet([renamed, agreement()]).consumers()] == ["New name"]


@pytest.mark.parametrize(
    ("agreements", "sentence"),
    [
        ([agreement(), agreement()], "is there twice"),
        ([agreement(), agreement(id="other")], "both cover the purpose eligibility on 2026-01-01"),
        ([agreement(), agreement(version="1.1", consumer=consumer("another"))], "changes its consumer"),
        ([agreement(), agreement(id="other", consumer=consumer("another", client_id="programme"))], "one client_id"),
        ([agreement(), agreement(id="other", consumer=consumer("another", sender_id="programme.pv"))], "one sender_id"),
    ],
)
def test_agreements_that_contradict_each_other_are_refused(agreements, sentence):
    """Nobody should have to ask which of two agreements was applied."""
    with pytest.raises(ConfigurationError, match=sentence):
        AgreementSet(agreements)


def test_a_purpose_may_move_to_another_agreement():
    """What a newer version has replaced no longer counts."""
    other = {"audit": {"title": "Audit", "legal_basis": "public_task", "reference": "Act"}}
    moved = [
        agreement(),
        agreement(version="1.1", start="2026-05-01", purposes=other),
        agreement(id="next", start="2026-05-01"),
    ]

    found = AgreementSet(moved).for_purpose("programme", "eligibility", JUNE)

    assert found is not None
    assert found.id == "next"


def test_the_practice_folder_holds_four_programmes():
    """The cash transfer by consent, the school grant and the disability allowance by law, rural support by both."""
    book = AgreementFolder.load(SANDBOX, CATALOGUE)

    assert {c.id: c.sender_id for c in book.consumers()} == {
        "uct": "uct.programmes.pv",
        "cct-education": "cct-education.programmes.pv",
        "disability-allowance": "disability-allowance.programmes.pv",
        "rural-support": "rural-support.programmes.pv",
    }
    transfer = book.for_purpose("uct", "eligibility", JUNE)
    grant = book.for_purpose("cct-education", "enrolment_verification", JUNE)
    assert transfer is not None
    assert grant is not None
    assert transfer.purposes["eligibility"].legal_basis == "consent"
    assert grant.purposes["enrolment_verification"].legal_basis == "public_task"
