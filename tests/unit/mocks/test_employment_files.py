"""Who is on the job seekers' register: people without formal work, and some who found one."""

import pytest

from mocks.employment_files import SEEKING, WORDS, example_subject, seeker_files
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country, digest


@pytest.fixture(scope="module")
def population():
    """Return a country large enough to have every standing."""
    return country(2000, 7)


@pytest.fixture(scope="module")
def files(population):
    """Return its job seekers."""
    return seeker_files(population)


def works(person):
    """Tell whether the tax authority knows of an income."""
    return person.tax is not None and person.tax.employment_income + person.tax.business_income > 0


def test_the_same_country_has_the_same_seekers():
    """They are drawn from the seed alone, and drawing them changes nobody."""
    small = country(60, 3)
    before = digest(small)

    assert repr(seeker_files(small)) == repr(seeker_files(small))
    assert digest(small) == before


def test_most_seekers_have_no_formal_work(files):
    """Some who work are on the register still: noticed as employed, or taken to be seeking."""
    working = [one for one in files if works(one.person)]

    assert 0 < len(working) < len(files) / 5
    assert {one.employment_status for one in working} == {"1", "2"}
    assert all(one.employment_status == "2" for one in files if not works(one.person))


def test_seekers_are_of_working_age(files):
    """Alive, with a number, and out of school."""
    for one in files:
        age = REFERENCE_DATE.year - one.person.birth_date.year
        assert one.person.death_date is None
        assert one.uin
        assert 17 <= age <= 64
        assert one.person.schooling is None or not one.person.schooling.enrolled


def test_who_is_out_of_work_says_why(files):
    """A reason for those without work and for nobody else; a job that goes on only for those at work."""
    for one in files:
        assert (one.reason is None) == (one.employment_status == "1")
        assert any(job.ended_on is None for job in one.jobs) == (one.employment_status == "1")
        if one.employment_status == "1":
            assert one.status not in SEEKING


def test_jobs_follow_one_another(files):
    """The last first; none overlaps another, and those that ended did so before registration."""
    assert any(len(one.jobs) > 1 for one in files)
    for one in files:
        for later, earlier in zip(one.jobs, one.jobs[1:], strict=False):
            assert earlier.ended_on < later.started_on
        for job in one.jobs:
            if job.ended_on is not None:
                assert job.started_on < job.ended_on <= one.registered_on


def test_every_standing_has_a_word(files):
    """Those that are met can all be told."""
    assert {one.status for one in files} <= WORDS.keys()
    assert len({one.status for one in files}) > 4


@pytest.mark.parametrize("size", [(12, 1), (50, 2), (400, 7)], ids=str)
def test_the_example_seeks_work_everywhere(size):
    """A man of working age whose last job ended; nobody else of the examples is on the register."""
    small = country(*size)
    (one,) = (one for one in seeker_files(small) if one.person.index in small.example_people)

    assert one.person.index == example_subject(small)
    assert one.person.sex == "male"
    assert (one.status, one.reason, one.changed_on) == ("1", "2", None)
    assert one.jobs
    assert one.jobs[0].ended_on is not None
    assert one.jobs[0].ended_on < one.registered_on
