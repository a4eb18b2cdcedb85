"""The health registry speaks FHIR: charts as resources, searches, batches, and only what was asked for."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from mocks.fhir import (
    BREASTFEEDING,
    PREGNANCY_STATUS,
    coverages,
    encounters,
    immunizations,
    observations,
    patient,
)
from mocks.fhir_bundles import (
    batch_requests,
    batch_response,
    capability_statement,
    outcome,
    parameters_of,
    searchset,
)
from mocks.fhir_search import SUBJECT, FhirError, Search, Token, search_of
from mocks.health import HealthRegistry
from mocks.registry import Call
from tests.unit.mocks.few_people import ASHA, ASHA_CHART, JUMA, few_people

TODAY = date(2026, 9, 30)
BASE = "http://health.test/fhir"


def test_a_patient_has_both_numbers():
    """Patient number, national number, name, sex and birth date are there; the living are not deceased."""
    assert patient(ASHA, ("Asha", "Neema", "Moyo")) == {
        "resourceType": "Patient",
        "id": "PT0000001",
        "meta": {"lastUpdated": "2026-05-01T00:00:00Z"},
        "identifier": [
            {"system": "urn:pv:patient-number", "value": "PT0000001"},
            {"system": "urn:pv:national-number", "value": "1000000001"},
        ],
        "name": [{"family": "Moyo", "given": ["Asha", "Neema"]}],
        "gender": "female",
        "birthDate": "1990-02-01",
    }


def test_a_patient_without_a_number_has_one_identifier():
    """People without a national number are patients too."""
    systems = [one["system"] for one in patient(JUMA, ("Juma", None, "Moyo"))["identifier"]]

    assert systems == ["urn:pv:patient-number"]


def test_the_dead_are_deceased():
    """A death that is known is told."""
    assert patient(replace(ASHA, death_date=TODAY), ("A", None, "B"))["deceasedBoolean"] is True


def test_visits_come_newest_first():
    """Each visit is a finished encounter of one day with an id of its own."""
    visits = encounters(ASHA, TODAY)

    assert [(one["id"], one["period"]["start"]) for one in visits] == [
        ("PT0000001-V2", "2026-05-01"),
        ("PT0000001-V1", "2025-01-09"),
    ]
    assert {one["subject"]["reference"] for one in visits} == {"Patient/PT0000001"}
    assert {one["class"]["code"] for one in visits} == {"AMB"}


def test_doses_carry_vaccine_and_day():
    """Each dose is a completed immunization, with the vaccine's code and name."""
    doses = immunizations(ASHA, TODAY)

    assert [(one["occurrenceDateTime"], one["vaccineCode"]["coding"][0]) for one in doses] == [
        ("1990-02-02", {"system": "http://hl7.org/fhir/sid/cvx", "code": "19", "display": "BCG"}),
        ("1991-03-01", {"system": "http://hl7.org/fhir/sid/cvx", "code": "03", "display": "MMR"}),
    ]


@pytest.mark.parametrize(
    ("until", "status"), [(date(2026, 9, 30), "active"), (date(2026, 9, 29), "cancelled"), (None, "active")]
)
def test_insurance_ends(until, status):
    """Insurance holds up to its last day; without a last day it goes on."""
    person = replace(ASHA, chart=replace(ASHA_CHART, insured_until=until))
    (one,) = coverages(person, TODAY)

    assert one["status"] == status
    assert one["type"] == {"text": "National Health Insurance"}
    assert one.get("period") == (None if until is None else {"end": until.isoformat()})
    assert coverages(JUMA, TODAY) == []


@pytest.mark.parametrize(("pregnant", "code"), [(True, "77386006"), (False, "60001007")])
def test_women_of_childbearing_age_are_observed(pregnant, code):
    """Pregnancy status is a SNOMED code, breastfeeding a boolean; both are as of the last visit."""
    person = replace(ASHA, chart=replace(ASHA_CHART, pregnant=pregnant))
    status, feeding = observations(person, TODAY)

    assert status["code"]["coding"][0]["code"] == PREGNANCY_STATUS
    assert status["valueCodeableConcept"]["coding"][0]["code"] == code
    assert feeding["code"]["coding"][0]["code"] == BREASTFEEDING
    assert feeding["valueBoolean"] is True
    assert status["effectiveDateTime"] == feeding["effectiveDateTime"] == "2026-05-01"


