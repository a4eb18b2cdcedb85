"""What the practice registries refuse in DCI, item by item or whole, in the words of the release."""

from __future__ import annotations

import json

import pytest

from tests.contract.asking import NOW, by_number, dci, items
from tests.contract.dci_country import TYPES, condition, predicate
from tests.contract.dci_spec import needs_dci_spec

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]


@pytest.mark.parametrize(
    ("name", "criteria", "code"),
    [
        ("crvs", by_number("PASSPORT", "1"), "rjct.search_criteria.invalid"),
        ("social", by_number("BRN", "1"), "rjct.search_criteria.invalid"),
        ("social", by_number("UIN", "1") | {"reg_record_type": "Farmer"}, "rjct.search_criteria.invalid"),
        ("crvs", by_number("UIN", "1") | {"reg_type": TYPES["social"]}, "rjct.search_criteria.invalid"),
        ("crvs", predicate(condition("income", "lt", "5")), "rjct.filter.invalid"),
        ("crvs", predicate(condition("sex", "eq", "male"), sort=[{"attribute_name": "shoe"}]), "rjct.sort.invalid"),
        ("crvs", by_number("UIN", "1") | {"pagination": {"page_size": 0}}, "rjct.pagination.invalid"),
    ],
)
async def test_an_item_that_cannot_be_answered_is_refused_alone(dci_country, name, criteria, code):
    """The others of its message are answered, in order."""
    answer = await dci_country.ask(name, by_number("UIN", "0000000000"), criteria)

    good, bad = answer["message"]["search_response"]
    assert (good["status"], good["data"]["reg_records"]) == ("succ", [])
    assert good["pagination"]["total_count"] == 0
    assert (bad["status"], bad["status_reason_code"]) == ("rjct", code)
    assert "data" not in bad
    assert answer["header"]["status"] == "succ"


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"action": "subscribe"}, "rjct.action.invalid"),
        ({"message_ts": "2026-09-30T08:00:00"}, "rjct.message_ts.invalid"),
        ({"total_count": 2}, "rjct.total_count.invalid"),
    ],
)
async def test_a_message_that_contradicts_itself_is_refused(dci_country, name, header, code):
    """The header says why, and nothing is answered."""
    answer = await dci_country.ask(name, by_number("UIN", "0000000000"), **header)

    assert (answer["header"]["status"], answer["header"]["status_reason_code"]) == ("rjct", code)
    assert answer["message"]["search_response"] == []


@pytest.mark.parametrize("name", TYPES)
async def test_an_answer_is_addressed_back(dci_country, name):
    """Sender and receiver are swapped, ids of its own, the transaction kept."""
    answer = await dci_country.ask(name, by_number("UIN", "0000000000"))
    header = answer["header"]

    assert (header["action"], header["sender_id"], header["receiver_id"]) == ("on-search", "registry.pv", "hearth.pv")
    assert header["message_id"] != "4c1b7b1a-1111-4a55-9f0e-0c5c0a0e0001"
    assert answer["message"]["transaction_id"] == "4c1b7b1a-1111-4a55-9f0e-0c5c0a0e0002"


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"header": {}}', b'{"header": {}, "message": {}}'])
async def test_what_is_no_message_is_a_bad_request(dci_country, name, body):
    """HTTP 400 with the standard's own error object."""
    answer = await dci_country.send(name, body, status=400)

    assert answer["errors"][0]["code"] == "err.request.bad"


@pytest.mark.parametrize("name", TYPES)
async def test_a_token_of_another_registry_opens_nothing(dci_country, name):
    """HTTP 401 with the standard's own error object."""
    other = dci_country.tokens["social" if name == "crvs" else "crvs"]
    body = dci(TYPES[name], [by_number("UIN", "0000000000")]).body
    answer = await dci_country.send(name, body, status=401, token=other)

    assert answer["errors"][0]["code"] == "err.request.unauthorized"


async def test_a_reference_may_occur_once(dci_country):
    """The second item by the same reference is refused; a timestamp needs its offset."""
    question = json.loads(dci(TYPES["crvs"], [by_number("UIN", "0000000000")] * 3).body or b"")
    asked = question["message"]["search_request"]
    asked[1]["reference_id"] = asked[0]["reference_id"]
    asked[2]["timestamp"] = NOW[:19]
    answer = await dci_country.send("crvs", json.dumps(question).encode())

    assert [item.get("status_reason_code") for item in items(json.dumps(answer).encode())] == [
        None,
        "rjct.reference_id.duplicate",
        "rjct.timestamp.invalid",
    ]
