"""An intersection of several words while one of them cannot be heard: the others decide, and nobody takes it for whole."""

import pytest

from standards.rules import BoundaryRule, Combination
from standards.states import UnavailableReason
from tests.builders import heard
from tests.unit.gateway.stages.test_boundary_rules import ASKED, child, household, person, residents, who

FAMILY_HOME = BoundaryRule("family-home", "1", kin=True, co_residence=True, combine=Combination.INTERSECTION)
DOWN = UnavailableReason.SOURCE_DOWN
KIN, HERE = person("1", "1985-01-01", child("2"), child("3")), residents(ASKED, {"UIN": "2"}, {"UIN": "4"})


@pytest.mark.parametrize(
    ("kin", "here", "members", "unheard"),
    [
        (KIN, HERE, {"1", "2"}, ()),
        (heard(None, "crvs", DOWN), HERE, {"1", "2", "4"}, ("crvs",)),
        (KIN, heard(None, "national_id", DOWN), {"1", "2", "3"}, ("national_id",)),
        (heard(None, "crvs"), HERE, {"1"}, ()),
    ],
    ids=["both are heard", "civil registration is silent", "national ID is silent", "civil registration knows nobody"],
)
def test_who_is_silent_excludes_nobody_and_who_knows_nothing_does(kin, here, members, unheard):
    """Silence is no word against anybody; that nobody is known is one."""
    found = household(FAMILY_HOME, kin=kin, residents=here)

    assert who(found).keys() == members
    assert found.unheard == unheard
