"""Values of records that registries hold in their own form, in the catalogue's: a closed list of operations, compiled.

Whatever cannot be read is refused by the field's name, and never guessed; no value ever stands in an error.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from adapters.fields import UNKNOWN, Field, Fields
from adapters.generic.mapping.dates import day_reader
from adapters.generic.mapping.layout import NUMBERS
from adapters.generic.mapping.numbers import exact, finished, scaled, shared, whole_scaled
from adapters.generic.mapping.paths import UnexpectedTypeError, finder
from adapters.reading import Reader, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.mapping.layout import ValueField
    from standards.states import JsonValue

    Read = Callable[[Reader, str, Any], JsonValue]

_FLAGS: Final = {"true": True, "false": False}


def fields(reader: Reader, stated: Mapping[str, ValueField], *, is_whole: bool = True, prefix: str = "") -> Fields:
    """Return one pass over a record for every set of attributes.

    What is to be counted or added up later is read as one, or as an exact number; see `combining.py`.
    is_whole: the registry states what it promises whether it was asked for or not.
    Raises: ValueError, naming the path, when one is not a JMESPath.
    """
    return Fields(reader, [_field(reader, name, one, prefix) for name, one in stated.items()], is_whole=is_whole)


def _field(reader: Reader, name: str, field: ValueField, prefix: str) -> Field:
    label = prefix + name
    read = _reading(reader, label, field)
    if field.nothing:
        read = _unless(field.nothing, read)
    path = field.path
    if field.share_of is not None:
        # Both are looked for in the whole record, which the identity path gives.
        path, read = "@", _share(_found(field.path), _found(field.share_of), read, field)
    return Field(name, path, read, label=label, required=field.required)


def _found(path: str) -> Callable[[object], object]:
    try:
        return finder(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _reading(reader: Reader, label: str, field: ValueField) -> Read:
    if field.combine == "count":
        return _present
    if field.codes:
        return _coded(field)
    if field.type in NUMBERS:
        return _number(field)
    match field.type:
        case "date":
            return day_reader(field.date, field.calendar)
        case "boolean":
            return Reader.flag
        case "list":
            return _entries(fields(reader, field.each, prefix=f"{label}.") if field.each else None, field)
    if field.words == "all" and field.case == "as_is":
        return Reader.written
    return _text(field)


def _present(reader: Reader, label: str, value: object) -> JsonValue:
    return None if value is None or value in ("", []) else 1


def _coded(field: ValueField) -> Read:
    """Return the reading of a code; one in the table's own spelling is translated without a further call."""
    codes: dict[str, JsonValue] = {word.strip(): _meant(field, code) for word, code in field.codes.items()}
    folded = {word.casefold(): code for word, code in codes.items()}
    if field.type == "boolean":
        folded = _FLAGS | folded if not _FLAGS.keys() & folded.keys() else folded

    def read(reader: Reader, label: str, value: object) -> JsonValue:
        if type(value) is str and (code := codes.get(value)) is not None:
            return code
        word = reader.written(label, value)
        # INVARIANT: a code that is not known is never guessed.
        return None if word is None else folded.get(word.casefold(), UNKNOWN)

    return read


def _meant(field: ValueField, code: str) -> JsonValue:
    return _FLAGS[code] if field.type == "boolean" else code


def _number(field: ValueField) -> Read:
    """Return the reading of a number: exact and unrounded where it is still to be added up or shared."""
    sign, scale = field.decimal_sign, scaled(field)
    is_plain = field.factor is None and field.decimals is None and field.type != "decimal"
    is_unfinished = field.combine == "sum" or field.share_of is not None
    quick = None if is_unfinished else int if is_plain else whole_scaled(field)

    def read(reader: Reader, label: str, value: object) -> JsonValue:
        if quick is not None and type(value) is int and -(10**18) < value < 10**18:
            return quick(value)
        number = exact(reader, label, value, sign)
        if number is None:
            return None
        number = scale(number)
        return number if is_unfinished else finished(reader, label, number, field)

    return read


def _share(find: Callable[[object], object], among: Callable[[object], object], read: Read, field: ValueField) -> Read:
    """Return the reading of a share of what several hold together."""

    def read_share(reader: Reader, label: str, record: object) -> JsonValue:
        try:
            whole, holders = find(record), among(record)
        except UnexpectedTypeError as error:
            reader.refuse(label, str(error))
        number: Decimal | None = read(reader, label, whole)  # type: ignore[assignment]
        if number is None:
            return None
        listed = holders if isinstance(holders, list) else []
        different = {reader.written(label, holder) for holder in listed} - {None}
        if not different:
            reader.refuse(label, "without those who share it")
        number = shared(number, len(different))
        return number if field.combine == "sum" else finished(reader, label, number, field)

    return read_share


def _entries(inner: Fields | None, field: ValueField) -> Read:
    """Return the reading of a list; a single entry counts as a list of one, and an empty one as nothing."""
    names = frozenset(field.each)

    def read(reader: Reader, label: str, value: object) -> JsonValue:
        if value is None or value in ("", []):
            return None
        entries: list[JsonValue] = []
        for entry in value if isinstance(value, list) else [value]:
            if inner is not None:
                values, unusable = inner.read(reader.record(label, entry), names)
                if unusable:
                    return UNKNOWN
                entries.append(values)
                continue
            kept = entry if isinstance(entry, dict | list | bool | int | float) else reader.written(label, entry)
            if kept is not None:
                entries.append(kept)
        return entries or None

    return read


def _text(field: ValueField) -> Read:
    """Return the reading of a text of which some words count, or in another case."""
    choose: Callable[[list[str]], list[str]] = {
        "all": lambda words: words,
        "first": lambda words: words[:1],
        "last": lambda words: words[-1:],
        "all_but_first": lambda words: words[1:],
        "all_but_last": lambda words: words[:-1],
    }[field.words]
    spelling: dict[str, Callable[[str], str]] = {"title": str.title, "upper": str.upper, "lower": str.lower}
    spell = spelling.get(field.case, str)
    is_whole = field.words == "all"

    def read(reader: Reader, label: str, value: object) -> JsonValue:
        text = reader.written(label, value)
        if text is None:
            return None
        return spell(text if is_whole else " ".join(choose(text.split()))) or None

    return read


def _unless(nothing: tuple[str, ...], read: Read) -> Read:
    """Return a reading for which some texts are no value; also of numbers and days that are written so."""
    texts = frozenset(text.strip() for text in nothing)

    def read_unless(reader: Reader, label: str, value: object) -> JsonValue:
        if value is None or isinstance(value, list | dict):
            return read(reader, label, value)
        is_fraction = isinstance(value, float | Decimal) and not is_whole(value)
        text = str(value) if is_fraction else _plain(reader, label, value)
        return None if text in texts else read(reader, label, value)

    return read_unless


def _plain(reader: Reader, label: str, value: object) -> str | None:
    return value.strip() if isinstance(value, str) else reader.written(label, value)
