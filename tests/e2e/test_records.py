"""Questions to one kind of registry: a birth, an assessment, a farm, an enrolment, a job; each asked of that one alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from standards.codes import CodeDirectories
from standards.dci.codes import RecordType, RegType
from standards.dci.shapes import listed, shape_of, shapes
from tests.contract import dci_spec
from tests.e2e.conftest import Country
from tests.samples import CATALOGUE

pytestmark = pytest.mark.e2e

PROGRAMME = "disability-allowance"
FILES = {"Civil": "crvs", "DR": "dr", "FR": "fr", "IBR": "ibr", "ESS": "ess"}
"""Last segment of a registry type -> file of the release that its answers are held against."""


def criteria(reg_type: str, query: Any, query_type: str = "idtype-value", **more: Any) -> dict[str, Any]:
    """The criteria of one question."""
    return {"version": "1.0.0", "reg_type": reg_type, "query_type": query_type, "query": query, **more}


def asked(country: Country, asking: Mapping[str, Any], programme: str = PROGRAMME) -> dict[str, Any]:
    """Ask one question, and return its item; an answer is held against the release of its registry type."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    consumer = country.content["consumers"][programme]
    asking = {**asking, "consent": {"@type": "Consent", "ts": now, "purpose": {"code": consumer["purposes"][0]}}}
    item = {"reference_id": "r-1", "timestamp": now, "search_criteria": asking, "locale": "eng"}
    header = {
        "version": "1.0.0",
        "message_id": str(uuid.uuid4()),
        "message_ts": now,
        "action": "search",
        "sender_id": consumer["sender_id"],
        "receiver_id": "hearth",
        "total_count": 1,
    }
    message = {"transaction_id": str(uuid.uuid4()), "search_request": [item]}
    answer = country.client(programme).send({"header": header, "message": message})
    kind = FILES.get(asking["reg_type"].rpartition(":")[2])
    if kind is not None and dci_spec.IS_HERE:
        status = "200" if kind == "ess" else "default"
        assert dci_spec.response_faults(f"{kind}_api_v1.0.0.yaml", "/registry/sync/search", answer, status) == []
    (given,) = answer["message"]["search_response"]
    return dict(given)


def by_uin(country: Country, example: str, reg_type: str, **more: Any) -> dict[str, Any]:
    """Ask for the record of one of the country's examples."""
    number = country.example(example)
    return asked(country, criteria(reg_type, {"type": number.type, "value": number.value}, **more))


def called(country: Country) -> set[str]:
    """The registries that were called since the counters were set to zero."""
    made = {name: country.calls(name)["by_operation"] for name in country.content["registries"]}
    return {name for name, operations in made.items() if any("token" not in operation for operation in operations)}


@pytest.mark.parametrize(
    ("example", "reg_type", "type_", "registries", "holds"),
    [
        ("disabled_adult", "ns:org:RegistryType:Civil", "CRVS_Person", {"crvs"}, "birth_place"),
        ("disabled_adult", "ns:org:RegistryType:DR", "PWD_Person", {"disability"}, "disability_details"),
        ("farmer", "ns:org:RegistryType:FR", "Farmer_Person", {"farmer"}, "farm_details"),
        ("two_programmes", "ns:org:RegistryType:IBR", "Beneficiary", {"beneficiary"}, "enrollment_status"),
        ("job_seeker", "ns:org:RegistryType:ESS", "Beneficiary", {"employment"}, "enrollment_status"),
        ("farmer", "ns:hearth:RegistryType:NationalID", "hearth:Identity", {"national_id"}, "birth_date"),
        ("farmer", "ns:hearth:RegistryType:Tax", "hearth:Taxpayer", {"national_id", "tax"}, "status"),
        ("farmer", "ns:hearth:RegistryType:Land", "hearth:LandHolding", {"land"}, "parcel_count"),
        ("farmer", "ns:hearth:RegistryType:Health", "hearth:HealthSummary", {"health"}, "insured"),
    ],
)
def test_a_record_comes_from_its_registry_alone(country, example, reg_type, type_, registries, holds):
    """In its own class, whole and within the agreement; others are asked for nothing but the number it is asked by."""
    item = by_uin(country, example, reg_type, **{"hearth:explain": True})
    data = item["data"]
    records = listed(data["reg_records"])

    assert item["status"] == "succ"
    assert {record["@type"] for record in records} == {type_}
    assert data["reg_type"] == reg_type
    assert all(holds in record for record in records)
    assert called(country) == registries
    told_by = {
        state["source"]
        for entry in data["hearth:evidence"]
        for member in entry["members"]
        for name, state in member["attributes"].items()
        if state["state"] == "value" and CATALOGUE[name].type != "identifier"
    }
    teller = registries - {"national_id"} if len(registries) > 1 else registries
    assert told_by == teller
    assert f"told by {', '.join(teller)} alone" in data["hearth:plan"]


