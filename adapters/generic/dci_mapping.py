"""DCI records in Hearth's words: where a manifest says a value sits, and how its codes translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.generic.paths import finder
from adapters.ports import GroupMember, Link, Record
from adapters.reading import Draft, Reader, newest, normal_identifier
from standards.identifiers import GROUP_TYPES, Identifier, normal_type
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.manifest import DciField, DciLookup
    from standards.states import JsonValue

    Find = Callable[[object], object]

PARENT: Final = "PRN"
CHILD: Final = "CHILD"
SPOUSE: Final = "SPS"

_WHO: Final = frozenset({"sex", "birth_date"})
"""What differs between two people who got the same number by mistake."""
_TYPE_KEYS: Final = ("identifier_type", "identifierType", "type", "name")
_VALUE_KEYS: Final = ("identifier_value", "identifierValue", "value", "identifier")


class Field(NamedTuple):
    """One attribute: how it is found, and how what is found is read."""

    name: str
    find: Find
    type: str
    codes: Mapping[str, str]
    """The registry's code without regard to case -> the catalogue's; empty unless `type` is `code`."""
    required: bool


class Layout(NamedTuple):
    """A manifest's DciLookup with every path compiled."""

    fields: tuple[Field, ...]
    identifiers: Find
    hearths_types: Mapping[str, str]
    """The registry's word for an identifier type -> Hearth's."""
    as_of: Find | None
    parents: tuple[Find, ...]
    children: Find | None
    child_identifiers: Find | None
    child_birth_date: Find | None
    spouse: Find | None
    members: Find | None
    member_identifiers: Find
    member_relationship: Find


