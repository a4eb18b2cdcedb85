"""Every defect of the released files and samples, and every habit of other systems, with the answer that GUIDE 13 decides.

As a consumer may bring them to us. What registries bring is in `test_dialect_registries.py` and the tests of the adapter;
the samples themselves are in `tests/e2e/test_released_samples.py` and `test_samples.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.contract.dci_spec import SPEC, needs_dci_spec, response_faults
from tests.whole_gateway import ASKING, UIN, Whole, by_number, items_of, message, now, search, whole

pytestmark = pytest.mark.contract
on_module = pytest.mark.asyncio(loop_scope="module")

Case = tuple[str, Callable[[], dict[str, Any]], str]
BAD, TAKEN = "err.request.bad", "taken"
CRITERIA, TYPES = "rjct.search_criteria.invalid", "rjct.notify_types.invalid"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """One gateway for all cases."""
    async with whole(tmp_path_factory.mktemp("whole")) as found:
        yield found


def ask(criteria: dict[str, Any] | None = None, beside: dict[str, Any] | None = None, **header: Any) -> dict[str, Any]:
    """A search about Asha, with other criteria, members beside them, and header members."""
    return message("sync/search", search(by_number(**(criteria or {})), **(beside or {})), **header)


def people(**criteria: Any) -> dict[str, Any]:
    """A search for Asha by conditions."""
    return ask({"reg_record_type": "Member", "query_type": "predicate"} | criteria)


def clause(name: str = "birth_date", value: Any = "1990-02-01", operator: str = "eq") -> dict[str, Any]:
    """One condition."""
    return {"attribute_name": name, "operator": operator, "attribute_value": value}


def raw_message(sent: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A message with other members beside its transaction id."""
    return sent | {"message": sent["message"] | changes}


def wish(**changes: Any) -> dict[str, Any]:
    """A wish to be told of a death."""
    criteria = {
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "spdci-common:RegistryEventType:Death",
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": UIN},
        "notify_record_type": "spdci-extensions-dci:Person",
    } | changes
    item = {"reference_id": "r-1", "timestamp": now(), "subscribe_criteria": criteria}
    return message("subscribe", {"subscribe_request": [item]})


def wish_in_old_words() -> dict[str, Any]:
    """The same, as the January 2025 files spell it."""
    sent = wish()
    item = sent["message"]["subscribe_request"][0]
    item["timesstamp"] = item.pop("timestamp")
    return sent


