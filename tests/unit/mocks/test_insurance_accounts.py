"""The accounts of the social insurance fund."""

from datetime import date

import pytest

from mocks.families import YEAR
from mocks.insurance_accounts import CLOSED, CONTRIBUTING, LAPSED, OLD_AGE, RETIRED, accounts, months_back
from tests.unit.mocks.countries import country


@pytest.fixture(scope="module")
def fund():
    """Return the accounts of a large country."""
    return accounts(country(1500))


def test_the_same_country_gives_the_same_accounts():
    """Twice the same, under the same numbers."""
    assert accounts(country()) == accounts(country())


def test_months_go_backwards_over_years():
    """First days, the newest first."""
    assert list(months_back(date(2026, 2, 17), 3)) == [date(2026, 2, 1), date(2026, 1, 1), date(2025, 12, 1)]


def test_everybody_can_be_found(fund):
    """By taxpayer number where there is one; who has none is known by the national number."""
    assert all(one.tin == one.person.tin for one in fund)
    assert all(one.uin is not None for one in fund if one.tin is None)
    assert any(one.uin is None for one in fund)
    assert len({one.number for one in fund}) == len(fund)


def test_standing_and_what_was_paid_agree(fund):
    """Who contributes has months, pensioners have a pension, the closed are dead."""
    assert {one.state for one in fund} == {CONTRIBUTING, LAPSED, RETIRED, CLOSED}
    for one in fund:
        assert (one.state in (RETIRED, CLOSED)) == (one.pension is not None)
        assert one.months == sorted(one.months, reverse=True)
        if one.state == CLOSED:
            assert one.person.death_date is not None
        if one.pension is not None and one.pension.kind == OLD_AGE:
            assert (one.pension.starts - one.person.birth_date).days / YEAR > 25


def test_some_troubles_are_there(fund):
    """Two accounts of one person, months nobody paid for, and a pension that runs on after death."""
    people = [one.person.index for one in fund]

    assert len(set(people)) < len(people)
    assert any(one.state == RETIRED and one.person.death_date is not None for one in fund)
    assert any(0 < len(one.months) < 20 for one in fund)
