"""Every fault at every registry, judged to the microsecond: time is kept, the others are not touched, nothing stays.

All of it runs on a clock that jumps: what takes time here is waiting alone, and a busy machine changes nothing.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline import Answer
from mocks.faults import MODES as MOCK_MODES
from standards.dci.search import FilterQuery, Page
from standards.filters import Comparison
from standards.household import Outcome, SourceOutcome
from standards.permit import Operator
from tests.virtual_country import FAULTS, MESSAGES, MODES, VirtualCountry, households
from tests.virtual_time import VirtualLoop, run

REGISTRIES = ("crvs", "social", "national_id", "tax", "land", "health", "education")
BEHIND: Final = {"national_id": {"national_id", "tax"}}
"""Who is not heard when a registry is not, where that is not the registry alone: tax numbers come from national ID."""
LAST: Final = ("tax", "land", "health", "education")
"""Asked about everybody, when it is settled who that is: nobody else waits for what they say."""
DEADLINE_MS: Final = 2000
HEARD: Final = {Outcome.ANSWERED, Outcome.NOT_ASKED}
LEG_S: Final = 0.01
"""How long anything is on its way."""
EXACT_S: Final = 1e-4
"""What turns of the loop add up to."""


def time_to_ask(deadline_ms: int) -> float:
    """The seconds that registries have of a consumer's time; the rest is for composing and recording."""
    return deadline_ms / 1000 * (1 - MESSAGES.compose_share)


class Told(NamedTuple):
    """What came of one question."""

    answer: Answer
    took_s: float
    calls: dict[str, list[tuple[str, float]]]
    """Registry -> what it was asked, and how long after the question."""
    silent: frozenset[str]
    """Registries whose breaker is open afterwards."""


def ask_once(registry: str | None = None, fault: str = "") -> Told:
    """Ask about a whole household while a registry does something wrong; nothing may be left of it."""

    async def main(loop: VirtualLoop) -> Told:
        async with VirtualCountry(loop).open() as country:
            (uin,) = households(1)
            await country.ask(uin, DEADLINE_MS)  # now there are tokens and connections, as there usually are
            if registry is not None:
                await country.spoil(registry, fault)
            await country.quiet()
            start = loop.now
            before = {name: len(calls) for name, calls in country.seen.items()}
            given, took_s = await country.ask(uin, DEADLINE_MS)
            await asyncio.sleep(EXACT_S)
            assert country.left_behind() == []
            calls = {
                name: [(call.path, call.at - start) for call in seen[before[name] :]]
                for name, seen in country.seen.items()
            }
            await country.quiet()
            still_open = len(loop.wires)
            await country.ask(uin, DEADLINE_MS)
            await country.quiet()
            assert len(loop.wires) <= still_open, "one question more, and connections that nobody closes"
        await asyncio.sleep(1.0)
        assert loop.wires == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return Told(given, took_s, calls, country.silent())

    return run(main)


@cache
def whole() -> Told:
    """The question while all is well."""
    return ask_once()


def others(told: Answer, registry: str) -> dict[str, SourceOutcome]:
    """What became of the registries that can be heard without one."""
    return {name: said for name, said in told.sources.items() if name not in BEHIND.get(registry, {registry})}


def test_every_mode_of_the_mocks_is_here():
    """A mode that is added there is to be survived here."""
    assert {fault["mode"] for fault in MODES.values()} == set(MOCK_MODES)


def test_while_all_is_well_everybody_is_asked():
    """In five waves, each a journey there and back; otherwise what follows would show nothing."""
    told = whole()

    answered = {name for name, said in told.answer.sources.items() if said.outcome is Outcome.ANSWERED}
    assert answered == set(REGISTRIES)
    # The others hold nothing that an answer about a household has a place for.
    assert {said.outcome for said in told.answer.sources.values()} <= HEARD
    assert told.took_s < time_to_ask(DEADLINE_MS) / 10
    assert len({round(at, 3) for calls in told.calls.values() for _, at in calls}) >= 4


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_fault_takes_more_than_the_time_there_is_or_anything_from_the_others(registry, fault):
    """In time, with a reason for the hole; the others are asked and heard as ever, and left alone by nobody."""
    told, before = ask_once(registry, fault), whole()

    assert told.took_s <= time_to_ask(DEADLINE_MS) + EXACT_S
    assert told.answer.status == "succ"
    said = told.answer.sources[registry]
    assert said.outcome in {Outcome.UNAVAILABLE, Outcome.PARTIAL}
    assert said.reason is not None
    assert {one.outcome for one in others(told.answer, registry).values()} <= HEARD
    assert told.silent <= {registry}
    if registry in LAST:
        for other in set(REGISTRIES) - {registry}:
            paths, moments = zip(*told.calls[other], strict=True)
            paths_before, moments_before = zip(*before.calls[other], strict=True)
            assert paths == paths_before
            assert moments == pytest.approx(moments_before, abs=EXACT_S)
    for other in set(REGISTRIES) - BEHIND.get(registry, {registry}):
        assert told.calls[other], f"{other} was not asked while {registry} had its trouble"


class Asked(NamedTuple):
    """One of many questions: about which household, when, with how much time, and when its consumer hangs up."""

    household: int
    at_ms: int
    deadline_ms: int
    leaves_after_ms: int | None


questions = st.builds(
    Asked,
    household=st.integers(0, 3),
    at_ms=st.integers(0, 600),
    deadline_ms=st.sampled_from([50, 150, 400, 1000, 1500, 3000]),
    leaves_after_ms=st.none() | st.none() | st.integers(0, 1500),
)


