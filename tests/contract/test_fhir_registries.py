"""Registries that speak FHIR, connected by the text of a manifest alone."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.catalogue import connect
from adapters.ports import Deadline, Fetch
from adapters.transport.client import open_session
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.contract.by_manifest import asked, manifest_in, registry
from tests.unit.adapters.builders import manifest_of

pytestmark = pytest.mark.contract

MATERNITY = """
    id: maternity
    title: Maternity wards of a province
    version: "1.0"
    speaks: fhir
    reg_type: ns:hearth:RegistryType:Health
    legal: {owner: Provincial Health Office, basis: Health Act, contact: it@wards.example}
    connection: {base_url: env:WARDS_URL}
    limits: {retries: 0, max_response_bytes: 200000}
    authority: {is_pregnant: 2, immunisations: 2, visits_12m: 2}
    lookups:
      - {name: mother, by: [UIN], identifiers: [UIN], attributes: [is_pregnant, immunisations, visits_12m]}
    fhir:
      path: /fhir
      lookups:
        mother:
          searches:
            Patient:
              by: {UIN: {parameter: identifier, system: "urn:id:national"}}
              elements: [identifier]
            Immunization:
              by: {UIN: {parameter: patient.identifier, system: "urn:id:national"}}
              subject: patient
            visits:
              type: Encounter
              by: {UIN: {parameter: patient.identifier, system: "urn:id:national"}}
              subject: subject
              parameters: {status: finished}
              within: {parameter: date, days: 365}
              count: 2
            pregnancy:
              type: Observation
              by: {UIN: {parameter: patient.identifier, system: "urn:id:national"}}
              subject: subject
              parameters: {code: "http://loinc.org|82810-3"}
    records:
      mother:
        identifiers:
          UIN: {path: "Patient.identifier[?system=='urn:id:national'].value", required: true}
        as_of: {path: Patient.meta.lastUpdated}
        attributes:
          is_pregnant:
            path: "sort_by(pregnancy, &effectiveDateTime)[-1].valueCodeableConcept.coding[0].code"
            type: boolean
            codes: {"77386006": "true", "60001007": "false"}
          immunisations:
            path: "sort_by(Immunization[?status=='completed'], &occurrenceDateTime)"
            type: list
            each:
              code: {path: "vaccineCode.coding[0].code"}
              name: {path: "vaccineCode.coding[0].display || vaccineCode.coding[0].code"}
              date: {path: occurrenceDateTime, type: date}
          visits_12m: {path: "length(visits)", type: integer}
