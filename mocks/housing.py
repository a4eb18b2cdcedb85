"""The housing authority: how people are housed, asked in GraphQL.

`POST /graphql` answers one field of the query type, under a bearer token:

    query ($uins: [ID!]!, $first: Int, $after: String) {
      residents(uins: $uins, first: $first, after: $after) {
        totalCount
        unknown
        nodes { uin dwelling { code kind roof floor rooms waterSource electricity tenure surveyedOn } }
        pageInfo { hasNextPage endCursor }
      }
    }

Up to a hundred numbers, up to fifty residents a page; `unknown` lists the numbers nobody is housed under. What is
wrong with a query is told by HTTP 200 and `errors`, as GraphQL has it; only what is no JSON at all gets a 400.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import orjson
from aiohttp import web

from mocks.graphql import QueryError, execute, parse
from mocks.housing_surveys import Survey, surveys
from mocks.people import Person
from mocks.population import Population
from mocks.registry import Call, Operation, Registry, json_answer, same

MOST_NUMBERS: Final = 100
MOST_PER_PAGE: Final = 50
_ARGUMENTS: Final = frozenset({"uins", "first", "after"})


class HousingRegistry(Registry):
    """Residents by national number, each with the dwelling they live in."""

    name = "housing"
    speaks = "graphql"
    reg_type = "ns:hearth:RegistryType:Housing"
    secrets = ("TOKEN",)
    spoiled_names: ClassVar[Mapping[str, str]] = {"nodes": "items", "unknown": "missing", "dwelling": "home"}

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self.surveys = surveys(population)
        self._home = {one.index: survey for survey in self.surveys for one in survey.residents}

    def operations(self) -> Iterable[Operation]:
        """Return the one operation."""
        yield Operation("POST", "/graphql", self.query, "query")

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 of a call without the token."""
        if same(request.headers.get("Authorization"), f"Bearer {self.credentials['TOKEN']}"):
            return None
        return json_answer({"errors": [{"message": "not authenticated"}]}, status=401)

    def holds(self, person: Person) -> bool:
        """Tell whether a person was named by a survey."""
        return person.index in self._home

    async def query(self, request: web.Request, call: Call) -> web.Response:
        """Answer a query."""
        try:
            asked = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return json_answer({"errors": [{"message": "the body is not JSON"}]}, status=400)
        text = asked.get("query") if isinstance(asked, dict) else None
        variables = (asked.get("variables") or {}) if isinstance(asked, dict) else None
        if not isinstance(text, str) or not isinstance(variables, dict):
            return json_answer(
                {"errors": [{"message": "the body has a query, and variables in an object"}]}, status=400
            )
        try:
            data = execute(parse(text), variables, {"residents": lambda given: self._residents(given, call)})
        except QueryError as problem:
            error = {"message": str(problem)} | ({"path": list(problem.path)} if problem.path else {})
            return json_answer({"errors": [error], "data": None})
        return json_answer({"data": data})

    def _residents(self, arguments: Mapping[str, Any], call: Call) -> dict[str, Any]:
        uins, first, after = _asked(arguments)
        call.asked(len(uins))
        found = [self._person(uin) for uin in uins]
        shown = call.about(found)
        nodes = [
            self._node(one, uin if one is person else one.uin)
            for uin, person, one in zip(uins, found, shown, strict=True)
            if person is not None and one is not None
        ]
        unknown = [uin for uin, person in zip(uins, found, strict=True) if person is None]
        page = nodes[after : after + first]
        end = after + len(page)
        return {
            "__typename": "ResidentConnection",
            "totalCount": len(nodes),
            "unknown": unknown,
            "nodes": page,
            "pageInfo": {
                "__typename": "PageInfo",
                "hasNextPage": end < len(nodes),
                "endCursor": _cursor(end) if page else None,
            },
        }

    def _person(self, uin: str) -> Person | None:
        place = self.population.by_number["UIN"].get(uin)
        return self.population.people[place] if place in self._home else None

    def _node(self, person: Person, uin: str | None) -> dict[str, Any]:
        survey = self._home[person.index]
        return {"__typename": "Resident", "uin": uin, "dwelling": self._dwelling(survey)}

    def _dwelling(self, survey: Survey) -> dict[str, Any]:
        address = self.population.households[survey.household].address
        return {
            "__typename": "Dwelling",
            "code": survey.code,
            "kind": survey.kind,
            "roof": survey.roof,
            "floor": survey.floor,
            "rooms": survey.rooms,
            "waterSource": survey.water,
            "electricity": survey.is_connected,
            "tenure": survey.tenure,
            "surveyedOn": survey.surveyed_on.isoformat(),
            "residentCount": len(survey.residents),
            "place": {"__typename": "Place", "town": address.locality, "district": address.district},
        }


def _asked(arguments: Mapping[str, Any]) -> tuple[Sequence[str], int, int]:
    """Read the arguments: numbers without repetition, the size of a page, and where it begins.

    Raises: QueryError.
    """
    path = ["residents"]
    if strangers := sorted(set(arguments) - _ARGUMENTS):
        raise QueryError(f'Unknown argument "{strangers[0]}" on field "Query.residents".', path)
    uins, first, after = arguments.get("uins"), arguments.get("first"), arguments.get("after")
    if not isinstance(uins, list) or not uins or not all(isinstance(uin, str) for uin in uins):
        raise QueryError('Argument "uins" of type "[ID!]!" is required.', path)
    if len(uins) > MOST_NUMBERS:
        raise QueryError(f"at most {MOST_NUMBERS} numbers in one query", path)
    if first is None:
        first = MOST_PER_PAGE
    if type(first) is not int or not 1 <= first <= MOST_PER_PAGE:
        raise QueryError(f'Argument "first" is a number from 1 to {MOST_PER_PAGE}.', path)
    try:
        start = 0 if after is None else int(base64.b64decode(after, validate=True))
    except (TypeError, ValueError):
        raise QueryError('Argument "after" is no cursor.', path) from None
    return tuple(dict.fromkeys(uins)), first, max(0, start)


def _cursor(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode()
