"""Expressions of derived attributes: CEL, checked and compiled at start, three-valued. The only place that knows CEL.

An input that is not known is simply not there when an expression runs, and CEL finds out by itself whether the result
hangs on it: `true || unknown` is true, a sum over something unknown is unknown. What would break that is refused at
start: asking whether an input is there (`has`), counting people without looking at them, reading what is not declared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import cel

from standards.errors import ConfigurationError

MAX_LENGTH: Final = 400
"""Longest expression, in characters."""
MAX_DEPTH: Final = 8
"""Most brackets within one another."""

Known = dict[str, Any]
"""What is known for one evaluation, by the name that an expression uses."""


class _Unknown:
    """The result of an expression that hangs on something unknown."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def _sum(values: Sequence[Any]) -> Any:
    """Return the sum; of nothing it is 0."""
    return sum(values) if all(map(_is_number, values)) else None


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean; of nothing there is none."""
    return sum(values) / len(values) if values and all(map(_is_number, values)) else None


def _least(values: Sequence[Any]) -> Any:
    """Return the least number; of nothing there is none."""
    return min(values) if values and all(map(_is_number, values)) else None


def _years_between(start: str, end: str) -> int | None:
    """Return the full years between two ISO dates; someone born on 29 February ages on 1 March."""
    try:
        return int(end[:4]) - int(start[:4]) - (end[5:10] < start[5:10])
    except (TypeError, ValueError):
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# The library logs what a function raises, with the values in it: so none of these raises.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "sum": _sum,
    "mean": _mean,
    "least": _least,
    "years_between": _years_between,
}
"""What expressions may call, beside `size`, `double` and `int`."""

_CALLABLE: Final = frozenset({*FUNCTIONS, "size", "double", "int", "@not_strictly_false"})
_OPERATOR: Final = re.compile(r"_?(&&|\|\||[=!<>]=|[<>+*/%!-]|\?_:)_?\Z|-_\Z|!_\Z")
_TEXT: Final = re.compile(r'"[^"\\]*"|\'[^\'\\]*\'')
_OF_MEMBERS: Final = re.compile(r"\bmembers\b(?!\.(?:filter|map|exists|all)\(m,)")
_BINDING: Final = re.compile(r"\(m,")
_OF_ONE: Final = re.compile(r"\bm\b(?!\.[a-z])")
_FIELD: Final = re.compile(r"\bm\.(\w+)")


class Scope:
    """What is known for a run of expressions over the same inputs; people are converted for CEL once."""

    __slots__ = ("context",)

    def __init__(self, known: Known) -> None:
        self.context = cel.Context(variables=known, functions=FUNCTIONS)

    def put(self, name: str, value: object) -> None:
        """Add one more known input."""
        self.context.add_variable(name, value)


class Expression(NamedTuple):
    """One expression, compiled."""

    program: Any
    over_members: bool
    """It looks at the members of a household."""
    one_settles: bool | None
    """The result that a single member can settle: true for `members.exists(...)`, false for `members.all(...)`."""

    def evaluate(self, scope: Scope) -> Any:
        """Return the result, None where there is none for these inputs, or UNKNOWN."""
        try:
            result = self.program.execute(scope.context)
        except (KeyError, RuntimeError, TypeError, ValueError, ArithmeticError):
            return UNKNOWN
        return None if isinstance(result, float) and not math.isfinite(result) else result


def compiled(name: str, text: str, inputs: Mapping[str, bool]) -> Expression:
    """Return the expression of one derived attribute, ready to be evaluated.

    inputs: its declared inputs -> whether they are facts of each member (`m.age`), not variables of their own (`age`).
    Raises: ConfigurationError when it does not compile, reads what is not declared, or could give a wrong answer where
        something is unknown.
    """
    bare = _TEXT.sub('""', text)
    if len(text) > MAX_LENGTH or _depth(bare) > MAX_DEPTH:
        raise _wrong(name, f"has more than {MAX_LENGTH} characters or {MAX_DEPTH} brackets within one another")
    try:
        program = cel.compile(text)
    except ValueError:
        raise _wrong(name, "does not compile") from None
    over_members = "members" in program.variables()
    variables = {n for n, of_member in inputs.items() if not of_member} | {"today"}
    fields = {n for n, of_member in inputs.items() if of_member}
    if unknown := sorted({*program.variables()} - variables - ({"members", "m"} if fields else set())):
        raise _wrong(name, f"reads what it does not declare: {', '.join(unknown)}")
    if unknown := sorted({*_FIELD.findall(bare)} - fields):
        raise _wrong(name, f"reads what it does not declare: {', '.join(unknown)}")
    if unknown := sorted(f for f in program.functions() if f not in _CALLABLE and not _OPERATOR.match(f)):
        raise _wrong(name, f"calls what it may not: {', '.join(unknown)}")
    if re.search(r"\bhas\s*\(", bare):
        raise _wrong(name, "asks whether an input is there, so that unknown would count as no")
    if _OF_MEMBERS.search(bare) or _OF_ONE.search(_BINDING.sub("(", bare)):
        raise _wrong(name, "may look at people only as in `members.filter(m, m.age < 5)`, or with map, exists, all")
    return Expression(program, over_members, _one_settles(bare))


def _one_settles(bare: str) -> bool | None:
    for start, result in (("members.exists(", True), ("members.all(", False)):
        # The bracket that the word opens must be the last to close: nothing may stand behind it.
        if bare.startswith(start) and bare.endswith(")") and _depths(bare).index(0, len(start)) == len(bare) - 1:
            return result
    return None


def _depths(bare: str) -> list[int]:
    depth, depths = 0, []
    for sign in bare:
        depth += (sign in "([{") - (sign in ")]}")
        depths.append(depth)
    return depths


def _depth(bare: str) -> int:
    return max(_depths(bare), default=0)


def _wrong(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the expression of {name} in the catalogue {why}")
