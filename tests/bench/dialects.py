"""What each registry of the bench answers, in its own dialect: bytes rendered in advance, numbers put in.

The shapes are those of the practice country's registries. A part of an answer is rendered once for each place in a
household; an answer is such parts joined, with the household's digits swapped in.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha512
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

import orjson

from tests.bench.people import MARK, household_id, located, member

_MARK: Final = MARK.encode()
_WHEN: Final = "2026-11-21T03:00:00.000+00:00"
_LAST_CHANGED: Final = "2026-05-01T00:00:00+00:00"
_UIN: Final = re.compile(r"urn:pv:national-number\|(\w+)")
_TIN: Final = re.compile(rb"<(?:[\w-]+:)?TIN>(T\d+)<")
_FACTS: Final = ("birth_place", "nationality", "language_code", "postal_code", "school_name", "employer_name")


def _json(content: Any) -> bytes:
    return orjson.dumps(content)


def _pair(type_: str, value: str) -> dict[str, str]:
    return {"identifier_type": type_, "identifier_value": value}


class Country:
    """All registries over the same households.

    members: how many people every household has.
    """

    def __init__(self, members: int = 5) -> None:
        self.members = members

    def answer(self, registry: str, path: str, body: bytes) -> tuple[str, bytes, str]:
        """Return the operation, the body of the answer, and its content type.

        path: with its query.
        """
        if registry in {"crvs", "social"} or registry.startswith("facts"):
            if path.startswith("/oauth2"):
                return (
                    "token",
                    b'{"access_token":"bench","token_type":"Bearer","expires_in":"3600"}',
                    "application/json",
                )
            return self._dci(registry, body)
        if registry == "national_id":
            return "national_id.identity", _identities(body), "application/json"
        if registry == "tax":
            return "tax.taxpayer", _taxpayers(body), "text/xml; charset=utf-8"
        if registry == "land":
            return "land.holdings", _parcels(path), "application/geo+json"
        if registry == "education":
            return "education.learner", _learners(body), "application/json"
        if path.startswith("/fhir/Patient"):
            return "health.patient", _patients(body), "application/fhir+json"
        return "health.chart", _charts(body), "application/fhir+json"

    def _dci(self, registry: str, body: bytes) -> tuple[str, bytes, str]:
        message = orjson.loads(body)["message"]
        transaction = message["transaction_id"]
        items = message["search_request"]
        criteria = items[0]["search_criteria"]
        if registry == "crvs":
            operation = "crvs.person"
        elif registry == "social":
            operation = "social.group" if criteria["reg_record_type"] == "Group" else "social.member"
        else:
            operation = f"{registry}.fact"
        answered = []
        for item in items:
            digits, place = located(item["search_criteria"]["query"]["value"])
            head, tail = self._item(operation, place)
            answered.append(head + item["reference_id"].encode() + tail.replace(_MARK, digits.encode()))
        start = (
            b'{"header":{"version":"1.0.0","message_id":"5b1c6b7e-0000-4000-8000-000000000000","message_ts":"'
            + _WHEN.encode()
            + b'","action":"on-search","status":"succ","total_count":%d,"completed_count":%d,"sender_id":"%s",'
            b'"receiver_id":"hearth","is_msg_encrypted":false},"message":{"transaction_id":"%s",'
            b'"correlation_id":"d7be3386-0000-4000-8000-000000000000","search_response":['
            % (len(items), len(items), registry.encode(), str(transaction).encode())
        )
        return operation, start + b",".join(answered) + b"]}}", "application/json"

    def _item(self, operation: str, place: int) -> tuple[bytes, bytes]:
        return _dci_item(operation, place, self.members)


@cache
def _dci_item(operation: str, place: int, members: int) -> tuple[bytes, bytes]:
    """Return an item of a DCI answer: what stands before its reference id, and what stands after."""
    records: dict[str, tuple[str, str, Any]] = {
        "crvs.person": ("ns:org:RegistryType:Civil", "spdci-extensions-dci:Person", _civil),
        "social.group": ("ns:org:RegistryType:Social", "Group", _group),
        "social.member": ("ns:org:RegistryType:Social", "Member", lambda place, _: _social_member(place)),
    }
    reg_type, record_type, record = records.get(operation, ("ns:bench:RegistryType:Facts", "Person", _facts))
    rest = {
        "timestamp": _WHEN,
        "status": "succ",
        "data": {
            "version": "1.0.0",
            "reg_type": reg_type,
            "reg_record_type": record_type,
            "reg_records": [record(place, members)],
        },
        "pagination": {"page_size": 10, "page_number": 1, "total_count": 1},
        "locale": "eng",
    }
    return b'{"reference_id":"', b'",' + _json(rest)[1:]


def _civil(place: int, members: int) -> dict[str, Any]:
    who = member(place)
    record: dict[str, Any] = {
        "@type": "CRVS_Person",
        "identifier": [_pair("UIN", who.uin), _pair("BRN", who.brn)],
        "name": {"given_name": who.given_name, "surname": who.surname, "second_name": who.second_name},
        "sex": who.sex,
        "birth_date": who.birth_date,
        "birth_place": {"name": "Old Beacon"},
        "marital_status": "M" if who.is_adult else "S",
        "marriage_date": ["2012-01-10"] if who.is_adult else [],
        "divorce_date": [],
        "pv:vital_status": "alive",
        "pv:children": [],
        "last_updated": _LAST_CHANGED,
        "pv:birth_registration_date": who.birth_date,
        "registration_date": f"{who.birth_date}T00:00:00+00:00",
    }
    if who.is_adult:
        other = member(1 - place)
        record["pv:spouse"] = {"identifier": [_pair("UIN", other.uin), _pair("BRN", other.brn)]}
        record["pv:children"] = [
            {"identifier": [_pair("BRN", child.brn), _pair("UIN", child.uin)], "birth_date": child.birth_date}
            for child in map(member, range(2, members))
        ]
    else:
        record["parent1_identifier"] = _pair("UIN", member(1).uin)
        record["parent2_identifier"] = _pair("UIN", member(0).uin)
    return record


_ADDRESS: Final = {
    "address_line_1": "Plot 257, Old Beacon",
    "locality": "Old Beacon",
    "sub_region_code": "PV-203",
    "region_code": "PV-2",
    "postal_code": "23040",
}


def _social_member(place: int) -> dict[str, Any]:
    who = member(place)
    numbers = [_pair("MEMBER_ID", who.member_id), _pair("UIN", who.uin)]
    return {
        "@type": "Member",
        "member_identifier": numbers,
        "demographic_info": {
            "@type": "SRPerson",
            "identifier": numbers,
            "name": {"given_name": who.given_name, "surname": who.surname, "second_name": who.second_name},
            "sex": who.sex,
            "birth_date": who.birth_date,
            "phone_number": [],
            "address": [_ADDRESS],
        },
        "relationship_to_head": who.relationship,
        "is_disabled": False,
        "marital_status": "M" if who.is_adult else "S",
        "education_level": "2" if who.is_adult else "1",
        "registration_date": "2022-10-08T00:00:00+00:00",
        "last_updated": _LAST_CHANGED,
    }


def _group(_: int, members: int) -> dict[str, Any]:
    listed = [_social_member(place) for place in range(members)]
    return {
        "@type": "Group",
        "group_identifier": [_pair("HOUSEHOLD_ID", household_id())],
        "group_type": "2",
        "place": {"name": "Old Beacon"},
        "address": [_ADDRESS],
        "poverty_score": 53.3,
        "poverty_score_type": "PMT-2024",
        "group_size": members,
        "group_head_info": listed[0],
        "member_list": listed,
        "additional_attributes": [
            {"name": "dwelling_type", "value": "mud"},
            {"name": "water_source", "value": "borehole"},
            {"name": "has_electricity", "value": False},
            {"name": "rooms", "value": 3},
            {"name": "benefit_programmes", "value": ["Child grant"]},
        ],
        "registration_date": "2022-10-08T00:00:00+00:00",
        "last_updated": _LAST_CHANGED,
    }


def _facts(place: int, _: int) -> dict[str, Any]:
    """Return a record of one of the further registries that show the cost of their number."""
    return {
        "@type": "Person",
        "identifier": [_pair("UIN", member(place).uin)],
        "values": {"text": "as stated", "date": "2020-02-01", "number": 3, "flag": True},
        "last_updated": _LAST_CHANGED,
    }


def _put(template: bytes, digits: str) -> bytes:
    return template.replace(_MARK, digits.encode())


# -- national_id ---------------------------------------------------------------------------------------------


def _identities(body: bytes) -> bytes:
    asked = orjson.loads(body)["request"]
    fields = tuple(asked["fields"])
    found = []
    for one in asked["identifiers"]:
        digits, place = located(one["id"])
        found.append(_put(_identity(place, one["idType"], fields), digits))
    return (
        b'{"id":"pv.identity.query","version":"1.0","responsetime":"2026-11-21T03:00:00.000Z","response":{"identities":['
        + b",".join(found)
        + b']},"errors":[]}'
    )


@cache
def _identity(place: int, type_: str, fields: tuple[str, ...]) -> bytes:
    who = member(place)
    known = {
        "taxNumber": who.tin,
        "givenName": [{"language": "eng", "value": who.given_name}],
        "middleName": [{"language": "eng", "value": who.second_name}],
        "familyName": [{"language": "eng", "value": who.surname}],
        "gender": "M" if who.sex == "male" else "F",
        "dateOfBirth": who.birth_date.replace("-", "/"),
        "phone": "+999439771816",
        "email": "somebody@example.pv",
        "addressLine": _ADDRESS["address_line_1"],
        "town": _ADDRESS["locality"],
        "districtCode": _ADDRESS["sub_region_code"],
        "regionCode": _ADDRESS["region_code"],
        "postCode": _ADDRESS["postal_code"],
        "nationality": "POV",
        "preferredLanguage": "eng",
        "lifeStatus": "ALIVE",
    }
    identity = {name: known[name] for name in fields if known.get(name) is not None}
    identity |= {"UIN": who.uin, "updatedOn": "2026/05/01 10:20:00"}
    number = who.uin if type_ == "UIN" else who.tin
    return _json({"query": {"idType": type_, "id": number}, "status": "FOUND", "identity": identity})


# -- tax -----------------------------------------------------------------------------------------------------

_SOAP: Final = (
    b"<?xml version='1.0' encoding='utf-8'?>\n"
    b'<soap:Envelope xmlns:rev="urn:pv:revenue:taxpayer:1" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    b"%s<soap:Body><rev:GetTaxpayersResponse>%s</rev:GetTaxpayersResponse></soap:Body></soap:Envelope>"
)
_HEADER: Final = re.compile(rb"<(?:[\w-]+:)?Header>(.*)</(?:[\w-]+:)?Header>", re.DOTALL)
"""X-Road's header block, whose prefixes are declared inside it: it is told back as it came, with the hash."""
_HASH: Final = (
    b'<xro:requestHash xmlns:xro="http://x-road.eu/xsd/xroad.xsd"'
    b' algorithmId="http://www.w3.org/2001/04/xmlenc#sha512">%b</xro:requestHash>'
)


