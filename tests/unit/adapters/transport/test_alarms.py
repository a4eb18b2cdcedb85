"""Alarms and time limits: on time, one timer for all, and a task's own cancelling is never taken for theirs."""

from __future__ import annotations

import asyncio
import time
from unittest import mock

import pytest
import uvloop

from adapters.transport.alarms import Alarms, TimeLimit

LONG = 60.0


def soon(seconds=0.01):
    """Return a moment on the monotonic clock."""
    return time.monotonic() + seconds


def cancellings():
    """How often somebody has asked this task to end, and nobody has taken it back."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def hang():
    """Wait for what never comes."""
    await asyncio.get_running_loop().create_future()


async def test_an_alarm_rings_at_its_time_and_once():
    """A later one set first does not hold it up, and one that was taken back stays silent."""
    alarms, done = Alarms(), asyncio.Event()
    rung: list[float] = []
    start = time.monotonic()

    def silent() -> None:
        rung.append(-1.0)

    alarms.set(done.set, start + 0.04)
    alarms.set(silent, start + 0.02)
    alarms.set(lambda: rung.append(time.monotonic() - start), start + 0.01)
    alarms.take_back(silent)
    alarms.take_back(silent)
    await done.wait()

    assert time.monotonic() - start >= 0.038
    [at] = rung
    assert at >= 0.008


async def test_a_thousand_alarms_need_one_timer():
    """Setting and taking back leave the loop alone."""
    alarms, loop = Alarms(), asyncio.get_running_loop()
    timers: list[tuple[object, ...]] = []
    call_later = loop.call_later

    def counted(*asked):
        timers.append(asked)
        return call_later(*asked)

    with mock.patch.object(loop, "call_later", counted):
        for place in range(1000):
            limit = TimeLimit(alarms, soon(LONG + place))
            alarms.set(limit, soon(LONG + place))
            alarms.take_back(limit)
        alarms.stop()

    assert len(timers) == 1


async def test_what_takes_too_long_is_a_timeout():
    """The task goes on afterwards as if nobody had cancelled it."""
    alarms = Alarms()
    start = time.monotonic()
    with pytest.raises(TimeoutError), TimeLimit(alarms, soon()):
        await hang()

    assert 0.008 <= time.monotonic() - start < 1
    assert cancellings() == 0
    await asyncio.sleep(0)


async def test_a_moment_that_has_passed_ends_the_first_wait():
    """What does not wait comes through, as with the library's own timeout."""
    alarms = Alarms()
    with TimeLimit(alarms, soon(-1)):
        pass
    with pytest.raises(TimeoutError), TimeLimit(alarms, soon(-1)):
        await hang()


async def test_many_limits_end_each_at_its_own_time():
    """Also those set while others were waiting."""
    alarms = Alarms()

    async def limited(seconds):
        start = time.monotonic()
        with pytest.raises(TimeoutError), TimeLimit(alarms, start + seconds):
            await hang()
        return time.monotonic() - start - seconds

    late_by = await asyncio.gather(*(limited(place / 500) for place in (9, 3, 7, 1, 5, 20)))

    assert min(late_by) >= -0.002
    assert max(late_by) < 0.5


async def test_who_is_cancelled_by_another_is_cancelled():
    """The limit does not turn it into a timeout."""
    alarms = Alarms()

    async def work():
        with TimeLimit(alarms, soon(LONG)):
            await hang()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_by_both_is_cancelled():
    """The other's wish counts."""
    alarms = Alarms()

    async def work():
        with TimeLimit(alarms, soon(LONG)):
            await hang()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    for ring in tuple(alarms._due):
        ring()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_an_outer_limit_passes_through_an_inner_one():
    """The inner one has time left; whoever set the outer one gets the timeout."""
    alarms = Alarms()

    async def work():
        async with asyncio.timeout(0.01):
            with TimeLimit(alarms, soon(LONG)):
                await hang()

    with pytest.raises(TimeoutError):
        await work()

    assert cancellings() == 0


async def test_an_error_that_swallows_the_cancelling_leaves_no_trace_of_it():
    """Else every later limit of the task would take itself for cancelled by somebody else."""
    alarms = Alarms()

    async def work():
        try:
            await hang()
        except asyncio.CancelledError:
            raise KeyError from None

    with pytest.raises(KeyError), TimeLimit(alarms, soon()):
        await work()

    assert cancellings() == 0
    with pytest.raises(TimeoutError), TimeLimit(alarms, soon()):
        await hang()


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["standard", "uvloop"])
def test_alarms_follow_to_the_next_loop(loop_factory):
    """What an ended loop was waiting for does not ring in the next one."""
    alarms, rung = Alarms(), []

    async def leave_one():
        alarms.set(lambda: rung.append("old"), soon())

    async def wait_for_one():
        with pytest.raises(TimeoutError), TimeLimit(alarms, soon(0.02)):
            await hang()

    for work in (leave_one, wait_for_one):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work())

    assert rung == []