@pytest.mark.parametrize(
    ("birth_date", "observed"),
    [
        (date(2011, 9, 30), True),
        (date(2011, 10, 1), False),
        (date(1976, 10, 1), True),
        (date(1976, 9, 30), False),
    ],
)
def test_nobody_else_is_observed(birth_date, observed):
    """Women from 15 to 49 have observations, on the very birthdays too; men never have."""
    assert bool(observations(replace(ASHA, birth_date=birth_date), TODAY)) is observed
    assert observations(replace(ASHA, sex="male", birth_date=birth_date), TODAY) == []


def test_a_search_is_read():
    """Values are alternatives, repeated parameters all hold, and references name a patient."""
    asked = parameters_of("patient=PT1,Patient/PT2&code=82810-3,http%3A%2F%2Floinc.org%7C63895-7&_count=5000")

    assert search_of("Observation", asked) == Search(
        "Observation",
        (frozenset({"PT1", "PT2"}),),
        ((Token(None, "82810-3"), Token("http://loinc.org", "63895-7")),),
        page_size=1000,
    )


@pytest.mark.parametrize(
    ("type_", "query", "status", "code"),
    [
        ("Claim", "patient=PT1", 404, "not-supported"),
        ("Patient", "", 400, "too-costly"),
        ("Observation", "code=82810-3", 400, "too-costly"),
        ("Patient", "birthdate=1990-02-01", 400, "not-supported"),
        ("Patient", "_id=PT1&_revinclude=Claim:patient", 400, "not-supported"),
        ("Encounter", "patient=PT1,", 400, "value"),
        ("Encounter", "patient=PT1&_count=0", 400, "value"),
        ("Encounter", "patient=PT1&_page=x", 400, "value"),
    ],
)
def test_searches_that_are_refused(type_, query, status, code):
    """A search that cannot be answered as asked is refused, so that no filter is silently dropped."""
    with pytest.raises(FhirError) as refused:
        search_of(type_, parameters_of(query))

    assert (refused.value.status, refused.value.code) == (status, code)


def searched(query):
    """Return the searchset that a query gets, and the numbers it asked about."""
    type_, _, parameters = query.partition("?")
    asked: set[str] = set()
    registry = HealthRegistry(few_people(), {"TOKEN": "t"})
    status, bundle = registry._searched(type_, parameters_of(parameters), BASE, Call(registry, None), asked)
    assert status == 200, bundle
    return bundle, asked


def ids(bundle):
    """Return the ids of the resources in a bundle."""
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def test_patients_are_found_by_either_number():
    """The system says which number it is; without a system either will do."""
    for identifier in ("urn:pv:national-number|1000000001", "urn:pv:patient-number|PT0000001", "1000000001"):
        assert ids(searched(f"Patient?identifier={identifier}")[0]) == ["PT0000001"]
    assert ids(searched("Patient?identifier=urn:pv:patient-number|1000000001")[0]) == []
    assert ids(searched("Patient?identifier=urn:other|1000000001")[0]) == []


def test_who_was_never_seen_is_not_found():
    """A number without a patient is counted as asked about, and finds nothing."""
    bundle, asked = searched("Patient?identifier=urn:pv:national-number|1000000003,urn:pv:national-number|1000000001")

    assert ids(bundle) == ["PT0000001"]
    assert bundle["total"] == 1
    assert asked == {"1000000003", "1000000001"}


def test_all_conditions_must_hold():
    """Two conditions on patients find only those who meet both."""
    assert ids(searched("Patient?_id=PT0000001,PT0000002&_id=PT0000002")[0]) == ["PT0000002"]
    assert ids(searched("Patient?_id=PT0000001,PT0000002&identifier=1000000001")[0]) == ["PT0000001"]
    assert ids(searched("Patient?_id=PT0000002&identifier=1000000001")[0]) == []


