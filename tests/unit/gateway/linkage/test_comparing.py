"""How far two people agree, trait by trait."""

import pytest

from gateway.linkage.comparing import Level, Trait, compare
from gateway.linkage.features import Unsaid, features_of
from tests.unit.gateway.linkage.people import ASHA


def levels(identifiers=None, other_identifiers=None, **traits):
    """The levels of Asha and somebody who differs from her in some traits."""
    unsaid = Unsaid({"unknown"})
    one = features_of(identifiers or {}, ASHA, unsaid)
    other = features_of(other_identifiers or {}, {k: v for k, v in (ASHA | traits).items() if v is not None}, unsaid)
    found = compare(one, other)
    assert found == compare(other, one)
    return found


@pytest.mark.parametrize(
    ("surname", "level"),
    [
        ("barwani ", Level.EXACT),
        ("Bárwání", Level.TRANSLITERATED),
        ("Bar-wani", Level.TRANSLITERATED),
        ("\u0411\u0430\u0440\u0432\u0430\u043d\u0438", Level.CLOSE),
        ("Berwani", Level.SOUNDS_ALIKE),
        ("Barwain", Level.SOUNDS_ALIKE),
        ("Barwanis", Level.CLOSE),
        ("Barwani Kimaro", Level.PART),
        ("Kimaro", Level.DIFFERS),
        ("Unknown", Level.MISSING),
        ("--", Level.MISSING),
        ("", Level.MISSING),
        (None, Level.MISSING),
        (7, Level.MISSING),
    ],
)
def test_surnames(surname, level):
    """From written alike to nothing in common; what is no name is missing."""
    assert levels(surname=surname)[Trait.SURNAME] == level


def test_given_name_and_surname_may_be_exchanged():
    """Both say so; neither counts as differing."""
    found = levels(given_name="Barwani", surname="Asha")

    assert found[Trait.GIVEN_NAME] == found[Trait.SURNAME] == Level.SWAPPED


def test_somebody_may_go_by_the_second_name():
    """The given name of one is the second of the other."""
    found = levels(given_name="Neema", second_name="Asha")

    assert found[Trait.GIVEN_NAME] == found[Trait.SECOND_NAME] == Level.OTHER_GIVEN
    assert levels(given_name="Neema", second_name=None)[Trait.GIVEN_NAME] == Level.OTHER_GIVEN


def test_an_initial_is_less_than_a_name_and_more_than_none():
    """`A.` may be Asha."""
    assert levels(given_name="A.")[Trait.GIVEN_NAME] == Level.INITIAL
    assert levels(second_name="N")[Trait.SECOND_NAME] == Level.INITIAL
    assert levels(second_name=None)[Trait.SECOND_NAME] == Level.MISSING


@pytest.mark.parametrize(
    ("birth_date", "level"),
    [
        ("1980-03-14", Level.EXACT),
        ("1980-03-15", Level.CLOSE),
        ("1980-01-01", Level.YEAR),
        ("1980", Level.YEAR),
        (1980, Level.YEAR),
        ("1982", Level.NEAR_YEAR),
        ("1983", Level.DIFFERS),
        ("1980-11-29", Level.SAME_YEAR),
        ("1979-11-29", Level.DIFFERS),
        ("not a date", Level.MISSING),
        (None, Level.MISSING),
    ],
)
def test_birth_dates(birth_date, level):
    """1 January says no more than the year."""
    assert levels(birth_date=birth_date)[Trait.BIRTH_DATE] == level


def test_a_year_may_stand_for_itself():
    """A list without dates has a year of its own."""
    assert levels(birth_date=None, birth_year=1980)[Trait.BIRTH_DATE] == Level.YEAR


def test_day_and_month_may_be_exchanged():
    """Where both ways are dates."""
    one, other = (features_of({}, {"birth_date": day}) for day in ("1980-03-04", "1980-04-03"))

    assert compare(one, other)[Trait.BIRTH_DATE] == Level.SWAPPED


@pytest.mark.parametrize(
    ("place", "level"),
    [
        ({}, Level.EXACT),
        ({"locality": "Moring"}, Level.SOUNDS_ALIKE),
        ({"locality": "Reedham"}, Level.SAME_DISTRICT),
        ({"locality": "Reedham", "sub_region_code": "PV-102"}, Level.SAME_REGION),
        ({"locality": "Reedham", "sub_region_code": "PV-202", "region_code": "PV-2"}, Level.DIFFERS),
        ({"sub_region_code": "PV-202", "region_code": "PV-2"}, Level.DIFFERS),
        ({"locality": None}, Level.SAME_DISTRICT),
        ({"locality": None, "sub_region_code": None, "region_code": None}, Level.MISSING),
    ],
)
def test_places(place, level):
    """Villages of one name in two districts are two villages."""
    assert levels(**place)[Trait.PLACE] == level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ([{"UIN": "555 5555"}], [{"UIN": "5555555"}], Level.SHARED),
        ([{"UIN": "5555555", "BRN": "B-1"}], "5555555", Level.SHARED),
        ([{"UIN": "5555555"}], [{"BRN": "5555555"}], Level.DIFFERS),
        ([{"UIN": "5555555"}], ["6666666"], Level.DIFFERS),
        ([{"UIN": "5555555"}], [], Level.MISSING),
        (["12"], ["12"], Level.MISSING),
        (None, "5555555", Level.MISSING),
    ],
)
def test_relatives(one, other, level):
    """Named by both: by type and value, or by the value where a list does not say which kind of number it is."""
    first, second = (features_of({}, {"kin_numbers": stated}) for stated in (one, other))

    assert compare(first, second)[Trait.KIN] == compare(second, first)[Trait.KIN] == level


def test_numbers_of_a_household_are_nobodys_own():
    """They say who lives together, and not who is who."""
    both = {"UIN": "1111111111", "HOUSEHOLD_ID": "HH-1"}
    found = levels(both, {"UIN": "2222222222", "HOUSEHOLD_ID": "HH-1"})

    assert (found[Trait.NUMBER], found[Trait.HOUSEHOLD]) == (Level.DIFFERS, Level.SHARED)
    assert levels(both, {"LIST_NO": "1"})[Trait.NUMBER] == Level.MISSING


def test_a_telephone_is_shared_or_not():
    """One of several is enough."""
    one, other = (features_of({}, {"phone_number": said}) for said in (["+1 555 1", "+2"], ["+15551"]))

    assert compare(one, other)[Trait.CONTACT] == Level.SHARED
