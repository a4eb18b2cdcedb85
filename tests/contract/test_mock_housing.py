"""The housing authority: GraphQL as its description has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract import asking
from tests.contract.asking import Ask

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]


async def answered(poveria: Any, query: str, **variables: Any) -> Any:
    """The status of a query's answer, and what it says."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    answer = await poveria.answer("housing", Ask("POST", "/graphql", {"Content-Type": "application/json"}, body))
    return answer.status, json.loads(answer.body)


async def test_only_the_fields_selected_are_told(poveria):
    """Under the names they were asked by."""
    numbers = poveria.numbers("housing", 2)
    query = "query Q($u: [ID!]!) { people: residents(uins: $u) { nodes { number: uin dwelling { roof rooms } } } }"
    _, told = await answered(poveria, query, u=numbers)

    nodes = told["data"]["people"]["nodes"]
    assert [node["number"] for node in nodes] == numbers
    assert all(set(node) == {"number", "dwelling"} and set(node["dwelling"]) == {"roof", "rooms"} for node in nodes)


async def test_residents_come_a_page_at_a_time(poveria):
    """Following the cursor to the end gives everybody once; who is not housed is named in every page."""
    numbers, got, after = poveria.numbers("housing", 7), [], None
    for _ in range(3):
        answer = await poveria.answer("housing", asking.ask_housing([*numbers, "0000000000"], 3, after))
        page = json.loads(answer.body)["data"]["residents"]
        got += [node["uin"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert (page["totalCount"], page["unknown"]) == (7, ["0000000000"])

    assert got == numbers
    assert page["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ residents(uins: $u) { totalCount } }", {"u": ["1"]}),
        ("query ($u: [ID!]!) { residents(uins: $u) { totalCount } }", {}),
        ("query ($u: [ID!]!) { residents(uins: $u) { totalCount } }", {"u": "1"}),
        ("query ($u: [ID!]!) { residents(uins: $u) { secrets } }", {"u": ["1"]}),
        ("query ($u: [ID!]!) { residents(uins: $u) }", {"u": ["1"]}),
        ("query ($u: [ID!]!) { residents(uins: $u, first: 51) { totalCount } }", {"u": ["1"]}),
        ('query ($u: [ID!]!) { residents(uins: $u, after: "?") { totalCount } }', {"u": ["1"]}),
        ("query ($u: [ID!]!) { everybody { totalCount } }", {"u": ["1"]}),
        ("mutation { remove }", {}),
        ('{ residents(uins: ["1"]) { totalCount }', {}),
        ("query ($u: [ID!]!) { residents(uins: $u) { totalCount } }", {"u": ["1"] * 101}),
    ],
)
async def test_what_is_wrong_with_a_query_is_an_error(poveria, query, variables):
    """HTTP 200, a message without any value, and no data."""
    status, told = await answered(poveria, query, **variables)

    assert (status, told["data"]) == (200, None)
    assert told["errors"][0]["message"]


async def test_survey_and_country_agree_about_the_example(poveria):
    """The complete household lives as the country knows it to."""
    person = poveria.population.people[poveria.population.casts["complete_household"].subject]
    home = poveria.population.households[person.household]
    query = "query ($u: [ID!]!) { residents(uins: $u) { nodes { dwelling { rooms electricity residentCount } } } }"
    _, told = await answered(poveria, query, u=[person.uin])

    (node,) = told["data"]["residents"]["nodes"]
    named = sum(poveria.population.people[one].uin is not None for one in home.members)
    assert node["dwelling"] == {"rooms": home.rooms, "electricity": home.electricity, "residentCount": named}
