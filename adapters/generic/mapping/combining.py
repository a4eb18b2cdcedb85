"""Several records of one subject as one: each attribute by its `combine`, whatever order they came in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import orjson

from adapters.fields import UNKNOWN
from adapters.generic.mapping.numbers import finished, total
from adapters.ports import Record
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from adapters.generic.mapping.layout import ValueField
    from adapters.reading import Reader
    from standards.states import JsonValue

T = TypeVar("T")

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Combining:
    """Puts the records of one subject together.

    fields: those that are to be put together otherwise than by the newest that has a value.
    """

    def __init__(self, reader: Reader, fields: Mapping[str, ValueField]) -> None:
        self._reader, self._fields = reader, fields

    def together(self, records: Sequence[Record], names: frozenset[str]) -> Record:
        """Return one record of all; they are given in the registry's order.

        Numbers, kin and members are those of all of them, the date is the latest.
        """
        ranked = newest_first(records)
        values: dict[str, JsonValue] = {}
        unusable: dict[str, UnavailableReason] = {}
        for name, field in self._fields.items():
            if name not in names:
                continue
            order = records if field.combine == "first" else ranked
            told = [
                UNKNOWN if name in record.unusable else record.values[name]
                for record in order
                if name in record.values or name in record.unusable
            ]
            value = self._combined(name, field, told)
            if value is UNKNOWN:
                unusable[name] = UnavailableReason.UNMAPPED_CODE
            elif value is not None:
                values[name] = value
        numbers: dict[str, str] = {}
        for record in reversed(ranked):
            numbers.update(record.identifiers)
        links = tuple(link for record in ranked for link in record.links)
        members = tuple(member for record in ranked for member in record.members)
        return Record(
            numbers, values, ranked[0].as_of, _different(links), _different(members), unusable=unusable, duplicates=()
        )

    def _combined(self, name: str, field: ValueField, told: Sequence[JsonValue]) -> JsonValue:
        if field.combine == "count":
            return len(told)
        if not told:
            return None
        if field.combine in ("newest", "first"):
            return told[0]
        if field.combine in ("any", "all"):
            settles = field.combine == "any"
            return settles if settles in told else UNKNOWN if UNKNOWN in told else not settles
        if UNKNOWN in told:
            return UNKNOWN
        if field.combine == "sum":
            numbers: Sequence[Decimal] = told  # type: ignore[assignment]
            return finished(self._reader, name, total(numbers), field)
        return _OF_MANY[field.combine](told)


def newest_first(records: Sequence[Record]) -> list[Record]:
    """Return records by their dates, the latest first; what they say decides between equal dates, never the order."""
    if len(records) == 1:
        return list(records)
    return sorted(records, key=lambda record: (_instant(record.as_of), _canonical(record)), reverse=True)


def _instant(as_of: str | None) -> datetime:
    if as_of is None:
        return _LONG_AGO
    when = datetime.fromisoformat(as_of)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _canonical(thing: object) -> bytes:
    return orjson.dumps(thing, default=_plain, option=orjson.OPT_SORT_KEYS)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else str(value)


def _listed(told: Sequence[JsonValue]) -> JsonValue:
    """Return the different entries of several lists, in an order that does not hang on theirs."""
    different = {_canonical(entry): entry for entries in told for entry in entries}  # type: ignore[attr-defined]
    return [different[text] for text in sorted(different)]


def _different(things: Sequence[T]) -> tuple[T, ...]:
    different = {_canonical(thing): thing for thing in things}
    return tuple(different[text] for text in sorted(different)) if len(things) > 1 else tuple(things)


_OF_MANY: Final[dict[str, Callable[[Sequence[JsonValue]], JsonValue]]] = {
    "min": min,  # type: ignore[dict-item]
    "max": max,  # type: ignore[dict-item]
    "list": _listed,
}
