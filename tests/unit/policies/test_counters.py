"""Questions counted against quotas: on disk, in all processes together, and never one too many."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from policies.counters import CountError, QuestionCounter
from standards.errors import ConfigurationError
from standards.permit import Reason
from tests.unit.policies.builders import VALUE
from tests.unit.policies.builders import permit as permit_for

NOW = datetime(2026, 9, 30, 23, 59, tzinfo=UTC)
TOMORROW = datetime(2026, 10, 1, 0, 0, tzinfo=UTC)


def permit(**changes):
    """A permit with a quota."""
    return permit_for({"given_name": VALUE}, **changes)


@pytest.fixture
def url(tmp_path):
    """The address of a file of counts."""
    return f"sqlite:///{tmp_path / 'counters.db'}"


@pytest.fixture
def counter(url):
    """A counter over it."""
    counter = QuestionCounter(url)
    yield counter
    counter.close()


async def test_the_question_after_the_last_is_denied_and_not_counted(counter):
    """The denial says from when on it may be asked again; denied questions use nothing up."""
    limited = permit(per_day=2)
    assert [await counter.count(limited, NOW) for _ in range(2)] == [None, None]

    for _ in range(3):
        denial = await counter.count(limited, NOW)
        assert denial is not None
        assert denial.reason is Reason.QUOTA_USED_UP
        assert "2026-10-01" in denial.remedy

    assert counter.used("grant", "eligibility", NOW) == (2, 0)
    assert await counter.count(limited, TOMORROW) is None


async def test_a_day_that_is_free_does_not_help_in_a_month_that_is_not(counter):
    """What the month refuses is not counted for the day either."""
    limited = permit(per_day=5, per_month=1)
    september = datetime(2026, 9, 1, tzinfo=UTC)
    assert await counter.count(limited, september) is None

    denial = await counter.count(limited, NOW)

    assert denial is not None
    assert "this month" in denial.remedy
    assert counter.used("grant", "eligibility", NOW) == (0, 1)
    assert await counter.count(limited, TOMORROW) is None


async def test_every_purpose_and_agreement_has_its_own_count(counter):
    """And a question without a quota is not counted at all."""
    for changes in ({}, {"purpose": "audit"}, {"agreement_id": "other"}):
        assert await counter.count(permit(per_day=1, **changes), NOW) is None
    assert await counter.count(permit(), NOW) is None

    assert counter.used("grant", "eligibility", NOW) == (1, 0)


async def test_a_new_version_does_not_start_again_and_a_lower_quota_acts_at_once(counter):
    """The count is of the agreement; the limit is of the version."""
    assert await counter.count(permit(per_day=3), NOW) is None
    assert await counter.count(permit(per_day=3), NOW) is None

    assert await counter.count(permit(per_day=2, agreement_version="1.1"), NOW) is not None


async def test_counts_survive_a_restart(counter, url):
    """They lie on disk."""
    await counter.count(permit(per_day=1), NOW)
    again = QuestionCounter(url)

    assert await again.count(permit(per_day=1), NOW) is not None
    again.close()


def test_several_processes_never_give_out_one_question_too_many(url):
    """Each has its own connections to one file."""
    counters = [QuestionCounter(url) for _ in range(4)]

    def ask(number):
        return asyncio.run(counters[number % 4].count(permit(per_day=25, per_month=40), NOW))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(60)))

    assert sum(answer is None for answer in answers) == 25
    assert counters[0].used("grant", "eligibility", NOW) == (25, 25)
    for counter in counters:
        counter.close()


async def test_what_cannot_be_counted_raises(counter, tmp_path):
    """Silence would be a question for free."""
    await counter.count(permit(per_day=9), NOW)
    counter.close()
    for file in tmp_path.glob("counters.db*"):
        file.unlink()
    (tmp_path / "counters.db").write_bytes(b"this is no database, however long one looks at it\n" * 4)

    with pytest.raises(CountError):
        await counter.count(permit(per_day=9), NOW)


@pytest.mark.parametrize("url", ["nothing of the kind", "oracle-of-delphi://x", "mysql+nothing://secret@x"])
def test_an_address_that_names_no_database_is_refused(url):
    """The setting is named, its value is not: it may hold a password."""
    with pytest.raises(ConfigurationError, match=r"stores\.counters_url") as refused:
        QuestionCounter(url)

    assert url not in str(refused.value)
