"""The usual peer: FastAPI, httpx and pydantic, as one would write it; the same calls, no token, no policy, no journal.

It runs in an environment of its own (the extra `bench` of pyproject.toml): `python -m tests.bench.peer_fastapi TASK.json`.
With `"single": true` it asks one registry about one person at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

from tests.bench.calls import NUMBER, Step, call, steps_of
from tests.bench.merging import ASKED

TASK: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")) if len(sys.argv) > 1 else {}
STEPS = steps_of(TASK.get("plan", ""))
TAX = "{urn:pv:revenue:taxpayer:1}"


# -- what the registries answer ------------------------------------------------------------------------------


class Number(BaseModel):
    identifier_type: str
    identifier_value: str


class Name(BaseModel):
    given_name: str
    surname: str
    second_name: str | None = None


class Address(BaseModel):
    address_line_1: str | None = None
    locality: str | None = None
    sub_region_code: str | None = None
    region_code: str | None = None
    postal_code: str | None = None


class CivilRecord(BaseModel):
    identifier: list[Number]
    name: Name
    sex: str
    birth_date: date
    marital_status: str | None = None
    vital_status: str = Field(alias="pv:vital_status")
    last_updated: datetime


class SocialPerson(BaseModel):
    name: Name
    sex: str
    birth_date: date
    address: list[Address]


class SocialMember(BaseModel):
    member_identifier: list[Number]
    demographic_info: SocialPerson
    relationship_to_head: str
    is_disabled: bool | None = None
    marital_status: str | None = None
    last_updated: datetime


class Further(BaseModel):
    name: str
    value: Any


class SocialGroup(BaseModel):
    group_identifier: list[Number]
    poverty_score: float
    group_size: int
    member_list: list[SocialMember]
    additional_attributes: list[Further]
    last_updated: datetime


class Identity(BaseModel):
    UIN: str
    givenName: list[dict[str, str]]
    familyName: list[dict[str, str]]
    gender: str
    dateOfBirth: str
    addressLine: str | None = None
    town: str | None = None
    districtCode: str | None = None
    regionCode: str | None = None
    lifeStatus: str
    taxNumber: str | None = None
    updatedOn: str


class FoundIdentity(BaseModel):
    status: str
    identity: Identity | None = None


class Parcel(BaseModel):
    parcel_number: str
    owner_national_numbers: list[str]
    area_m2: float
    tenure: str
    land_use: str
    assessed_value: int
    updated: datetime


class Feature(BaseModel):
    id: str
    properties: Parcel


class Parcels(BaseModel):
    features: list[Feature]


class Bundle(BaseModel):
    resourceType: str
    entry: list[dict[str, Any]] = []


# -- what the programme gets ---------------------------------------------------------------------------------


class Evidence(BaseModel):
    state: str
    source: str | None = None
    retrieved_at: datetime
    as_of: str | None = None
    cached: bool = False


class Member(BaseModel):
    member_identifier: list[Number]
    name: Name
    sex: str | None
    birth_date: str | None
    address: Address
    vital_status: str | None
    marital_status: str | None
    is_disabled: bool | None
    employment_status: str | None
    income_annual: int | None
    land_parcel_count: int | None
    land_area_ha: float | None
    is_pregnant: bool | None
    is_lactating: bool | None
    insured: bool | None
    age: int


class Household(BaseModel):
    attributes: dict[str, Any]
    group_head_info: Member
    member_list: list[Member]


class MemberEvidence(BaseModel):
    member: int
    attributes: dict[str, Evidence]


class HouseholdEvidence(BaseModel):
    attributes: dict[str, Evidence]
    members: list[MemberEvidence]


class Item(BaseModel):
    reference_id: str
    timestamp: datetime
    status: str
    reg_records: list[Household]
    evidence: list[HouseholdEvidence]
    calls: int


class Message(BaseModel):
    transaction_id: str
    correlation_id: str
    search_response: list[Item]


class Answer(BaseModel):
    header: dict[str, Any]
    message: Message


class Query(BaseModel):
    type: str
    value: str


class Criteria(BaseModel):
    query_type: str
    query: Query


class QuestionItem(BaseModel):
    reference_id: str
    search_criteria: Criteria


class QuestionMessage(BaseModel):
    transaction_id: str
    search_request: list[QuestionItem]


class Question(BaseModel):
    header: dict[str, Any]
    message: QuestionMessage


# -- one question --------------------------------------------------------------------------------------------

Found = tuple[str, dict[str, Any], str | None, dict[str, str]]


def records(answer: dict[str, Any]) -> Iterator[Any]:
    for item in answer["message"]["search_response"]:
        yield from item["data"]["reg_records"]


def numbers_of(listed: Sequence[Number]) -> dict[str, str]:
    return {number.identifier_type: number.identifier_value for number in listed}


def read(operation: str, response: httpx.Response) -> list[Found]:
    """Return what an answer says: number, values, date of the record, further numbers."""
    found: list[Found] = []
    if operation == "tax.taxpayer":
        for taxpayer in ET.fromstring(response.content).iter(f"{TAX}Taxpayer"):
            kinds = ("EmploymentIncome", "BusinessIncome")
            income = sum(int(taxpayer.findtext(f"{TAX}Assessment/{TAX}{kind}") or 0) for kind in kinds) // 100
            status = taxpayer.findtext(f"{TAX}Employment/{TAX}Code")
            values = {"income_annual": income, "employment_status": status}
            found.append((taxpayer.findtext(f"{TAX}TIN") or "", values, taxpayer.findtext(f"{TAX}LastChanged"), {}))
        return found
    answer = response.json()
    if operation == "crvs.person":
        for record in map(CivilRecord.model_validate, records(answer)):
            known = numbers_of(record.identifier)
            values = {
                **record.name.model_dump(exclude={"second_name"}),
                "sex": record.sex,
                "birth_date": record.birth_date.isoformat(),
                "vital_status": record.vital_status,
                "marital_status": record.marital_status,
            }
            found.append((known["UIN"], values, record.last_updated.isoformat(), known))
    elif operation == "social.member":
        for one in map(SocialMember.model_validate, records(answer)):
            known = numbers_of(one.member_identifier)
            address = one.demographic_info.address[0]
            values = {
                **one.demographic_info.name.model_dump(exclude={"second_name"}),
                "sex": one.demographic_info.sex,
                "birth_date": one.demographic_info.birth_date.isoformat(),
                "marital_status": one.marital_status,
                "is_disabled": one.is_disabled,
                "address_line": address.address_line_1,
                **address.model_dump(include={"locality", "sub_region_code", "region_code"}),
            }
            found.append((known["UIN"], values, one.last_updated.isoformat(), known))
    elif operation == "national_id.identity":
        for each in map(FoundIdentity.model_validate, answer["response"]["identities"]):
            if (identity := each.identity) is None:
                continue
            values = {
                "uin": identity.UIN,
                "given_name": identity.givenName[0]["value"],
                "surname": identity.familyName[0]["value"],
                "sex": {"M": "male", "F": "female"}.get(identity.gender, "other"),
                "birth_date": identity.dateOfBirth.replace("/", "-"),
                "address_line": identity.addressLine,
                "locality": identity.town,
                "sub_region_code": identity.districtCode,
                "region_code": identity.regionCode,
                "vital_status": "alive" if identity.lifeStatus == "ALIVE" else "dead",
            }
            further = {"TIN": identity.taxNumber} if identity.taxNumber else {}
            found.append((identity.UIN, values, identity.updatedOn, further))
    elif operation == "land.holdings":
        held: dict[str, list[Parcel]] = {}
        for feature in Parcels.model_validate(answer).features:
            for owner in feature.properties.owner_national_numbers:
                held.setdefault(owner, []).append(feature.properties)
        for owner, parcels in held.items():
            area = sum(parcel.area_m2 / len(parcel.owner_national_numbers) for parcel in parcels) / 10_000
            values = {"land_parcel_count": len(parcels), "land_area_ha": area}
            found.append((owner, values, parcels[0].updated.isoformat(), {}))
    elif operation == "health.patient":
        for entry in Bundle.model_validate(answer).entry:
            systems = {pair["system"]: pair["value"] for pair in entry["resource"]["identifier"]}
            patient = {"PATIENT_NUMBER": systems["urn:pv:patient-number"]}
            found.append((systems["urn:pv:national-number"], {}, None, patient))
    elif operation == "health.chart":
        found.extend(read_chart(answer))
    return found


def read_chart(answer: dict[str, Any]) -> Iterator[Found]:
    patients, coverages, observations = (
        Bundle.model_validate(entry["resource"]) for entry in Bundle.model_validate(answer).entry
    )
    charts: dict[str, tuple[dict[str, Any], str]] = {}
    for entry in patients.entry:
        charts[entry["resource"]["id"]] = ({"insured": False}, entry["resource"]["meta"]["lastUpdated"])
    for entry in coverages.entry:
        number = entry["resource"]["beneficiary"]["reference"].removeprefix("Patient/")
        charts[number][0]["insured"] = entry["resource"]["status"] == "active"
    for entry in observations.entry:
        seen = entry["resource"]
        values = charts[seen["subject"]["reference"].removeprefix("Patient/")][0]
        if seen["code"]["coding"][0]["code"] == "82810-3":
            values["is_pregnant"] = seen["valueCodeableConcept"]["coding"][0]["code"] == "77386006"
        else:
            values["is_lactating"] = seen["valueBoolean"]
    for number, (values, as_of) in charts.items():
        yield number, values, as_of, {}


class Gathering:
    """One household under construction."""

    def __init__(self, client: httpx.AsyncClient, head: dict[str, str]) -> None:
        self.client = client
        self.people = [head]
        self.values: list[dict[str, Any]] = [{}]
        self.evidence: list[dict[str, Evidence]] = [{}]
        self.household: dict[str, Any] = {}
        self.household_evidence: dict[str, Evidence] = {}
        self.known: set[str] = set()
        self.calls = 0

    async def ask(self, operation: str, people: list[dict[str, str]]) -> list[httpx.Response]:
        if not people:
            return []
        if TASK["single"]:
            return list(await asyncio.gather(*(self.send(operation, [person]) for person in people)))
        return [await self.send(operation, people)]

    async def send(self, operation: str, people: list[dict[str, str]]) -> httpx.Response:
        one = call(operation, people)
        self.calls += 1
        response = await self.client.request(
            one.method,
            TASK["addresses"][one.registry] + one.path,
            headers=dict(one.headers),
            params=one.params,
            json=one.json,
            content=one.content,
        )
        return response.raise_for_status()

    async def start(self, steps: Sequence[Step]) -> None:
        answers = await asyncio.gather(*(self.ask(step.operation, self.people[:1]) for step in steps))
        for step, responses in zip(steps, answers, strict=True):
            if step.operation == "social.group":
                self.take_group(SocialGroup.model_validate(next(records(responses[0].json()))))
        for step, responses in zip(steps, answers, strict=True):
            self.known.add(step.operation)
            for response in responses:
                self.take(step.operation, response)

    def take_group(self, group: SocialGroup) -> None:
        self.people = [numbers_of(member.member_identifier) for member in group.member_list]
        self.values, self.evidence = [{} for _ in self.people], [{} for _ in self.people]
        further = {entry.name: entry.value for entry in group.additional_attributes}
        self.household = {
            "household_id": group.group_identifier[0].identifier_value,
            "poverty_score": group.poverty_score,
            "registered_size": group.group_size,
            **{name: further.get(name) for name in ("dwelling_type", "water_source", "has_electricity")},
            "benefit_programmes": further.get("benefit_programmes"),
        }
        for name in self.household:
            self.household_evidence[name] = told("value", "social", group.last_updated.isoformat())

    def take(self, operation: str, response: httpx.Response) -> None:
        source = operation.partition(".")[0]
        for number, values, as_of, numbers in read(operation, response):
            for place, person in enumerate(self.people):
                if number in person.values():
                    person.update(numbers)
                    for name, value in values.items():
                        if name not in self.values[place]:
                            self.values[place][name] = value
                            state = "absent" if value is None else "value"
                            self.evidence[place][name] = told(state, source, as_of)

    async def step(self, step: Step, waits: list[asyncio.Task[None]]) -> None:
        for task in waits:
            await task
        people = [person for person in self.people if NUMBER[step.operation] in person]
        for response in await self.ask(step.operation, people[1:] if step.operation in self.known else people):
            self.take(step.operation, response)

    def answer(self, question: Question) -> Answer:
        members = [member_of(values) for values in self.values]
        for evidence in self.evidence:
            for name in ASKED:
                if name not in evidence:
                    evidence[name] = told("absent", None, None)
        self.household["household_size"] = len(members)
        self.household["household_income"] = sum(member.income_annual or 0 for member in members)
        self.household["total_land_ha"] = sum(member.land_area_ha or 0 for member in members)
        item = Item(
            reference_id=question.message.search_request[0].reference_id,
            timestamp=datetime.now(timezone.utc),  # noqa: UP017
            status="succ",
            reg_records=[Household(attributes=self.household, group_head_info=members[0], member_list=members)],
            evidence=[
                HouseholdEvidence(
                    attributes=self.household_evidence,
                    members=[MemberEvidence(member=n, attributes=e) for n, e in enumerate(self.evidence)],
                )
            ],
            calls=self.calls,
        )
        message = Message(transaction_id=question.message.transaction_id, correlation_id="0", search_response=[item])
        return Answer(header={**question.header, "action": "on-search", "status": "succ"}, message=message)


def told(state: str, source: str | None, as_of: str | None) -> Evidence:
    return Evidence(state=state, source=source, retrieved_at=datetime.now(timezone.utc), as_of=as_of)  # noqa: UP017


def member_of(values: dict[str, Any]) -> Member:
    address = Address(
        address_line_1=values.get("address_line"),
        locality=values.get("locality"),
        sub_region_code=values.get("sub_region_code"),
        region_code=values.get("region_code"),
    )
    return Member(
        member_identifier=[Number(identifier_type="UIN", identifier_value=values["uin"])],
        name=Name(given_name=values["given_name"], surname=values["surname"]),
        address=address,
        age=(date(2026, 9, 30) - date.fromisoformat(values["birth_date"])).days // 365,
        **{name: values.get(name) for name in Member.model_fields if name in ASKED and name != "age"},
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/registry/sync/search")
async def search(question: Question) -> Answer:
    """Ask the registries, merge, answer."""
    query = question.message.search_request[0].search_criteria.query
    gathering = Gathering(app.state.client, {query.type: query.value})
    await gathering.start([step for step in STEPS if not step.is_for_everyone])
    tasks: dict[int, asyncio.Task[None]] = {}
    for step in STEPS:
        if step.is_for_everyone:
            waits = [tasks[number] for number in step.after if number in tasks]
            tasks[step.number] = asyncio.create_task(gathering.step(step, waits))
    await asyncio.gather(*tasks.values())
    return gathering.answer(question)


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, backlog=4096))

    def wait() -> None:
        Path(TASK["ready"]).write_text(f"http://127.0.0.1:{listener.getsockname()[1]}", encoding="utf-8")
        while os.read(sys.stdin.fileno(), 4096):
            pass
        server.should_exit = True

    listener.listen(4096)
    threading.Thread(target=wait, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
