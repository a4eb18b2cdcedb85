"""The education registry: learners by learner number or birth registration number, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import orjson
from aiohttp import web

from mocks.people import Person, Schooling
from mocks.population import Population
from mocks.registry import Call, Operation, Registry, json_answer, same
from mocks.schooling import SCHOOL_YEAR, TERM_DAYS

TERM: Final = f"{SCHOOL_YEAR}-T2"
MOST_NUMBERS: Final = 200
MOST_PER_PAGE: Final = 200
MOST_PAGES: Final = 1_000_000
LEVELS: Final = {
    "0": "PRE_PRIMARY",
    "1": "PRIMARY",
    "2": "LOWER_SECONDARY",
    "3": "UPPER_SECONDARY",
    "4": "POST_SECONDARY",
    "5": "SHORT_TERTIARY",
    "6": "BACHELOR",
    "7": "MASTER",
    "8": "DOCTORATE",
}
"""The registry's words for ISCED levels; everything else is NONE."""


class RefusedError(Exception):
    """A request that cannot be answered: HTTP status, error code, and words without a value asked for."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Lookup(NamedTuple):
    """A question about learners, numbers without repetition."""

    learner_numbers: tuple[str, ...]
    birth_numbers: tuple[str, ...]
    page: int
    page_size: int


def lookup_of(body: bytes) -> Lookup:
    """Read the body of a lookup.

    Raises: RefusedError.
    """
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "BAD_REQUEST", "the body is not JSON") from None
    members = {"learnerNumbers", "birthRegistrationNumbers", "page", "pageSize"}
    if not isinstance(asked, dict) or not asked.keys() <= members:
        raise RefusedError(400, "BAD_REQUEST", f"the body is an object of {', '.join(sorted(members))}")
    learners = _numbers(asked, "learnerNumbers")
    births = _numbers(asked, "birthRegistrationNumbers")
    if not learners and not births:
        raise RefusedError(400, "NO_NUMBERS", "a lookup holds a number")
    if len(learners) + len(births) > MOST_NUMBERS:
        raise RefusedError(400, "TOO_MANY", f"a lookup holds at most {MOST_NUMBERS} numbers")
    page, page_size = _whole(asked, "page", 1, MOST_PAGES), _whole(asked, "pageSize", 100, MOST_PER_PAGE)
    return Lookup(learners, births, page, page_size)


def learner(
    person: Person, schooling: Schooling, name: str, birth_number: str | None, school_code: str
) -> dict[str, Any]:
    """Return one learner; enrolment and attendance are null for those who are in no school this year."""
    modified = max(person.updated_on, schooling.enrolled_on or person.updated_on)
    return {
        "learnerNumber": person.learner_number,
        "birthRegistrationNumber": birth_number,
        "fullName": name,
        "highestLevel": LEVELS.get(schooling.level, "NONE"),
        "enrolment": enrolment(schooling, school_code),
        "attendance": attendance(schooling),
        "modifiedAt": f"{modified.isoformat()}T08:00:00Z",
    }


def enrolment(schooling: Schooling, school_code: str) -> dict[str, Any] | None:
    """Return the enrolment of this school year; people who left in its course still have one, as LEFT."""
    if schooling.enrolled_on is None or not schooling.school:
        return None
    return {
        "schoolYear": str(SCHOOL_YEAR),
        "school": {"code": school_code, "name": schooling.school},
        "grade": schooling.grade,
        "enrolledOn": schooling.enrolled_on.isoformat(),
        "status": "ENROLLED" if schooling.enrolled else "LEFT",
        "repeating": schooling.repeats,
    }


def attendance(schooling: Schooling) -> dict[str, Any] | None:
    """Return the attendance of the last term in days."""
    if not schooling.enrolled or schooling.attendance is None:
        return None
    present = round(schooling.attendance * TERM_DAYS / 100)
    return {"term": TERM, "daysPossible": TERM_DAYS, "daysPresent": present}


def page_of(items: Sequence[Mapping[str, Any]], lookup: Lookup, missing: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return one page of an answer; there is always a first page, and every page lists all numbers not found."""
    start = (lookup.page - 1) * lookup.page_size
    return {
        "page": lookup.page,
        "pageSize": lookup.page_size,
        "totalPages": max(1, -(-len(items) // lookup.page_size)),
        "totalItems": len(items),
        "items": items[start : start + lookup.page_size],
        "notFound": missing,
    }


def school_codes(population: Population) -> dict[str, str]:
    """Return the code of every school by its name."""
    names = {person.schooling.school for person in population.people if person.schooling is not None}
    return {name: f"S-{number:03}" for number, name in enumerate(sorted(names - {""}), start=1)}


class EducationRegistry(Registry):
    """The learner registry: REST with an API key."""

    name = "education"
    speaks = "rest"
    reg_type = "ns:hearth:RegistryType:Education"
    secrets = ("KEY",)
    spoiled_names: ClassVar[Mapping[str, str]] = {
        "items": "learners",
        "learnerNumber": "learnerId",
        "enrolment": "enrollment",
        "highestLevel": "level",
    }

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self._codes = school_codes(population)

    def operations(self) -> Iterable[Operation]:
        """Return the lookup of many learners and the reading of one."""
        yield Operation("POST", "/api/v2/learners/lookup", self.lookup, "lookup")
        yield Operation("GET", "/api/v2/learners/{number}", self.read, "read")

    def refusal(self, request: web.Request) -> web.Response | None:
        """Refuse a missing or wrong API key."""
        if same(request.headers.get("X-Api-Key"), self.credentials["KEY"]):
            return None
        return _error(401, "UNAUTHORISED", "the API key is missing or wrong")

    def holds(self, person: Person) -> bool:
        """Tell whether a person ever went to school."""
        return person.learner_number is not None and person.schooling is not None

    async def lookup(self, request: web.Request, call: Call) -> web.Response:
        """Answer with one page of the learners asked about; a learner asked about by two numbers comes once."""
        try:
            lookup = lookup_of(await request.read())
        except RefusedError as problem:
            return _error(problem.status, problem.code, problem.text)
        learners = [self._person("LEARNER_NUMBER", number) for number in lookup.learner_numbers]
        births = [self._person("BRN", number) for number in lookup.birth_numbers]
        found = {person.index: person for person in (*learners, *births) if person is not None}
        missing = {
            "learnerNumbers": _missing(lookup.learner_numbers, learners),
            "birthRegistrationNumbers": _missing(lookup.birth_numbers, births),
        }
        call.asked(len(found) + sum(map(len, missing.values())))
        items = [self._record(person) for person in call.about(list(found.values())) if person is not None]
        return json_answer(page_of(items, lookup, missing))

    async def read(self, request: web.Request, call: Call) -> web.Response:
        """Answer with one learner."""
        call.asked(1)
        person = call.about([self._person("LEARNER_NUMBER", request.match_info["number"])])[0]
        if person is None:
            return _error(404, "NOT_FOUND", "there is no such learner")
        return json_answer(self._record(person))

    def _person(self, type_: str, number: str) -> Person | None:
        """Return the learner who has a number in this registry's own books."""
        index = self.population.by_number[type_].get(number)
        if index is None or not self.holds(self.population.people[index]):
            return None
        if type_ == "BRN" and self.population.learner_brn(index) != number:
            return None
        return self.population.people[index]

    def _record(self, person: Person) -> dict[str, Any]:
        """Return the record of somebody who is held here."""
        schooling = person.schooling or Schooling("")
        name = " ".join(part for part in self.population.spelling(self.name, person.index) if part)
        birth_number = self.population.learner_brn(person.index)
        return learner(person, schooling, name, birth_number, self._codes.get(schooling.school, ""))


def _missing(numbers: Sequence[str], people: Sequence[Person | None]) -> list[str]:
    return [number for number, person in zip(numbers, people, strict=True) if person is None]


def _error(status: int, code: str, text: str) -> web.Response:
    return json_answer({"error": {"code": code, "message": text}}, status=status)


def _numbers(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts without repetition; a missing one is empty."""
    numbers = asked.get(name, [])
    if not isinstance(numbers, list) or not all(isinstance(number, str) and number for number in numbers):
        raise RefusedError(400, "BAD_REQUEST", f"{name} is a list of texts")
    return tuple(dict.fromkeys(numbers))


def _whole(asked: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """Return a whole number from 1."""
    number = asked.get(name, default)
    if type(number) is not int or not 1 <= number <= most:
        raise RefusedError(400, "BAD_REQUEST", f"{name} is a whole number from 1 to {most}")
    return number
