"""The DCI driver: one message for everyone, answers matched by reference, silence never an answer."""

from __future__ import annotations

from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.dci.driver import DciAdapter
from adapters.generic.dci.request import Requests, references
from adapters.manifest import DciField
from adapters.ports import Deadline, GroupMember, Link, Response, SearchFetch
from standards.errors import (
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.filters import Any_, Comparison, Every, Not
from standards.identifiers import Identifier
from standards.permit import Operator
from standards.states import UnavailableReason
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, manifest_of

ASHA = Identifier("UIN", "2000000014")
JUMA = Identifier("BRN", "B1950-000055")
LONG = Deadline.after(3600)


def civil(identifiers, **more):
    """Return a civil registration record."""
    stated = [{"identifier_type": type_, "identifier_value": value} for type_, value in identifiers.items()]
    return {
        "identifier": stated,
        "name": {"given_name": "Asha", "surname": "Moyo"},
        "sex": "female",
        "birth_date": "1990-02-01",
        "pv:vital_status": "alive",
        "last_updated": "2024-05-01T00:00:00+00:00",
    } | more


def group(number, *members, updated="2024-01-01T00:00:00+00:00"):
    """Return a household record with members given by number."""
    return {
        "group_identifier": [{"identifier_type": "HOUSEHOLD_ID", "identifier_value": number}],
        "poverty_score": 20.0,
        "group_size": len(members),
        "member_list": [
            {"member_identifier": [{"identifier_type": type_, "identifier_value": value}]} for type_, value in members
        ],
        "registration_date": "2020-01-10T00:00:00+00:00",
        "last_updated": updated,
    }


def item(reference, records, **more):
    """Return one answer item."""
    answer = {
        "reference_id": reference,
        "status": "succ",
        "data": {"reg_records": records},
        "pagination": {"page_size": 10, "page_number": 1, "total_count": len(records)},
    }
    return answer | more


def message(*items, **more):
    """Return a whole answer as it comes over the wire."""
    body = {"header": {"status": "succ"}, "message": {"search_response": list(items)}} | more
    return Response(200, "application/json", orjson.dumps(body))


def adapter_of(*answers, registry="crvs"):
    """Return a driver whose message ids are `m`, and its client."""
    client = InMemoryClient(answers)
    return DciAdapter(manifest_of(registry), client, new_id=lambda: "m"), client


async def ask(*answers, subjects=(ASHA,), names=("given_name",), registry="crvs", lookup="person"):
    """Return the records of one question."""
    adapter, _ = adapter_of(*answers, registry=registry)
    return (await adapter.fetch(fetch(registry, lookup, subjects, names), LONG)).records


async def test_everyone_goes_into_one_message():
    """One item each, with types mixed, references unlike, and the registry's own words."""
    adapter, client = adapter_of(message(item("m-1", []), item("m-2", [])))
    await adapter.fetch(fetch("crvs", "person", (ASHA, JUMA))._replace(transaction_id="txn-1"), LONG)

    [sent] = client.sent
    body = orjson.loads(sent.body or b"")
    assert (sent.method, sent.path) == ("POST", "/registry/sync/search")
    assert body["header"]["action"] == "search"
    assert body["header"]["total_count"] == 2
    assert body["header"]["message_ts"].endswith("+00:00")
    assert body["message"]["transaction_id"] == "txn-1"
    first, second = body["message"]["search_request"]
    assert (first["reference_id"], second["reference_id"]) == ("m-1", "m-2")
    assert first["search_criteria"] == {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_record_type": "spdci-extensions-dci:Person",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": "2000000014"},
    }
    assert second["search_criteria"]["query"] == {"type": "BRN", "value": "B1950-000055"}


