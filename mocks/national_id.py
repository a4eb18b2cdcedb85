"""The national ID platform: identities by number, residents by dwelling, in its own REST dialect.

`POST /idrepo/v1/identities/query` tells the fields asked for of identities by UIN, TIN or BRN. Two of the fields are
for finding people, not for describing them: `birthRegistrationNumber`, the birth an identity rests on, and
`dwellingKey`, an opaque key of where the person lives. By BRN there is one entry for each identity that rests on that
birth, so two for somebody who was registered twice.

`POST /idrepo/v1/residents/query` tells who lives in a dwelling:

    {"id": "pv.residents.query", "version": "1.0", "requesttime": "...",
     "request": {"dwellingKeys": ["DW0123456789"], "atMost": 50}}
    {"id": "pv.residents.query", "version": "1.0", "responsetime": "...", "response": {"dwellings": [
      {"query": {"dwellingKey": "DW0123456789"}, "status": "FOUND", "dwelling": {"dwellingKey": "DW0123456789",
       "residentCount": 2, "residents": [{"UIN": "1234567890", "birthRegistrationNumber": "B1990-000001"}, ...]}},
      {"query": {...}, "status": "NOT_FOUND"}]}, "errors": []}

Where more than `atMost` people live (1 to 100, default 50) the status is `CROWDED`, and nobody is named: that is an
institution. Residents are the identities that are alive by this platform's word, a double registration with both its
numbers. Counts (`query`, `residents`) and faults are as for every practice registry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import orjson
from aiohttp import web

from mocks.chance import fraction
from mocks.events import Event
from mocks.people import Person
from mocks.population import Population
from mocks.registry import Call, Operation, Registry, json_answer, same
from mocks.scripts import HILL_LANGUAGE, HILLS, ethiopic

MOST_IDENTIFIERS: Final = 100
QUERY: Final = "pv.identity.query"
RESIDENTS: Final = "pv.residents.query"
VERSION: Final = "1.0"
MOST_RESIDENTS: Final = 100
ID_TYPES: Final = ("UIN", "TIN", "BRN")
_GENDERS: Final = {"female": "F", "male": "M"}


class BusinessError(Exception):
    """A question this platform refuses in its own words: a code and a message, by HTTP 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NationalIdRegistry(Registry):
    """Everybody with a national number; two identities for those who were registered twice."""

    name = "national_id"
    speaks = "rest"
    reg_type = "ns:hearth:RegistryType:NationalID"
    secrets = ("KEY",)
    spoiled_names: ClassVar[Mapping[str, str]] = {
        "identities": "persons",
        "identity": "person",
        "dwellings": "homes",
        "dwelling": "home",
    }

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self._residents: dict[int | None, list[Person]] = defaultdict(list)
        for person in population.people:
            if person.uin is not None and population.national_id_alive(person.index):
                self._residents[person.household].append(person)
        self._key_of = _dwelling_keys(population)
        self._dwellings = {key: household for household, key in self._key_of.items()}

    def learn(self, event: Event) -> None:
        """Count those whom an event concerns among the residents of where they live now, or no longer."""
        people = self.population.people
        for place in event.concerned:
            for home in (people[place].household, event.details.get("from")):
                self._residents[home] = [one for one in self._residents.get(home, []) if one.index != place]
            if people[place].uin is not None and self.population.national_id_alive(place):
                self._residents[people[place].household].append(people[place])

    def operations(self) -> Iterable[Operation]:
        """Return the two business operations."""
        yield Operation("POST", "/idrepo/v1/identities/query", self.query, "query")
        yield Operation("POST", "/idrepo/v1/residents/query", self.residents, "residents")

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 of a call without the key or without a partner id."""
        if same(request.headers.get("X-API-Key"), self.credentials["KEY"]) and request.headers.get("X-Partner-Id"):
            return None
        return _answer(None, [{"errorCode": "KER-ATH-401", "message": "authentication failed"}], status=401)

    def holds(self, person: Person) -> bool:
        """Tell whether a person has a national number."""
        return person.uin is not None

    async def query(self, request: web.Request, call: Call) -> web.Response:
        """Answer about up to a hundred numbers, in the order asked."""
        try:
            asked, fields = _question(await request.read())
        except BusinessError as refusal:
            return _answer(None, [{"errorCode": refusal.code, "message": str(refusal)}])
        call.asked(len(asked))
        found = [self._person(one["idType"], one["id"]) for one in asked]
        return _answer(
            {
                "identities": [
                    entry
                    for one, person, stranger in zip(asked, found, call.about(found), strict=True)
                    for entry in self._entries(one, person, stranger, fields)
                ]
            },
            [],
        )

    async def residents(self, request: web.Request, call: Call) -> web.Response:
        """Answer who lives in up to a hundred dwellings, in the order asked."""
        try:
            keys, at_most = _dwelling_question(await request.read())
        except BusinessError as refusal:
            return _answer(None, [{"errorCode": refusal.code, "message": str(refusal)}], id_=RESIDENTS)
        call.asked(len(keys))
        # A dwelling is known as long as anybody is registered there; its first resident stands for it under faults.
        first = [next(iter(self._residents.get(self._dwellings.get(key, -1), ())), None) for key in keys]
        dwellings = [self._dwelling(key, person, at_most) for key, person in zip(keys, call.about(first), strict=True)]
        return _answer({"dwellings": dwellings}, [], id_=RESIDENTS)

    def _dwelling(self, key: str, shown: Person | None, at_most: int) -> dict[str, Any]:
        query = {"dwellingKey": key}
        if shown is None:
            return {"query": query, "status": "NOT_FOUND"}
        residents = [
            {"UIN": uin} | ({"birthRegistrationNumber": one.brn} if one.brn else {})
            for one in self._residents[shown.household]
            for uin in (one.uin, one.second_uin)
            if uin is not None
        ]
        told: dict[str, Any] = {"dwellingKey": self._key_of[shown.household], "residentCount": len(residents)}
        if len(residents) > at_most:
            return {"query": query, "status": "CROWDED", "dwelling": told}
        return {"query": query, "status": "FOUND", "dwelling": told | {"residents": residents}}

    def _entries(
        self, asked: Mapping[str, str], person: Person | None, shown: Person | None, fields: Sequence[str]
    ) -> Iterable[dict[str, Any]]:
        """Yield the entry of a number; by BRN one for every identity that rests on the birth."""
        entry = self._entry(asked, person, shown, fields)
        yield entry
        if asked["idType"] == "BRN" and shown is not None and shown.second_uin and "identity" in entry:
            yield entry | {"identity": entry["identity"] | {"UIN": shown.second_uin}}

    def _person(self, id_type: str, value: str) -> Person | None:
        place = self.population.by_number[id_type].get(value)
        person = None if place is None else self.population.people[place]
        return person if person is not None and self.holds(person) else None

    def _entry(
        self, asked: Mapping[str, str], person: Person | None, shown: Person | None, fields: Sequence[str]
    ) -> dict[str, Any]:
        query = {"idType": asked["idType"], "id": asked["id"]}
        if person is None or shown is None:
            return {"query": query, "status": "NOT_FOUND"}
        # A double registration has two records: the one asked for by its number answers with that number.
        second = shown is person and asked["id"] == person.second_uin
        uin = person.second_uin if second else shown.uin
        return {"query": query, "status": "FOUND", "identity": self._identity(shown, uin, fields)}

    def _identity(self, person: Person, uin: str | None, fields: Sequence[str]) -> dict[str, Any]:
        known = self._known(person)
        told = {field: value for field in fields if (value := known.get(field))}
        return told | {"UIN": uin, "updatedOn": person.updated_on.strftime("%Y/%m/%d 10:20:00")}

    def _known(self, person: Person) -> dict[str, Any]:
        """Return everything this platform knows about a person; what is None or empty it does not know."""
        given, second, family = self.population.spelling(self.name, person.index)
        address = self.population.households[person.household].address
        return {
            "givenName": _spoken(given, address.region),
            "middleName": _spoken(second, address.region),
            "familyName": _spoken(family, address.region),
            "gender": _GENDERS.get(person.sex, "X"),
            "dateOfBirth": person.birth_date.strftime("%Y/%m/%d"),
            "phone": person.phone,
            "email": person.email,
            "addressLine": address.line,
            "town": address.locality,
            "districtCode": address.district,
            "regionCode": address.region,
            "postCode": address.postal_code,
            "nationality": "POV",
            "preferredLanguage": person.language,
            # Some deaths never reached this platform.
            "lifeStatus": "ALIVE" if self.population.national_id_alive(person.index) else "DECEASED",
            "taxNumber": person.tin,
            "birthRegistrationNumber": person.brn,
            "dwellingKey": self._key_of[person.household],
        }


def _spoken(name: str | None, region: str) -> list[dict[str, str]]:
    """Return a name as it is spelled in Latin letters and, in the region of the hills, as people there write it."""
    if not name:
        return []
    spelled = [{"language": "eng", "value": name}]
    return [*spelled, {"language": HILL_LANGUAGE, "value": ethiopic(name)}] if region == HILLS else spelled


def _dwelling_keys(population: Population) -> dict[int, str]:
    """Return an opaque key for every household's dwelling; the same country has the same keys."""
    taken: dict[int, int] = {}
    for household in range(len(population.households)):
        number = int(fraction(population.seed, "dwelling", household) * 10**10)
        while number in taken:
            number = (number + 1) % 10**10
        taken[number] = household
    return {household: f"DW{number:010d}" for number, household in taken.items()}


