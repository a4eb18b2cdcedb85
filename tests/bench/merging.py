"""What a peer makes of decoded answers: one profile of the same size as the gateway's, the first source's word winning.

No check, no permit, no rank, no conflict: what a quick hand would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any, Final
from xml.etree import ElementTree as ET

from tests.bench.calls import Person

_NS: Final = "{urn:pv:revenue:taxpayer:1}"
Found = tuple[str, dict[str, Any], str | None, Person]
"""Somebody's number, values, the date of the record, and further numbers."""


def read(operation: str, answer: Any) -> list[Found]:
    """Return what an answer says about whom. SOAP comes as bytes, everything else decoded."""
    return list(_READERS[operation](answer))


def members_of(answer: Any) -> list[Person]:
    """Return the numbers of the people whom the social registry lists."""
    group = answer["message"]["search_response"][0]["data"]["reg_records"][0]
    return [
        {number["identifier_type"]: number["identifier_value"] for number in member["member_identifier"]}
        for member in group["member_list"]
    ]


def _records(answer: Any) -> Iterator[Any]:
    for item in answer["message"]["search_response"]:
        yield from item["data"]["reg_records"]


def _civil(answer: Any) -> Iterator[Found]:
    for record in _records(answer):
        numbers = {pair["identifier_type"]: pair["identifier_value"] for pair in record["identifier"]}
        values = {
            "given_name": record["name"]["given_name"],
            "surname": record["name"]["surname"],
            "sex": record["sex"],
            "birth_date": record["birth_date"],
            "vital_status": record["pv:vital_status"],
            "marital_status": record.get("marital_status"),
        }
        yield numbers["UIN"], values, record["last_updated"], numbers


def _member(answer: Any) -> Iterator[Found]:
    for record in _records(answer):
        numbers = {pair["identifier_type"]: pair["identifier_value"] for pair in record["member_identifier"]}
        person, address = record["demographic_info"], record["demographic_info"]["address"][0]
        values = {
            "given_name": person["name"]["given_name"],
            "surname": person["name"]["surname"],
            "sex": person["sex"],
            "birth_date": person["birth_date"],
            "marital_status": record["marital_status"],
            "is_disabled": record["is_disabled"],
            "address_line": address["address_line_1"],
            "locality": address["locality"],
            "sub_region_code": address["sub_region_code"],
            "region_code": address["region_code"],
        }
        yield numbers["UIN"], values, record["last_updated"], numbers


def _group(answer: Any) -> Iterator[Found]:
    for record in _records(answer):
        more = {entry["name"]: entry["value"] for entry in record["additional_attributes"]}
        values = {
            "household_id": record["group_identifier"][0]["identifier_value"],
            "poverty_score": record["poverty_score"],
            "registered_size": record["group_size"],
            "dwelling_type": more["dwelling_type"],
            "water_source": more["water_source"],
            "has_electricity": more["has_electricity"],
            "benefit_programmes": more["benefit_programmes"],
        }
        yield "", values, record["last_updated"], {}


def _identity(answer: Any) -> Iterator[Found]:
    for one in answer["response"]["identities"]:
        identity = one["identity"]
        values = {
            "uin": identity["UIN"],
            "given_name": identity["givenName"][0]["value"],
            "surname": identity["familyName"][0]["value"],
            "sex": {"M": "male", "F": "female"}.get(identity["gender"], "other"),
            "birth_date": identity["dateOfBirth"].replace("/", "-"),
            "address_line": identity["addressLine"],
            "locality": identity["town"],
            "sub_region_code": identity["districtCode"],
            "region_code": identity["regionCode"],
            "vital_status": "alive" if identity["lifeStatus"] == "ALIVE" else "dead",
        }
        numbers = {"TIN": identity["taxNumber"]} if "taxNumber" in identity else {}
        yield identity["UIN"], values, identity["updatedOn"], numbers


