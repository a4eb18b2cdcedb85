"""The national ID platform: identities by number, in its own REST dialect; only the fields asked for are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import orjson
from aiohttp import web

from mocks.people import Person
from mocks.registry import Call, Operation, Registry, json_answer, same

MOST_IDENTIFIERS: Final = 100
QUERY: Final = "pv.identity.query"
VERSION: Final = "1.0"
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
    spoiled_names: ClassVar[Mapping[str, str]] = {"identities": "persons", "identity": "person"}

    def operations(self) -> Iterable[Operation]:
        """Return the one business operation."""
        yield Operation("POST", "/idrepo/v1/identities/query", self.query, "query")

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
                    self._entry(one, person, stranger, fields)
                    for one, person, stranger in zip(asked, found, call.about(found), strict=True)
                ]
            },
            [],
        )

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
            "givenName": _spoken(given),
            "middleName": _spoken(second),
            "familyName": _spoken(family),
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
        }


def _spoken(name: str | None) -> list[dict[str, str]]:
    """Return a name in the one language this platform keeps names in."""
    return [{"language": "eng", "value": name}] if name else []


def _question(body: bytes) -> tuple[Sequence[Mapping[str, str]], Sequence[str]]:
    """Read the numbers and the fields of a question.

    Raises: BusinessError.
    """
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BusinessError("IDR-001", "the request is not JSON") from None
    if not isinstance(whole, dict) or whole.get("id") != QUERY or whole.get("version") != VERSION:
        raise BusinessError("IDR-002", f"id must be {QUERY} and version {VERSION}")
    if not isinstance(whole.get("requesttime"), str):
        raise BusinessError("IDR-003", "requesttime is missing")
    request = whole.get("request")
    if not isinstance(request, dict):
        raise BusinessError("IDR-004", "request is missing")
    asked = request.get("identifiers")
    if not isinstance(asked, list) or not asked:
        raise BusinessError("IDR-004", "request.identifiers is missing")
    if len(asked) > MOST_IDENTIFIERS:
        raise BusinessError("IDR-009", f"at most {MOST_IDENTIFIERS} identifiers in one request")
    for one in asked:
        if not isinstance(one, dict) or one.get("idType") not in ("UIN", "TIN") or not isinstance(one.get("id"), str):
            raise BusinessError("IDR-005", "an identifier has an idType, UIN or TIN, and an id")
    fields = request.get("fields", [])
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise BusinessError("IDR-006", "request.fields is a list of names")
    return asked, fields


def _answer(response: Any, errors: list[dict[str, str]], *, status: int = 200) -> web.Response:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    answer = {"id": QUERY, "version": VERSION, "responsetime": now, "response": response, "errors": errors}
    return json_answer(answer, status=status)
