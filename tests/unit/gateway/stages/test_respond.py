"""Records in the standard's shape, and what is said when there are none."""

from typing import Any

import pytest

from gateway.stages.respond import denied, unanswered
from standards.dci.codes import ResponseEntity
from standards.dci.search import Page
from standards.errors import SourceUnavailableError
from standards.household import Evidence, HouseholdProfile, Member, Outcome, SourceOutcome
from standards.permit import Denial, Form, FormKind, Reason
from standards.states import Absent, AttributeState, Conflict, Provenance, Unavailable, UnavailableReason, Value
from tests.builders import NOW, PLANNER, REGISTERED, RESPONDER, VALUE, item
from tests.unit.policies.builders import permit

ORIGIN = Provenance("crvs", NOW)
PERMIT = permit({"given_name": VALUE, "income_annual": Form(FormKind.BAND, edges=(100,)), "household_size": VALUE})


def profile(*relationships: str, subject: int | None = 0, **changes: Any) -> HouseholdProfile:
    """A minimised household of members named after their relationship."""
    members = tuple(
        Member(n, {}, r, (Evidence("asked"),), {"given_name": Value(r.title(), ORIGIN)})
        for n, r in enumerate(relationships)
    )
    plain = HouseholdProfile("registered@1", subject, members, {"household_size": Value(len(members), ORIGIN)}, {})
    return plain._replace(**changes)


def answered(*profiles: HouseholdProfile, **changes: Any) -> dict[str, Any]:
    """The answer to a question."""
    asked = changes.pop("item", item())
    return RESPONDER.answered(asked, profiles, PERMIT, NOW, **changes)


def record(*profiles: HouseholdProfile, **changes: Any) -> dict[str, Any]:
    """The first record of an answer."""
    found: dict[str, Any] = answered(*profiles, **changes)["data"]["reg_records"][0]
    return found


def test_a_household_is_a_group_with_its_head_and_members():
    """Each in its place, with the relationship to the head."""
    group = record(profile("SELF", "CHILD"))

    assert group["@type"] == "Group"
    assert group["group_size"] == 2
    assert [m["hearth:relationship_to_head"] for m in group["member_list"]] == ["SELF", "CHILD"]
    assert group["group_head_info"] == group["member_list"][0]


@pytest.mark.parametrize("relationships", [("", ""), ("SELF", "SELF"), ("CHILD",)])
def test_without_one_known_head_none_is_named(relationships):
    """Nobody is made the head by guessing."""
    assert "group_head_info" not in record(profile(*relationships))


def test_a_question_about_a_person_is_answered_with_that_person():
    """Whoever else is in the profile."""
    asked = item(response_entity=ResponseEntity.MEMBER)
    answer = answered(profile("SELF", "CHILD", subject=1), item=asked)

    assert answered(profile("SELF"), item=asked)["data"]["reg_records"][0]["@type"] == "Member"
    assert answer["data"]["reg_records"][0]["demographic_info"]["name"]["given_name"] == "Child"
    assert [m["member"] for m in answer["data"]["hearth:evidence"][0]["members"]] == [1]


def test_only_values_stand_in_a_record():
    """Of a conflict the settled side; what is absent or unknown is told beside it."""
    states: dict[str, AttributeState] = {
        "given_name": Conflict(Value("Asha", ORIGIN), (Value("Asya", ORIGIN),)),
        "household_size": Absent(ORIGIN),
        "income_annual": Unavailable(UnavailableReason.SOURCE_DOWN, "tax"),
    }
    member = Member(0, {}, "", (), states)
    said = record(profile()._replace(members=(member,), attributes={}))["member_list"][0]

    assert said["demographic_info"]["name"] == {"given_name": "Asha"}
    assert "hearth:taxpayer" not in said


def test_another_form_than_the_value_never_stands_in_the_standard_s_place():
    """A band is no income."""
    member = Member(0, {}, "", (), {"income_annual": Value("<100", ORIGIN)})
    said = record(profile()._replace(members=(member,), attributes={}))["member_list"][0]

    assert "hearth:taxpayer" not in said
    assert said["additional_attributes"] == [{"name": "income_annual", "value": "<100", "hearth:form": "band"}]


def test_nobody_found_is_an_answer():
    """Without records, and with a count that says so."""
    answer = answered()

    assert answer["status"] == "succ"
    assert answer["data"]["reg_records"] == []
    assert answer["pagination"] == {"page_size": 1, "page_number": 1, "total_count": 0}


def test_pages_count_what_the_search_found():
    """The page asked for, and the total over all pages."""
    answer = answered(profile("SELF"), item=item(page=Page(10, 2)), total=11, note="look closely")

    assert answer["pagination"] == {"page_size": 10, "page_number": 2, "total_count": 11}
    assert "look closely" in answer["status_reason_message"]


def test_a_silent_registry_is_told_of():
    """By name, so that nobody has to look for holes."""
    sources = {
        "tax": SourceOutcome(Outcome.UNAVAILABLE, 1, 0, UnavailableReason.SOURCE_DOWN),
        "health": SourceOutcome(Outcome.PARTIAL, 2, 0, UnavailableReason.SOURCE_DOWN),
        "crvs": SourceOutcome(Outcome.ANSWERED, 1),
    }
    message = answered(profile("SELF", sources=sources))["status_reason_message"]

    assert "health, tax" in message
    assert "crvs" not in message
    assert "status_reason_message" not in answered(profile("SELF"))


def test_the_plan_is_shown_only_when_asked_for():
    """As text."""
    plan = PLANNER.plan(frozenset({"given_name"}), "UIN", REGISTERED)

    assert answered(profile("SELF"), plan=plan)["data"]["hearth:plan"] == plan.explained()
    assert answered(profile("SELF"), plan=plan, found_by="search social by sex")["data"][
        "hearth:plan"
    ].splitlines() == [
        "search social by sex",
        *plan.explained().splitlines(),
    ]
    assert "hearth:plan" not in answered(profile("SELF"))["data"]


def test_a_denial_names_every_reason_and_its_remedy():
    """The standard has one code for them."""
    said = denied(
        item(), [Denial(Reason.NO_AGREEMENT, "conclude one"), Denial(Reason.PURPOSE_MISSING, "state it")], NOW
    )

    assert said["status"] == "rjct"
    assert said["status_reason_code"] == "rjct.search_criteria.invalid"
    assert said["status_reason_message"] == "no_agreement: conclude one; purpose_missing: state it"
    assert "data" not in said


def test_silence_of_all_is_no_answer_and_no_no():
    """The item has no records, not even none, and no code, because the standard has none for it."""
    said = unanswered(item(), SourceUnavailableError("crvs, social", UnavailableReason.SOURCE_DOWN), NOW)

    assert said["status"] == "rjct"
    assert "status_reason_code" not in said
    assert "data" not in said
    assert "crvs, social (source_down)" in str(said["status_reason_message"])


def test_silence_of_the_closed_says_when_to_ask_again():
    """Its owner has announced it."""
    error = SourceUnavailableError("social", UnavailableReason.SOURCE_CLOSED, until="2026-10-01T01:00:00+00:00")
    said = str(unanswered(item(), error, NOW)["status_reason_message"])

    assert "social (source_closed)" in said
    assert said.endswith("ask again after 2026-10-01T01:00:00+00:00")
