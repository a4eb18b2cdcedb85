"""Calls at a deadline: a question ends at its own, whatever an adapter does, and no other question's ends it."""

import asyncio
from typing import cast

import pytest

from adapters.catalogue import Registries, Registry
from adapters.manifest import Limits
from adapters.ports import Deadline, SourceAnswer, TraitAnswer
from adapters.transport.guard import Guarded
from gateway.cache import MemoryCache
from gateway.linkage.judging import Known
from gateway.stages.calls import Calls, Terms
from gateway.stages.linking import Settling
from standards.errors import SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import KEY, NOW, lookup, record, small_manifest
from tests.fakes import StillClock
from tests.virtual_time import run

ASHA = Identifier("UIN", "1000000001")
LAND = ("land", "person")
AREA = frozenset({"land_area_ha"})
DOWN, TIMEOUT = UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT
LATE_S = 0.05
"""So much later than its deadline a question may end."""
OPEN_S = 600.0


class Land:
    """A registry whose tries are told beforehand: each one how it goes; after the last one it answers."""

    def __init__(self, *tries, **limits):
        told = {"timeout_s": 1.0, "retries": 0, "breaker_failures": 1, "breaker_open_s": OPEN_S} | limits
        self.manifest = small_manifest("land", lookup(attributes=sorted(AREA)), limits=Limits(**told))
        self.tries, self.made, self.stopped = list(tries), 0, 0
        self.guarded = Guarded(self, self.manifest.limits)
        registries = Registries([Registry(self.manifest, self.guarded)])
        self.calls = Calls(registries, MemoryCache(KEY, 0), StillClock(NOW))

    async def fetch(self, request, deadline):
        self.made += 1
        if self.tries:
            await self.tries.pop(0)(self)
        return SourceAnswer({subject: record({"land_area_ha": 1.25}) for subject in request.subjects})

    async def ask(self, given_s):
        """Return what is heard about Asha, and after how many seconds."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        errand = self.calls.errand(LAND, (ASHA,), AREA, Terms(0.0), Deadline.after(given_s))
        await self.calls.carry_out(errand)
        return errand.heard[ASHA].reason or "heard", loop.time() - start


def slow_to_stop(seconds):
    """Say nothing; and when told to stop, take this long."""

    async def go(land):
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(seconds)
            land.stopped += 1

    return go


async def fails_soon(_land):
    """Refuse the connection, nearly at once."""
    await asyncio.sleep(0.02)
    raise SourceUnavailableError("land", DOWN)


@pytest.mark.parametrize(
    ("given_s", "timeout_s"), [(0.3, 0.5), (3.0, 1.5)], ids=["the question's deadline", "the registry's own limit"]
)
def test_a_question_ends_at_its_deadline_although_an_adapter_does_not_stop(given_s, timeout_s):
    """What is left behind stops by itself, and the registry is blamed for its silence as ever."""

    async def main(_loop):
        land = Land(slow_to_stop(4.0), timeout_s=timeout_s)
        reason, after_s = await land.ask(given_s)
        assert (reason, land.calls.under_way, land.stopped) == (TIMEOUT, 1, 0)
        assert after_s <= given_s + LATE_S

        await asyncio.sleep(4.1)
        assert (land.calls.under_way, land.stopped, land.guarded.is_open) == (0, 1, True)
        await land.calls.close()

    run(main)


def test_a_call_that_never_stops_is_ended():
    """Nothing goes on for ever that nobody waits for."""

    async def main(_loop):
        land = Land(slow_to_stop(3600.0))
        reason, after_s = await land.ask(0.3)
        assert reason is TIMEOUT
        assert after_s <= 0.3 + LATE_S
        await asyncio.sleep(10)
        assert land.calls.under_way == 0

    run(main)


@pytest.mark.parametrize("leaves", [False, True], ids=["the leader waits", "the leader has gone"])
def test_a_call_that_does_not_stop_keeps_no_follower_waiting(leaves):
    """Whoever has more time than the call had asks anew when it ought to have ended."""

    async def main(_loop):
        land = Land(slow_to_stop(4.0))
        leader = asyncio.create_task(land.ask(0.3))
        await asyncio.sleep(0.1)
        follower = asyncio.create_task(land.ask(3.0))
        await asyncio.sleep(0.1)
        if leaves:
            leader.cancel()
        reason, after_s = await follower
        assert (reason, land.made) == ("heard", 2)
        assert after_s <= 0.2 + LATE_S
        assert leaves or (await leader)[0] is TIMEOUT
        await land.calls.close()

    run(main)


def test_a_follower_is_given_the_retry_that_its_leader_had_no_time_for():
    """As alone; so often that no pause before a retry is short enough by chance."""

    async def main(_loop):
        for _ in range(40):
            land = Land(fails_soon, retries=1, breaker_failures=5)
            answers = await asyncio.gather(land.ask(0.045), land.ask(3.0))
            assert answers[1][0] == "heard"
            assert land.made == 2

    run(main)


def test_whoever_has_no_more_time_than_the_leader_does_not_ask_again():
    """It would be asked for as long as time is left; the failure is everybody's who shared its time."""

    async def main(_loop):
        for _ in range(40):
            land = Land(*[fails_soon] * 9, retries=1, breaker_failures=9)
            answers = await asyncio.gather(land.ask(0.06), land.ask(0.06), land.ask(0.061))
            assert {reason for reason, _ in answers} == {DOWN}
            assert land.made <= 2

    run(main)


def test_a_failure_of_every_retry_is_everybody_s():
    """With more time it would have been no other; the registry is spared."""

    async def main(_loop):
        land = Land(*[fails_soon] * 9, retries=1, breaker_failures=9)
        answers = await asyncio.gather(land.ask(2.0), land.ask(3.0))
        assert [reason for reason, _ in answers] == [DOWN, DOWN]
        assert land.made == 2

    run(main)


class Undecided:
    """Linkage whose store says nothing."""

    async def settle(self, *_arguments, **_more):
        await asyncio.sleep(3600)


def test_a_question_ends_at_its_deadline_although_nobody_decides_who_is_who():
    """The registry has answered and is not blamed; nothing goes on."""

    class List(Land):
        async def candidates(self, request, _deadline):
            return TraitAnswer(((),) * len(request.wanted), (False,) * len(request.wanted))

    async def main(loop):
        registry = List()
        registry.calls = Calls(
            Registries([Registry(registry.manifest, registry.guarded)]),
            MemoryCache(KEY, 0),
            StillClock(NOW),
            settling=cast("Settling", Undecided()),
        )
        start = loop.time()
        errand = registry.calls.errand(LAND, (ASHA,), AREA, Terms(0.0), Deadline.after(0.3))
        errand.known = {ASHA: Known({"UIN": "1"}, {"given_name": "Asha"})}
        await registry.calls.carry_out(errand)
        assert errand.heard[ASHA].reason is TIMEOUT
        assert loop.time() - start <= 0.3 + LATE_S
        await asyncio.sleep(0.01)
        assert (registry.calls.under_way, registry.guarded.is_open) == (0, False)

    run(main)
