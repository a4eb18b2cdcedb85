"""Record shapes: for every kind of record that is served, which attributes it can hold, and where each stands.

A question names a registry type and a record type. Of Social and VirtualHousehold, answers are composed of what all
registries say (Group, Member); every other type is one registry's, and its answer holds what that one says, in the
record that the standard has for it, or in one of ours. What stands where is data (`shapes.yaml`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.attributes import Catalogue, Entity
from standards.dci.codes import DEFAULT_RECORD_TYPE, RecordType, RegType
from standards.dci.place import OBJECT_TYPES, OTHERS, PERSON, Places, compiled, record_of
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from standards.permit import FormKind
    from standards.states import JsonValue

SHAPES_FILE: Final = Path(__file__).with_name("shapes.yaml")

GRAPH: Final = "@graph"
"""Member of an object that stands for several records."""

COMPOSED: Final = frozenset({RegType.SOCIAL, RegType.VIRTUAL_HOUSEHOLD})
"""Registry types under which answers are composed of everything that is connected."""
_COMPOSED_RECORDS: Final = {
    RegType.SOCIAL: frozenset({RecordType.GROUP, RecordType.MEMBER, RecordType.PERSON, RecordType.VIRTUAL_HOUSEHOLD}),
    RegType.VIRTUAL_HOUSEHOLD: frozenset({RecordType.VIRTUAL_HOUSEHOLD, RecordType.GROUP, RecordType.MEMBER}),
}

_PERSON_PLACES: Final = "demographic_info."
"""Before what stands in a person's own object of a Member."""
_MEMBER_NUMBER: Final = "member_identifier["
_CLASSES: Final = {
    "name": "Name",
    "address[0]": "Address",
    "birth_place": "Place",
    "family_details": "Group",
    "disability_info[0]": "DisabilityInfo",
}
"""Last segment of the way to an object of the standard's -> its class."""


class Apart(NamedTuple):
    """A list attribute whose entries are each a record of their own."""

    attribute: str
    at: str
    """List of one object that holds what of an entry does not stand in the record itself."""
    beside: frozenset[str]
    """Members of an entry that stand in the record itself."""


class Shape(NamedTuple):
    """One kind of record of a single registry; all of them are about one person."""

    reg_type: RegType
    record_type: RecordType
    type: str
    """`@type` of the record."""
    paths: Mapping[str, str]
    """Attribute -> where it stands, in words."""
    places: Places
    """Attribute -> where it stands, compiled."""
    others: str
    """Member in which the values stand that are shown in another form than their own."""
    apart: Apart | None = None
    is_in_one: bool = False
    """The release has one object where records are listed elsewhere; see `as_released`."""

    @property
    def names(self) -> frozenset[str]:
        """Every attribute that such a record can hold."""
        return frozenset(self.paths) | ({self.apart.attribute} if self.apart else frozenset())


def is_composed(reg_type: RegType) -> bool:
    """Tell whether answers of a type are composed of what all registries say."""
    return reg_type in COMPOSED


def is_served(reg_type: RegType, record_type: RecordType) -> bool:
    """Tell whether there are records of a kind under a registry type."""
    if reg_type in COMPOSED:
        return record_type in _COMPOSED_RECORDS[reg_type]
    return (reg_type, record_type) in shapes()


def shape_of(reg_type: RegType, record_type: RecordType) -> Shape | None:
    """Return the shape of a single registry's records; None for composed ones, and for what is not served."""
    return shapes().get((reg_type, record_type))


def record_types(reg_type: RegType) -> tuple[RecordType, ...]:
    """Return the record types of a registry type, the one meant when none is named first; empty: none is served."""
    if reg_type in COMPOSED:
        found = set(_COMPOSED_RECORDS[reg_type])
    else:
        found = {record for registry, record in shapes() if registry is reg_type}
    default = DEFAULT_RECORD_TYPE.get(reg_type)
    return tuple(sorted(found, key=lambda record: (record is not default, record)))


def shapes() -> Mapping[tuple[RegType, RecordType], Shape]:
    """Return every shape; the file is read once in the life of the process."""
    return _load(SHAPES_FILE)


def records_of(
    shape: Shape,
    values: Mapping[str, JsonValue],
    *,
    forms: Mapping[str, FormKind],
    context: str | None = None,
) -> list[dict[str, Any]]:
    """Build the records of one person: one, or one for each entry of the list that is told apart.

    values: attribute name -> what may be shown of it; only what the shape holds.
    """
    apart = shape.apart
    entries = values.get(apart.attribute) if apart else None
    rest = {n: v for n, v in values.items() if n != apart.attribute} if apart else values

    def build() -> dict[str, Any]:
        return record_of(shape.type, rest, shape.places, forms=forms, context=context, others=shape.others)

    if apart is None or not isinstance(entries, list) or not entries:
        return [build()]
    return [build() | _entry(entry, apart) for entry in entries if isinstance(entry, dict)] or [build()]


