"""Who a question of one registry type is about, in every form that is met."""

from typing import Any

import pytest

from standards.dci.asked import MAX_DEPTH, MAX_TERMS, Asked, read_asked
from standards.dci.codes import SearchReason
from standards.dci.reading import ItemRefusedError
from standards.identifiers import Identifier

ASHA = Identifier("UIN", "1000000001")
NUMBER = "1000000001"
PROGRAMME = "programme_identifier.program.programme_identifier"


def asked(query: object, **more: Any) -> Asked:
    """Read the criteria around a query."""
    return read_asked({"query_type": "expression", "query": query, **more})


def wrapped(document: object) -> dict[str, Any]:
    """The standard's own wrapping of an expression."""
    return {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "x", "query": document}}}


@pytest.mark.parametrize(
    "query",
    [
        {"member.member_identifier": {"eq": NUMBER}},
        {"personal_details.member_identifier": {"eq": f" {NUMBER} "}},
        {"person_identifier": {"$eq": NUMBER}},
        {"person_identifier": NUMBER},
        {"person_identifier": 1000000001},
        {"UIN": {"eq": NUMBER}},
        {"member.member_identifier": {"eq": {"identifier_type": "NID", "identifier_value": NUMBER}}},
        {"member.member_identifier": {"identifier_type": "UIN", "identifier_value": NUMBER}},
        {"member_identifier.identifier_type": {"eq": "UIN"}, "member_identifier.identifier_value": {"eq": NUMBER}},
        {"$and": [{"person_identifier": {"eq": NUMBER}}]},
        {"type": "UIN", "value": NUMBER},
        {"value": NUMBER},
        {"attribute_name": "person_identifier", "operator": "eq", "attribute_value": NUMBER},
        [{"expression1": {"attribute_name": "person_identifier", "operator": "EQ", "attribute_value": NUMBER}}],
        {"expression1": {"attribute_name": "person_identifier", "operator": "eq", "attribute_value": NUMBER}},
        wrapped({"person_identifier": {"$eq": NUMBER}}),
    ],
)
def test_every_form_says_who_it_is(query):
    """A path with a bare operator, a pair, a predicate or an expression: all of them lead to the same person."""
    assert asked(query) == Asked(ASHA)
    assert read_asked({"query": query}) == Asked(ASHA)


def test_another_kind_of_number_is_kept():
    """Only a number without a kind is taken for a UIN."""
    assert asked({"type": "BRN", "value": "b-1"}).subject == Identifier("BRN", "B-1")
    assert asked({"member.brn": {"eq": "b-1"}}).subject == Identifier("BRN", "B-1")


@pytest.mark.parametrize(
    "query",
    [
        {"person_identifier": {"eq": NUMBER}, PROGRAMME: {"eq": "DCI001"}},
        [
            {
                "expression1": {"attribute_name": "person_identifier", "operator": "eq", "attribute_value": NUMBER},
                "condition": "and",
                "expression2": {"attribute_name": PROGRAMME, "operator": "eq", "attribute_value": "DCI001"},
            }
        ],
    ],
)
def test_a_programme_may_stand_beside(query):
    """The keys of a query must all hold."""
    assert asked(query, response_entity="Beneficiary") == Asked(ASHA, "DCI001")


@pytest.mark.parametrize(
    "criteria",
    [
        None,
        "x",
        {},
        {"query": None},
        {"query": {}},
        {"query": []},
        {"query": {PROGRAMME: {"eq": "DCI001"}}},
        {"query": {"person_identifier": {"ne": NUMBER}}},
        {"query": {"person_identifier": {"in": [NUMBER]}}},
        {"query": {"person_identifier": {"eq": ["1"]}}},
        {"query": {"person_identifier": {"eq": ""}}},
        {"query": {"person_identifier": {"eq": "1"}, "member_identifier": {"eq": "2"}}},
        {"query": {"birth_date": {"eq": "1990-01-01"}}},
        {"query": {"$or": [{"person_identifier": {"eq": "1"}}]}},
        {"query": {"person_identifier": {"eq": "1"}, PROGRAMME: {"eq": 5}}},
        {"query": {"person_identifier": {"eq": "1"}}, "query_type": "graphql"},
        {"query": {"person_identifier": {"eq": "1"}}, "query_type": "sql"},
        {"query": {"person_identifier": {"eq": "1"}}, "response_entity": "Group"},
        {"query": [{"expression1": {"attribute_name": "uin", "operator": "eq", "attribute_value": "1"}, "condition": "or"}]},
    ],
)  # fmt: skip
def test_whoever_is_not_one_person_is_refused(criteria):
    """With the code of an unusable query, and a sentence that repeats nothing of it."""
    with pytest.raises(ItemRefusedError) as refused:
        read_asked(criteria)

    assert refused.value.code in {SearchReason.SEARCH_CRITERIA_INVALID, SearchReason.FILTER_INVALID}
    assert NUMBER not in refused.value.message


def test_queries_are_bounded():
    """In how many conditions they have, and in how deep these stand."""
    deep: dict[str, Any] = {"person_identifier": {"eq": NUMBER}}
    for _ in range(MAX_DEPTH - 1):
        deep = {"$and": [deep]}

    assert asked(deep) == Asked(ASHA)
    with pytest.raises(ItemRefusedError):
        asked({"$and": [deep]})
    with pytest.raises(ItemRefusedError):
        asked({f"a{n}": {"eq": "1"} for n in range(MAX_TERMS + 1)})
