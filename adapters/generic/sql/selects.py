"""Selects over one table, put together of named columns and bound values: no text of SQL is ever written here."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa

from adapters.generic.sql.way import Bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from adapters.generic.sql.options import ColumnType, SqlLookup

_TYPES: Final[Mapping[ColumnType, type[sa.types.TypeEngine[Any]]]] = {
    "text": sa.Text,
    "integer": sa.BigInteger,
    "decimal": sa.Numeric,
    "date": sa.Date,
    "timestamp": sa.DateTime,
    "boolean": sa.Boolean,
    "uuid": sa.Uuid,
}
_LONGEST_INTEGER: Final = 18
_RANK: Final = "hearth_rank"
NUL: Final = "\x00"


class Table:
    """The table of one lookup, with the columns that the manifest names."""

    def __init__(self, options: SqlLookup, columns: Iterable[str]) -> None:
        self._options = options
        compared = {*options.types, *options.where, *([options.newest] if options.newest else [])}
        self.clause = sa.table(
            options.table,
            *(sa.column(name) for name in sorted({*columns, *compared})),
            **({"schema": options.database_schema} if options.database_schema else {}),
        )
        self._fixed = [self._holds(name, value) for name, value in options.where.items()]

    def type_of(self, column: str) -> ColumnType:
        """Return how a column is compared."""
        return self._options.types.get(column, "text")

    def compared(self, column: str) -> sa.ColumnElement[Any]:
        """Return a column with the type that its values are bound as."""
        return sa.type_coerce(self.clause.c[column], _TYPES[self.type_of(column)]())

    def by_numbers(self, key: str, numbers: Sequence[Sequence[str]], columns: Sequence[str]) -> Bounded | None:
        """Return what reads the rows of some numbers; None when the column cannot hold any of them.

        numbers: each in every way in which the column may write it.
        """
        held = [[value for one in ways if (value := bound(self.type_of(key), one)) is not None] for ways in numbers]
        values = [value for ways in held for value in ways]
        if not values:
            return None
        most = self._options.rows_per_subject * sum(map(bool, held))
        chosen = self.compared(key).in_(values)
        newest = self._options.newest
        if newest is None:
            return Bounded(self.where([chosen], columns), most)
        # Rows of the same moment have the same rank, so that which of them is read is never left to chance.
        order = self.clause.c[newest].desc().nulls_last()
        rank = sa.func.rank().over(partition_by=self.clause.c[key], order_by=order).label(_RANK)
        ranked = self.where([chosen], columns).add_columns(rank).subquery()
        first = ranked.c[_RANK] <= self._options.rows_per_subject
        return Bounded(sa.select(*(ranked.c[name] for name in columns)).where(first), most)

    def where(self, conditions: Iterable[sa.ColumnElement[bool]], columns: Sequence[str]) -> sa.Select[Any]:
        """Return what reads some columns of the rows under some conditions, beside those that always hold."""
        return sa.select(*(self.clause.c[name] for name in columns)).where(*self._fixed, *conditions)

    def count(self, conditions: Iterable[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """Return what counts the rows under some conditions."""
        total = sa.func.count().label("total")
        return sa.select(total).select_from(self.clause).where(*self._fixed, *conditions)

    def _holds(self, name: str, value: object) -> sa.ColumnElement[bool]:
        column = self.compared(name)
        values = value if isinstance(value, tuple) else (value,)
        parts = [column.is_(None)] if None in values else []
        if stated := [one for one in values if one is not None]:
            parts.append(column.in_([self._fixed_value(name, one) for one in stated]))
        return sa.or_(*parts)

    def _fixed_value(self, name: str, value: object) -> Any:
        if isinstance(value, str):
            known = bound(self.type_of(name), value)
            if known is None:
                raise ValueError(f"`where` compares {name} with what its type cannot be: state it in `types`")
            return known
        if self.type_of(name) == "text":
            raise ValueError(f"`where` compares {name} with no text: state its type in `types`")
        return value


def spellings(codes: Mapping[str, str], meant: Collection[object], *, others: bool = False) -> list[str]:
    """Return how a registry may spell the codes of the catalogue that are meant, or all the others it knows.

    Case does not matter.
    """
    words = {word for word, code in codes.items() if (code in meant) != others}
    return sorted(words | {word.upper() for word in words} | {word.lower() for word in words})


def bound(kind: ColumnType, text: str) -> Any:
    """Return a text as the value that a column of a type is compared with; None when no such column holds it."""
    if NUL in text or not _can_be_sent(text):
        return None
    match kind:
        case "integer":
            digits = text.removeprefix("-")
            is_whole = digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_INTEGER
            # 0042 is another number of a person than 42, and a column of integers cannot hold it.
            return int(text) if is_whole and str(int(text)) == text else None
        case "decimal":
            return bound("integer", text)
        case "boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "date" | "timestamp":
            return _day(text)
        case "uuid":
            return _uuid(text)
    return text


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _can_be_sent(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
