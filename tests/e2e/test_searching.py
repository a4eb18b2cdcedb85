"""Searching without a number, as a programme does: where it goes, page by page, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Country

pytestmark = pytest.mark.e2e

POOR = {"poverty_score": {"$lt": 25}}


def search(country: Country, query: dict[str, Any], size: int = 50, number: int = 1, **more: Any) -> dict[str, Any]:
    """Search for households; return the one item of the answer."""
    now = datetime.now(UTC).isoformat()
    whole = {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Group", "query": query}}}
    criteria = {
        "reg_record_type": "Group",
        "response_entity": "Group",
        "query_type": "expression",
        "query": whole,
        "consent": {"@type": "Consent", "ts": now, "purpose": {"code": "eligibility"}},
        "pagination": {"page_size": size, "page_number": number},
        "hearth:attributes": ["household_id", "poverty_score"],
        **more,
    }
    client = country.client()
    asked = {"reference_id": "r-1", "timestamp": now, "search_criteria": criteria, "locale": "eng"}
    (item,) = client.send(client.message([asked]))["message"]["search_response"]
    return dict(item)


def found(item: dict[str, Any]) -> list[str]:
    """The household numbers on one page."""
    return [record["group_identifier"][0]["identifier_value"] for record in item["data"]["reg_records"]]


@pytest.mark.parametrize("sort", [None, [{"attribute_name": "region_code", "sort_order": "desc"}]])
def test_page_by_page_every_household_comes_once(country: Country, sort):
    """Whatever the size of a page, and asked twice: the same households in the same order, none twice."""
    more = {"sort": sort} if sort else {}
    lists = []
    for size in (7, 20, 20):
        numbers: list[str] = []
        for page in range(1, 100):
            numbers += found(search(country, POOR, size, page, **more))
            if page * size >= 250:
                break
        lists.append(numbers)

    assert len(lists[0]) > 20
    assert len(set(lists[0])) == len(lists[0])
    assert lists[1] == lists[0]
    assert lists[2] == lists[0]


def test_the_plan_says_where_the_search_went(country: Country):
    """The registry that can narrow it, and then the plan for each household."""
    item = search(country, POOR, 2, **{"hearth:explain": True})
    first, second, *rest = item["data"]["hearth:plan"].splitlines()

    assert first == "search social by poverty_score"
    assert second == "by HOUSEHOLD_ID, household registered-or-kin@1"
    assert any(line.startswith("# ") for line in rest)


def test_what_no_registry_can_narrow_is_refused_with_what_to_add(country: Country):
    """Conditions on people cannot narrow households."""
    item = search(country, {"marital_status": {"$eq": "W"}})

    assert item["status"] == "rjct"
    assert "poverty_score" in item["status_reason_message"]


def test_a_search_beyond_the_agreement_is_refused(country: Country):
    """Neither filter nor order may use what the agreement does not name."""
    by_filter = search(country, {"dwelling_type": {"$eq": "mud"}})
    by_order = search(country, POOR, sort=[{"attribute_name": "registration_date", "sort_order": "asc"}])

    assert by_filter["status"] == by_order["status"] == "rjct"
    assert "search by nothing but what is agreed" in by_filter["status_reason_message"]
    assert "search by nothing but what is agreed" in by_order["status_reason_message"]
