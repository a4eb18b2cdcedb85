"""Minimisation, case by case; what holds for every profile is in tests/properties/test_permit.py."""

from datetime import timedelta

import pytest

from policies.minimise import UNDISCLOSED, minimise
from standards.household import Evidence, Outcome, SourceOutcome
from standards.permit import Form, FormKind, Operator
from standards.states import (
    Absent,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)
from tests.unit.policies.builders import NOW, VALUE, permit, person, profile, said

YEAR = Form(FormKind.GENERALISED, to="year")
POOR = Form(FormKind.PREDICATE, operator=Operator.LT, threshold=24_000)


def test_the_answer_holds_the_permitted_names_and_no_identifiers():
    """What the profile has besides, does not leave; who is a member does."""
    granted = permit({"surname": VALUE})
    composed = profile(
        {"surname": said("Moyo"), "birth_date": said("1985-07-14")}, {"surname": said("Moyo")}, rooms=said(2)
    )

    answer = minimise(composed, granted, {1: person(granted), 2: person(granted)})

    assert [member.attributes for member in answer.members] == [{"surname": said("Moyo")}] * 2
    assert [member.identifiers for member in answer.members] == [{}, {}]
    assert answer.attributes == {}
    assert answer.sources == composed.sources


@pytest.mark.parametrize("refused", [frozenset(), frozenset({"list"})], ids=["open", "refused"])
def test_that_somebody_was_found_by_linkage_is_not_told_of_a_registry_that_is_refused(refused):
    """It would say that the registry holds this person."""
    granted = permit({"surname": VALUE})
    evidence = (Evidence("asked"), Evidence("linked", "list", score=17.2, detail="surname exact"))
    composed = profile({"surname": said("Moyo")})
    composed = composed._replace(members=(composed.members[0]._replace(evidence=evidence),))

    (member,) = minimise(composed, granted, {1: person(granted, refused_sources=refused)}).members
    assert [one.basis for one in member.evidence] == (["asked"] if refused else ["asked", "linked"])
    assert [one.basis for one in minimise(composed, granted, {}).members[0].evidence] == ["asked"]


def test_a_number_leaves_as_an_attribute_only():
    """Identifiers found on the way are not attributes."""
    granted = permit({"uin": Form(FormKind.MASKED)})

    answer = minimise(profile({"uin": said("1234567890")}), granted, {1: person(granted)})

    assert answer.members[0].attributes == {"uin": said("…90")}


def test_what_was_asked_for_and_is_not_agreed_is_withheld():
    """It stands where it would stand: with people or with the household."""
    granted = permit({"sex": VALUE}, withheld=dict.fromkeys(["surname", "rooms"], WithheldReason.NOT_IN_AGREEMENT))
    composed = profile({"sex": said("female"), "surname": said("Moyo")}, rooms=said(2))

    answer = minimise(composed, granted, {1: person(granted)})

    assert answer.members[0].attributes["surname"] == Withheld(WithheldReason.NOT_IN_AGREEMENT)
    assert answer.attributes == {"rooms": Withheld(WithheldReason.NOT_IN_AGREEMENT)}


def test_a_name_that_the_profile_does_not_know_has_no_source():
    """It is said, not left out."""
    granted = permit({"sex": VALUE, "rooms": VALUE})

    answer = minimise(profile({}), granted, {1: person(granted)})

    assert answer.members[0].attributes == {"sex": Unavailable(UnavailableReason.NO_SOURCE)}
    assert answer.attributes == {"rooms": Unavailable(UnavailableReason.NO_SOURCE)}


def test_a_member_without_a_permit_stays_with_everything_withheld():
    """Each person's own decision counts, and no decision is none."""
    granted = permit({"sex": VALUE, "surname": VALUE})
    composed = profile(*[{"sex": said("female"), "surname": said("Moyo")}] * 3)
    refused = person(granted, forms={}, withheld=dict.fromkeys(granted.forms, WithheldReason.CONSENT_REFUSED))

    answer = minimise(composed, granted, {1: person(granted), 2: refused})

    assert answer.members[0].attributes == {"sex": said("female"), "surname": said("Moyo")}
    assert set(answer.members[1].attributes.values()) == {Withheld(WithheldReason.CONSENT_REFUSED)}
    assert set(answer.members[2].attributes.values()) == {Withheld(WithheldReason.CONSENT_MISSING)}


