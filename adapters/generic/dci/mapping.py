"""DCI records in Hearth's words: where a manifest says a value sits, and how its codes translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.fields import Field, Fields
from adapters.generic.mapping.paths import finder
from adapters.ports import GroupMember, Link, Record
from adapters.reading import Reader, newest, normal_identifier
from standards.attributes import Catalogue
from standards.codes import CodeDirectories
from standards.dci.parts import known_parts
from standards.identifiers import GROUP_TYPES, MAX_LENGTH, Identifier, normal_type, normal_value
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.manifest import DciField, DciLookup
    from standards.states import JsonValue

    Find = Callable[[object], object]
    Number = tuple[str, str]

PARENT: Final = "PRN"
CHILD: Final = "CHILD"
SPOUSE: Final = "SPS"

_WHO: Final = frozenset({"sex", "birth_date"})
"""What differs between two people who got the same number by mistake."""
_TYPE_KEYS: Final = ("identifier_type", "identifierType", "type", "name")
_VALUE_KEYS: Final = ("identifier_value", "identifierValue", "value", "identifier")
_MOST_TYPES: Final = 256
"""Words for types of identifiers that are remembered with what they mean."""


class Layout(NamedTuple):
    """A manifest's DciLookup with every path compiled."""

    fields: Fields
    identifiers: Find
    types: Mapping[str, str]
    """The registry's word for an identifier type -> Hearth's; empty for a word that cannot be one."""
    as_of: Find | None
    together: bool
    parents: tuple[Find, ...]
    children: Find | None
    child_identifiers: Find | None
    child_birth_date: Find | None
    spouse: Find | None
    members: Find | None
    member_identifiers: Find
    member_relationship: Find


def layout(reader: Reader, lookup: DciLookup) -> Layout:
    """Compile a lookup.

    Raises: ValueError, naming the path, when something is not a JMESPath.
    """
    return Layout(
        fields=Fields(reader, (_field(name, field) for name, field in lookup.attributes.items())),
        identifiers=_compiled(lookup.identifiers_path),
        types=_TypeWords(lookup),
        as_of=_compiled(lookup.as_of_path) if lookup.as_of_path else None,
        together=lookup.together,
        parents=tuple(_compiled(path) for path in lookup.parents_paths),
        children=_compiled(lookup.children_path) if lookup.children_path else None,
        child_identifiers=_compiled(lookup.child_identifiers_path) if lookup.child_identifiers_path else None,
        child_birth_date=_compiled(lookup.child_birth_date_path) if lookup.child_birth_date_path else None,
        spouse=_compiled(lookup.spouse_path) if lookup.spouse_path else None,
        members=_compiled(lookup.members_path) if lookup.members_path else None,
        member_identifiers=_compiled(lookup.member_identifiers_path or "identifier"),
        member_relationship=_compiled(lookup.member_relationship_path or "relationship_to_head"),
    )


