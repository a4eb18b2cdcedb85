"""Who is whom: rules, thresholds, margin, and what is never merged."""

from typing import Any, Final

import pytest

from adapters.ports import Candidate
from gateway.linkage.comparing import Trait
from gateway.linkage.judging import Known, Outcome, judge
from tests.unit.gateway.linkage.people import MODEL, known, row


def test_the_same_name_sex_birth_date_and_place_is_a_rule():
    """One such candidate is the person, also where the list was cut."""
    for cut in (False, True):
        verdict = judge(known(), [row(), row("FL-2", given_name="Salma", birth_date="1990-09-09")], MODEL, cut=cut)

        assert verdict.outcome is Outcome.MATCH
        assert verdict.identifiers == {"LIST_NO": "FL-1"}
        assert verdict.rule == "same_name_sex_birth_date_and_place"
        assert verdict.rival is not None
        assert verdict.score > verdict.rival


def test_two_such_candidates_are_one_too_many():
    """A double registration, or a namesake of the same day: somebody has to look."""
    verdict = judge(known(), [row("FL-1"), row("FL-2")], MODEL, cut=False)

    assert verdict.outcome is Outcome.AMBIGUOUS
    assert verdict.identifiers == {}
    assert verdict.rule is None


def test_enough_agreement_is_a_match_without_a_rule():
    """The score, the lead and the reasons are told; no value is."""
    verdict = judge(known(), [row(surname="Berwani", second_name=None)], MODEL, cut=False)

    assert verdict.outcome is Outcome.MATCH
    assert verdict.rule is None
    assert ("surname", "sounds_alike") in {(reason.trait, reason.level) for reason in verdict.reasons}
    assert verdict.score == pytest.approx(MODEL.prior_bits + sum(r.weight for r in verdict.reasons), abs=0.01)
    assert "Berwani" not in str(verdict)


def test_out_of_a_list_that_was_cut_nobody_is_matched_by_the_score():
    """The right one may be among those that were not brought."""
    verdict = judge(known(), [row(surname="Berwani", second_name=None)], MODEL, cut=True)

    assert verdict.outcome is Outcome.AMBIGUOUS


def test_a_list_that_was_cut_never_reads_as_nobody():
    """Nor does one of which nothing came."""
    stranger = row(given_name="Juma", surname="Kimaro", sex="male", birth_date="1950-05-05", locality="Ziwani")

    assert judge(known(), [], MODEL, cut=True).outcome is Outcome.AMBIGUOUS
    assert judge(known(), [stranger], MODEL, cut=True).outcome is Outcome.AMBIGUOUS
    assert judge(known(), [stranger], MODEL, cut=False).outcome is Outcome.NONE
    assert judge(known(), [], MODEL, cut=False).outcome is Outcome.NONE


def test_the_best_must_lead():
    """Two who fit nearly as well are both left to an officer."""
    alike = [row("FL-1", surname="Berwani"), row("FL-2", surname="Barwanis")]
    verdict = judge(known(), alike, MODEL, cut=False)

    assert verdict.outcome is Outcome.AMBIGUOUS
    assert verdict.rival is not None
    assert verdict.score - verdict.rival < MODEL.margin


def test_somebody_with_another_number_of_the_same_kind_is_somebody_else():
    """However much agrees: twins have one birth date, one home and one surname."""
    verdict = judge(known({"UIN": "1234567890"}), [row(identifiers={"UIN": "1234567891"})], MODEL, cut=False)

    assert verdict.outcome is Outcome.NONE


def test_a_country_has_its_own_days_that_stand_for_a_year():
    """Where 1 July is written for "some time in 1980", two who were born then agree in the year and no more."""
    july: dict[str, Any] = {"birth_date": "1980-07-01", "second_name": None}
    other = MODEL.model_copy(update={"unknown_days": ("01-01", "07-01")})

    assert judge(known(**july), [row(**july)], MODEL, cut=False).outcome is Outcome.MATCH
    assert judge(known(**july), [row(**july)], other, cut=False).outcome is Outcome.AMBIGUOUS


HOME = {"UIN": "1234567890", "HOUSEHOLD_ID": "HH-100"}
FAMILY: Final[dict[str, Any]] = {"kin_numbers": [{"UIN": "5555555555"}], "phone_number": ["+1"]}
"""What everybody of one home has in common, beside surname and village."""


@pytest.mark.parametrize(
    ("own", "other"),
    [("Hassan", "Hussein"), ("Mina", "Mona"), ("Maria", "Mario"), ("Amina", "Amani"), ("Marta", "Maria"), ("Ali", "Alia"),
     ("Kulwa", "Doto"), ("Asha", "Neema"), ("Asha", "A."), ("Asha", None)],
)  # fmt: skip
@pytest.mark.parametrize("second", [None, "Salim"])
@pytest.mark.parametrize("surname", ["Barwani", "Xhenqaza"], ids=["a common surname", "a rare one"])
def test_no_score_makes_twins_one(own, other, second, surname):
    """Whatever twins have in common, and though their names sound alike: an officer looks."""
    person = known(HOME, given_name=own, second_name=second, surname=surname, **FAMILY)
    twin = row(identifiers={"HOUSEHOLD_ID": "HH-100"}, given_name=other, second_name=second, surname=surname, **FAMILY)
    verdict = judge(person, [twin], MODEL, cut=False)

    assert verdict.score > MODEL.thresholds.match
    assert verdict.outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize("born", ["2004-05-06", "1980-09-01", "1980-01-01", "1981-01-01", None])
