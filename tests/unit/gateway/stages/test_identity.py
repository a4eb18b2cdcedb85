"""Which numbers are one person's, on whose word, and which words are about the same person."""

import pytest

from gateway.stages.identity import Word, agreed, crosswalk, is_another, issuers_of, same_people, strangers
from mocks.farmers_list_entries import entries
from standards.states import UnavailableReason
from tests.builders import MANIFESTS, heard, record
from tests.unit.mocks.countries import country

ISSUERS = {"UIN": frozenset({"national_id"}), "BRN": frozenset({"crvs"}), "TIN": frozenset({"tax"})}


def told(*said):
    """The crosswalk of what was heard."""
    return crosswalk(said, ISSUERS)


def test_the_registries_say_what_they_issue():
    """By their manifests, so that a new registry needs no code."""
    issuers = issuers_of(MANIFESTS.values())

    assert issuers["UIN"] == {"national_id"}
    assert issuers["BRN"] == {"crvs"}
    assert issuers["LEARNER_NUMBER"] == {"education"}


def test_a_crosswalk_holds_every_claim_the_issuer_s_first():
    """Type, value, source and date of each; the order of arrival decides nothing."""
    crvs = heard(record(UIN="1", BRN="B1", as_of="2026-01-01"), "crvs")
    national = heard(record(UIN="1", TIN="T1"), "national_id")

    found = told(crvs, national)

    assert [(c.source_id, c.is_issuers) for c in found["UIN"]] == [("national_id", True), ("crvs", False)]
    assert found["BRN"][0].as_of == "2026-01-01"
    assert found == told(national, crvs)
    assert told(heard(None, "crvs"), heard(None, "tax", UnavailableReason.SOURCE_DOWN)) == {}


def test_a_disputed_number_counts_on_its_issuer_s_word_only():
    """Where the issuer is silent there is none; the claims stay."""
    crvs, social = heard(record(UIN="1", BRN="B1"), "crvs"), heard(record(UIN="2", MEMBER_ID="S1"), "social")
    issuer = heard(record(UIN="2"), "national_id")

    assert agreed(told(crvs, social), {}) == {"BRN": "B1", "MEMBER_ID": "S1"}
    assert agreed(told(crvs, social, issuer), {})["UIN"] == "2"
    assert agreed(told(crvs), {"UIN": "1"})["UIN"] == "1"
    assert "UIN" not in agreed(told(crvs), {"UIN": "3"})


@pytest.mark.parametrize(
    ("words", "people"),
    [
        ([{"UIN": "1"}, {"UIN": "1", "BRN": "B1"}, {"BRN": "B1"}], [(0, 1, 2)]),
        ([{"UIN": "1"}, {"BRN": "B1"}], [(0,), (1,)]),
        ([{"MRN": "M1"}, {"MRN": "M1"}], [(0,), (1,)]),
        ([{"DWELLING_KEY": "D1", "UIN": "1"}, {"DWELLING_KEY": "D1", "UIN": "2"}], [(0,), (1,)]),
        ([{"UIN": "1", "MEMBER_ID": "S"}, {"UIN": "2", "MEMBER_ID": "S"}, {"UIN": "1"}], [(0, 2), (1,)]),
    ],
)
def test_words_that_share_a_number_are_about_one_person(words, people):
    """A number of a couple or of a place is nobody's; a contradiction keeps apart."""
    assert list(same_people([Word(numbers) for numbers in words]).people) == people


def test_two_numbers_of_one_person_need_the_issuer_and_one_birth():
    """A tax number that a couple shares by mistake makes them one never."""
    vouched = frozenset({"UIN"})
    on_one_birth = [Word({"UIN": "1", "BRN": "B"}, vouched), Word({"UIN": "2", "BRN": "B"}, vouched)]
    on_one_tax_number = [Word({"UIN": "1", "TIN": "T"}, vouched), Word({"UIN": "2", "TIN": "T"}, vouched)]

    assert same_people(on_one_birth).people == ((0, 1),)
    assert same_people(on_one_tax_number).people == ((0,), (1,))
    assert same_people(on_one_tax_number).ambiguous == {0, 1}


