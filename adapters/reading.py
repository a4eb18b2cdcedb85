"""Readers for what registries send: the value in the catalogue's type, None for nothing, or a refusal.

What is refused raises SourceContractError with the registry's name of the field, and never with its value.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeVar
from uuid import UUID

from adapters.shown import shown
from standards.errors import SourceContractError
from standards.identifiers import Identifier, identifier, normal_value
from standards.json_bodies import JsonError, parsed
from standards.states import JsonValue, UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from adapters.ports import Record

T = TypeVar("T")

_ZONE: Final = r"[+-]\d{2}(?::?\d{2})?"
_TIME: Final = rf"(?:T|,?\s+)\d{{1,2}}(?::?\d{{2}}){{0,2}}(?:[.,]\d+)?\s*(?:[ap]\.?m\.?|[A-Z]{{1,5}}|{_ZONE})?"
_DAY: Final = re.compile(rf"(\d{{4}})[-/](\d{{2}})[-/](\d{{2}})(?:Z|{_ZONE}|{_TIME})?", re.IGNORECASE)
"""A date, and at most a zone or a time of day behind it: of an interval, neither end is the day."""
_UTC: Final = frozenset({"", "Z", "+00:00"})
"""What follows the seconds of a timestamp in UTC."""
_BETWEEN: Final = frozenset({"--T::", "-- ::"})
"""What stands between the numbers of a timestamp."""
_MOST_DIGITS: Final = 18
_EXACT: Final = 2**53
"""From here on a float may stand for its neighbours too."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")


class Reader(NamedTuple):
    """Readers for the answers of one registry; `field` is always the registry's own name of what is read."""

    source_id: str

    def refuse(self, field: str, expected: str) -> NoReturn:
        """Report that a field is not what the registry promises."""
        raise SourceContractError(self.source_id, f"{field}: {expected}")

    def wrong_subject(self, field: str) -> NoReturn:
        """Report a record about someone who was not asked about."""
        raise SourceContractError(
            self.source_id, f"{field}: not a number that was asked about", UnavailableReason.WRONG_SUBJECT
        )

    def json(self, body: bytes) -> dict[str, Any]:
        """Return the JSON object that a body holds."""
        return self.record("body", self.parsed(body))

    def parsed(self, body: bytes) -> object:
        """Return what a JSON body holds, whatever it is."""
        try:
            return parsed(body)
        except JsonError as error:
            raise SourceContractError(self.source_id, f"body: {error}") from None

    def required(self, field: str, value: T | None) -> T:
        """Return a value that the registry promised to give."""
        if value is None:
            self.refuse(field, "missing")
        return value

    def record(self, field: str, value: object) -> dict[str, Any]:
        """Return a JSON object."""
        if not isinstance(value, dict):
            self.refuse(field, "not an object")
        return value

    def array(self, field: str, value: object) -> list[Any]:
        """Return a JSON array."""
        if not isinstance(value, list):
            self.refuse(field, "not an array")
        return value

    def objects(self, field: str, value: object) -> list[dict[str, Any]]:
        """Return an array of JSON objects."""
        entries = self.array(field, value)
        for entry in entries:
            if not isinstance(entry, dict):
                self.refuse(field, "not an object")
        return entries

    def text(self, field: str, value: object) -> str | None:
        """Return a text without white space around it; an empty one is nothing."""
        if isinstance(value, str):
            return value.strip() or None
        if value is not None:
            self.refuse(field, "not a text")
        return None

    def number_of(self, field: str, value: object) -> str:
        """Return a person's number in normal form; it is always promised."""
        if isinstance(value, str) and value.isalnum():
            return value.upper()  # which is its normal form then
        if not isinstance(value, str) or not (normal := normal_value(value)):
            self.refuse(field, "not a number of a person or household")
        return normal

    def day(self, field: str, value: object) -> str | None:
        """Return a date as YYYY-MM-DD, from ISO 8601 (a time of day is dropped) or from YYYY/MM/DD."""
        text = self.text(field, value)
        if text is None:
            return None
        if iso := _usual_day(text):
            return iso
        found = _DAY.fullmatch(text)
        try:
            # INVARIANT: a civil date is taken as written; it never moves with a time zone.
            return date(int(found[1]), int(found[2]), int(found[3])).isoformat() if found else self.no_day(field)
        except ValueError:
            self.no_day(field)

    def no_day(self, field: str) -> NoReturn:
        """Report that a field does not hold a date."""
        self.refuse(field, "not a date")

    def moment(self, field: str, value: object) -> str | None:
        """Return a date, or a timestamp with offset (UTC where none is written), in ISO 8601."""
        if isinstance(value, str) and (usual := _usual_moment(value)):
            return usual
        text = self.text(field, value)
        if text is None or len(text) == len("YYYY-MM-DD"):
            return self.day(field, text)
        try:
            when = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            self.refuse(field, "not a timestamp")
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()

    def flag(self, field: str, value: object) -> bool | None:
        """Return a boolean, also from the words `true` and `false`."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower())
        if not isinstance(value, bool):
            self.refuse(field, "not true or false")
        return value

    def whole(self, field: str, value: object) -> int | None:
        """Return an integer, also from a text or a float without fraction."""
        if type(value) is int:
            return value
        if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= _MOST_DIGITS:
            return int(value)
        number = self.decimal(field, value)
        if number is None:
            return None
        if number != int(number):
            self.refuse(field, "not a whole number")
        return int(number)

    def decimal(self, field: str, value: object) -> float | None:
        """Return a number, also from a text."""
        if value is None or value == "":
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(field, "not a number")
        return value

    def fraction(self, field: str, value: object) -> float | None:
        """Return a number as a float, so that 12 and 12.0 are the same everywhere."""
        number = self.decimal(field, value)
        return None if number is None else float(number)

    def word(self, field: str, value: object) -> str | None:
        """Return a code as the registry spells it; codes written as numbers become text."""
        return str(value) if type(value) is int else self.text(field, value)

    def written(self, field: str, value: object) -> str | None:
        """Return a text, also from what databases and spreadsheets hold as a whole number, a flag, a day or a UUID."""
        if value is None or isinstance(value, str):
            return self.text(field, value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, date):
            return value.isoformat()
        if is_whole(value):
            value = int(value)  # type: ignore[call-overload]  # spreadsheets hold every number with a fraction
        if not isinstance(value, int | UUID):
            self.refuse(field, "not a text")
        return str(value)

    def shown(self, code: object, declared: Container[str] = ()) -> str:
        """Return a registry's error code for an operator's log, or what stands for it where it may be personal.

        declared: the codes that its manifest names.
        """
        return shown(code, declared)


class Draft:
    """What has been read of one record so far, of the attributes asked for."""

    __slots__ = ("names", "unusable", "values")

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.values: dict[str, JsonValue] = {}
        self.unusable: dict[str, UnavailableReason] = {}

    def put(self, name: str, value: JsonValue) -> None:
        """Keep a value, unless there is none or nobody asked for it."""
        if value is not None and name in self.names:
            self.values[name] = value

    def code(self, name: str, word: str | None, codes: Mapping[str, str]) -> None:
        """Keep a code in the catalogue's spelling; a word that `codes` lacks makes the attribute unusable."""
        if word is None or name not in self.names:
            return
        code = codes.get(word)
        if code is None:
            # INVARIANT: a code that is not known is never guessed.
            self.unusable[name] = UnavailableReason.UNMAPPED_CODE
        else:
            self.values[name] = code


