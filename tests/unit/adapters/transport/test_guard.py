"""The guard: tries, waits, gives up, keeps away, and lets nothing but SourceErrors out."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from adapters.manifest import Limits
from adapters.ports import Deadline, SearchAnswer, SearchFetch, SourceAnswer
from adapters.transport.guard import Guarded, _bucket
from standards.errors import (
    SourceContractError,
    SourceError,
    SourceRefusedError,
    SourceSuspendedError,
    SourceUnavailableError,
)
from standards.filters import Every
from standards.states import UnavailableReason
from tests.fakes import HandClock, ScriptedAdapter
from tests.unit.adapters.builders import NOBODY, fetch, small_manifest
from tests.virtual_time import run

DOWN = UnavailableReason.SOURCE_DOWN
ANSWER = SourceAnswer({NOBODY: None})
LONG = 60.0


def down():
    """Return an outage."""
    return SourceUnavailableError("probe", DOWN)


def guard_of(script, clock=time.monotonic, **limits):
    """Return an adapter with a script, and its guard."""
    adapter = ScriptedAdapter(small_manifest(), script)
    return adapter, Guarded(adapter, Limits(**limits), clock=clock)


async def failure(guarded, seconds=LONG):
    """Return the error of one call."""
    with pytest.raises(SourceError) as caught:
        await guarded.fetch(fetch(), Deadline.after(seconds))
    return caught.value


async def test_an_answer_passes_unchanged():
    """The guard of a healthy registry is not noticed."""
    adapter, guarded = guard_of([ANSWER])

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER
    assert len(adapter.asked) == 1
    assert guarded.manifest is adapter.manifest


async def test_a_try_gets_the_smaller_of_its_own_limit_and_what_is_left():
    """The deadline that the adapter sees is never later than the asker's."""
    adapter, guarded = guard_of([ANSWER, ANSWER], timeout_s=2.0)
    await guarded.fetch(fetch(), Deadline.after(LONG))
    soon = Deadline.after(1.0)
    await guarded.fetch(fetch(), soon)

    assert adapter.asked[0][1].left_s() <= 2.0
    assert adapter.asked[1][1] == soon


async def test_an_outage_is_tried_again():
    """One failed try does not make a hole in an answer."""
    adapter, guarded = guard_of([down(), ANSWER], retries=1)

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER
    assert len(adapter.asked) == 2


async def test_tries_are_counted_and_the_last_error_is_raised():
    """Retries of 2 mean three tries."""
    last = SourceUnavailableError("probe", UnavailableReason.SOURCE_BUSY)
    adapter, guarded = guard_of([down(), down(), last, ANSWER], retries=2)

    assert await failure(guarded) is last
    assert len(adapter.asked) == 3


@pytest.mark.parametrize("error", [SourceRefusedError("probe"), SourceContractError("probe")])
async def test_what_will_not_pass_is_not_tried_again(error):
    """A refusal or a broken promise comes again."""
    adapter, guarded = guard_of([error, ANSWER], retries=3)

    assert await failure(guarded) is error
    assert len(adapter.asked) == 1


async def test_no_try_is_started_that_the_deadline_leaves_no_room_for():
    """The pause and a shortest try must fit into what is left."""
    adapter, guarded = guard_of([down(), ANSWER], retries=3)

    assert (await failure(guarded, seconds=0.015)).reason is DOWN
    assert len(adapter.asked) == 1


async def test_a_hanging_registry_is_a_timeout():
    """The asker waits no longer than the limit."""
    _, guarded = guard_of([LONG], timeout_s=0.01, retries=0)

    error = await failure(guarded)
    assert isinstance(error, SourceUnavailableError)
    assert error.reason is UnavailableReason.SOURCE_TIMEOUT


async def test_an_adapter_s_defect_becomes_a_contract_error_without_its_text():
    """The class is named for the log; the text could hold what the registry sent."""
    _, guarded = guard_of([ValueError("Asha Moyo 2000000014")])

    error = await failure(guarded)
    assert isinstance(error, SourceContractError)
    assert error.detail == "ValueError"
    assert "Asha" not in str(error)


async def test_failures_in_a_row_open_the_breaker():
    """Then nothing is sent any more, nor tried again, and /ready can see it."""
    adapter, guarded = guard_of([down()] * 9, retries=0, breaker_failures=3)
    for _ in range(3):
        assert not guarded.is_open
        await failure(guarded)

    assert guarded.is_open
    error = await failure(guarded)
    assert (error.reason, error.detail) == (DOWN, "circuit open")
    assert len(adapter.asked) == 3


