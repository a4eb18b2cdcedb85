"""What the mappings of the registries with dialects of their own do beyond their examples."""

from __future__ import annotations

from datetime import date

import orjson
import pytest

from adapters.education.mapping import attendance_rate
from adapters.health import mapping as health
from adapters.health.adapter import HealthAdapter
from adapters.health.bundles import batch_answer, patient_of, searchset, token
from adapters.land import mapping as land
from adapters.land.adapter import LandAdapter
from adapters.national_id.adapter import NationalIdAdapter
from adapters.ports import Deadline, Response
from adapters.reading import Draft
from standards.errors import (
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.identifiers import Identifier
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, manifest_of

LONG = Deadline.after(3600)
ASHA = Identifier("UIN", "2000000014")
JUMA = Identifier("UIN", "2000000022")
TODAY = date(2026, 9, 30)


def json_of(content):
    """Return a response with a JSON body."""
    return Response(200, "application/json", orjson.dumps(content))


def read(reader, resources, *names):
    """Return what a chart's reader finds in some resources, counted from TODAY."""
    draft = Draft(frozenset(names))
    reader(resources, draft, TODAY)
    return draft.values


class TestNationalId:
    async def test_only_the_fields_needed_are_asked_for(self):
        """The platform gives no more than a query names."""
        client = InMemoryClient([json_of({"response": {"identities": []}, "errors": []})])
        adapter = NationalIdAdapter(manifest_of("national_id"), client)
        with pytest.raises(SourceContractError, match="lack one"):
            await adapter.fetch(fetch("national_id", "identity", (ASHA,), ("sex", "birth_date")), LONG)

        query = orjson.loads(client.sent[0].body or b"")
        assert query["request"] == {
            "identifiers": [{"idType": "UIN", "id": "2000000014"}],
            "fields": ["UIN", "taxNumber", "gender", "dateOfBirth"],
        }
        assert client.sent[0].headers["X-Partner-Id"] == "hearth"

    async def test_an_error_with_status_200_is_a_contract_error_with_its_code(self):
        """Its message could hold a name."""
        body = {"response": None, "errors": [{"errorCode": "IDR-009", "message": "Asha Moyo"}]}
        adapter = NationalIdAdapter(manifest_of("national_id"), InMemoryClient([json_of(body)]))
        with pytest.raises(SourceContractError, match="IDR-009") as caught:
            await adapter.fetch(fetch("national_id", "identity", (ASHA,)), LONG)

        assert "Asha" not in str(caught.value)


class TestLand:
    def test_holders_share_a_parcel_equally(self):
        """Both of a couple who are asked about get their half."""
        properties = {
            "parcel_number": "P-1",
            "owner_national_numbers": [ASHA.value, JUMA.value],
            "area_m2": 25000,
            "tenure": "freehold",
            "land_use": "cropland",
            "assessed_value": 9001,
            "updated": "2024-01-01T00:00:00Z",
        }
        names = frozenset({"land_area_ha", "land_value"})
        records = land.to_answer([{"properties": properties}], (ASHA, JUMA), names)

        for record in records.values():
            assert record is not None
            assert record.values == {"land_area_ha": 1.25, "land_value": 4500}

    def test_a_number_cannot_break_out_of_the_filter(self):
        """Quotes are doubled, as CQL2 says."""
        assert land.to_filter(["1", "2' OR '1'='1"]) == ("owner_national_number IN ('1', '2'' OR ''1''=''1')")

    @pytest.mark.parametrize("matched", [1, 3])
    async def test_parcels_that_did_not_arrive_are_not_counted_as_not_held(self, matched):
        """The total must match what came."""
        page = {"type": "FeatureCollection", "numberMatched": matched, "features": [], "links": []}
        adapter = LandAdapter(manifest_of("land"), InMemoryClient([json_of(page)]))
        with pytest.raises(SourceContractError, match="numberMatched"):
            await adapter.fetch(fetch("land", "holdings", (ASHA,)), LONG)

    async def test_a_chain_of_pages_without_end_is_given_up(self):
        """A link that leads to itself does not hold us for ever; it never leads to another host either."""
        link = {"rel": "next", "href": "http://elsewhere.example/steal?offset=1"}
        page = {"type": "FeatureCollection", "numberMatched": 1, "features": [], "links": [link]}
        client = InMemoryClient(lambda _: json_of(page))
        with pytest.raises(SourceContractError):
            await LandAdapter(manifest_of("land"), client).fetch(fetch("land", "holdings", (ASHA,)), LONG)

        assert len(client.sent) == 40
        assert {sent.path for sent in client.sent} == {"/collections/parcels/items"}
        assert client.sent[1].params == {"offset": "1"}


class TestEducation:
    def test_attendance_is_percent_with_one_decimal(self):
        """A term without school days has no rate."""
        assert attendance_rate({"daysPossible": 60, "daysPresent": 54}) == 90.0
        assert attendance_rate({"daysPossible": 0, "daysPresent": 0}) is None
        with pytest.raises(SourceContractError):
            attendance_rate({"daysPossible": 10, "daysPresent": 11})


class TestHealth:
    async def test_only_the_parts_needed_are_read(self):
        """Whoever wants the insurance does not fetch vaccines."""
        client = InMemoryClient([Response(503, "application/fhir+json", b"")])
        subjects = (Identifier("PATIENT_NUMBER", "PT1"), Identifier("PATIENT_NUMBER", "PT2,PT3&x=1"))
        with pytest.raises(SourceUnavailableError):
            await HealthAdapter(manifest_of("health"), client).fetch(
                fetch("health", "chart", subjects, ("insured",)), LONG
            )

        urls = [one["request"]["url"] for one in orjson.loads(client.sent[0].body or b"")["entry"]]
        assert urls == [
            "Patient?_id=PT1,PT2%5C%2CPT3%26x%3D1",
            "Coverage?beneficiary=PT1,PT2%5C%2CPT3%26x%3D1",
        ]

    def test_a_value_s_separators_are_escaped(self):
        """A number with a comma is one number."""
        assert token("1,2|3$4\\") == "1\\,2\\|3\\$4\\\\"

    def test_visits_are_counted_over_a_year_back_from_today(self):
        """The day a year ago counts; a visit that is planned or was cancelled does not."""
        starts = {"2025-09-29": "finished", "2025-09-30": "finished", "2026-09-30": "finished", "2026-09-01": "planned"}
        visits = [{"status": status, "period": {"start": start}} for start, status in starts.items()]

        values = read(health.read_encounters, visits, "visits_12m", "last_visit_date")
        assert values == {"visits_12m": 2, "last_visit_date": "2026-09-30"}

    @pytest.mark.parametrize(("end", "insured"), [("2026-09-30", False), ("2026-10-01", True), (None, True)])
    def test_insurance_is_in_force_while_its_end_is_ahead(self, end, insured):
        """One without an end never ends, and has no date of it."""
        period = {"end": end} if end else {}
        coverage = [{"status": "active", "period": period, "type": {"text": "National"}}]
        values = read(health.read_coverage, coverage, "insured", "insurance_scheme", "insurance_end_date")

        expected = {"insured": True, "insurance_scheme": "National"} if insured else {"insured": False}
        assert values == expected | ({"insurance_end_date": end} if insured and end else {})

    def test_the_latest_observation_counts(self):
        """Whatever the order of arrival."""
        observations = [
            {"code": coded("82810-3"), "effectiveDateTime": "2026-05-01", "valueCodeableConcept": coded("60001007")},
            {"code": coded("82810-3"), "effectiveDateTime": "2026-01-01", "valueCodeableConcept": coded("77386006")},
        ]
        for order in (observations, observations[::-1]):
            assert read(health.read_observations, order, "is_pregnant") == {"is_pregnant": False}

    def test_without_an_observation_nothing_is_said(self):
        """Neither yes nor no."""
        assert read(health.read_observations, [], "is_pregnant", "is_lactating") == {}

    @pytest.mark.parametrize(
        "bundle",
        [
            {"resourceType": "Bundle", "type": "searchset"},
            {"resourceType": "Bundle", "type": "searchset", "total": 2, "entry": []},
            {"resourceType": "Bundle", "type": "searchset", "total": 0, "link": [{"relation": "next"}]},
            {"resourceType": "Bundle", "type": "history", "total": 0},
            {"resourceType": "OperationOutcome"},
        ],
    )
    def test_a_part_of_what_matched_is_refused(self, bundle):
        """A dose that did not arrive is not a dose not given."""
        with pytest.raises(SourceContractError):
            searchset(bundle, "Immunization")

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            ("403 Forbidden", SourceRefusedError),
            ("503 Service Unavailable", SourceUnavailableError),
            ("404 Not Found", SourceContractError),
        ],
    )
    def test_a_failed_entry_fails_the_batch(self, status, error):
        """Its own status says how."""
        body = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": status}}]}
        with pytest.raises(error):
            batch_answer(orjson.dumps(body), ["Patient"])

    def test_a_reference_names_a_patient(self):
        """Relative or absolute; anything else is refused."""
        assert patient_of({"reference": "Patient/PT1"}, "subject") == "PT1"
        assert patient_of({"reference": "http://health.example.pv/fhir/Patient/PT1"}, "subject") == "PT1"
        with pytest.raises(SourceContractError):
            patient_of({"reference": "Group/PT1"}, "subject")


def coded(code):
    """Return a CodeableConcept."""
    return {"coding": [{"code": code}]}
