"""The practice country and the rooms of a gateway, together on one loop without waiting: real calls, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web
from ruamel.yaml import YAML

from adapters.catalogue import connect
from adapters.transport.client import open_session
from gateway.api.deadline import deadline_of
from gateway.cache import MemoryCache
from gateway.pipeline import Answer, Question, Rooms, answer
from gateway.sandbox import AGREEMENTS
from gateway.settings import Consumer, Messages
from gateway.stages.calls import Calls
from gateway.stages.decide import Decisions
from gateway.stages.fetch import Fetcher
from gateway.stages.paging import Paging
from gateway.stages.plan import Planner
from gateway.stages.recall import Recall
from gateway.stages.search import Searcher
from mocks.country import REGISTRIES
from mocks.population import Population, build, examples
from mocks.registry import Registry
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.ledger import MemoryLedger
from standards.dci.search import FilterQuery, IdQuery
from standards.identifiers import identifier
from standards.rules import BoundaryRule, Combination, Tie
from tests.builders import CATALOGUE, COMPOSER, KEY, KEYS, MANIFESTS, NOW, RESPONDER, item
from tests.fakes import StillClock
from tests.virtual_time import ROGUES, VirtualLoop, rogue

CONSUMER: Final = "cct-education"
MESSAGES: Final = Messages()
NAMES: Final = (
    "given_name", "birth_date", "vital_status", "address_line", "household_size", "poverty_score", "income_annual",
    "land_area_ha", "insured", "is_pregnant", "school_enrolled", "is_disabled",
)  # fmt: skip
"""Something from every registry."""
RULE: Final = BoundaryRule(
    "everybody", "1", registered=True, kin=True, co_residence=True, combine=Combination.UNION, ties=tuple(Tie), depth=3
)
"""Asks whatever can be asked about who belongs to a household, in several rounds."""
MODES: Final[Mapping[str, Mapping[str, Any]]] = {
    "down": {"mode": "down"},
    "slow": {"mode": "slow", "delay_ms": 60_000},
    "status 302": {"mode": "status", "status": 302},
    "status 404": {"mode": "status", "status": 404},
    "status 429 for a while": {"mode": "status", "status": 429, "retry_after": 1},
    "status 429 for an hour": {"mode": "status", "status": 429, "retry_after": 3600},
    "status 500": {"mode": "status", "status": 500},
    "status 503": {"mode": "status", "status": 503, "retry_after": 1},
    "reset": {"mode": "reset"},
    "empty": {"mode": "empty"},
    "malformed": {"mode": "malformed"},
    "wrong_schema": {"mode": "wrong_schema"},
    "wrong_person": {"mode": "wrong_person"},
    "huge": {"mode": "huge", "bytes": 9_000_000},
}
"""Name -> what a practice registry is told to do wrong."""
FAULTS: Final = (*MODES, *ROGUES)
"""Names of everything that `VirtualCountry.spoil` can do."""
_OF_REGISTRIES: Final = ("RequestHandler.", "Event.wait")
"""How tasks are called that serve a connection, or hold an answer back on purpose."""


@cache
def people() -> Population:
    """The people of the country."""
    return build(60, 11)


@cache
def agreement() -> Agreement:
    """An agreement about all of it."""
    yaml = YAML(typ="safe", pure=True)
    stated = yaml.load(AGREEMENTS / "cct-education.yaml")
    stated |= {
        "household": {"rule": RULE.title},
        "attributes": dict.fromkeys(NAMES, "value"),
        "search": {"attributes": ["poverty_score"], "max_results": 5000},
    }
    return Agreement.model_validate(stated)


def households(count: int) -> list[str]:
    """National numbers of so many people of different households, the first with something at every registry."""
    population = people()
    whole = examples(population)["complete_household"]["identifiers"]["UIN"]
    heads = [population.people[h.head].uin for h in population.households if h.household_id is not None]
    return [whole, *(uin for uin in heads if uin not in (None, whole))][:count]


class Seen(NamedTuple):
    """A call as the registry saw it."""

    path: str
    at: float
    """Seconds since the country opened."""


class VirtualCountry:
    """What runs on one loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.registries: dict[str, Registry] = {
            kind.name: kind(people(), kind.new_credentials()) for kind in REGISTRIES
        }
        self.seen: dict[str, list[Seen]] = {name: [] for name in self.registries}
        self.session = open_session()
        environment: dict[str, str] = {}
        for name, registry in self.registries.items():
            environment |= registry.environment(f"http://{name}.example")
        # Those whose records are read where they lie need a disk and threads, and have tests of their own.
        manifests = [m.model_copy(update={"xroad": None}) for name, m in MANIFESTS.items() if name in self.registries]
        self.connected = connect(manifests, self.session, environment)
        clock = StillClock(NOW)
        planner = Planner(manifests, CATALOGUE, self.silent)
        self.rooms = Rooms(
            decisions=Decisions(AgreementSet([agreement()]), MemoryLedger(KEY), CATALOGUE, planner.holders()),
            planner=planner,
            past_planner=planner,
            fetcher=Fetcher(self.connected, Calls(self.connected, MemoryCache(KEY, 0), clock), clock),
            searcher=Searcher(self.connected, clock),
            paging=Paging(),
            recall=Recall(MemoryCache(KEY, 0)),
            composer=COMPOSER,
            responder=RESPONDER,
            rules={RULE.title: RULE},
            catalogue=CATALOGUE,
            keys=KEYS,
            now=clock,
        )

    def silent(self) -> frozenset[str]:
        """The registries whose breaker is open."""
        return frozenset(id_ for id_, one in self.connected.items() if one.guarded.is_open)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[VirtualCountry]:
        """Serve every registry until the block ends."""
        runners = []
        for name, registry in self.registries.items():
            app = registry.application()
            app.middlewares.append(self._watching(name))
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            assert runner.server is not None
            self.loop.hosts[f"{name}.example"] = runner.server
            runners.append(runner)
        try:
            yield self
        finally:
            await self.rooms.fetcher.calls.close()
            await self.session.close()
            for runner in runners:
                await runner.cleanup()

    def _watching(self, name: str) -> Any:
        @web.middleware
        async def watching(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self.seen[name].append(Seen(request.path, self.loop.time()))
            return await handler(request)

        return watching

    async def ask(self, about: str | FilterQuery, deadline_ms: int, **more: Any) -> tuple[Answer, float]:
        """Ask about one household by a number, or search; the answer, and after how many seconds it was there."""
        start = self.loop.time()
        query = about if isinstance(about, FilterQuery) else IdQuery(identifier("UIN", about))
        sender = Consumer(client_id=CONSUMER, sender_id=f"{CONSUMER}.programmes.pv")
        asked = item(query, purpose=None, **more)
        deadline = deadline_of(str(deadline_ms), MESSAGES)
        given = await answer(Question(sender, asked, "t-1", "c-1", deadline), self.rooms)
        return given, self.loop.time() - start

    async def spoil(self, name: str, fault: str) -> None:
        """Let a registry do something wrong: one of `FAULTS`."""
        if fault in MODES:
            self.registries[name].faults.store(orjson.dumps(MODES[fault]))
        else:
            self.loop.hosts[f"{name}.example"] = rogue(ROGUES[fault])
            self.loop.cut(f"{name}.example")
            await asyncio.sleep(1.0)

    async def quiet(self) -> None:
        """Return once everything has happened that was still on its way."""
        await asyncio.sleep(1.0)

    def left_behind(self) -> list[str]:
        """What is still at work for questions that have ended; nothing, if all is well."""
        me = asyncio.current_task()
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks() if task is not me]  # type: ignore[union-attr]
        ours = [name for name in names if not name.startswith(_OF_REGISTRIES)]
        return ours + ["call"] * self.rooms.fetcher.calls.under_way
