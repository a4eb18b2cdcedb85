"""Who one of the special questions is about: the criteria of a request, in any form met -> one person's number.

The documented query is a dotted path with a bare operator, `{"member.member_identifier": {"eq": "ABC451123"}}`. A pair
of type and value, predicates and the standard's own `expression` are read as well; all of them say who it is by `eq`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from standards.dci.comparisons import identifier_of
from standards.dci.criteria import expression_document, query_type_of
from standards.dci.reading import MAX_ID, criteria_refused, filter_refused, is_absent
from standards.identifiers import PERSON_TYPES, UIN, Identifier, normal_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
MAX_TERMS: Final = 8
"""Most conditions of one such query."""
MAX_DEPTH: Final = 4
"""Most `$and` within one another."""


class Asked(NamedTuple):
    """Who such a question is about."""

    subject: Identifier
    programme: str | None = None
    """The only programme that is asked about; None asks about any."""


def read_asked(criteria: object) -> Asked:
    """Read the criteria of such a question.

    Raises: ItemRefusedError with the sentence of the item's answer.
    """
    if not isinstance(criteria, dict):
        raise criteria_refused("the criteria are an object with query_type and query")
    entity = criteria.get("response_entity")
    if isinstance(entity, str) and entity.strip().lower() in {"group", "household"}:
        raise criteria_refused("this is answered for one person: leave response_entity out, or say Member")
    return _asked(_terms(criteria))


class _Term(NamedTuple):
    path: str
    value: object


def _terms(criteria: Mapping[str, object]) -> list[_Term]:
    """Return what a query says, whatever form it is written in: paths and the values that they equal."""
    query = criteria.get("query")
    if not is_absent(criteria.get("query_type")):
        query_type_of(criteria["query_type"])
    if isinstance(query, list):
        return [term for entry in _few(query) for term in _of_predicate(entry)]
    if not isinstance(query, dict):
        raise criteria_refused('a query is an object such as {"person_identifier": {"eq": "..."}}')
    if "value" in query and "expression" not in (query["value"] if isinstance(query["value"], dict) else {}):
        return [_Term(str(query.get("type") or UIN), query["value"])]
    if "expression1" in query:
        return _of_predicate(query)
    if "attribute_name" in query:
        return [_of_comparison(query)]
    if "value" in query:
        return _of_document(expression_document(query), 1)
    return _of_document(query, 1)


def _of_document(document: object, depth: int) -> list[_Term]:
    if not isinstance(document, dict) or not document or depth > MAX_DEPTH:
        raise criteria_refused('a query is an object such as {"person_identifier": {"eq": "..."}}')
    terms: list[_Term] = []
    for name, said in _few(list(document.items())):
        if name == "$and" and isinstance(said, list):
            terms += [term for part in _few(said) for term in _of_document(part, depth + 1)]
        elif str(name).startswith("$"):
            raise filter_refused("conditions are joined by and")
        else:
            terms.append(_Term(str(name), _equalled(said)))
    return terms


def _equalled(said: object) -> object:
    """Return the value that a condition wants: bare, or under the operator `eq`."""
    if not isinstance(said, dict):
        return said
    words = {str(word).lstrip("$").lower(): value for word, value in said.items()}
    if words.keys() == {"eq"}:
        return words["eq"]
    if words.keys() & {"identifier_value", "value"}:
        return said
    raise filter_refused("who is asked about is said by eq")


def _of_predicate(entry: object) -> list[_Term]:
    if not isinstance(entry, dict):
        raise criteria_refused("a predicate is an object with expression1")
    condition = entry.get("condition")
    if not is_absent(condition) and str(condition).strip().lower() != "and":
        raise filter_refused("conditions are joined by and")
    parts = [part for name, part in entry.items() if str(name).startswith("expression") and not is_absent(part)]
    return [_of_comparison(part) for part in _few(parts)]


def _of_comparison(part: object) -> _Term:
    if not isinstance(part, dict) or str(part.get("operator")).lower() != "eq":
        raise filter_refused("who is asked about is said by eq")
    return _Term(str(part.get("attribute_name")), part.get("attribute_value"))


def _few(parts: list[T]) -> list[T]:
    if not 0 < len(parts) <= MAX_TERMS:
        raise criteria_refused(f"a query has 1 to {MAX_TERMS} conditions")
    return parts


_ANYONE: Final = frozenset(
    {"memberidentifier", "personidentifier", "beneficiaryidentifier", "identifier", "identifiervalue", "idvalue", "id"}
)
"""Last parts of a path that say who it is, and not by which kind of number; without separators."""
_KIND: Final = frozenset({"identifiertype", "idtype"})
_PROGRAMME: Final = frozenset({"programmeidentifier", "programidentifier", "programmeid", "programid"})


def _asked(terms: Sequence[_Term]) -> Asked:
    # DEVIATION 27: a number of which nobody says what kind it is, is a UIN.
    kind, number, programme = UIN, None, None
    for path, value in terms:
        last = path.rsplit(".", 1)[-1].rsplit(":", 1)[-1]
        word = last.replace("_", "").replace("-", "").casefold()
        if word in _PROGRAMME and programme is None:
            programme = _short(value)
        elif word in _KIND:
            kind = _short(value)
        elif word in _ANYONE and number is None:
            number = value
        elif normal_type(last) in PERSON_TYPES and number is None:
            kind, number = normal_type(last), value
        else:
            raise filter_refused("only one person's number, and one programme's, can be asked by here")
    if isinstance(number, dict):
        kind = str(number.get("identifier_type") or number.get("type") or kind)
        number = number.get("identifier_value", number.get("value"))
    if number is None:
        raise criteria_refused("the query does not say who is asked about")
    return Asked(identifier_of(kind, number), programme)


def _short(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_ID:
        raise filter_refused(f"a programme, and a kind of number, is a string of 1 to {MAX_ID} characters")
    return value.strip()
