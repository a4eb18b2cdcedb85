"""Searching without a number: what is pushed down, what is checked afterwards, and what bounds it."""

import asyncio
from typing import Any

import pytest

from adapters.ports import Deadline, Record
from gateway.stages.search import DEFAULT_PAGE, Finding, Searcher
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, Page, SearchItem, SortKey
from standards.errors import RequestError, SourceError, SourceUnavailableError
from standards.filters import Any_, Comparison, Every, Filter, Not
from standards.household import HouseholdProfile, Member
from standards.identifiers import Identifier
from standards.permit import Operator
from standards.states import Absent, AttributeState, Provenance, Unavailable, UnavailableReason, Value
from tests.builders import MANIFESTS, NEVER, NOW, family, item
from tests.fakes import InMemoryRegistry, StillClock, connected, in_memory
from tests.unit.policies.builders import permit

POOR = Comparison("poverty_score", Operator.LT, 30)
LARGE = Comparison("registered_size", Operator.GE, 4)
WIDOWED = Comparison("marital_status", Operator.EQ, "W")
WITH_LAND = Comparison("total_land_ha", Operator.GT, 1)
DOWN = UnavailableReason.SOURCE_DOWN


def households(count: int = 3) -> list[Record]:
    """Some recorded households, each poorer than the one after it."""
    return [
        Record({"HOUSEHOLD_ID": f"HH-{n}"}, {"poverty_score": 10.0 * n, "registered_size": 4, "region_code": "PV-1"})
        for n in range(count)
    ]


def registries(**changes: Any) -> dict[str, InMemoryRegistry]:
    """Every registry, the social one with some households."""
    return in_memory(MANIFESTS.values(), family() | {("social", "group"): changes.pop("of", households())}, **changes)


async def find(filter: Filter, of=None, *, max_results: int = 100, **changes: Any) -> Finding:
    """Search."""
    query = FilterQuery(filter, "")
    asked: SearchItem = item(query, **changes)
    searcher = Searcher(connected(of or registries()), StillClock(NOW))
    return await searcher.find(asked, query, permit({}, max_results=max_results), NEVER, "t-1")


async def refused(filter: Filter, **changes: Any) -> str:
    """The code with which a search is refused."""
    with pytest.raises(RequestError) as caught:
        await find(filter, **changes)
    return caught.value.reason_code


async def test_a_filter_the_registry_knows_is_pushed_down():
    """It names who is found; nothing is left to check."""
    of = registries()
    finding = await find(Every((POOR, LARGE)), of)

    assert finding.subjects == tuple(Identifier("HOUSEHOLD_ID", f"HH-{n}") for n in range(3))
    assert (finding.total, finding.keeps, finding.note) == (3, None, None)
    assert finding.plan == "search social by poverty_score, registered_size"
    assert of["social"].searched[0].filter == Every((POOR, LARGE))


async def test_people_are_searched_for_as_people():
    """By their number in the social registry."""
    finding = await find(Comparison("sex", Operator.EQ, "female"), registries(), response_entity=ResponseEntity.MEMBER)

    assert {s.type for s in finding.subjects} == {"MEMBER_ID"}
    assert len(finding.subjects) == 3


async def test_page_and_order_go_to_the_registry():
    """Without a page, the first so many."""
    of = registries()
    await find(POOR, of, page=Page(2, 2), sort=(SortKey("poverty_score", is_descending=True),))
    await find(POOR, of)

    paged, plain = of["social"].searched
    assert (paged.page_size, paged.page_number, paged.sort) == (2, 2, (("poverty_score", True),))
    assert (plain.page_size, plain.page_number) == (DEFAULT_PAGE, 1)


async def test_what_the_registry_does_not_know_is_checked_on_the_profile():
    """And the answer says that the total counts records before that."""
    of = registries()
    finding = await find(Every((POOR, WITH_LAND)), of)

    assert of["social"].searched[0].filter == Every((POOR,))
    assert finding.keeps is not None
    assert finding.note is not None
    assert "after composition" in finding.note


ORIGIN = Provenance("land", NOW)


@pytest.mark.parametrize(
    ("state", "is_kept"),
    [
        (Value(2.0, ORIGIN), True),
        (Value(0.5, ORIGIN), False),
        (Absent(ORIGIN), False),
        (Unavailable(DOWN, "land"), False),
        (None, False),
    ],
)
async def test_a_profile_is_kept_only_when_the_rest_is_known_to_hold(state: AttributeState | None, is_kept):
    """Unknown is not yes."""
    finding = await find(Every((POOR, WITH_LAND)))
    attributes = {"total_land_ha": state} if state is not None else {}

    assert finding.keeps is not None
    assert finding.keeps(HouseholdProfile("", None, (Member(0, {}, "", (), {}),), attributes, {})) is is_kept