@given(st.lists(st.text(max_size=12), min_size=1, max_size=3, unique=True), st.text(max_size=12), st.booleans())
async def test_a_message_holds_whatever_it_is_given(values, transaction_id, is_past):
    """It is put together as text, and nothing in a number, a type or a transaction breaks out of its place."""
    try:
        orjson.dumps([*values, transaction_id])
    except orjson.JSONEncodeError:
        return  # no text of any JSON
    manifest = manifest_of("crvs")
    options = manifest.dci.model_copy(update={"sender_id": 'he"ar\\th', "locale": "é"})
    messages = Requests(manifest.model_copy(update={"dci": options}))
    day = date(2020, 2, 29) if is_past else None
    subjects = [Identifier("UIN", value) for value in values]
    criteria = [messages.by_number("person", one, day) for one in subjects]
    body = orjson.loads(messages.message("m", criteria, transaction_id))

    assert body["header"] | {"message_ts": ""} == {
        "version": "1.0.0",
        "message_id": "m",
        "message_ts": "",
        "action": "search",
        "sender_id": 'he"ar\\th',
        "receiver_id": "crvs",
        "total_count": len(values),
        "is_msg_encrypted": False,
    }
    assert body["message"] == {
        "transaction_id": transaction_id or "m",
        "search_request": [
            {
                "reference_id": reference,
                "timestamp": body["header"]["message_ts"],
                "search_criteria": {
                    "version": "1.0.0",
                    "reg_type": "ns:org:RegistryType:Civil",
                    "reg_record_type": "spdci-extensions-dci:Person",
                    "query_type": "idtype-value",
                    "query": {"type": "UIN", "value": value},
                }
                | ({"pv:as_of": "2020-02-29"} if is_past else {}),
                "locale": "é",
            }
            for reference, value in zip(references("m", len(values)), values, strict=True)
        ],
    }


def message_id_of(sent):
    """Return the message id of a request."""
    return orjson.loads(sent.body)["header"]["message_id"]


async def test_message_ids_are_never_the_same():
    """Registries take a second message with the same id for a replay."""
    client = InMemoryClient(lambda sent: message(item(message_id_of(sent) + "-1", [])))
    adapter = DciAdapter(manifest_of("crvs"), client)
    for _ in range(2):
        await adapter.fetch(fetch("crvs", "person", (ASHA,)), LONG)

    first, second = (message_id_of(sent) for sent in client.sent)
    assert first != second


async def test_answers_are_matched_by_reference_and_not_by_position():
    """A registry may answer in any order."""
    juma = civil({"BRN": JUMA.value}, name={"given_name": "Juma", "surname": "Banda"})
    records = await ask(message(item("m-2", [juma]), item("m-1", [civil({"UIN": ASHA.value})])), subjects=(ASHA, JUMA))

    assert records[ASHA].values == {"given_name": "Asha"}
    assert records[JUMA].values == {"given_name": "Juma"}


async def test_nobody_by_that_number_is_an_answer():
    """An item without records, also without `data` when its total says zero."""
    assert await ask(message(item("m-1", []))) == {ASHA: None}
    assert await ask(message(item("m-1", [], data=None))) == {ASHA: None}


async def test_only_the_attributes_asked_for_come_back():
    """Numbers and ties always do: the plan needs them."""
    parent = {"identifier_type": "UIN", "identifier_value": "2000000031"}
    spouse: dict[str, list[object]] = {"identifier": []}
    record = civil({"UIN": ASHA.value, "NID": ASHA.value}, parent1_identifier=parent, **{"pv:spouse": spouse})
    records = await ask(message(item("m-1", [record])), names=("sex",))

    assert records[ASHA].values == {"sex": "female"}
    assert records[ASHA].identifiers == {"UIN": ASHA.value}
    assert records[ASHA].links == (Link("PRN", {"UIN": "2000000031"}),)


