"""What a manifest says of the registry as an office: its hours, and how old its word may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.terms import WEEKDAYS, Freshness, Hours, Window

OFFICE = Hours(
    timezone="Africa/Nairobi",
    windows=(
        Window(days=("mon", "fri"), opens="08:00", closes="17:00"),
        Window(days=("fri",), opens="20:00", closes="24:00"),
    ),
)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 11, 20, 5, 0, tzinfo=UTC), True),  # a Friday, 08:00 there
        (datetime(2026, 11, 20, 4, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 20, 14, 0, tzinfo=UTC), False),  # it closes at this minute
        (datetime(2026, 11, 20, 20, 59, tzinfo=UTC), True),  # before midnight there
        (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), False),  # a Saturday
    ],
)
def test_a_registry_is_open_by_its_own_clock(moment, is_open):
    """Days and hours are those of its time zone."""
    assert OFFICE.is_open(moment) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (datetime(2026, 11, 20, 4, 59, tzinfo=UTC), "2026-11-20T08:00:00+03:00"),
        (datetime(2026, 11, 20, 14, 0, tzinfo=UTC), "2026-11-20T20:00:00+03:00"),
        (datetime(2026, 11, 20, 21, 0, tzinfo=UTC), "2026-11-23T08:00:00+03:00"),  # over the weekend
    ],
)
def test_a_closed_registry_says_when_it_opens(moment, opens):
    """By its own clock."""
    told = OFFICE.opens_at(moment)

    assert told is not None
    assert told.isoformat() == opens


@given(
    st.integers(0, 3 * 365 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Africa/Nairobi", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo"]),
    st.lists(
        st.builds(
            lambda days, hours: Window(days=tuple(days), opens=f"{min(hours):02}:15", closes=f"{max(hours):02}:45"),
            st.sets(st.sampled_from(WEEKDAYS), min_size=1),
            st.tuples(st.integers(0, 23), st.integers(0, 23)),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_between_a_moment_and_the_next_opening_a_registry_is_closed(moment, zone, windows):
    """Whatever the zone, and where clocks change: it opens then, and not before."""
    hours = Hours(timezone=zone, windows=tuple(windows))
    assume(not hours.is_open(moment))
    opens = hours.opens_at(moment)

    assert opens is not None
    assert opens > moment
    assert hours.is_open(opens.astimezone(UTC))
    minutes = int((opens - moment).total_seconds() // 60)
    assert minutes <= 8 * 24 * 60
    asked = (moment + timedelta(minutes=ahead) for ahead in range(0, minutes, 7))
    # An hour that clocks skip or repeat may open it a little earlier than its windows are written.
    assert not any(hours.is_open(one) for one in asked if opens - one > timedelta(hours=1))


@pytest.mark.parametrize(
    "hours",
    [
        {"timezone": "Africa/Atlantis", "windows": [{"days": ["mon"], "opens": "08:00", "closes": "17:00"}]},
        {"timezone": "../etc/passwd", "windows": [{"days": ["mon"], "opens": "08:00", "closes": "17:00"}]},
        {"timezone": "UTC", "windows": [{"days": ["mon"], "opens": "17:00", "closes": "08:00"}]},
        {"timezone": "UTC", "windows": [{"days": ["monday"], "opens": "08:00", "closes": "17:00"}]},
        {"timezone": "UTC", "windows": [{"days": ["mon"], "opens": "8:00", "closes": "17:00"}]},
        {"timezone": "UTC", "windows": []},
    ],
)
def test_hours_that_cannot_be_are_refused(hours):
    """No zone of that name, nothing open, or closed before it opens."""
    with pytest.raises(ValidationError):
        Hours.model_validate(hours)


@pytest.mark.parametrize(
    ("as_of", "is_met"),
    [
        ("2026-11-20T11:00:00+00:00", True),
        ("2026-11-19T11:59:00+00:00", False),
        ("2026-11-19T13:59:00+03:00", False),
        ("2026-11-19", True),  # a day counts until its end
        ("2026-11-18", False),
    ],
)
def test_a_lag_is_met_or_not(as_of, is_met):
    """By the hours between a record and now."""
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    assert Freshness(max_lag_h=24).is_met(as_of, now) is is_met
