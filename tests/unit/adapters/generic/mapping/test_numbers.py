"""Whole numbers scaled and rounded the quick way come out as by exact arithmetic."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.generic.mapping.layout import ValueField
from adapters.generic.mapping.numbers import finished, scaled, whole_scaled
from adapters.reading import Reader

READER = Reader("probe")


def field(factor, rounding):
    """Return a field of money in smaller units."""
    return ValueField(path="x", type="money", factor=factor, decimals=0, rounding=rounding)


@settings(max_examples=300)
@given(
    st.integers(-(10**17), 10**17) | st.integers(-1000, 1000),
    st.sampled_from([0.1, 0.01, 0.001, 0.0001]),
    st.sampled_from(["half_even", "half_up", "down"]),
)
def test_the_quick_way_is_exact(number, factor, rounding):
    """Also below zero, and where exactly a half is left."""
    money = field(factor, rounding)
    quick = whole_scaled(money)

    assert quick is not None
    assert quick(number) == finished(READER, "x", scaled(money)(Decimal(number)), money)


def test_other_scales_have_no_quick_way():
    """They take the exact one."""
    assert whole_scaled(field(0.02, "half_up")) is None
    assert whole_scaled(field(100, "half_up")) is None
    assert whole_scaled(ValueField(path="x", type="money", factor=0.01)) is None