def _taxpayers(body: bytes) -> bytes:
    found = []
    for number in _TIN.findall(body):
        digits, place = located(number.decode())
        found.append(_put(_taxpayer(place), digits))
    header = _HEADER.search(body)
    told = b""
    if header is not None:
        told = b"<soap:Header>%b%b</soap:Header>" % (header[1], _HASH % b64encode(sha512(body).digest()))
    return _SOAP % (told, b"".join(found))


@cache
def _taxpayer(place: int) -> bytes:
    who = member(place)
    return (
        f"<rev:Taxpayer><rev:TIN>{who.tin}</rev:TIN><rev:Name>{who.given_name} {who.surname}</rev:Name>"
        "<rev:Status>ACTIVE</rev:Status><rev:Employment><rev:Code>4</rev:Code><rev:Occupation>5</rev:Occupation>"
        "<rev:Employer>Lakeside Fisheries Ltd</rev:Employer></rev:Employment>"
        '<rev:Assessment year="2025"><rev:EmploymentIncome currency="PVC">960000</rev:EmploymentIncome>'
        '<rev:BusinessIncome currency="PVC">0</rev:BusinessIncome>'
        '<rev:TaxPaid currency="PVC">64000</rev:TaxPaid></rev:Assessment>'
        "<rev:ArrearsFlag>N</rev:ArrearsFlag><rev:LastChanged>2026-02-11</rev:LastChanged></rev:Taxpayer>"
    ).encode()


