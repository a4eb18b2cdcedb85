"""How each practice registry is asked about people, and whose numbers its answer holds: one `Dialect` a registry.

Written from the registries' published dialects, not from their code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import fromstring

from mocks.people import Person
from mocks.population import Population
from mocks.registry import Registry

NOW = "2026-09-30T08:00:00+00:00"
TAX = "urn:pv:revenue:taxpayer:1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NATIONAL = "urn:pv:national-number"


class Ask(NamedTuple):
    """One HTTP request, without its credentials."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Dialect(NamedTuple):
    """How to ask a registry by number, and how to read the numbers of those it answers about."""

    operation: str
    number: Callable[[Person], str | None]
    """The number a person is asked for by; None for those the registry does not know."""
    ask: Callable[[Sequence[str]], Ask]
    found: Callable[[bytes], set[str]]
    """Raises when the body is not what the registry promises."""
    unknown: str
    """A number of the right form that nobody has."""


def dialects(population: Population, registries: Mapping[str, Registry]) -> dict[str, Dialect]:
    """Return the dialect of every registry, by its name; the registries only say whom they hold."""

    def of_roll(name: str, reg_type: str, record_type: str, person_of: Callable[[Any], Any]) -> Dialect:
        """Return the dialect of a registry with a roll of its own, in which a person is a DCI member."""
        return Dialect(
            "search",
            lambda one: one.uin if registries[name].holds(one) and one.second_uin is None else None,
            lambda numbers: dci(reg_type, [by_number("UIN", n) | {"reg_record_type": record_type} for n in numbers]),
            lambda body: {number_of(person_of(record)["member_identifier"], "UIN") for record in records(body)},
            "0000000000",
        )

    return {
        "disability": of_roll(
            "disability",
            "ns:org:RegistryType:DR",
            "spdci-extensions-dci:DisabledPerson",
            lambda record: record["personal_details"],
        ),
        "beneficiary": of_roll(
            "beneficiary", "ns:org:RegistryType:IBR", "Beneficiary", lambda record: record["member"]
        ),
        "farmer": of_roll(
            "farmer",
            "ns:org:RegistryType:FR",
            "spdci-extensions-dci:Farmer",
            lambda record: record["farmer_personal_details"],
        ),
        "employment": of_roll("employment", "ns:org:RegistryType:ESS", "Member", lambda record: record),
        "housing": Dialect(
            "query",
            lambda one: one.uin if registries["housing"].holds(one) and one.second_uin is None else None,
            ask_housing,
            lambda body: {node["uin"] for node in json.loads(body)["data"]["residents"]["nodes"]},
            "0000000000",
        ),
        "crvs": Dialect(
            "search",
            lambda one: one.uin if one.brn else None,
            lambda numbers: dci("ns:org:RegistryType:Civil", [by_number("UIN", n) for n in numbers]),
            lambda body: {number_of(record["identifier"], "UIN") for record in records(body)},
            "0000000000",
        ),
        "social": Dialect(
            "search",
            lambda one: one.uin if population.registered_households(one.index) else None,
            lambda numbers: dci(
                "ns:org:RegistryType:Social",
                [by_number("UIN", n) | {"response_entity": "Member", "reg_record_type": "Member"} for n in numbers],
            ),
            lambda body: {number_of(record["member_identifier"], "UIN") for record in records(body)},
            "0000000000",
        ),
        "national_id": Dialect("query", lambda one: one.uin, ask_national_id, found_national_id, "0000000000"),
        "tax": Dialect(
            "GetTaxpayers",
            lambda one: one.tin if one.tax else None,
            ask_tax,
            lambda body: {
                str(element.findtext(f"{{{TAX}}}TIN")) for element in tax_answer(body).iter(f"{{{TAX}}}Taxpayer")
            },
            "T00000000",
        ),
        "land": Dialect(
            "items",
            lambda one: one.uin if population.parcels_of.get(one.index) else None,
            ask_land,
            lambda body: {
                number
                for feature in json.loads(body)["features"]
                for number in feature["properties"]["owner_national_numbers"]
            },
            "0000000000",
        ),
        "education": Dialect(
            "lookup",
            lambda one: one.learner_number,
            lambda numbers: Ask(
                "POST",
                "/api/v2/learners/lookup",
                {"Content-Type": "application/json"},
                json.dumps({"learnerNumbers": list(numbers), "page": 1, "pageSize": 100}).encode(),
            ),
            lambda body: {item["learnerNumber"] for item in json.loads(body)["items"]},
            "L0000000",
        ),
        "health": Dialect(
            "search",
            lambda one: one.uin if one.patient_number else None,
            lambda numbers: Ask(
                "POST",
                "/fhir/Patient/_search",
                {"Content-Type": "application/x-www-form-urlencoded"},
                ("_count=200&identifier=" + ",".join(f"{NATIONAL}|{n}" for n in numbers)).encode(),
            ),
            lambda body: {
                number["value"]
                for entry in json.loads(body).get("entry", [])
                for number in entry["resource"]["identifier"]
                if number["system"] == NATIONAL
            },
            "0000000000",
        ),
    }


def by_number(type_: str, value: str) -> dict[str, Any]:
    """Return DCI search criteria for one number."""
    return {"query_type": "idtype-value", "query": {"type": type_, "value": value}}


