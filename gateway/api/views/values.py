"""What an attribute may look like under an agreement: its value, or the form in which it is agreed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.api.views.parts import parts_schema
from policies.forms import label
from standards.attributes import AttributeDefinition, ValueType
from standards.codes import CodeDirectories
from standards.identifiers import MAX_LENGTH
from standards.permit import Form, FormKind, Operator

Schema = dict[str, Any]

DATE: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
HANDLE: Final = "^k[1-9][0-9]{0,5}\\.[a-z2-7]{26}$"
"""A pseudonym: the id of its key, and 128 bits in Base32."""

_TYPES: Final[Mapping[ValueType, Schema]] = MappingProxyType(
    {
        ValueType.STRING: {"type": "string"},
        ValueType.DATE: {"type": "string", "format": "date", "pattern": DATE},
        ValueType.INTEGER: {"type": "integer"},
        ValueType.DECIMAL: {"type": "number"},
        ValueType.BOOLEAN: {"type": "boolean"},
        ValueType.MONEY: {"type": "integer"},
        ValueType.LIST: {"type": "array", "items": {"type": ["object", "string"]}},
        ValueType.IDENTIFIER: {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    }
)
COMPARISONS: Final[Mapping[Operator, str]] = MappingProxyType(
    {
        Operator.LT: "below",
        Operator.LE: "at most",
        Operator.EQ: "exactly",
        Operator.GE: "at least",
        Operator.GT: "above",
        Operator.IN: "one of",
    }
)
"""How a number is compared, in words."""


def reference(name: str) -> Schema:
    """Return a reference to a definition of the same document."""
    return {"$ref": f"#/$defs/{name}"}


def codes_name(directory: str) -> str:
    """Return the name of the definition of a code directory."""
    return f"codes_{directory}"


def codes_schema(directory: str) -> Schema:
    """Return the schema of the codes of one directory, with what each means."""
    codes = CodeDirectories.load().codes(directory)
    meanings = "; ".join(f"`{code}` {meaning}" for code, meaning in codes.items())
    return {"title": f"Codes of {directory}", "description": meanings, "type": "string", "enum": list(codes)}


def value_schema(definition: AttributeDefinition, form: Form) -> Schema:
    """Return the schema of what is shown of an attribute: nothing else of it may stand anywhere in an answer."""
    shape, about = _FORMS[form.kind](definition, form)
    unit = f" Unit: {definition.unit}." if definition.unit and form.kind is not FormKind.PREDICATE else ""
    return {"title": definition.title, "description": f"{about}{unit}", **shape}


def _value(definition: AttributeDefinition, _: Form) -> tuple[Schema, str]:
    about = f"{definition.type.value.capitalize()}."
    if (entry := parts_schema(definition.name)) is not None:
        return {"type": "array", "minItems": 1, "items": entry}, "List, in the standard's classes."
    if definition.type is ValueType.MONEY:
        about = "Money, in whole currency units."
    if definition.codes is None:
        return _TYPES[definition.type], about
    code = reference(codes_name(definition.codes))
    about = f"Code of the directory {definition.codes}."
    return ({"type": "array", "items": code} if definition.type is ValueType.CODES else code), about


def _band(_: AttributeDefinition, form: Form) -> tuple[Schema, str]:
    bands = [label(form.edges, band) for band in range(len(form.edges) + 1)]
    return {"type": "string", "enum": bands}, "The band that the number lies in, never the number."


def _predicate(definition: AttributeDefinition, form: Form) -> tuple[Schema, str]:
    thresholds = form.threshold if isinstance(form.threshold, (list, tuple)) else (form.threshold,)
    compared = ", ".join(map(str, thresholds))
    unit = f" {definition.unit}" if definition.unit else ""
    word = COMPARISONS[form.operator] if form.operator else ""
    return {"type": "boolean"}, f"Whether it is {word} {compared}{unit}, never the number."


_COARSE: Final[Mapping[str, tuple[Schema, str]]] = MappingProxyType(
    {
        "year": ({"type": "string", "pattern": "^[0-9]{4}$"}, "Only the year."),
        "month": ({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}, "Only year and month."),
        # A letter may have up to three characters in capitals; of an empty name there is none.
        "initial": ({"type": "string", "maxLength": 4, "pattern": "^([^.]+\\.)?$"}, "Only the initial."),
        "district": ({"type": "string"}, "In its place the code of the district."),
        "region": ({"type": "string"}, "In its place the code of the region."),
    }
)


def _generalised(_: AttributeDefinition, form: Form) -> tuple[Schema, str]:
    return _COARSE[form.to or ""]


def _masked(_definition: AttributeDefinition, _form: Form) -> tuple[Schema, str]:
    shape = {"type": "string", "pattern": "^…(..)?$"}
    return shape, "Masked: at most the last two characters, behind an ellipsis."


def _pseudonym(_definition: AttributeDefinition, _form: Form) -> tuple[Schema, str]:
    shape = {"type": "string", "pattern": HANDLE}
    return shape, "A keyed handle in place of the number: the same person has another one at every other programme."


_FORMS: Final[Mapping[FormKind, Callable[[AttributeDefinition, Form], tuple[Schema, str]]]] = MappingProxyType(
    {
        FormKind.VALUE: _value,
        FormKind.BAND: _band,
        FormKind.PREDICATE: _predicate,
        FormKind.GENERALISED: _generalised,
        FormKind.MASKED: _masked,
        FormKind.PSEUDONYM: _pseudonym,
    }
)
