"""The `query` of a search, in any of its forms -> a question by number or a filter tree.

Grammar of the `expression` form, which the standard leaves to implementers. It is closed:

    document    {"$and": [document...]} | {"$or": [document...]} | {"$not": document} | {name: condition}
    condition   {"$eq" | "$ne" | "$lt" | "$lte" | "$gt" | "$gte": value} | {"$in" | "$nin": [value...]}
                | {"$contains" | "$startsWith" | "$endsWith": text} | {"$not": condition}

Several members of one object must all hold. A path may stand for a name. The three that look into a text compare it in
upper or lower case, and are for texts only (of a list, `$contains` is one whole entry).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from standards.dci.codes import QueryType
from standards.dci.comparisons import comparison, identifier_of, operator_of, text_comparison
from standards.dci.reading import (
    ItemRefusedError,
    criteria_refused,
    filter_refused,
    first_present,
    is_absent,
    member,
)
from standards.dci.search import FilterQuery, IdQuery
from standards.filters import Any_, Comparison, Every, Not, TextOperator
from standards.identifiers import Identifier
from standards.permit import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.attributes import Catalogue
    from standards.filters import Filter

MAX_DEPTH: Final = 8
"""Deepest nesting of an expression."""
MAX_COMPARISONS: Final = 64
"""Most comparisons of one query."""

_QUERY_TYPES: Final[Mapping[str, QueryType]] = {q.value: q for q in QueryType} | {
    "idtype": QueryType.IDTYPE_VALUE,
    "namedquery": QueryType.EXPRESSION,
}

_MONGO: Final[Mapping[str, tuple[Operator, bool]]] = {
    "$eq": (Operator.EQ, False),
    "$ne": (Operator.EQ, True),
    "$lt": (Operator.LT, False),
    "$lte": (Operator.LE, False),
    "$gt": (Operator.GT, False),
    "$gte": (Operator.GE, False),
    "$in": (Operator.IN, False),
    "$nin": (Operator.IN, True),
}
"""Expression operator -> ours, and whether it is negated."""

_TEXT: Final[Mapping[str, TextOperator]] = {
    "$contains": TextOperator.CONTAINS,
    "$startsWith": TextOperator.STARTS_WITH,
    "$endsWith": TextOperator.ENDS_WITH,
}

_EXPRESSION: Final = re.compile(r"expression(\d{1,3})\Z", re.ASCII)


def read_query(catalogue: Catalogue, query_type: object, query: object) -> IdQuery | FilterQuery:
    """Read a query; a filter that only says that an identifier equals one value becomes a question by number.

    Raises: ItemRefusedError with the code and the sentence of the item's answer.
    """
    kind = query_type_of(query_type)
    if kind is QueryType.IDTYPE_VALUE:
        return IdQuery(_id_query(query))
    if kind is QueryType.EXPRESSION and not isinstance(query, list):
        read = _Reader(catalogue).document(expression_document(query), 1)
    else:
        read = _Reader(catalogue).predicates(query)
    if isinstance(read, Identifier):
        return IdQuery(read)
    return FilterQuery(read, shape(read))


def query_type_of(query_type: object) -> QueryType:
    """Return the form that a query says it is written in.

    Raises: ItemRefusedError for any other, and for the one that is not served here.
    """
    kind = _QUERY_TYPES.get(query_type.strip().lower()) if isinstance(query_type, str) else None
    if kind is None:
        raise criteria_refused("query_type is one of idtype-value, expression, predicate")
    if kind is QueryType.GRAPHQL:
        raise criteria_refused("graphql is not served here; use expression or predicate")
    return kind


def collection_of(query: object) -> str | None:
    """Return the record kind that an `expression` query names, if it names one."""
    inner = _inner(query)
    named = inner.get("collection") if inner else None
    return named if isinstance(named, str) and named.strip() else None


def shape(filter: Filter) -> str:
    """Return the text of a filter with `?` in the place of every compared value, which may be personal."""
    if isinstance(filter, Comparison):
        return f"{filter.attribute} {filter.operator.replace('_', ' ')} ?"
    if isinstance(filter, Not):
        return f"not ({shape(filter.part)})"
    between = " and " if isinstance(filter, Every) else " or "
    return between.join(
        shape(part) if isinstance(part, (Comparison, Not)) else f"({shape(part)})" for part in filter.parts
    )


def _id_query(query: object) -> Identifier:
    if not isinstance(query, dict):
        raise criteria_refused("an idtype-value query is an object with type and value")
    inner = query.get("value")
    if isinstance(inner, dict):
        query = inner
    type_ = member(query, ("id_type", "identifier_type", "type"))
    value = member(query, ("id_value", "identifier_value", "value"))
    try:
        return identifier_of(type_, value)
    except ItemRefusedError as refused:
        raise criteria_refused(refused.message) from None


def _inner(query: object) -> dict[str, object] | None:
    """Return the object with `collection` and `query` of an expression, however deep its wrapping begins."""
    for step in ("value", "expression"):
        if not isinstance(query, dict):
            return None
        query = query.get(step, query)
    return query if isinstance(query, dict) else None


def expression_document(query: object) -> object:
    """Return the document inside the wrapping of an expression query.

    Raises: ItemRefusedError when there is none.
    """
    inner = _inner(query)
    if inner is None or not isinstance(query, dict):
        raise criteria_refused("an expression query is an object with value.expression.query")
    kind = query.get("type")
    word = kind.rsplit(":", 1)[-1].strip().lower() if isinstance(kind, str) else ""
    if word not in {"", "expression", "nosql"}:
        raise criteria_refused("the type of an expression query is ns:org:QueryType:expression")
    document = inner.get("query")
    if not isinstance(document, dict):
        raise criteria_refused("an expression query has a document at value.expression.query")
    return document


class _Reader:
    """Reads one query and counts its comparisons."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._left = MAX_COMPARISONS

    def predicates(self, query: object) -> Filter | Identifier:
        """Read the predicate form: an array of entries that must all hold."""
        entries = [query] if isinstance(query, dict) else query
        if not isinstance(entries, list) or not entries:
            raise criteria_refused("a predicate query is an array of at least one predicate")
        if len(entries) > MAX_COMPARISONS:
            raise _too_many()
        return self._all_of([self._predicate(entry) for entry in entries])

    def _predicate(self, entry: object) -> Filter | Identifier:
        if not isinstance(entry, dict):
            raise criteria_refused("a predicate is an object with expression1")
        numbered = sorted(
            (int(found[1]), key)
            for key in entry
            if isinstance(key, str) and (found := _EXPRESSION.match(key)) and not is_absent(entry[key])
        )
        if not numbered or numbered[0][0] != 1:
            raise criteria_refused("a predicate has expression1")
        parts: list[Filter | Identifier] = [self._simple(entry[key]) for _, key in numbered]
        condition = first_present("condition", entry) or "and"
        word = condition.strip().lower() if isinstance(condition, str) else ""
        if word not in {"and", "or", "not"}:
            raise filter_refused("a condition is one of and, or, not")
        if word == "not":
            # DEVIATION 5: the standard does not say what `not` joins. Here: the first and none of the others; one
            # expression alone is negated.
            first, *others = [self._filter(part) for part in parts]
            return _every([first, *map(Not, others)]) if others else Not(first)
        return self._one_of(parts) if word == "or" else self._all_of(parts)

    def _simple(self, expression: object) -> Filter | Identifier:
        if not isinstance(expression, dict):
            raise criteria_refused("an expression of a predicate has attribute_name, operator and attribute_value")
        operator = operator_of(expression.get("operator"))
        return self._compare(expression.get("attribute_name"), operator, expression.get("attribute_value"))

    def document(self, document: object, depth: int) -> Filter | Identifier:
        """Read one document of the expression form."""
        return self._all_of([self._clause(name, inner, depth) for name, inner in self._members(document, depth)])

    def _clause(self, name: str, inner: object, depth: int) -> Filter | Identifier:
        if name == "$not":
            return Not(self._filter(self.document(inner, depth + 1)))
        if name in {"$and", "$or"}:
            if not isinstance(inner, list) or not 0 < len(inner) <= MAX_COMPARISONS:
                raise filter_refused(f"$and and $or take an array of 1 to {MAX_COMPARISONS} documents")
            parts = [self.document(part, depth + 1) for part in inner]
            return self._all_of(parts) if name == "$and" else self._one_of(parts)
        if name.startswith("$"):
            raise filter_refused("a document joins with $and, $or and $not only")
        return self._condition(name, inner, depth + 1)

    def _condition(self, name: str, condition: object, depth: int) -> Filter | Identifier:
        parts: list[Filter | Identifier] = []
        for word, value in self._members(condition, depth):
            if word == "$not":
                parts.append(Not(self._filter(self._condition(name, value, depth + 1))))
                continue
            if word in _TEXT:
                self._count()
                parts.append(text_comparison(self._catalogue, name, _TEXT[word], value))
                continue
            if word not in _MONGO:
                raise filter_refused(f"a condition is made of {', '.join((*_MONGO, *_TEXT))} and $not")
            operator, is_negated = _MONGO[word]
            compared = self._compare(name, operator, value)
            parts.append(Not(self._filter(compared)) if is_negated else compared)
        return self._all_of(parts)

    def _members(self, document: object, depth: int) -> list[tuple[str, object]]:
        if depth > MAX_DEPTH:
            raise filter_refused(f"an expression nests at most {MAX_DEPTH} deep")
        if not isinstance(document, dict) or not document:
            raise filter_refused('an expression is an object with members, such as {"age": {"$lt": 5}}')
        if len(document) > MAX_COMPARISONS:
            raise _too_many()
        return [(str(name), inner) for name, inner in document.items()]

    def _compare(self, name: object, operator: Operator, value: object) -> Filter | Identifier:
        self._count()
        return comparison(self._catalogue, name, operator, value)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _too_many()

    def _all_of(self, parts: list[Filter | Identifier]) -> Filter | Identifier:
        """Join parts that must all hold; one alone stays what it is, so that a lone identifier stays one."""
        return parts[0] if len(parts) == 1 else _every([self._filter(part) for part in parts])

    def _one_of(self, parts: list[Filter | Identifier]) -> Filter | Identifier:
        return parts[0] if len(parts) == 1 else _any([self._filter(part) for part in parts])

    def _filter(self, part: Filter | Identifier) -> Filter:
        """Return an identifier that stands among other conditions as a comparison."""
        if not isinstance(part, Identifier):
            return part
        name = self._catalogue.resolve(part.type)
        if name is None:
            raise filter_refused(f"{part.type} can be asked for alone, not among other conditions")
        return Comparison(name, Operator.EQ, part.value)


def _too_many() -> ItemRefusedError:
    return filter_refused(f"a query has at most {MAX_COMPARISONS} comparisons")


def _every(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _any(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Any_(tuple(parts))
