"""Fields of records, compiled: what a mapping declares becomes one short pass over each record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.generic.mapping.paths import Place, UnexpectedTypeError, place
from adapters.reading import Reader
from standards.states import JsonValue, UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Read = Callable[[object], JsonValue]

_MOST_PLANS: Final = 256
"""Sets of attributes whose passes are kept; agreements are fewer, and a further one only costs its compiling."""
UNKNOWN: Final = object()
"""What a reading gives for a code that no table translates."""
_TEXTS: Final = frozenset({Reader.text, Reader.written})
"""Readers that only take off white space, where a text stands."""
_NOTHING: Final[dict[str, object]] = {}


class Field(NamedTuple):
    """One attribute of a record: where it stands, and how it is read."""

    name: str
    path: str
    """JMESPath into the record."""
    read: Callable[[Reader, str, Any], JsonValue] = Reader.text
    """Reader of what stands there, or UNKNOWN for a code that it does not know; not asked where `codes` are given."""
    label: str = ""
    """What a refusal calls it; the attribute's name where empty."""
    codes: Mapping[str, str] = {}
    """The registry's code -> the catalogue's; empty for what is no code."""
    any_case: bool = False
    """Whether the registry may spell its codes in any case."""
    required: bool = False
    """A record that lacks it is refused."""


class _Member(NamedTuple):
    """The last step to a value: a member of the object that holds it."""

    name: str
    member: str | None
    """None where what holds it is the value itself."""
    is_text: bool
    """Whether it is read as a text and kept, so that a text that is there needs no further reading."""
    read: Read
    label: str


class _Holder(NamedTuple):
    """The way to an object of a record, and what is read of it."""

    find: Callable[[object], object]
    members: tuple[_Member, ...]


class Fields:
    """The fields of one kind of record.

    is_whole: the registry states what it promises whether it was asked for or not, so that all of it is checked.
    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(self, reader: Reader, fields: Iterable[Field], *, is_whole: bool = True) -> None:
        self._reader = reader
        self._fields = [(field, _place(field), _reading(reader, field)) for field in fields]
        self._is_whole = is_whole
        self._plans: dict[frozenset[str], tuple[_Holder, ...]] = {}

    def read(
        self, record: dict[str, Any], names: frozenset[str]
    ) -> tuple[dict[str, JsonValue], dict[str, UnavailableReason]]:
        """Return the values that a record holds of some attributes, and those of them that cannot be understood.

        Raises: SourceContractError when one is missing that was promised, or of another type.
        """
        values: dict[str, JsonValue] = {}
        unusable: dict[str, UnavailableReason] = {}
        plan = self._plans.get(names)
        for find, members in self._compile(names) if plan is None else plan:
            try:
                holder = find(record)
            except UnexpectedTypeError as error:
                self._reader.refuse(members[0].label, str(error))
            inside = holder if isinstance(holder, dict) else _NOTHING
            for name, member, is_text, read, _ in members:
                found = holder if member is None else inside.get(member)
                if is_text and isinstance(found, str) and (text := found.strip()):
                    values[name] = text  # as nearly all are: read without a further call
                    continue
                value = read(found)
                if value is UNKNOWN:
                    # INVARIANT: a code that is not known is never guessed.
                    unusable[name] = UnavailableReason.UNMAPPED_CODE
                elif value is not None:
                    values[name] = value
        return values, unusable

    def _compile(self, names: frozenset[str]) -> tuple[_Holder, ...]:
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        finds: dict[str, Callable[[object], object]] = {}
        members: dict[str, list[_Member]] = {}
        for field, stands, read in self._fields:
            if field.name not in names:
                if not field.required or not self._is_whole:
                    continue
                read = _only_checked(read)  # noqa: PLW2901 - what nobody asked for is not kept
            is_text = field.name in names and field.read in _TEXTS and not field.codes
            finds[stands.path] = stands.holder
            member = _Member(field.name, stands.member, is_text, read, field.label or field.name)
            members.setdefault(stands.path, []).append(member)
        plan = self._plans[names] = tuple(_Holder(finds[path], tuple(of)) for path, of in members.items())
        return plan


def _place(field: Field) -> Place:
    try:
        return place(field.path)
    except ValueError as error:
        raise ValueError(f"{field.path}: {error}") from None


def _reading(reader: Reader, field: Field) -> Read:
    label = field.label or field.name
    return _code(reader, label, field) if field.codes else _checked(reader, label, field)


def _only_checked(read: Read) -> Read:
    def check(found: object) -> None:
        read(found)

    return check


def _checked(reader: Reader, label: str, field: Field) -> Read:
    usual, required = field.read, field.required

    def read(found: object) -> JsonValue:
        value = usual(reader, label, found)
        if value is None and required:
            reader.refuse(label, "missing")
        return value

    return read


def _code(reader: Reader, label: str, field: Field) -> Read:
    """Return the reading of a code; one in the table's own spelling is translated without a further call."""
    codes, required = dict(field.codes), field.required
    fold = str.casefold if field.any_case else str
    folded = {fold(word): code for word, code in codes.items()}

    def read(found: object) -> JsonValue:
        code = codes.get(found) if isinstance(found, str) else None
        if code is not None:
            return code
        word = reader.word(label, found)
        if word is not None:
            return folded.get(fold(word), UNKNOWN)
        if required:
            reader.refuse(label, "missing")
        return None

    return read
