"""Expressions of derived attributes: CEL, checked and compiled at start, three-valued. The only place that knows CEL.

An input that is not known is simply not there when an expression runs, and CEL finds out by itself whether the result
hangs on it: `true || unknown` is true, a sum over something unknown is unknown. What would break that is refused at
start: asking whether an input is there (`has`), counting people without looking at them, reading what is not declared.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final, NamedTuple

from gateway.stages.shortcut import Look, shortcut
from standards.errors import ConfigurationError

# The package of CEL brings a command line of its own, and imports a terminal library for it: a tenth of the gateway's
# start and 11 MB of its memory, for what nobody calls here.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402 - not before the line above

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
    """What is known for a run of expressions over the same inputs; it is converted for CEL when CEL first needs it.

    is_plain: everything known is such that shortcuts may be taken (`shortcut.fits`).
    """

    __slots__ = ("_context", "is_plain", "known")

    def __init__(self, known: Known, *, is_plain: bool = False) -> None:
        self.known, self.is_plain = known, is_plain
        self._context: cel.Context | None = None

    def put(self, known: Known, *, is_plain: bool = False) -> None:
        """Add more known inputs."""
        self.known |= known
        self.is_plain = self.is_plain and is_plain
        if self._context is not None:
            self._context.update(known)

    @property
    def context(self) -> cel.Context:
        """Return what is known as CEL has it."""
        if self._context is None:
            self._context = cel.Context(variables=self.known, functions=FUNCTIONS)
        return self._context


class Expression(NamedTuple):
    """One expression, compiled."""

    program: Any
    over_members: bool
    """It looks at the members of a household."""
    one_settles: bool | None
    """The result that a single member can settle: true for `members.exists(...)`, false for `members.all(...)`."""
    quick: Look | None = None
    """The expression without CEL."""

    def evaluate(self, scope: Scope) -> Any:
        """Return the result, None where there is none for these inputs, or UNKNOWN."""
        result = self._quickly(scope) if scope.is_plain else UNKNOWN
        if result is UNKNOWN:
            try:
                result = self.program.execute(scope.context)
            except (KeyError, RuntimeError, TypeError, ValueError, ArithmeticError):
                return UNKNOWN
        return None if isinstance(result, float) and not math.isfinite(result) else result

    def _quickly(self, scope: Scope) -> Any:
        """Return the result without CEL, or UNKNOWN when CEL is to find out."""
        if self.quick is None:
            return UNKNOWN
        try:
            return self.quick(scope.known, scope.known)
        except (KeyError, ArithmeticError):
            return UNKNOWN


def compiled(
    name: str, text: str, inputs: Mapping[str, bool], kinds: Mapping[str, type | None] | None = None
) -> Expression:
    """Return the expression of one derived attribute, ready to be evaluated.

    inputs: its declared inputs -> whether they are facts of each member (`m.age`), not variables of their own (`age`).
    kinds: inputs -> type of their values, for which the expression is to have a shortcut.
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
    own, of_member = ({n: (kinds or {}).get(n) for n, of_one in inputs.items() if of_one is it} for it in (False, True))
    quick = shortcut(text, own, of_member, FUNCTIONS)
    return Expression(program, over_members, _one_settles(bare), quick)


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