async def test_an_answer_in_between_keeps_the_breaker_closed():
    """Only failures in a row count."""
    _, guarded = guard_of([down(), down(), ANSWER, down(), down()], retries=0, breaker_failures=3)
    for _ in range(5):
        try:
            await guarded.fetch(fetch(), Deadline.after(LONG))
        except SourceUnavailableError:
            continue

    assert not guarded.is_open


@pytest.mark.parametrize("error", [SourceRefusedError("probe"), SourceContractError("probe"), ValueError("a defect")])
async def test_answers_that_cannot_be_used_are_no_outage(error):
    """The registry is there: the breaker stays closed."""
    _, guarded = guard_of([error] * 5, breaker_failures=2)
    for _ in range(5):
        await failure(guarded)

    assert not guarded.is_open


async def test_one_probe_at_a_time_closes_an_open_breaker():
    """After the pause one call passes; while it runs, others are kept away; its answer closes the breaker."""
    clock = HandClock()
    adapter, guarded = guard_of([down(), 0.01, ANSWER], clock, retries=0, breaker_failures=1, breaker_open_s=10)
    await failure(guarded)
    clock.now += 11

    probe = asyncio.create_task(guarded.fetch(fetch(), Deadline.after(LONG)))
    await asyncio.sleep(0)
    assert (await failure(guarded)).detail == "circuit open"
    await probe

    assert not guarded.is_open
    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER
    assert len(adapter.asked) == 3


async def test_a_failed_probe_opens_the_breaker_again():
    """One failure is enough then."""
    clock = HandClock()
    _, guarded = guard_of([down(), down()], clock, retries=0, breaker_failures=1, breaker_open_s=10)
    await failure(guarded)
    clock.now += 11
    await failure(guarded)

    assert guarded.is_open


async def test_a_cancelled_probe_gives_its_place_back():
    """Nobody learned anything; the next call is the probe."""
    clock = HandClock()
    _, guarded = guard_of([down(), LONG, ANSWER], clock, retries=0, breaker_failures=1, breaker_open_s=10)
    await failure(guarded)
    clock.now += 11
    probe = asyncio.create_task(guarded.fetch(fetch(), Deadline.after(LONG)))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER


async def test_a_try_that_the_asker_cut_short_does_not_count_against_the_registry():
    """Less than half of its time is too little to blame it for silence."""
    _, guarded = guard_of([LONG] * 3, timeout_s=5.0, retries=0, breaker_failures=1)

    assert (await failure(guarded, seconds=0.01)).reason is UnavailableReason.SOURCE_TIMEOUT
    assert not guarded.is_open


def test_silence_keeps_away_whoever_can_wait_no_longer_and_nobody_more_patient():
    """Eight wait in vain, the others not at all; who has more time is answered by a registry that is merely slow."""

    async def main(loop):
        adapter, guarded = guard_of([0.9] * 9, timeout_s=2.0, breaker_failures=8)
        start = loop.now
        errors = [await failure(guarded, seconds=0.8) for _ in range(40)]
        waited_s = loop.now - start
        assert not guarded.is_open
        await guarded.fetch(fetch(), Deadline.after(3.0))
        late = await failure(guarded, seconds=0.8)
        return errors[-1], waited_s, late, len(adapter.asked)

    error, waited_s, late, asked = run(main)

    assert error.reason is UnavailableReason.SOURCE_TIMEOUT
    assert waited_s == pytest.approx(8 * 0.8, abs=0.01)
    assert late.detail == error.detail == "others have waited as long in vain"
    assert asked == 9


@pytest.mark.parametrize("heard", [ANSWER, SourceContractError("probe")])
def test_an_answer_in_between_keeps_the_way_open_to_those_in_a_hurry(heard):
    """Also one that cannot be used."""

    async def main(_):
        adapter, guarded = guard_of([LONG, heard, LONG, ANSWER], retries=0, breaker_failures=2)
        await failure(guarded, seconds=0.5)
        for seconds in (3.0, 0.5):
            with suppress(SourceError):
                await guarded.fetch(fetch(), Deadline.after(seconds))
        return await guarded.fetch(fetch(), Deadline.after(0.5)), len(adapter.asked)

    assert run(main) == (ANSWER, 4)


def test_a_reset_lets_those_in_a_hurry_pass_again():
    """As it does everybody."""

    async def main(_):
        _, guarded = guard_of([LONG, ANSWER], retries=0, breaker_failures=1)
        await failure(guarded, seconds=0.5)
        guarded.reset()
        return await guarded.fetch(fetch(), Deadline.after(0.5))

    assert run(main) is ANSWER


