"""What the paying agent has paid."""

import pytest

from mocks.beneficiary_enrolments import beneficiaries
from mocks.payment_lines import HEADER, MONTHS, PAID, RETURNED, lines
from tests.unit.mocks.countries import country


@pytest.fixture(scope="module")
def paid():
    """Return the payments of a large country."""
    return list(lines(country(1500), beneficiaries(country(1500))))


def test_the_same_country_gives_the_same_payments():
    """Twice the same."""
    told = [[one.cells for one in lines(country(), beneficiaries(country()))] for _ in range(2)]

    assert told[0] == told[1]


def test_a_line_has_a_cell_for_every_column(paid):
    """As many as the header names, and a number of its own."""
    assert all(len(one.cells) == len(HEADER) for one in paid)
    assert len({one.cells[0] for one in paid}) == len(paid)


def test_payments_are_of_the_last_months(paid):
    """Not before enrolment, not after today, and at most so many of one enrolment."""
    today = country(1500).today
    counted: dict[tuple[str, str], int] = {}
    for one in paid:
        key = (one.beneficiary.number, one.programme)
        counted[key] = counted.get(key, 0) + 1
        assert one.period <= one.paid_on <= today

    assert max(counted.values()) == MONTHS


def test_some_money_comes_back(paid):
    """About three of a hundred times; then nothing was paid."""
    returned = [one for one in paid if one.cells[8] == RETURNED]

    assert 0.015 < len(returned) / len(paid) < 0.05
    assert all(one.paid == 0 and one.due > 0 for one in returned)
    assert {one.cells[8] for one in paid} == {PAID, RETURNED}


def test_not_everybody_s_member_number_is_known(paid):
    """Most are; a cell is empty where it was never entered."""
    known = {one.beneficiary.number for one in paid if one.cells[2]}

    assert 0.6 < len(known) / len({one.beneficiary.number for one in paid}) < 0.95
