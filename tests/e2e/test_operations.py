"""The operations of the standard over HTTP: every registry type behind one address, specials, statuses, and 2023."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from standards.dci.codes import RegType
from standards.dci.operations import OPERATIONS
from tests.contract.dci_spec import needs_dci_spec, request_faults, response_faults
from tests.e2e.conftest import Country
from tests.e2e.programme import ToyProgramme, toy_programme

pytestmark = [pytest.mark.e2e, needs_dci_spec]

PROGRAMME = "disability-allowance"
DR, IBR, CRVS = "dr_api_v1.0.0.yaml", "ibr_api_v1.0.0.yaml", "crvs_api_v1.0.0.yaml"
WORD = {"sync/disabled": "disabled", "sync/enrolled": "enrolled"}


class Caller:
    """Sends messages to operations as the disability allowance."""

    def __init__(self, country: Country) -> None:
        self.country, self.base = country, country.content["gateway"]
        self._consumer = country.content["consumers"][PROGRAMME]
        asked = {"grant_type": "client_credentials"} | {
            name: self._consumer[name] for name in ("client_id", "client_secret")
        }
        token = country.http.post(f"{self.base}/oauth2/client/token", data=asked).raise_for_status().json()
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}

    def post(self, path: str, message: Any, prefix: str = "", **header: Any) -> httpx.Response:
        """Send one message to an operation."""
        stated = {
            "message_id": str(uuid4()),
            "message_ts": datetime.now(UTC).isoformat(),
            "action": OPERATIONS[path].action.value,
            "sender_id": self._consumer["sender_id"],
            "total_count": 1,
        }
        body = {"header": stated | header, "message": {"transaction_id": str(uuid4()), **message}}
        return self.country.http.post(f"{self.base}{prefix}/registry/{path}", json=body, headers=self.headers)

    def told(self, path: str, message: Any, **more: Any) -> dict[str, Any]:
        """Send one message, and return the whole answer."""
        response = self.post(path, message, **more)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def one(self, example: str, **criteria: Any) -> dict[str, Any]:
        """A search message about one person of the practice country, without a registry type."""
        number = self.country.example(example)
        wanted = {"query_type": "idtype-value", "query": number._asdict(), **criteria}
        now = datetime.now(UTC).isoformat()
        return {"search_request": [{"reference_id": "r-1", "timestamp": now, "search_criteria": wanted}]}


@pytest.fixture
def caller(country: Country) -> Caller:
    """Somebody who calls the operations of a clean country."""
    return Caller(country)


def person(caller: Caller, example: str) -> dict[str, Any]:
    """The documented query about one person."""
    return {"query_type": "expression", "query": {"person_identifier": {"eq": caller.country.example(example).value}}}


@pytest.mark.parametrize(("example", "word"), [("disabled_adult", "yes"), ("job_seeker", "no")])
def test_whether_somebody_is_disabled(caller: Caller, example: str, word: str):
    """By the disability registry alone: who is certified is, whom it does not know is not."""
    answer = caller.told("sync/disabled", {"disabled_criteria": person(caller, example)})

    (item,) = answer["message"]["disabled_response"]
    assert item["disabled_status"] == word
    assert {n for n in caller.country.content["registries"] if caller.country.calls(n)["total"]} == {"disability"}
    assert response_faults(DR, "/registry/sync/disabled", answer) == []


def test_details_and_support_of_a_disability(caller: Caller):
    """As the released records have them, with codes."""
    asked = {"disabled_criteria": person(caller, "disabled_adult")}
    details = caller.told("sync/get-disability-details", asked, prefix="/dr")
    support = caller.told("sync/get-disability-support", asked, prefix="/disability")

    (record,) = details["message"]["search_response"][0]["data"]["reg_records"]
    ((first, *_),) = support["message"]["search_response"][0]["data"]["reg_records"]
    assert record["disability_details"][0]["impairment_type"]
    assert first["@type"] == "DisabilitySupport"
    assert response_faults(DR, "/registry/sync/get-disability-details", details) == []
    assert response_faults(DR, "/registry/sync/get-disability-support", support) == []


@pytest.mark.parametrize(("example", "word"), [("two_programmes", "yes"), ("job_seeker", "no")])
def test_whether_somebody_is_enrolled(caller: Caller, example: str, word: str):
    """By the beneficiary registry, in any programme."""
    answer = caller.told("sync/enrolled", {"enrolled_criteria": person(caller, example)})

    assert answer["message"]["enrolled_response"][0]["enrolled_status"] == word
    assert response_faults(IBR, "/registry/sync/enrolled", answer) == []


def test_how_somebody_stands_with_the_employment_services(caller: Caller):
    """In the words of the standard."""
    asked = {"enrolled_criteria": person(caller, "job_seeker")}
    answer = caller.told("sync/check-enrollment", asked)

    assert answer["message"]["enrolled_response"][0]["enrolled_status"] == "Active"
    assert answer["header"]["action"] == "txn-on-status"
    assert response_faults("ess_api_v1.0.0.yaml", "/registry/sync/check-enrollment", answer, "200") == []


@pytest.mark.parametrize(
    ("path", "criteria", "registry"),
    [("sync/disabled", "disabled_criteria", "disability"), ("sync/enrolled", "enrolled_criteria", "beneficiary")],
)
@pytest.mark.parametrize("fault", ["down", "status", "reset", "empty", "malformed", "wrong_schema"])
def test_an_outage_is_never_a_no(caller: Caller, path: str, criteria: str, registry: str, fault: str):
    """The same person of whom it would be a no, while the registry cannot be heard."""
    caller.country.fault(registry, mode=fault)
    answer = caller.told(path, {criteria: person(caller, "job_seeker")})

    assert answer["header"]["status"] == "rjct"
    assert registry in answer["header"]["status_reason_message"]
    assert answer["message"][f"{WORD[path]}_response"] == []
    assert [item["status"] for item in answer["message"]["hearth:rejected"]] == ["rjct"]

    caller.country.mend(registry)
    told = caller.told(path, {criteria: person(caller, "job_seeker")})
    assert told["message"][f"{WORD[path]}_response"][0][f"{WORD[path]}_status"] == "no"


def test_somebody_elses_record_is_nobodys_answer(caller: Caller):
    """A registry that answers about another person has not said that this one is not disabled."""
    caller.country.fault("disability", mode="wrong_person")
    answer = caller.told("sync/disabled", {"disabled_criteria": person(caller, "disabled_adult")})

    assert answer["header"]["status"] == "rjct"
    assert answer["message"]["disabled_response"] == []


@pytest.mark.parametrize(
    ("prefix", "reg_type", "type_"),
    [
        ("/crvs", RegType.CIVIL, "CRVS_Person"),
        ("/dr", RegType.DISABILITY, "PWD_Person"),
        ("/ibr", RegType.BENEFICIARY, "Beneficiary"),
        ("/sr", RegType.SOCIAL, "Group"),
        ("/social", RegType.SOCIAL, "Group"),
        ("", RegType.SOCIAL, "Group"),
    ],
)
def test_one_address_serves_every_registry_type(caller: Caller, prefix: str, reg_type: RegType, type_: str):
    """A question that names no type is for the registry of the prefix; one that does, for that one."""
    by_prefix = caller.told("sync/search", caller.one("two_programmes"), prefix=prefix)
    by_type = caller.told("sync/search", caller.one("two_programmes", reg_type=reg_type.value))

    for answer in (by_prefix, by_type):
        data = answer["message"]["search_response"][0]["data"]
        records = data["reg_records"] if isinstance(data["reg_records"], list) else [data["reg_records"]]
        assert (data["reg_type"], records[0]["@type"]) == (reg_type, type_)


@pytest.mark.parametrize("path", [path for path, one in OPERATIONS.items() if not one.is_callback])
def test_every_operation_asks_who_it_is(caller: Caller, path: str):
    """Without a token nothing is read, with a file nothing is taken, and an unknown prefix is nothing."""
    address = f"{caller.base}/registry/{path}"

    assert caller.country.http.post(address, json={}).status_code == 401
    file = caller.country.http.post(address, files={"fileName": b"{}"}, headers=caller.headers)
    assert (file.status_code, file.json()["errors"][0]["code"]) == (415, "err.request.bad")
    assert caller.post(path, {}, prefix="/nobody").status_code == 404


def test_operations_of_another_registry_type_are_refused(caller: Caller):
    """With the standard's code, and where to ask instead."""
    sync = caller.told("sync/disabled", {"disabled_criteria": person(caller, "widow")}, prefix="/ibr")
    later = caller.post("txn/status", {}, prefix="/dr")

    assert sync["header"]["status_reason_code"] == "rjct.action.not_supported"
    assert "/dr/registry/sync/disabled" in sync["header"]["status_reason_message"]
    assert (later.status_code, later.json()["message"]["ack_status"]) == (404, "ERR")


