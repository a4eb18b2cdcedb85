"""A value that an attribute of the catalogue may have; shared by tests."""

from __future__ import annotations

from typing import Any

from standards.attributes import Catalogue, ValueType
from standards.codes import CodeDirectories
from standards.dci.parts import load

CATALOGUE = Catalogue.load()
_OF_TYPE: dict[ValueType, Any] = {
    ValueType.STRING: "Moyo",
    ValueType.DATE: "1990-02-01",
    ValueType.INTEGER: 2,
    ValueType.DECIMAL: 2.5,
    ValueType.BOOLEAN: True,
    ValueType.MONEY: 14_200,
    ValueType.LIST: ["x", {"y": 1}],
    ValueType.IDENTIFIER: "1234567890",
}
_OF_PART: dict[str, Any] = {
    "text": "word",
    "date": "2024-02-01",
    "moment": "2024-02-01T00:00:00+00:00",
    "integer": 2,
    "decimal": 2.5,
    "boolean": True,
    "money": "PVC 120",
}


def sample(name: str) -> Any:
    """A value of one attribute; of a list of the standard's objects, one with every member."""
    definition = CATALOGUE[name]
    if definition.codes:
        code = next(iter(CodeDirectories.load().codes(definition.codes)))
        return [code] if definition.type is ValueType.CODES else code
    if name in {"phone_number", "email"}:
        return ["x"]
    kind = load().attributes.get(name)
    return _OF_TYPE[definition.type] if kind is None else [entry(kind)]


def entry(kind: str) -> dict[str, Any]:
    """An object of one class, with every member."""
    return {"@type": kind} | {
        part.name: [_part(part.kind)] if part.is_list else _part(part.kind) for part in load().parts[kind]
    }


def _part(kind: str) -> Any:
    if kind in load().parts:
        return entry(kind)
    return _OF_PART.get(kind) or next(iter(CodeDirectories.load().codes(kind)))
