"""The linker and its review queue, in either database: decided once, kept sealed, forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from gateway.keys import Keys
from gateway.linkage.judging import Known, Outcome
from gateway.linkage.linker import Linker
from gateway.linkage.reviews import Keeping, ReviewBook, State
from gateway.linkage.tables import LinkageStoreError
from gateway.telemetry import Metrics
from gateway.work.seal import UnsealError
from standards.errors import ConfigurationError, MalformedMessageError
from standards.identifiers import identifier
from tests.builders import KEYS, NOW
from tests.databases import postgresql
from tests.fakes import StillClock
from tests.unit.gateway.linkage.people import MODEL, known, row

pytestmark = pytest.mark.contract

DAY_S = 86_400
DOUBTFUL = row(surname="Kimaro", second_name=None)
"""Everything but the surname agrees: a married name, or a neighbour."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """A database of each make."""
    with nullcontext(f"sqlite:///{tmp_path}/l.db") if request.param == "sqlite" else postgresql() as found:
        yield found


@pytest.fixture
def clock() -> StillClock:
    """The time of day."""
    return StillClock(NOW)


@pytest.fixture
def book(url, clock) -> Iterator[ReviewBook]:
    """The queue."""
    opened = ReviewBook(url, KEYS, clock, Keeping(review_days=30, decision_days=365, most_open=3))
    yield opened
    opened.close()


@pytest.fixture
def linker(book) -> Linker:
    """The linker over it."""
    return Linker(MODEL, book)


async def ask(linker: Linker, *candidates, who: Known | None = None, cut: bool = False, source: str = "list"):
    """Settle who Asha is."""
    return await linker.settle(source, who or known(), candidates, cut=cut)


async def test_what_stays_open_is_queued_once(linker, book):
    """However often it is asked, and by whichever of the person's numbers."""
    for who in (known(), known(), known({"UIN": "1234567890", "BRN": "B-1"}), known({"BRN": "B-1"})):
        assert (await ask(linker, DOUBTFUL, who=who)).outcome is Outcome.AMBIGUOUS

    assert [(one.state, one.source_id) for one in book.all()] == [("open", "list")]
    assert await book.tidied() == (1, 0, 0)


async def test_processes_that_queue_at_once_queue_once(url, clock, book, linker):
    """The second finds the first one's."""
    other = ReviewBook(url, KEYS, clock)
    second = Linker(MODEL, other)
    both = [DOUBTFUL, row("FL-2", surname="Makame", second_name=None)]

    await asyncio.gather(*(ask(one, *both) for one in (linker, second) * 4))
    other.close()

    assert len(book.all()) == 2


async def test_one_person_from_the_next_question_on(linker, book):
    """What an officer said is a match, by a rule of its own, also out of a list that was cut."""
    await ask(linker, DOUBTFUL)
    [review] = book.all(State.OPEN)
    assert book.decide(review.review_id, State.SAME, "operator:ann").decided_by == "operator:ann"

    verdict = await ask(linker, row("FL-2", given_name="Salma"), DOUBTFUL, cut=True)

    assert (verdict.outcome, verdict.rule, verdict.identifiers) == (Outcome.MATCH, "reviewed", {"LIST_NO": "FL-1"})
    assert (await ask(linker, DOUBTFUL, source="other")).outcome is Outcome.AMBIGUOUS


async def test_two_people_are_never_proposed_again(linker, book):
    """They are out of the question, even where they would match; the next best is looked at without them."""
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.DIFFERENT, "operator:ann")

    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.NONE
    assert (await ask(linker, row())).outcome is Outcome.NONE
    assert (await ask(linker, row(), row("FL-2"))).identifiers == {"LIST_NO": "FL-2"}
    assert [one.state for one in book.all()] == ["different"]


async def test_a_decision_can_be_decided_otherwise(linker, book):
    """Officers err too."""
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.SAME, "operator:ann")
    book.decide(review.review_id, State.DIFFERENT, "operator:ben")

    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.NONE
    with pytest.raises(MalformedMessageError):
        book.decide("lr-none", State.SAME, "operator:ann")


async def test_a_decision_may_be_withdrawn(linker, book):
    """Then nothing is known of the pair, and it is queued again."""
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.SAME, "operator:ann")
    book.withdraw(review.review_id)

    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.AMBIGUOUS
    assert [(one.state, one.review_id == review.review_id) for one in book.all()] == [("open", False)]