def as_released(
    shape: Shape | None, records: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]] | Mapping[str, Any]:
    """Return `reg_records` as the release of the registry has it.

    DEVIATION 34: a list, but for disability registries: one object, which several records are the `@graph` of.
    """
    if shape is None or not shape.is_in_one:
        return records
    if len(records) > 1:
        return {GRAPH: records}
    return records[0] if records else {}


def listed(reg_records: object) -> list[dict[str, Any]]:
    """Return the records of an answer as a list, whichever way its release has them."""
    if isinstance(reg_records, dict):
        found = reg_records.get(GRAPH, [reg_records] if reg_records else [])
    else:
        found = reg_records
    return list(found) if isinstance(found, list | tuple) else []


def _entry(entry: Mapping[str, Any], apart: Apart) -> dict[str, Any]:
    """Return the members of a record that one entry gives it."""
    beside = {n: v for n, v in entry.items() if n.rpartition(":")[2] in apart.beside}
    inside = {n: v for n, v in entry.items() if n not in beside}
    return {apart.at: [inside], **beside}


def entry_of(record: Mapping[str, Any], apart: Apart) -> dict[str, Any] | None:
    """Return the entry that one record was made from; None when it has none."""
    inside = record.get(apart.at)
    beside = {n: v for n, v in record.items() if n.rpartition(":")[2] in apart.beside}
    found = inside[0] if isinstance(inside, list) and inside and isinstance(inside[0], dict) else {}
    return {**found, **beside} or None


@lru_cache(maxsize=4)
def _load(path: Path) -> Mapping[tuple[RegType, RecordType], Shape]:
    from ruamel.yaml import YAML

    catalogue = Catalogue.load()
    found = (_shape(entry, catalogue) for entry in YAML(typ="safe").load(path)["shapes"])
    return {(shape.reg_type, shape.record_type): shape for shape in found}


def _shape(entry: Mapping[str, Any], catalogue: Catalogue) -> Shape:
    """Read one entry of the file, strictly: the file is ours.

    Raises: ConfigurationError for what the catalogue does not know.
    """
    member, apart = entry.get("member"), entry.get("apart")
    paths: dict[str, str] = {}
    for name in entry.get("person", ()):
        paths[name] = _in_person(_place_of(name, catalogue))
    if member:
        prefix = f"{member['at']}." if member["at"] else ""
        for name in (*member["holds"], *member.get("also", ())):
            paths[name] = prefix + _place_of(name, catalogue)
    if own := entry.get("own"):
        inside = f"{own}."
        paths |= {d.name: d.place.removeprefix(inside) for d in catalogue if d.place.startswith(inside)}
    for name, place in entry.get("places", {}).items():
        _place_of(name, catalogue)
        paths[name] = place
    return Shape(
        reg_type=RegType(entry["reg_type"]),
        record_type=RecordType(entry["record_type"]),
        type=entry["type"],
        paths=paths,
        places=compiled(paths, _types(paths, member)),
        others=entry.get("others", OTHERS),
        is_in_one=bool(entry.get("in_one", False)),
        apart=Apart(apart["attribute"], apart["at"], frozenset(apart["beside"])) if apart else None,
    )


def _place_of(name: str, catalogue: Catalogue) -> str:
    definition = catalogue.get(name)
    if definition is None or definition.entity is not Entity.PERSON:
        raise ConfigurationError(f"shapes.yaml places {name}, which is no attribute of people in the catalogue")
    return definition.place


def _in_person(place: str) -> str:
    """Return where an attribute of a Member stands in a record that is the person itself."""
    if place.startswith(_MEMBER_NUMBER):
        return place.replace(_MEMBER_NUMBER, "identifier[")
    return place.removeprefix(_PERSON_PLACES)


def _types(paths: Mapping[str, str], member: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the class of every object on the way to a value: path -> `@type`."""
    types = dict(OBJECT_TYPES)
    if member:
        at = member["at"]
        types[f"{at}.{PERSON}" if at else PERSON] = member["person"]
        if at:
            types[at] = "Member"
    for place in paths.values():
        segments = place.split(".")[:-1]
        for length, segment in enumerate(segments, 1):
            if segment in _CLASSES:
                types[".".join(segments[:length])] = _CLASSES[segment]
    return types
