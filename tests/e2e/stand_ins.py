"""Small registries that speak what the guide's examples say, and that nobody prepared Hearth for."""

from __future__ import annotations

import asyncio
import base64
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

KNOWN = ("2000000014", "2000000022")
"""Two people whom every one of them knows."""
SECRET = "a secret of the stand-in"
_CREDENTIALS = {
    "/rest": ("X-API-Key", SECRET),
    "/graphql": ("Authorization", f"Bearer {SECRET}"),
    "/services": ("Authorization", "Basic " + base64.b64encode(f"hearth:{SECRET}".encode()).decode()),
    "/fhir": ("Authorization", f"Bearer {SECRET}"),
    "/registry": ("Authorization", f"Bearer {SECRET}"),
}


@web.middleware
async def guarded(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse whoever brings no credentials, where the example says that there are some."""
    for path, (header, value) in _CREDENTIALS.items():
        if request.path.startswith(path) and request.headers.get(header) != value:
            raise web.HTTPUnauthorized
    response: web.StreamResponse = await handler(request)
    return response


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


async def pension(request: web.Request) -> web.Response:
    """REST: one person by path."""
    number = request.match_info["number"]
    if number not in KNOWN:
        return _json({"code": "UNKNOWN_PERSON"}, 404)
    return _json(
        {
            "nationalId": number,
            "amount": {"cents": 12000},
            "since": "01.02.2019",
            "updatedAt": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


async def dwelling(request: web.Request) -> web.Response:
    """GraphQL: the fields that were selected, and no others."""
    asked = orjson.loads(await request.read())
    (numbers,) = asked["variables"].values()
    dwelling = {"rooms": 3, "hasElectricity": True, "surveyedOn": "2026-06-30"}
    shown = {name: value for name, value in dwelling.items() if re.search(rf"\b{name}\b", asked["query"])}
    people = [{"uin": number} | ({"dwelling": shown} if shown else {}) for number in numbers if number in KNOWN]
    return _json({"data": {"residents": people}})


async def salaries(request: web.Request) -> web.Response:
    """SOAP: a list, and whom it does not know."""
    text = (await request.read()).decode()
    numbers = re.findall(r"<(?:\w+:)?NationalId[^>]*>([^<]*)</", text)
    found = "".join(
        f"<Salary><NationalId>{number}</NationalId><Office>Ministry of Works</Office><Monthly>300</Monthly>"
        "<PaidOn>2026-10-31</PaidOn></Salary>"
        for number in numbers
        if number in KNOWN
    )
    unknown = "".join(f"<Unknown>{number}</Unknown>" for number in numbers if number not in KNOWN)
    body = f'<Salaries xmlns="urn:payroll:1">{found}{unknown}</Salaries>'
    envelope = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    return web.Response(text=envelope, content_type="text/xml")


async def resources(request: web.Request) -> web.Response:
    """FHIR: one search, by form."""
    form = await request.post()
    given = ",".join(str(value) for name, value in form.items() if "identifier" in name)
    people = [number for number in KNOWN if f"|{number}" in given]
    made = {"Patient": _patient, "Encounter": _visit, "Observation": _pregnancy}[request.match_info["type"]]
    entries = [{"search": {"mode": "match"}, "resource": made(number)} for number in people]
    return _json({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})


def _patient(number: str) -> dict[str, Any]:
    identifier = [{"system": "urn:id:national", "value": number}]
    meta = {"lastUpdated": "2026-10-05T08:30:00Z"}
    return {"resourceType": "Patient", "id": f"p{number}", "meta": meta, "identifier": identifier}


def _visit(number: str) -> dict[str, Any]:
    subject = {"reference": f"Patient/p{number}"}
    return {"resourceType": "Encounter", "id": f"e{number}", "status": "finished", "subject": subject}


def _pregnancy(number: str) -> dict[str, Any]:
    coding = [{"system": "http://snomed.info/sct", "code": "77386006"}]
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "subject": {"reference": f"Patient/p{number}"},
        "effectiveDateTime": "2026-09-01",
        "valueCodeableConcept": {"coding": coding},
    }


async def features(request: web.Request) -> web.Response:
    """OGC: the features of everybody named in the filter."""
    named = re.findall(r"'((?:[^']|'')*)'", request.query["filter"])
    found = [
        {
            "type": "Feature",
            "id": f"F-{at}",
            "geometry": None,
            "properties": {"holder_ids": [number], "square_metres": 12500, "surveyed": "31.05.2025"},
        }
        for at, number in enumerate(KNOWN)
        if number in named
    ]
    counted = {"numberMatched": len(found), "numberReturned": len(found)}
    return _json({"type": "FeatureCollection", "features": found} | counted)


async def births(request: web.Request) -> web.Response:
    """DCI: one item for each question."""
    message = orjson.loads(await request.read())
    now = "2026-11-20T12:00:00Z"
    items = []
    for asked in message["message"]["search_request"]:
        query = asked["search_criteria"]["query"]
        number = query["value"]
        person = {
            "identifier": [{"identifier_type": "UIN", "identifier_value": number}],
            "name": {"given_name": "Asha"},
            "birth_date": "1990-02-01",
            "last_updated": "2026-01-31T00:00:00Z",
        }
        data = {"version": "1.0.0", "reg_records": [person] if number in KNOWN else []}
        items.append({"reference_id": asked["reference_id"], "timestamp": now, "status": "succ", "data": data})
    said = {"transaction_id": message["message"]["transaction_id"], "correlation_id": "1", "search_response": items}
    header = {"version": "1.0.0", "message_id": "1", "message_ts": now, "action": "on-search", "status": "succ"}
    return _json({"header": header, "message": said})


def _application() -> web.Application:
    app = web.Application(middlewares=[guarded])
    app.router.add_get("/rest/pensions/{number}", pension)
    app.router.add_post("/graphql", dwelling)
    app.router.add_post("/services/payroll", salaries)
    app.router.add_post("/fhir/{type}/_search", resources)
    app.router.add_get("/ogc/v1/collections/fields/items", features)
    app.router.add_post("/registry/sync/search", births)
    return app


@contextmanager
def stand_ins(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run them all; give the environment that leads to them."""
    drops = folder / "drops"
    drops.mkdir()
    rows = "".join(f"{number};J;Hill Growers\n" for number in KNOWN)
    (drops / "vouchers-1.csv").write_text(f"National ID;Voucher;Cooperative\n{rows}", encoding="utf-8")
    database = folder / "people.db"
    source = sqlite3.connect(database)
    source.execute("CREATE TABLE insured (uin TEXT, months_paid INTEGER, changed_on TEXT, closed INTEGER)")
    source.executemany("INSERT INTO insured VALUES (?, 11, '2026-10-31', 0)", [(number,) for number in KNOWN])
    source.commit()
    source.close()
    with served(_application()) as base:
        yield {
            "HEARTH_PENSIONS_URL": f"{base}/rest",
            "HEARTH_PENSIONS_KEY": SECRET,
            "HEARTH_DWELLINGS_URL": base,
            "HEARTH_DWELLINGS_TOKEN": SECRET,
            "HEARTH_PAYROLL_URL": base,
            "HEARTH_PAYROLL_USER": "hearth",
            "HEARTH_PAYROLL_PASSWORD": SECRET,
            "HEARTH_MATERNITY_URL": base,
            "HEARTH_MATERNITY_TOKEN": SECRET,
            "HEARTH_FIELDS_URL": base,
            "HEARTH_CONTRIBUTIONS_URL": f"sqlite:///{database}",
            "HEARTH_VOUCHERS_URL": drops.as_uri(),
            "HEARTH_BIRTHS_URL": base,
            "HEARTH_BIRTHS_TOKEN": SECRET,
        }


@contextmanager
def served(app: web.Application) -> Iterator[str]:
    """Serve an application in a thread of its own; give its address."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []
    runner = web.AppRunner(app, access_log=None)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.append(runner.addresses[0][1])
        ready.set()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield f"http://127.0.0.1:{found[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
