"""Filters in the words of a registry that answers DCI `expression` or `predicate` queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.errors import SourceContractError
from standards.filters import Any_, Comparison, Every, Not, TextOperator, attributes_of
from standards.permit import Operator

if TYPE_CHECKING:
    from adapters.manifest import Manifest, Search
    from adapters.ports import SearchFetch
    from standards.filters import Filter
    from standards.states import JsonValue

_WORDS: Final = {
    Operator.LT: "$lt",
    Operator.LE: "$lte",
    Operator.EQ: "$eq",
    Operator.GE: "$gte",
    Operator.GT: "$gt",
    Operator.IN: "$in",
}
_PREDICATE_WORDS: Final = {
    Operator.LT: "lt",
    Operator.LE: "le",
    Operator.EQ: "eq",
    Operator.GE: "ge",
    Operator.GT: "gt",
    Operator.IN: "in",
}
_OPPOSITE: Final = {
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
    Operator.GE: Operator.LT,
    Operator.GT: Operator.LE,
}


class Offered(NamedTuple):
    """One `searches` entry of a manifest, ready to be asked."""

    search: Search
    lookup: str
    """The lookup whose records it answers with."""
    codes: dict[str, dict[str, str]]
    """Attribute -> the catalogue's code -> the registry's."""


class Searching:
    """What one registry can be searched by."""

    def __init__(self, manifest: Manifest) -> None:
        self._source_id = manifest.id
        self._has_predicates = manifest.dci is not None and manifest.dci.spoken.search_form == "predicate"
        self._offered = tuple(_offered(manifest, search) for search in manifest.searches)

    def offered(self, request: SearchFetch) -> Offered:
        """Return the first entry that knows every attribute of a search.

        Raises: SourceContractError when none does: the caller asked for more than the manifest offers. A filter
            without any attribute, which asks for everybody, is never offered.
        """
        compared = attributes_of(request.filter)
        wanted = compared.union(name for name, _ in request.sort)
        for offered in self._offered:
            fits = request.entity in (None, offered.search.entity)
            if compared and fits and wanted <= offered.search.attributes.keys() and self._can_say(request.filter):
                return offered
        raise SourceContractError(self._source_id, "the manifest offers no such search")

    def criteria(self, offered: Offered, request: SearchFetch) -> dict[str, Any]:
        """Return the members of DCI search criteria that say what is looked for, and which page of it."""
        names = offered.search.attributes
        criteria: dict[str, Any]
        if self._has_predicates:
            criteria = {"query_type": "predicate", "query": _predicate(request.filter, offered)}
        else:
            collection = "Group" if offered.search.entity == "group" else "Member"
            expression = {"collection": collection, "query": _document(request.filter, offered, negated=False)}
            value = {"expression": expression}
            criteria = {"query_type": "expression", "query": {"type": "ns:org:QueryType:expression", "value": value}}
        criteria["pagination"] = {"page_size": request.page_size, "page_number": request.page_number}
        sort = [(names[name], "desc" if descends else "asc") for name, descends in request.sort]
        if (last := offered.search.order_by) is not None:
            sort.append((last, "asc"))  # ties would let a record stand on two pages, or on none
        if sort:
            criteria["sort"] = [{"attribute_name": name, "sort_order": order} for name, order in sort]
        return criteria

    def _can_say(self, filter: Filter) -> bool:
        """Tell whether a filter can be written in the form of query that the registry takes."""
        if isinstance(filter, Comparison):
            return isinstance(filter.operator, Operator)
        if self._has_predicates and not isinstance(filter, Every):
            return False  # how its entries combine is told by no text but "and"
        parts = (filter.part,) if isinstance(filter, Not) else filter.parts
        return all(map(self._can_say, parts))


def _offered(manifest: Manifest, search: Search) -> Offered:
    for lookup in manifest.lookups:
        if lookup.entity == search.entity and search.yields in lookup.identifiers and manifest.dci:
            codes: dict[str, dict[str, str]] = {}
            for name, field in manifest.dci.lookups[lookup.name].attributes.items():
                for word, code in field.codes.items():
                    codes.setdefault(name, {}).setdefault(code, word)
            return Offered(search, lookup.name, codes)
    raise LookupError(search.yields)  # the manifest's own validation leaves no such search


def _document(filter: Filter, offered: Offered, *, negated: bool) -> dict[str, Any]:
    """Return the query document of a filter, or of its opposite.

    The standard has no word for "not", so it is carried down to the comparisons, where it turns them round.
    What the registry has no value for matches neither a comparison nor its opposite.
    """
    match filter:
        case Not(part):
            return _document(part, offered, negated=not negated)
        case Every(parts) | Any_(parts):
            every = isinstance(filter, Every) != negated
            return {"$and" if every else "$or": [_document(p, offered, negated=negated) for p in parts]}
        case Comparison(attribute, operator, value):
            return _opposite(filter, offered) if negated else _is(attribute, operator, value, offered)


def _predicate(filter: Filter, offered: Offered) -> list[dict[str, Any]]:
    """Return the entries of a predicate query, all of which must hold; `in` takes its list with commas between."""
    comparisons = [filter]
    while nested := [one for one in comparisons if not isinstance(one, Comparison)]:
        inner = [part for one in nested if isinstance(one, Every) for part in one.parts]
        comparisons = [one for one in comparisons if isinstance(one, Comparison)] + inner
    entries = []
    for place, one in enumerate(comparisons, start=1):
        if isinstance(one, Comparison) and isinstance(one.operator, Operator):
            value = _in_words(one.attribute, one.operator, one.value, offered)
            expression = {
                "attribute_name": offered.search.attributes[one.attribute],
                "operator": _PREDICATE_WORDS[one.operator],
                "attribute_value": ",".join(map(str, value)) if isinstance(value, list) else value,
            }
            entries.append({"seq_num": place, "expression1": expression})
    return entries


def _is(attribute: str, operator: Operator | TextOperator, value: JsonValue, offered: Offered) -> dict[str, Any]:
    assert isinstance(operator, Operator)  # noqa: S101 - `Searching.offered` lets no other one pass
    value = _in_words(attribute, operator, value, offered)
    return {offered.search.attributes[attribute]: {_WORDS[operator]: value}}


def _in_words(attribute: str, operator: Operator, value: JsonValue, offered: Offered) -> JsonValue:
    """Return a value in the registry's own codes."""
    codes = offered.codes.get(attribute, {})
    if isinstance(value, list | tuple):
        return [codes.get(str(one), one) for one in value]
    word = codes.get(str(value), value)
    return [word] if operator is Operator.IN else word


def _opposite(comparison: Comparison, offered: Offered) -> dict[str, Any]:
    attribute, operator, value = comparison
    if isinstance(operator, Operator) and operator in _OPPOSITE:
        return _is(attribute, _OPPOSITE[operator], value, offered)
    if operator is Operator.IN:
        candidates = value if isinstance(value, list | tuple) else (value,)
        others = [Comparison(attribute, Operator.EQ, candidate) for candidate in candidates]
        return {"$and": [_opposite(other, offered) for other in others]}
    if isinstance(value, bool):
        return _is(attribute, Operator.EQ, not value, offered)
    sides = (Operator.LT, Operator.GT)
    return {"$or": [_is(attribute, side, value, offered) for side in sides]}
