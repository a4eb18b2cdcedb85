"""Which of two forms tells more: the order by which a change of form widens or narrows."""

from __future__ import annotations

from typing import Final

from standards.permit import Form, FormKind, Operator

_ASKED: Final = {Operator.GE: Operator.LT, Operator.GT: Operator.LE, Operator.EQ: Operator.IN}
"""Comparisons that are another one answered the other way round, or with a list of one."""
_COARSER: Final = {"year": frozenset({"year", "month"}), "region": frozenset({"region", "district"})}
"""What a generalisation can be worked out from, besides the value itself."""


def tells_no_more(new: Form, old: Form) -> bool:
    """Tell whether everything that the new form tells follows from what the old one told, for every value.

    Two forms of which neither follows from the other tell more in both directions.
    """
    if old.kind is FormKind.VALUE or new == old:
        return True
    match new.kind, old.kind:
        case FormKind.BAND, FormKind.BAND:
            return set(new.edges) <= set(old.edges)
        case FormKind.PREDICATE, FormKind.BAND:
            return _cuts(new, is_whole=all(isinstance(edge, int) for edge in old.edges)) <= set(old.edges)
        case FormKind.PREDICATE, FormKind.PREDICATE:
            return _question(new) == _question(old)
        case FormKind.GENERALISED, FormKind.GENERALISED:
            return old.to in _COARSER.get(new.to or "", frozenset())
        case _:
            return False


def _numbers(threshold: object) -> tuple[float, ...]:
    stated = threshold if isinstance(threshold, (list, tuple)) else (threshold,)
    return tuple(number for number in stated if isinstance(number, (int, float)))


def _cuts(form: Form, *, is_whole: bool) -> set[float]:
    """Return where the answer to a predicate changes, as edges of bands; not a number where no edge could say it."""
    cuts: set[float] = set()
    for number in set(_numbers(form.threshold)):
        if form.operator in {Operator.LT, Operator.GE}:
            cuts.add(number)
        elif is_whole and number == int(number):
            # Of whole numbers, `at most 5` is `below 6`, and `exactly 5` lies between these two edges; of `5 or 6`,
            # the edge between the two tells nothing.
            cuts ^= {number + 1} if form.operator in {Operator.LE, Operator.GT} else {number, number + 1}
        else:
            return {float("nan")}
    return cuts


def _question(form: Form) -> tuple[object, ...]:
    """Return a predicate so that two which answer each other are equal: `below 5` and `5 or more`."""
    operator = form.operator or Operator.EQ
    return (_ASKED.get(operator, operator), frozenset(_numbers(form.threshold)))
