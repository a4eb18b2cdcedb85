"""Which registry a search is pushed down to, what is left to check, and why a search is refused."""

import asyncio
from typing import Any

import pytest

from adapters.manifest import Manifest, Search
from adapters.ports import Record
from gateway.stages.search import USUAL_SHARE, Finding, Searcher, share_left
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery
from standards.errors import RequestError, SourceError
from standards.filters import Any_, Comparison, Every, Filter, Not
from standards.household import HouseholdProfile, Member
from standards.permit import Operator
from standards.states import Provenance, UnavailableReason, Value
from tests.builders import MANIFESTS, NEVER, NOW, item, lookup, small_manifest
from tests.fakes import InMemoryRegistry, StillClock, connected, in_memory
from tests.unit.policies.builders import permit

FEMALE = Comparison("sex", Operator.EQ, "female")
BORN = Comparison("birth_date", Operator.GE, "2020-01-01")
DISABLED = Comparison("is_disabled", Operator.EQ, True)
NAMED = Comparison("surname", Operator.EQ, "Moyo")
RICH = Comparison("income_annual", Operator.GT, 90_000)


def searchable(id: str, type_: str, **selectivity: float) -> Manifest:
    """A registry of people that can be searched by these attributes; zero: nothing is said of how selective one is."""
    search = Search(
        entity="person",
        yields=type_,
        attributes={name: name for name in selectivity},
        selectivity={name: share for name, share in selectivity.items() if share},
    )
    return small_manifest(id, lookup(by=[type_], identifiers=(type_,)), searches=(search,))


async def find(filter: Filter, *manifests: Manifest, failing: str = "") -> tuple[Finding, dict[str, InMemoryRegistry]]:
    """Search for people."""
    down = {(failing, "person"): UnavailableReason.SOURCE_DOWN}
    of = in_memory(
        manifests, {(m.id, "person"): [Record({m.searches[0].yields: "1"}, {})] for m in manifests}, failing=down
    )
    query = FilterQuery(filter, "")
    asked = item(query, response_entity=ResponseEntity.MEMBER)
    found = await Searcher(connected(of), StillClock(NOW)).find(asked, query, permit({}, max_results=9), NEVER, "t-1")
    return found, of


CIVIL = searchable("civil", "BRN", sex=0.5, birth_date=0.05, surname=0.001)
CLINICS = searchable("clinics", "PATIENT_NUMBER", sex=0.5, birth_date=0.2, is_disabled=0.02)


@pytest.mark.parametrize(
    ("filter", "plan"),
    [
        (FEMALE, "search civil by sex"),
        (Every((FEMALE, BORN)), "search civil by birth_date, sex"),
        (
            Every((FEMALE, BORN, DISABLED)),
            "search clinics by birth_date, is_disabled, sex",
        ),
        (
            Every((NAMED, DISABLED)),
            "search civil by surname; is_disabled checked after composition: civil cannot be searched by all of it",
        ),
        (
            Every((BORN, DISABLED, RICH)),
            (
                "search clinics by birth_date, is_disabled; "
                "income_annual checked after composition: clinics cannot be searched by all of it"
            ),
        ),
        (Every((FEMALE, Any_((DISABLED, BORN)))), "search clinics by birth_date, is_disabled, sex"),
        (
            Every((FEMALE, Any_((DISABLED, RICH)))),
            (
                "search civil by sex; income_annual, is_disabled checked after composition: "
                "civil cannot be searched by all of it"
            ),
        ),
    ],
)
async def test_the_registry_that_a_filter_narrows_most_is_searched(filter, plan):
    """By what the manifests declare; the rest is checked afterwards, and the plan says why."""
    for manifests in ((CIVIL, CLINICS), (CLINICS, CIVIL)):
        found, of = await find(filter, *manifests)

        assert found.plan == plan
        assert sum(len(registry.searched) for registry in of.values()) == 1


async def test_of_equally_selective_registries_the_one_that_knows_more_is_searched():
    """So that less is left for later; then the name decides."""
    alpha, beta = searchable("alpha", "BRN", sex=0.5), searchable("beta", "UIN", sex=0.5, surname=1.0)

    assert (await find(Every((FEMALE, NAMED)), alpha, beta))[0].plan == "search beta by sex, surname"
    assert (await find(FEMALE, beta, alpha))[0].plan == "search alpha by sex"


async def test_nobody_is_searched_in_place_of_a_silent_registry():
    """Another one's pages would begin anew: records would come twice, or never."""
    with pytest.raises(SourceError):
        await find(Every((FEMALE, BORN)), CIVIL, CLINICS, failing="civil")


SEARCH = CIVIL.searches[0]


@pytest.mark.parametrize(
    ("filter", "share"),
    [
        (FEMALE, 0.5),
        (Every((FEMALE, BORN)), 0.025),
        (Any_((FEMALE, BORN)), 0.55),
        (Any_((FEMALE, Not(FEMALE), BORN)), 1.0),
        (Not(BORN), 0.95),
        (Comparison("birth_date", Operator.IN, ("2020-01-01", "2020-01-02")), 0.1),
        (Comparison("sex", Operator.IN, ("male", "female", "other")), 1.0),
        (Comparison("age", Operator.LT, 5), USUAL_SHARE),
        (Every(()), 1.0),
    ],
)
def test_the_share_that_a_filter_leaves(filter, share):
    """Conditions joined by `and` narrow, those joined by `or` widen."""
    assert share_left(filter, SEARCH) == pytest.approx(share)


@pytest.mark.parametrize(
    ("filter", "reason"),
    [
        (RICH, "can be searched by any of these attributes"),
        (Any_((FEMALE, RICH)), "sex can be searched by, but stand in `or` or `not` with income_annual"),
        (Not(Every((FEMALE, RICH))), "sex can be searched by, but stand in `or` or `not` with income_annual"),
        (Any_((NAMED, DISABLED)), "no one registry can be searched by all of is_disabled, surname"),
    ],
)
async def test_what_no_registry_can_narrow_is_refused_with_what_to_add(filter, reason):
    """The attributes that would help are named."""
    with pytest.raises(RequestError, match=reason) as refused:
        await find(filter, CIVIL, CLINICS)

    assert "birth_date, is_disabled, sex, surname" in str(refused.value)
    assert refused.value.reason_code == "rjct.filter.invalid"


def test_a_stand_in_does_not_decide_who_is_found():
    """A word that only stands in for a better one is as good as unknown."""
    found, _ = asyncio.run(find(Every((FEMALE, NAMED)), CLINICS))
    kept: list[bool] = []
    for stand_in in (False, True):
        origin = Provenance("crvs", NOW, stand_in=stand_in)
        member = Member(0, {}, "", (), {"surname": Value("Moyo", origin)})
        assert found.keeps is not None
        kept.append(found.keeps(HouseholdProfile("", 0, (member,), {}, {})))

    assert kept == [True, False]


def built_in() -> list[tuple[str, dict[str, Any]]]:
    """Every search that the built-in registries offer."""
    return [(m.id, s.model_dump()) for m in MANIFESTS.values() for s in m.searches]


@pytest.mark.parametrize(("registry", "search"), built_in())
def test_the_built_in_registries_say_how_selective_they_are_and_break_ties(registry, search):
    """Every attribute has its figure, and pages have an order."""
    assert search["selectivity"].keys() == search["attributes"].keys()
    assert search["order_by"] == search["yields"]
