"""The schemas of answers: those that the tests hold answers against, gathered into one document.

They come from `standards/dci/schemas/`; the catalogue adds what it knows about the members of a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

import standards.dci
from gateway.api.described.request import Schema, ref, thing
from standards.attributes import AttributeDefinition, Catalogue, Entity, ValueType
from standards.dci.place import OBJECT_TYPES

SCHEMAS: Final = Path(standards.dci.__file__).with_name("schemas")
ANSWER: Final = "search-answer.json"

_JSON_TYPES: Final[Mapping[ValueType, Schema]] = {
    ValueType.STRING: {"type": "string"},
    ValueType.DATE: {"type": "string", "format": "date"},
    ValueType.INTEGER: {"type": "integer"},
    ValueType.DECIMAL: {"type": "number"},
    ValueType.BOOLEAN: {"type": "boolean"},
    ValueType.MONEY: {"type": "integer"},
    ValueType.LIST: {"type": "array"},
    ValueType.IDENTIFIER: {"type": "string"},
}

_ABOUT: Final[Mapping[str, str]] = {
    "SearchAnswer": "The answer to a message: one item for every question, in their order.",
    "SearchAnswerHeader": "Who answers whom, and what became of the message as a whole.",
    "SearchAnswerItem": "What became of one question. `data` is there when it was answered.",
    "SearchAnswerData": "The records found, and beside them where every value came from.",
    "Record": "One household, or one person when single people were asked for.",
    "RegistryRecord": "One record of one kind of registry, in the standard's class or in one of ours.",
    "RecordMember": "One person.",
    "RecordPerson": "What describes the person.",
    "RecordGroup": "One household; its head stands among the members too.",
    "EvidenceStates": "By name of the attribute.",
    "EvidenceMember": "One member: why the person counts as one, and the state of every attribute.",
    "EvidenceState": "The state of one attribute. The value itself stands in the record.",
    "EvidenceKnown": "A registry was heard: it stated a value or that there is nothing, or registries disagree.",
    "EvidenceSources": "What became of every registry, by its name.",
}


def answer_schemas(catalogue: Catalogue) -> dict[str, Schema]:
    """Return name -> schema of every part of a search answer."""
    found = _bundled()
    _describe(found, catalogue)
    for name, about in _ABOUT.items():
        if name in found:
            found[name] = {**found[name], "description": about}
    return found


def code_schema_name(directory: str) -> str:
    """Return the name of the schema of a code directory."""
    return f"{directory}Code"


def value_schema(definition: AttributeDefinition) -> Schema:
    """Return the schema of an attribute's value."""
    about = {"description": f"{definition.title}{f' ({definition.unit})' if definition.unit else ''}."}
    if definition.type is ValueType.CODE:
        return about | ref(code_schema_name(definition.codes or ""))
    if definition.type is ValueType.CODES:
        return about | {"type": "array", "items": ref(code_schema_name(definition.codes or ""))}
    return about | _JSON_TYPES[definition.type]


def _describe(found: dict[str, Schema], catalogue: Catalogue) -> None:
    """Tell the record schemas what their members mean, and which members of ours they may have."""
    for definition in catalogue:
        *outer, key = definition.place.split(".")
        if "[" in key:
            continue  # an entry of a list of identifiers, whose type and value are described already
        members = _holder(found, definition.entity, outer)["properties"]
        value, said = value_schema(definition), members.get(key)
        # Where the schema file says something it stays, and holds beside the code directory.
        members[key] = {k: v for k, v in value.items() if k in {"description", "$ref"}} | said if said else value
    found["RecordMember"]["properties"]["hearth:relationship_to_head"] = {
        "description": "Relationship to the head of the household.",
        **ref(code_schema_name("Relationship")),
    }
    found["SearchAnswerHeader"]["properties"]["status_reason_code"] |= ref("HeaderReason")


def _holder(found: dict[str, Schema], entity: Entity, path: list[str]) -> Schema:
    """Return the object at a path inside a record; objects of ours are schemas with a name, made when first met."""
    node = found["RecordMember" if entity is Entity.PERSON else "RecordGroup"]
    for segment in path:
        key, bracket, _ = segment.partition("[")
        if key == "demographic_info":
            node = found["RecordPerson"]
        elif key.startswith("hearth:"):
            type_ = OBJECT_TYPES[key]
            name = type_.partition(":")[2]
            node["properties"][key] = ref(name)
            start = thing(f"What stands under `{key}`.", {"@type": {"const": type_}}, ("@type",))
            node = found.setdefault(name, start)
        else:
            inner = node["properties"][key]
            node = inner["items"] if bracket else inner
            node.setdefault("properties", {})
    return node


def _bundled() -> dict[str, Schema]:
    """Return the schemas of the files under names of their own, with references that hold in the document."""
    found: dict[str, Schema] = {}
    for name, schema in _gathered(ANSWER):
        moved = _moved(schema, name.partition("#")[0])
        found[_component(name)] = {k: v for k, v in moved.items() if k not in {"$schema", "$id", "$defs"}}
    return found


def _gathered(first: str) -> Iterator[tuple[str, Schema]]:
    """Yield name -> schema of a schema file, its definitions, and every file that it refers to."""
    waiting, seen = [first], {first}
    while waiting:
        file = waiting.pop(0)
        schema = _file(file)
        yield file, schema
        for name, inner in schema.get("$defs", {}).items():
            yield f"{file}#/$defs/{name}", inner
        for other in _references(schema):
            named = other.partition("#")[0]
            if named and named not in seen:
                seen.add(named)
                waiting.append(named)


@lru_cache(maxsize=8)
def _file(name: str) -> Schema:
    loaded: Schema = orjson.loads((SCHEMAS / name).read_bytes())
    return loaded


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _moved(node: Any, file: str) -> Any:
    """Return a schema of a file with its references turned into references of the document."""
    if isinstance(node, list):
        return [_moved(inner, file) for inner in node]
    if not isinstance(node, dict):
        return node
    return {
        key: ref(_component(inner if not inner.startswith("#") else file + inner))["$ref"]
        if key == "$ref"
        else _moved(inner, file)
        for key, inner in node.items()
    }


def _component(reference: str) -> str:
    """Return the name of a schema in the document: `record.json#/$defs/member` becomes `RecordMember`."""
    file, _, inside = reference.partition("#/$defs/")
    words = re.split(r"[-_]", file.removesuffix(".json")) + (re.split(r"[-_]", inside) if inside else [])
    return "".join(word.capitalize() for word in words)