def test_pushed_enrolments_are_refused_and_forgotten(caller: Caller):
    """The registry is asked anew about the person named, though its record was kept."""
    asked = {"enrolled_criteria": person(caller, "two_programmes")}
    number = {"identifier_type": "UIN", "identifier_value": caller.country.example("two_programmes").value}
    pushed = {"enrolled_updates": {"beneficiaries": [{"member": {"member_identifier": [number]}}]}}
    caller.told("sync/enrolled", asked)
    caller.told("sync/enrolled", asked)
    before = caller.country.calls("beneficiary")["total"]
    answer = caller.told("sync/enrollment/updates", pushed, status="succ")
    caller.told("sync/enrolled", asked)

    assert answer["message"]["enrolled_response"][0]["status"] == "rjct"
    assert (before, caller.country.calls("beneficiary")["total"]) == (1, 2)


def test_an_unknown_transaction(caller: Caller):
    """Is told as one, in the shape of the release."""
    asked = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": "c-1"}
    answer = caller.told("sync/txn/status", {"txnstatus_request": asked})

    (item,) = answer["message"]["txnstatus_response"]["txn_status"]["search_response"]
    assert (answer["header"]["status"], item["status_reason_code"]) == ("rjct", "rjct.reference_id.invalid")
    assert response_faults(CRVS, "/registry/sync/txn/status", answer) == []