def dci(reg_type: str, criteria: Sequence[Mapping[str, Any]]) -> Ask:
    """Return a DCI search with one item for each of the criteria."""
    message = {
        "header": {
            "version": "1.0.0",
            "message_id": "4c1b7b1a-1111-4a55-9f0e-0c5c0a0e0001",
            "message_ts": NOW,
            "action": "search",
            "sender_id": "hearth.pv",
            "receiver_id": "registry.pv",
            "total_count": len(criteria),
            "is_msg_encrypted": False,
        },
        "message": {
            "transaction_id": "4c1b7b1a-1111-4a55-9f0e-0c5c0a0e0002",
            "search_request": [
                {
                    "reference_id": f"ref-{place}",
                    "timestamp": NOW,
                    "search_criteria": {"version": "1.0.0", "reg_type": reg_type, **one},
                    "locale": "eng",
                }
                for place, one in enumerate(criteria)
            ],
        },
    }
    return Ask("POST", "/registry/sync/search", {"Content-Type": "application/json"}, json.dumps(message).encode())


def items(body: bytes) -> list[dict[str, Any]]:
    """Return the items of a DCI answer."""
    found: list[dict[str, Any]] = json.loads(body)["message"]["search_response"]
    return found


def records(body: bytes) -> list[dict[str, Any]]:
    """Return the records of all items of a DCI answer; an object in their place is the only one, or there is none."""
    found = [item["data"]["reg_records"] for item in items(body)]
    return [record for one in found for record in (one if isinstance(one, list) else [one] if one else [])]


def number_of(identifiers: Sequence[Mapping[str, str]], type_: str) -> str:
    """Return the number of one type, or nothing."""
    return next((one["identifier_value"] for one in identifiers if one["identifier_type"] == type_), "")


def ask_national_id(numbers: Sequence[str], id_type: str = "UIN") -> Ask:
    """Return a query of the national ID platform."""
    request = {
        "identifiers": [{"idType": id_type, "id": number} for number in numbers],
        "fields": ["givenName", "familyName", "dateOfBirth", "lifeStatus", "addressLine"],
    }
    body = {"id": "pv.identity.query", "version": "1.0", "requesttime": "2026-11-21T02:00:00.000Z", "request": request}
    headers = {"Content-Type": "application/json"}
    return Ask("POST", "/idrepo/v1/identities/query", headers, json.dumps(body).encode())


def found_national_id(body: bytes) -> set[str]:
    """Return the numbers of the identities found."""
    entries = json.loads(body)["response"]["identities"]
    return {entry["identity"]["UIN"] for entry in entries if entry["status"] == "FOUND"}


def ask_tax(numbers: Sequence[str], year: str = "2025") -> Ask:
    """Return a SOAP request about taxpayers."""
    tins = "".join(f"<TIN>{number}</TIN>" for number in numbers)
    request = f'<GetTaxpayersRequest xmlns="{TAX}"><TaxYear>{year}</TaxYear>{tins}</GetTaxpayersRequest>'
    body = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{request}</soap:Body></soap:Envelope>'
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{TAX}/GetTaxpayers"'}
    return Ask("POST", "/services/TaxpayerService", headers, body.encode())


def tax_answer(body: bytes) -> Any:
    """Return the response element inside an envelope."""
    response = fromstring(body).find(f"{{{SOAP}}}Body/{{{TAX}}}GetTaxpayersResponse")
    if response is None:
        raise ValueError("no GetTaxpayersResponse")
    return response


def ask_land(numbers: Sequence[str]) -> Ask:
    """Return a query for the parcels of several people."""
    listed = ",".join(f"'{number}'" for number in numbers)
    query = f"filter=owner_national_number%20IN%20({listed})&filter-lang=cql2-text&limit=500"
    return Ask("GET", f"/collections/parcels/items?{query}", {})


def ask_housing(numbers: Sequence[str], first: int = 50, after: str | None = None) -> Ask:
    """Return a query for residents, with the code of the dwelling that they live in."""
    query = """
        query ($uins: [ID!]!, $first: Int, $after: String) {
          residents(uins: $uins, first: $first, after: $after) {
            totalCount unknown nodes { uin dwelling { code } } pageInfo { hasNextPage endCursor }
          }
        }"""
    body = {"query": query, "variables": {"uins": list(numbers), "first": first, "after": after}}
    return Ask("POST", "/graphql", {"Content-Type": "application/json"}, json.dumps(body).encode())


def credentials(name: str, environment: Mapping[str, str], token: str = "") -> dict[str, str]:
    """Return the headers that open a registry; `token` is the one it issued, where it issues some."""
    own = {key.removeprefix(f"HEARTH_{name.upper()}_"): value for key, value in environment.items()}
    match name:
        case "crvs" | "social" | "disability" | "beneficiary" | "farmer" | "employment":
            return {"Authorization": f"Bearer {token}"}
        case "national_id":
            return {"X-API-Key": own["KEY"], "X-Partner-Id": "hearth"}
        case "tax":
            pair = base64.b64encode(f"{own['USER']}:{own['PASSWORD']}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        case "education":
            return {"X-Api-Key": own["KEY"]}
        case "health" | "housing":
            return {"Authorization": f"Bearer {own['TOKEN']}"}
    return {}
