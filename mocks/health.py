"""The health registry: patients and their charts as a FHIR R4 server, read only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Final

from aiohttp import web

from mocks.fhir import CHART_TYPES, NATIONAL_NUMBER, PATIENT_NUMBER, patient
from mocks.fhir_bundles import (
    batch_requests,
    batch_response,
    capability_statement,
    outcome,
    page_of,
    parameters_of,
    searchset,
)
from mocks.fhir_search import FhirError, Search, search_of
from mocks.people import Person
from mocks.registry import Call, Operation, Registry, json_answer, same

BASE: Final = "/fhir"
PUBLISHED: Final = date(2026, 1, 1)
_NUMBERS: Final = {NATIONAL_NUMBER: "UIN", PATIENT_NUMBER: "PATIENT_NUMBER"}
_FORM: Final = "application/x-www-form-urlencoded"

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]


class HealthRegistry(Registry):
    """The clinics' server: FHIR R4 with a bearer token."""

    name = "health"
    speaks = "fhir"
    reg_type = "ns:hearth:RegistryType:Health"
    media_type = "application/fhir+json"
    secrets = ("TOKEN",)
    spoiled_names: ClassVar[Mapping[str, str]] = {
        "resource": "content",
        "identifier": "identifiers",
        "period": "dates",
    }

    def operations(self) -> Iterable[Operation]:
        """Return the searches, the batch of them, and the reading of one resource."""
        yield Operation("POST", BASE, self.batch, "batch")
        yield Operation("POST", BASE + "/{type}/_search", self.search, "search")
        yield Operation("GET", BASE + "/{type}", self.search, "search")
        yield Operation("GET", BASE + "/{type}/{id}", self.read, "read")

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the description of the server."""
        yield web.get(BASE + "/metadata", self.metadata)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Refuse a missing or wrong bearer token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and same(token.strip(), self.credentials["TOKEN"]):
            return None
        return self._answer(401, outcome("login", "the bearer token is missing or wrong"))

    def holds(self, person: Person) -> bool:
        """Tell whether a person was ever seen at a clinic."""
        return person.patient_number is not None

    async def metadata(self, request: web.Request) -> web.Response:
        """Answer with the CapabilityStatement."""
        return self._answer(200, capability_statement(_base(request), PUBLISHED))

    async def search(self, request: web.Request, call: Call) -> web.Response:
        """Answer a search by GET or by form."""
        parameters = parameters_of(request.query_string)
        if request.method == "POST":
            if request.content_type != _FORM:
                return self._answer(415, outcome("not-supported", f"a search is sent as {_FORM}"))
            parameters += parameters_of((await request.read()).decode(errors="replace"))
        asked: set[str] = set()
        answer = self._searched(request.match_info["type"], parameters, _base(request), call, asked)
        call.asked(len(asked))
        return self._answer(*answer)

    async def read(self, request: web.Request, call: Call) -> web.Response:
        """Answer with one resource."""
        call.asked(1)
        return self._answer(*self._read(request.match_info["type"], request.match_info["id"], call))

    async def batch(self, request: web.Request, call: Call) -> web.Response:
        """Answer a batch; people asked about in several entries count once."""
        try:
            requests = batch_requests(await request.read())
        except FhirError as problem:
            return self._answer(problem.status, outcome(problem.code, problem.text))
        asked: set[str] = set()
        answers = []
        for method, path, query in requests:
            type_, slash, id_ = path.partition("/")
            if method != "GET":
                answers.append((405, outcome("not-supported", "this server is read only")))
            elif slash:
                asked.add(_patient_of(id_))
                answers.append(self._read(type_, id_, call))
            else:
                answers.append(self._searched(type_, parameters_of(query), _base(request), call, asked))
        call.asked(len(asked))
        return self._answer(200, batch_response(answers))

    def _searched(
        self, type_: str, parameters: Parameters, base: str, call: Call, asked: set[str]
    ) -> tuple[int, Resource]:
        """Return status and answer of one search; adds the numbers it names to `asked`."""
        try:
            search = search_of(type_, parameters)
        except FhirError as problem:
            return problem.status, outcome(problem.code, problem.text)
        numbers = _named(search)
        asked.update(number for _, number in numbers)
        people = [person for person in call.about(self._people(numbers)) if person is not None]
        found = [resource for person in people for resource in self._resources(type_, person)]
        # Somebody else's record has none of the numbers asked for, and is to be given all the same.
        if not (call.wrong_person and type_ == "Patient"):
            found = [resource for resource in found if search.takes(resource)]
        included: list[Resource] = []
        if search.included:
            shown = {resource["id"] for resource in page_of(search, found)}
            included = [
                resource
                for person in people
                if person.patient_number in shown
                for kind in search.included
                for resource in self._resources(kind, person)
            ]
        return 200, searchset(base, search, parameters, found, included)

    def _read(self, type_: str, id_: str, call: Call) -> tuple[int, Resource]:
        """Return status and answer of reading one resource."""
        person = call.about(self._people([("PATIENT_NUMBER", _patient_of(id_))]))[0]
        if person is not None:
            for resource in self._resources(type_, person):
                if resource["id"] == id_ or call.wrong_person:
                    return 200, resource
        return 404, outcome("not-found", "there is no such resource")

    def _people(self, numbers: Iterable[tuple[str, str]]) -> list[Person | None]:
        """Return the patients with these numbers, each once, and None for every number no patient has."""
        found: dict[tuple[str, str] | int, Person | None] = {}
        for type_, number in numbers:
            index = self.population.by_number[type_].get(number)
            if index is not None and self.holds(self.population.people[index]):
                found[index] = self.population.people[index]
            else:
                found[type_, number] = None
        return list(found.values())

    def _resources(self, type_: str, person: Person) -> list[Resource]:
        """Return everything of one type that is held about a patient."""
        if type_ == "Patient":
            return [patient(person, self.population.spelling(self.name, person.index))]
        held = CHART_TYPES.get(type_)
        return [] if held is None else held(person, self.population.today)

    def _answer(self, status: int, resource: Resource) -> web.Response:
        return json_answer(resource, status=status, media_type=self.media_type)


def _named(search: Search) -> list[tuple[str, str]]:
    """Return type and value of the numbers by which a search names people, in a fixed order."""
    if search.patients:
        common = frozenset.intersection(*search.patients)
        return [("PATIENT_NUMBER", number) for number in sorted(common)]
    return [
        (type_, token.value)
        for token in search.tokens[0]
        for system, type_ in _NUMBERS.items()
        if token.system in {None, system}
    ]


def _patient_of(id_: str) -> str:
    """Return the patient number in a resource's id."""
    return id_.partition("-")[0]


def _base(request: web.Request) -> str:
    return f"{request.url.origin()}{BASE}"