async def test_what_rests_on_a_decision_says_so(linker, book):
    """A match, nobody, or somebody else: none of it may be remembered, for officers may decide otherwise."""
    assert not (await ask(linker, row())).is_reviewed
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    for state in (State.SAME, State.DIFFERENT):
        book.decide(review.review_id, state, "operator:ann")
        assert (await ask(linker, DOUBTFUL)).is_reviewed
    assert (await ask(linker, row(), row("FL-2"))).is_reviewed


async def test_about_whom_officers_decided_is_known(linker, book):
    """By any of the person's numbers, until it is withdrawn: a match of before is not believed meanwhile."""
    await ask(linker, DOUBTFUL, who=known({"UIN": "1234567890", "BRN": "B-1"}))
    [review] = book.all()
    people = [known({"BRN": "B-1"}), known({"UIN": "9876543210"}), known()]
    assert await linker.decided_on("list", people) == [False, False, False]

    for state in (State.SAME, State.DIFFERENT):
        book.decide(review.review_id, state, "operator:ann")
        assert await linker.decided_on("list", people) == [True, False, True]
    assert await linker.decided_on("other", people) == [False, False, False]
    book.withdraw(review.review_id)
    assert await linker.decided_on("list", people) == [False, False, False]


async def test_a_number_that_is_somebody_else_s_by_now_is_not_believed(linker, book):
    """Lists are numbered anew: what was decided of the row before says nothing of a stranger under its number."""
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.SAME, "operator:ann")
    home: dict[str, Any] = {"locality": "Ziwani", "sub_region_code": "PV-901", "region_code": "PV-9"}
    stranger = row(given_name="Rehema", surname="Kimaro", birth_date="1950-05-05", **home)

    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.MATCH
    assert (await ask(linker, stranger)).outcome is Outcome.AMBIGUOUS


async def test_a_twin_waits_for_an_officer(linker, book):
    """However high the score: it says nothing that twins have not in common."""
    twin = row(given_name="Ashia", kin_numbers="5555555555")
    verdict = await ask(linker, twin, who=known(kin_numbers=[{"UIN": "5555555555"}]))

    assert verdict.score > MODEL.thresholds.match
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert [one.state for one in book.all()] == ["open"]


async def test_a_person_without_a_number_is_reviewed_too(linker, book):
    """Known by everything that is known; by what the officer finds her is sealed."""
    nobody = known({})
    for _ in range(2):
        await ask(linker, DOUBTFUL, who=nobody)
    [review] = book.all()

    assert book.reference(review.review_id)["person"]["traits"]["surname"] == "Barwani"
    book.decide(review.review_id, State.SAME, "operator:ann")
    assert (await ask(linker, DOUBTFUL, who=nobody)).outcome is Outcome.MATCH
    assert book.reference(review.review_id) is None


async def test_nothing_is_kept_in_clear(linker, book, url, tmp_path):
    """Not a name, not a number; the sealed reference opens for this gateway alone."""
    await ask(linker, DOUBTFUL)
    [review] = book.all()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        kept = str(
            [
                connection.execute(sa.text(f"SELECT * FROM {table}")).all()
                for table in ("linkage_review", "linkage_pair")
            ]
        )
    engine.dispose()

    for canary in ("1234567890", "FL-1", "Asha", "Barwani", "Kimaro", "1980", "Mooring"):
        assert canary not in kept
    assert book.reference(review.review_id) == {
        "person": {"identifiers": {"UIN": "1234567890"}},
        "candidate": {"identifiers": {"LIST_NO": "FL-1"}},
    }
    stranger = ReviewBook(url, Keys(KEYS.signing, b"another" * 8), StillClock(NOW))
    with pytest.raises(UnsealError):
        stranger.reference(review.review_id)
    stranger.close()


async def test_what_waits_too_long_is_forgotten_and_decisions_last_longer(linker, book, clock):
    """An open pair after 30 days, to be queued anew; a decision after a year."""
    await ask(linker, DOUBTFUL)
    clock.move(30 * DAY_S)
    assert book.all() == []
    assert await book.tidied() == (0, 0, 0)

    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.DIFFERENT, "operator:ann")
    clock.move(364 * DAY_S)
    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.NONE
    clock.move(DAY_S)
    assert (await ask(linker, DOUBTFUL)).outcome is Outcome.AMBIGUOUS