def _taxpayer(answer: bytes) -> Iterator[Found]:
    for taxpayer in ET.fromstring(answer).iter(f"{_NS}Taxpayer"):
        income = 0
        for kind in ("EmploymentIncome", "BusinessIncome"):
            income += int(taxpayer.findtext(f"{_NS}Assessment/{_NS}{kind}") or 0)
        values = {
            "income_annual": income // 100,
            "employment_status": taxpayer.findtext(f"{_NS}Employment/{_NS}Code"),
        }
        yield taxpayer.findtext(f"{_NS}TIN") or "", values, taxpayer.findtext(f"{_NS}LastChanged"), {}


def _holdings(answer: Any) -> Iterator[Found]:
    held: dict[str, list[Any]] = {}
    for feature in answer["features"]:
        for owner in feature["properties"]["owner_national_numbers"]:
            held.setdefault(owner, []).append(feature["properties"])
    for owner, parcels in held.items():
        area = sum(p["area_m2"] / len(p["owner_national_numbers"]) for p in parcels) / 10_000
        yield owner, {"land_parcel_count": len(parcels), "land_area_ha": area}, parcels[0]["updated"], {}


def _patient(answer: Any) -> Iterator[Found]:
    for entry in answer["entry"]:
        numbers = {pair["system"]: pair["value"] for pair in entry["resource"]["identifier"]}
        yield numbers["urn:pv:national-number"], {}, None, {"PATIENT_NUMBER": numbers["urn:pv:patient-number"]}


def _chart(answer: Any) -> Iterator[Found]:
    patients, coverages, observations = (entry["resource"].get("entry", []) for entry in answer["entry"])
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for entry in patients:
        found[entry["resource"]["id"]] = ({"insured": False}, entry["resource"]["meta"]["lastUpdated"])
    for entry in coverages:
        cover = entry["resource"]
        found[cover["beneficiary"]["reference"][8:]][0]["insured"] = cover["status"] == "active"
    for entry in observations:
        seen = entry["resource"]
        code = seen["code"]["coding"][0]["code"]
        values = found[seen["subject"]["reference"][8:]][0]
        if code == "82810-3":
            values["is_pregnant"] = seen["valueCodeableConcept"]["coding"][0]["code"] == "77386006"
        else:
            values["is_lactating"] = seen["valueBoolean"]
    for number, (values, as_of) in found.items():
        yield number, values, as_of, {}


def _learner(answer: Any) -> Iterator[Found]:
    for item in answer["items"]:
        enrolled = bool(item["enrolment"]) and item["enrolment"]["status"] == "ENROLLED"
        numbers = {"LEARNER_NUMBER": item["learnerNumber"]}
        yield item["birthRegistrationNumber"], {"school_enrolled": enrolled}, item["modifiedAt"], numbers


_READERS: Final = {
    "social.group": _group,
    "social.member": _member,
    "crvs.person": _civil,
    "national_id.identity": _identity,
    "tax.taxpayer": _taxpayer,
    "land.holdings": _holdings,
    "health.patient": _patient,
    "health.chart": _chart,
    "education.learner": _learner,
}
ASKED: Final = (
    "uin", "given_name", "surname", "sex", "birth_date", "age", "vital_status", "marital_status", "address_line",
    "locality", "sub_region_code", "region_code", "employment_status", "income_annual", "land_parcel_count",
    "land_area_ha", "is_disabled", "is_pregnant", "is_lactating", "insured",
)  # fmt: skip
"""What is told of every member, known or not."""