@pytest.mark.parametrize(
    "record",
    [
        {"identifier": {"type": "UIN", "value": ASHA.value}},
        {"identifier": [{"identifierType": "ns:org:IdentifierType:NID", "identifierValue": ASHA.value}]},
        {"identifier": [{"name": "nationalId", "identifier": ASHA.value}]},
    ],
    ids=["single object", "camel case", "name and identifier"],
)
async def test_identifiers_of_other_generations_are_understood(record):
    """Liberal in spelling."""
    records = await ask(message(item("m-1", [civil({}) | record])))

    assert records[ASHA].identifiers == {"UIN": ASHA.value}


async def test_a_single_object_stands_for_a_list_of_one():
    """Both `reg_records` and `search_response` are met so."""
    one = item("m-1", []) | {"data": {"reg_records": civil({"UIN": ASHA.value})}}
    body = {"message": {"search_response": one}}
    records = await ask(Response(200, "text/plain", orjson.dumps(body)))

    assert records[ASHA].values == {"given_name": "Asha"}


@pytest.mark.parametrize(
    "answer",
    [
        message(),
        message(item("m-1", []), item("m-1", [])),
        message(item("m-1", []), item("other", [])),
        message(item("m-1", [], status="pdng")),
        message(item("m-1", [], status="rjct", status_reason_code="rjct.search_criteria.invalid")),
        message(item("m-1", [], data=None, pagination=None)),
        message(item("m-1", [], data={"records": []})),
        message(item("m-1", [], data={"reg_records": ["Asha"]})),
        message(header={"status": "rjct", "status_reason_code": "rjct.message_id.duplicate"}),
        message(message=None),
        message(item("m-1", [civil({})])),
        message(item("m-1", [civil({"UIN": ASHA.value}, birth_date=None)])),
        message(item("m-1", [civil({"UIN": ASHA.value}, sex=None)])),
        message(item("m-1", [civil({"UIN": ASHA.value}, name=["Asha"])])),
        message(item("m-1", [civil({"UIN": ASHA.value}, birth_date=19900201)])),
        message(item("m-1", [civil({"UIN": ASHA.value}, last_updated="then")])),
        message(item("m-1", [civil({"UIN": ASHA.value}, parent1_identifier="2000000031")])),
        Response(200, "application/json", b""),
        Response(200, "application/json", b'{"header": {"status": "succ"}, "mess'),
        Response(400, "application/json", b'{"errors": [{"code": "err.request.bad"}]}'),
    ],
)
async def test_what_is_not_promised_is_a_contract_error(answer):
    """A missing item, a rejected one, a broken body: never an empty answer."""
    with pytest.raises(SourceContractError) as caught:
        await ask(answer)

    assert caught.value.reason is UnavailableReason.SOURCE_CONTRACT
    assert "Asha" not in str(caught.value)
    assert ASHA.value not in str(caught.value)


async def test_an_item_says_why_where_all_are_rejected():
    """The header's own rejection is told only where there is no item to tell more."""
    rejected = item("m-1", [], status="rjct", status_reason_code="rjct.search_criteria.invalid")
    with pytest.raises(SourceContractError, match="search_criteria"):
        await ask(message(rejected, header={"status": "rjct"}))


async def test_a_rejection_names_its_code():
    """The operator reads which one."""
    with pytest.raises(SourceContractError, match=r"rjct, rjct\.filter\.invalid"):
        await ask(message(item("m-1", [], status="rjct", status_reason_code="rjct.filter.invalid")))


@pytest.mark.parametrize(("status", "error"), [(401, SourceRefusedError), (503, SourceUnavailableError)])
async def test_the_status_table_decides_about_other_statuses(status, error):
    """The same for every registry."""
    with pytest.raises(error):
        await ask(Response(status, "application/json", b""))


async def test_a_registry_may_be_known_to_leave_out_whom_it_does_not_hold():
    """Only where its manifest says so."""
    manifest = manifest_of("crvs")
    options = manifest.dci.model_copy(update={"missing_item_means_no_record": True})
    adapter = DciAdapter(manifest.model_copy(update={"dci": options}), InMemoryClient([message()]))

    assert (await adapter.fetch(fetch("crvs", "person", (ASHA,)), LONG)).records == {ASHA: None}


