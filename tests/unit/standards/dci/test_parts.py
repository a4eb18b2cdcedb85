"""Entries of list attributes in the standard's classes."""

from typing import Any

import pytest

from standards.dci import parts
from standards.dci.parts import load
from standards.errors import ConfigurationError
from tests.samples import CATALOGUE, entry


def known_parts(attribute: str, said: Any) -> Any:
    """What is left of the value of a list attribute."""
    return parts.known_parts(attribute, said)


@pytest.mark.parametrize(
    ("said", "code"),
    [("3", "3"), (3, "3"), ("Severe", "3"), ("SEVERE", "3")],
)
def test_a_code_is_read_in_any_of_its_spellings(said, code):
    """The exact code, a number, a label, and a label in another case."""
    assert known_parts("disability_details", [{"impairment_level": said}]) == [
        {"@type": "DisabilityDetails", "impairment_level": code}
    ]


def test_a_word_for_a_code_is_read():
    """One of the directory's aliases."""
    assert known_parts("farm_machinery", [{"type": "tractor"}]) == [{"@type": "Machineries", "type": "32"}]


def test_a_word_that_is_no_code_is_kept_under_our_prefix():
    """As it was sent, and the standard's member is left out: a code is never guessed."""
    told = known_parts("disability_details", [{"impairment_cause": "fell from a tree", "impairment_type": "1"}])

    assert told == [
        {"@type": "DisabilityDetails", "impairment_type": "1", "hearth:impairment_cause": "fell from a tree"}
    ]


def test_of_several_codes_those_that_are_known_are_told():
    """The others stand beside them."""
    crop = {"crop_production": [{"fertilizer_type": ["Manure", "magic"]}]}
    (farm,) = known_parts("farms", [{"farming_activities": crop}])

    assert farm["farming_activities"]["crop_production"] == [
        {"@type": "CropDetails", "fertilizer_type": ["5"], "hearth:fertilizer_type": ["magic"]}
    ]


def test_nobody_comes_along_inside_a_list():
    """What a class does not name is left out, whoever sends it: a caregiver's name and number among it."""
    support = [{"human_assistance": [{"type": "mobility", "caregiver": {"name": {"given_name": "Asha"}}, "note": "x"}]}]

    assert known_parts("disability_support", support) == [
        {"@type": "DisabilitySupport", "human_assistance": [{"@type": "HumanAssistance", "type": "mobility"}]}
    ]


def test_values_come_in_their_types():
    """Dates without a time of day, numbers from texts, amounts in any of the forms met; what is none is left out."""
    benefit = {"benefit_date": "2026-09-01T00:00", "benefit_value": "120", "benefit_quantity": "x"}
    told = known_parts("benefit_enrolments", [{"programme_name": " Grant ", "benefits": benefit}])

    assert told == [
        {
            "@type": "Programme",
            "programme_name": "Grant",
            "benefits": [{"@type": "Benefit", "benefit_date": "2026-09-01", "benefit_value": 120}],
        }
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("PVC 120", "PVC 120"),
        ({"currency": "PVC", "amount": "120.5", "who": "x"}, {"amount": 120.5, "currency": "PVC"}),
        (True, None),
        ({"who": "x"}, None),
        ("9" * 40, "9" * 40),
        (10**40, None),
        (float("inf"), None),
    ],
)
def test_an_amount_is_a_number_a_text_or_both(said, told):
    """Nothing else of it is passed on."""
    found = known_parts("benefit_enrolments", [{"programme_name": "x", "benefits": [{"benefit_value": said}]}])

    assert found[0].get("benefits", [{}])[0].get("benefit_value") == told


def test_our_own_member_is_read_whatever_prefix_a_country_gives_it():
    """The standard has two members of one name there."""
    (machine,) = known_parts("farm_machinery", [{"type": "10", "pv:source": "Owned", "pv:secret": "x"}])

    assert machine == {"@type": "Machineries", "type": "10", "hearth:source": "1"}


@pytest.mark.parametrize("said", [[], ["x"], [None], [{}], [{"unknown": 1}], "x"])
def test_of_nothing_known_nothing_is_left(said):
    """An entry that says nothing is no entry."""
    assert known_parts("farms", said) is None


def test_other_lists_stay_as_they_are():
    """Nothing is said of their entries."""
    assert known_parts("land_parcels", [{"x": 1}]) == [{"x": 1}]
    assert known_parts("farms", None) is None


def test_reading_twice_changes_nothing():
    """What was mapped is mapped."""
    for attribute, kind in load().attributes.items():
        once = known_parts(attribute, [entry(kind)])
        assert known_parts(attribute, once) == once
        strange = known_parts("farms", [{"land_tenure": "squatting", "land_size": 1}])
        assert (
            known_parts("farms", strange)
            == strange
            == [{"@type": "FarmInfo", "hearth:land_tenure": "squatting", "land_size": 1}]
        )
        assert CATALOGUE[attribute].type == "list"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("attributes: {farms: Farm}\nclasses: {}\n", "nothing defines"),
        ("attributes: {}\nclasses: {Farm: {size: acres}}\n", "not one thing"),
        ("attributes: {}\nclasses: {LandTenure: {a: text}, Farm: {tenure: LandTenure}}\n", "not one thing"),
    ],
)
def test_a_file_that_speaks_of_what_there_is_not_is_refused(tmp_path, text, message):
    """A name that is a class and a directory would be read as the one or the other."""
    file = tmp_path / "parts.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        parts._load(file)
