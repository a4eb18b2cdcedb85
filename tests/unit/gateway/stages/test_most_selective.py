"""The most selective registry is searched, also where neither its name nor how much it knows speaks for it."""

import pytest

from standards.filters import Every
from tests.unit.gateway.stages.test_push_down import FEMALE, NAMED, find, searchable


@pytest.mark.parametrize(("alpha", "beta", "plan"), [(0.5, 0.001, "search beta by surname"), (0.001, 0.5, "search alpha by sex")])  # fmt: skip
async def test_selectivity_decides_before_everything_else(alpha, beta, plan):
    """Each can be given one of two conditions; the other is checked after composition."""
    one, other = searchable("alpha", "BRN", sex=alpha), searchable("beta", "UIN", surname=beta)

    found, _ = await find(Every((FEMALE, NAMED)), one, other)

    assert found.plan.startswith(f"{plan}; ")


async def test_a_registry_that_knows_more_is_not_searched_when_another_one_narrows_better():
    """Two usual conditions leave more than one rare one."""
    broad, narrow = searchable("broad", "BRN", sex=0.5, surname=0.5), searchable("narrow", "UIN", surname=0.001)

    found, _ = await find(Every((FEMALE, NAMED)), broad, narrow)

    assert found.plan.startswith("search narrow by surname; sex checked after composition")