def ask_many(asked: list[Asked], registry: str, fault: str) -> list[tuple[Asked, Answer | None, float]]:
    """Ask all of it on one gateway; None is the answer of whoever hung up."""

    async def main(loop: VirtualLoop) -> list[tuple[Asked, Answer | None, float]]:
        async with VirtualCountry(loop).open() as country:
            people = households(4)
            for uin in people:
                await country.ask(uin, DEADLINE_MS)
            await country.spoil(registry, fault)

            async def one(of: Asked) -> tuple[Asked, Answer | None, float]:
                await asyncio.sleep(of.at_ms / 1000)
                start = loop.now
                try:
                    async with asyncio.timeout(None if of.leaves_after_ms is None else of.leaves_after_ms / 1000):
                        given, took_s = await country.ask(people[of.household], of.deadline_ms)
                        return of, given, took_s
                except TimeoutError:
                    return of, None, loop.now - start

            told = await asyncio.gather(*map(one, asked))
            await asyncio.sleep(EXACT_S)
            assert country.left_behind() == []
            assert country.silent() <= {registry}
        await asyncio.sleep(1.0)
        assert loop.wires == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return told

    return run(main)


@settings(max_examples=40)
@given(st.lists(questions, min_size=1, max_size=12), st.sampled_from(REGISTRIES), st.sampled_from(FAULTS))
def test_questions_that_meet_share_calls_and_no_troubles(asked, registry, fault):
    """Each has its own time, whoever it shares calls with and whoever hangs up; none hears less of the others."""
    for of, told, took_s in ask_many(asked, registry, fault):
        if told is None:
            assert of.leaves_after_ms is not None
            assert took_s <= of.leaves_after_ms / 1000 + EXACT_S
            continue
        assert took_s <= time_to_ask(of.deadline_ms) + EXACT_S
        if of.deadline_ms >= 1000:
            assert told.status == "succ"
            assert {one.outcome for one in others(told, registry).values()} <= HEARD


@pytest.mark.parametrize("registry", LAST)
def test_a_full_house_at_one_registry_is_nobody_else_s(registry):
    """More questions than it may be asked at once, and it is silent: the others are asked as soon as ever, and heard."""

    async def main(loop: VirtualLoop, is_silent: bool) -> tuple[dict[str, float], list[Answer]]:
        async with VirtualCountry(loop).open() as country:
            people = households(50)
            places = country.connected[registry].manifest.limits.max_in_flight
            assert len(people) > 2 * places
            await country.ask(people[0], DEADLINE_MS)
            if is_silent:
                await country.spoil(registry, "silent")
            else:
                await asyncio.sleep(1.0)
            start, before = loop.now, {name: len(seen) for name, seen in country.seen.items()}
            # Those who find no place have less time than those who hold them, and must not wait for one any longer.
            given_ms = [DEADLINE_MS if number < places else DEADLINE_MS // 2 for number in range(len(people))]
            told = await asyncio.gather(*map(country.ask, people, given_ms))
            for (_, took_s), deadline_ms in zip(told, given_ms, strict=True):
                assert took_s <= time_to_ask(deadline_ms) + EXACT_S
            last = {
                name: max((call.at for call in seen[before[name] :]), default=start) - start
                for name, seen in country.seen.items()
            }
            return last, [given for given, _ in told]

    last, answers = run(lambda loop: main(loop, is_silent=True))
    last_before, answers_before = run(lambda loop: main(loop, is_silent=False))
    for other in set(REGISTRIES) - {registry}:
        # Two that come at one moment may come in either order, and the second has to open a connection.
        assert last[other] <= last_before[other] + 2 * LEG_S, other
    for told, before in zip(answers, answers_before, strict=True):
        assert told.status == before.status
        assert {one.outcome for one in others(told, registry).values()} <= HEARD
        facts, facts_before = ({m["member"] for m in e["members"]} for e in map(evidence, (told, before)))
        assert facts == facts_before


@pytest.mark.parametrize("registry", LAST)
def test_a_page_of_a_search_is_told_about_whole_although_one_registry_is_silent(registry):
    """More households than are asked about at once: the last of them have their share of the time as well."""
    poor = FilterQuery(Comparison("poverty_score", Operator.LT, 90), "poverty_score lt ?")

    async def main(loop: VirtualLoop) -> tuple[Answer, float]:
        async with VirtualCountry(loop).open() as country:
            await country.ask(poor, DEADLINE_MS, page=Page(20))
            await country.spoil(registry, "silent")
            return await country.ask(poor, DEADLINE_MS, page=Page(20))

    given, took_s = run(main)
    assert took_s <= time_to_ask(DEADLINE_MS) + EXACT_S
    assert given.status == "succ"
    assert len(orjson.loads(given.item)["data"]["reg_records"]) == 20
    assert given.sources[registry].outcome is not Outcome.ANSWERED
    assert {one.outcome for one in others(given, registry).values()} <= HEARD


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize("deadline_ms", [2000, 3000])
def test_a_registry_that_is_silent_for_ever_costs_time_only_at_first(registry, deadline_ms):
    """Also where a share of the question's time is too little to blame it for everybody."""

    async def main(loop: VirtualLoop) -> tuple[float, float]:
        async with VirtualCountry(loop).open() as country:
            people = households(20)
            _, usual_s = await country.ask(people[0], deadline_ms)
            await country.spoil(registry, "silent")
            took = [(await country.ask(uin, deadline_ms))[1] for uin in people]
            return usual_s, took[-1]

    usual_s, last_s = run(main)
    assert last_s <= usual_s + EXACT_S


def evidence(given: Answer) -> dict[str, Any]:
    """The evidence of the one household of an answer."""
    (entry,) = orjson.loads(given.item)["data"]["hearth:evidence"]
    return dict(entry)
