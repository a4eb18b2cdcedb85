"""The base of every practice registry: routes, credentials, call counts, `/health` and the sandbox controls.

A registry subclasses `Registry`, names itself, and lists what it serves:

    class LibraryRegistry(Registry):
        name = "library"                                # as in country.json and HEARTH_LIBRARY_URL
        speaks = "rest"
        reg_type = "ns:hearth:RegistryType:Library"
        media_type = "application/json"                 # of a good answer; faults keep to it
        secrets = ("KEY",)                              # -> credentials["KEY"] and HEARTH_LIBRARY_KEY
        spoiled_names = {"readers": "rdrs", "born": "b"}    # what `wrong_schema` renames in a good answer

        def operations(self) -> Iterable[Operation]:    # business: counted, authorised, open to faults
            yield Operation("POST", "/readers/query", self.query, "query")

        def pages(self) -> Iterable[web.RouteDef]:      # all else: tokens, metadata, WSDL; never counted
            yield web.get("/about", self.about)

        def refusal(self, request: web.Request) -> web.Response | None:    # None when credentials are right
            right = same(request.headers.get("X-Key"), self.credentials["KEY"])
            return None if right else json_answer({}, status=401)

        def holds(self, person: Person) -> bool:        # who can stand in for another under `wrong_person`
            return person.patient_number is not None

        async def query(self, request: web.Request, call: Call) -> web.Response:
            found = [...]                               # Person or None for each number asked about
            call.asked(len(found))                      # counts the subjects
            people = call.about(found)                  # the same, or others under `wrong_person`
            return json_answer({"readers": [record(p) for p in people if p is not None]})

The handler always runs, and its answer is what a fault then delays, cuts, renames or drops, so handlers know
nothing of faults beyond `call.about`. A handler refuses by returning (or raising, `web.HTTPException`) an
answer with a status from 400 up; `wrong_schema` leaves such answers alone. Override `spoiled` when renaming
members is not enough, and `huge_parts` when a flood should not look like JSON or XML.
"""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

import orjson
from aiohttp import web

from mocks.faults import Fault, FaultBox, MalformedFaultError
from mocks.faulty_answers import FloodParts, flood_parts, renamed, serve

if TYPE_CHECKING:
    from mocks.events import Event
    from mocks.people import Person
    from mocks.population import Population

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
FAULT_HEADER = "X-Sandbox-Fault"


class Indexed(Protocol):
    """A person or a household: what has a place in the population."""

    @property
    def index(self) -> int:
        """Return the place in the population's list."""


Thing = TypeVar("Thing", bound=Indexed)


def json_answer(body: Any, *, status: int = 200, media_type: str = "application/json") -> web.Response:
    """Return an answer with a JSON body."""
    return web.Response(body=orjson.dumps(body), status=status, content_type=media_type)


def same(given: str | None, expected: str) -> bool:
    """Tell whether a given secret is the expected one."""
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())


def stand_ins(
    asked: Sequence[Thing | None], pool: Sequence[Thing], holds: Callable[[Thing], bool]
) -> list[Thing | None]:
    """Return somebody else from the pool for each one asked about, and never one who was asked about."""
    avoid = {thing.index for thing in asked if thing is not None}
    answer: list[Thing | None] = []
    for thing in asked:
        if thing is None:
            answer.append(None)
            continue
        # Half the list away, so that a neighbour in the list, who is often family, does not stand in.
        start = thing.index + len(pool) // 2
        turn = (pool[(start + step) % len(pool)] for step in range(len(pool)))
        other = next((one for one in turn if one.index not in avoid and holds(one)), None)
        if other is not None:
            avoid.add(other.index)
        answer.append(other)
    return answer


class Call:
    """One business call under way: counts its subjects, and decides about whom the answer speaks."""

    def __init__(self, registry: Registry, fault: Fault | None) -> None:
        self._registry = registry
        self.wrong_person = fault is not None and fault.mode == "wrong_person"
        self.raw: dict[str, Any] | None = None
        """The message as it came, when it had to be translated."""

    def asked(self, subjects: int) -> None:
        """Count the people or households asked about."""
        self._registry.subjects += subjects

    def about(self, people: Sequence[Person | None]) -> Sequence[Person | None]:
        """Return the people to answer about, in order: those asked about, or others under `wrong_person`."""
        if not self.wrong_person:
            return people
        return stand_ins(people, self._registry.population.people, self._registry.holds)


class Operation(NamedTuple):
    """A business operation: its route, its handler, and its name in the call counts."""

    method: str
    path: str
    handler: Callable[[web.Request, Call], Awaitable[web.Response]]
    name: str