"""
ASHA, MERCY, NOBODY = "UIN 2000000014", "UIN 2000000022", "UIN 2000000048"


def patient(id_, number):
    """Return one Patient."""
    return {
        "resourceType": "Patient",
        "id": id_,
        "meta": {"lastUpdated": "2026-05-02T00:00:00Z"},
        "identifier": [{"system": "urn:id:national", "value": number}, {"system": "urn:ward", "value": id_}],
    }


def about(type_, id_, reference, **more):
    """Return a resource about a patient."""
    who = "patient" if type_ == "Immunization" else "subject"
    subject = reference if isinstance(reference, dict) else {"reference": reference}
    return {"resourceType": type_, "id": id_, who: subject, "status": "completed", **more}


class Wards:
    """A FHIR server with two mothers; `held` may be changed by a test, `asked` is what it was asked."""

    def __init__(self):
        self.asked = []
        self.page_size = 2
        self.changed: Any = lambda _, bundle: bundle
        """What becomes of each searchset, by the type of its resources."""
        self.outcome: Any = None
        """What answers a batch instead."""
        self.held: dict[str, list[dict[str, Any]]] = {
            "Patient": [patient("p1", "2000000014"), patient("p2", "2000000022")],
            "Immunization": [
                about(
                    "Immunization",
                    "i2",
                    "Patient/p1",
                    occurrenceDateTime="1991-02-01T09:00:00Z",
                    vaccineCode={"coding": [{"code": "03", "display": "MMR"}]},
                ),
                about(
                    "Immunization",
                    "i1",
                    "Patient/p1/_history/3",
                    occurrenceDateTime="1990-02-02",
                    vaccineCode={"coding": [{"code": "19"}]},
                ),
            ],
            "Encounter": [
                about("Encounter", f"e{n}", {"identifier": {"system": "urn:id:national", "value": "2000000022"}})
                for n in range(5)
            ],
            "Observation": [
                about(
                    "Observation",
                    "o1",
                    "Patient/p1",
                    effectiveDateTime="2026-01-01",
                    valueCodeableConcept={"coding": [{"code": "60001007"}]},
                ),
                about(
                    "Observation",
                    "o2",
                    "Patient/p1",
                    effectiveDateTime="2026-04-01",
                    valueCodeableConcept={"coding": [{"code": "77386006"}]},
                ),
                about(
                    "Observation",
                    "o3",
                    "Patient/p2",
                    effectiveDateTime="2026-04-01",
                    valueCodeableConcept={"coding": [{"code": "1"}]},
                ),
            ],
        }

    def searchset(self, type_, page=0):
        """Return one page of everything held."""
        held = self.held[type_]
        start = page * self.page_size
        shown = held[start : start + self.page_size]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(held), "link": []}
        if start + self.page_size < len(held):
            url = f"http://inner.wards.example:8080/fhir?_getpages=a-b&_getpagesoffset={type_}-{page + 1}"
            bundle["link"].append({"relation": "next", "url": url})
        if shown:
            bundle["entry"] = [{"resource": one, "search": {"mode": "match"}} for one in shown]
        return self.changed(type_, bundle)

    async def batch(self, request):
        """Answer a batch."""
        entries = orjson.loads(await request.read())["entry"]
        urls = [entry["request"]["url"] for entry in entries]
        self.asked.append(("POST", request.path, urls))
        if self.outcome is not None:
            return self.outcome(len(entries))
        answers = [
            {"response": {"status": "200 OK"}, "resource": self.searchset(url.partition("?")[0])} for url in urls
        ]
        return web.json_response({"resourceType": "Bundle", "type": "batch-response", "entry": answers})

    async def page(self, request):
        """Answer with a further page."""
        self.asked.append(("GET", request.path_qs, None))
        type_, _, number = request.query["_getpagesoffset"].partition("-")
        return web.json_response(self.searchset(type_, int(number)))

    async def search(self, request):
        """Answer a single search."""
        self.asked.append((request.method, request.path_qs, (await request.read()).decode()))
        return web.json_response(self.searchset(request.match_info["type"]))

    def application(self):
        """Return its routes."""
        app = web.Application()
        app.router.add_post("/fhir", self.batch)
        app.router.add_get("/fhir", self.page)
        app.router.add_post("/fhir/{type}/_search", self.search)
        app.router.add_get("/fhir/{type}", self.search)
        return app


@asynccontextmanager
async def running(folder, wards, text=MATERNITY):
    """Yield the registry that a manifest connects."""
    async with (
        TestServer(wards.application()) as server,
        registry(folder, text, WARDS_URL=f"http://127.0.0.1:{server.port}") as one,
    ):
        yield one


class TestByManifestAlone:
    async def test_a_batch_gives_what_the_manifest_says(self, tmp_path):
        """Numbers, values by paths, codes, pages of a part of the batch, references of every kind; and nobody."""
        wards = Wards()
        async with running(tmp_path, wards) as one:
            found = await asked(one, "mother", ASHA, MERCY, NOBODY)

        assert found[ASHA].identifiers == {"UIN": "2000000014"}
        assert found[ASHA].values == {
            "is_pregnant": True,
            "immunisations": [
                {"code": "19", "name": "19", "date": "1990-02-02"},
                {"code": "03", "name": "MMR", "date": "1991-02-01"},
            ],
            "visits_12m": 0,
        }
        assert found[ASHA].as_of == "2026-05-02T00:00:00+00:00"
        assert found[MERCY].values == {"visits_12m": 5}
        assert found[MERCY].unusable == {"is_pregnant": UnavailableReason.UNMAPPED_CODE}
        assert found[NOBODY] is None

    async def test_it_asks_for_what_is_needed_and_no_more(self, tmp_path):
        """One batch with the searches that the attributes read from; elements, codes and window as declared; pages below the base."""
        wards = Wards()
        async with running(tmp_path, wards) as one:
            await asked(one, "mother", ASHA, MERCY, names=["visits_12m"])

        (method, path, urls), *pages = wards.asked
        tokens = "urn%3Aid%3Anational%7C2000000014%2Curn%3Aid%3Anational%7C2000000022"
        assert (method, path) == ("POST", "/fhir")
        assert urls[0] == f"Patient?identifier={tokens}&_elements=identifier"
        assert urls[1].startswith(f"Encounter?patient.identifier={tokens}&status=finished&date=ge2")
        assert urls[1].endswith("&_count=2")
        assert len(urls) == 2
        assert [path for _, path, _ in pages] == [
            "/fhir?_getpages=a-b&_getpagesoffset=Encounter-1",
            "/fhir?_getpages=a-b&_getpagesoffset=Encounter-2",
        ]

    async def test_numbers_alone_take_a_single_search(self, tmp_path):
        """By form, so that no number stands in an address."""
        wards = Wards()
        wards.held["Patient"] = wards.held["Patient"][:1]
        async with running(tmp_path, wards) as one:
            found = await asked(one, "mother", ASHA, names=[])

        assert wards.asked == [
            ("POST", "/fhir/Patient/_search", "identifier=urn%3Aid%3Anational%7C2000000014&_elements=identifier")
        ]
        assert found[ASHA].values == {}

    @pytest.mark.parametrize("batch", ["batch: false, method: get", "batch: false"])
    async def test_a_server_without_batches_is_asked_search_by_search(self, tmp_path, batch):
        """By address or by form, with the same answer."""
        wards = Wards()
        text = MATERNITY.replace(
            "          searches:\n            Patient:",
            "".join(f"          {part}\n" for part in batch.split(", ")) + "          searches:\n            Patient:",
            1,
        )
        async with running(tmp_path, wards, text) as one:
            found = await asked(one, "mother", ASHA, MERCY, NOBODY)

        assert found[ASHA].values["is_pregnant"] is True
        assert found[NOBODY] is None
        kinds = {method for method, path, _ in wards.asked if "_getpages" not in path}
        assert kinds == ({"GET"} if "get" in batch else {"POST"})

    async def test_the_same_registry_twice_in_a_page_is_one_resource(self, tmp_path):
        """What moves to the next page while we read is counted once, and the total then tells that something is missing."""
        wards = Wards()
        wards.held["Encounter"].append(wards.held["Encounter"][0])
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="visits total"):
                await asked(one, "mother", ASHA, MERCY)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "reference",
        [
            "Patient/p9",
            "Group/p1",
            "http://elsewhere.example/fhir/Patient/p9",
            "#p1",
            {"identifier": {"system": "urn:id:other", "value": "2000000014"}},
            {"identifier": {"system": "urn:id:national", "value": "2000000099"}},
            {},
        ],
        ids=str,
    )
    async def test_a_resource_about_somebody_else(self, tmp_path, reference):
        """Whoever it is about, it is not one of those who were asked about."""
        wards = Wards()
        wards.held["Immunization"].append(about("Immunization", "i9", reference))
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError) as caught:
                await asked(one, "mother", ASHA, MERCY)

        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT

    async def test_the_same_last_parts_on_another_server_are_nobody_here(self, tmp_path):
        """Where a server gives its resources addresses, a reference to an address means exactly that."""
        wards = Wards()

        def with_addresses(type_, bundle):
            for entry in bundle.get("entry", []):
                entry["fullUrl"] = f"http://wards.example/fhir/{type_}/{entry['resource']['id']}"
            return bundle

        wards.changed = with_addresses
        wards.held["Immunization"] = [
            about(
                "Immunization",
                "i1",
                "http://wards.example/fhir/Patient/p1",
                occurrenceDateTime="1990-02-02",
                vaccineCode={"coding": [{"code": "19"}]},
            )
        ]
        async with running(tmp_path, wards) as one:
            assert len((await asked(one, "mother", ASHA, MERCY))[ASHA].values["immunisations"]) == 1
            wards.held["Immunization"][0]["patient"]["reference"] = "http://elsewhere.example/fhir/Patient/p1"
            with pytest.raises(SourceContractError) as caught:
                await asked(one, "mother", ASHA, MERCY)

        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT

    async def test_a_patient_who_was_not_asked_about(self, tmp_path):
        """Whatever the server's search means."""
        async with running(tmp_path, Wards()) as one:
            with pytest.raises(SourceContractError) as caught:
                await asked(one, "mother", ASHA)

        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT
        assert "2000000022" not in str(caught.value)

    async def test_a_total_that_did_not_arrive(self, tmp_path):
        """A cut answer never reads as "nobody"."""
        wards = Wards()
        wards.changed = lambda _, bundle: bundle | {"link": []}
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="visits total: not as many as came"):
                await asked(one, "mother", ASHA, MERCY)

    @pytest.mark.parametrize(
        ("stated", "said"),
        [
            ([6, None, None], "not as many as came"),
            ([None, None, 4], "not as many"),
            ([5, 5, 4], "changed between two"),
        ],
    )
    async def test_a_total_that_only_one_page_states_holds_for_all(self, tmp_path, stated, said):
        """Or it changes in between, and then nobody knows which visit has moved."""
        totals = iter(stated)

        def counted(type_, bundle):
            return bundle if type_ != "Encounter" else bundle | {"total": next(totals)}

        wards = Wards()
        wards.changed = counted
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match=f"visits total: {said}"):
                await asked(one, "mother", ASHA, MERCY)

    @pytest.mark.parametrize("page_size", [1, 2])
    async def test_two_patients_under_one_id(self, tmp_path, page_size):
        """Neither of them is passed over for the other: that one would read as nobody. On one page, or on two."""
        wards = Wards()
        wards.page_size = page_size
        for patient in wards.held["Patient"]:
            patient["id"] = "p1"
        wards.changed = lambda _, bundle: bundle | {"total": 1}
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="id: one id, and two that differ"):
                await asked(one, "mother", ASHA, MERCY, names=[])

    async def test_a_server_that_says_nothing_about_nobody(self, tmp_path):
        """Neither entries nor a total is no answer; with `silence: no_record` it is."""
        wards = Wards()
        wards.held = {type_: [] for type_ in wards.held}
        wards.changed = lambda _, bundle: {key: value for key, value in bundle.items() if key != "total"}
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="neither entry nor total"):
                await asked(one, "mother", NOBODY)
            with pytest.raises(SourceContractError, match="lack somebody"):
                await asked(one, "mother", NOBODY, names=[])
        text = MATERNITY.replace("        as_of: {path: P", "        silence: no_record\n        as_of: {path: P")
        async with running(tmp_path, wards, text) as one:
            assert await asked(one, "mother", NOBODY) == {NOBODY: None}

    async def test_pages_without_end(self, tmp_path):
        """Bounded in number, or in bytes, whichever comes first."""
        wards = Wards()
        link = [{"relation": "next", "url": "?_getpagesoffset=Encounter-0"}]
        wards.changed = lambda type_, bundle: bundle | ({"link": link} if type_ == "Encounter" else {})
        async with running(
            tmp_path, wards, MATERNITY.replace("          searches:", "          pages: 3\n          searches:", 1)
        ) as one:
            with pytest.raises(SourceContractError, match="more pages"):
                await asked(one, "mother", ASHA, MERCY)
        assert len(wards.asked) < 15
        wards.held["Encounter"][0]["text"] = "x" * 60_000
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="all pages together"):
                await asked(one, "mother", ASHA, MERCY)

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:1/steal",
            "http://[::1",
            "/fhir/Patient",
            "?a=b c",
            "?a=b\r\nX: y",
            "?" + "a" * 9000,
            7,
            None,
        ],
        ids=lambda url: str(url)[:20],
    )
    async def test_links_that_lead_nowhere(self, tmp_path, url):
        """Only a query is taken from a link, and it must be one."""
        wards = Wards()
        wards.changed = lambda _, bundle: bundle | {"link": [{"relation": "next", "url": url}]}
        async with running(tmp_path, wards) as one:
            with pytest.raises(SourceContractError, match="next"):
                await asked(one, "mother", ASHA, MERCY)
        assert len(wards.asked) == 1

    @pytest.mark.parametrize(
        ("status", "code", "error", "reason"),
        [
            (200, "forbidden", SourceRefusedError, "source_refused"),
            (200, "throttled", SourceUnavailableError, "source_busy"),
            (200, "timeout", SourceUnavailableError, "source_timeout"),
            (200, "transient", SourceUnavailableError, "source_down"),
            (200, "too-costly", SourceContractError, "source_contract"),
            (200, "Asha Moyo", SourceContractError, "source_contract"),
            (401, "login", SourceRefusedError, "source_refused"),
            (400, "not-supported", SourceContractError, "source_contract"),
            (503, "Asha Moyo", SourceUnavailableError, "source_down"),
        ],
    )
    @pytest.mark.parametrize("where", ["answer", "entry"])
    async def test_an_outcome_instead_of_an_answer(self, tmp_path, status, code, error, reason, where):
        """What to do about it is in its code or status; its texts are never shown."""
        outcome: dict[str, Any] = {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": code, "diagnostics": "Asha Moyo"}],
        }

        def instead(count):
            if where == "answer":
                return web.json_response(outcome, status=status)
            part = {"response": {"status": f"{status} Asha", "outcome": outcome}}
            if status == 200:
                part = {"response": {"status": "200"}, "resource": outcome}
            return web.json_response({"resourceType": "Bundle", "type": "batch-response", "entry": [part] * count})

        wards = Wards()
        wards.outcome = instead
        async with running(tmp_path, wards) as one:
            with pytest.raises(error) as caught:
                await asked(one, "mother", ASHA, MERCY)

        assert caught.value.reason == reason
        assert "Asha" not in str(caught.value)
        assert ("unknown code" in str(caught.value)) == (code == "Asha Moyo")

    async def test_hints_and_included_resources_are_no_matches(self, tmp_path):
        """A warning beside the matches, and what the server included, change nothing."""
        wards = Wards()
        hint = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
        besides = [
            {"resource": hint, "search": {"mode": "outcome"}},
            {"resource": patient("p7", "2000000077"), "search": {"mode": "include"}},
        ]

        def with_besides(_, bundle):
            return bundle | {"entry": [*bundle.get("entry", []), *besides]}

        wards.changed = with_besides
        async with running(tmp_path, wards) as one:
            assert (await asked(one, "mother", ASHA, MERCY))[ASHA].values["is_pregnant"] is True


