"""Filters in the words of a registry that answers DCI `expression` queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.errors import SourceContractError
from standards.filters import Any_, Comparison, Every, Not, attributes_of
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
            if compared and fits and wanted <= offered.search.attributes.keys():
                return offered
        raise SourceContractError(self._source_id, "the manifest offers no such search")

    def criteria(self, offered: Offered, request: SearchFetch) -> dict[str, Any]:
        """Return the members of DCI search criteria that say what is looked for, and which page of it."""
        names = offered.search.attributes
        collection = "Group" if offered.search.entity == "group" else "Member"
        expression = {"collection": collection, "query": _document(request.filter, offered, negated=False)}
        criteria: dict[str, Any] = {
            "query_type": "expression",
            "query": {"type": "ns:org:QueryType:expression", "value": {"expression": expression}},
            "pagination": {"page_size": request.page_size, "page_number": request.page_number},
        }
        sort = [(names[name], "desc" if descends else "asc") for name, descends in request.sort]
        if (last := offered.search.order_by) is not None:
            sort.append((last, "asc"))  # ties would let a record stand on two pages, or on none
        if sort:
            criteria["sort"] = [{"attribute_name": name, "sort_order": order} for name, order in sort]
        return criteria


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


def _is(attribute: str, operator: Operator, value: JsonValue, offered: Offered) -> dict[str, Any]:
    codes = offered.codes.get(attribute, {})
    if isinstance(value, list | tuple):
        value = [codes.get(str(one), one) for one in value]
    elif operator is Operator.IN:
        value = [codes.get(str(value), value)]
    else:
        value = codes.get(str(value), value)
    return {offered.search.attributes[attribute]: {_WORDS[operator]: value}}


def _opposite(comparison: Comparison, offered: Offered) -> dict[str, Any]:
    attribute, operator, value = comparison
    if operator in _OPPOSITE:
        return _is(attribute, _OPPOSITE[operator], value, offered)
    if operator is Operator.IN:
        candidates = value if isinstance(value, list | tuple) else (value,)
        others = [Comparison(attribute, Operator.EQ, candidate) for candidate in candidates]
        return {"$and": [_opposite(other, offered) for other in others]}
    if isinstance(value, bool):
        return _is(attribute, Operator.EQ, not value, offered)
    sides = (Operator.LT, Operator.GT)
    return {"$or": [_is(attribute, side, value, offered) for side in sides]}