def test_a_record_of_another_sex_and_birth_date_is_of_somebody_else():
    """The issuer of the number the person was found by is believed; one difference is a mistake, not another person."""
    woman = heard(record({"sex": "female", "birth_date": "1990-02-01"}, UIN="1"), "national_id")
    man = heard(record({"sex": "male", "birth_date": "1955-01-01"}, UIN="1"), "crvs")
    slip = heard(record({"sex": "female", "birth_date": "1990-01-02"}, UIN="1"), "crvs")
    unsure = heard(record({"sex": "unknown", "birth_date": "1955-01-01"}, UIN="1"), "crvs")
    keys = {"national_id": ("national_id", "identity"), "crvs": ("crvs", "person")}

    def refused(other):
        said = {keys["crvs"]: other, keys["national_id"]: woman}
        return strangers(said, {"UIN": "1"}, ISSUERS)

    assert refused(man) == {keys["crvs"]}
    assert refused(slip) == refused(unsure) == frozenset()


ASHA = {"sex": "female", "given_name": "Asha", "second_name": "Rehema", "surname": "Moyo", "birth_date": "1990-02-13"}
ZURI = {"sex": "female", "given_name": "Zuri", "surname": "Okafor", "birth_date": "1955-07-07"}


@pytest.mark.parametrize(
    ("change", "is_believed"),
    [
        ({}, False),
        ({"sex": "unknown"}, True),
        ({"surname": None}, True),
        ({"surname": "Moyoh"}, True),
        ({"given_name": "Ascha"}, True),
        ({"given_name": "Rehema"}, True),
        ({"given_name": "Moyo", "surname": "Asha"}, True),
        ({"birth_date": "1990-02-13"}, True),
        ({"birth_date": "1980-02-13"}, True),
        ({"birth_date": "1990-07-07"}, True),
        ({"birth_date": "1955-02-13"}, True),
        ({"birth_date": "1955-01-01"}, True),
    ],
    ids=str,
)
def test_a_record_that_agrees_in_no_name_year_or_birthday_is_of_somebody_else(change, is_believed):
    """Whatever its sex. One name that agrees, or a part of the date, or a year alone: then it may be a slip."""
    keys = {"national_id": ("national_id", "identity"), "social": ("social", "member")}
    said = {
        keys["social"]: heard(record({**ZURI, **change, "is_disabled": True}, UIN="1"), "social"),
        keys["national_id"]: heard(record(ASHA, UIN="1"), "national_id"),
    }

    assert strangers(said, {"UIN": "1"}, ISSUERS) == (frozenset() if is_believed else {keys["social"]})


REGISTRIES = ("crvs", "national_id", "social", "farmer", "disability", "employment", "beneficiary")


def names(given_name, second_name, surname, born):
    """What a record says of somebody, as far as people are told apart by it."""
    return {"given_name": given_name, "second_name": second_name, "surname": surname, "birth_date": born}


def test_whom_registries_write_otherwise_is_believed_whatever_the_birth_date():
    """All of the practice country, as any two registries spell them, and with a date in which every figure is wrong."""
    told_apart = [
        (person.index, one, other)
        for person in country().people
        for place, one in enumerate(REGISTRIES)
        for other in REGISTRIES[place + 1 :]
        if (spelled := country().spelling(one, person.index)) != (also := country().spelling(other, person.index))
        and is_another(names(*spelled, "1990-02-13"), names(*also, "2001-11-28"))
    ]

    assert told_apart == []


def test_whom_officers_wrote_down_by_ear_is_believed():
    """The list with most noise of all: in another script, names exchanged, days too, or a year alone."""
    listed = entries(country(1500), "high")
    wrong = [
        one.number
        for one in listed
        if is_another(
            names(one.person.given_name, one.person.second_name, one.person.surname, "1990-02-13"),
            names(one.given_name, one.second_name, one.surname, "2001-11-28"),
        )
    ]

    assert len(listed) > 300
    assert wrong == []


def test_nearly_everybody_else_is_told_apart():
    """Of neighbours in the country's list of people, those who share neither a name nor a birthday."""
    everybody = [names(p.given_name, p.second_name, p.surname, p.birth_date.isoformat()) for p in country().people]
    apart = [is_another(one, other) for one, other in zip(everybody, everybody[len(everybody) // 2 :], strict=False)]

    assert sum(apart) > 0.85 * len(apart)