HEALTH = """
    id: exchange
    title: The health exchange of the practice country, by manifest alone
    version: "1.0"
    speaks: fhir
    reg_type: ns:hearth:RegistryType:Health
    legal: {owner: Ministry of Health, basis: Health Records Act, contact: it@health.example}
    connection: {base_url: env:HEARTH_HEALTH_URL, auth: {kind: bearer, token: env:HEARTH_HEALTH_TOKEN}}
    limits: {max_response_bytes: 8000000}
    lookups:
      - {name: patient, by: [UIN], identifiers: [PATIENT_NUMBER]}
      - name: chart
        by: [PATIENT_NUMBER]
        attributes: [is_pregnant, is_lactating, last_visit_date, immunisations, immunisation_count, insured, insurance_scheme, insurance_end_date]
    fhir:
      path: /fhir
      lookups:
        patient:
          searches:
            Patient: {by: {UIN: {system: "urn:pv:national-number"}}, count: 200}
        chart:
          searches:
            Patient: {by: {PATIENT_NUMBER: {parameter: _id}}}
            Encounter: {by: {PATIENT_NUMBER: {parameter: patient}}, subject: subject, count: 1000}
            Immunization: {by: {PATIENT_NUMBER: {parameter: patient}}, subject: patient, count: 7}
            Coverage: {by: {PATIENT_NUMBER: {parameter: beneficiary}}, subject: beneficiary}
            pregnancy: {type: Observation, by: {PATIENT_NUMBER: {parameter: patient}}, subject: subject, parameters: {code: 82810-3}}
            feeding: {type: Observation, by: {PATIENT_NUMBER: {parameter: patient}}, subject: subject, parameters: {code: 63895-7}}
    records:
      patient:
        identifiers:
          PATIENT_NUMBER: {path: "Patient.identifier[?system=='urn:pv:patient-number'].value", required: true}
          UIN: {path: "Patient.identifier[?system=='urn:pv:national-number'].value"}
        as_of: {path: Patient.meta.lastUpdated}
      chart:
        identifiers:
          PATIENT_NUMBER: {path: "Patient.identifier[?system=='urn:pv:patient-number'].value", required: true}
          UIN: {path: "Patient.identifier[?system=='urn:pv:national-number'].value"}
        as_of: {path: Patient.meta.lastUpdated}
        attributes:
          is_pregnant:
            path: "sort_by(pregnancy, &effectiveDateTime)[-1].valueCodeableConcept.coding[0].code"
            type: boolean
            codes: {"77386006": "true", "60001007": "false"}
          is_lactating: {path: "sort_by(feeding, &effectiveDateTime)[-1].valueBoolean", type: boolean}
          last_visit_date: {path: "max(Encounter[?status=='finished'].period.start)", type: date}
          immunisations:
            path: "sort_by(sort_by(Immunization[?status=='completed'], &vaccineCode.coding[0].code), &occurrenceDateTime)"
            type: list
            each:
              code: {path: "vaccineCode.coding[0].code"}
              name: {path: "vaccineCode.coding[0].display || vaccineCode.coding[0].code"}
              date: {path: occurrenceDateTime, type: date}
          immunisation_count: {path: "length(Immunization[?status=='completed'])", type: integer}
          insured: {path: "length(Coverage[?status=='active']) > `0`", type: boolean}
          insurance_scheme: {path: "Coverage[?status=='active'].type.text | [0]"}
          insurance_end_date: {path: "Coverage[?status=='active'].period.end | [0]", type: date}
"""


