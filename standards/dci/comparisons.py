"""One comparison of a wire query -> a comparison of the filter tree, in the catalogue's names, types and codes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from standards.attributes import NUMERIC, ValueType
from standards.codes import to_code
from standards.dci.reading import boolean, filter_refused, is_absent, number
from standards.filters import NEVER, Comparison, TextOperator
from standards.identifiers import GROUP_TYPES, MAX_LENGTH, PERSON_TYPES, Identifier, identifier, normal_type
from standards.permit import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.attributes import AttributeDefinition, Catalogue
    from standards.filters import Filter
    from standards.states import JsonValue

MAX_VALUES: Final = 256
"""Most values of one `in`."""
MAX_TEXT: Final = 255
"""Longest text compared with, in characters."""

MIN_PART: Final = 2
"""Shortest part of a text that is looked for, in characters."""

_OPERATORS: Final[Mapping[str, Operator]] = {o.value: o for o in Operator} | {
    "gte": Operator.GE,
    "lte": Operator.LE,
}

_ORDERED: Final = frozenset({"Education", "FunctionalSeverity"})
"""Code directories whose codes stand in an order."""

_KNOWN_TYPES: Final = frozenset(PERSON_TYPES) | frozenset(GROUP_TYPES)


def operator_of(word: object) -> Operator:
    """Return the operator that a word of a predicate names.

    Raises: ItemRefusedError (`rjct.filter.invalid`) for any other word.
    """
    found = _OPERATORS.get(word.strip().lower()) if isinstance(word, str) else None
    if found is None:
        raise filter_refused("an operator is one of gt, lt, eq, ge, le, in")
    return found


def comparison(catalogue: Catalogue, name: object, operator: Operator, value: object) -> Filter | Identifier:
    """Return the comparison, or the identifier if it says that an identifier equals one value.

    Codes without an order (sex, marital status) are neither less nor greater than one another: such a comparison
    never holds.

    Raises: ItemRefusedError (`rjct.filter.invalid`) for an unknown attribute or a value that it cannot have.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_TEXT:
        raise filter_refused("an attribute_name is a short string")
    attribute = catalogue.resolve(name)
    definition = catalogue.get(attribute) if attribute else None
    id_type = _identifier_type(name, definition)
    if id_type and operator is Operator.EQ:
        return identifier_of(id_type, value)
    if definition is None:
        raise filter_refused("unknown attribute_name: the attribute catalogue lists the names")
    if operator is Operator.IN:
        return Comparison(definition.name, operator, tuple(_typed(definition, v) for v in _candidates(value)))
    typed = _typed(definition, value)
    if definition.type is ValueType.CODE and operator is not Operator.EQ and definition.codes not in _ORDERED:
        return NEVER
    return Comparison(definition.name, operator, typed)


def text_comparison(catalogue: Catalogue, name: object, operator: TextOperator, value: object) -> Filter:
    """Return the comparison of a text with a part of it; of a list, `contains` asks for one whole entry.

    Numbers of people are never looked into: one could count through them.

    Raises: ItemRefusedError (`rjct.filter.invalid`) for an unknown attribute, one that is no text, or a part too short.
    """
    attribute = catalogue.resolve(name) if isinstance(name, str) and 0 < len(name) <= MAX_TEXT else None
    if attribute is None:
        raise filter_refused("unknown attribute_name: the attribute catalogue lists the names")
    definition = catalogue[attribute]
    if definition.type is ValueType.LIST and operator is TextOperator.CONTAINS:
        return Comparison(attribute, Operator.EQ, _typed(definition, value))
    if definition.type is not ValueType.STRING:
        raise filter_refused(f"{attribute} is no text, so no part of it can be looked for")
    if not isinstance(value, str) or not MIN_PART <= len(value.strip()) <= MAX_TEXT:
        raise filter_refused(f"a part of a text has {MIN_PART} to {MAX_TEXT} characters")
    return Comparison(attribute, operator, value.strip())


def identifier_of(type_: object, value: object) -> Identifier:
    """Return the identifier that a type and a value name; whole numbers count as their digits.

    Raises: ItemRefusedError (`rjct.filter.invalid`) when they name none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        value = str(value)
    if not isinstance(type_, str) or not isinstance(value, str):
        raise filter_refused("an identifier has a type and a value, both strings")
    try:
        return identifier(type_, value)
    except ValueError:
        raise filter_refused(f"an identifier's type and value have 1 to {MAX_LENGTH} characters") from None


def _identifier_type(name: str, definition: AttributeDefinition | None) -> str | None:
    """Return the identifier type that an attribute name stands for, if it stands for one."""
    if definition is None:
        type_ = normal_type(name)
        return type_ if type_ in _KNOWN_TYPES else None
    if definition.type is not ValueType.IDENTIFIER:
        return None
    return definition.place.partition("[")[2].rstrip("]") or None


def _candidates(value: object) -> list[object]:
    """Return the values of an `in`: an array, or a string with commas between them."""
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES:
        raise filter_refused(f"the value of in is an array, or comma-separated, of 1 to {MAX_VALUES} values")
    return [v.strip() if isinstance(v, str) else v for v in values]


def _typed(definition: AttributeDefinition, value: object) -> JsonValue:
    """Return a compared value in the attribute's type: words become codes, numeric strings numbers."""
    kind = definition.type
    typed: JsonValue = None
    if is_absent(value) or isinstance(value, (list, dict)):
        raise filter_refused(f"{definition.name} is compared with one value")
    if kind in NUMERIC:
        typed = number(value)
    elif kind is ValueType.BOOLEAN:
        typed = boolean(value)
    elif isinstance(value, bool):
        typed = None
    elif kind is ValueType.DATE:
        typed = _date(value)
    elif kind in {ValueType.CODE, ValueType.CODES}:
        typed = to_code(definition.codes or "", _text(value) or "")
    elif kind is ValueType.IDENTIFIER:
        return identifier_of("value", value).value
    else:
        typed = _text(value)
    if typed is None:
        of = f" of {definition.codes}" if definition.codes else ""
        raise filter_refused(f"{definition.name} is compared with a value of type {kind}{of}")
    return typed


def _text(value: object) -> str | None:
    """Return a text of bearable length; a whole number counts as its digits."""
    if isinstance(value, int) and abs(value) < 10**18:
        return str(value)
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else None


def _date(value: object) -> str | None:
    """Return the civil date of an ISO date or timestamp; the date stands as written, in no other time zone."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    written = value.strip()
    try:
        return datetime.fromisoformat(written).date().isoformat()
    except ValueError:
        return None
