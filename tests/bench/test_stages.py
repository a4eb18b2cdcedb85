"""Each pure stage against a reference loop: a bound on the ratio, so that neither machine nor noise decides.

One real question is asked of a gateway in this process, and what every stage was given is kept; then each stage does
its work again and again, in turn with the reference: parsing and writing a JSON document of 18 kB. A bound is some
three times what was measured when it was set, so only a regression breaks it. `pytest -s` prints the ratios.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import orjson
import pytest

import gateway.pipeline
from adapters.ports import Deadline, Response
from adapters.transport.guard import Guarded
from gateway.bootstrap import Gateway
from gateway.journal import GENESIS, chained, entry_text
from gateway.pipeline import Question
from gateway.settings import load
from gateway.stages.admit import Admission
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.derive import Deriver
from gateway.stages.plan import Planner
from gateway.stages.respond import Responder
from standards.dci.codes import Action
from tests.bench.calls import steps_of
from tests.bench.dialects import Country
from tests.bench.people import MARK, digits
from tests.bench.processes import Processes
from tests.bench.running import NUMBER, message
from tests.bench.stand import Stand

pytestmark = pytest.mark.bench

ROUNDS: Final = 15
SLICE_S: Final = 0.004
SEAMS: Final[tuple[tuple[Any, str], ...]] = (
    (Admission, "open"),
    (Admission, "questions"),
    (Decisions, "decide"),
    (Planner, "plan_agreed"),
    (Guarded, "fetch"),
    (Composer, "compose"),
    (Deriver, "derive"),
    (gateway.pipeline, "minimise"),
    (Responder, "answered"),
    (gateway.pipeline, "answered_entry"),
)


class Stage(NamedTuple):
    """One stage with what it was given."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    more: dict[str, Any]

    def __call__(self) -> Any:
        return self.work(*self.arguments, **self.more)


class Kept:
    """What every seam was given: in the last call, and for calls to registries in each."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.fetches: list[tuple[Any, ...]] = []

    def keeping(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*arguments: Any, **more: Any) -> Any:
            if name == "fetch":
                self.fetches.append(arguments)
            self.stages[name] = Stage(work, arguments, more)
            return work(*arguments, **more)

        return kept


class Replay:
    """A way to a registry that gives the same answer to the same request at once."""

    def __init__(self, registry: str) -> None:
        self._registry = registry
        self._known: dict[tuple[str, int], Response] = {}

    async def send(
        self, method: str, path: str, deadline: Deadline, *, params: Any = None, headers: Any = None, body: Any = None
    ) -> Response:
        name = (path, len(body or b""))
        if name not in self._known:
            whole = f"{path}?{urlencode(params)}" if params else path
            _, content, type_ = Country().answer(self._registry, whole, body or b"")
            self._known[name] = Response(200, type_.partition(";")[0], content)
        return self._known[name]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    """Every stage as one question of five people over six registries went through it."""
    folder, kept = tmp_path_factory.mktemp("bench"), Kept()
    ready = folder / "registries.json"
    with Processes(folder) as processes:
        processes.start("registries", "-m", "tests.bench.registries", "--file", str(ready), ready=ready)
        environment = orjson.loads(ready.read_bytes())["environment"]
        stand = Stand(folder, environment, households=1)
        settings = load(stand.prepare("gateway", {}))
        body = message().replace(MARK, digits(0)).replace(NUMBER, "0").encode()

        async def ask() -> None:
            wired = Gateway(settings, "http://127.0.0.1:1", environment)
            await wired.open()
            try:
                consumer = settings.consumers[0]
                opened = wired.admission.open(consumer, body, Action.SEARCH, datetime.now(UTC))
                item = wired.admission.questions(opened).items[0]
                question = Question(consumer, item, "t", "c", Deadline.after(20.0))
                answered = await gateway.pipeline.answer(question, wired.rooms)
            finally:
                await wired.close()
            assert answered.status == "succ"
            assert b'"unavailable"' not in answered.item

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in SEAMS:
                patch.setattr(owner, name, kept.keeping(name, getattr(owner, name)))
            asyncio.run(ask())
    kept.stages["adapters"] = Stage(Conversations(kept.fetches), (), {})
    yield kept.stages  # noqa: PT022 - what it holds is kept alive while the tests run


class Conversations:
    """The adapters' part of all calls of a question: writing the requests, reading the answers."""

    def __init__(self, fetches: list[tuple[Any, ...]]) -> None:
        self.fetches = fetches
        self._far = Deadline.after(3600.0)
        self._adapters = []
        for guarded, request, *_ in fetches:
            adapter = copy.copy(guarded._adapter)
            adapter._client = Replay(request.source_id)
            if hasattr(adapter, "_new_id"):
                adapter._new_id = lambda: "00000000-0000-4000-8000-000000000000"
            self._adapters.append((adapter, request))

    def __call__(self) -> list[Any]:
        return [_result(adapter.fetch(request, self._far)) for adapter, request in self._adapters]

    def about(self, lookup: str) -> Callable[[], Any]:
        """Return the one call to a lookup that asks about the most people."""
        asked = [one for one in self._adapters if f"{one[1].source_id}.{one[1].lookup}" == lookup]
        adapter, request = max(asked, key=lambda one: len(one[1].subjects))
        return lambda: _result(adapter.fetch(request, self._far))


