"""The attribute catalogue: what facts there are, of which type, how sensitive, and where they sit in a record."""

from __future__ import annotations

import math
import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.codes import CodeDirectories
from standards.errors import ConfigurationError
from standards.identifiers import MAX_LENGTH, normal_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from standards.states import JsonValue

CATALOGUE_FILE: Final = Path(__file__).with_name("catalogue.yaml")


class Entity(StrEnum):
    """Whose attribute it is."""

    PERSON = "person"
    HOUSEHOLD = "household"


class ValueType(StrEnum):
    """Of what type the values are. A closed list."""

    STRING = "string"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    CODE = "code"
    CODES = "codes"
    MONEY = "money"
    LIST = "list"
    IDENTIFIER = "identifier"


NUMERIC: Final = frozenset({ValueType.INTEGER, ValueType.DECIMAL, ValueType.MONEY})
"""Types whose values are numbers."""


class Derived(NamedTuple):
    """How a derived attribute is computed."""

    inputs: tuple[str, ...]
    expression: str
    """CEL over the inputs; evaluated three-valued, after composition."""
    absent_as: Mapping[str, JsonValue]
    """Input -> the value that an absent one counts as (no declared income counts as 0)."""
    any_member: bool = False
    """True when one member's value can settle the answer, whatever is unknown about the others: a true one for an
    expression `members.exists(...)`, a false one for `members.all(...)`."""


class AttributeDefinition(NamedTuple):
    """One entry of the catalogue; the comments of catalogue.yaml explain the fields."""

    name: str
    title: str
    entity: Entity
    type: ValueType
    unit: str | None
    codes: str | None
    sensitivity: int
    place: str
    aliases: tuple[str, ...] = ()
    derived: Derived | None = None
    fresher_wins_after_days: int | None = None
    """So much newer a lesser source's word must be to settle it; None: the rank of the sources alone decides."""


class Catalogue:
    """Every attribute by name, in the order of the file. Read-only after it is built."""

    __slots__ = ("_by_name", "_containers", "_index", "derived_order")

    def __init__(self, definitions: Iterable[AttributeDefinition]) -> None:
        """Index the definitions.

        Raises: ConfigurationError for a name used twice, an unknown input, or inputs that go round in circles.
        """
        self._by_name: dict[str, AttributeDefinition] = {}
        for definition in definitions:
            if definition.name in self._by_name:
                raise ConfigurationError(f"the catalogue names {definition.name} twice")
            self._by_name[definition.name] = definition
        self.derived_order: tuple[str, ...] = _derived_order(self._by_name)
        """Names of the derived attributes, each after those it is computed from."""
        self._containers = _containers(self._by_name.values())
        self._index = _index(self._by_name.values())

    @classmethod
    def load(cls, path: Path = CATALOGUE_FILE) -> Catalogue:
        """Return the catalogue of a YAML file; the same file is read once in the life of the process."""
        return _load(path)

    def __getitem__(self, name: str) -> AttributeDefinition:
        return self._by_name[name]

    def __iter__(self) -> Iterator[AttributeDefinition]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: str) -> AttributeDefinition | None:
        """Return the definition of that name, or None."""
        return self._by_name.get(name)

    @property
    def names(self) -> frozenset[str]:
        """Every name."""
        return frozenset(self._by_name)

    def resolve(self, name_or_alias: str) -> str | None:
        """Return the catalogue's name for a name, an alias, or a path in a DCI record; None if there is none.

        In this order: the name; an alias; the place, without prefixes and list positions; the last segment of a
        path that leads only through parts of a Member or Group record (so `related_person.sex`, which is somebody
        else's, is not `sex`). Upper and lower case count the same.
        """
        if name_or_alias in self._by_name:
            return name_or_alias
        path = _plain(name_or_alias)
        found = self._index.get(path)
        if found is not None or "." not in path:
            return found
        *containers, last = path.split(".")
        return self._index.get(last) if self._containers.issuperset(containers) else None


def checked(definition: AttributeDefinition, value: JsonValue) -> JsonValue:
    """Return the value in the catalogue's type: a whole float becomes an integer, an identifier its normal form.

    Raises: ValueError that names the attribute and the expected type, never the value.
    """
    try:
        return _CHECKS[definition.type](definition, value)
    except (TypeError, ValueError, OverflowError):
        of = f" of {definition.codes}" if definition.codes else ""
        message = f"{definition.name} is not a value of type {definition.type}{of}"
        raise ValueError(message) from None


def _wrong() -> ValueError:
    return ValueError("wrong type")


