"""Candidates: who was found by traits, and by what a registry is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.generic.mapping.candidates import Candidates, known_in_blocks, writer
from adapters.generic.mapping.layout import RecordLayout, ValueField
from adapters.generic.mapping.traits import TraitsOptions
from adapters.ports import Candidate
from standards.errors import ConfigurationError, SourceContractError

LAYOUT = RecordLayout.model_validate({"identifiers": {"FARMER_ID": {"path": "no", "prefix": "F"}}})
OPTIONS = TraitsOptions.model_validate({
    "most": 3,
    "blocks": [["birth_date", "surname"], ["name_sound", "birth_year"]],
    "traits": {
        "surname": {"path": "last", "case": "title"},
        "sex": {"path": "sex", "type": "code", "codes": {"F": "2", "W": "2", "M": "1"}},
        "birth_date": {"path": "born", "type": "date", "date": "compact"},
    },
})  # fmt: skip
RAW = {"no": "F7", "last": "MOYO", "sex": "w", "born": "19900203"}


def test_a_record_becomes_a_candidate():
    """Its number and traits in the catalogue's form; a code that is not known is no trait."""
    probe = Candidates("probe", LAYOUT, OPTIONS)

    assert probe.candidate(RAW) == Candidate(
        {"FARMER_ID": "7"}, {"surname": "Moyo", "sex": "2", "birth_date": "1990-02-03"}
    )
    assert probe.candidate(RAW | {"sex": "?"}).traits == {"surname": "Moyo", "birth_date": "1990-02-03"}


@pytest.mark.parametrize("change", [{"no": None}, {"no": "7"}, {"no": {}}, {"born": "soon"}, {"last": []}])
def test_a_candidate_that_cannot_be_read_is_refused(change):
    """Without number nobody could ask for it."""
    with pytest.raises(SourceContractError):
        Candidates("probe", LAYOUT, OPTIONS).candidate(RAW | change)


@given(st.lists(st.sampled_from([RAW | {"no": f"F{n}", "last": last} for n in range(5) for last in ("A", "B")])))
def test_candidates_come_once_in_the_same_order_whatever_order_they_came_in(raws):
    """And no more than are looked at, which is said."""
    probe = Candidates("probe", LAYOUT, OPTIONS)
    found, cut = probe.found(raws)

    assert (found, cut) == probe.found(raws[::-1])
    numbers = [one.identifiers["FARMER_ID"] for one in found]
    assert numbers == sorted({raw["no"][1:] for raw in raws})[:3]
    assert cut == (len({raw["no"] for raw in raws}) > 3)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"surname": "Moyo", "birth_date": "1990-02-03"}, {"birth_date": "1990-02-03", "surname": "Moyo"}),
        ({"surname": "Moyo"}, None),
        ({"surname": "", "birth_date": "1990-02-03"}, None),
        ({"surname": "!!", "birth_date": "1990-02-03"}, {"birth_date": "1990-02-03", "surname": "!!"}),
        ({}, None),
    ],
)
def test_people_are_looked_for_by_the_first_block_of_which_all_is_known(wanted, expected):
    """The narrowest comes first."""
    assert known_in_blocks(OPTIONS, wanted) == expected


def test_traits_can_be_made_of_others():
    """A year, and a sound; a name that has none narrows nothing."""
    second = OPTIONS.model_copy(update={"blocks": (("name_sound", "birth_year"),)})
    known = {"surname": "Moyo", "birth_date": "1990-02-03"}

    assert known_in_blocks(second, known) == {"name_sound": "MY", "birth_year": 1990}
    assert known_in_blocks(second, known | {"surname": "!!"}) is None
    assert known_in_blocks(second, known | {"birth_date": "x"}) is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (None, "MY", "MY"),
        ({}, "Moyo", "Moyo"),
        (OPTIONS.traits["sex"].model_dump(), "2", "F"),
        (OPTIONS.traits["sex"].model_dump(), "9", None),
        ({"type": "boolean", "codes": {"J": "true"}}, True, "J"),
        ({"type": "date"}, "1990-02-03", "1990-02-03"),
        ({"type": "date", "date": "compact"}, "1990-02-03", "19900203"),
        ({"type": "date", "date": "year"}, "1990-02-03", "1990"),
    ],
)
def test_a_trait_is_written_as_the_registry_does(field, value, expected):
    """The first of its codes that mean the same."""
    stated = None if field is None else ValueField.model_validate({"path": "x"} | field)
    assert writer("probe", "it", stated)(value) == expected


@pytest.mark.parametrize("field", [{"date": "day_first"}, {"calendar": "ethiopian"}])
def test_a_form_that_can_only_be_read_is_refused_at_start(field):
    """Nobody would be found by a guess."""
    with pytest.raises(ConfigurationError, match="birth_date"):
        writer("probe", "birth_date", ValueField(path="x", type="date", **field))
