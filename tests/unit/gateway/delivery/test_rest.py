"""Rest: who cannot be reached is left alone for a while, and not a moment longer than need be."""

from gateway.delivery.rest import FREE, LONGEST_S, Rest
from gateway.delivery.sending import Said
from tests.fakes import HandClock

DOWN = Said(False, "no_connection")


def test_a_few_failures_are_chance():
    """A consumer that stumbles is not left alone."""
    rest = Rest(HandClock())
    for _ in range(FREE):
        rest.begins("uct", DOWN)
    assert rest.left_s("uct") == 0


def test_more_are_not():
    """Longer and longer, up to a bound; others are not concerned."""
    clock = HandClock()
    rest = Rest(clock)
    pauses = []
    for _ in range(20):
        rest.begins("uct", DOWN)
        pauses.append(rest.left_s("uct"))
    assert 0 < pauses[FREE] < 1
    assert 0.75 * LONGEST_S <= pauses[-1] <= 1.25 * LONGEST_S
    assert rest.left_s("other") == 0
    clock.now += 2 * LONGEST_S
    assert rest.left_s("uct") == 0


def test_whoever_takes_a_message_is_well():
    """It begins anew."""
    rest = Rest(HandClock())
    for _ in range(20):
        rest.begins("uct", DOWN)
    rest.ends("uct")
    assert rest.left_s("uct") == 0
    rest.begins("uct", DOWN)
    assert rest.left_s("uct") == 0


def test_a_wish_to_wait_counts_for_all_that_waits():
    """Retry-After of one message rests the consumer, within the bound."""
    rest = Rest(HandClock())
    rest.begins("uct", Said(False, "status_429", 7.0))
    assert rest.left_s("uct") == 7.0
    rest.begins("uct", Said(False, "status_429", 10_000.0))
    assert rest.left_s("uct") == LONGEST_S


def test_one_host_that_is_gone_does_not_rest_another():
    """A consumer may be called back at several; each is left alone for itself."""
    rest = Rest(HandClock())
    for _ in range(20):
        rest.begins("uct", DOWN, "old.example.org")
    assert rest.left_s("uct", "old.example.org") > 0
    assert rest.left_s("uct", "new.example.org") == 0