def _dwelling_question(body: bytes) -> tuple[Sequence[str], int]:
    """Read the dwellings of a question, and how many residents may be told of each.

    Raises: BusinessError.
    """
    request = _request(body, RESIDENTS)
    keys, at_most = request.get("dwellingKeys"), request.get("atMost", 50)
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise BusinessError("IDR-004", "request.dwellingKeys is missing")
    if len(keys) > MOST_IDENTIFIERS:
        raise BusinessError("IDR-009", f"at most {MOST_IDENTIFIERS} dwellings in one request")
    if not isinstance(at_most, int) or not 1 <= at_most <= MOST_RESIDENTS:
        raise BusinessError("IDR-007", f"request.atMost is a number from 1 to {MOST_RESIDENTS}")
    return keys, at_most


def _request(body: bytes, id_: str) -> Mapping[str, Any]:
    """Return the inner part of a question of one kind.

    Raises: BusinessError.
    """
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BusinessError("IDR-001", "the request is not JSON") from None
    if not isinstance(whole, dict) or whole.get("id") != id_ or whole.get("version") != VERSION:
        raise BusinessError("IDR-002", f"id must be {id_} and version {VERSION}")
    if not isinstance(whole.get("requesttime"), str):
        raise BusinessError("IDR-003", "requesttime is missing")
    request = whole.get("request")
    if not isinstance(request, dict):
        raise BusinessError("IDR-004", "request is missing")
    return request


def _question(body: bytes) -> tuple[Sequence[Mapping[str, str]], Sequence[str]]:
    """Read the numbers and the fields of a question.

    Raises: BusinessError.
    """
    request = _request(body, QUERY)
    asked = request.get("identifiers")
    if not isinstance(asked, list) or not asked:
        raise BusinessError("IDR-004", "request.identifiers is missing")
    if len(asked) > MOST_IDENTIFIERS:
        raise BusinessError("IDR-009", f"at most {MOST_IDENTIFIERS} identifiers in one request")
    for one in asked:
        if not isinstance(one, dict) or one.get("idType") not in ID_TYPES or not isinstance(one.get("id"), str):
            raise BusinessError("IDR-005", "an identifier has an idType (UIN, TIN or BRN) and an id")
    fields = request.get("fields", [])
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise BusinessError("IDR-006", "request.fields is a list of names")
    return asked, fields


def _answer(response: Any, errors: list[dict[str, str]], *, status: int = 200, id_: str = QUERY) -> web.Response:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    answer = {"id": id_, "version": VERSION, "responsetime": now, "response": response, "errors": errors}
    return json_answer(answer, status=status)