@pytest.mark.asyncio(loop_scope="module")
class TestThePracticeCountry:
    async def test_charts_by_manifest_are_those_of_the_own_adapter(self, tmp_path, poveria):
        """Of every patient, everything but the visits of the last twelve months, whose day the mock server takes no parameter for."""
        environment = poveria.environment("health")
        generic = manifest_in(tmp_path, HEALTH)
        patients = [
            Identifier("PATIENT_NUMBER", one.patient_number) for one in poveria.population.people if one.patient_number
        ]
        names = frozenset(generic.lookup("chart").attributes)
        async with open_session() as session:
            registries = connect([manifest_of("health"), generic], session, environment)
            for at in range(0, len(patients), 24):
                some = (*patients[at : at + 24], Identifier("PATIENT_NUMBER", "PT9999999"))
                own, by_manifest = [
                    (await registries[id_].guarded.fetch(Fetch(id_, "chart", some, names), Deadline.after(30))).records
                    for id_ in ("health", "exchange")
                ]
                assert own == by_manifest
        assert len(patients) > 50

    async def test_patients_by_manifest_are_those_of_the_own_adapter(self, tmp_path, poveria):
        """By national number."""
        people = [Identifier("UIN", one.uin) for one in poveria.population.people if one.uin][:50]
        async with open_session() as session:
            registries = connect(
                [manifest_of("health"), manifest_in(tmp_path, HEALTH)], session, poveria.environment("health")
            )
            own, by_manifest = [
                (
                    await registries[id_].guarded.fetch(
                        Fetch(id_, "patient", tuple(people), frozenset()), Deadline.after(30)
                    )
                ).records
                for id_ in ("health", "exchange")
            ]
        assert own == by_manifest
        assert None in own.values()