async def test_no_more_calls_at_once_than_agreed():
    """Waiting for a place counts against the deadline, and is no failure of the registry."""
    adapter, guarded = guard_of([LONG], max_in_flight=1, timeout_s=LONG, breaker_failures=1, retries=0)
    first = asyncio.create_task(guarded.fetch(fetch(), Deadline.after(LONG)))
    await asyncio.sleep(0)

    error = await failure(guarded, seconds=0.01)
    assert (error.reason, len(adapter.asked)) == (UnavailableReason.SOURCE_BUSY, 1)
    assert not guarded.is_open

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await guarded.fetch(fetch(), Deadline.after(LONG))
    assert len(adapter.asked) == 2


async def test_search_goes_through_the_same_limits():
    """An outage of a search is tried again, too."""

    class Searchable(ScriptedAdapter):
        tries = 0

        async def search(self, request, deadline):
            self.tries += 1
            if self.tries == 1:
                raise down()
            return SearchAnswer((NOBODY,), 1)

    adapter = Searchable(small_manifest())
    answer = await Guarded(adapter, Limits()).search(SearchFetch("probe", Every(())), Deadline.after(LONG))

    assert answer == SearchAnswer((NOBODY,), 1)
    assert adapter.tries == 2


async def test_a_registry_without_search_says_so():
    """It is a broken promise of the manifest, not a crash."""
    _, guarded = guard_of([])

    with pytest.raises(SourceContractError):
        await guarded.search(SearchFetch("probe", Every(())), Deadline.after(LONG))


# -- when the registry asks to be left alone


def busy(retry_after_s):
    """Return a refusal for the moment, with the time the registry asks for."""
    return SourceUnavailableError("probe", UnavailableReason.SOURCE_BUSY, retry_after_s=retry_after_s)


async def test_a_registry_that_asks_to_be_left_alone_is_not_called():
    """Not for another try, because the time does not fit in, and not for another question; a reset ends it."""
    adapter, guarded = guard_of([busy(30), ANSWER], retries=3)
    await failure(guarded, seconds=5)
    error = await failure(guarded, seconds=5)
    assert (error.reason, error.detail) == (UnavailableReason.SOURCE_BUSY, "asked to be left alone")
    assert len(adapter.asked) == 1
    assert not guarded.is_open

    guarded.reset()
    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER


async def test_another_try_waits_as_long_as_the_registry_asks():
    """If the deadline leaves room for it."""
    adapter, guarded = guard_of([busy(0.05), ANSWER], retries=1)
    start = time.monotonic()

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER
    assert time.monotonic() - start >= 0.05
    assert len(adapter.asked) == 2


async def test_no_registry_keeps_us_away_for_ever():
    """A day is taken for a mistake."""
    _, guarded = guard_of([busy(86_400)], retries=0)
    await failure(guarded)

    assert guarded._hold_s() <= 60


# -- pace


async def test_no_more_calls_a_second_than_agreed():
    """What does not fit in before the deadline is not sent, and is no failure of the registry."""
    adapter, guarded = guard_of([ANSWER] * 3, pace_per_s=2, retries=0, breaker_failures=1)
    for _ in range(2):
        await guarded.fetch(fetch(), Deadline.after(LONG))

    error = await failure(guarded, seconds=0.01)
    assert (error.reason, error.detail) == (UnavailableReason.SOURCE_BUSY, "too many calls a second")
    assert (len(adapter.asked), guarded.is_open) == (2, False)


async def test_a_call_waits_for_the_pace():
    """A tenth of a second, at ten calls a second."""
    _, guarded = guard_of([ANSWER] * 11, pace_per_s=10)
    start = time.monotonic()
    for _ in range(11):
        await guarded.fetch(fetch(), Deadline.after(LONG))

    assert time.monotonic() - start >= 0.09


@pytest.mark.parametrize(("pace", "bucket"), [(5.0, (5.0, 1.0)), (1.0, (1.0, 1.0)), (0.1, (1.0, 10.0))])
def test_a_slow_pace_still_lets_one_call_pass(pace, bucket):
    """One in ten seconds, for a tenth of a call a second."""
    assert _bucket(pace) == pytest.approx(bucket)


# -- hedging


async def test_a_second_call_is_made_only_when_the_manifest_says_so():
    """A slow registry is waited for."""
    adapter, guarded = guard_of([0.05, ANSWER])
    await guarded.fetch(fetch(), Deadline.after(LONG))

    assert (len(adapter.asked), guarded.hedged) == (1, 0)


async def test_the_second_of_two_calls_wins_over_a_first_that_hangs():
    """It is counted, and neither call nor place is left behind."""
    adapter, guarded = guard_of([LONG, ANSWER], hedge_after_ms=5, timeout_s=LONG, max_in_flight=2)
    before = asyncio.all_tasks()

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER
    assert (len(adapter.asked), guarded.hedged) == (2, 1)
    assert asyncio.all_tasks() == before
    assert guarded._places._value == 2