def test_every_enrolment_is_a_record_of_its_own(country):
    """Each with its programme, its day and its standing, and with an entry in the evidence; the person is one."""
    item = by_uin(country, "two_programmes", "ns:org:RegistryType:IBR")
    records = item["data"]["reg_records"]

    assert len(records) == item["pagination"]["total_count"] == len(item["data"]["hearth:evidence"]) >= 2
    assert len({record["programme_identifier"][0]["programme_identifier"] for record in records}) == len(records)
    assert len({record["member"]["demographic_info"]["birth_date"] for record in records}) == 1
    assert {len(record["enrollment_date"]) for record in records} == {len("2026-01-01")}


def test_codes_go_out_and_nobody_else_comes_along(country):
    """A disability's codes are the standard's, and the caregiver whom the registry names stays there."""
    item = by_uin(country, "disabled_adult", "ns:org:RegistryType:DR")
    (record,) = listed(item["data"]["reg_records"])
    codes = CodeDirectories.load()

    assert record["disability_status"] in codes.codes("DisabilityStatus")
    assert record["disability_details"][0]["impairment_type"] in codes.codes("ImpairmentType")
    assert record["disability_support"][0]["human_assistance"]
    assert "caregiver" not in str(record)


def test_no_more_than_is_agreed_or_asked_is_told(country):
    """Income as a band, a number masked; and of what is asked by name, nothing beside it."""
    taxed = by_uin(country, "farmer", "ns:hearth:RegistryType:Tax")["data"]["reg_records"][0]
    asked_for = {"hearth:attributes": ["disability_status", "income_annual"]}
    (assessed,) = listed(
        by_uin(country, "disabled_adult", "ns:org:RegistryType:DR", **asked_for)["data"]["reg_records"]
    )

    assert {one["name"]: one["hearth:form"] for one in taxed["additional_attributes"]} == {
        "income_annual": "band",
        "tin": "masked",
    }
    assert set(assessed) == {"@context", "@type", "disability_status"}


@pytest.mark.parametrize(
    ("example", "reg_type"),
    [("farmer", "ns:org:RegistryType:DR"), ("farmer", "ns:hearth:RegistryType:Education")],
)
def test_who_has_no_record_is_nobody(country, example, reg_type):
    """The registry answered and knows nobody by that number, whoever else does."""
    item = by_uin(country, example, reg_type)

    assert item["status"] == "succ"
    assert listed(item["data"]["reg_records"]) == []
    assert item["pagination"]["total_count"] == 0


@pytest.mark.parametrize(
    ("registry", "example", "reg_type"),
    [
        ("disability", "disabled_adult", "ns:org:RegistryType:DR"),
        ("crvs", "disabled_adult", "ns:org:RegistryType:Civil"),
        ("farmer", "farmer", "ns:org:RegistryType:FR"),
        ("beneficiary", "two_programmes", "ns:org:RegistryType:IBR"),
        ("employment", "job_seeker", "ns:org:RegistryType:ESS"),
    ],
)
def test_a_registry_that_is_down_never_says_no(country, registry, example, reg_type):
    """Refused, with its name and without a code of the standard's; nobody else is asked in its place."""
    country.fault(registry, mode="down")
    item = by_uin(country, example, reg_type)

    assert item["status"] == "rjct"
    assert "data" not in item
    assert "status_reason_code" not in item
    assert registry in item["status_reason_message"]
    assert called(country) <= {registry}


def test_a_number_that_cannot_be_resolved_is_no_no_either(country):
    """The registry is up, and the one that knows the number it is asked by is not: unavailable, not absent."""
    country.fault("national_id", mode="down")
    item = by_uin(country, "farmer", "ns:hearth:RegistryType:Tax")

    assert item["status"] == "rjct"
    assert "national_id" in item["status_reason_message"]