async def test_someone_else_s_record_is_refused():
    """Whoever it is about, it is not the person asked about; one of several is enough."""
    stranger = civil({"UIN": "2000000099"})
    for records in ([stranger], [civil({"UIN": ASHA.value}), stranger]):
        with pytest.raises(SourceContractError) as caught:
            await ask(message(item("m-1", records)))
        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT


async def test_a_person_registered_twice_is_the_record_changed_last():
    """The numbers of the other one are kept."""
    old = civil({"UIN": ASHA.value, "BRN": "B1990-000001"}, last_updated="2001-01-01T00:00:00+00:00")
    new = civil({"UIN": ASHA.value, "BRN": "B1990-000002"})
    record = (await ask(message(item("m-1", [old, new]))))[ASHA]

    assert record.identifiers["BRN"] == "B1990-000002"
    assert record.duplicates == ({"UIN": ASHA.value, "BRN": "B1990-000001"},)


async def test_one_number_that_leads_to_two_people_tells_nothing_of_either():
    """Another sex and another birth date: that is nobody registered twice."""
    woman = civil({"UIN": ASHA.value, "BRN": "B1990-000001"})
    man = civil({"UIN": ASHA.value, "BRN": "B1955-000002"}, sex="male", birth_date="1955-01-01")
    record = (await ask(message(item("m-1", [woman, man]))))[ASHA]

    assert record.identifiers == {"UIN": ASHA.value}
    assert (record.values, record.links) == ({}, ())
    assert set(record.unusable.values()) == {UnavailableReason.AMBIGUOUS_IDENTITY}


async def test_a_household_is_found_by_a_member_s_number():
    """The number asked about must be among its members'."""
    answer = message(item("m-1", [group("HH-000123", ("UIN", ASHA.value), ("MEMBER_ID", "SM0000102"))]))
    record = (await ask(answer, registry="social", lookup="group", names=("poverty_score",)))[ASHA]

    assert record.identifiers == {"HOUSEHOLD_ID": "HH-000123"}
    assert record.values == {"poverty_score": 20.0}
    assert record.members == (
        GroupMember("", {"UIN": ASHA.value}),
        GroupMember("", {"MEMBER_ID": "SM0000102"}),
    )

    with pytest.raises(SourceContractError) as caught:
        await ask(message(item("m-1", [group("HH-000123", ("UIN", "2000000099"))])), registry="social", lookup="group")
    assert caught.value.reason is UnavailableReason.WRONG_SUBJECT


async def test_a_household_by_its_own_number_need_not_have_that_number_as_a_member():
    """And another household's record is refused."""
    household = Identifier("HOUSEHOLD_ID", "HH-000123")
    asked = {"subjects": (household,), "registry": "social", "lookup": "group"}
    assert (await ask(message(item("m-1", [group("HH-000123")])), **asked))[household] is not None

    with pytest.raises(SourceContractError):
        await ask(message(item("m-1", [group("HH-000999")])), **asked)


async def test_a_member_without_a_number_is_refused():
    """A household whose members cannot be named is not whole."""
    with pytest.raises(SourceContractError, match="member"):
        await ask(
            message(item("m-1", [group("HH-000123", ("UIN", ASHA.value)) | {"member_list": [{}]}])),
            registry="social",
            lookup="group",
        )


def found(*numbers, total=None):
    """Return a page of households found."""
    records = [group(number) for number in numbers]
    pagination = None if total is None else {"page_size": 2, "page_number": 1, "total_count": total}
    return message(item("m-1", records, pagination=pagination))


