"""The circuit breaker: a run of failures opens it, one probe at a time decides, and the past changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.transport.breaker import Breaker, OpenError
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
