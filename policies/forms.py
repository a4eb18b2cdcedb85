"""The forms in which a value may be known: a closed list, each a pure function of the form and the value.

None of them returns the value it was given, unless that is as general as the form already.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from bisect import bisect_right
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from standards.identifiers import masked
from standards.permit import Form, FormKind, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from policies.handles import Handles
    from standards.states import JsonValue


def apply(form: Form, value: JsonValue, handles: Handles | None = None) -> JsonValue:
    """Return the value in the form in which it may be known.

    handles: what makes pseudonyms for the programme that asks; without it, a pseudonym is refused.
    Raises: ValueError when the value is not of a type the form is for; the message holds no value.
    """
    if form.kind is FormKind.PSEUDONYM:
        # INVARIANT: without a key there is no pseudonym, and never the number in its place.
        if handles is None or form.to is None:
            raise ValueError("a pseudonym needs a key and the attribute it is of")
        return handles.current(form.to, _text(value))
    return _FORMS[form.kind](form, value)


def label(edges: Sequence[float], band: int) -> str:
    """Return the name of a band, counted from 0 below the first edge.

    Whole edges name whole bounds: `<10`, `10-19`, `>=20`. Decimal edges leave the upper bound out: `1.5-<2`.
    """
    if band == 0:
        return f"<{_plain(edges[0])}"
    if band == len(edges):
        return f">={_plain(edges[-1])}"
    lower, upper = edges[band - 1], edges[band]
    if all(isinstance(edge, int) for edge in edges):
        return f"{lower}-{upper - 1}" if upper - lower > 1 else f"{lower}"
    return f"{_plain(lower)}-<{_plain(upper)}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _number(value: JsonValue) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - NaN
        raise ValueError("this form is for numbers")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise ValueError("this form is for text")
    return value


def _value(_: Form, value: JsonValue) -> JsonValue:
    return value


def _band(form: Form, value: JsonValue) -> str:
    return label(form.edges, bisect_right(form.edges, _number(value)))


_COMPARISONS: Final[Mapping[Operator, Callable[[float, float], bool]]] = MappingProxyType(
    {
        Operator.LT: operator.lt,
        Operator.LE: operator.le,
        Operator.EQ: operator.eq,
        Operator.GE: operator.ge,
        Operator.GT: operator.gt,
    }
)


def _predicate(form: Form, value: JsonValue) -> bool:
    number = _number(value)
    if form.operator is Operator.IN:
        if not isinstance(form.threshold, (list, tuple)):
            raise ValueError("`in` needs a list of numbers")
        return number in form.threshold
    if form.operator is None:
        raise ValueError("a predicate needs an operator")
    return _COMPARISONS[form.operator](number, _number(form.threshold))


_DATE: Final = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-\d{2}.*)?)?\Z", re.ASCII | re.DOTALL)


def _generalised(form: Form, value: JsonValue) -> str:
    text = _text(value)
    match form.to:
        case "year" | "month":
            date = _DATE.match(text)
            if date is None:
                raise ValueError("this form is for dates")
            return date["year"] if form.to == "year" or not date["month"] else f"{date['year']}-{date['month']}"
        case "initial":
            name = unicodedata.normalize("NFC", text).strip()
            return f"{name[0].upper()}." if name else ""
        case "district" | "region":
            # District and region are attributes of their own, read in place of the address: see `fit.PLACES`.
            return text
        case _:
            raise ValueError("there is no such generalisation")


def _masked(_: Form, value: JsonValue) -> str:
    return masked(_text(value))


_FORMS: Final[Mapping[FormKind, Callable[[Form, JsonValue], JsonValue]]] = MappingProxyType(
    {
        FormKind.VALUE: _value,
        FormKind.BAND: _band,
        FormKind.PREDICATE: _predicate,
        FormKind.GENERALISED: _generalised,
        FormKind.MASKED: _masked,
    }
)
