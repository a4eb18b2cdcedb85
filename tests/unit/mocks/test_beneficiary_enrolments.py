"""Who is enrolled in which programme: as the social registry says, and what else a beneficiary registry has."""

from datetime import date

import pytest

from mocks.beneficiary_enrolments import (
    ACTIVE,
    CHILD_GRANT,
    DECEASED,
    DISABILITY_ALLOWANCE,
    GRADUATED,
    OLD_AGE_PENSION,
    PROGRAMMES,
    SUSPENDED,
    Enrolment,
    beneficiaries,
)
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country, digest


@pytest.fixture(scope="module")
def population():
    """Return a country large enough to have every kind of enrolment."""
    return country(2000, 7)


@pytest.fixture(scope="module")
def enrolled(population):
    """Return everybody's enrolments as pairs of beneficiary and enrolment."""
    return [(one, held) for one in beneficiaries(population) for held in one.enrolments]


def test_the_same_country_has_the_same_beneficiaries():
    """They are drawn from the seed alone, and drawing them changes nobody."""
    small = country(60, 3)
    before = digest(small)

    assert repr(beneficiaries(small)) == repr(beneficiaries(small))
    assert digest(small) == before


def test_there_are_enrolments_of_every_standing(enrolled):
    """In three programmes; most are active."""
    standing = [held.status(REFERENCE_DATE) for _, held in enrolled]

    assert {held.programme.key for _, held in enrolled} == set(PROGRAMMES) == {"CG-01", "OAP-02", "DA-03"}
    assert set(standing) == {ACTIVE, DECEASED, GRADUATED, SUSPENDED}
    assert standing.count(ACTIVE) > len(enrolled) / 2


def test_who_is_paid_is_enrolled(population, enrolled):
    """A household that the social registry says is still paid has a beneficiary in that programme."""
    held = {(one.household.index, one.programme.name) for _, one in enrolled}

    for household in population.households:
        names = {programme.name for programme in PROGRAMMES.values()} & set(household.programmes)
        if household.last_paid_on != date(2026, 3, 1) and household.head not in population.example_people:
            assert all((household.index, name) in held for name in names)


def test_enrolments_fit_the_people(enrolled):
    """Pensioners are old, the allowance goes to the disabled, and who is alive is enrolled after birth."""
    for one, held in enrolled:
        assert one.person.birth_date <= held.enrolled_on <= REFERENCE_DATE
        if held.programme is OLD_AGE_PENSION:
            assert REFERENCE_DATE.year - one.person.birth_date.year >= 65
        if held.programme is DISABILITY_ALLOWANCE:
            assert one.person.disability is not None


def test_enrolments_end_after_they_began(enrolled):
    """And the newest enrolment of a person is the last in their list."""
    for one, held in enrolled:
        assert all(since >= held.enrolled_on for since, _ in held.changes)
        assert one.newest(REFERENCE_DATE) is one.enrolments[-1]
        assert one.newest(date(1900, 1, 1)) is None


def test_some_of_the_dead_are_active_still(enrolled):
    """Most of their pensions ended when somebody told; a few are paid on."""
    dead = [held for one, held in enrolled if one.person.death_date is not None]
    active = [held for held in dead if held.status(REFERENCE_DATE) == ACTIVE]

    assert 0 < len(active) < len(dead) / 2
    assert {held.programme for held in dead} == {OLD_AGE_PENSION}
    assert all(held.paydays(REFERENCE_DATE, 3) for held in active)


def test_who_is_no_longer_paid_is_suspended(population, enrolled):
    """Those whose last payday was in March stand suspended since May, with payments up to then."""
    stopped = [held for _, held in enrolled if held.status(REFERENCE_DATE) == SUSPENDED]

    assert stopped
    for held in stopped:
        assert held.household.last_paid_on == date(2026, 3, 1)
        assert held.status(date(2026, 5, 14)) == ACTIVE
        assert max(held.paydays(REFERENCE_DATE, 3), default=date(2026, 3, 1)) == date(2026, 3, 1)


def test_paydays_are_the_first_of_the_month(population):
    """The newest first, none before enrolment, none after the last payment, over the turn of a year too."""
    household = population.households[0]
    held = Enrolment(CHILD_GRANT, household, date(2025, 11, 1), 30, [], date(2026, 2, 1))

    assert held.paydays(REFERENCE_DATE, 5) == [date(2026, 2, 1), date(2026, 1, 1), date(2025, 12, 1), date(2025, 11, 1)]
    assert held.paydays(date(2026, 1, 15), 1) == [date(2026, 1, 1)]
    assert Enrolment(CHILD_GRANT, household, date(2025, 11, 1), 30).paydays(REFERENCE_DATE, 5) == []


@pytest.mark.parametrize("size", [(12, 1), (50, 2), (400, 7)], ids=str)
def test_the_examples_are_enrolled_everywhere(size):
    """One woman in two programmes; another in one programme under each of her numbers."""
    small = country(*size)
    held = beneficiaries(small)
    disabled, twice = (small.people[small.casts[key].subject] for key in ("disabled_member", "double_registration"))
    (both,) = (one for one in held if one.person is disabled)
    first, second = (one for one in held if one.person is twice)

    assert {one.programme for one in both.enrolments} == {CHILD_GRANT, DISABILITY_ALLOWANCE}
    assert {one.status(REFERENCE_DATE) for one in both.enrolments} == {ACTIVE}
    assert {first.uin, second.uin} == {twice.uin, twice.second_uin}
    assert first.number != second.number
    assert [one.programme for one in (*first.enrolments, *second.enrolments)] == [CHILD_GRANT, CHILD_GRANT]