async def test_the_first_of_two_calls_may_still_win():
    """The second one failed in the meantime."""
    adapter, guarded = guard_of([0.05, down()], hedge_after_ms=5, retries=0)

    assert (await guarded.fetch(fetch(), Deadline.after(LONG))).records == {NOBODY: None}
    assert len(adapter.asked) == 2


async def test_a_fast_answer_needs_no_second_call():
    """Nor does a fast failure."""
    adapter, guarded = guard_of([ANSWER, down()], hedge_after_ms=1000, retries=0)
    await guarded.fetch(fetch(), Deadline.after(LONG))
    await failure(guarded)

    assert (len(adapter.asked), guarded.hedged) == (2, 0)


async def test_when_both_calls_fail_the_last_failure_tells():
    """It counts once against the registry."""

    class TwiceDown(ScriptedAdapter):
        async def fetch(self, request, deadline):
            self.asked.append((request, deadline))
            await asyncio.sleep(0.03)
            raise down()

    adapter = TwiceDown(small_manifest())
    guarded = Guarded(adapter, Limits(hedge_after_ms=1, retries=0, breaker_failures=2))

    assert (await failure(guarded)).reason is DOWN
    assert len(adapter.asked) == 2
    assert not guarded.is_open


@pytest.mark.parametrize("first", [down(), ValueError("a defect")])
async def test_the_good_one_wins_when_both_calls_end_in_one_turn_of_the_loop(first):
    """Whichever way the other one failed."""

    class Together(ScriptedAdapter):
        ended = asyncio.Event()

        async def fetch(self, request, deadline):
            self.asked.append((request, deadline))
            if len(self.asked) == 2:
                asyncio.get_running_loop().call_soon(self.ended.set)
                await self.ended.wait()
                return ANSWER
            await self.ended.wait()
            raise first

    guarded = Guarded(Together(small_manifest()), Limits(hedge_after_ms=1, retries=0))

    assert await guarded.fetch(fetch(), Deadline.after(LONG)) is ANSWER


def test_a_probe_is_one_call():
    """However slow it is; before and after, a second call is made."""

    async def main(loop):
        adapter, guarded = guard_of(
            [LONG, 0.5, down(), 0.5, 0.5], time.monotonic, hedge_after_ms=100, retries=0, breaker_failures=1
        )
        await guarded.fetch(fetch(), Deadline.after(LONG))
        await failure(guarded)
        await asyncio.sleep(LONG)
        counts = []
        for _ in range(2):
            before = len(adapter.asked)
            await guarded.fetch(fetch(), Deadline.after(LONG))
            counts.append(len(adapter.asked) - before)
        return counts

    assert run(main) == [1, 2]


def test_a_probe_of_somebody_in_a_hurry_is_one_call():
    """It tells those who can wait as long whether to ask again."""

    async def main(_):
        adapter, guarded = guard_of(
            [LONG, LONG, LONG], time.monotonic, hedge_after_ms=100, retries=0, breaker_failures=1
        )
        await failure(guarded, seconds=0.5)
        await asyncio.sleep(LONG)
        await failure(guarded, seconds=0.5)
        return len(adapter.asked), guarded.hedged

    assert run(main) == (3, 1)


@pytest.mark.parametrize("limits", [{"max_in_flight": 1}, {"pace_per_s": 1}])
async def test_a_second_call_never_breaks_the_other_limits(limits):
    """Where there is no room for it, the first one is waited for."""
    adapter, guarded = guard_of([0.05, ANSWER], hedge_after_ms=1, **limits)
    await guarded.fetch(fetch(), Deadline.after(LONG))

    assert (len(adapter.asked), guarded.hedged) == (1, 0)


async def test_who_leaves_takes_both_calls_along():
    """No task and no place is left behind."""
    _, guarded = guard_of([LONG, LONG], hedge_after_ms=1, timeout_s=LONG, max_in_flight=2)
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await guarded.fetch(fetch(), Deadline.after(LONG))

    assert guarded.hedged == 1
    assert asyncio.all_tasks() == before
    assert guarded._places._value == 2


async def test_a_registry_that_is_off_is_not_asked():
    """Nor is it tried again; and planning takes it for one that is down."""
    adapter, guarded = guard_of([ANSWER], retries=3)
    guarded.is_suspended = True

    assert guarded.is_open
    assert (await failure(guarded)).reason is UnavailableReason.SOURCE_SUSPENDED
    assert adapter.asked == []


async def test_what_a_registry_says_after_it_was_switched_off_is_not_heard():
    """The call was on its way."""
    adapter, guarded = guard_of([0.0])
    asking = asyncio.create_task(guarded.fetch(fetch(), Deadline.after(LONG)))
    await asyncio.sleep(0)
    assert len(adapter.asked) == 1
    guarded.is_suspended = True

    with pytest.raises(SourceSuspendedError):
        await asking
