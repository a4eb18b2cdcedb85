"""GraphQL as far as one practice registry needs it: a query is read, checked against its arguments, and selected from.

It takes one operation of type query with variables, aliases, arguments and nested selections, and `__typename`. What it
does not take (fragments, directives, subscriptions) it refuses by an error, as the specification has them: a list under
`errors`, each with a message and, where a field is wrong, its path. Resolvers give whole objects as dictionaries; only
the members selected leave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

import orjson

MOST_DEPTH: Final = 12
_TOKEN: Final = re.compile(
    r'[\s,]+|#[^\n]*|(?P<token>\.\.\.|[!$()\[\]{}:=@|&]|"(?:[^"\\\n]|\\.)*"'
    r"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[_A-Za-z][_0-9A-Za-z]*)"
)
_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


class QueryError(Exception):
    """A query that cannot be answered, in words without a value of it."""

    def __init__(self, text: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(text)
        self.path = tuple(path)


class Selection(NamedTuple):
    """One field that is asked for."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    selections: tuple[Selection, ...]


class Variable(NamedTuple):
    """A variable as the operation declares it."""

    name: str
    type: str
    default: Any


class Reference(NamedTuple):
    """A variable in the place of a value."""

    name: str


class Operation(NamedTuple):
    """One query."""

    name: str | None
    variables: tuple[Variable, ...]
    selections: tuple[Selection, ...]


Resolver = Callable[[Mapping[str, Any]], Any]
"""Takes the arguments of a field of the query type and returns what it holds."""


def parse(text: str) -> Operation:
    """Read a document with one query.

    Raises: QueryError.
    """
    return _Reader(text).document()


def execute(operation: Operation, variables: Mapping[str, Any], fields: Mapping[str, Resolver]) -> dict[str, Any]:
    """Return the data that a query selects.

    Raises: QueryError for a variable or field that is wrong; whatever resolvers raise of it.
    """
    given = {one.name: _given(one, variables) for one in operation.variables}
    if strangers := set(variables) - set(given):
        raise QueryError(f"{len(strangers)} variables are not declared")
    data: dict[str, Any] = {}
    for field in operation.selections:
        if field.name == "__typename":
            data[field.alias] = "Query"
            continue
        resolve = fields.get(field.name)
        if resolve is None:
            raise QueryError(f'Cannot query field "{field.name}" on type "Query".', [field.alias])
        arguments = {name: _value(value, given) for name, value in field.arguments.items()}
        data[field.alias] = _selected(resolve(arguments), field, [field.alias])
    return data


def _given(one: Variable, variables: Mapping[str, Any]) -> Any:
    value = variables.get(one.name, one.default)
    if value is None and one.type.endswith("!"):
        raise QueryError(f'Variable "${one.name}" of required type "{one.type}" was not provided.')
    if value is not None and not _fits(one.type.removesuffix("!"), value):
        raise QueryError(f'Variable "${one.name}" got an invalid value; expected type "{one.type}".')
    return value


def _fits(type_: str, value: Any) -> bool:
    if type_.startswith("["):
        inner = type_[1:-1]
        return isinstance(value, list) and all(
            (item is None and not inner.endswith("!")) or _fits(inner.removesuffix("!"), item) for item in value
        )
    match type_:
        case "Int":
            return type(value) is int
        case "ID":
            return isinstance(value, str) or type(value) is int
        case "String":
            return isinstance(value, str)
        case "Boolean":
            return isinstance(value, bool)
    return False


def _value(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, Reference):
        if value.name not in given:
            raise QueryError(f'Variable "${value.name}" is not defined.')
        return given[value.name]
    if isinstance(value, list):
        return [_value(item, given) for item in value]
    return value


def _selected(thing: Any, field: Selection, path: list[str | int]) -> Any:
    """Return of a thing what is selected; objects need a selection, and all else takes none."""
    if thing is None:
        return None
    if isinstance(thing, list):
        return [_selected(item, field, [*path, place]) for place, item in enumerate(thing)]
    if not isinstance(thing, dict):
        if field.selections:
            raise QueryError(f'Field "{field.name}" has no fields to select.', path)
        return thing
    if not field.selections:
        raise QueryError(f'Field "{field.name}" must have a selection of its fields.', path)
    told: dict[str, Any] = {}
    for one in field.selections:
        if one.name not in thing:
            raise QueryError(f'Cannot query field "{one.name}" on type "{thing["__typename"]}".', [*path, one.alias])
        told[one.alias] = _selected(thing[one.name], one, [*path, one.alias])
    return told


class _Reader:
    """Reads one document, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0

    def document(self) -> Operation:
        """Read the one operation."""
        name: str | None = None
        variables: tuple[Variable, ...] = ()
        if self._next == "query":
            self._take("query")
            name = self._word() if _NAME.match(self._next or "") else None
            variables = self._variables() if self._next == "(" else ()
        selections = self._selections(0)
        if self._place < len(self._tokens):
            self._refuse("only one query is taken")
        return Operation(name, variables, selections)

    @property
    def _next(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _refuse(self, expected: str) -> NoReturn:
        raise QueryError(f"Syntax Error: at token {self._place + 1}: {expected}")

    def _take(self, token: str | None = None) -> str:
        found = self._next
        if found is None or (token is not None and found != token):
            self._refuse(f"expected {token or 'more'}")
        self._place += 1
        return found

    def _word(self) -> str:
        if self._next is None or not _NAME.fullmatch(self._next):
            self._refuse("expected a name")
        return self._take()

    def _variables(self) -> tuple[Variable, ...]:
        self._take("(")
        declared: list[Variable] = []
        while self._next != ")":
            self._take("$")
            name = self._word()
            self._take(":")
            type_, default = self._type(), None
            if self._next == "=":
                self._take("=")
                default = self._literal()
            declared.append(Variable(name, type_, default))
        self._take(")")
        return tuple(declared)

    def _type(self) -> str:
        if self._next == "[":
            self._take("[")
            type_ = f"[{self._type()}]"
            self._take("]")
        else:
            type_ = self._word()
        return type_ + (self._take("!") if self._next == "!" else "")

    def _selections(self, depth: int) -> tuple[Selection, ...]:
        if depth > MOST_DEPTH:
            self._refuse("nested too deep")
        self._take("{")
        found = [self._selection(depth)]
        while self._next != "}":
            found.append(self._selection(depth))
        self._take("}")
        return tuple(found)

    def _selection(self, depth: int) -> Selection:
        if self._next in ("...", "@"):
            self._refuse("fragments and directives are not taken")
        name = alias = self._word()
        if self._next == ":":
            self._take(":")
            name = self._word()
        arguments: dict[str, Any] = {}
        if self._next == "(":
            self._take("(")
            while self._next != ")":
                argument = self._word()
                self._take(":")
                arguments[argument] = self._literal()
            self._take(")")
        return Selection(name, alias, arguments, self._selections(depth + 1) if self._next == "{" else ())

    def _literal(self) -> Any:
        token = self._take()
        if token == "$":
            return Reference(self._word())
        if token == "[":
            items: list[Any] = []
            while self._next != "]":
                items.append(self._literal())
            self._take("]")
            return items
        known = {"true": True, "false": False, "null": None}
        if token in known:
            return known[token]
        try:
            return orjson.loads(token)
        except orjson.JSONDecodeError:
            return self._refuse("expected a value")


def _tokens(text: str) -> Iterable[str]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise QueryError(f"Syntax Error: at character {place + 1}: nothing that belongs into a query")
        if token := found["token"]:
            yield token
        place = found.end()
