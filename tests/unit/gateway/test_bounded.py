"""What is known of a database that is out: one looks for it, and nobody waits in a row."""

import pytest
import sqlalchemy as sa

from gateway.bounded import REST_S, NoAnswerError, Outage
from gateway.database import LIMIT_S, open_engine, why

LIMIT = 3.0


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    """The time."""
    return Clock()


@pytest.fixture
def outage(clock):
    """Nothing is known against the database."""
    return Outage(LIMIT, clock)


def is_let_by(outage):
    """Tell whether a caller may connect."""
    try:
        outage.pass_by()
    except NoAnswerError:
        return False
    return True


def test_everybody_may_connect_to_a_database_that_is_heard(outage):
    """As often as they like."""
    assert [is_let_by(outage) for _ in range(3)] == [True, True, True]


def test_one_looks_for_a_database_that_is_out(outage, clock):
    """After a rest, and not before that look can be over; the others fail at once."""
    outage.begin()
    assert not is_let_by(outage)

    clock.now += REST_S
    assert [is_let_by(outage) for _ in range(3)] == [True, False, False]

    clock.now += LIMIT + REST_S
    assert [is_let_by(outage) for _ in range(3)] == [True, False, False]


def test_whoever_hears_it_lets_everybody_by(outage, clock):
    """From that moment on."""
    outage.begin()
    clock.now += REST_S
    outage.pass_by()
    outage.end()

    assert [is_let_by(outage) for _ in range(3)] == [True, True, True]


def test_whoever_looks_and_is_sent_away_leaves_it_out(outage, clock):
    """A server that starts again refuses at first: it is looked for after the next rest, not after a whole look."""
    outage.begin()
    clock.now += REST_S
    outage.pass_by()
    outage.go_on()
    assert not is_let_by(outage)

    clock.now += REST_S
    assert is_let_by(outage)


def test_whoever_is_sent_away_by_a_database_that_is_not_out_may_come_again(outage):
    """Being refused costs no time, so nobody has to be kept from it."""
    outage.go_on()

    assert is_let_by(outage)


@pytest.mark.parametrize(
    ("query", "limit_s"), [("", LIMIT_S), ("?connect_timeout=2", 2.0), ("?connect_timeout=0", LIMIT_S)]
)
def test_the_url_states_the_limit(query, limit_s):
    """Zero is no limit to the driver, and here it is the usual one."""
    engine = open_engine(f"postgresql+psycopg://nobody@127.0.0.1:1/none{query}")

    assert isinstance(engine.pool, sa.QueuePool)
    assert engine.pool.timeout() == limit_s


def test_silence_is_told_in_words():
    """Any other error by its class: its text may hold values."""
    assert why(NoAnswerError("of 10.0.0.1")) == "it does not answer"
    assert why(ValueError("1000000001")) == "ValueError"