class Registry:
    """One practice registry over the population; `application()` is what a server runs."""

    name: ClassVar[str]
    speaks: ClassVar[str]
    reg_type: ClassVar[str]
    media_type: ClassVar[str] = "application/json"
    secrets: ClassVar[tuple[str, ...]] = ()
    spoiled_names: ClassVar[Mapping[str, str]] = {}

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        self.population = population
        self.credentials = credentials
        self.faults = FaultBox()
        self.by_operation: Counter[str] = Counter()
        self.subjects = 0
        self.faults_served = 0
        self.controls: Sequence[web.RouteDef] = ()
        """What the country adds below `/_sandbox/`."""

    @classmethod
    def new_credentials(cls) -> dict[str, str]:
        """Return fresh random credentials, named as in `secrets`."""
        return {secret: secrets.token_urlsafe(18) for secret in cls.secrets}

    def environment(self, url: str) -> dict[str, str]:
        """Return the environment variables an adapter needs to reach this registry at a URL."""
        prefix = f"HEARTH_{self.name.upper()}_"
        return {f"{prefix}URL": url} | {f"{prefix}{name}": value for name, value in self.credentials.items()}

    def operations(self) -> Iterable[Operation]:
        """Return the business operations; every registry has some."""
        raise NotImplementedError

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the routes that are no business calls."""
        return ()

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to wrong credentials, or None when they are right."""
        return None

    def holds(self, person: Person) -> bool:
        """Tell whether this registry has a record of a person."""
        return True

    def learn(self, event: Event) -> None:
        """Take in what has happened, as far as this registry keeps anything beside the population."""

    def next_day(self) -> None:
        """Do what is done on every day that passes."""

    def publish(self) -> None:
        """Let readers see what days have brought, where that does not show by itself."""

    def spoiled(self, body: bytes) -> bytes:
        """Return a good answer's body in another shape than promised: well-formed, members renamed."""
        return renamed(body, self.media_type, self.spoiled_names)

    def huge_parts(self) -> FloodParts:
        """Return opening, filler and closing of an answer that is far too long."""
        return flood_parts(self.media_type)

    def application(self) -> web.Application:
        """Return the registry as an application, ready to be served; take a new one for each server."""
        app = web.Application(client_max_size=MAX_MESSAGE_BYTES)
        app.router.add_get("/health", self._health)
        app.router.add_put("/_sandbox/faults", self._set_fault)
        app.router.add_get("/_sandbox/faults", self._show_fault)
        app.router.add_delete("/_sandbox/faults", self._clear_fault)
        app.router.add_get("/_sandbox/calls", self._show_calls)
        app.router.add_delete("/_sandbox/calls", self._reset_calls)
        app.add_routes(self.pages())
        app.add_routes(self.controls)
        for operation in self.operations():
            app.router.add_route(operation.method, operation.path, partial(self._serve, operation))
        app.on_startup.append(self._open)
        app.on_shutdown.append(self._close)
        return app

    async def _serve(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        """Count a business call, let its handler answer, and put the fault in force on the answer."""
        self.by_operation[operation.name] += 1
        try:
            fault = self.faults.draw(request.path, request.headers.get(FAULT_HEADER))
        except MalformedFaultError as problem:
            return _unusable(problem)
        answer = await self._answered(operation, request, Call(self, fault))
        if fault is None:
            return answer
        self.faults_served += 1
        return await serve(fault, request, answer, self, self.faults)

    async def _answered(self, operation: Operation, request: web.Request, call: Call) -> web.Response:
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await operation.handler(request, call)
        except web.HTTPException as problem:
            return web.Response(status=problem.status, text=problem.text, content_type=problem.content_type)

    async def _open(self, app: web.Application) -> None:
        self.faults.open()

    async def _close(self, app: web.Application) -> None:
        self.faults.close()

    async def _health(self, request: web.Request) -> web.Response:
        return json_answer({"status": "up", "registry": self.name})

    async def _set_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.store(await request.read())
        except MalformedFaultError as problem:
            return _unusable(problem)
        return json_answer(self.faults.shown())

    async def _show_fault(self, request: web.Request) -> web.Response:
        return json_answer(self.faults.shown())

    async def _clear_fault(self, request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _show_calls(self, request: web.Request) -> web.Response:
        return json_answer(
            {
                "total": self.by_operation.total(),
                "by_operation": dict(self.by_operation),
                "subjects": self.subjects,
                "faults_served": self.faults_served,
            }
        )

    async def _reset_calls(self, request: web.Request) -> web.Response:
        self.by_operation.clear()
        self.subjects = 0
        self.faults_served = 0
        return web.Response(status=204)


def _unusable(problem: MalformedFaultError) -> web.Response:
    return json_answer({"error": str(problem), "modes": list(problem.modes)}, status=422)
