"""Faults are read strictly and met as often as asked for."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.faults import MODES, Fault, FaultBox, MalformedFaultError, parse


def met(box, calls, path="/search"):
    """Return which of a number of calls meet a fault."""
    return [box.draw(path, None) is not None for _ in range(calls)]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_read_with_its_defaults(mode):
    """A mode alone is a whole instruction."""
    assert parse(orjson.dumps({"mode": mode})) == Fault(mode)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"down"',
        b"{}",
        b'{"mode": "meltdown"}',
        b'{"mode": ["down"]}',
        b'{"mode": "slow", "delay": 5}',
        b'{"mode": "slow", "delay_ms": -1}',
        b'{"mode": "slow", "delay_ms": "5"}',
        b'{"mode": "status", "status": true}',
        b'{"mode": "status", "status": 200}',
        b'{"mode": "down", "times": 0}',
        b'{"mode": "down", "probability": 1.5}',
        b'{"mode": "down", "probability": "half"}',
        b'{"mode": "down", "paths": "/search"}',
        b'{"mode": "down", "paths": [1]}',
    ],
)
def test_an_instruction_that_names_no_fault_is_refused(body):
    """A slip of the pen is told, never taken for another fault."""
    with pytest.raises(MalformedFaultError) as refusal:
        parse(body)

    assert refusal.value.modes == MODES


def test_a_fault_is_shown_as_stored():
    """What is shown holds the mode's own settings and the limits that were set, and nothing else."""
    fault = parse(b'{"mode": "status", "status": 429, "retry_after": 7, "times": 3, "paths": ["/a"]}')

    assert fault.shown() == {"mode": "status", "status": 429, "retry_after": 7, "times": 3, "paths": ("/a",)}
    assert Fault("slow").shown() == {"mode": "slow", "delay_ms": 30_000}
    assert Fault("down").shown() == {"mode": "down"}


@given(st.integers(1, 20), st.integers(0, 30))
def test_times_limits_how_many_calls_meet_the_fault(times, calls):
    """The first n calls meet it, the rest do not, and what is left shows."""
    box = FaultBox()
    box.store(orjson.dumps({"mode": "down", "times": times}))

    assert met(box, calls) == [turn < times for turn in range(calls)]
    assert box.shown().get("times", 0) == max(0, times - calls)


def test_chance_is_repeatable_by_its_seed():
    """The same seed lets the same calls fail; about the asked share of them."""
    box = FaultBox()
    rounds = []
    for _ in range(2):
        box.store(b'{"mode": "down", "probability": 0.3, "seed": 7}')
        rounds.append(met(box, 300))

    assert rounds[0] == rounds[1]
    assert 50 < sum(rounds[0]) < 130


def test_only_the_named_paths_meet_the_fault():
    """Other paths behave, and use up no `times`."""
    box = FaultBox()
    box.store(b'{"mode": "down", "paths": ["/api/", "/fhir"], "times": 1}')

    assert met(box, 2, "/search") == [False, False]
    assert met(box, 2, "/fhir/Patient") == [True, False]


def test_a_header_outranks_the_fault_in_force():
    """A call's own header counts for that call and changes nothing for others."""
    box = FaultBox()
    box.store(b'{"mode": "down", "times": 1}')

    assert box.draw("/search", '{"mode": "empty"}') == Fault("empty")
    assert met(box, 2) == [True, False]
    with pytest.raises(MalformedFaultError):
        box.draw("/search", "nonsense")


def test_a_cleared_box_holds_no_fault():
    """After clearing, everything behaves and the mode shows as null."""
    box = FaultBox()
    box.store(b'{"mode": "down"}')
    box.clear()

    assert box.shown() == {"mode": None}
    assert met(box, 3) == [False] * 3


async def test_a_wait_ends_when_the_client_has_left():
    """A long delay for nobody is no delay."""
    await FaultBox().wait(3600, gone=lambda: True)


async def test_a_wait_ends_when_the_server_stops():
    """Stopping lets everybody go at once."""
    box = FaultBox()
    box.open()
    box.close()

    await box.wait(3600, gone=lambda: False)
    assert box.closing


class Connection:
    """A connection that knows only whether it was broken off."""

    def __init__(self):
        self.broken = False

    def abort(self):
        self.broken = True


async def test_an_endless_answer_ends_when_the_server_stops():
    """Its connection is broken off, however slowly its client reads; one that has ended is left alone."""
    box = FaultBox()
    reading: Any = Connection()
    done: Any = Connection()
    with box.endless(done):
        pass
    with box.endless(reading), box.endless(None):
        box.close()

    assert (reading.broken, done.broken) == (True, False)