def _string(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        raise _wrong()
    return value


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def _date(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or not _DATE.match(value):
        raise _wrong()
    date.fromisoformat(value)
    return value


def _integer(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise _wrong()
    return int(value)


def _decimal(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong()
    return float(value)


def _boolean(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, bool):
        raise _wrong()
    return value


def _code(definition: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or value not in CodeDirectories.load().codes(definition.codes or ""):
        raise _wrong()
    return value


def _codes(definition: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, (list, tuple)):
        raise _wrong()
    return [_code(definition, entry) for entry in value]


def _list(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    if not isinstance(value, (list, tuple)):
        raise _wrong()
    return list(value)


def _identifier(_: AttributeDefinition, value: JsonValue) -> JsonValue:
    normal = normal_value(value) if isinstance(value, str) else ""
    if not 0 < len(normal) <= MAX_LENGTH:
        raise _wrong()
    return normal


_CHECKS: Final[Mapping[ValueType, Callable[[AttributeDefinition, JsonValue], JsonValue]]] = MappingProxyType(
    {
        ValueType.STRING: _string,
        ValueType.DATE: _date,
        ValueType.INTEGER: _integer,
        ValueType.DECIMAL: _decimal,
        ValueType.BOOLEAN: _boolean,
        ValueType.CODE: _code,
        ValueType.CODES: _codes,
        ValueType.MONEY: _integer,
        ValueType.LIST: _list,
        ValueType.IDENTIFIER: _identifier,
    }
)


@lru_cache(maxsize=8)
def _load(path: Path) -> Catalogue:
    from ruamel.yaml import YAML

    entries = YAML(typ="safe").load(path)["attributes"]
    return Catalogue(_definition(entry) for entry in entries)


def _definition(entry: Mapping[str, Any]) -> AttributeDefinition:
    """Read one entry of the file, strictly: the file is ours."""
    derived = entry.get("derived")
    try:
        definition = AttributeDefinition(
            name=entry["name"],
            title=entry["title"],
            entity=Entity(entry["entity"]),
            type=ValueType(entry["type"]),
            unit=entry.get("unit"),
            codes=entry.get("codes"),
            sensitivity=int(entry["sensitivity"]),
            place=entry["place"],
            aliases=tuple(entry.get("aliases", ())),
            derived=None
            if derived is None
            else Derived(
                inputs=tuple(derived["inputs"]),
                expression=derived["expression"],
                absent_as=MappingProxyType(dict(derived.get("absent_as", {}))),
                any_member=bool(derived.get("any_member", False)),
            ),
            fresher_wins_after_days=entry.get("fresher_wins_after_days"),
        )
    except (KeyError, ValueError) as wrong:
        raise ConfigurationError(f"the catalogue entry {entry.get('name')!r} is wrong: {wrong}") from None
    coded = definition.type in {ValueType.CODE, ValueType.CODES}
    if coded != bool(definition.codes) or (definition.codes and definition.codes not in CodeDirectories.load()):
        raise ConfigurationError(f"the catalogue entry {definition.name} needs a code directory, or must not name one")
    return definition


def _derived_order(by_name: Mapping[str, AttributeDefinition]) -> tuple[str, ...]:
    inputs = {d.name: d.derived.inputs for d in by_name.values() if d.derived}
    for name, needed in inputs.items():
        for unknown in set(needed) - by_name.keys():
            raise ConfigurationError(f"the catalogue derives {name} from {unknown}, which it does not define")
    try:
        return tuple(name for name in TopologicalSorter(inputs).static_order() if name in inputs)
    except CycleError as circle:
        raise ConfigurationError(f"the catalogue derives in a circle: {', '.join(circle.args[1])}") from None


_DECORATION: Final = re.compile(r"\[[^\]]*\]|[\w-]+:")
"""List positions and prefixes: `address[0]`, `hearth:land`."""


def _plain(path: str) -> str:
    """Return a wire path without prefixes and list positions, in lower case."""
    return _DECORATION.sub("", path).strip().lower()


_ALSO_CONTAINERS: Final = frozenset({"person", "member", "group", "household", "personal_details", "member_list"})


def _containers(definitions: Iterable[AttributeDefinition]) -> frozenset[str]:
    """Every part of a record through which a path may lead to an attribute."""
    inner = (segment for d in definitions for segment in _plain(d.place).split(".")[:-1])
    return frozenset(inner) | _ALSO_CONTAINERS


def _index(definitions: Iterable[AttributeDefinition]) -> dict[str, str]:
    """Lower-case names, aliases, places and standard last segments -> name; what comes first wins."""
    index: dict[str, str] = {}
    definitions = tuple(definitions)
    for definition in definitions:
        index.setdefault(definition.name.lower(), definition.name)
    for definition in definitions:
        for alias in definition.aliases:
            index.setdefault(alias.lower(), definition.name)
    for definition in definitions:
        if definition.type is not ValueType.IDENTIFIER:
            index.setdefault(_plain(definition.place), definition.name)
    for definition in definitions:
        # Only the standard's own field names speak for themselves; `status` in an extension object does not.
        if definition.type is not ValueType.IDENTIFIER and ":" not in definition.place:
            index.setdefault(_plain(definition.place).rsplit(".", 1)[-1], definition.name)
    return index
