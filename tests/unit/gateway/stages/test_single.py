"""Questions to one kind of registry: what they are about, who has a word in them, and what they may be told."""

from typing import Any

import orjson
import pytest

from adapters.ports import Record
from gateway.pipeline import answer
from gateway.stages.single import Single, narrowed, single
from policies.ports import Standing, StandingKind
from standards.dci.codes import RecordType, RegType, ResponseEntity, SearchReason
from standards.dci.search import FilterQuery, IdQuery, SearchItem, SortKey
from standards.dci.shapes import listed
from standards.errors import RequestError
from standards.filters import Comparison
from standards.identifiers import Identifier
from standards.permit import Operator
from standards.states import UnavailableReason, WithheldReason
from tests.builders import (
    ASHA,
    COMPOSER,
    MANIFESTS,
    NEEMA,
    NOW,
    PLANNER,
    VALUE,
    World,
    family,
    item,
    question,
    sandbox_agreement,
    uin,
)
from tests.unit.policies.builders import agreement, permit

ALLOWANCE = sandbox_agreement("disability-allowance")
DOWN = UnavailableReason.SOURCE_DOWN
CALLED_OTHERWISE = Record(
    {"UIN": ASHA["UIN"], "PWD_ID": "PWD-000001"},
    {"given_name": "Ashaa", "surname": "Moyo", "is_disabled": True, "disability_status": "0"},
    "2026-05-05",
)
"""The disability registry has another spelling, and says what the social registry denies."""


def asking(reg_type: RegType = RegType.DISABILITY, kind: RecordType | None = None, **changes: Any) -> SearchItem:
    """A question about one record of Asha's."""
    default = {RegType.DISABILITY: RecordType.DISABLED_PERSON, RegType.TAX: RecordType.TAXPAYER}
    return item(reg_type=reg_type, reg_record_type=kind or default[reg_type], **changes)


def of(asked: SearchItem, sources: frozenset[str] = frozenset({"disability"}), searchable: Any = ()) -> Single:
    """The question made ready."""
    found = single(asked, sources, searchable)
    assert found is not None
    return found


async def told(asked: SearchItem, world: World) -> dict[str, Any]:
    """The item of the answer under the agreement of the disability allowance."""
    given = await answer(question(asked, "disability-allowance"), world.rooms)
    built: dict[str, Any] = orjson.loads(given.item)
    return built


def world(failing: Any = None, **changes: Any) -> World:
    """The family, one of whom the disability registry knows."""
    truth = family() | {("disability", "assessment"): [CALLED_OTHERWISE]}
    return World(truth, ALLOWANCE, failing=failing, **changes)


@pytest.mark.parametrize("reg_type", [RegType.SOCIAL, RegType.VIRTUAL_HOUSEHOLD])
def test_a_composed_answer_is_no_question_to_one_registry(reg_type):
    """It goes its way as it is."""
    assert single(item(reg_type=reg_type), frozenset(), ()) is None


def test_it_is_about_one_person_whatever_it_calls_it():
    """And for no more than such a record holds."""
    asked = of(asking(attributes=frozenset({"disability_status", "income_annual"}))).item

    assert asked.response_entity is ResponseEntity.MEMBER
    assert asked.attributes == frozenset({"disability_status"})
    assert of(asking()).item.attributes is None


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (asking(kind=RecordType.FARMER), SearchReason.SEARCH_CRITERIA_INVALID),
        (item(reg_type=RegType.PAYMENTS), SearchReason.SEARCH_CRITERIA_INVALID),
        (asking(attributes=frozenset({"income_annual"})), SearchReason.SEARCH_CRITERIA_INVALID),
        (asking(query=IdQuery(Identifier("HOUSEHOLD_ID", "HH-1"))), SearchReason.SEARCH_CRITERIA_INVALID),
        (asking(query=IdQuery(Identifier("MRN", "M-1"))), SearchReason.SEARCH_CRITERIA_INVALID),
        (asking(query=FilterQuery(Comparison("farm_type", Operator.EQ, "1"), "")), SearchReason.FILTER_INVALID),
        (asking(sort=(SortKey("farm_type"),)), SearchReason.SORT_INVALID),
    ],
)
def test_what_does_not_fit_is_refused_before_policy_is_asked(asked, code):
    """With the standard's code, and what to change."""
    with pytest.raises(RequestError) as caught:
        single(asked, frozenset({"disability"}), {"region_code"})
    assert caught.value.reason_code == code


