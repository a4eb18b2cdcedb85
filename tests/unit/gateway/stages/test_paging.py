"""Pages of searches: made of those who may be shown, and of nobody else."""

from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stages.paging import CHUNK, REMEMBERED_S, Paging
from gateway.stages.search import Finding
from standards.dci.search import Page
from standards.errors import RequestError
from standards.identifiers import Identifier
from tests.unit.policies.builders import permit


class One(NamedTuple):
    """Somebody found."""

    number: int
    is_hidden: bool = False


class Registry:
    """Finds so many, of whom some are hidden, and counts what it is asked."""

    def __init__(self, found: int, hidden: frozenset[int] = frozenset(), gone: frozenset[int] = frozenset()) -> None:
        self.found, self.hidden, self.gone = found, hidden, gone
        self.looked_at: list[int] = []

    async def find(self, page: Page, most: int) -> Finding:
        """One page, or the error of a search that finds too many."""
        if self.found > most:
            raise RequestError("too many", reason_code="rjct.search.too_many_records_found")
        first = (page.number - 1) * page.size
        numbers = range(1, self.found + 1)[first : first + page.size]
        return Finding(tuple(Identifier("HOUSEHOLD_ID", str(n)) for n in numbers), total=self.found)

    async def each(self, subjects, _):
        """What may leave of each."""
        numbers = [int(subject.value) for subject in subjects]
        self.looked_at += numbers
        return [None if n in self.gone else One(n, n in self.hidden) for n in numbers]


def terms(**changes):
    """What the agreement says of searching."""
    return permit({}, max_results=200, **changes)


async def page(registry, number=1, size=10, paging=None, name=None, **changes):
    """The numbers on a page, and the total told."""
    finding, read = await (paging or Paging()).page(
        name, registry.find, registry.each, terms(**changes), Page(size, number), 0
    )
    return [one.number for one in read if not one.is_hidden], finding.total


hidden_ones = st.frozensets(st.integers(1, 70), max_size=70)


@given(hidden_ones, st.integers(1, 30), st.sampled_from(["exact", "rounded", "hidden"]), st.integers(1, 12))
async def test_an_answer_does_not_depend_on_who_is_hidden(hidden, size, totals, least):
    """Every page and every total is that of a registry that knows nothing of the hidden ones."""
    registry = Registry(70, hidden)
    shown = [n for n in range(1, 71) if n not in hidden]

    pages = [await page(registry, n, size, totals=totals, min_group_size=least) for n in range(1, 70 // size + 2)]

    if len(shown) < least:
        assert pages == [([], 0)] * len(pages)
        return
    assert [n for numbers, _ in pages for n in numbers] == shown
    assert all(len(numbers) == size for numbers, _ in pages[: len(shown) // size])
    if totals == "exact":
        assert {total for _, total in pages} == {len(shown)}
    elif totals == "rounded":
        assert {total for _, total in pages} == {-(-len(shown) // 10) * 10}
    else:
        for number, (_, total) in enumerate(pages, start=1):
            assert total == min(len(shown), number * size + 1)


async def test_page_after_page_looks_at_nobody_twice():
    """But at those who stand on the page, who are shown as they are now."""
    registry, paging = Registry(70, frozenset(range(1, 60, 2))), Paging()
    await page(registry, 1, 10, paging, "search")
    assert sorted(registry.looked_at) == list(range(1, 71))
    registry.looked_at.clear()

    numbers, _ = await page(registry, 2, 10, paging, "search")

    assert registry.looked_at == numbers


async def test_what_was_seen_is_forgotten_after_a_minute_and_under_another_name():
    """Consent, agreement and question are in the name: none of them decides for another."""
    now = [0.0]
    registry, paging = Registry(3), Paging(lambda: now[0])
    assert await page(registry, paging=paging, name="before") == ([1, 2, 3], 3)
    registry.hidden = frozenset({2})

    assert await page(registry, paging=paging, name="after a refusal") == ([1, 3], 2)
    now[0] += REMEMBERED_S
    assert await page(registry, paging=paging, name="before") == ([1, 3], 2)


async def test_a_hidden_total_looks_no_further_than_it_must():
    """The page, and whether there is another."""
    registry = Registry(4 * CHUNK)

    assert await page(registry, 1, 10, totals="hidden") == (list(range(1, 11)), 11)
    assert max(registry.looked_at) == CHUNK


async def test_hidden_ones_are_not_too_many():
    """The bound is on those who may be shown; the registry's own count meets it nowhere near."""
    numbers, total = await page(Registry(300, frozenset(range(1, 151))))
    assert (numbers[0], total) == (151, 150)

    with pytest.raises(RequestError, match="200"):
        await page(Registry(201))


async def test_a_registry_that_tells_somebody_twice_tells_of_one():
    """When a record is added while its pages are read, the last one of a page comes again."""
    registry = Registry(CHUNK + 2)
    pages = registry.find

    async def shifted(page: Page, most: int) -> Finding:
        finding = await pages(page, most)
        again = (Identifier("HOUSEHOLD_ID", str(CHUNK)),) if page.number == 2 else ()
        return finding._replace(subjects=(*again, *finding.subjects))

    with mock.patch.object(registry, "find", shifted):
        assert await page(registry, 2, CHUNK) == ([CHUNK + 1, CHUNK + 2], CHUNK + 2)


async def test_whom_no_registry_knows_any_more_leaves_no_hole():
    """As if the search had not found them."""
    assert await page(Registry(5, gone=frozenset({2}))) == ([1, 3, 4, 5], 4)


@pytest.mark.parametrize(("totals", "told"), [("exact", 34), ("rounded", 40), ("hidden", 21)])
def test_where_nobody_keeps_anything_back_totals_are_told_as_agreed(totals, told):
    """From the registry's own count; whoever finds fewer than a group finds nobody."""
    found = Finding((Identifier("HOUSEHOLD_ID", "1"),), total=34)

    assert Paging().told(found, terms(totals=totals), Page(10, 2)).total == told
    few = Paging().told(found, terms(totals=totals, min_group_size=35), Page(10, 2))
    assert (few.subjects, few.total) == ((), 0)