@pytest.mark.parametrize(
    ("subject", "owner"),
    [(2, 2), (None, 1)],
)
def test_household_attributes_go_by_the_person_asked_about_or_the_head(subject, owner):
    """The household has no decision of its own."""
    granted = permit({"poverty_score": VALUE})
    composed = profile({}, {}, subject=subject, poverty_score=said(23.5))
    other = 3 - owner

    assert minimise(composed, granted, {owner: person(granted)}).attributes == {"poverty_score": said(23.5)}
    assert minimise(composed, granted, {other: person(granted)}).attributes == {
        "poverty_score": Withheld(WithheldReason.CONSENT_MISSING)
    }


def test_a_household_without_head_and_subject_gives_nothing_of_its_own():
    """Nobody's permit covers it."""
    granted = permit({"poverty_score": VALUE})
    composed = profile({}, subject=None, poverty_score=said(23.5))
    headless = composed._replace(members=(composed.members[0]._replace(relationship="CHILD"),))

    answer = minimise(headless, granted, {1: person(granted)})

    assert answer.attributes == {"poverty_score": Withheld(WithheldReason.CONSENT_MISSING)}


def test_forms_change_every_claim():
    """Provenance stays; a conflict that is none in the agreed form becomes a value."""
    granted = permit({"birth_date": YEAR, "income_annual": POOR})
    composed = profile(
        {
            "birth_date": Conflict(said("1985-07-14"), (said("1985-07-15", "social"), said("1986-01-01", "tax"))),
            "income_annual": Conflict(said(100, "tax"), (said(200, "social"),)),
        }
    )

    answer = minimise(composed, granted, {1: person(granted)})

    assert answer.members[0].attributes == {
        "birth_date": Conflict(said("1985"), (said("1986", "tax"),)),
        "income_annual": said(True, "tax"),
    }


def test_differing_claims_that_become_equal_are_one():
    """How many sources disagree in finer detail is not told."""
    granted = permit({"birth_date": YEAR})
    claims = (said("1986-01-01", "a"), said("1986-02-02", "b"), said("1987-01-01", "c"))

    answer = minimise(profile({"birth_date": Conflict(said("1985-07-14"), claims)}), granted, {1: person(granted)})

    assert answer.members[0].attributes["birth_date"] == Conflict(said("1985"), (said("1986", "a"), said("1987", "c")))


@pytest.mark.parametrize("state", [said("14.07.1985", "tax"), Conflict(said(1985, "tax"), (said("1985-07-14"),))])
def test_a_value_that_the_form_does_not_fit_does_not_leave(state):
    """The source broke its promise; the value is not shown in another form instead."""
    granted = permit({"birth_date": YEAR})

    answer = minimise(profile({"birth_date": state}), granted, {1: person(granted)})

    assert answer.members[0].attributes == {"birth_date": Unavailable(UnavailableReason.SOURCE_CONTRACT, "tax")}


def test_a_differing_claim_that_the_form_does_not_fit_is_dropped():
    """The settled value stays."""
    granted = permit({"birth_date": YEAR})
    state = Conflict(said("1985-07-14"), (said("unknown", "tax"),))

    answer = minimise(profile({"birth_date": state}), granted, {1: person(granted)})

    assert answer.members[0].attributes == {"birth_date": said("1985")}


@pytest.mark.parametrize(
    "state",
    [
        Absent(Provenance("crvs", NOW)),
        Unavailable(UnavailableReason.SOURCE_DOWN, "crvs"),
        Withheld(WithheldReason.INPUT_WITHHELD),
    ],
)
@pytest.mark.parametrize("form", [VALUE, YEAR])
def test_other_states_leave_as_they_are(state, form):
    """An outage is never a no, in any form."""
    granted = permit({"birth_date": form})

    assert minimise(profile({"birth_date": state}), granted, {1: person(granted)}).members[0].attributes == {
        "birth_date": state
    }


def test_a_coarser_place_takes_the_place_of_the_address():
    """The address itself is not looked at, even where the district is unknown."""
    granted = permit({"address_line": Form(FormKind.GENERALISED, to="district")})
    known = {"address_line": said("1 Lake Road"), "sub_region_code": said("PV-101", "national_id")}

    answer = minimise(
        profile(known, {"address_line": said("1 Lake Road")}), granted, {1: person(granted), 2: person(granted)}
    )

    assert answer.members[0].attributes == {"address_line": said("PV-101", "national_id")}
    assert answer.members[1].attributes == {"address_line": Unavailable(UnavailableReason.NO_SOURCE)}