def test_a_search_by_a_part_of_a_text(caller: Caller):
    """The registry narrows it by what it can; the part is looked for in what was composed."""
    query = {"$and": [{"poverty_score": {"$lt": 40}}, {"region_code": {"$startsWith": "PV"}}]}
    country = caller.country
    now = datetime.now(UTC).isoformat()
    criteria = {
        "query_type": "expression",
        "query": {"value": {"expression": {"collection": "Group", "query": query}}},
        "consent": {"purpose": {"code": "eligibility"}},
        "pagination": {"page_size": 5, "page_number": 1},
        "hearth:attributes": ["household_id", "region_code"],
    }
    client = country.client("uct")
    asked = {"reference_id": "r-1", "timestamp": now, "search_criteria": criteria}
    (found,) = client.send(client.message([asked]))["message"]["search_response"]
    alone = {"region_code": {"$startsWith": "PV"}}
    criteria |= {"query": {"value": {"expression": {"collection": "Group", "query": alone}}}}
    (refused,) = client.send(client.message([asked]))["message"]["search_response"]

    assert found["status"] == "succ"
    assert "checked after composition" in found["status_reason_message"]
    assert refused["status_reason_code"] == "rjct.filter.invalid"
    assert "part of a text" in refused["status_reason_message"]


class Webinar(Caller):
    """A system of 2023, with the credentials of the cash transfer."""

    def ask(self, method: str, asked: Any, **payload: Any) -> dict[str, Any]:
        """Call one method."""
        body = {"signature": "x", "headers": {}, "payload": {"search_request": [asked], **payload}}
        response = self.country.http.post(f"{self.base}/{method}", json=body, headers=self.headers)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture
def webinar(country: Country, monkeypatch: pytest.MonkeyPatch) -> Webinar:
    """It has to name no purpose, since one alone is agreed."""
    monkeypatch.setattr("tests.e2e.test_operations.PROGRAMME", "uct")
    return Webinar(country)


def test_a_household_by_a_number_as_in_2023(webinar: Webinar):
    """Every member, beside the head; what a registry did not say is not there, and told why."""
    number = webinar.country.example("complete_household").value
    answer = webinar.ask("getHouseholdByUIN", {"identifier_type": "UIN", "identifier_value": number})

    entries = answer["message"]["search_response"]
    assert (answer["status"], answer["total_count"], len(entries)) == ("succ", 1, 5)
    assert all(entry["registry_data"]["gender"]["display_text"] in {"Male", "Female"} for entry in entries)
    assert all(entry["household_head_info"]["relationship_with_head"]["code"] == "SELF" for entry in entries)
    assert all(entry["household_info"]["household_size"] == 5 for entry in entries)


