"""The circuit breaker: a run of failures opens it, one probe at a time decides, and the past changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.transport.breaker import Breaker, HurryBreaker, OpenError
from tests.fakes import HandClock

OPEN_S = 10.0


def breaker_of(failures=2):
    """Return a breaker and its clock."""
    clock = HandClock()
    return Breaker("probe", failures, OPEN_S, clock), clock


def opened():
    """Return a breaker that a failure has just opened, and its clock."""
    breaker, clock = breaker_of(failures=1)
    breaker.failed(breaker.enter())
    return breaker, clock


def test_a_run_of_failures_opens_it_and_is_logged_once():
    """An answer in between begins the run anew; the end is logged, too."""
    breaker, clock = breaker_of()
    with capture_logs() as log:
        breaker.failed(breaker.enter())
        breaker.succeeded(breaker.enter())
        breaker.failed(breaker.enter())
        assert not breaker.is_open
        breaker.failed(breaker.enter())
        assert breaker.is_open
        with pytest.raises(OpenError):
            breaker.enter()
        clock.now += OPEN_S
        breaker.failed(breaker.enter())
        clock.now += OPEN_S
        breaker.succeeded(breaker.enter())

    assert [(line["event"], line["source"]) for line in log] == [
        ("circuit_opened", "probe"),
        ("circuit_closed", "probe"),
    ]
    assert not breaker.is_open


def test_one_probe_passes_at_a_time():
    """Not before its time; whoever learned nothing gives the place back."""
    breaker, clock = opened()
    clock.now += OPEN_S - 0.001
    with pytest.raises(OpenError):
        breaker.enter()
    clock.now += 0.001
    probe = breaker.enter()
    assert not breaker.is_open
    with pytest.raises(OpenError):
        breaker.enter()

    breaker.said_nothing(probe)
    assert breaker.is_open
    breaker.succeeded(breaker.enter())
    assert breaker.enter() == breaker.enter()


def test_a_failed_probe_keeps_it_open_for_as_long_again():
    """One failure is enough then, however many it took the first time."""
    breaker, clock = breaker_of(failures=3)
    for _ in range(3):
        breaker.failed(breaker.enter())
    clock.now += OPEN_S
    breaker.failed(breaker.enter())
    clock.now += OPEN_S - 0.001

    with pytest.raises(OpenError):
        breaker.enter()


@pytest.mark.parametrize("outcome", [Breaker.succeeded, Breaker.failed, Breaker.said_nothing])
def test_what_began_before_it_opened_decides_nothing_afterwards(outcome):
    """A late answer does not close it, a late failure does not prolong it, and neither takes the probe's place."""
    breaker, clock = breaker_of(failures=1)
    late = breaker.enter()
    breaker.failed(breaker.enter())
    clock.now += OPEN_S / 2
    outcome(breaker, late)
    assert breaker.is_open

    clock.now += OPEN_S / 2
    probe = breaker.enter()
    outcome(breaker, late)
    with pytest.raises(OpenError):
        breaker.enter()
    breaker.succeeded(probe)
    assert not breaker.is_open


def test_a_reset_closes_it_and_forgets():
    """Also the probe that is under way."""
    breaker, clock = opened()
    clock.now += OPEN_S
    probe = breaker.enter()
    breaker.reset()
    breaker.failed(probe)

    assert not breaker.is_open
    breaker.enter()


@given(st.lists(st.sampled_from(["enter", "succeeded", "failed", "said_nothing", "wait"]), max_size=60))
def test_whatever_happens_nobody_is_kept_away_for_ever(steps):
    """At most one probe passes, and when all who passed have ended, the next pause ends with a call that passes."""
    breaker, clock = breaker_of()
    under_way = []
    for step in steps:
        if step == "wait":
            clock.now += OPEN_S
        elif step == "enter":
            was_open = breaker.is_open
            try:
                under_way.append(breaker.enter())
            except OpenError:
                continue
            if was_open:
                with pytest.raises(OpenError):
                    breaker.enter()
        elif under_way:
            getattr(breaker, step)(under_way.pop(0))
    for era in under_way:
        breaker.said_nothing(era)
    clock.now += OPEN_S

    breaker.succeeded(breaker.enter())
    assert not breaker.is_open


