"""The methods of 2023: their questions as questions of today, and today's answers in their shape."""

from datetime import UTC, datetime
from typing import Any

import pytest

from standards.attributes import Catalogue
from standards.dci.codes import ResponseEntity
from standards.dci.question import read_item
from standards.dci.search import FilterQuery, IdQuery, RejectedItem, SearchItem, SortKey
from standards.dci.validate import Leniency
from standards.dci.webinar import HOUSEHOLD, POVERTY_SCORE, SEARCH, Method, lacks_score, read_webinar, webinar_answer
from standards.errors import MalformedMessageError
from standards.identifiers import Identifier

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
VALUE = {"state": "value", "source": "social"}
DOWN = {"state": "unavailable", "reason": "source_down", "source": "social"}


def read(method: Method, asked: object, **payload: Any) -> SearchItem | RejectedItem:
    """Read a message of 2023 as an item of today."""
    raw = {"signature": "x", "headers": {}, "payload": {"search_request": asked, **payload}}
    return read_item(read_webinar(raw, method, "c-1", NOW), set(), Leniency(), Catalogue.load())


@pytest.mark.parametrize("method", [HOUSEHOLD, POVERTY_SCORE])
def test_a_number_asks_for_a_household(method):
    """By a person's number or its own, for what the answer has a place for and no more."""
    found = read(method, [{"identifier_type": "UIN", "identifier_value": "1"}], consent={"purpose": {"code": "p"}})

    assert isinstance(found, SearchItem)
    assert (found.query, found.response_entity) == (IdQuery(Identifier("UIN", "1")), ResponseEntity.GROUP)
    assert (found.attributes, found.purpose, found.reference_id) == (frozenset(method.attributes), "p", "c-1")
    assert read(method, {"identifier_value": "1"}) == found._replace(purpose=None, consent={})


def test_conditions_ask_for_households():
    """Score, size and region, each within its bounds; with an order and a page."""
    found = read(
        SEARCH,
        [{"poverty_score": {"min": 1, "max": "30"}, "household_size": {"min": 4}, "region": "PV-1"}],
        sortby={"fieldname": "household_size", "order": "desc"},
        pagination={"page_size": 5, "page_number": 2},
    )

    assert isinstance(found, SearchItem)
    assert isinstance(found.query, FilterQuery)
    assert found.query.text == (
        "(poverty_score ge ? and poverty_score le ?) and registered_size ge ? and region_code eq ?"
    )
    assert found.sort == (SortKey("registered_size", is_descending=True),)
    assert found.page == (5, 2)


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        (HOUSEHOLD, None),
        (HOUSEHOLD, []),
        (HOUSEHOLD, {"message": {}}),
        (HOUSEHOLD, {"payload": {}}),
        (HOUSEHOLD, {"payload": {"search_request": []}}),
        (HOUSEHOLD, {"payload": {"search_request": [{}, {}]}}),
        (SEARCH, {"payload": {"search_request": [{}]}}),
        (SEARCH, {"payload": {"search_request": [{"poverty_score": 5}]}}),
        (SEARCH, {"payload": {"search_request": [{"poverty_score": {"below": 5}}]}}),
        (SEARCH, {"payload": {"search_request": [{"region": "PV-1"}], "sortby": "region"}}),
    ],
)
def test_what_is_not_one_question_is_refused(method, raw):
    """With a sentence that says what to change."""
    with pytest.raises(MalformedMessageError):
        read_webinar(raw, method, "c-1", NOW)


def test_what_cannot_be_asked_today_could_not_be_asked_then():
    """A number without a value, a bound of the wrong type: the refusal is that of a question of today."""
    assert isinstance(read(HOUSEHOLD, {"identifier_type": "UIN"}), RejectedItem)
    assert isinstance(read(SEARCH, {"poverty_score": {"max": "poor"}}), RejectedItem)
    assert isinstance(read(SEARCH, {"region": "PV-1"}, sortby={"fieldname": "shoe_size"}), RejectedItem)


def answered(score: dict[str, Any] = VALUE) -> dict[str, Any]:
    """An answered item of today: two people, one of them the head."""
    members = [
        {
            "member_identifier": [{"identifier_type": "UIN", "identifier_value": str(n)}],
            "demographic_info": {
                "name": {"given_name": name, "surname": "Moyo"}, "sex": sex, "birth_date": "1990-02-01",
            },
            "hearth:relationship_to_head": relation,
        }
        for n, (name, sex, relation) in enumerate([("Asha", "female", "SELF"), ("Juma", "male", "SPS")])
    ]  # fmt: skip
    record: dict[str, Any] = {
        "group_identifier": [{"identifier_type": "HOUSEHOLD_ID", "identifier_value": "HH-1"}],
        "group_size": 2, "group_head_info": members[0], "member_list": members,
    }  # fmt: skip
    if score is VALUE:
        record["poverty_score"] = 23.5
    evidence = {"attributes": {"poverty_score": score}, "members": [{"attributes": {"sex": VALUE}}] * 2}
    return {
        "status": "succ",
        "data": {"reg_records": [record], "hearth:evidence": [evidence]},
        "pagination": {"page_size": 1, "page_number": 1, "total_count": 1},
    }


def test_members_stand_beside_the_head():
    """One entry for each, with codes and their words, as in 2023; where values come from stands with them."""
    answer = webinar_answer(HOUSEHOLD, answered(), "c-1")

    asha, juma = answer["message"]["search_response"]
    assert answer | {"message": None} == {
        "status": "succ", "return_message": "", "correlation_id": "c-1", "total_count": 1, "message": None,
    }  # fmt: skip
    assert juma["registry_data"] == {
        "identifier": [{"type": "UIN", "value": "1"}],
        "name": "Juma Moyo",
        "date_of_birth": "1990-02-01",
        "gender": {"code": "male", "display_text": "Male"},
        "relationship_with_head": juma["registry_data"]["relationship_with_head"],
    }
    assert juma["registry_data"]["relationship_with_head"]["code"] == "SPS"
    assert juma["household_head_info"] == asha["registry_data"]
    assert juma["household_info"] == {
        "identifier": [{"type": "HOUSEHOLD_ID", "value": "HH-1"}], "household_size": 2, "poverty_score": 23.5,
    }  # fmt: skip
    assert juma["hearth:evidence"] == {"household": {"poverty_score": VALUE}, "member": {"sex": VALUE}}


def test_a_score_is_told_of_one_household():
    """With the household's own number."""
    answer = webinar_answer(POVERTY_SCORE, answered(), "c-1")

    (entry,) = answer["message"]["search_response"]
    assert entry["registry_data"] == {
        "identifier": [{"type": "HOUSEHOLD_ID", "value": "HH-1"}], "poverty_score": 23.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (VALUE, None),
        ({"state": "conflict"}, None),
        ({"state": "absent"}, None),
        (DOWN, "the poverty score is unavailable from social: source_down"),
        ({"state": "withheld", "reason": "consent_refused"}, "the poverty score is withheld: consent_refused"),
    ],
)
def test_a_score_that_was_not_obtained_is_told_as_such(state, why):
    """It is never a household without a score."""
    assert lacks_score(answered(state)) == why


def test_a_refused_item_is_a_refused_answer():
    """With the sentence of today, and nothing found."""
    answer = webinar_answer(SEARCH, {"status": "rjct", "status_reason_message": "why"}, "c-1")

    assert answer == {
        "status": "rjct", "return_message": "why", "correlation_id": "c-1", "total_count": 0,
        "message": {"search_response": []},
    }  # fmt: skip
