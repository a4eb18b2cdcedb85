"""Forms: what leaves of a value, for every value."""

import math
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.forms import apply, label
from standards.permit import Form, FormKind, Operator

WHOLE = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8, unique=True).map(sorted).map(tuple)
DECIMAL = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8, unique=True).map(
    lambda tenths: tuple(n / 10 for n in sorted(tenths))
)
NUMBERS = st.integers(-(10**10), 10**10) | st.floats(allow_nan=False, allow_infinity=False)
DATES = st.dates().map(str)


def bounds(text):
    """Lower and upper bound that a band's name states, and whether the upper one is inside."""
    number = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
    if found := re.fullmatch(f"<({number})", text):
        return -math.inf, float(found[1]), False
    if found := re.fullmatch(f">=({number})", text):
        return float(found[1]), math.inf, True
    if found := re.fullmatch(f"({number})-<({number})", text):
        return float(found[1]), float(found[2]), False
    found = re.fullmatch(f"({number})(?:-({number}))?", text)
    assert found
    return float(found[1]), float(found[2] or found[1]), True


@given(edges=WHOLE, value=st.integers(-(10**10), 10**10))
def test_a_whole_number_lies_in_the_band_that_is_named(edges, value):
    """The name states bounds that hold for the value."""
    low, high, inside = bounds(apply(Form(FormKind.BAND, edges=edges), value))

    assert low <= value <= high if inside else low <= value < high


@given(edges=DECIMAL, value=st.floats(-1e6, 1e6))
def test_a_decimal_lies_in_the_band_that_is_named(edges, value):
    """So it is with decimal edges."""
    low, high, inside = bounds(apply(Form(FormKind.BAND, edges=edges), value))

    assert low <= value <= high if inside else low <= value < high


@given(edges=WHOLE | DECIMAL)
def test_bands_have_different_names(edges):
    """There is one band more than there are edges, and each name means one of them."""
    assert len({label(edges, band) for band in range(len(edges) + 1)}) == len(edges) + 1


@pytest.mark.parametrize(
    ("edges", "value", "band"),
    [
        ((10_000, 20_000, 50_000), 9_999, "<10000"),
        ((10_000, 20_000, 50_000), 10_000, "10000-19999"),
        ((10_000, 20_000, 50_000), 19_999, "10000-19999"),
        ((10_000, 20_000, 50_000), 50_000, ">=50000"),
        ((1, 2), 1, "1"),
        ((0.5, 2.0), 0.5, "0.5-<2"),
        ((1.0, 5.0), 4.5, "1-<5"),
    ],
)
def test_bands_are_named_as_agreed(edges, value, band):
    """These names are published, so they stay."""
    assert apply(Form(FormKind.BAND, edges=edges), value) == band


@given(
    value=NUMBERS, threshold=st.integers(-100, 100), comparison=st.sampled_from(sorted(set(Operator) - {Operator.IN}))
)
def test_a_predicate_answers_yes_or_no(value, threshold, comparison):
    """Less, equal and greater exclude each other, and the answer is nothing but true or false."""
    ask = lambda op: apply(Form(FormKind.PREDICATE, operator=op, threshold=threshold), value)  # noqa: E731 - a short word

    assert isinstance(ask(comparison), bool)
    assert [ask(Operator.LT), ask(Operator.EQ), ask(Operator.GT)].count(True) == 1
    assert ask(Operator.LE) is not ask(Operator.GT)
    assert ask(Operator.GE) is not ask(Operator.LT)


@given(value=st.integers(0, 5), members=st.lists(st.integers(0, 5), max_size=4))
def test_in_asks_for_one_of_several(value, members):
    """It is true exactly for the numbers listed."""
    assert apply(Form(FormKind.PREDICATE, operator=Operator.IN, threshold=tuple(members)), value) is (value in members)


@given(value=DATES)
def test_dates_lose_their_days(value):
    """Year and month are what the date begins with; applying the form again changes nothing."""
    for to, length in (("year", 4), ("month", 7)):
        form = Form(FormKind.GENERALISED, to=to)
        assert apply(form, value) == value[:length]
        assert apply(form, value[:length]) == value[:length]


@given(value=st.text(max_size=20))
def test_an_initial_is_one_letter(value):
    """Of a name only the first letter is left, in upper case."""
    initial = str(apply(Form(FormKind.GENERALISED, to="initial"), value))

    assert initial == "" if not value.strip() else initial.endswith(".")
    assert len(initial) <= 4  # a few letters are two or three in upper case: ß, ŉ, ﬃ


@given(value=st.text(min_size=1, max_size=99))
def test_a_mask_hides_all_but_two_characters(value):
    """Of a short value nothing is left."""
    hidden = apply(Form(FormKind.MASKED), value)

    assert hidden == ("…" + value[-2:] if len(value) > 6 else "…")


COARSE = st.sampled_from(
    [
        Form(FormKind.BAND, edges=(10,)),
        Form(FormKind.PREDICATE, operator=Operator.LT, threshold=10),
        Form(FormKind.GENERALISED, to="year"),
        Form(FormKind.GENERALISED, to="month"),
        Form(FormKind.GENERALISED, to="initial"),
        Form(FormKind.MASKED),
    ]
)


@given(
    form=COARSE, value=st.integers(11, 10**9) | DATES | st.from_regex(r"[A-Za-z]{7,20}", fullmatch=True) | st.booleans()
)
def test_the_value_itself_never_leaves(form, value):
    """A form gives something coarser, or nothing at all."""
    with suppress(ValueError):
        assert apply(form, value) != value


@pytest.mark.parametrize("value", [None, True, "12", math.nan, [1], {"a": 1}])
@pytest.mark.parametrize(
    "form", [Form(FormKind.BAND, edges=(1,)), Form(FormKind.PREDICATE, operator=Operator.LT, threshold=1)]
)
def test_forms_for_numbers_take_numbers_only(form, value):
    """True is not one, and text that looks like one is not either."""
    with pytest.raises(ValueError, match="numbers"):
        apply(form, value)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Form(FormKind.GENERALISED, to="year"), "14.07.1985"),
        (Form(FormKind.GENERALISED, to="year"), 1985),
        (Form(FormKind.GENERALISED, to="month"), "1985-7-14"),
        (Form(FormKind.GENERALISED, to="planet"), "Earth"),
        (Form(FormKind.MASKED), 1234567890),
        (Form(FormKind.PREDICATE, operator=Operator.IN, threshold=1), 1),
        (Form(FormKind.PREDICATE, threshold=1), 1),
        (Form(FormKind.PREDICATE, operator=Operator.LT, threshold="a"), 1),
    ],
)
def test_what_does_not_fit_is_refused(form, value):
    """Nothing leaves in a form that it cannot have."""
    with pytest.raises(ValueError, match=r"form|generalisation|list|operator|numbers"):
        apply(form, value)


def test_a_place_is_already_general():
    """District and region are read in place of the address, and leave as they are."""
    assert apply(Form(FormKind.GENERALISED, to="district"), "PV-101") == "PV-101"