def test_the_word_of_a_refused_source_does_not_leave():
    """It should not be in the profile; if it is, it stays there."""
    names = ["sex", "surname", "birth_date", "insured"]
    granted = permit(dict.fromkeys(names, VALUE))
    composed = profile(
        {
            "sex": said("female", "health"),
            "surname": Conflict(said("Moyo"), (said("Mojo", "health"),)),
            "birth_date": Conflict(said("1985-07-14", "health"), (said("1985-07-15"),)),
            "insured": Absent(Provenance("health", NOW)),
        }
    )

    answer = minimise(composed, granted, {1: person(granted, refused_sources=frozenset({"health"}))})

    refused = Withheld(WithheldReason.CONSENT_REFUSED)
    assert answer.members[0].attributes == {
        "sex": refused,
        "surname": said("Moyo"),
        "birth_date": refused,
        "insured": refused,
    }


def test_hidden_withheld_and_absent_are_the_same_value():
    """Neither reason, source nor time tells them apart; what is known still leaves."""
    granted = permit(
        {"sex": VALUE, "insured": VALUE}, hide_withheld=True, withheld={"surname": WithheldReason.NOT_IN_AGREEMENT}
    )
    absent = Absent(Provenance("health", NOW + timedelta(seconds=1), as_of="2026-01-01"))
    composed = profile({"sex": said("female"), "insured": absent}, {"sex": said("male"), "insured": said(True)})
    refused = person(granted, forms={"sex": VALUE}, withheld={"insured": WithheldReason.CONSENT_REFUSED})

    answer = minimise(composed, granted, {1: person(granted), 2: refused})

    nothing = Absent(Provenance(UNDISCLOSED, NOW))
    assert answer.members[0].attributes == {"sex": said("female"), "insured": nothing, "surname": nothing}
    assert answer.members[1].attributes == {"sex": said("male"), "insured": nothing, "surname": nothing}


def test_hidden_withheld_looks_like_the_others_during_an_outage():
    """Otherwise the one who refused would be the one who is not affected."""
    granted = permit({"insured": VALUE}, hide_withheld=True)
    down = Unavailable(UnavailableReason.SOURCE_DOWN, "health")

    answer = minimise(profile({"insured": down}, {}), granted, {1: person(granted)})

    assert [member.attributes for member in answer.members] == [{"insured": down}] * 2


def test_hidden_sources_tell_no_numbers():
    """For how many people a registry was asked would tell for how many it was not."""
    granted = permit({"insured": VALUE}, hide_withheld=True)
    composed = profile({})._replace(
        sources={
            "crvs": SourceOutcome(Outcome.PARTIAL, calls=2, cached=1, reason=UnavailableReason.SOURCE_DOWN),
            "health": SourceOutcome(Outcome.NOT_ASKED),
        }
    )

    assert minimise(composed, granted, {}).sources == {
        "crvs": SourceOutcome(Outcome.PARTIAL, reason=UnavailableReason.SOURCE_DOWN),
        "health": SourceOutcome(Outcome.ANSWERED),
    }


def test_a_wider_form_in_a_persons_permit_does_not_count():
    """The agreement's form is the one that leaves."""
    granted = permit({"birth_date": YEAR})

    answer = minimise(
        profile({"birth_date": said("1985-07-14")}), granted, {1: person(granted, forms={"birth_date": VALUE})}
    )

    assert isinstance(answer.members[0].attributes["birth_date"], Value)
    assert answer.members[0].attributes["birth_date"].value == "1985"


@pytest.mark.parametrize("differing", [(), (said(5_000),)])
def test_no_verdict_rests_on_a_stand_in(differing):
    """The value may be shown as what it is; whether it is below a threshold is not known."""
    stands_in = said(1_000)._replace(provenance=Provenance("social", NOW, stand_in=True))
    state = Conflict(stands_in, differing) if differing else stands_in
    shown, judged = permit({"income_annual": VALUE}), permit({"income_annual": POOR})
    answers = [minimise(profile({"income_annual": state}), one, {1: person(one)}) for one in (shown, judged)]

    assert [answer.members[0].attributes["income_annual"] for answer in answers] == [
        state,
        Unavailable(UnavailableReason.INPUT_UNAVAILABLE),
    ]
