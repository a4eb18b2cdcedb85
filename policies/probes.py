"""The probe guard's rules: how often one may ask for one bit about a person, and how fine a filter may be. Pure.

A threshold tells one bit. Many thresholds on one attribute of one person tell the value, whichever agreement, version
or purpose each came under; so does one threshold asked of many days. Both are counted, per programme, person and
attribute.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.forms import label
from standards.filters import NEVER, Any_, Comparison, Every, Filter, Not, TextOperator
from standards.permit import Denial, Form, FormKind, Operator, Permit, Reason
from standards.states import JsonValue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

COUNTED: Final = frozenset({FormKind.PREDICATE, FormKind.BAND})
"""Forms that tell on which side of a threshold a number lies."""

FORWARD_ON_EDGE: Final = frozenset({Operator.LT, Operator.GE})
"""Comparisons that split numbers where the edge of a band does: the edge itself begins the upper band."""


class Limits(NamedTuple):
    """How much may be asked of one attribute of one person, within the window."""

    answers: int
    """Most answers: one for each threshold (or set of edges) and each day the answer is about."""
    rungs: int
    """Most different thresholds, or sets of edges."""


class Asked(NamedTuple):
    """One answer that tells a bit."""

    rung: str
    """Names the threshold or the edges; equal questions have equal rungs, under whichever agreement."""
    day: str
    """The day that the answer is about, ISO."""


class Verdict(StrEnum):
    """What becomes of one more such question."""

    KNOWN = "known"
    """It was answered before, about the same day: it costs nothing new."""
    NEW = "new"
    SPENT = "spent"
    """As many answers were given as may be."""
    LADDER = "ladder"
    """As many different thresholds were tried as may be."""

    @property
    def is_answered(self) -> bool:
        """Tell whether the question may be answered."""
        return self in {Verdict.KNOWN, Verdict.NEW}


def judge(before: Collection[Asked], asked: Asked, limits: Limits) -> Verdict:
    """Return what becomes of a question, after these were answered within the window."""
    if asked in before:
        return Verdict.KNOWN
    rungs = {one.rung for one in before}
    # INVARIANT: at most `rungs` thresholds are ever answered within the window, so no search by halves goes on.
    if asked.rung not in rungs and len(rungs) >= limits.rungs:
        return Verdict.LADDER
    return Verdict.SPENT if len(before) >= limits.answers else Verdict.NEW


def may_be_over(kinds: Collection[Asked], asked: Asked, limits: Limits) -> bool:
    """Tell whether anybody can be at a bound; kinds: everything that was told of the attribute about anybody."""
    known = {*kinds, asked}
    return len(known) > limits.answers or len({one.rung for one in known}) > limits.rungs


def rung_of(form: Form) -> str | None:
    """Return the name of the threshold or edges of a form; None for a form that tells no bit.

    `lt 10` and `ge 10` ask the same, so they are one rung; as is a band with the one edge 10.
    """
    if form.kind not in COUNTED:
        return None
    if form.kind is FormKind.BAND:
        return _edges(form.edges)
    threshold = form.threshold
    if isinstance(threshold, int | float):
        if form.operator in FORWARD_ON_EDGE:
            return _edges((threshold,))
        return f"over {threshold:.15g}" if form.operator in {Operator.GT, Operator.LE} else f"is {threshold:.15g}"
    listed = threshold if isinstance(threshold, list | tuple) else ()
    return f"in {sorted(map(repr, listed))}"


def _edges(edges: tuple[float, ...]) -> str:
    return "at " + " ".join(f"{edge:.15g}" for edge in edges)


def check_filter(filter: Filter | None, sorted_by: Collection[str], permit: Permit) -> Denial | None:
    """Deny a search that asks finer than the agreement tells: by filter, or by the order of what is found.

    permit: its `searchable` says in which form what may be searched by is agreed.
    """
    for name in sorted(sorted_by):
        form = permit.searchable.get(name)
        if form is None or form.kind is not FormKind.VALUE:
            # INVARIANT: a place in an order tells more than a band, so nothing is ordered by what is told as less.
            return Denial(Reason.SEARCH_NOT_AGREED, f"sort by something else: {name} is not agreed as value")
    for comparison in comparisons_of(filter) if filter is not None else ():
        form = permit.searchable.get(comparison.attribute)
        if form is None or not is_as_coarse(comparison, form):
            return Denial(Reason.SEARCH_NOT_AGREED, _how_to_compare(comparison.attribute, form))
    return None


def comparisons_of(filter: Filter) -> Iterator[Comparison]:
    """Yield every comparison of a filter."""
    if isinstance(filter, Comparison):
        yield filter
        return
    for part in (filter.part,) if isinstance(filter, Not) else filter.parts:
        yield from comparisons_of(part)


def is_as_coarse(comparison: Comparison, form: Form) -> bool:
    """Tell whether a comparison tells nothing that the form does not."""
    value, by = comparison.value, comparison.operator
    if form.kind is FormKind.VALUE or (value is None and by is Operator.EQ):
        return True
    if form.kind is FormKind.BAND:
        return by in FORWARD_ON_EDGE and not isinstance(value, bool) and value in form.edges
    if form.kind is FormKind.PREDICATE:
        agreed = list(form.threshold) if isinstance(form.threshold, list | tuple) else form.threshold
        said = list(value) if isinstance(value, list | tuple) else value
        return by is form.operator and said == agreed and not isinstance(value, bool)
    return False


def _how_to_compare(name: str, form: Form | None) -> str:
    if form is not None and form.kind is FormKind.BAND:
        edges = ", ".join(f"{edge:.15g}" for edge in form.edges)
        return f"compare {name} by lt or ge with an agreed edge: {edges}"
    if form is not None and form.kind is FormKind.PREDICATE:
        return f"compare {name} by {form.operator} with the agreed threshold"
    return f"search by something else: {name} is agreed in a form that cannot be compared"


def in_told_form(filter: Filter, forms: Mapping[str, Form]) -> Filter:
    """Return a filter over what may be told, in place of one over what registries say; `check_filter` let it pass."""
    match filter:
        case Comparison(name):
            return _told(filter, forms[name]) if name in forms else filter
        case Not(part):
            return Not(in_told_form(part, forms))
        case Every(parts):
            return Every(tuple(in_told_form(part, forms) for part in parts))
        case Any_(parts):
            return Any_(tuple(in_told_form(part, forms) for part in parts))


def _told(comparison: Comparison, form: Form) -> Filter:
    if comparison.value is None or form.kind is FormKind.VALUE:
        return comparison
    if form.kind is FormKind.PREDICATE:
        return Comparison(comparison.attribute, Operator.EQ, value=True)
    if form.kind is FormKind.BAND and comparison.value in form.edges:
        above = form.edges.index(comparison.value) + 1
        bands = range(above) if comparison.operator is Operator.LT else range(above, len(form.edges) + 1)
        return Comparison(comparison.attribute, Operator.IN, tuple(label(form.edges, band) for band in bands))
    return NEVER


def steps_of(filter: Filter) -> frozenset[tuple[str, str]]:
    """Return attribute and value of every comparison along an order: numbers and dates, by which one can halve."""
    found: set[tuple[str, str]] = set()
    for attribute, operator, value in comparisons_of(filter):
        values = value if operator is Operator.IN and isinstance(value, list | tuple) else (value,)
        found.update((attribute, step) for one in values if (step := _step(one, operator)) is not None)
    return frozenset(found)


def _step(value: JsonValue, operator: Operator | TextOperator) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value:.15g}"
    is_ordering = operator not in {Operator.EQ, Operator.IN}
    return value if isinstance(value, str) and is_ordering else None


def rounded_up(total: int, to: int) -> int:
    """Return a total as the next multiple of a number; zero stays zero."""
    return -(-total // to) * to