def test_the_poverty_score_of_one_household_as_in_2023(webinar: Webinar):
    """By a person's number; while the social registry is out, it is refused and not left out."""
    asked = {"identifier_type": "UIN", "identifier_value": webinar.country.example("complete_household").value}
    answer = webinar.ask("getPovertyScore", asked)
    webinar.country.forget()
    webinar.country.fault("social", mode="down")
    refused = webinar.ask("getPovertyScore", asked)

    (entry,) = answer["message"]["search_response"]
    assert isinstance(entry["registry_data"]["poverty_score"], int | float)
    assert (refused["status"], refused["message"]["search_response"]) == ("rjct", [])
    assert "social" in refused["return_message"]


def test_households_by_conditions_as_in_2023(webinar: Webinar):
    """Within bounds, in an order, in pages; and what may not be searched by is refused as it is today."""
    poor = {"poverty_score": {"max": 30}, "household_size": {"min": 3}}
    answer = webinar.ask(
        "search", poor, sortby={"fieldname": "poverty_score", "order": "desc"}, pagination={"page_size": 3}
    )
    refused = webinar.ask("search", poor, sortby={"fieldname": "registration_date", "order": "asc"})

    scores = [entry["household_info"]["poverty_score"] for entry in answer["message"]["search_response"]]
    assert scores
    assert scores == sorted(scores, reverse=True)
    assert all(score <= 30 for score in scores)
    assert answer["pagination"]["page_size"] == 3
    assert refused["status"] == "rjct"
    assert "search by nothing but what is agreed" in refused["return_message"]


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyProgramme]:
    """A programme that receives callbacks, whoever signs them."""
    with toy_programme(tmp_path_factory.mktemp("programme"), "--signatures", "off") as running:
        yield running


def test_what_became_of_a_search_can_be_asked_by_any_of_its_names(caller: Caller, programme: ToyProgramme):
    """At once or by a callback: the same items, valid for the registry types, and without records."""
    asked = caller.one("two_programmes", reg_type=RegType.CIVIL.value)
    transaction_id = str(uuid4())
    uri = programme.callback("on-search")
    acknowledged = caller.told("search", {**asked, "transaction_id": transaction_id}, sender_uri=uri)
    correlation_id = acknowledged["message"]["correlation_id"]
    programme.received(at_least=1, kind="on-search", correlation_id=correlation_id)

    def status(attribute: str, value: Any) -> dict[str, Any]:
        asked = {"reference_id": "st-1", "txn_type": "search", "attribute_type": attribute, "attribute_value": value}
        return {"txnstatus_request": asked}

    names = {"transaction_id": transaction_id, "correlation_id": correlation_id, "reference_id_list": ["r-1"]}
    payloads = []
    for attribute, value in names.items():
        answer = caller.told("sync/txn/status", status(attribute, value), prefix="/crvs")
        assert response_faults(CRVS, "/registry/sync/txn/status", answer) == []
        payloads.append(answer["message"]["txnstatus_response"]["txn_status"])

    uri = programme.callback("txn/on-status")
    later = caller.told("txn/status", status("correlation_id", correlation_id), prefix="/crvs", sender_uri=uri)
    wanted = later["message"]["correlation_id"]
    (received,) = programme.received(at_least=1, kind="txn/on-status", correlation_id=wanted)

    assert payloads[0] == payloads[1]
    assert (payloads[0]["transaction_id"], payloads[0]["correlation_id"]) == (transaction_id, correlation_id)
    assert [(item["reference_id"], item["status"]) for item in payloads[0]["search_response"]] == [("r-1", "succ")]
    assert "data" not in payloads[0]["search_response"][0]
    assert received["header"]["action"] == "txn-on-status"
    assert received["message"]["txnstatus_response"]["txn_status"] == payloads[1]
    callback = {"header": received["header"], "message": received["message"]}
    assert request_faults(CRVS, "/registry/txn/on-status", callback) == []


def test_another_programme_learns_nothing_of_it(
    caller: Caller, country: Country, programme: ToyProgramme, monkeypatch: pytest.MonkeyPatch
):
    """Whoever guesses its names is told what is told of a transaction that never was."""
    uri = programme.callback("on-search")
    acknowledged = caller.told("search", caller.one("widow"), sender_uri=uri)
    correlation_id = acknowledged["message"]["correlation_id"]
    asked = {
        "reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id",
        "attribute_value": correlation_id,
    }  # fmt: skip
    monkeypatch.setattr("tests.e2e.test_operations.PROGRAMME", "uct")
    own = caller.told("sync/txn/status", {"txnstatus_request": asked})
    other = Caller(country).told("sync/txn/status", {"txnstatus_request": asked})

    assert own["header"]["status"] == "succ"
    assert other["header"]["status"] == "rjct"
