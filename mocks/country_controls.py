"""Events and the clock on command: `/_sandbox/events` and `/_sandbox/clock`, at every registry of the country."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from mocks.events import KINDS
from mocks.registry import json_answer
from mocks.vital_events import ImpossibleEventError

if TYPE_CHECKING:
    from mocks.clock import Clock
    from mocks.happenings import Happened, Happenings
    from mocks.people import Person

MOST_DAYS: Final = 3660
SHORTEST_DAY_S: Final = 0.05
_NUMBERS: Final = ("UIN", "BRN", "MEMBER_ID")


class UnknownPersonError(ValueError):
    """A command about somebody whom nobody knows."""


def controls(happenings: Happenings, clock: Clock) -> list[web.RouteDef]:
    """Return the routes."""

    async def happen(request: web.Request) -> web.Response:
        try:
            wanted = _object(await request.read())
            return json_answer(_shown(happenings, _happen(happenings, wanted)))
        except UnknownPersonError as problem:
            return json_answer({"error": str(problem)}, status=404)
        except ImpossibleEventError as problem:
            return json_answer({"error": str(problem)}, status=409)
        except ValueError as problem:
            return json_answer({"error": str(problem), "events": KINDS}, status=422)

    async def history(request: web.Request) -> web.Response:
        shown = [_shown(happenings, one) for one in happenings.history]
        return json_answer({"total": len(shown), "events": shown})

    async def turn(request: web.Request) -> web.Response:
        try:
            wanted = _object(await request.read())
        except ValueError as problem:
            return json_answer({"error": str(problem)}, status=422)
        days, every_s = wanted.get("days", 0), wanted.get("every_s", clock.every_s)
        if type(days) is not int or not 0 <= days <= MOST_DAYS:
            return json_answer({"error": f"days is a whole number up to {MOST_DAYS}"}, status=422)
        is_pace = isinstance(every_s, (int, float)) and not isinstance(every_s, bool) and every_s >= SHORTEST_DAY_S
        if every_s is not None and not is_pace:
            return json_answer({"error": f"every_s is a number of seconds from {SHORTEST_DAY_S}, or null"}, status=422)
        happened = clock.pass_days(days)
        if "every_s" in wanted:
            await clock.run(every_s)
        shown = [_shown(happenings, one) for one in happened]
        return json_answer(_time(happenings, clock) | {"happened": shown})

    async def time(request: web.Request) -> web.Response:
        return json_answer(_time(happenings, clock))

    return [
        web.post("/_sandbox/events", happen),
        web.get("/_sandbox/events", history),
        web.post("/_sandbox/clock", turn),
        web.get("/_sandbox/clock", time),
    ]


def _object(body: bytes) -> dict[str, Any]:
    try:
        wanted = orjson.loads(body)
    except orjson.JSONDecodeError:
        wanted = None
    if not isinstance(wanted, dict):
        raise ValueError("the body is a JSON object")
    return wanted


def _happen(happenings: Happenings, wanted: Mapping[str, Any]) -> Happened:
    """Let happen what is commanded.

    Raises: UnknownPersonError, ImpossibleEventError, or ValueError for a command that names no event.
    """
    kind, person = wanted.get("event"), _person(happenings, wanted)
    match kind:
        case "birth":
            return happenings.birth(person)
        case "death":
            return happenings.death(person)
        case "marriage":
            return happenings.marriage(person, _person(happenings, _with(wanted, "spouse")))
        case "divorce":
            return happenings.divorce(person)
        case "move":
            return happenings.move(person, _person(happenings, _with(wanted, "to")).household)
        case "relocation":
            return happenings.relocation(person)
        case "registration":
            return happenings.registration(person, str(wanted.get("registry", "social")))
        case "enrolment":
            registry = str(wanted.get("registry", "beneficiary"))
            return happenings.enrolment(person, registry, str(wanted.get("programme", "CG-01")))
        case "enrolment_change":
            registry, programme = str(wanted.get("registry", "beneficiary")), str(wanted.get("programme", "CG-01"))
            return happenings.enrolment_change(person, registry, programme, str(wanted.get("status", "4")))
    raise ValueError("event names something that can happen")


def _with(wanted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    other = wanted.get(name)
    if not isinstance(other, dict):
        raise ValueError(f'{name} names somebody, like {{"UIN": "..."}}')
    return other


def _person(happenings: Happenings, wanted: Mapping[str, Any]) -> Person:
    population = happenings.population
    type_ = next((name for name in _NUMBERS if name in wanted), None)
    if type_ is None:
        raise ValueError(f"a person is named by {', '.join(_NUMBERS)}")
    place = population.by_number[type_].get(wanted[type_]) if isinstance(wanted[type_], str) else None
    if place is None:
        raise UnknownPersonError(f"nobody has that {type_}")
    return population.people[place]


def _shown(happenings: Happenings, happened: Happened) -> dict[str, Any]:
    event, people = happened.event, happenings.population.people
    return {
        "event": event.kind,
        "day": event.day.isoformat(),
        "person": _numbers(people[event.person]),
        "others": [_numbers(people[place]) for place in event.others],
        "told": dict(happened.told),
    }


def _numbers(person: Person) -> dict[str, str]:
    numbers = {"UIN": person.uin, "BRN": person.brn, "DRN": person.drn, "MEMBER_ID": person.member_id}
    return {name: value for name, value in numbers.items() if value is not None}


def _time(happenings: Happenings, clock: Clock) -> dict[str, Any]:
    return {"today": happenings.population.today.isoformat(), "every_s": clock.every_s}
