"""Scores of composed households: who was found rightly, and what was told of them."""

import pytest

from gateway.scoring.asking import read_country
from gateway.scoring.composition import composed
from standards.errors import ConfigurationError


def person(number: str | None, day: str, **traits):
    """A line of truth."""
    told = {"given_name": "Asha", "locality": "Mooring", "birth_date": day} | traits
    return {"numbers": {"UIN": number} if number else {}, "traits": told, "household": 1}


def answer(*members):
    """A plain answer; a member is the values told, or states by name."""
    told = [
        {"attributes": {n: v if isinstance(v, dict) else {"state": "value", "value": v} for n, v in member.items()}}
        for member in members
    ]
    return {"household": {"members": told}}


ANNA, BEN, CHILD = person("1", "1980-02-03"), person("2", "1978-05-06"), person(None, "2015-07-08")


def test_members_are_known_by_number_or_birth_date():
    """A stranger costs precision, a missing member recall; who is not named may be one of those left."""
    told = answer({"uin": "1"}, {"uin": "9"}, {"birth_date": "2015-07-08"}, {"given_name": {"state": "withheld"}})

    membership = composed([([ANNA, BEN, CHILD], told)], []).membership

    assert membership == (1, 0, 3, 4, 3, 1)
    row = membership.as_row()
    assert (row["precision"], row["recall"]) == (0.75, 1.0)


def test_nobody_counts_twice():
    """Two unnamed members are not more people than live there."""
    membership = composed([([ANNA], answer({}, {}))], []).membership

    assert (membership.right, membership.told) == (1, 2)


def test_a_household_of_which_nothing_is_told_counts_apart():
    """It says nothing of those that were composed."""
    membership = composed([([ANNA], None), ([BEN], answer({"uin": "2"}))], []).membership

    assert (membership.households, membership.refused, membership.living, membership.right) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("fact", "outcome"),
    [
        ("Mooring", "right"),
        ("Mooringh", "spelled"),
        ("Reedham", "stale"),
        ({"state": "conflict", "value": "Mooring"}, "conflicting"),
        ({"state": "unavailable"}, "unavailable"),
        ({"state": "withheld"}, "withheld"),
        ({"state": "absent"}, "absent"),
    ],
)
def test_what_becomes_of_a_value(fact, outcome):
    """A name in another spelling is not a wrong one."""
    scored = composed([([ANNA], answer({"uin": "1", "locality": fact}))], ["locality"])

    assert dict(scored.values["locality"]) == {outcome: 1}
    [row] = scored.as_rows()
    assert (row["attribute"], row["members"], row[outcome]) == ("locality", 1, 1.0)


def test_what_is_told_in_another_form_is_not_held_against_the_truth():
    """A birth year is no wrong birth date."""
    year = {"state": "value", "value": "1980", "form": "generalised"}
    scored = composed([([ANNA], answer({"uin": "1", "birth_date": year}))], ["birth_date"])

    assert scored.as_rows() == []


def test_the_truth_of_another_country_is_refused(tmp_path):
    """Otherwise every score would be nought."""
    file = tmp_path / "truth.jsonl"
    file.write_text(
        '{"household": 1, "numbers": {"UIN": "1"}, "traits": {"vital_status": "alive"}}\n', encoding="utf-8"
    )

    def country(number):
        return {"examples": {"one": {"identifiers": {"UIN": number}}, "other": {"identifiers": {"HOUSEHOLD_ID": "x"}}}}

    assert len(read_country(file, country("1"))) == 1
    with pytest.raises(ConfigurationError, match="--seed"):
        read_country(file, country("2"))