def test_a_type_that_nobody_connected_keeps_is_refused():
    """There would be nobody to ask, which is not a no."""
    with pytest.raises(RequestError, match="no registry of that reg_type is connected"):
        single(asking(), frozenset(), ())


def test_a_filter_may_go_by_what_the_registry_can_be_searched_by():
    """Also where the record itself does not hold it."""
    query = FilterQuery(Comparison("age", Operator.GE, 18), "")

    assert of(asking(query=query), searchable={"age"}).item.query == query


def test_the_permit_is_narrowed_to_the_record():
    """To its attributes, and to the registries whose word counts; never to anything new."""
    wide = permit(
        {"disability_status": VALUE, "income_annual": VALUE},
        withheld={"is_disabled": WithheldReason.NOT_IN_AGREEMENT, "tin": WithheldReason.NOT_IN_AGREEMENT},
        household_names=frozenset({"poverty_score"}),
    )
    narrow = narrowed(wide, of(asking()))

    assert narrow is not None
    assert narrow.forms == {"disability_status": VALUE}
    assert narrow.withheld == {"is_disabled": WithheldReason.NOT_IN_AGREEMENT}
    assert (narrow.household_names, narrow.sources) == (frozenset(), frozenset({"disability"}))
    assert narrowed(permit({"income_annual": VALUE}), of(asking())) is None


def test_the_plan_asks_others_for_numbers_only():
    """The tax authority is asked by its own number, which the national ID platform knows: and nothing else there."""
    reads = frozenset({"income_annual", "employment_status", "tin"})
    plan = PLANNER.plan(reads, "UIN", None, frozenset(), frozenset({"tax"}))

    assert [step.text(step.who) for step in plan.steps] == [
        "1 national_id.identity by UIN|TIN for everyone in the household: TIN",
        "2 tax.taxpayer by TIN for everyone in the household after 1: employment_status, income_annual",
    ]
    assert plan.text().startswith("by UIN, household not asked for, told by tax alone\n")
    assert plan.not_asked["employment"] == "the question is to another kind of registry"
    assert PLANNER.plan(reads, "UIN", None, frozenset()) != plan


def test_a_plan_is_kept_for_each_kind_of_registry():
    """The same attributes of two registries are two plans."""
    of_one, of_other = (
        PLANNER.plan(frozenset({"given_name"}), "UIN", None, frozenset(), frozenset({source}))
        for source in ("crvs", "disability")
    )

    assert [step.source_id for step in of_one.steps] == ["crvs"]
    assert [step.source_id for step in of_other.steps] == ["disability"]


def test_every_type_has_its_registries():
    """By the last segment of what the manifest says."""
    assert PLANNER.sources_of(RegType.DISABILITY) == {"disability"}
    assert PLANNER.sources_of(RegType.PAYMENTS) == {"payments"}
    assert "disability_status" in PLANNER.searchable(frozenset({"disability"}))
    assert PLANNER.searchable(frozenset({"tax"})) == frozenset()


async def test_nobody_else_s_word_is_in_the_answer():
    """Not the better spelling of the name, nor the other word on the disability; and nobody else is asked."""
    of_all = world()
    built = await told(asking(), of_all)
    (record,) = listed(built["data"]["reg_records"])
    attributes = built["data"]["hearth:evidence"][0]["members"][0]["attributes"]

    assert record["personal_details"]["demographic_info"]["name"]["given_name"] == "Ashaa"
    assert record["personal_details"]["is_disabled"] is True
    assert {state["source"] for state in attributes.values() if state["state"] == "value"} == {"disability"}
    assert attributes["disability_level"]["state"] == "absent"
    assert of_all.asked == {"disability": 1}