class Profile:
    """A household under construction."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.values: list[dict[str, Any]] = []
        self.evidence: list[dict[str, Any]] = []
        self.household: dict[str, Any] = {}
        self.household_evidence: dict[str, Any] = {}
        self._places: dict[str, int] = {}

    def join(self, people: list[Person]) -> None:
        """Take the members in."""
        self.people = people
        self.values, self.evidence = [{} for _ in people], [{} for _ in people]
        self._places = {number: place for place, person in enumerate(people) for number in person.values()}

    def add(self, operation: str, found: list[Found]) -> None:
        """Take in what one answer says; what is known already stays."""
        source, now = operation.partition(".")[0], datetime.now(timezone.utc).isoformat()  # noqa: UP017
        for number, values, as_of, numbers in found:
            place = self._places.get(number)
            if operation == "social.group":
                mine, evidence = self.household, self.household_evidence
            elif place is None:
                continue
            else:
                mine, evidence = self.values[place], self.evidence[place]
                self.people[place].update(numbers)
                self._places.update(dict.fromkeys(numbers.values(), place))
            for name, value in values.items():
                if name not in mine:
                    mine[name] = value
                    evidence[name] = {
                        "state": "value" if value is not None else "absent",
                        "source": source,
                        "retrieved_at": now,
                        "as_of": as_of,
                        "cached": False,
                    }

    def answer(self, question: Any, calls: int) -> dict[str, Any]:
        """Return the whole answer to a DCI question."""
        today = date(2026, 9, 30)
        for values, evidence in zip(self.values, self.evidence, strict=True):
            values["age"] = (today - date(*map(int, re.split("-", values["birth_date"])))).days // 365
            evidence["age"] = evidence["birth_date"]
            for name in ASKED:
                if name not in evidence:
                    evidence[name] = {**evidence["birth_date"], "state": "absent"}
        self.household["household_size"] = len(self.people)
        self.household["household_income"] = sum(v.get("income_annual", 0) for v in self.values)
        self.household["total_land_ha"] = sum(v.get("land_area_ha", 0) for v in self.values)
        item = question["message"]["search_request"][0]
        members = [_dci_member(values) for values in self.values]
        evidence = {
            "attributes": self.household_evidence,
            "members": [{"member": n, "attributes": e} for n, e in enumerate(self.evidence)],
        }
        answered = {
            "reference_id": item["reference_id"],
            "timestamp": datetime.now(timezone.utc).isoformat(),  # noqa: UP017
            "status": "succ",
            "data": {
                "version": "1.0.0",
                "reg_type": "ns:org:RegistryType:Social",
                "reg_record_type": "Group",
                "reg_records": [
                    {"@type": "Group", **self.household, "group_head_info": members[0], "member_list": members}
                ],
                "hearth:evidence": [evidence],
                "hearth:sources": {"calls": calls},
            },
            "pagination": {"page_size": 1, "page_number": 1, "total_count": 1},
            "locale": "eng",
        }
        header = {**question["header"], "action": "on-search", "status": "succ", "completed_count": 1}
        message = {
            "transaction_id": question["message"]["transaction_id"],
            "correlation_id": "0",
            "search_response": [answered],
        }
        return {"header": header, "message": message}


def _dci_member(values: dict[str, Any]) -> dict[str, Any]:
    numbers = [{"identifier_type": "UIN", "identifier_value": values["uin"]}]
    return {
        "@type": "Member",
        "member_identifier": numbers,
        "demographic_info": {
            "@type": "SRPerson",
            "identifier": numbers,
            "name": {"given_name": values["given_name"], "surname": values["surname"]},
            "sex": values["sex"],
            "birth_date": values["birth_date"],
            "vital_status": values["vital_status"],
            "address": [
                {
                    "address_line_1": values.get("address_line"),
                    "locality": values.get("locality"),
                    "sub_region_code": values.get("sub_region_code"),
                    "region_code": values.get("region_code"),
                }
            ],
        },
        "marital_status": values.get("marital_status"),
        "is_disabled": values.get("is_disabled"),
        "employment_status": values.get("employment_status"),
        "health": {name: values.get(name) for name in ("is_pregnant", "is_lactating", "insured")},
        "taxpayer": {"income_annual": values.get("income_annual")},
        "land": {name: values.get(name) for name in ("land_parcel_count", "land_area_ha")},
        "age": values["age"],
    }