# -- towards those in a hurry


def hurry_of(*waited_s, failures=2):
    """Return a breaker that has seen calls wait in vain, and its clock."""
    clock = HandClock()
    hurry = HurryBreaker("probe", failures, OPEN_S, clock)
    for for_s in waited_s:
        hurry.waited(for_s)
    return hurry, clock


def passes(hurry, left_s):
    """Return whether a call passes that can wait for so long."""
    try:
        hurry.enter(left_s)
    except OpenError:
        return False
    return True


def test_who_can_wait_no_longer_than_others_in_vain_is_kept_away_and_nobody_else():
    """Hardly longer is no longer: what is left to a call differs a little each time."""
    hurry, _ = hurry_of(0.5, 0.6)

    assert [passes(hurry, left_s) for left_s in (0.1, 0.5, 0.54, 0.56, 2.0)] == [False, False, False, True, True]


def test_one_silence_less_keeps_nobody_away():
    """It takes as many as the manifest says."""
    hurry, _ = hurry_of(0.5, 0.5, failures=3)

    assert passes(hurry, 0.01)


def test_the_most_patient_of_a_run_decide():
    """Those in a greater hurry, however many, speak for themselves alone; nor do they take others from the run."""
    hurry, _ = hurry_of(0.5, *[0.01] * 50)
    assert [passes(hurry, left_s) for left_s in (0.01, 0.5)] == [False, True]

    hurry.waited(0.5)
    assert not passes(hurry, 0.5)


def test_an_answer_refutes_those_who_waited_longer():
    """One that came later still would not have reached them; the log has both moments."""
    with capture_logs() as log:
        hurry, _ = hurry_of(0.5, 0.6)
        hurry.heard(0.7)
        assert not passes(hurry, 0.5)
        hurry.heard(0.55)
        assert passes(hurry, 0.5)

    assert [(line["event"], line["detail"]) for line in log] == [
        ("circuit_opened", "for calls of up to 0.50 s"),
        ("circuit_closed", "for calls in a hurry"),
    ]


def test_one_as_patient_finds_out_for_all():
    """One after each pause, whatever became of the one before; its silence begins the pause anew."""
    hurry, clock = hurry_of(0.5, 0.5)
    clock.now += OPEN_S
    assert [passes(hurry, 0.5), passes(hurry, 0.5)] == [True, False]

    clock.now += OPEN_S / 2
    hurry.waited(0.5)
    clock.now += OPEN_S - 0.001
    assert not passes(hurry, 0.5)
    clock.now += 0.001
    assert passes(hurry, 0.5)


def test_those_in_a_greater_hurry_neither_take_the_place_of_who_finds_out_nor_prolong_the_pause():
    """Only when nobody else has come for another pause is their turn."""
    hurry, clock = hurry_of(0.5, 0.5)
    clock.now += OPEN_S - 1
    hurry.waited(0.01)
    clock.now += 1
    assert [passes(hurry, 0.01), passes(hurry, 0.5)] == [False, True]

    clock.now += OPEN_S
    assert not passes(hurry, 0.01)
    clock.now += OPEN_S
    assert passes(hurry, 0.01)


@given(
    st.lists(st.tuples(st.sampled_from(["enter", "waited", "heard", "wait"]), st.floats(0, 2)), max_size=60),
    st.floats(0, 2),
)
def test_whatever_happens_nobody_in_a_hurry_is_kept_away_for_ever(steps, left_s):
    """Two pauses without anybody are the longest; and no more is remembered than opens it."""
    hurry, clock = hurry_of()
    for step, seconds in steps:
        if step == "wait":
            clock.now += seconds * OPEN_S
        elif step == "enter":
            passes(hurry, seconds)
        else:
            getattr(hurry, step)(seconds)
    assert len(hurry._waited_s) <= 2
    clock.now += 2 * OPEN_S

    assert passes(hurry, left_s)
