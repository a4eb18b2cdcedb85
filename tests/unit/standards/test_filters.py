"""Filters: what holds, what does not, and what cannot be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.filters import Any_, Comparison, Every, Not, TextOperator, attributes_of, holds, looks_into_text
from standards.permit import Operator

NAMES = ("age", "sex", "score")
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b"]))
COMPARISONS = st.builds(
    Comparison,
    st.sampled_from(NAMES),
    st.sampled_from(Operator),
    st.one_of(VALUES, st.lists(VALUES, max_size=3)),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Every, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Any_, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)
KNOWN = st.dictionaries(st.sampled_from(NAMES), st.one_of(VALUES, st.lists(VALUES, max_size=2)))


def lookup_in(values):
    """Return a lookup that knows some values."""
    return lambda name: (name in values, values.get(name))


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "expected"),
    [
        (4, Operator.LT, 5, True),
        (5, Operator.LT, 5, False),
        (5, Operator.LE, 5, True),
        (5.0, Operator.EQ, 5, True),
        (4, Operator.GE, 5, False),
        (6, Operator.GT, 5, True),
        ("2020-01-01", Operator.LT, "2020-02-01", True),
        ("PV-1", Operator.IN, ["PV-1", "PV-2"], True),
        ("PV-3", Operator.IN, ("PV-1", "PV-2"), False),
        (True, Operator.EQ, True, True),
        (True, Operator.EQ, 1, None),
        (True, Operator.LT, True, None),
        (5, Operator.EQ, "5", None),
        (None, Operator.LT, 5, False),
        (None, Operator.EQ, None, True),
        (5, Operator.EQ, None, False),
        (["Child grant", "Pension"], Operator.EQ, "Pension", True),
        ([], Operator.EQ, "Pension", False),
        ({"a": 1}, Operator.EQ, "a", None),
    ],
)
def test_a_comparison_holds_or_not_and_is_undecided_between_different_kinds(value, operator, wanted, expected):
    """Numbers, words and booleans compare among themselves; across kinds nothing is said."""
    assert holds(Comparison("x", operator, wanted), lambda _: (True, value)) is expected


def test_nothing_is_said_of_an_unknown_attribute():
    """An outage never decides a comparison, whatever the value was meant to be."""
    assert holds(Comparison("x", Operator.EQ, None), lambda _: (False, None)) is None
    assert holds(Not(Comparison("x", Operator.LT, 5)), lambda _: (False, 3)) is None


def test_one_known_part_can_settle_what_is_unknown():
    """One false part settles `every`, one true part settles `any`."""
    unknown = Comparison("unknown", Operator.EQ, 1)
    lookup = lookup_in({"age": 3})
    assert holds(Every((unknown, Comparison("age", Operator.GT, 5))), lookup) is False
    assert holds(Every((unknown, Comparison("age", Operator.LT, 5))), lookup) is None
    assert holds(Any_((unknown, Comparison("age", Operator.LT, 5))), lookup) is True
    assert holds(Any_((unknown, Comparison("age", Operator.GT, 5))), lookup) is None


def test_without_parts_every_holds_and_any_does_not():
    """The empty filter lets everyone pass."""
    assert holds(Every(()), lookup_in({})) is True
    assert holds(Any_(()), lookup_in({})) is False


def test_attributes_of_names_every_attribute_once():
    """However deep it lies."""
    inner = Not(Any_((Comparison("age", Operator.LT, 5), Comparison("sex", Operator.EQ, "male"))))
    assert attributes_of(Every((inner, Comparison("age", Operator.GT, 1)))) == {"age", "sex"}


@given(FILTERS, KNOWN, KNOWN)
def test_learning_more_never_turns_an_answer_round(filter_, known, more):
    """What is decided while something is unknown stays decided when it becomes known."""
    before = holds(filter_, lookup_in(known))
    after = holds(filter_, lookup_in(more | known))

    assert before is None or after is before


@given(FILTERS, KNOWN)
def test_not_turns_round_exactly_what_is_decided(filter_, known):
    """The opposite of undecided is undecided."""
    verdict = holds(filter_, lookup_in(known))

    assert holds(Not(filter_), lookup_in(known)) is (None if verdict is None else not verdict)


@given(st.lists(FILTERS, max_size=3).map(tuple), KNOWN)
def test_de_morgan(parts, known):
    """Not every is any not: the three values follow the laws of two."""
    lookup = lookup_in(known)

    assert holds(Not(Every(parts)), lookup) is holds(Any_(tuple(map(Not, parts))), lookup)


@pytest.mark.parametrize(
    ("value", "operator", "part", "expected"),
    [
        ("Lake Town", TextOperator.STARTS_WITH, "LAKE", True),
        ("Lake Town", TextOperator.STARTS_WITH, "Town", False),
        ("Lake Town", TextOperator.ENDS_WITH, "town", True),
        ("Lake Town", TextOperator.CONTAINS, "ke to", True),
        ("Lake Town", TextOperator.CONTAINS, "hill", False),
        (["maize", "Lake"], TextOperator.CONTAINS, "lak", True),
        (None, TextOperator.CONTAINS, "lake", False),
        (12, TextOperator.CONTAINS, "1", None),
    ],
)
def test_texts_are_looked_into_in_any_case(value, operator, part, expected):
    """A part of a text is found in upper and lower case; what is no text decides nothing."""
    assert holds(Comparison("x", operator, part), lookup_in({"x": value})) is expected


def test_a_filter_that_looks_into_texts_is_told():
    """However deep it stands, since no registry can be asked so."""
    inside = Comparison("x", TextOperator.CONTAINS, "a")

    assert looks_into_text(Not(Every((Comparison("y", Operator.EQ, 1), Any_((inside,))))))
    assert not looks_into_text(Not(Every((Comparison("y", Operator.EQ, 1),))))