# -- land ----------------------------------------------------------------------------------------------------


def _parcels(path: str) -> bytes:
    numbers = re.findall(r"'(\w+)'", parse_qs(path.partition("?")[2])["filter"][0])
    features = [_put(_parcel(place), digits) for digits, place in map(located, numbers) if place < 2]
    return (
        b'{"type":"FeatureCollection","numberMatched":%d,"numberReturned":%d,"timeStamp":"2026-11-21T03:00:00Z",'
        b'"features":[%s],"links":[{"href":"http://127.0.0.1/collections/parcels/items","rel":"self",'
        b'"type":"application/geo+json"}]}' % (len(features), len(features), b",".join(features))
    )


@cache
def _parcel(place: int) -> bytes:
    corner = [24.9051447, -4.5856346]
    ring = [corner, [24.9055953, -4.5856346], [24.9055953, -4.5851854], [24.9051447, -4.5851854], corner]
    properties = {
        "parcel_number": f"P-{MARK}{place}",
        "owner_national_numbers": [member(place).uin],
        "area_m2": 12500.0 if place else 1098.0,
        "tenure": "freehold",
        "land_use": "cropland" if place else "residential",
        "assessed_value": 12080,
        "registered_on": "2015-10-18",
        "updated": "2015-10-18T00:00:00Z",
    }
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return _json({"type": "Feature", "id": f"P-{MARK}{place}", "geometry": geometry, "properties": properties})