def status(**changes: Any) -> dict[str, Any]:
    """A question about a transaction that nobody knows."""
    asked = {"reference_id": "s-1", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": "c-9"}
    return message("sync/txn/status", {"txnstatus_request": asked | changes})


def person(path: str, member: str, **changes: Any) -> dict[str, Any]:
    """A question that one registry type answers."""
    return message(path, {member: {"query_type": "expression", "query": {"person_identifier": {"eq": UIN}}} | changes})


def unsubscribe(**content: Any) -> dict[str, Any]:
    """The wish to end a subscription."""
    return message("unsubscribe", content)


UNKNOWN = "rjct.reference_id.invalid"
FILES: dict[str, Case] = {
    "1 unsubscribe": ("unsubscribe", lambda: unsubscribe(timestamp=now(), sunscription_codes=["S-1"]), TAKEN),
    "1 timesatmp": ("unsubscribe", lambda: unsubscribe(timesatmp=now(), subscription_codes=["S-1"]), TAKEN),
    "1 timesstamp": ("subscribe", wish_in_old_words, TAKEN),
    "3 on-search": ("sync/txn/status", lambda: status(txn_type="on-search"), UNKNOWN),
    "3 on-subscribe": ("sync/txn/status", lambda: status(txn_type="on-subscribe"), UNKNOWN),
    "4 object as value": ("sync/search", lambda: ask({"query": {"type": "UIN", "value": {"id_type": "UIN", "id_value": UIN}}}), TAKEN),
    "4 whole number": ("sync/search", lambda: people(query=[{"expression1": clause("uin", int(UIN))}]), TAKEN),
    "5 no message": ("sync/search", lambda: {"header": ask()["header"]}, BAD),
    "9 dr has no status": ("/dr/registry/sync/txn/status", status, "rjct.action.not_supported"),
    "9 dr has no status, later": ("/dr/registry/txn/status", lambda: status(action="txn-status"), "err.request.bad"),
    "10 entity of the example": ("sync/enrolled", lambda: person("sync/enrolled", "enrolled_criteria", response_entity="Beneficiary"), TAKEN),
    "11 action": ("sync/check-enrollment", lambda: person("sync/check-enrollment", "enrolled_criteria"), TAKEN),
    "11 another action": ("sync/check-enrollment", lambda: raw_message(
        message("sync/check-enrollment", {}, action="enrolmentstatus"), enrolled_criteria={}
    ), "rjct.action.invalid"),
    "13 event of another registry": ("subscribe", lambda: wish(reg_type="ns:org:RegistryType:Social"), TAKEN),
    "14 event type": ("sync/search", lambda: ask({"reg_event_type": "spdci-common:RegistryEventType:LiveBirth"}), TAKEN),
    "15 locale of the example": ("sync/search", lambda: ask(beside={"locale": "en"}), CRITERIA),
    "17 prefixed event": ("subscribe", lambda: wish(
        reg_type="ns:org:RegistryType:DR", reg_event_type="ns:org:RegistryEventType:REGISTER",
        notify_record_type="spdci-extensions-dci:DisabledPerson",
    ), TAKEN),
    "18 a schema as consent": ("sync/search", lambda: ask({
        "consent": {"@type": {"type": "string"}, "ts": {"type": "string", "format": "date-time"}, "purpose": {"$ref": "#"}}
    }), TAKEN),
    "18 a schema as purpose": ("sync/search", lambda: ask({"authorize": {"purpose": {"code": {"type": "string"}}}}), CRITERIA),
}  # fmt: skip
"""Number in GUIDE 13.1 -> operation, message, and `taken` or the code that refuses it.

2, 7, 8, 12, 16, 19, 20 and 21 are no matter of a message that comes in; `requirements.yaml` names the tests.
"""

SAMPLES: dict[str, Case] = {
    "count as text": ("sync/search", lambda: ask(total_count="1"), TAKEN),
    "empty meta": ("sync/search", lambda: ask(meta=""), TAKEN),
    "empty sender_uri": ("sync/search", lambda: ask(sender_uri=""), TAKEN),
    "empty consent": ("sync/search", lambda: ask({"consent": "", "locale": "", "pagination": "", "sort": ""}), TAKEN),
    "empty authorize": ("sync/search", lambda: ask({"authorize": "", "consent": {"purpose": {"code": "entitlement"}}}), TAKEN),
    "empty locale": ("sync/search", lambda: ask(beside={"locale": ""}), TAKEN),
    "empty seq_num": ("sync/search", lambda: people(query=[{"seq_num": "", "expression1": clause(), "condition": "", "expression2": ""}]), TAKEN),
    "empty transaction": ("sync/search", lambda: raw_message(ask(), transaction_id=""), TAKEN),
    "empty reference": ("sync/search", lambda: ask(beside={"reference_id": ""}), TAKEN),
    "empty message id": ("sync/search", lambda: ask(message_id=""), BAD),
    "array as expression": ("sync/search", lambda: people(query_type="expression", query=[{"expression1": clause()}]), TAKEN),
    "third expression": ("sync/search", lambda: people(query=[{
        "expression1": clause(), "condition": "and", "expression2": clause("sex", "female"),
        "expression3": clause("given_name", "Asha"),
    }]), TAKEN),
    "one object for an array": ("sync/search", lambda: raw_message(
        ask(), search_request=search(by_number())["search_request"][0]
    ), TAKEN),
    **{f"action {word}": ("sync/search", partial(ask, action=word), "rjct.action.invalid") for word in (
        "register", "verify", "get_disability_info", "check_disability_status",
    )},
    "header status": ("sync/search", lambda: ask(status="request"), TAKEN),
    "event SEARCH": ("sync/search", lambda: ask({"reg_event_type": "SEARCH"}), TAKEN),
    "locale EN/GB": ("sync/search", lambda: ask(beside={"locale": "EN/GB"}), CRITERIA),
    "other entity": ("sync/search", lambda: ask({"response_entity": "Beneficiary"}), CRITERIA),
}  # fmt: skip
"""Of the official samples (GUIDE 13.2)."""

SYSTEMS: dict[str, Case] = {
    "OpenCRVS 2024, its own registry type": ("sync/search", lambda: ask({"reg_type": "ocrvs:registry_type:birth"}), CRITERIA),
    "OpenCRVS 2024, consent beside": ("sync/search", lambda: ask(
        {"authorize": ""}, {"consent": {"id": "x", "ts": "", "purpose": {"code": "entitlement", "refUri": "https://x.example"}}}
    ), TAKEN),
    "OpenCRVS 1.9, event type": ("sync/search", lambda: ask({
        "reg_type": "ns:org:RegistryType:Civil", "reg_record_type": "person", "reg_event_type": "birth",
    }), TAKEN),
    "OpenCRVS 1.9, list as text": ("sync/search", lambda: people(query=[
        {"expression1": clause("birth_date", "1990-02-01,1990-02-02", "in")}
    ]), TAKEN),
    "OpenSPP2, older registry type": ("sync/search", lambda: ask({"reg_type": "SOCIAL_REGISTRY"}), TAKEN),
    "OpenSPP2, CRVS": ("sync/search", lambda: ask({"reg_type": "CRVS", "reg_record_type": "Person"}), TAKEN),
    "OpenSPP2, older event": ("subscribe", lambda: wish(reg_type="CRVS", reg_event_type="DEATH"), TAKEN),
    "OpenSPP2, seq": ("sync/search", lambda: people(query_type="expression", query={
        "seq": [{"attribute": "given_name", "operator": "eq", "value": "Asha"}]
    }), CRITERIA),
    "OpenSPP2, predicate as text": ("sync/search", lambda: people(query="given_name == 'Asha'"), CRITERIA),
    "OpenG2P, nested query": ("sync/search", lambda: ask({
        "query": {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": UIN}}
    }), TAKEN),
    "OpenG2P, register by name": ("sync/search", lambda: ask({"reg_type": "Individual"}), CRITERIA),
    "OpenG2P, two letters": ("sync/search", lambda: ask(beside={"locale": "en"}), CRITERIA),
    "OpenG2P, operators": ("sync/search", lambda: people(query_type="expression", query={
        "type": "NoSql", "value": {"expression": {"query": {"birth_date": {"$gte": "1990-02-01", "$lte": "1990-02-01"}, "$or": [{"given_name": {"$startsWith": "Ash"}}, {"surname": {"$nin": ["Moyo"]}}, {"sex": {"$ne": "male"}},
        ]}}}
    }), TAKEN),
    "openIMIS, query_type": ("sync/search", lambda: ask({"query_type": "sync"}), CRITERIA),
    "mock-ups, number as transaction": ("sync/search", lambda: raw_message(ask(), transaction_id=123), BAD),
    "G1, namedQuery": ("sync/search", lambda: people(query_type="namedQuery", query={
        "type": "NoSql", "value": {"expression": {"query": {"birth_date": {"$eq": "1990-02-01"}}}}
    }), TAKEN),
    "G1, reg_sub_type": ("sync/search", lambda: ask({"reg_type": None, "reg_sub_type": "Social"}), TAKEN),
    "before G2, result_record_type": ("sync/search", lambda: ask({"reg_record_type": None, "result_record_type": "Group"}), TAKEN),
    "gte": ("sync/search", lambda: people(query=[{"expression1": clause("birth_date", "1990-01-01", "gte")}]), TAKEN),
    "compliance suite, page beside": ("sync/search", lambda: ask(beside={"pagination": {"page_size": 1}}), TAKEN),
    "compliance suite, bad page beside": ("sync/search", lambda: ask(beside={"pagination": {"page_size": -1}}), "rjct.pagination.invalid"),
    "compliance suite, no reg_type": ("sync/search", lambda: ask({"reg_type": None}), TAKEN),
    "compliance suite, no offset": ("sync/search", lambda: ask(beside={"timestamp": "2026-03-04T09:15:00"}), "rjct.timestamp.invalid"),
    "compliance suite, long id": ("sync/search", lambda: raw_message(ask(), transaction_id="t" * 100), BAD),
    "compliance suite, locale": ("sync/search", lambda: ask(beside={"locale": "english"}), CRITERIA),
    "JavaScript, 1.0": ("sync/search", lambda: ask(total_count=1.0), TAKEN),
    "upper-case words": ("sync/search", lambda: ask({"query_type": "IDTYPE-VALUE", "response_entity": "GROUP"}, action="SEARCH"), TAKEN),
}  # fmt: skip
"""Of other systems (GUIDE 1, 13.4 and 14)."""


async def said(gateway: Whole, path: str, sent: dict[str, Any]) -> str:
    """`taken`, or the code of the refusal; whatever is answered is valid by the release."""
    address = path if path.startswith("/") else f"/registry/{path}"
    answered = await gateway.send(address, sent)
    assert answered.status in {200, 400, 404}
    if answered.status == 200 and "header" in answered.body:
        assert [item for item in items_of(answered.body) if item["status"] == "rjct" and answered.code is None] == []
    return answered.code or TAKEN


@on_module
@pytest.mark.parametrize("defect", FILES)
async def test_a_defect_of_the_files(gateway: Whole, defect: str):
    """DCI-DEF-01: GUIDE 13.1."""
    path, made, code = FILES[defect]

    assert await said(gateway, path, made()) == code


@on_module
@pytest.mark.parametrize("defect", SAMPLES)
async def test_a_defect_of_the_samples(gateway: Whole, defect: str):
    """DCI-DEF-02: GUIDE 13.2."""
    path, made, code = SAMPLES[defect]

    assert await said(gateway, path, made()) == code


@on_module
@pytest.mark.parametrize("habit", SYSTEMS)
async def test_a_habit_of_another_system(gateway: Whole, habit: str):
    """DCI-DEF-03: GUIDE 13.4."""
    path, made, code = SYSTEMS[habit]

    assert await said(gateway, path, made()) == code


@on_module
@pytest.mark.parametrize(
    "habit", [name for name, (path, _, code) in (SAMPLES | SYSTEMS).items() if code == TAKEN and path == "sync/search"]
)
async def test_what_is_taken_means_what_it_says(gateway: Whole, habit: str):
    """DCI-DEF-04: every one of these asks about Asha, and is told of her."""
    _, made, _ = (SAMPLES | SYSTEMS)[habit]
    answered = await gateway.send("/registry/sync/search", made())

    (item,) = items_of(answered.body)
    assert "Asha" in orjson.dumps(item["data"]["reg_records"]).decode()


@on_module
async def test_a_repeated_member_counts_as_it_stands_last(gateway: Whole):
    """DCI-DEF-05: a sample has `condition` twice in one object, as which JSON keeps the last."""
    query = [{"expression1": clause(), "condition": "CONDITION", "expression2": clause(value="1800-01-01")}]
    text = orjson.dumps(people(query=query)).replace(b'"condition":"CONDITION"', b'"condition":"and","condition":"or"')
    answered = await gateway.send("/registry/sync/search", text)

    (item,) = items_of(answered.body)
    assert item["pagination"]["total_count"] == 1, "or, and not and"


@on_module
@needs_dci_spec
@pytest.mark.parametrize("name", ["sync-search-request", "async-search-request"])
async def test_the_samples_of_opencrvs(gateway: Whole, name: str):
    """DCI-DEF-06: ten are announced and one comes; its registry type is its own; each fault has its code."""
    sample = orjson.loads((SPEC / "examples" / "opencrvs-dci-crvs-api" / f"{name}.json").read_bytes())
    path = "sync/search" if name.startswith("sync") else "search"
    own = {"sender_id": ASKING.sender_id, "message_ts": datetime.now(UTC).isoformat(), "receiver_id": "",
           "sender_uri": "https://programme.example.org/on-search"}  # fmt: skip
    sent = sample | {"header": sample["header"] | own | {"message_id": name}}
    counted = sample | {"header": sample["header"] | own | {"message_id": f"{name}-counted", "total_count": 1}}

    assert await said(gateway, path, sent) == ("rjct.total_count.invalid" if path == "sync/search" else BAD)
    assert await said(gateway, path, counted) == (CRITERIA if path == "sync/search" else TAKEN)


@needs_dci_spec
def test_the_bucket_of_the_employment_mock_up_is_no_request():
    """DCI-DEF-07: it holds records, and no message to answer."""
    bucket = orjson.loads((SPEC / "examples" / "ess-mockup" / "members.json").read_bytes())

    assert set(bucket) == {"uuid", "name", "documents"}
    assert response_faults("ess_api_v1.0.0.yaml", "/registry/sync/search", bucket, "200") != []
