"""Page after page of a search, at the social registry of the practice country: every record once, in one order."""

from __future__ import annotations

import pytest
import pytest_asyncio

from adapters.catalogue import connect, find_manifests, load_manifest
from adapters.ports import Deadline, SearchFetch
from adapters.transport.client import open_session
from standards.filters import Comparison
from standards.identifiers import Identifier
from standards.permit import Operator

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

SOCIAL = next(m for m in map(load_manifest, find_manifests()) if m.id == "social")
POOR = Comparison("poverty_score", Operator.LT, 60)
WOMEN = Comparison("sex", Operator.EQ, "female")
SIZES = (1, 7, 10, 50, 500)
SORTS = {
    "group": ((), (("region_code", False),), (("dwelling_type", True), ("registered_size", False))),
    "person": ((), (("marital_status", False),), (("is_disabled", True), ("age", False))),
}
"""Orders full of ties, which only the last key breaks."""


@pytest_asyncio.fixture(loop_scope="module")
async def social(poveria):
    """The social registry as the gateway is connected with it."""
    session = open_session()
    try:
        yield connect([SOCIAL], session, poveria.environment("social"))["social"].guarded
    finally:
        await session.close()


async def pages(social, filter, entity, sort, size, last=10_000) -> list[Identifier]:
    """Everything found, read page by page until the total is reached."""
    found: list[Identifier] = []
    for number in range(1, last):
        request = SearchFetch("social", filter, sort, size, number, "t-1", entity)
        answer = await social.search(request, Deadline.after(10))
        found += answer.found
        if number * size >= answer.total_count:
            assert len(found) == answer.total_count
            return found
    raise AssertionError


@pytest.mark.parametrize(("entity", "sort"), [(e, sort) for e, sorts in SORTS.items() for sort in sorts])
async def test_every_record_comes_once_whatever_the_size_of_a_page(social, entity, sort):
    """Read twice and in pages of any size, it is the same list."""
    wanted = POOR if entity == "group" else WOMEN
    lists = [await pages(social, wanted, entity, sort, size) for size in (*SIZES, SIZES[1])]

    assert len(lists[0]) > SIZES[2], "there is more than a page to read"
    assert len(set(lists[0])) == len(lists[0])
    assert all(found == lists[0] for found in lists)


async def test_ties_are_broken_by_the_number(social):
    """Without any other order, numbers ascend."""
    found = await pages(social, POOR, "group", (), 10)

    assert [one.value for one in found] == sorted(one.value for one in found)