def newest(records: Iterable[Record]) -> Record:
    """Return the record changed last, with the numbers of the others as its duplicates.

    Equal or missing dates are decided by the numbers, so that the order of arrival never counts.
    """
    records = tuple(records)
    if len(records) == 1:
        return records[0]
    ranked = sorted(records, key=lambda r: (_instant(r.as_of), sorted(r.identifiers.items())), reverse=True)
    return ranked[0]._replace(duplicates=tuple(record.identifiers for record in ranked[1:]))


def is_whole(value: object) -> bool:
    """Tell whether a number with a fraction has none; one that is not finite, or huge, is not looked into."""
    if isinstance(value, Decimal):
        return value.is_finite() and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value()
    return isinstance(value, float) and value.is_integer() and abs(value) < _EXACT


def _usual_day(text: str) -> str | None:
    """Return a date in ISO 8601 if it is written as nearly all registries do; None for any other text."""
    if len(text) != len("YYYY-MM-DD"):
        return None
    iso = text.replace("/", "-")
    return iso if iso[4:8:3] == "--" and _is_iso(iso) else None


def _usual_moment(text: str) -> str | None:
    """Return a timestamp of whole seconds in UTC if it is written as nearly all registries do; else None."""
    if text[19:] not in _UTC:
        return None
    iso = text.replace("/", "-")
    if iso[4:17:3] not in _BETWEEN or not _is_iso(iso):
        return None
    return f"{iso[:10]}T{iso[11:19]}+00:00"


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _instant(as_of: str | None) -> datetime:
    if as_of is None:
        return datetime.min.replace(tzinfo=UTC)
    when = datetime.fromisoformat(as_of)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def normal_identifier(reader: Reader, field: str, type_: object, value: object) -> Identifier:
    """Return an identifier in normal form from what a registry wrote for its type and value."""
    if not isinstance(type_, str) or isinstance(value, bool) or not isinstance(value, str | int):
        reader.refuse(field, "not an identifier")
    try:
        return identifier(type_, str(value))
    except ValueError:
        reader.refuse(field, "not an identifier")