def _result(coroutine: Any) -> Any:
    """Return what a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waited")


def document() -> bytes:
    """Return a JSON document of some 18 kB, with texts, numbers and nesting as answers have them."""
    state = {"state": "value", "source": "crvs", "retrieved_at": "2026-11-21T03:00:00.000+00:00", "cached": False}
    members = [{"member": n, "attributes": {f"attribute_{m}": state for m in range(33)}} for n in range(5)]
    return orjson.dumps({"members": members, "score": 53.3, "size": 5})


def ratio(work: Callable[[], Any]) -> float:
    """Return how many times as long as the reference a piece of work takes, from interleaved rounds."""
    text = document()
    assert 17_000 < len(text) < 19_500

    def reference() -> None:
        orjson.dumps(orjson.loads(text))

    def took(some: Callable[[], Any], times: int) -> float:
        start = time.perf_counter()
        for _ in range(times):
            some()
        return (time.perf_counter() - start) / times

    for warming in (work, reference):
        took(warming, 20)
    times, its_times = (max(3, int(SLICE_S / took(some, 5))) for some in (work, reference))
    gc.disable()
    try:
        rounds = [(took(work, times), took(reference, its_times)) for _ in range(ROUNDS)]
    finally:
        gc.enable()
    # A busy machine only ever adds time, to either, so the shortest rounds of both are compared.
    return min(mine for mine, _ in rounds) / min(its for _, its in rounds)


def journal_entry(stages: dict[str, Stage]) -> Callable[[], Any]:
    """Return the making of a journal entry, up to the bytes that are written."""

    def work() -> str:
        entry = stages["answered_entry"]()
        return chained(1, GENESIS, entry_text(entry))

    return work


def answer_bytes(stages: dict[str, Stage]) -> Callable[[], Any]:
    """Return the making of an answer, up to the bytes that are sent."""
    return lambda: orjson.dumps(stages["answered"]())


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("open", 1.2),
        ("questions", 1.6),
        ("decide", 0.3),
        ("plan_agreed", 0.3),
        ("adapters", 23.0),
        ("compose", 7.0),
        ("derive", 3.5),
        ("minimise", 1.5),
        ("respond", 5.0),
        ("journal", 6.0),
    ],
)
def test_a_stage_costs_no_more_than_it_did(stages, name, bound):
    """A stage takes at most so many times what parsing and writing 18 kB of JSON takes."""
    work = {"respond": answer_bytes, "journal": journal_entry}.get(name, lambda kept: kept[name])(stages)

    found = ratio(work)

    print(f"{name}: {found:.2f} of the reference, bound {bound}")
    assert found <= bound


@pytest.mark.parametrize(
    ("lookup", "bound"),
    [
        ("social.group", 1.7),
        ("social.member", 2.6),
        ("crvs.person", 2.7),
        ("national_id.identity", 1.8),
        ("health.patient", 1.1),
        ("health.chart", 2.8),
        ("tax.taxpayer", 1.9),
        ("land.holdings", 1.0),
    ],
)
def test_a_dialect_costs_no_more_than_it_did(stages, lookup, bound):
    """Writing a registry's request and reading its answer about the whole household, in units of the reference."""
    conversations = stages["adapters"].work.about(lookup)

    found = ratio(conversations)

    print(f"{lookup}: {found:.2f} of the reference, bound {bound}")
    assert found <= bound


def test_stages_can_be_repeated(stages):
    """What is measured is what a question does: a stage gives the same again for the same."""
    minimise, plan = stages["minimise"], stages["plan_agreed"]

    assert minimise() == minimise()
    assert plan() == plan()


def test_peers_make_the_calls_of_the_plan(stages):
    """The text of a plan is what the peers follow: it names every call that the question made."""
    asked = {f"{request.source_id}.{request.lookup}" for _, request, *_ in stages["adapters"].work.fetches}

    assert {step.operation for step in steps_of(stages["plan_agreed"]().text())} == asked
