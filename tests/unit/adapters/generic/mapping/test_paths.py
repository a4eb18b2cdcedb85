"""Finders find what JMESPath finds."""

from __future__ import annotations

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from adapters.generic.mapping.paths import UnexpectedTypeError, finder, place

KEYS = st.sampled_from(["a", "b", "pv:c"])
RECORDS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.just(0.0), st.sampled_from(["", "x", "y"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=14,
)
PATHS = [
    "a",
    "a.b",
    '"pv:c".a',
    "a[0]",
    "a[-1].b",
    "a.b[1]",
    "@",
    "a[2][0]",
    "a[*].b",
    '"pv:c"[*].a.b',
    "a[?b=='x'].a | [0]",
    "a[?b=='x'].a | a[0]",
    "a[?b=='x'].a | [-1]",
    "a[?b.a=='x'].b.a | [0]",
    "a[?b==`true`].a | [0]",
    "a[*].b | [0]",
    "a[*].b[*].a | [0]",
    'a.b."pv:c".a',
    "a[0].b.a",
    "a[?b=='x']",
    "a[?b==`1`].a",
    "a || b",
    "max(a || `[]`)",
    "max(a[*].b)",
    "a[].b",
    "length(a || `[]`)",
    "[a, b.a]",
    "sum([a, b])",
    "a && sum([a.b, b])",
    "a[*].b && sum(a[*].b)",
]


def outcome_of(search):
    """Return what a search finds, or that it refuses the record."""
    try:
        return search()
    except (ValueError, JMESPathError):
        return "refused"


@settings(max_examples=500)
@given(RECORDS, st.sampled_from(PATHS))
def test_every_path_finds_what_the_library_finds(record, path):
    """The short way gives what the long way gives, in every record."""
    found = outcome_of(lambda: finder(path)(record))
    expected = outcome_of(lambda: jmespath.search(path, record))

    assert found == expected
    assert type(found) is type(expected)


@given(RECORDS, st.sampled_from(PATHS))
def test_a_place_leads_to_what_its_path_finds(record, path):
    """Whether it is a member of an object, which others may share, or stands alone."""
    stands = place(path)

    def reached():
        holder = stands.holder(record)
        if stands.member is None:
            return holder
        return holder.get(stands.member) if isinstance(holder, dict) else None

    assert outcome_of(reached) == outcome_of(lambda: finder(path)(record))


def test_neighbours_share_the_object_that_holds_them():
    """It is looked for once for all of them."""
    assert place("a[0].b").path == place("a[0].c").path != place("a[1].b").path
    assert (place("a").path, place("a").member) == (place("b").path, "a")
    assert place("max(a)").member is None


def test_false_and_zero_are_found():
    """They are values, and not nothing."""
    record = {"attributes": [{"name": "rooms", "value": 0}, {"name": "light", "value": False}]}

    assert finder("attributes[?name=='light'].value | [0]")(record) is False
    assert finder("attributes[?name=='rooms'].value | [0]")(record) == 0


def test_a_path_that_is_none_is_refused_when_it_is_compiled():
    """At start, not at the first record."""
    with pytest.raises(ValueError, match="JMESPath"):
        finder("a..b[")


def test_a_record_of_another_type_is_reported_without_its_value():
    """The library's message would show it."""
    with pytest.raises(UnexpectedTypeError, match="another type") as caught:
        finder("max(dates)")({"dates": ["Asha", 5]})

    assert "Asha" not in str(caught.value)