async def test_an_outage_of_the_resolver_is_no_silence_of_the_registry_nor_a_no():
    """Who cannot be asked for lack of a number is not nobody."""
    built = await told(asking(RegType.TAX), world({("national_id", "identity"): DOWN}))

    assert built["status"] == "rjct"
    assert "national_id" in built["status_reason_message"]


async def test_a_better_registry_that_only_resolves_changes_no_value():
    """What the type's own registry says stands, whatever more authoritative ones are asked for numbers."""
    built = await told(asking(RegType.TAX), world())
    (record,) = built["data"]["reg_records"]

    assert record["employment_status"] == "2"
    assert [one["value"] for one in record["additional_attributes"] if one["name"] == "income_annual"] == ["6000-11999"]


@pytest.mark.parametrize(
    ("reg_type", "reads"), [(RegType.DISABILITY, {"disability"}), (RegType.TAX, {"national_id", "tax"})]
)
async def test_known_to_others_and_not_there_is_nobody(reg_type, reads):
    """The daughter has neither an assessment nor a taxpayer's number."""
    all_ = world()
    built = await told(asking(reg_type, query=IdQuery(uin(NEEMA))), all_)

    assert (built["status"], listed(built["data"]["reg_records"])) == ("succ", [])
    assert all_.asked.keys() <= reads


async def test_a_refused_registry_is_not_asked_though_others_hold_the_same():
    """Whoever refused the disability registry has refused what it alone tells in such an answer."""
    from policies.engine import decide_person

    refused = Standing(StandingKind.GRANTED, refused_sources=frozenset({"disability"}))
    consent = permit({"is_disabled": VALUE}, legal_basis="consent")

    everybody = decide_person(consent, refused, PLANNER.holders())
    alone = decide_person(consent._replace(sources=frozenset({"disability"})), refused, PLANNER.holders())

    assert "is_disabled" in everybody.forms
    assert alone.withheld["is_disabled"] is WithheldReason.CONSENT_REFUSED


async def test_nothing_agreed_of_such_a_record_is_denied():
    """Before anybody is asked, and with the reason."""
    only_income = World(family(), agreement(attributes={"poverty_score": "value"}))
    consumer = agreement().consumer.client_id
    given = await answer(question(asking(purpose="eligibility"), consumer), only_income.rooms)

    assert orjson.loads(given.item)["status"] == "rjct"
    assert "nothing_agreed" in orjson.loads(given.item)["status_reason_message"]
    assert only_income.asked == {}


def test_only_what_holds_everybody_narrows_a_search_for_anybody():
    """What the disability registry finds among its own would be mistaken for all there are."""
    from gateway.stages.search import Searcher
    from tests.fakes import StillClock, connected, in_memory

    searcher = Searcher(connected(in_memory(MANIFESTS.values(), family())), StillClock(NOW))
    women = Comparison("sex", Operator.EQ, "female")
    anybody, among_its_own = (searcher._best(women, "person", sources) for sources in (None, frozenset({"disability"})))

    assert anybody is not None
    assert among_its_own is not None
    assert (anybody.source_id, among_its_own.source_id) == ("social", "disability")
    assert "farm_type" not in searcher._searchable("person", None)
    assert "farm_type" in searcher._searchable("person", frozenset({"farmer"}))


def test_whoever_only_resolved_a_number_settles_nothing():
    """The national ID platform has the better word on names, and none in a question to civil registration."""
    tellers = frozenset({"crvs"})
    plan = PLANNER.plan(frozenset({"given_name", "phone_number"}), "TIN", None, frozenset(), tellers)
    table = COMPOSER._tables.of(plan, is_past=False)

    assert [step.source_id for step in plan.steps] == ["national_id", "crvs"]
    assert (("crvs", "person"), ("given_name",)) in table.alone
    assert table.shared == ()
    assert table.unasked["phone_number"].reason is UnavailableReason.NO_SOURCE
