"""Pseudonyms: stable for one programme, different between programmes, and known again after a rotation."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.handles import HandleKey, HandleRing
from standards.errors import ConfigurationError

DAY = date(2026, 9, 30)
RING = HandleRing([HandleKey("k1", b"a" * 32, date(2026, 1, 1))])
NUMBERS = st.text("0123456789ABCDEF-", min_size=1, max_size=20)
PROGRAMMES = st.sampled_from(["uct", "cct-education", "pension"])
ATTRIBUTES = st.sampled_from(["uin", "tin", "brn"])
ASKED = st.tuples(PROGRAMMES, ATTRIBUTES, NUMBERS)


def handle(asked, ring=RING, day=DAY):
    """The handle of (programme, attribute, number)."""
    programme, attribute, number = asked
    return ring.handles(programme, day).current(attribute, number)


@given(ASKED, ASKED)
def test_a_handle_is_of_one_programme_one_attribute_and_one_number(one, other):
    """Equal for equal, different for everything else, and it shows neither."""
    assert (handle(one) == handle(other)) is (one == other)
    assert handle(one).startswith("k1.")
    assert len(one[2]) < 4 or one[2].lower() not in handle(one).removeprefix("k1.")


def test_the_spelling_of_a_number_makes_no_difference():
    """As for every identifier."""
    assert handle(("uct", "uin", " 12 34ab ")) == handle(("uct", "uin", "1234AB"))


def test_another_key_makes_other_handles():
    """Nothing can be told from a handle without the key."""
    other = HandleRing([HandleKey("k1", b"b" * 32, date(2026, 1, 1))])

    assert handle(("uct", "uin", "1")) != handle(("uct", "uin", "1"), other)


def test_after_a_rotation_the_former_handle_is_told_for_the_days_stated():
    """A programme finds its people again, and the old key is forgotten in time."""
    rotated = RING.rotated(DAY, 90)
    old = handle(("uct", "uin", "1"))
    before, after = rotated.handles("uct", DAY - timedelta(days=1)), rotated.handles("uct", DAY)

    assert (before.current("uin", "1"), before.former("uin", "1")) == (old, ())
    assert after.current("uin", "1").startswith("k2.")
    assert after.former("uin", "1") == (old,)
    assert rotated.handles("uct", DAY + timedelta(days=90)).former("uin", "1") == (old,)
    assert rotated.handles("uct", DAY + timedelta(days=91)).former("uin", "1") == ()


def test_a_second_rotation_keeps_both_until_their_days_and_then_drops_them():
    """Newest first; a key past its day is no longer in the file at all."""
    twice = RING.rotated(DAY, 90).rotated(DAY + timedelta(days=30), 90)
    of = twice.handles("uct", DAY + timedelta(days=31))

    assert [h.split(".")[0] for h in (of.current("uin", "1"), *of.former("uin", "1"))] == ["k3", "k2", "k1"]
    later = twice.rotated(DAY + timedelta(days=400), 0)
    assert [key.id for key in later.keys] == ["k3", "k4"]


def test_a_ring_survives_its_file_and_shows_no_secret():
    """What is written is what is read."""
    ring = RING.rotated(DAY, 90)

    assert HandleRing.parse(ring.dump()).keys == ring.keys
    assert "aaaa" not in repr(ring.keys)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"[{}]", b'[{"id": "x", "secret": "", "start": "2026-01-01"}]', RING.dump() + b"]"],
)
def test_a_file_that_is_no_ring_is_refused(content):
    """Without showing what is in it."""
    with pytest.raises(ConfigurationError):
        HandleRing.parse(content)


def test_a_short_or_doubled_or_unstarted_key_is_refused():
    """Before anybody gets a handle made with it."""
    key = RING.keys[0]
    for keys in ([key._replace(secret=b"short")], [key, key], []):
        with pytest.raises(ConfigurationError):
            HandleRing(keys)
    with pytest.raises(ConfigurationError, match="started"):
        RING.handles("uct", date(2025, 12, 31))
