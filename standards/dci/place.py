"""Attribute values -> DCI Member and Group records, each value at its place in the catalogue.

The places are compiled once. A record is filled in one pass; an object that no value is in is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.attributes import Entity
from standards.errors import ConfigurationError
from standards.permit import FormKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from standards.attributes import Catalogue
    from standards.states import JsonValue

OBJECT_TYPES: Final[Mapping[str, str]] = {
    "demographic_info": "SRPerson",
    "hearth:taxpayer": "hearth:Taxpayer",
    "hearth:land": "hearth:LandHolding",
    "hearth:enrolment": "hearth:Enrolment",
    "hearth:health": "hearth:HealthSummary",
    "hearth:dwelling": "hearth:Dwelling",
    "hearth:benefits": "hearth:BenefitSummary",
}
"""Object of a record -> its `@type`."""

HOUSEHOLD: Final = "2"
"""AssistanceUnit code of a household."""


class _Container(NamedTuple):
    """An object inside a record, and how to make it."""

    path: str
    parent: _Container | None
    key: str
    is_first_of_list: bool
    type: str | None


class _Place(NamedTuple):
    """Where one attribute goes: a member of an object, or an entry of a list of identifiers."""

    path: str
    """Of the object."""
    key: str
    identifier_type: str | None
    container: _Container


Places = dict[str, _Place]
"""Attribute name -> compiled place."""

_NO_FORMS: Final[Mapping[str, FormKind]] = {}
_ROOT: Final = _Container("", None, "", is_first_of_list=False, type=None)
_PERSON: Final = _Container("demographic_info", _ROOT, "demographic_info", is_first_of_list=False, type="SRPerson")


def compile_places(catalogue: Catalogue) -> Places:
    """Return the compiled place of every attribute.

    Raises: ConfigurationError for a place that cannot be read, or that two attributes share.
    """
    containers = {"": _ROOT, "demographic_info": _PERSON}
    places: Places = {}
    taken: set[tuple[Entity, str, str, str | None]] = set()
    for definition in catalogue:
        place = _compile(definition.place, containers)
        spot = (definition.entity, place.path, place.key, place.identifier_type)
        if spot in taken:
            raise ConfigurationError(f"the place of {definition.name} is that of another attribute")
        taken.add(spot)
        places[definition.name] = place
    return places


def member_record(
    values: Mapping[str, JsonValue],
    places: Places,
    *,
    forms: Mapping[str, FormKind] = _NO_FORMS,
    context: str | None = None,
    relationship: str = "",
) -> dict[str, Any]:
    """Build the Member record of one person.

    values: attribute name -> what may be shown of it.
    forms: form of the attributes that are not shown as their value; those become `additional_attributes`, since
        the standard's own members hold values only.
    context: address of the JSON-LD context; given for a record that stands alone, not for members of a group.
    relationship: to the head of the household, DCI Relationship code.
    """
    record = _record("Member", values, places, forms, context)
    if relationship:
        record["hearth:relationship_to_head"] = relationship
    return record


def group_record(
    values: Mapping[str, JsonValue],
    members: Sequence[Mapping[str, object]],
    places: Places,
    *,
    head: int | None = None,
    forms: Mapping[str, FormKind] = _NO_FORMS,
    context: str | None = None,
    type: str = "Group",
) -> dict[str, Any]:
    """Build the Group record of one household with all its members, the head among them.

    head: which of `members` is the head of the household, if that is known.
    """
    record = _record(type, values, places, forms, context)
    record["group_type"] = HOUSEHOLD
    if head is not None:
        record["group_head_info"] = members[head]
    record["member_list"] = members
    return record


def _record(
    type_: str,
    values: Mapping[str, JsonValue],
    places: Places,
    forms: Mapping[str, FormKind],
    context: str | None,
) -> dict[str, Any]:
    record: dict[str, Any] = {"@context": context, "@type": type_} if context else {"@type": type_}
    made = {"": record}
    for name, value in values.items():
        if name in forms and forms[name] is not FormKind.VALUE:
            shown = {"name": name, "value": value, "hearth:form": forms[name].value}
            _listed(record, "additional_attributes").append(shown)
            continue
        path, key, identifier_type, container = places[name]
        target = made.get(path)
        if target is None:
            target = _open(container, made)
        if identifier_type is None:
            target[key] = value
        else:
            entry = {"identifier_type": identifier_type, "identifier_value": value}
            _listed(target, key).append(entry)
            if key == "member_identifier":
                _listed(made.get("demographic_info") or _open(_PERSON, made), "identifier").append(entry)
    return record


def _open(container: _Container, made: dict[str, dict[str, object]]) -> dict[str, Any]:
    """Make an object, and those around it, and put it into its place."""
    path, parent, key, is_first_of_list, type_ = container
    opened: dict[str, object] = {"@type": type_} if type_ else {}
    if parent is not None:
        around = made.get(parent.path)
        if around is None:
            around = _open(parent, made)
        around[key] = [opened] if is_first_of_list else opened
    made[path] = opened
    return opened


def _listed(record: dict[str, object], key: str) -> list[object]:
    found = record.get(key)
    if not isinstance(found, list):
        found = record[key] = []
    return found


def _compile(place: str, containers: dict[str, _Container]) -> _Place:
    *outer, last = place.split(".")
    container = _ROOT
    for segment in outer:
        path = f"{container.path}.{segment}" if container.path else segment
        known = containers.get(path)
        if known is None:
            key, bracket, position = segment.partition("[")
            if bracket and position != "0]":
                raise ConfigurationError(f"the place {place} leads through a list position other than the first")
            known = _Container(path, container, key, bool(bracket), OBJECT_TYPES.get(path))
            containers[path] = known
        container = known
    key, bracket, identifier_type = last.partition("[")
    if not key or (bracket and not identifier_type.endswith("]")):
        raise ConfigurationError(f"the place {place} cannot be read")
    return _Place(container.path, key, identifier_type.rstrip("]") or None, container)