def test_charts_are_found_by_patient():
    """Each type of resource is found by the parameter that names its patient."""
    assert len(ids(searched("Encounter?patient=PT0000001,PT0000002")[0])) == 3
    assert len(ids(searched("Immunization?patient=PT0000001")[0])) == 2
    assert len(ids(searched("Coverage?beneficiary=PT0000001")[0])) == 1
    assert ids(searched("Observation?patient=PT0000001&code=63895-7")[0]) == ["PT0000001-O2"]
    assert ids(searched("Observation?patient=PT0000002&code=63895-7")[0]) == []


def test_includes_go_with_their_patients():
    """Resources that refer to a match come along, marked as included, outside the total."""
    bundle, _ = searched("Patient?_id=PT0000001&_revinclude=Coverage:beneficiary&_revinclude=Encounter:patient")

    modes = [entry["search"]["mode"] for entry in bundle["entry"]]
    assert ids(bundle) == ["PT0000001", "PT0000001-C1", "PT0000001-V2", "PT0000001-V1"]
    assert modes == ["match", "include", "include", "include"]
    assert bundle["total"] == 1


def test_pages_lead_to_each_other():
    """The next link of a page leads on until all matches were given."""
    seen, following = [], [f"{BASE}/Encounter?patient=PT0000001,PT0000002&_count=2"]
    while following:
        bundle, _ = searched(following[0].removeprefix(f"{BASE}/"))
        seen += ids(bundle)
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]

    assert sorted(seen) == ["PT0000001-V1", "PT0000001-V2", "PT0000002-V1"]


def test_every_resource_can_be_read_by_its_address():
    """What a searchset names, a read returns unchanged."""
    registry = HealthRegistry(few_people(), {"TOKEN": "t"})
    call = Call(registry, None)
    for type_, names in SUBJECT.items():
        bundle, _ = searched(f"{type_}?{names[0]}=PT0000001")
        assert bundle["total"] > 0
        for entry in bundle["entry"]:
            kind, id_ = entry["fullUrl"].removeprefix(f"{BASE}/").split("/")
            assert registry._read(kind, id_, call) == (200, entry["resource"])
    for kind, id_ in [("Patient", "PT9"), ("Encounter", "PT0000001"), ("Claim", "PT0000001")]:
        assert registry._read(kind, id_, call)[0] == 404


def test_a_batch_is_read():
    """Entries keep their order; the path is taken with or without a leading slash."""
    entries = [
        {"request": {"method": "GET", "url": "Patient?_id=PT1,PT2"}},
        {"request": {"method": "GET", "url": "/Encounter/PT1-V1"}},
    ]
    body = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})

    assert batch_requests(body) == [("GET", "Patient", "_id=PT1,PT2"), ("GET", "Encounter/PT1-V1", "")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Bundle","type":"transaction"}',
        b'{"resourceType":"Bundle","type":"batch","entry":{}}',
        b'{"resourceType":"Bundle","type":"batch","entry":[1]}',
        b'{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET"}}]}',
        orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 51}),
    ],
)
def test_batches_that_are_refused(body):
    """What is no batch Bundle of requests is refused whole."""
    with pytest.raises(FhirError) as refused:
        batch_requests(body)

    assert refused.value.status == 400


def test_an_error_in_a_batch_stays_in_its_entry():
    """Good entries carry a resource, bad ones an outcome."""
    good = searchset(BASE, Search("Patient"), [], [])
    answer = batch_response([(200, good), (404, outcome("not-found", "nothing"))])

    assert answer["type"] == "batch-response"
    assert answer["entry"][0] == {"resource": good, "response": {"status": "200 OK"}}
    assert answer["entry"][1]["response"]["status"] == "404 Not Found"
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "not-found"


def test_the_capability_statement_tells_what_can_be_searched():
    """Each resource type is there with the parameters that its search accepts."""
    statement = capability_statement(BASE, TODAY)

    assert statement["fhirVersion"] == "4.0.1"
    for resource in statement["rest"][0]["resource"]:
        names = [parameter["name"] for parameter in resource["searchParam"]]
        asked = [(name, "PT1") for name in names]
        assert search_of(resource["type"], asked).type == resource["type"]
