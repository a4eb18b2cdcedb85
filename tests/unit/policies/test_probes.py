"""The probe guard's rules: how much bits may add up to, and how fine a filter may be."""

from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.forms import apply
from policies.probes import Asked, Limits, Verdict, check_filter, in_told_form, judge, rounded_up, rung_of, steps_of
from standards.filters import Any_, Comparison, Every, Not, holds
from standards.permit import Form, FormKind, Operator, Reason
from tests.unit.policies.builders import VALUE, permit

BAND = Form(FormKind.BAND, edges=(10, 20, 50))
BELOW = Form(FormKind.PREDICATE, operator=Operator.LT, threshold=20)
MASKED = Form(FormKind.MASKED)

asked = st.builds(Asked, st.sampled_from("abcdef"), st.sampled_from(["2026-09-01", "2026-09-02", "2026-09-03"]))
limits = st.builds(Limits, st.integers(1, 8), st.integers(1, 4))


@given(st.lists(asked, max_size=40), limits)
def test_however_one_asks_no_more_is_told_than_the_bounds(questions, bounds):
    """Nor is anything withheld that was told before, or the first that is asked."""
    told: set[Asked] = set()
    for question in questions:
        verdict = judge(told, question, bounds)
        assert (verdict is Verdict.KNOWN) == (question in told)
        assert verdict.is_answered or told
        if verdict.is_answered:
            told.add(question)

    assert len(told) <= bounds.answers
    assert len({one.rung for one in told}) <= bounds.rungs


def test_a_ladder_is_told_from_asking_often():
    """A new threshold is one rung too many; a known one on a further day is one answer too many."""
    before = {Asked("at 10", "2026-09-01"), Asked("at 20", "2026-09-01")}

    assert judge(before, Asked("at 30", "2026-09-01"), Limits(9, 2)) is Verdict.LADDER
    assert judge(before, Asked("at 20", "2026-09-02"), Limits(9, 2)) is Verdict.NEW
    assert judge(before, Asked("at 20", "2026-09-02"), Limits(2, 2)) is Verdict.SPENT


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        (BELOW, BELOW._replace(operator=Operator.GE), True),
        (BELOW, BELOW._replace(threshold=20.0), True),
        (BELOW, Form(FormKind.BAND, edges=(20,)), True),
        (BELOW, BELOW._replace(operator=Operator.LE), False),
        (BELOW._replace(operator=Operator.GT), BELOW._replace(operator=Operator.LE), True),
        (BELOW, BELOW._replace(threshold=21), False),
        (BELOW, BELOW._replace(operator=Operator.EQ), False),
        (
            Form(FormKind.PREDICATE, operator=Operator.IN, threshold=(1, 2)),
            Form(FormKind.PREDICATE, operator=Operator.IN, threshold=[2, 1]),
            True,
        ),
        (BAND, BAND._replace(edges=(10, 20)), False),
    ],
)
def test_what_asks_the_same_is_one_rung(one, other, are_same):
    """By what it tells, not by how it is written."""
    assert (rung_of(one) == rung_of(other)) is are_same


@pytest.mark.parametrize("form", [VALUE, MASKED, Form(FormKind.GENERALISED, to="year")])
def test_what_tells_no_bit_is_not_counted(form):
    """A value is told whole, once and for all."""
    assert rung_of(form) is None


def searching(form, filter, sorted_by=()):
    """Whether a search by an attribute that is agreed so is denied."""
    return check_filter(filter, sorted_by, permit({}, searchable={"income_annual": form}))


def compare(operator, value):
    """The filter on a yearly income."""
    return Comparison("income_annual", operator, value)


@given(
    st.sampled_from([BAND, BELOW, BELOW._replace(operator=Operator.GT)]),
    st.sampled_from(Operator),
    st.sampled_from([10, 20, 50, 19, 21, [20], [10, 20]]),
)
def test_a_filter_that_passes_tells_nothing_but_the_form(form, operator, value):
    """Two incomes that are told alike are found alike, whatever the filter compares with."""
    if (operator is Operator.IN) != isinstance(value, list):
        return
    searched = compare(operator, value)
    if searching(form, searched) is not None:
        return
    for one, other in pairwise(range(62)):
        if apply(form, one) == apply(form, other):
            verdicts = {holds(searched, partial(_known, income)) for income in (one, other)}
            assert len(verdicts) == 1


@given(st.sampled_from([BAND, BELOW]), st.sampled_from([10, 20, 50]), st.booleans(), st.integers(0, 60))
def test_over_what_is_told_a_filter_finds_the_same(form, edge, is_not, income):
    """What is checked after minimisation finds whom the registry would have found."""
    searched = compare(Operator.LT, edge)
    searched = Every((Not(searched) if is_not else searched, Any_((searched, Not(searched)))))
    if searching(form, searched) is not None:
        return
    told = in_told_form(searched, {"income_annual": form})

    said = holds(told, lambda _: (True, apply(form, income)))

    assert said is holds(searched, lambda _: (True, income))


@pytest.mark.parametrize(
    ("form", "words"), [(BAND, "agreed edge: 10, 20, 50"), (BELOW, "by lt with"), (MASKED, "cannot be compared")]
)
def test_the_denial_says_how_to_compare(form, words):
    """With what the agreement states, and nothing of what was asked."""
    denial = searching(form, compare(Operator.LT, 17))

    assert denial is not None
    assert denial.reason is Reason.SEARCH_NOT_AGREED
    assert words in denial.remedy
    assert "17" not in denial.remedy


@pytest.mark.parametrize(("form", "is_denied"), [(VALUE, False), (BAND, True), (BELOW, True)])
def test_only_what_is_told_as_it_is_can_be_sorted_by(form, is_denied):
    """A place in an order tells more than a band."""
    assert (searching(form, None, ["income_annual"]) is not None) is is_denied


def test_whether_there_is_anything_may_always_be_asked():
    """Absence is told in every form."""
    assert searching(BAND, compare(Operator.EQ, None)) is None


def test_steps_are_numbers_and_dates():
    """A code, a name or a number that identifies cannot be closed in on."""
    searched = Every(
        (
            Comparison("poverty_score", Operator.LT, 30),
            Not(Comparison("poverty_score", Operator.IN, (30.0, 40))),
            Comparison("birth_date", Operator.GE, "1990-01-01"),
            Comparison("region_code", Operator.EQ, "PV-1"),
            Comparison("is_disabled", Operator.EQ, value=True),
        )
    )

    assert steps_of(searched) == {("poverty_score", "30"), ("poverty_score", "40"), ("birth_date", "1990-01-01")}


@pytest.mark.parametrize(("total", "told"), [(0, 0), (1, 10), (10, 10), (11, 20)])
def test_a_rounded_total_is_never_too_small(total, told):
    """So whoever reads page after page misses nobody."""
    assert rounded_up(total, 10) == told


def _known(income, _):
    """Whatever is looked up is known, and is this."""
    return True, income
