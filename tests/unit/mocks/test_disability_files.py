"""What the disability registry makes of disability: most are certified, and nobody is invented."""

from datetime import date, timedelta

import pytest

from mocks.disability_files import APPROVED, EXPIRED, NEVER_ASSESSED, PENDING, disability_files
from mocks.people import Disability
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country, digest

IMPAIRMENTS = {"VIS_SS": "1", "HEAR_SS": "2", "MOB_SS": "3", "COG_SS": "4", "COM_SS": "5", "SC_SS": "6"}


@pytest.fixture(scope="module")
def population():
    """Return a country large enough to have every kind of file."""
    return country(2000, 7)


@pytest.fixture(scope="module")
def files(population):
    """Return its files."""
    return disability_files(population)


def test_the_same_country_has_the_same_files(population):
    """Files are drawn from the seed alone, and drawing them changes nobody."""
    small = country(60, 3)
    before = digest(small)

    assert repr(disability_files(small)) == repr(disability_files(small))
    assert digest(small) == before


def test_most_of_the_disabled_are_registered(population, files):
    """Of those who live and have a number, about the share that comes to be assessed."""
    disabled = {one.index for one in population.people if one.disability and one.uin and not one.death_date}
    registered = {one.person.index for one in files}

    assert 1 - NEVER_ASSESSED - 0.06 < len(disabled & registered) / len(disabled) < 1 - NEVER_ASSESSED + 0.06


def test_files_tell_the_disability_that_is(population, files):
    """The impairment is that of the truth; those who have healed hold an expired certificate and no other."""
    for one in files:
        truth = one.person.disability
        if truth is None:
            assert one.status(REFERENCE_DATE) == EXPIRED
        else:
            assert one.impairment == IMPAIRMENTS[truth.limitation]
            assert one.truth == truth
    assert any(one.person.disability is None for one in files)


def test_there_are_files_of_every_standing(files):
    """Approved ones above all, some pending, some expired."""
    standing = [one.status(REFERENCE_DATE) for one in files]

    assert set(standing) == {APPROVED, PENDING, EXPIRED}
    assert standing.count(APPROVED) > len(files) / 2


def test_the_days_of_a_file_follow_one_another(files):
    """Registered after birth, decided later, expired later still, and nothing after the country's own day."""
    for one in files:
        days = [one.person.birth_date, one.registered_on, one.decided_on, one.expires_on]
        known = [day for day in days if day is not None]
        assert known == sorted(known)
        assert known[-1] <= REFERENCE_DATE
        assert one.touched(REFERENCE_DATE) <= REFERENCE_DATE


def test_a_file_is_pending_until_it_is_decided(files):
    """On every day before the decision; it is reassessed as long as it stands."""
    one = next(one for one in files if one.status(REFERENCE_DATE) == APPROVED and one.decided_on < date(2018, 1, 1))

    assert one.status(one.decided_on - timedelta(days=1)) == PENDING
    assert one.status(one.decided_on) == APPROVED
    assert one.assessed_on(one.decided_on - timedelta(days=1)) is None
    assert one.assessed_on(one.decided_on) == one.decided_on
    assert one.decided_on < one.assessed_on(REFERENCE_DATE) <= REFERENCE_DATE < one.due_on(REFERENCE_DATE)


def test_an_expired_file_was_approved_before(files):
    """It ran out on the day on which its assessment did."""
    one = next(one for one in files if one.status(REFERENCE_DATE) == EXPIRED)

    assert one.status(one.expires_on - timedelta(days=1)) == APPROVED
    assert one.due_on(REFERENCE_DATE) == one.expires_on


def test_carers_are_grown_people_of_the_household(population, files):
    """And never the person."""
    cared = [one for one in files if one.caregiver is not None]

    assert cared
    for one in cared:
        assert one.caregiver.index in population.households[one.person.household].members
        assert one.caregiver.index != one.person.index
        assert one.caregiver.birth_date <= date(2008, 10, 1)


@pytest.mark.parametrize("size", [(12, 1), (50, 2), (400, 7)], ids=str)
def test_the_example_is_certified_everywhere(size):
    """In every country, with the support its note promises, and nobody else of the examples has a file."""
    small = country(*size)
    (one,) = (one for one in disability_files(small) if one.person.index in small.example_people)

    assert one.person.index == small.casts["disabled_member"].subject
    assert one.truth == Disability("MOB_SS", "4")
    assert one.status(REFERENCE_DATE) == APPROVED
    assert {support.status for support in one.supports} == {"0", "1"}
    assert one.caregiver is not None
