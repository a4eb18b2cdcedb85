"""Shortcuts: expressions of derived attributes as Python functions, for when everything they look at is known.

Handing a household to CEL costs several times what it takes to look at it, and most expressions only compare, choose,
count and add: the same words in both languages. Those are compiled here, once, when the catalogue is read; Python's own
parser takes them apart. As long as an evaluation meets nothing unknown, there is nothing three-valued about it.

INVARIANT: CEL says what is right. What is not certain to come out the same is left to it: kinds of values that do not
meet, whole numbers multiplied, divided or large, division by zero, and whatever meets something unknown.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from standards.attributes import ValueType

Known = Mapping[str, Any]
Look = Callable[[Known, Known], Any]
"""Takes what is known (`today` and `members` among it) and the member in hand; returns the result."""
Kinds = Mapping[str, type | None]
"""Name of an input -> the type of its values in Python; None where that is no simple one."""

SMALL: Final = 2**40
"""Whole numbers below it can be added up over any household without leaving the 64 bits of CEL."""
KIND_OF: Final[Mapping[ValueType, type]] = {
    ValueType.INTEGER: int,
    ValueType.MONEY: int,
    ValueType.DECIMAL: float,
    ValueType.BOOLEAN: bool,
    ValueType.STRING: str,
    ValueType.DATE: str,
    ValueType.CODE: str,
}
_COMPARISONS: Final[Mapping[type, Callable[..., Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SUMS: Final[Mapping[type, Callable[..., Any]]] = {ast.Add: operator.add, ast.Sub: operator.sub}
_PRODUCTS: Final[Mapping[type, Callable[..., Any]]] = {ast.Mult: operator.mul, ast.Div: operator.truediv}

_PEOPLE: Final = "people"
_RESULT: Final = "result"
"""Kind of what may be null: it can be returned, and not worked with."""
_Typed = tuple[object, Look]
"""The kind of a part's values (a type, a tuple with the type of a list's, or one of the above), and the part."""


_TEXT: Final = re.compile(r'"[^"]*"|\'[^\']*\'')
_SIGN: Final = re.compile(r"[?:&|!~\\]")


class _NoShortcutError(Exception):
    """Only CEL can tell."""


def shortcut(text: str, own: Kinds, of_member: Kinds, functions: Mapping[str, Callable[..., Any]]) -> Look | None:
    """Return an expression as a function of what is known, or None when it has to be left to CEL.

    own: the inputs that are variables of their own; of_member: those that are facts of each member.
    functions: what expressions may call, beside `size` and `double`.
    """
    if any(_SIGN.search(quoted) for quoted in _TEXT.findall(text)):
        return None
    words = _chosen(text.replace("&&", " and ").replace("||", " or "))
    try:
        # Like CEL's `!`, and unlike `not`, `~` belongs to the very next thing.
        tree = ast.parse(re.sub(r"!(?!=)", "~", words).strip(), mode="eval")
        return _Reading({**own, "today": str}, of_member, functions).part(tree.body)[1]
    except (_NoShortcutError, SyntaxError):
        return None


def fits(known: Known, kinds: Kinds) -> bool:
    """Tell whether all that is known is of its declared type, and no number is too large."""
    for name, value in known.items():
        kind = type(value)
        if kind is not kinds[name] or (kind is int and not -SMALL < value < SMALL):
            return False
    return True


def _chosen(text: str) -> str:
    """Return `A ? B : C` as Python has it."""
    asked, _, rest = text.partition("?")
    yes, _, no = rest.partition(":")
    return f"(({yes}) if ({asked}) else ({_chosen(no)}))" if rest else text


def _must(is_certain: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_certain:
        raise _NoShortcutError


class _Reading(NamedTuple):
    own: Kinds
    of_member: Kinds
    functions: Mapping[str, Callable[..., Any]]

    def part(self, node: ast.expr) -> _Typed:
        """Return one part of an expression."""
        match node:
            case ast.Constant() | ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.UnaryOp(op=ast.Invert(), operand=one):
                look = self._yes_or_no(one)
                return bool, lambda o, m: not look(o, m)
            case ast.BoolOp(op=joint, values=parts):
                return bool, _joined([self._yes_or_no(one) for one in parts], settles=isinstance(joint, ast.Or))
            case ast.IfExp(test=test, body=body, orelse=other):
                asked, (kind, yes), (other_kind, no) = self._yes_or_no(test), self.part(body), self.part(other)
                _must(kind == other_kind or _RESULT in {kind, other_kind})
                return kind if kind == other_kind else _RESULT, lambda o, m: (yes if asked(o, m) else no)(o, m)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _COMPARISONS:
                kinds = {int, float, str, bool} if isinstance(sign, ast.Eq | ast.NotEq) else {int, float, str}
                return bool, self._applied(_COMPARISONS[type(sign)], left, right, kinds)[1]
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SUMS:
                return self._applied(_SUMS[type(sign)], left, right, {int, float})
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _PRODUCTS:
                return self._applied(_PRODUCTS[type(sign)], left, right, {float})
            case ast.Call(func=ast.Attribute(value=whom, attr=name), args=[ast.Name(id="m"), told], keywords=[]):
                return self._of_people(name, whom, told)
            case ast.Call(func=ast.Name(id=name), args=given, keywords=[]):
                return self._called(name, [self.part(one) for one in given])
        raise _NoShortcutError

    def _named(self, node: ast.Constant | ast.Name | ast.Attribute) -> _Typed:
        match node:
            case ast.Constant(value=int() | float() | str() as value) if type(value) is not int or value < SMALL:
                return type(value), lambda _o, _m: value
            case ast.Name(id="true" | "false" as word):
                return bool, lambda _o, _m: word == "true"
            case ast.Name(id="null"):
                return _RESULT, lambda _o, _m: None
            case ast.Name(id="members"):
                return _PEOPLE, lambda o, _m: o["members"]
            case ast.Name(id=name):
                return _kind(self.own, name), lambda o, _m: o[name]
            case ast.Attribute(value=ast.Name(id="m"), attr=name):
                return _kind(self.of_member, name), lambda _o, m: m[name]
        raise _NoShortcutError

    def _of_people(self, name: str, whom: ast.expr, told: ast.expr) -> _Typed:
        kind, people = self.part(whom)
        _must(kind == _PEOPLE)
        of_one, look = self.part(told)
        if name == "map":
            return (of_one,), lambda o, m: [look(o, one) for one in people(o, m)]
        _must(of_one is bool)
        match name:
            case "filter":
                return _PEOPLE, lambda o, m: [one for one in people(o, m) if look(o, one)]
            case "exists":
                return bool, lambda o, m: True in [look(o, one) for one in people(o, m)]
            case "all":
                return bool, lambda o, m: False not in [look(o, one) for one in people(o, m)]
        raise _NoShortcutError

    def _called(self, name: str, given: Sequence[_Typed]) -> _Typed:
        kinds, looks = [kind for kind, _ in given], [look for _, look in given]
        match name, kinds:
            case "size", ["people"] | [(_,)]:
                return int, lambda o, m: len(looks[0](o, m))
            case "double", [kind] if kind is int:
                return float, lambda o, m: float(looks[0](o, m))
            case "sum" | "mean" | "least", [(kind,)] if kind in {int, float}:
                function = self.functions[name]
                return int if name == "sum" and kind is int else _RESULT, lambda o, m: function(looks[0](o, m))
            case "years_between", [start, end] if start is str and end is str:
                function, (since, until) = self.functions[name], looks
                return _RESULT, lambda o, m: function(since(o, m), until(o, m))
        raise _NoShortcutError

    def _applied(self, function: Callable[..., Any], left: ast.expr, right: ast.expr, kinds: set[type]) -> _Typed:
        (kind, one), (other_kind, other) = self.part(left), self.part(right)
        _must(kind == other_kind and kind in kinds)
        return kind, lambda o, m: function(one(o, m), other(o, m))

    def _yes_or_no(self, node: ast.expr) -> Look:
        kind, look = self.part(node)
        _must(kind is bool)
        return look


def _kind(kinds: Kinds, name: str) -> type:
    kind = kinds.get(name)
    if kind is None:
        raise _NoShortcutError
    return kind


def _joined(looks: Sequence[Look], *, settles: bool) -> Look:
    """Return what asks one after the other, until one answer settles it."""
    first, *rest = looks
    if not rest:
        return first
    then = _joined(rest, settles=settles)
    if settles:
        return lambda o, m: first(o, m) or then(o, m)
    return lambda o, m: first(o, m) and then(o, m)
