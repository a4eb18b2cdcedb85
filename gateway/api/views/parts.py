"""What the entries of a list attribute may look like: the standard's classes as schemas. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from standards.codes import CodeDirectories
from standards.dci.parts import MAX_WORD, UNMAPPED, load

Schema = dict[str, Any]

_SIMPLE: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "text": {"type": "string"},
        "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "moment": {"type": "string"},
        "integer": {"type": "integer"},
        "decimal": {"type": "number"},
        "boolean": {"type": "boolean"},
        "money": {"type": ["number", "string", "object"]},
    }
)
_WORD: Final = {"type": "string", "maxLength": MAX_WORD, "description": "A word of the registry's that is no code."}


def parts_schema(attribute: str) -> Schema | None:
    """Return the schema of one entry of a list attribute; None where nothing is said of its entries."""
    kind = load().attributes.get(attribute)
    return None if kind is None else class_schema(kind)


def class_schema(kind: str) -> Schema:
    """Return the schema of an object of one class: every member may be missing, and no other one may be there."""
    classes = load().parts
    properties: dict[str, Schema] = {"@type": {"const": kind}}
    for name, of, is_list in classes[kind]:
        if of in classes:
            inner = class_schema(of)
        elif of in _SIMPLE:
            inner = dict(_SIMPLE[of])
        else:
            inner = {"type": "string", "enum": list(CodeDirectories.load().codes(of))}
            if not name.startswith(UNMAPPED):
                properties[f"{UNMAPPED}{name}"] = _some(dict(_WORD), is_list=is_list)
        properties[name] = _some(inner, is_list=is_list)
    return {"type": "object", "properties": properties, "required": ["@type"], "additionalProperties": False}


def _some(inner: Schema, *, is_list: bool) -> Schema:
    return {"type": "array", "minItems": 1, "items": inner} if is_list else inner
