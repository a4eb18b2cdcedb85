"""Which word of a person's decision covers which attribute."""

import pytest

from policies.groups import OTHER, members_of
from tests.builders import CATALOGUE

GROUPS = members_of(CATALOGUE)


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("disability", {"disability_status", "disability_level", "disability_support"}),
        ("income", {"pension_monthly", "pension_type", "insurance_account_status", "employment_info"}),
        ("benefits", {"payments_6m_total", "payment_returned", "benefit_enrolments", "input_voucher"}),
        ("land", {"listed_crop", "listed_plot_ha", "farms"}),
        ("living", {"home_type", "home_tenure"}),
    ],
)
def test_who_refuses_a_word_keeps_back_all_that_people_mean_by_it(group, names):
    """Whichever registry states it, and however young the attribute is."""
    assert names <= GROUPS[group]


def test_what_no_word_covers_is_about_who_lives_together():
    """A new attribute of another kind needs a place in a group, so that nobody's refusal misses it."""
    assert {name for name in GROUPS[OTHER] if CATALOGUE[name].sensitivity > 2} <= {
        "is_child_headed", "orphans", "marital_status",
    }  # fmt: skip