async def test_a_search_is_pushed_to_the_registry_in_its_own_words():
    """Filter, sort and page go out; numbers and the total come back."""
    adapter, client = adapter_of(found("HH-000001", "HH-000002", total=7), registry="social")
    poor = Comparison("poverty_score", Operator.LT, 30)
    here = Comparison("region_code", Operator.IN, ("PV-1", "PV-2"))
    large = Comparison("registered_size", Operator.LE, 4)
    request = SearchFetch("social", Every((poor, Any_((here, Not(large))))), (("registered_size", True),), 2, 1)
    answer = await adapter.search(request, LONG)

    criteria = orjson.loads(client.sent[0].body or b"")["message"]["search_request"][0]["search_criteria"]
    assert criteria["response_entity"] == "Group"
    assert criteria["query_type"] == "expression"
    assert criteria["query"]["value"]["expression"] == {
        "collection": "Group",
        "query": {
            "$and": [
                {"poverty_score": {"$lt": 30}},
                {"$or": [{"region_code": {"$in": ["PV-1", "PV-2"]}}, {"group_size": {"$gt": 4}}]},
            ]
        },
    }
    # The number comes last: whoever reads page after page meets every record once.
    assert criteria["sort"] == [
        {"attribute_name": "group_size", "sort_order": "desc"},
        {"attribute_name": "HOUSEHOLD_ID", "sort_order": "asc"},
    ]
    assert criteria["pagination"] == {"page_size": 2, "page_number": 1}
    assert answer.found == (Identifier("HOUSEHOLD_ID", "HH-000001"), Identifier("HOUSEHOLD_ID", "HH-000002"))
    assert answer.total_count == 7


async def test_the_total_may_be_missing_where_the_page_shows_it():
    """A page that is not full is the last one; a full page without a total says too little."""
    adapter, _ = adapter_of(found("HH-000001"), found("HH-000001", "HH-000002"), registry="social")
    request = SearchFetch("social", Comparison("poverty_score", Operator.LT, 30), page_size=2, page_number=3)

    assert (await adapter.search(request, LONG)).total_count == 5
    with pytest.raises(SourceContractError, match="total_count"):
        await adapter.search(request, LONG)


async def test_a_search_that_no_entry_offers_is_not_sent():
    """Attributes of two kinds of record do not mix, and nobody asks for everybody."""
    adapter, client = adapter_of(registry="social")
    mixed = Every((Comparison("age", Operator.LT, 5), Comparison("poverty_score", Operator.LT, 5)))
    for request in (
        SearchFetch("social", mixed),
        SearchFetch("social", Every(())),
        SearchFetch("social", Comparison("age", Operator.LT, 5), entity="group"),
    ):
        with pytest.raises(SourceContractError, match="no such search"):
            await adapter.search(request, LONG)

    assert client.sent == []


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "expected"),
    [
        ("age", Operator.LT, 5, {"age": {"$gte": 5}}),
        ("age", Operator.GT, 5, {"age": {"$lte": 5}}),
        ("is_disabled", Operator.EQ, True, {"is_disabled": {"$eq": False}}),
        ("sex", Operator.EQ, "male", {"$or": [{"sex": {"$lt": "male"}}, {"sex": {"$gt": "male"}}]}),
        (
            "age",
            Operator.IN,
            [4],
            {"$and": [{"$or": [{"age": {"$lt": 4}}, {"age": {"$gt": 4}}]}]},
        ),
    ],
)
async def test_not_is_carried_down_to_the_comparisons(attribute, operator, value, expected):
    """The standard has no word for it."""
    adapter, client = adapter_of(message(item("m-1", [])), registry="social")
    await adapter.search(SearchFetch("social", Not(Comparison(attribute, operator, value))), LONG)

    criteria = orjson.loads(client.sent[0].body or b"")["message"]["search_request"][0]["search_criteria"]
    assert criteria["query"]["value"]["expression"]["query"] == expected


def test_a_path_that_is_no_jmespath_is_found_in_the_manifest():
    """And not at the first question."""
    with pytest.raises(ValidationError, match="not a JMESPath"):
        DciField(path="sex..")