@pytest.mark.parametrize(
    ("asking", "code"),
    [
        ({"reg_type": "ns:org:RegistryType:Nothing"}, "rjct.search_criteria.invalid"),
        ({"reg_type": "ns:hearth:RegistryType:Payments"}, "rjct.search_criteria.invalid"),
        ({"reg_record_type": "spdci-extensions-dci:Farmer"}, "rjct.search_criteria.invalid"),
        ({"reg_record_type": "Group"}, "rjct.search_criteria.invalid"),
        ({"query": {"type": "HOUSEHOLD_ID", "value": "HH-1"}}, "rjct.search_criteria.invalid"),
        ({"hearth:attributes": ["income_annual"]}, "rjct.search_criteria.invalid"),
        ({"sort": [{"attribute_name": "farm_type", "sort_order": "asc"}]}, "rjct.sort.invalid"),
    ],
)
def test_what_does_not_fit_is_refused(country, asking, code):
    """With the standard's code and what to change, and before any registry is called."""
    number = country.example("disabled_adult")
    base = criteria("ns:org:RegistryType:DR", {"type": number.type, "value": number.value})
    item = asked(country, base | asking)

    assert (item["status"], item["status_reason_code"]) == ("rjct", code)
    assert called(country) == set()


def test_a_programme_without_anything_agreed_is_denied(country):
    """The school grant may know nothing of an enrolment in a programme of benefits but who it is about."""
    number = country.example("disabled_adult")
    base = criteria("ns:org:RegistryType:IBR", {"type": number.type, "value": number.value})
    item = asked(country, base | {"hearth:attributes": ["benefit_enrolments"]}, "cct-education")

    assert item["status"] == "rjct"
    assert "nothing_agreed" in item["status_reason_message"]
    assert called(country) == set()


def test_a_predicate_is_pushed_to_that_registry_alone(country):
    """Everybody whose disability is recognised, page by page, found and told by the disability registry."""
    holds = {"attribute_name": "disability_status", "operator": "eq", "attribute_value": "0"}
    seen: list[str] = []
    for number in (1, 2):
        page = {"page_size": 5, "page_number": number}
        item = asked(
            country,
            criteria(*("ns:org:RegistryType:DR", [{"seq_num": 1, "expression1": holds}], "predicate"), pagination=page),
        )
        records = listed(item["data"]["reg_records"])
        assert {record["disability_status"] for record in records} == {"0"}
        assert item["pagination"]["total_count"] > len(records) == 5
        seen += [record["personal_details"]["member_identifier"][0]["identifier_value"] for record in records]

    assert len(set(seen)) == 10
    assert called(country) == {"disability"}


def test_an_expression_with_a_condition_checked_afterwards(country):
    """Births in a year: the civil register narrows them."""
    document = {"$and": [{"birth_date": {"$gte": "2019-01-01"}}, {"sex": {"$eq": "female"}}]}
    query = {
        "type": "ns:org:QueryType:expression",
        "value": {"expression": {"collection": "Person", "query": document}},
    }
    page = {"page_size": 3, "page_number": 1}
    item = asked(country, criteria("ns:org:RegistryType:Civil", query, "expression", pagination=page))
    records = item["data"]["reg_records"]

    assert len(records) == 3
    assert all(record["birth_date"] >= "2019" and record["sex"] == "female" for record in records)
    assert called(country) == {"crvs"}


def test_how_things_were_on_a_past_day_is_told_by_who_knows(country):
    """Before an assessment there was none; the farmer registry keeps no history, which is not a no."""
    before = {"hearth:as_of": "2000-01-01"}

    assert listed(by_uin(country, "disabled_adult", "ns:org:RegistryType:DR", **before)["data"]["reg_records"]) == []
    late = by_uin(country, "farmer", "ns:org:RegistryType:FR", **before)
    assert late["status"] == "rjct" or {
        state["state"]
        for member in late["data"]["hearth:evidence"][0]["members"]
        for name, state in member["attributes"].items()
        if name == "farm_type"
    } == {"unavailable"}


def test_a_household_may_carry_what_the_new_registries_hold(country):
    """Composed as ever, each attribute at its place in a member, and no registry called that is not needed."""
    wanted = {"hearth:attributes": ["disability_status", "farm_type"]}
    number = country.example("disabled_adult")
    group = criteria("ns:org:RegistryType:Social", {"type": "UIN", "value": number.value}, reg_record_type="Group")
    item = asked(country, group | wanted)
    subject = next(m["member"] for m in item["data"]["hearth:evidence"][0]["members"] if m["asked"])

    assert item["data"]["reg_records"][0]["member_list"][subject]["hearth:disability"]["status"] == "0"
    assert called(country) == {"social", "crvs", "disability", "farmer"}


def test_no_shape_is_without_a_registry(country):
    """Whatever kind of record is served, somebody connected here keeps it."""
    known = set(RegType)
    types = {one["reg_type"] for one in country.content["registries"].values()} & known

    assert {reg_type for reg_type, _ in shapes()} <= types
    assert shape_of(RegType.SOCIAL, RecordType.GROUP) is None
