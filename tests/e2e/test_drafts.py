"""An engineer drafts from what her registry says of itself, settles what is marked, and checks and probes it live."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from aiohttp import web
from ruamel.yaml import YAML
from typer.testing import CliRunner

from adapters.kit.readiness import RULES
from gateway.cli import app
from tests.contract.small_graphql import Endpoint
from tests.contract.soap_services import enveloped, fault
from tests.e2e.stand_ins import served
from tests.unit.adapters.kit.draft.test_documents import DOCUMENTS, LIST, workbook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
KNOWN = ("2000000014", "2000000022")
KEY = "a secret of the registry"
OFFICE = ("--owner", "Ministry", "--basis", "Act, section 1", "--contact", "it@ministry.example", "--title", "Office")
TOLD = "2026-11-01T08:00:00Z"
MESSAGES, COMMON = "urn:pensions.example:messages:v2", "urn:pensions.example:common"


class Case(NamedTuple):
    """One document, what its engineer settles, and a synthetic answer of each lookup with what it means."""

    source: str
    settle: Callable[[Any], None]
    examples: dict[str, tuple[str, bytes, dict[str, Any]]]
    """Lookup -> file, answer, values of the first person known; the answer is about that one alone."""
    by: str = "UIN"
    base: str = ""
    exempt: bool = True
    """Whether its registry sends whole records."""


def parcel(number: str) -> dict[str, Any]:
    """Return a parcel of somebody."""
    return {
        "parcelId": f"PV-{number[-2:]}",
        "areaHa": 1.25,
        "landUse": "FOREST",
        "updatedAt": TOLD,
        "owner": owner(number),
    }


def owner(number: str) -> dict[str, Any]:
    """Return somebody who owns land."""
    return {"nationalId": number, "givenName": "Asha", "surname": "Moyo", "dateOfBirth": "1990-02-01", "gender": "F"}


def of_land(content: Any) -> None:
    """Take the token from the registry itself, and only what is needed of parcels."""
    content["connection"]["auth"]["token_path"] = "/token"
    content["records"]["parcels"]["several"] = "together"
    parcels, area = content["records"]["parcels"], {"combine": "sum"}
    parcels["attributes"] = {"land_area_ha": parcels["attributes"]["land_area_ha"] | area}
    content["rest"]["lookups"]["parcels"]["requests"][0]["pages"]["key"] = "parcelId"
    owners = content["records"]["owners"]["attributes"]
    del owners["phone_number"]
    content["lookups"][0]["attributes"] = list(owners)
    content["lookups"][1]["attributes"] = ["land_area_ha"]
    content["authority"] = dict.fromkeys([*owners, "land_area_ha"], 1)


def of_pensions(content: Any) -> None:
    """Say who asks."""
    content["soap"]["lookups"]["find_pensioners"]["arguments"]["Requester"] = {"constant": "hearth"}
    content["freshness"] = {"max_lag_h": 24 * 365}


def of_births(content: Any) -> None:
    """Say who asks, and by which fault it says that there is nobody."""
    content["soap"]["lookups"]["birth"]["arguments"]["office"] = {"constant": "hearth"}
    content["soap"]["lookups"]["birth"]["faults"] = {"NoSuchBirth": "no_record"}


def of_health(content: Any) -> None:
    """Name the namespace of the number, in both places."""
    content["fhir"]["lookups"]["patient"]["searches"]["Patient"]["by"]["UIN"]["system"] = "urn:id:national"
    uin = content["records"]["patient"]["identifiers"]["UIN"]
    uin["path"] = uin["path"].replace("urn:ns:of-the-number", "urn:id:national")
    content["freshness"] = {"max_lag_h": 24 * 365}


def of_housing(content: Any) -> None:
    """Keep the query that takes many, and of its attributes those that the office answers for."""
    content["lookups"] = [one for one in content["lookups"] if one["name"] == "residents"]
    for part in (content["graphql"]["lookups"], content["records"]):
        for name in [name for name in part if name != "residents"]:
            del part[name]
    content["graphql"]["lookups"]["residents"]["requests"][0]["pages"]["key"] = "nationalId"
    content["records"]["residents"]["silence"] = "no_record"
    content["freshness"] = {"max_lag_h": 24 * 365}


def of_list(content: Any) -> None:
    """Read it at once."""
    content["files"]["settle_s"] = 0
    content["freshness"] = {"max_lag_h": 48}


def pensioner(number: str) -> str:
    """Return a pensioner in XML."""
    return (
        f'<m:Pensioner><c:NationalId>{number}</c:NationalId><c:Surname>Moyo</c:Surname><c:Sex>F</c:Sex>'
        f'<m:PensionMonthly currency="PVC">120</m:PensionMonthly><m:LastChanged>{TOLD}</m:LastChanged></m:Pensioner>'
    )  # fmt: skip


def pensioners(found: str, unknown: str = "") -> bytes:
    """Return the answer of the pension service."""
    return enveloped(
        f'<m:FindPensionersResponse xmlns:m="{MESSAGES}" xmlns:c="{COMMON}"><m:Pensioners>{found}</m:Pensioners>{unknown}'
        "</m:FindPensionersResponse>"
    )


def birth(number: str) -> bytes:
    """Return the answer of the birth register, in rpc style."""
    inside = (
        f"<brn>{number}</brn><firstName>Asha</firstName><lastName>Moyo</lastName><dateOfBirth>1990-02-01</dateOfBirth>"
    )
    return enveloped(f'<b:getBirthResponse xmlns:b="urn:births.example"><birth>{inside}</birth></b:getBirthResponse>')


def patients(numbers: list[str]) -> dict[str, Any]:
    """Return a bundle of people."""
    made = [
        {
            "search": {"mode": "match"},
            "resource": {
                "resourceType": "Patient", "id": f"p{number}", "meta": {"lastUpdated": TOLD}, "gender": "female",
                "identifier": [{"system": "urn:id:national", "value": number}],
                "name": [{"family": "Moyo", "given": ["Asha"]}], "birthDate": "1990-02-01",
            },
        }
        for number in numbers
    ]  # fmt: skip
    return {"resourceType": "Bundle", "type": "searchset", "total": len(made), "entry": made}


def resident(number: str) -> dict[str, Any]:
    """Return somebody who lives somewhere."""
    dwelling = {"rooms": 3, "hasElectricity": True, "block": {"district": "PV-03"}}
    said = {
        "nationalId": number,
        "firstName": "Asha",
        "lastName": "Moyo",
        "gender": "FEMALE",
        "dateOfBirth": "1990-02-01",
    }
    return said | {"dwelling": dwelling, "updatedAt": TOLD}


def residents(numbers: list[str]) -> dict[str, Any]:
    """Return a connection, whole."""
    found = [resident(number) for number in numbers if number in KNOWN]
    return {"nodes": found, "totalCount": len(found), "pageInfo": {"hasNextPage": False, "endCursor": None}}


ASHA = {"given_name": "Asha", "surname": "Moyo", "sex": "female", "birth_date": "1990-02-01"}
CASES = {
    "land": Case(
        "land-3.0.yaml",
        of_land,
        {
            "owners": ("owners.json", orjson.dumps({"owners": [owner(KNOWN[0])], "unknown": []}), ASHA),
            "parcels": (
                "parcels.json",
                orjson.dumps({"content": [parcel(KNOWN[0])], "totalElements": 1}),
                {"land_area_ha": 1.25},
            ),
        },
        base="/lis",
    ),
    "pensions": Case(
        "pensions.wsdl",
        of_pensions,
        {"find_pensioners": ("found.xml", pensioners(pensioner(KNOWN[0])), {"surname": "Moyo", "sex": "female", "pension_monthly": 120})},
    ),
    "births": Case(
        "births-rpc.wsdl",
        of_births,
        {"birth": ("birth.xml", birth("BRN-1"), {name: ASHA[name] for name in ("given_name", "surname", "birth_date")})},
        by="BRN",
    ),
    "health": Case(
        "hapi-capabilities.json",
        of_health,
        {"patient": ("patients.json", orjson.dumps(patients([KNOWN[0]])), ASHA)},
        base="/fhir",
    ),
    "housing": Case(
        "introspection.json",
        of_housing,
        {
            "residents": (
                "residents.json",
                orjson.dumps({"data": {"residents": residents([KNOWN[0]])}}),
                ASHA | {"rooms": 3, "has_electricity": True, "sub_region_code": "PV-03"},
            )
        },
        exempt=False,
    ),
    "vouchers": Case(
        LIST.name,
        of_list,
        {"row": ("list.csv", LIST.read_bytes(), {"sex": "female", "birth_date": "1990-02-01", "locality": "Lake Town", "land_area_ha": 1.25})},
    ),
    "workbook": Case(
        "vouchers.xlsx",
        of_list,
        {"row": ("list.xlsx", b"", {"sex": "female", "birth_date": "1990-02-01", "locality": "Lake Town", "land_area_ha": 1.25})},
    ),
}  # fmt: skip


def registry() -> web.Application:
    """Return all of them, each as its own document describes it."""
    endpoint = Endpoint({"residents": lambda nationalIds, first=None, after=None: residents(nationalIds)})  # noqa: ARG005, N803

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": KEY, "token_type": "Bearer", "expires_in": 3600})

    async def owners(request: web.Request) -> web.Response:
        asked = (await request.json())["nationalIds"]
        if len(asked) > 100:
            raise web.HTTPBadRequest
        found = [number for number in asked if number in KNOWN]
        unknown = [number for number in asked if number not in KNOWN]
        return web.json_response({"owners": [owner(one) for one in found], "unknown": unknown})

    async def parcels(request: web.Request) -> web.Response:
        if request.match_info["number"] not in KNOWN:
            raise web.HTTPNotFound
        return web.json_response({"content": [parcel(request.match_info["number"])], "totalElements": 1})

    async def pension(request: web.Request) -> web.Response:
        asked = re.findall(r"<(?:\w+:)?NationalId[^>]*>([^<]*)</", (await request.read()).decode())
        found = "".join(pensioner(number) for number in asked if number in KNOWN)
        unknown = "".join(f"<m:Unknown>{number}</m:Unknown>" for number in asked if number not in KNOWN)
        return web.Response(body=pensioners(found, unknown), content_type="text/xml")

    async def births(request: web.Request) -> web.Response:
        (number,) = re.findall(r"<(?:\w+:)?brn[^>]*>([^<]*)</", (await request.read()).decode())
        if number != "BRN-1":
            detail = '<b:NoSuchBirth xmlns:b="urn:births.example"/>'
            return web.Response(status=500, body=fault("Client", detail), content_type="text/xml")
        return web.Response(body=birth(number), content_type="text/xml")

    async def people(request: web.Request) -> web.Response:
        given = str((await request.post())["identifier"])
        return web.json_response(patients([number for number in KNOWN if f"|{number}" in given]))

    @web.middleware
    async def guarded(request: web.Request, handler: Any) -> web.StreamResponse:
        basic = "Basic " + base64.b64encode(f"hearth:{KEY}".encode()).decode()
        if not request.path.endswith("/token") and request.headers.get("Authorization") not in (f"Bearer {KEY}", basic):
            raise web.HTTPUnauthorized
        response: web.StreamResponse = await handler(request)
        return response

    made = web.Application(middlewares=[guarded])
    made.router.add_post("/lis/token", token)
    made.router.add_post("/lis/v2/owners/search", owners)
    made.router.add_get("/lis/v2/owners/{number}/parcels", parcels)
    made.router.add_post("/services/Pension.v2", pension)
    made.router.add_post("/soap/births.php", births)
    made.router.add_post("/fhir/Patient/_search", people)
    made.router.add_post("/graphql", endpoint.answer)
    return made


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """All of them, running."""
    with served(registry()) as base:
        yield base


def settled(folder: Path, case: Case) -> None:
    """Do what the marks of a draft, its readiness list and the guide ask for."""
    path = folder / "manifest.yaml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if "# decide:" not in line]
    yaml = YAML()
    content = yaml.load("\n".join(kept))
    case.settle(content)
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    answers = dict.fromkeys(RULES, "done")
    minimal = "minimal: {status: exempt, comment: It sends whole records.}" if case.exempt else "minimal: done"
    lines = [f"{rule}: {said}" for rule, said in answers.items() if rule != "minimal"]
    (folder / "readiness.yaml").write_text("\n".join([*lines, minimal]) + "\n", encoding="utf-8")
    for lookup, (name, answer, values) in case.examples.items():
        number = "BRN-1" if case.by == "BRN" else KNOWN[0]
        (folder / "examples" / name).write_bytes(answer)
        if name.endswith(".xlsx"):
            workbook(folder / "examples" / name)
        as_of = {"as_of": TOLD.replace("Z", "+00:00")} if b"2026-11-01T08" in answer else {}
        record = {"identifiers": {case.by: number}, "values": values} | as_of
        example = {"lookup": lookup, "answers": [name], "expected": {f"{case.by} {number}": record}}
        (folder / "examples" / f"{lookup}.yaml.draft").unlink()
        (folder / "examples" / f"{lookup}.yaml").write_text(json.dumps(example), encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_a_draft_that_is_settled_passes_its_check_and_its_probe(name: str, address: str, tmp_path: Path):
    """First it says everything that is left; then nothing is, and the registry answers as the draft has it."""
    case, folder, drops = CASES[name], tmp_path / name, tmp_path / "drops"
    drops.mkdir()
    source = workbook(tmp_path / case.source) if case.source.endswith(".xlsx") else DOCUMENTS / case.source
    shutil.copy(source, drops)
    environment = {
        f"HEARTH_{name.upper()}_{key}": value
        for key, value in (
            ("URL", drops.as_uri() if name in ("vouchers", "workbook") else f"{address}{case.base}"),
            ("USER", "hearth"), ("PASSWORD", KEY), ("TOKEN", KEY), ("CLIENT_ID", "hearth"), ("CLIENT_SECRET", KEY),
        )
    }  # fmt: skip

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["registry", *words], env=environment)

    drafted = run("new", str(folder), "--from", str(source), *OFFICE)
    assert drafted.exit_code == 0, drafted.output
    assert "is a manifest already" in drafted.stdout
    unsettled = run("check", str(folder))
    assert unsettled.exit_code == 1
    assert unsettled.stdout.count("to decide: line") == drafted.stdout.count("decide: ")
    assert "examples: none of lookup" in unsettled.stdout
    assert "still to do: owner_named" in unsettled.stdout

    settled(folder, case)
    checked = run("check", str(folder))
    assert checked.exit_code == 0, checked.stdout
    assert "tier: silver; gold asks for" in checked.stdout
    assert "test call: answered" in checked.stdout

    numbers = tmp_path / "numbers"
    numbers.write_text(
        "BRN BRN-1\n" if case.by == "BRN" else "".join(f"UIN {one}\n" for one in KNOWN), encoding="utf-8"
    )
    probed = run("probe", str(folder), "--numbers", str(numbers), "--calls", "5", "--per-s", "200", "--json")
    report = json.loads(probed.stdout)
    assert probed.exit_code == 0, [one for one in report["findings"] if one["result"] == "bad"]
    assert report["tier"] == "silver"
    assert not any(secret in probed.stdout for secret in (*KNOWN, "Asha", "Moyo", "BRN-1"))