def layout(lookup: DciLookup) -> Layout:
    """Compile a lookup.

    Raises: ValueError, naming the attribute or path, when something is not a JMESPath.
    """
    return Layout(
        fields=tuple(_field(name, field) for name, field in lookup.attributes.items()),
        identifiers=_compiled(lookup.identifiers_path),
        hearths_types={normal_type(word): type_ for type_, word in lookup.identifier_types.items()},
        as_of=_compiled(lookup.as_of_path) if lookup.as_of_path else None,
        parents=tuple(map(_compiled, lookup.parents_paths)),
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


def _field(name: str, field: DciField) -> Field:
    codes = {word.casefold(): code for word, code in field.codes.items()}
    return Field(name, _compiled(field.path), field.type, codes, field.required)


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
    if len(found) < 2 or layout.members is not None:
        records = [to_record(reader, layout, record, subject, names) for record in found]
        return newest(records) if records else None
    told = [to_record(reader, layout, record, subject, names | _WHO) for record in found]
    if all(len({record.values.get(name) for record in told}) > 1 for name in _WHO):
        # INVARIANT: one number that leads to two people is nobody's word on either.
        unusable = dict.fromkeys(names | _WHO, UnavailableReason.AMBIGUOUS_IDENTITY)
        return Record({subject.type: subject.value}, {}, newest(told).as_of, unusable=unusable)
    return newest([to_record(reader, layout, record, subject, names) for record in found])


def to_record(
    reader: Reader, layout: Layout, record: dict[str, Any], subject: Identifier, names: frozenset[str]
) -> Record:
    """Translate one record, with the attributes in `names` only.

    Raises: SourceContractError when it is of someone else, or is not what the manifest promises.
    """
    own = tuple(identifiers_in(reader, layout, "identifiers", layout.identifiers(record)))
    if not own:
        reader.refuse("identifiers", "missing")
    members = tuple(_members(reader, layout, record))
    # INVARIANT: a record that does not state the number asked about is never taken for an answer.
    states = subject in own
    if not states and layout.members is not None and subject.type not in GROUP_TYPES:
        states = any(member.identifiers.get(subject.type) == subject.value for member in members)
    if not states:
        reader.wrong_subject("identifiers")
    draft = Draft(names)
    for field in layout.fields:
        if field.required or field.name in names:
            _read_field(reader, field, record, draft)
    return Record(
        identifiers=_by_type(own, subject),
        values=draft.values,
        as_of=reader.moment("as_of", layout.as_of(record)) if layout.as_of else None,
        links=tuple(_links(reader, layout, record)),
        members=members,
        unusable=draft.unusable,
    )


def _read_field(reader: Reader, field: Field, record: dict[str, Any], draft: Draft) -> None:
    name = field.name
    try:
        found = field.find(record)
    except ValueError as error:
        reader.refuse(name, str(error))
    if field.type == "code":
        word = reader.word(name, found)
        if word is None and field.required:
            reader.refuse(name, "missing")
        draft.code(name, None if word is None else word.casefold(), field.codes)
        return
    value = _READERS[field.type](reader, name, found)
    if value is None and field.required:
        reader.refuse(name, "missing")
    draft.put(name, value)


def _list(reader: Reader, field: str, value: object) -> list[Any] | None:
    """Return a list; a single entry counts as a list of one, and an empty one as nothing."""
    if value is None or value in ("", []):
        return None
    return value if isinstance(value, list) else [value]


_READERS: Final[dict[str, Callable[[Reader, str, object], JsonValue]]] = {
    "string": Reader.text,
    "date": Reader.day,
    "integer": Reader.whole,
    "decimal": Reader.fraction,
    "boolean": Reader.flag,
    "money": Reader.whole,
    "list": _list,
}


def identifiers_in(reader: Reader, layout: Layout, field: str, found: object) -> Iterator[Identifier]:
    """Yield every identifier of a list of DCI Identifier objects, or of a single one.

    Accepts the spellings of other generations of the standard. Entries without a value are passed over.
    """
    if found is None or found == "":
        return
    for entry in found if isinstance(found, list) else [found]:
        stated = reader.record(field, entry)
        type_ = next((stated[key] for key in _TYPE_KEYS if key in stated), None)
        value = next((stated[key] for key in _VALUE_KEYS if key in stated), None)
        if value in (None, ""):
            continue
        one = normal_identifier(reader, field, type_, value)
        hearths = layout.hearths_types.get(one.type)
        yield one._replace(type=hearths) if hearths else one


def _by_type(own: Sequence[Identifier], subject: Identifier) -> dict[str, str]:
    """Return one value per type: the number asked about where it is one of them, else the first stated."""
    chosen: dict[str, str] = {}
    for one in own:
        if one.type not in chosen or one == subject:
            chosen[one.type] = one.value
    return chosen


def _links(reader: Reader, layout: Layout, record: dict[str, Any]) -> Iterator[Link]:
    for find in layout.parents:
        yield from _link(reader, layout, PARENT, find(record))
    if layout.children is not None:
        for child in _list(reader, "children", layout.children(record)) or ():
            numbers = layout.child_identifiers(child) if layout.child_identifiers else child
            born = reader.day("child's birth date", layout.child_birth_date(child)) if layout.child_birth_date else None
            yield from _link(reader, layout, CHILD, numbers, born)
    if layout.spouse is not None:
        yield from _link(reader, layout, SPOUSE, layout.spouse(record))


def _link(
    reader: Reader, layout: Layout, relation: str, found: object, birth_date: str | None = None
) -> Iterator[Link]:
    numbers = {one.type: one.value for one in identifiers_in(reader, layout, relation, found)}
    if numbers:
        yield Link(relation, numbers, birth_date)


def _members(reader: Reader, layout: Layout, record: dict[str, Any]) -> Iterator[GroupMember]:
    if layout.members is None:
        return
    for member in reader.objects("members", layout.members(record)):
        found = layout.member_identifiers(member)
        numbers = {one.type: one.value for one in identifiers_in(reader, layout, "member", found)}
        if not numbers:
            reader.refuse("member", "without a number")
        relationship = reader.text("relationship", layout.member_relationship(member))
        yield GroupMember(relationship or "", numbers)