async def test_facts_of_people_must_hold_for_one_and_the_same_member():
    """A woman and somebody called Juma are no woman called Juma."""
    woman, juma = Comparison("sex", Operator.EQ, "female"), Comparison("given_name", Operator.EQ, "Juma")
    facts = [{"sex": "female", "given_name": "Asha"}, {"sex": "male", "given_name": "Juma"}]
    members = tuple(Member(n, {}, "", (), {k: Value(v, ORIGIN) for k, v in f.items()}) for n, f in enumerate(facts))
    profile = HouseholdProfile("", None, members, {}, {})

    for also, is_kept in ((woman, True), (juma, True), (Every((woman, juma)), False)):
        finding = await find(Every((POOR, also)))
        assert finding.keeps is not None
        assert finding.keeps(profile) is is_kept


@pytest.mark.parametrize("filter", [WITH_LAND, Any_((POOR, WITH_LAND)), Not(WITH_LAND)])
async def test_a_search_that_no_registry_can_narrow_is_refused(filter):
    """Only an AND can be split; the attributes offered are named."""
    with pytest.raises(RequestError, match="poverty_score") as caught:
        await find(filter)

    assert caught.value.reason_code == "rjct.filter.invalid"


async def test_attributes_of_the_other_entity_cannot_be_searched():
    """A household has no marital status."""
    assert await refused(WIDOWED) == "rjct.filter.invalid"
    assert await refused(POOR, response_entity=ResponseEntity.MEMBER) == "rjct.filter.invalid"


async def test_more_results_than_agreed_are_refused_not_cut():
    """Whoever searches has to narrow it, and learns no part of it."""
    assert await refused(LARGE, max_results=2) == "rjct.search.too_many_records_found"
    assert (await find(LARGE, max_results=3)).total == 3


async def test_a_silent_registry_is_not_an_empty_result():
    """Its error passes."""
    with pytest.raises(SourceError):
        await find(POOR, registries(failing={("social", "group"): DOWN}))


async def test_a_filter_that_can_hold_for_nobody_asks_nobody():
    """What it compares cannot be compared that way."""
    of = registries()
    finding = await find(Any_(()), of)

    assert (finding.subjects, finding.total) == ((), 0)
    assert not of["social"].searched


# -- each


SUBJECTS = tuple(Identifier("HOUSEHOLD_ID", f"HH-{n}") for n in range(20))


async def test_each_is_asked_about_in_order_and_few_at_a_time():
    """The answers stand in the order of the subjects, whichever came first."""
    under_way, most = 0, 0

    async def ask(subject: Identifier, by: Deadline) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20 - int(subject.value[3:])):
            await asyncio.sleep(0)
        under_way -= 1
        return subject.value

    answers = await Searcher(connected(registries()), StillClock(NOW), concurrency=3).each(SUBJECTS, ask, NEVER)

    assert answers == [s.value for s in SUBJECTS]
    assert most == 3


async def test_silence_about_one_of_many_is_an_error_of_the_source():
    """The same as silence about a single one, so that the question is answered as "not obtained"."""

    async def ask(subject: Identifier, by: Deadline) -> str:
        if subject == SUBJECTS[3]:
            raise SourceUnavailableError("social", DOWN)
        return subject.value

    for subjects in (SUBJECTS, SUBJECTS[3:4]):
        with pytest.raises(SourceUnavailableError):
            await Searcher(connected(registries()), StillClock(NOW)).each(subjects, ask, NEVER)


async def test_a_fault_of_ours_is_not_taken_for_a_silent_source():
    """It passes as what it is."""

    async def ask(subject: Identifier, by: Deadline) -> str:
        raise KeyError(subject)

    with pytest.raises(ExceptionGroup):
        await Searcher(connected(registries()), StillClock(NOW)).each(SUBJECTS, ask, NEVER)


async def test_nobody_found_is_nobody_asked_about():
    """No subject, no answer."""
    assert await Searcher(connected(registries()), StillClock(NOW)).each((), _unasked, NEVER) == []


async def _unasked(subject: Identifier, by: Deadline) -> None:
    raise AssertionError


async def test_the_deadline_is_the_question_s():
    """A search waits no longer than the question may."""
    of = registries()
    given: list[Deadline] = []
    plain = of["social"].search

    async def search(request, deadline):
        given.append(deadline)
        return await plain(request, deadline)

    of["social"].search = search  # type: ignore[method-assign]
    await find(POOR, of)

    assert given == [NEVER]