def test_no_score_makes_father_and_son_of_one_name_one(born):
    """Nor cousins; only of a birth year without a day may it be the same person, when names and home agree."""
    person = known(HOME, given_name="Qwazri", surname="Xhenqaza", **FAMILY)
    son = row(
        identifiers={"HOUSEHOLD_ID": "HH-100"}, given_name="Qwazri", surname="Xhenqaza", birth_date=born, **FAMILY
    )
    verdict = judge(person, [son], MODEL, cut=False)

    assert (verdict.outcome is Outcome.MATCH) == (born == "1980-01-01")


def test_a_doubt_stands_in_the_way_of_no_rule():
    """A number in common, and names that sound alike, are one person; and a doubt alone is nobody."""
    number = {"UIN": "1234567890"}
    hers = row(identifiers=number, given_name="Ascha", birth_date=None)
    stranger = row(given_name="Juma", surname="Kimaro", sex="male", birth_date="1950-05-05", locality="Ziwani")

    assert judge(known(number), [hers], MODEL, cut=False).rule == "same_number_and_name"
    assert judge(known(), [stranger], MODEL, cut=False).outcome is Outcome.NONE


@pytest.mark.parametrize("name", ["XXX", "unknown", "N/A", "Not known", "--", "Null"])
def test_what_stands_for_no_name_makes_nobody_the_same(name):
    """Two rows without a name on one day in one village are two."""
    nameless = {"given_name": name, "second_name": name, "surname": name}

    assert judge(known(**nameless), [row(**nameless)], MODEL, cut=False).outcome is not Outcome.MATCH


def test_a_shared_number_is_believed_only_with_the_name():
    """A list that has the head's number for everybody does not make everybody the head."""
    number = {"UIN": "1234567890"}
    own = row(identifiers=number, birth_date=None, locality=None, sub_region_code=None, region_code=None)
    sons = row(
        identifiers=number, given_name="Juma", second_name=None, sex="male", birth_date="2004-05-06", surname="Kimaro"
    )

    assert judge(known(number), [own], MODEL, cut=False).rule == "same_number_and_name"
    assert judge(known(number), [sons], MODEL, cut=False).outcome is not Outcome.MATCH


def test_one_number_counts_once():
    """A row that two blocks brought is not its own rival."""
    verdict = judge(known(), [row(surname="Berwani", second_name=None)] * 2, MODEL, cut=False)

    assert verdict.outcome is Outcome.MATCH
    assert verdict.rival is None


def test_of_whom_hardly_anything_is_known_nobody_says_no():
    """A sex and a village describe thousands."""
    little = Known({"UIN": "1234567890"}, {"sex": "female", "locality": "Mooring"})

    assert judge(little, [row()], MODEL, cut=False).outcome is Outcome.AMBIGUOUS


# -- people without any number

NUMBERLESS = Known(
    {},
    {
        "given_name": "Asha",
        "surname": "Barwani",
        "birth_year": 1980,
        "locality": "Mooring",
        "sub_region_code": "PV-101",
        "kin_numbers": [{"UIN": "5555555555"}, {"UIN": "7777777777"}],
    },
)


def test_without_any_number_somebody_is_found_through_kin_and_place():
    """By name, birth year, village, and the number of a husband that the list has too."""
    hers = row(birth_date="1980-01-01", second_name=None, kin_numbers="5555555555")
    other = row("FL-2", birth_date="1980-01-01", second_name=None, kin_numbers="8888888888")
    verdict = judge(NUMBERLESS, [other, hers], MODEL, cut=False)

    assert verdict.outcome is Outcome.MATCH
    assert verdict.identifiers == {"LIST_NO": "FL-1"}
    assert ("kin", "shared") in {(reason.trait, reason.level) for reason in verdict.reasons}


def test_without_kin_the_same_is_left_open():
    """Name, year and village alone fit namesakes too."""
    verdict = judge(NUMBERLESS, [row(birth_date="1980-01-01", second_name=None)], MODEL, cut=False)

    assert verdict.outcome is Outcome.AMBIGUOUS


def test_who_is_not_there_is_honestly_not_found():
    """A sister-in-law of the same house shares kin and place, and is not her."""
    sister = row(
        given_name="Halina", surname="Kimaro", second_name=None, birth_date="1958-07-08", kin_numbers="5555555555"
    )

    assert judge(NUMBERLESS, [sister], MODEL, cut=False).outcome is Outcome.NONE
    assert judge(NUMBERLESS, [], MODEL, cut=False).outcome is Outcome.NONE


def test_a_rare_surname_weighs_more_than_a_common_one():
    """Agreeing in what few bear says more."""
    frequencies = MODEL.traits[Trait.SURNAME].frequencies
    assert frequencies is not None
    common = max(frequencies.shares, key=frequencies.shares.__getitem__)
    few, many = frequencies.adjustment("XKZQP"), frequencies.adjustment(common)

    assert few > 0 > many
    assert frequencies.adjustment("") == 0
    scores = [
        judge(known(surname=name, birth_date=None), [row(surname=name, birth_date=None)], MODEL, cut=False).score
        for name in ("Kxazqopi", "Tau")
    ]
    assert scores[0] > scores[1]


def test_candidates_need_no_traits_at_all():
    """What says nothing is nobody in particular."""
    verdict = judge(known(), [Candidate({"LIST_NO": "1"}, {})], MODEL, cut=False)

    assert verdict.outcome is Outcome.NONE
    assert verdict.score == pytest.approx(MODEL.prior_bits, abs=0.01)