# -- education -----------------------------------------------------------------------------------------------


def _learners(body: bytes) -> bytes:
    asked = orjson.loads(body)
    numbers = [*asked.get("learnerNumbers", ()), *asked.get("birthRegistrationNumbers", ())]
    items = [_put(_learner(place), digits) for digits, place in map(located, numbers)]
    return (
        b'{"page":1,"pageSize":100,"totalPages":1,"totalItems":%d,"items":[%s],'
        b'"notFound":{"learnerNumbers":[],"birthRegistrationNumbers":[]}}' % (len(items), b",".join(items))
    )


@cache
def _learner(place: int) -> bytes:
    who = member(place)
    return _json(
        {
            "learnerNumber": who.learner_number,
            "birthRegistrationNumber": who.brn,
            "fullName": f"{who.given_name} {who.surname}",
            "highestLevel": "LOWER_SECONDARY" if who.is_adult else "PRIMARY",
            "enrolment": None
            if who.is_adult
            else {
                "schoolYear": "2026",
                "school": {"code": "S-014", "name": "Lake Primary"},
                "grade": 5,
                "enrolledOn": "2026-01-12",
                "status": "ENROLLED",
                "repeating": False,
            },
            "attendance": None if who.is_adult else {"term": "2026-T2", "daysPossible": 60, "daysPresent": 54},
            "modifiedAt": "2026-07-01T08:00:00Z",
        }
    )


