"""Attribute values -> DCI records, each value at its place: of Members and Groups by the catalogue, else by a shape.

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
    "hearth:disability": "hearth:Disability",
    "hearth:farm": "hearth:Farming",
    "hearth:employment": "hearth:Employment",
    "hearth:farmers_list": "hearth:FarmersListEntry",
    "hearth:social_insurance": "hearth:SocialInsurance",
    "hearth:payments": "hearth:PaymentSummary",
    "hearth:home": "hearth:Home",
}
"""Object of a record -> its `@type`."""

HOUSEHOLD: Final = "2"
"""AssistanceUnit code of a household."""


class Container(NamedTuple):
    """An object inside a record, and how to make it."""

    path: str
    parent: Container | None
    key: str
    is_first_of_list: bool
    type: str | None


class Place(NamedTuple):
    """Where one attribute goes: a member of an object, or an entry of a list of identifiers."""

    path: str
    """Of the object."""
    key: str
    identifier_type: str | None
    container: Container
    person: Container | None = None
    """Of a member's number: the person's own object, which has all of them too."""
    is_list: bool = False
    """The value stands in a list of one."""


Places = dict[str, Place]
"""Attribute name -> compiled place."""

OTHERS: Final = "additional_attributes"
"""Where values in other forms than their own stand in a Member or Group."""
MEMBER_NUMBERS: Final = "member_identifier"
PERSON: Final = "demographic_info"

_NO_FORMS: Final[Mapping[str, FormKind]] = {}
_ROOT: Final = Container("", None, "", is_first_of_list=False, type=None)


def compile_places(catalogue: Catalogue) -> Places:
    """Return the compiled place of every attribute.

    Raises: ConfigurationError for a place that cannot be read, or that two attributes share.
    """
    of = {entity: {d.name: d.place for d in catalogue if d.entity is entity} for entity in Entity}
    return {name: place for places in of.values() for name, place in compiled(places, OBJECT_TYPES).items()}


def compiled(places: Mapping[str, str], types: Mapping[str, str]) -> Places:
    """Return the compiled places of one kind of record.

    types: object of the record -> its `@type`.
    Raises: ConfigurationError for a place that cannot be read, or that two attributes share.
    """
    containers = {"": _ROOT}
    found: Places = {}
    taken: set[tuple[str, str, str | None]] = set()
    for name, said in places.items():
        place = _compile(said, containers, types)
        spot = (place.path, place.key, place.identifier_type)
        if spot in taken:
            raise ConfigurationError(f"the place of {name} is that of another attribute")
        taken.add(spot)
        found[name] = place
    return found


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
    record = record_of("Member", values, places, forms=forms, context=context)
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
    record = record_of(type, values, places, forms=forms, context=context)
    record["group_type"] = HOUSEHOLD
    if head is not None:
        record["group_head_info"] = members[head]
    record["member_list"] = members
    return record


def record_of(
    type_: str,
    values: Mapping[str, JsonValue],
    places: Places,
    *,
    forms: Mapping[str, FormKind] = _NO_FORMS,
    context: str | None = None,
    others: str = OTHERS,
) -> dict[str, Any]:
    """Build a record of one kind.

    others: member in which the values stand that are shown in another form than their own.
    """
    record: dict[str, Any] = {"@context": context, "@type": type_} if context else {"@type": type_}
    made = {"": record}
    for name, value in values.items():
        if name in forms and forms[name] is not FormKind.VALUE:
            shown = {"name": name, "value": value, "hearth:form": forms[name].value}
            _listed(record, others).append(shown)
            continue
        path, key, identifier_type, container, person, is_list = places[name]
        target = made.get(path)
        if target is None:
            target = _open(container, made)
        if identifier_type is None:
            target[key] = [value] if is_list else value
        else:
            entry = {"identifier_type": identifier_type, "identifier_value": value}
            _listed(target, key).append(entry)
            if person is not None:
                _listed(made.get(person.path) or _open(person, made), "identifier").append(entry)
    return record


def _open(container: Container, made: dict[str, dict[str, object]]) -> dict[str, Any]:
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


def _compile(place: str, containers: dict[str, Container], types: Mapping[str, str]) -> Place:
    *outer, last = place.split(".")
    container = _ROOT
    for segment in outer:
        container = _inner(place, container, segment, containers, types)
    key, bracket, inside = last.partition("[")
    if not key or (bracket and not inside.endswith("]")):
        raise ConfigurationError(f"the place {place} cannot be read")
    identifier_type = inside.rstrip("]") or None
    person = None
    if key == MEMBER_NUMBERS and identifier_type:
        person = _inner(place, container, PERSON, containers, types)
    return Place(container.path, key, identifier_type, container, person, bool(bracket) and identifier_type is None)


def _inner(
    place: str, container: Container, segment: str, containers: dict[str, Container], types: Mapping[str, str]
) -> Container:
    """Return the object that stands in another one under a segment of a place."""
    path = f"{container.path}.{segment}" if container.path else segment
    known = containers.get(path)
    if known is None:
        key, bracket, position = segment.partition("[")
        if bracket and position != "0]":
            raise ConfigurationError(f"the place {place} leads through a list position other than the first")
        known = containers[path] = Container(path, container, key, bool(bracket), types.get(path))
    return known
