"""The farmers' list: who is on it, and how well they were written down."""

import pytest

from mocks.farmers_list_entries import NOISE, entries
from mocks.scripts import HILLS, ethiopic
from tests.unit.mocks.countries import country


@pytest.fixture(scope="module")
def lists():
    """Return the list of a large country at each level of noise."""
    return {noise: entries(country(1500), noise) for noise in NOISE}


def wrong(listed):
    """Count the entries that differ from the truth in days, village or second name."""
    homes = country(1500).households
    return [
        sum(one.birth_date != one.person.birth_date for one in listed),
        sum(one.village != homes[one.person.household].address.locality for one in listed),
        sum(one.person.second_name is not None and one.second_name is None for one in listed),
    ]


def test_the_same_country_gives_the_same_list():
    """Twice the same."""
    assert entries(country()) == entries(country())


def test_noise_changes_how_people_are_written_down_and_never_who(lists):
    """The more noise, the more goes wrong; numbers and people stay."""
    assert len({tuple((one.number, one.person.index) for one in listed) for listed in lists.values()}) == 1
    for less, more in zip(wrong(lists["low"]), wrong(lists["default"]), strict=True):
        assert less < more
    for less, more in zip(wrong(lists["default"]), wrong(lists["high"]), strict=True):
        assert less < more


def test_every_number_is_one_line(lists):
    """No number is given twice, and nobody is listed twice."""
    listed = lists["default"]

    assert len({one.number for one in listed}) == len({one.person.index for one in listed}) == len(listed)


def test_the_hills_write_their_own_letters(lists):
    """Names of one region are not Latin; elsewhere all are."""
    for one in lists["default"]:
        is_local = any("\u1200" <= c <= "\u137f" for c in one.surname)
        assert is_local == (one.region == HILLS)


def test_the_list_has_people_that_nobody_else_numbers(lists):
    """Some without any number, some who have died, and many who are farmers elsewhere."""
    people = [one.person for one in lists["default"]]

    assert any(one.uin is None and one.brn is None for one in people)
    assert any(one.death_date is not None for one in people)
    assert sum(one.uin is not None for one in people) > 0.8 * len(people)


def test_the_example_is_written_down_without_a_mistake():
    """The head of the complete household, in the script of where he lives."""
    population = country()
    subject = population.people[population.casts["complete_household"].subject]
    (one,) = [one for one in entries(population, "high") if one.person is subject]
    written = ethiopic if one.region == HILLS else str

    assert (one.given_name, one.surname) == (written(subject.given_name), written(subject.surname))
    assert (one.birth_date, one.sex, one.has_voucher) == (subject.birth_date, subject.sex, True)
