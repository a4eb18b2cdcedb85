"""The DCI records under an agreement, as schemas: each agreed attribute at its place, and no other member. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.api.views.parts import class_schema
from gateway.api.views.values import Schema, codes_name, reference
from standards.attributes import AttributeDefinition, Entity
from standards.dci.parts import load
from standards.dci.place import HOUSEHOLD, OTHERS, Places
from standards.dci.shapes import Apart
from standards.dci.shapes import Shape as RecordShape
from standards.permit import Form, FormKind

RELATIONSHIP: Final = "Relationship"
"""Code directory of how a member is related to the head."""

Agreed = Sequence[tuple[AttributeDefinition, Form]]
"""The attributes of an agreement with their forms, in the order of the catalogue."""


def value_name(attribute: str) -> str:
    """Return the name of the definition of what is shown of an attribute."""
    return f"value_{attribute}"


def member_schema(agreed: Agreed, places: Places, *, is_alone: bool) -> Schema:
    """Return the schema of the Member record of one person.

    is_alone: the record stands for itself, and not in a household.
    """
    record = _record("Member", of_entity(agreed, Entity.PERSON), places, has_context=is_alone)
    if not is_alone:
        related = {**reference(codes_name(RELATIONSHIP)), "description": "To the head of the household; if known."}
        record["properties"]["hearth:relationship_to_head"] = related
    return {"title": "Member record of one person", **record}


def group_schema(agreed: Agreed, places: Places, member: Schema) -> Schema:
    """Return the schema of the Group record of a household.

    member: the schema of the records of its members.
    """
    record = _record("Group", of_entity(agreed, Entity.HOUSEHOLD), places, has_context=True)
    record["properties"] |= {
        "group_type": {"const": HOUSEHOLD, "description": "A household."},
        "group_head_info": {
            **member,
            "description": "The head, who stands in member_list too.",
        },
        "member_list": {"type": "array", "items": member, "description": "Everybody, in the order of their numbers."},
    }
    record["required"] += ["group_type", "member_list"]
    return {"title": "Group record of one household", **record}


def single_schema(agreed: Agreed, shape: RecordShape) -> Schema:
    """Return the schema of the record of a single registry; what it cannot hold is left out of what is agreed."""
    apart = shape.apart
    stands = [(d, form) for d, form in agreed if d.name in shape.places]
    record = _record(shape.type, stands, shape.places, has_context=True, others=shape.others)
    if apart is not None and any(d.name == apart.attribute for d, _ in agreed):
        record["properties"] |= _apart(apart)
    return {"title": f"{shape.type} record of one person", **record}


def _apart(apart: Apart) -> dict[str, Schema]:
    """Return the members that one entry of a list gives to the record that stands for it."""
    entry = class_schema(load().attributes[apart.attribute])
    beside = {n: p for n, p in entry["properties"].items() if n.rpartition(":")[2] in apart.beside}
    inside = {n: p for n, p in entry["properties"].items() if n not in beside}
    return {
        apart.at: {"type": "array", "minItems": 1, "maxItems": 1, "items": {**entry, "properties": inside}},
        **beside,
    }


def of_entity(agreed: Agreed, entity: Entity) -> list[tuple[AttributeDefinition, Form]]:
    """Return the agreed attributes of people, or of the household itself."""
    return [(definition, form) for definition, form in agreed if definition.entity is entity]


def _record(kind: str, agreed: Agreed, places: Places, *, has_context: bool, others: str = OTHERS) -> Schema:
    record = _object(kind)
    objects = {"": record}
    lists: dict[tuple[str, str], list[Schema]] = {}
    for definition, form in agreed:
        if form.kind is not FormKind.VALUE:
            continue
        place = places[definition.name]
        shown = reference(value_name(definition.name))
        if place.identifier_type is None:
            stands = {"type": "array", "minItems": 1, "maxItems": 1, "items": shown} if place.is_list else shown
            _opened(place.container, objects)["properties"][place.key] = stands
            continue
        _opened(place.container, objects)
        lists.setdefault((place.container.path, place.key), []).append(_number(place.identifier_type, shown))
        if place.person is not None:
            # The standard has a person's numbers in both places.
            _opened(place.person, objects)
            lists.setdefault((place.person.path, "identifier"), []).append(_number(place.identifier_type, shown))
    for (path, key), numbers in lists.items():
        objects[path]["properties"][key] = _one_each(numbers, "identifier_type")
    if shown_so := [_shown(definition, form) for definition, form in agreed if form.kind is not FormKind.VALUE]:
        record["properties"][others] = {
            **_one_each(shown_so, "name"),
            "description": "What is agreed in another form than its value.",
        }
    for path, inner in objects.items():
        if path:  # an object that nothing is in is not there
            inner["minProperties"] = len(inner["required"]) + 1
    if has_context:
        told = {"type": "string", "minLength": 1, "description": "Address of the JSON-LD context."}
        record["properties"] = {"@context": told, **record["properties"]}
        record["required"].insert(0, "@context")
    return record


def _object(kind: str | None) -> Schema:
    return {
        "type": "object",
        "properties": {"@type": {"const": kind}} if kind else {},
        "required": ["@type"] if kind else [],
        "additionalProperties": False,
    }


def _opened(container: Any, objects: dict[str, Schema]) -> Schema:
    """Return the object of a record that a container stands for, put into those around it when first met."""
    known = objects.get(container.path)
    if known is not None:
        return known
    made = objects[container.path] = _object(container.type)
    stands = {"type": "array", "minItems": 1, "maxItems": 1, "items": made} if container.is_first_of_list else made
    _opened(container.parent, objects)["properties"][container.key] = stands
    return made


def _number(kind: str, shown: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"identifier_type": {"const": kind}, "identifier_value": shown},
        "required": ["identifier_type", "identifier_value"],
        "additionalProperties": False,
    }


def _shown(definition: AttributeDefinition, form: Form) -> Schema:
    return {
        "type": "object",
        "title": definition.title,
        "properties": {
            "name": {"const": definition.name},
            "value": reference(value_name(definition.name)),
            "hearth:form": {"const": form.kind.value},
        },
        "required": ["name", "value", "hearth:form"],
        "additionalProperties": False,
    }


def _one_each(entries: Sequence[Schema], key: str) -> Schema:
    """Return the schema of an array with at most one of each of these entries, told apart by a constant member."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": len(entries),
        "items": entries[0] if len(entries) == 1 else {"oneOf": list(entries)},
        **({"allOf": list(_at_most_one(entries, key))} if len(entries) > 1 else {}),
    }


def _at_most_one(entries: Sequence[Mapping[str, Any]], key: str) -> Iterator[Schema]:
    for entry in entries:
        same = {"type": "object", "properties": {key: entry["properties"][key]}, "required": [key]}
        yield {"contains": same, "minContains": 0, "maxContains": 1}
