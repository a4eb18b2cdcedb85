"""Bits told, counted: on disk, in all processes together, and about nobody by name."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from policies.counters import QuestionCounter
from policies.probe_counts import Probe, ProbeCounts
from policies.probes import Asked, Limits, Verdict
from tests.databases import postgresql

KEY = b"k" * 32
TODAY = date(2026, 9, 30)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'counters.db'}"
    else:
        with postgresql() as given:
            yield given


@pytest.fixture
def open_counts(url):
    """Opens the counts as another process would."""
    counters = []

    def opened(clock=time.monotonic):
        counters.append(QuestionCounter(url))
        return ProbeCounts(counters[-1].engine, KEY, 30, clock)

    yield opened
    for counter in counters:
        counter.close()


def probe(names, rung="at 24000", day="2026-09-30", rungs=3, answers=60, attribute="income_annual"):
    """One question about one person."""
    return Probe(names, attribute, Asked(rung, day), Limits(answers, rungs))


def test_what_is_counted_outlives_the_process(open_counts):
    """And looking counts nothing."""
    first = open_counts()
    names = (first.name("uct", "somebody"),)
    another = [probe(names, "at 12000", rungs=1)]
    assert first.weigh("uct", [probe(names)], TODAY, counting=False) == [Verdict.NEW]
    assert first.weigh("uct", another, TODAY, counting=False) == [Verdict.NEW]
    assert first.weigh("uct", [probe(names)], TODAY, counting=True) == [Verdict.NEW]

    assert open_counts().weigh("uct", another, TODAY, counting=False) == [Verdict.LADDER]


def test_two_processes_never_both_give_the_last_answer(open_counts):
    """Twenty thresholds asked of eight workers at once: three are answered."""
    workers = [open_counts() for _ in range(4)]
    names = (workers[0].name("uct", "somebody"),)

    def ask(number):
        return workers[number % 4].weigh("uct", [probe(names, f"at {number}")], TODAY, counting=True)[0]

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(ask, range(20)))

    assert sum(verdict.is_answered for verdict in verdicts) == 3


def test_one_person_under_two_numbers_is_one(open_counts):
    """Once both numbers were known together, what was told under either counts."""
    counts = open_counts()
    uin, tin = counts.name("uct", "by uin"), counts.name("uct", "by tin")
    for names, rung in (((tin,), "at 1"), ((uin,), "at 2")):
        assert counts.weigh("uct", [probe(names, rung)], TODAY, counting=True) == [Verdict.NEW]

    assert counts.weigh("uct", [probe((uin, tin), "at 3", rungs=2)], TODAY, counting=True) == [Verdict.LADDER]
    assert counts.weigh("uct", [probe((uin, tin), "at 1", rungs=1)], TODAY, counting=True) == [Verdict.KNOWN]
    assert counts.weigh("uct", [probe((uin,), "at 1", rungs=1)], TODAY, counting=False) == [Verdict.KNOWN]


def test_two_programmes_have_two_budgets(open_counts):
    """And two names for one person."""
    counts = open_counts()
    one, other = counts.name("uct", "somebody"), counts.name("cct", "somebody")
    assert one != other
    counts.weigh("uct", [probe((one,), "at 1", rungs=1)], TODAY, counting=True)

    assert counts.weigh("cct", [probe((other,), "at 2", rungs=1)], TODAY, counting=True) == [Verdict.NEW]


def test_within_one_question_too_there_is_a_bound(open_counts):
    """Questions that are weighed together count for each other."""
    counts = open_counts()
    names = (counts.name("uct", "everybody"),)
    together = [probe(names, f"search {n}", rungs=2) for n in range(4)]

    verdicts = counts.weigh("uct", together, TODAY, counting=True)

    assert verdicts == [Verdict.NEW, Verdict.NEW, Verdict.LADDER, Verdict.LADDER]


def test_after_the_window_nothing_counts_any_more(open_counts):
    """And nothing of it lies there."""
    counts = open_counts()
    names = (counts.name("uct", "somebody"),)
    counts.weigh("uct", [probe(names, "at 1", rungs=1)], date(2026, 8, 31), counting=True)

    assert counts.weigh("uct", [probe(names, "at 2", rungs=1)], date(2026, 9, 29), counting=False) == [Verdict.LADDER]
    assert counts.weigh("uct", [probe(names, "at 2", rungs=1)], TODAY, counting=True) == [Verdict.NEW]


def test_nobody_and_no_threshold_stands_there_in_clear(tmp_path):
    """Whoever opens the file learns that something was asked, and not about whom, or what."""
    url = f"sqlite:///{tmp_path / 'counters.db'}"
    counter = QuestionCounter(url)
    counts = ProbeCounts(counter.engine, KEY, 30)
    counts.weigh("uct", [probe((counts.name("uct", "1000000001"),), "at 24680")], TODAY, counting=True)
    counter.close()

    written = b"".join(file.read_bytes() for file in tmp_path.glob("counters.db*"))
    assert b"income_annual" in written
    assert not any(clear in written for clear in (b"1000000001", b"24680", b"uct"))


def test_one_need_not_look_while_nobody_can_be_at_a_bound(open_counts):
    """As long as what was read is fresh, and of the same day and programme."""
    clock = [100.0]
    counts = open_counts(lambda: clock[0])
    one, another = [probe(("a",), "at 1", rungs=1)], [probe(("b",), "at 2", rungs=1)]
    assert not counts.is_far("uct", one, TODAY)
    counts.weigh("uct", one, TODAY, counting=True)
    counts.weigh("uct", one, TODAY, counting=False)

    assert counts.is_far("uct", one, TODAY)
    assert not counts.is_far("uct", another, TODAY)
    assert not counts.is_far("cct", one, TODAY)
    assert not counts.is_far("uct", one, date(2026, 10, 1))
    clock[0] += 2.1
    assert not counts.is_far("uct", one, TODAY)


def test_a_database_that_is_gone_is_an_error(tmp_path):
    """Never a yes."""
    counter = QuestionCounter(f"sqlite:///{tmp_path / 'counters.db'}")
    counts = ProbeCounts(counter.engine, KEY, 30)
    with counter.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE probe"))

    with pytest.raises(sa.exc.SQLAlchemyError):
        counts.weigh("uct", [probe(("a",))], TODAY, counting=True)
    counter.close()