# -- health --------------------------------------------------------------------------------------------------


def _bundle(entries: list[bytes]) -> bytes:
    return (
        b'{"resourceType":"Bundle","type":"searchset","total":%d,"link":[{"relation":"self",'
        b'"url":"http://127.0.0.1/fhir"}],"entry":[%s]}' % (len(entries), b",".join(entries))
    )


def _patients(body: bytes) -> bytes:
    found = map(located, _UIN.findall(unquote_plus(body.decode())))
    return _bundle([_put(_resources(place)["Patient"][0], digits) for digits, place in found])


def _charts(body: bytes) -> bytes:
    bundles = []
    for entry in orjson.loads(body)["entry"]:
        kind, _, query = entry["request"]["url"].partition("?")
        people = map(located, query.partition("&")[0].partition("=")[2].split(","))
        found = [_put(one, digits) for digits, place in people for one in _resources(place)[kind]]
        bundles.append(b'{"resource":%s,"response":{"status":"200 OK"}}' % _bundle(found))
    return b'{"resourceType":"Bundle","type":"batch-response","entry":[%s]}' % b",".join(bundles)


@cache
def _resources(place: int) -> dict[str, list[bytes]]:
    """Return everything the health registry holds of one person, by kind of resource."""
    who = member(place)
    number, patient = who.patient_number, {"reference": f"Patient/{who.patient_number}"}

    def entry(resource: dict[str, Any]) -> bytes:
        address = f"http://127.0.0.1/fhir/{resource['resourceType']}/{resource['id']}"
        return _json({"fullUrl": address, "resource": resource, "search": {"mode": "match"}})

    def observation(tail: str, code: str, value: dict[str, Any]) -> bytes:
        coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
        kind = {"resourceType": "Observation", "id": f"{number}-{tail}", "status": "final", "code": coding}
        return entry({**kind, "subject": patient, "effectiveDateTime": "2026-04-12", **value})

    not_pregnant = {"coding": [{"system": "http://snomed.info/sct", "code": "60001007", "display": "Not pregnant"}]}
    vaccine = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "03", "display": "MMR"}]}
    return {
        "Patient": [
            entry(
                {
                    "resourceType": "Patient",
                    "id": number,
                    "meta": {"lastUpdated": "2026-04-13T00:00:00Z"},
                    "identifier": [
                        {"system": "urn:pv:patient-number", "value": number},
                        {"system": "urn:pv:national-number", "value": who.uin},
                    ],
                    "name": [{"family": who.surname, "given": [who.given_name]}],
                    "gender": who.sex,
                    "birthDate": who.birth_date,
                }
            )
        ],
        "Encounter": [
            entry(
                {
                    "resourceType": "Encounter",
                    "id": f"{number}-E1",
                    "status": "finished",
                    "class": {"code": "AMB"},
                    "subject": patient,
                    "period": {"start": "2026-04-12", "end": "2026-04-12"},
                }
            )
        ],
        "Immunization": [
            entry(
                {
                    "resourceType": "Immunization",
                    "id": f"{number}-I1",
                    "status": "completed",
                    "vaccineCode": vaccine,
                    "patient": patient,
                    "occurrenceDateTime": "2020-01-01",
                }
            )
        ],
        "Coverage": [
            entry(
                {
                    "resourceType": "Coverage",
                    "id": f"{number}-C1",
                    "status": "active",
                    "type": {"text": "National Health Insurance"},
                    "beneficiary": patient,
                    "payor": [{"display": "National Health Insurance"}],
                    "period": {"end": "2027-03-31"},
                }
            )
        ],
        "Observation": [
            observation("O1", "82810-3", {"valueCodeableConcept": not_pregnant}),
            observation("O2", "63895-7", {"valueBoolean": False}),
        ]
        if place == 1
        else [],
    }