def _compiled(path: str) -> Find:
    try:
        return finder(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class _TypeWords(dict[str, str]):
    """A registry's words for types of identifiers, with what they mean, as they are met."""

    def __init__(self, lookup: DciLookup) -> None:
        super().__init__()
        self._hearths = {normal_type(word): type_ for type_, word in lookup.identifier_types.items()}

    def __missing__(self, word: str) -> str:
        normal = normal_type(word)
        type_ = self._hearths.get(normal, normal) if len(normal) <= MAX_LENGTH else ""
        if len(self) < _MOST_TYPES:
            self[word] = type_
        return type_


def _field(name: str, field: DciField) -> Field:
    read = _READERS.get(field.type, Reader.text)
    if field.type == "list":
        read = _parts_of(name)
    return Field(name, field.path, read, codes=_words(name, field), any_case=True, required=field.required)


def _words(name: str, field: DciField) -> Mapping[str, str]:
    """Return every word for a code: the manifest's, and beside them the directory's codes, labels and aliases."""
    definition = Catalogue.load().get(name)
    if field.type != "code" or definition is None or definition.codes is None:
        return field.codes
    return {**CodeDirectories.load().words(definition.codes), **field.codes}


def _parts_of(name: str) -> Callable[[Reader, str, Any], JsonValue]:
    """Return the reading of a list, whose entries come as their class has them."""
    return lambda reader, field, found: known_parts(name, _list(reader, field, found))


def one_record(
    reader: Reader,
    layout: Layout,
    found: Sequence[dict[str, Any]],
    subject: Identifier,
    names: frozenset[str],
) -> Record | None:
    """Return what the registry's records say about one subject; None when there are none.

    Several records that all state the subject's own number are a double registration: the one changed last
    counts, and keeps the numbers of the others as `duplicates`. Where their sex and their birth date both differ they
    are two people's, and the record returned states nothing but that.
    Raises: SourceContractError when a record is of someone else, or is not what the manifest promises.
    """
    if not found:
        return None
    if layout.together:
        return _together(reader, layout, found, subject, names)
    if len(found) == 1:
        return to_record(reader, layout, found[0], subject, names)
    if layout.members is not None:
        return newest([to_record(reader, layout, record, subject, names) for record in found])
    told = [to_record(reader, layout, record, subject, names | _WHO) for record in found]
    if all(len({record.values.get(name) for record in told}) > 1 for name in _WHO):
        # INVARIANT: one number that leads to two people is nobody's word on either.
        unusable = dict.fromkeys(names | _WHO, UnavailableReason.AMBIGUOUS_IDENTITY)
        return Record({subject.type: subject.value}, {}, newest(told).as_of, unusable=unusable)
    return newest([to_record(reader, layout, record, subject, names) for record in found])


def to_record(
    reader: Reader,
    layout: Layout,
    record: dict[str, Any],
    subject: Identifier,
    names: frozenset[str],
    *,
    fields: bool = True,
) -> Record:
    """Translate one record, with the attributes in `names` only.

    fields: False leaves the attributes out.
    Raises: SourceContractError when it is of someone else, or is not what the manifest promises.
    """
    own = numbers_in(reader, layout, "identifiers", layout.identifiers(record))
    if not own:
        reader.refuse("identifiers", "missing")
    members = _members(reader, layout, record) if layout.members is not None else ()
    # INVARIANT: a record that does not state the number asked about is never taken for an answer.
    states = subject in own
    if not states and layout.members is not None and subject.type not in GROUP_TYPES:
        states = any(member.identifiers.get(subject.type) == subject.value for member in members)
    if not states:
        reader.wrong_subject("identifiers")
    values, unusable = layout.fields.read(record, names) if fields else ({}, {})
    as_of = reader.moment("as_of", layout.as_of(record)) if layout.as_of else None
    return Record(_by_type(own, subject), values, as_of, _links(reader, layout, record), members, unusable)


def _together(
    reader: Reader, layout: Layout, found: Sequence[dict[str, Any]], subject: Identifier, names: frozenset[str]
) -> Record:
    """Return what all records of one subject say, read as one; every one of them states the number asked about."""
    told = [to_record(reader, layout, record, subject, names, fields=False) for record in found]
    values, unusable = layout.fields.read({"records": list(found)}, names)
    last = newest(told)
    numbers = {type_: value for record in told for type_, value in record.identifiers.items()}
    return Record({**numbers, **last.identifiers}, values, last.as_of, last.links, last.members, unusable)


def _list(reader: Reader, field: str, value: object) -> list[Any] | None:
    """Return a list; a single entry counts as a list of one, and an empty one as nothing."""
    if value is None or value in ("", []):
        return None
    return value if isinstance(value, list) else [value]


_READERS: Final[dict[str, Callable[[Reader, str, Any], JsonValue]]] = {
    "string": Reader.text,
    "date": Reader.day,
    "integer": Reader.whole,
    "decimal": Reader.fraction,
    "boolean": Reader.flag,
    "money": Reader.whole,
    "list": _list,
}


def numbers_in(reader: Reader, layout: Layout, field: str, found: object) -> list[Number]:
    """Return type and value, in normal form, of every identifier of a list of DCI Identifier objects, or of one.

    Accepts the spellings of other generations of the standard. Entries without a value are passed over.
    """
    if found is None or found == "":
        return []
    numbers: list[Number] = []
    types = layout.types
    for entry in found if isinstance(found, list) else (found,):
        if not isinstance(entry, dict):
            reader.refuse(field, "not an object")
        word, value = entry.get("identifier_type"), entry.get("identifier_value")
        if not (isinstance(word, str) and isinstance(value, str)):
            word = next((entry[key] for key in _TYPE_KEYS if key in entry), None)
            value = next((entry[key] for key in _VALUE_KEYS if key in entry), None)
            if value is None or value == "":
                continue
            word, value = normal_identifier(reader, field, word, value)
        elif not value:
            continue
        type_, value = types[word], value.upper() if value.isalnum() else normal_value(value)
        if not type_ or not 0 < len(value) <= MAX_LENGTH:
            reader.refuse(field, "not an identifier")
        numbers.append((type_, value))
    return numbers


def _by_type(own: Sequence[Number], subject: Identifier) -> dict[str, str]:
    """Return one value per type: the number asked about where it is one of them, else the first stated."""
    chosen = dict(own)
    if len(chosen) == len(own):
        return chosen
    chosen = {}
    for number in own:
        if number[0] not in chosen or number == subject:
            chosen[number[0]] = number[1]
    return chosen


def _links(reader: Reader, layout: Layout, record: dict[str, Any]) -> tuple[Link, ...]:
    links: list[Link] = []
    for find in layout.parents:
        if numbers := numbers_in(reader, layout, PARENT, find(record)):
            links.append(Link(PARENT, dict(numbers)))  # noqa: PERF401 - one shape for all three kinds of kin
    if layout.children is not None:
        for child in _list(reader, "children", layout.children(record)) or ():
            found = layout.child_identifiers(child) if layout.child_identifiers else child
            born = reader.day("child's birth date", layout.child_birth_date(child)) if layout.child_birth_date else None
            if numbers := numbers_in(reader, layout, CHILD, found):
                links.append(Link(CHILD, dict(numbers), born))
    if layout.spouse is not None and (numbers := numbers_in(reader, layout, SPOUSE, layout.spouse(record))):
        links.append(Link(SPOUSE, dict(numbers)))
    return tuple(links)


def _members(reader: Reader, layout: Layout, record: dict[str, Any]) -> tuple[GroupMember, ...]:
    members: list[GroupMember] = []
    for member in reader.objects("members", layout.members(record) if layout.members else None):
        numbers = numbers_in(reader, layout, "member", layout.member_identifiers(member))
        if not numbers:
            reader.refuse("member", "without a number")
        relationship = reader.text("relationship", layout.member_relationship(member))
        members.append(GroupMember(relationship or "", dict(numbers)))
    return tuple(members)