async def test_who_withdraws_waits_for_nobody(linker, book):
    """Their open pairs leave the queue, under whichever number; others stay, and so does what was decided."""
    other = known({"UIN": "9876543210"})
    await ask(linker, DOUBTFUL, who=known({"UIN": "1234567890", "BRN": "B-1"}))
    await ask(linker, row("FL-2", surname="Kimaro", second_name=None), who=other)
    await ask(linker, row("FL-3", surname="Kimaro", second_name=None), who=known(), source="roll")
    decided = next(one for one in book.all() if one.source_id == "roll")
    book.decide(decided.review_id, State.DIFFERENT, "officer")

    await linker.forget(identifier("BRN", "B-1"))
    await linker.forget(identifier("UIN", "1234567890"))

    assert {one.source_id: one.state for one in book.all()} == {"list": "open", "roll": "different"}
    assert await book.tidied() == (1, 0, 1)


async def test_a_full_queue_takes_no_more(linker, book):
    """The answer stays open all the same; the operator hears of it once, and once when there is room again."""
    metrics = Metrics()
    metrics.watch_linkage(linker)
    with capture_logs() as lines:
        for number in range(5):
            assert (await ask(linker, DOUBTFUL, who=known({"UIN": f"999999999{number}"}))).outcome is Outcome.AMBIGUOUS
        await linker.look()
        assert [one["event"] for one in lines] == ["linkage_queue_full"]
        assert metrics.registry.get_sample_value("hearth_linkage_turned_away_total") == 2

        assert len(book.all()) == 3
        book.decide(book.all()[0].review_id, State.DIFFERENT, "operator:ann")
        await linker.look()
    assert [one["event"] for one in lines] == ["linkage_queue_full", "linkage_queue_has_room"]


async def test_a_queue_that_is_just_full_is_nothing_to_tell(linker):
    """Everybody is in it; and what is there already wants no room."""
    with capture_logs() as lines:
        for number in (0, 1, 2, 0):
            await ask(linker, DOUBTFUL, who=known({"UIN": f"999999999{number}"}))
        await linker.look()

    assert lines == []


async def test_what_only_a_shadow_heard_is_put_before_nobody(linker, book):
    """Nor counted: no answer rests on it. What officers decided holds there too."""
    beside = linker.beside()
    assert (await ask(beside, DOUBTFUL)).outcome is Outcome.AMBIGUOUS
    assert (book.all(), linker.counts) == ([], {})

    await ask(linker, DOUBTFUL)
    [review] = book.all()
    book.decide(review.review_id, State.SAME, "operator:ann")
    assert (await ask(beside, DOUBTFUL)).outcome is Outcome.MATCH


async def test_a_match_and_nobody_are_not_queued(linker, book):
    """Only what is open is anybody's work."""
    assert (await ask(linker, row())).outcome is Outcome.MATCH
    assert (await ask(linker)).outcome is Outcome.NONE
    assert (await ask(linker, cut=True)).outcome is Outcome.AMBIGUOUS

    assert book.all() == []


async def test_verdicts_and_the_queue_are_counted(linker):
    """For the operator: by registry and outcome."""
    metrics = Metrics()
    metrics.watch_linkage(linker)
    await ask(linker, DOUBTFUL)
    await ask(linker, row())
    await linker.look()

    value = metrics.registry.get_sample_value
    assert value("hearth_linkage_verdicts_total", {"source": "list", "outcome": "ambiguous"}) == 1
    assert value("hearth_linkage_verdicts_total", {"source": "list", "outcome": "match"}) == 1
    assert value("hearth_linkage_reviews", {"state": "open"}) == 1


async def test_while_decisions_cannot_be_read_nobody_is_merged(linker, url):
    """Nor told to be missing: an officer may have said otherwise."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE linkage_pair"))
    engine.dispose()

    verdict = await ask(linker, row())

    assert (verdict.outcome, verdict.identifiers) == (Outcome.AMBIGUOUS, {})
    assert await linker.decided_on("list", [known()]) == [True]
    with pytest.raises(LinkageStoreError):
        await linker.look()


def test_a_database_that_cannot_be_used_is_said():
    """By its setting, and without its URL, which may hold a password."""
    with pytest.raises(ConfigurationError, match=r"stores\.linkage_url") as error:
        ReviewBook("sqlite:////nowhere/secret/l.db", KEYS, StillClock(NOW))

    assert "secret" not in str(error.value)
