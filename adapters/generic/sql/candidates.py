"""Who in a table may be a person of whom no number is known: selects by blocks of traits."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from adapters.generic.mapping.candidates import known_in_blocks
from adapters.generic.mapping.tables import People, column
from adapters.generic.mapping.traits import MADE_OF
from adapters.generic.sql.selects import bound, spellings
from adapters.generic.sql.way import Bounded
from adapters.ports import TraitAnswer
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.generic.mapping.layout import ValueField
    from adapters.generic.sql.selects import Table
    from adapters.manifest import Lookup, Manifest
    from standards.states import JsonValue


class SqlCandidates:
    """One lookup by traits over a table.

    Raises: ConfigurationError when a block names what a table cannot be asked by.
    """

    def __init__(self, manifest: Manifest, lookup: Lookup, table: Table) -> None:
        self._people, self._table = People(manifest, lookup), table
        options = manifest.sql.lookups[lookup.name] if manifest.sql else None
        self._most = self._people.most * (options.rows_per_subject if options else 1)
        for name in {name for one in self._people.blocks for block in one.blocks for name in block}:
            if wrong := _cannot(name, self._people.traits[MADE_OF.get(name, name)]):
                raise ConfigurationError(f"registry {manifest.id}: lookup {lookup.name}: block by {name}: {wrong}")

    def selects(self, wanted: Sequence[Mapping[str, JsonValue]]) -> tuple[list[Bounded], list[list[int]]]:
        """Return the selects for everybody wanted, and for each of them which selects are about them."""
        selects: list[Bounded] = []
        of_whom: list[list[int]] = []
        for known in wanted:
            of_whom.append([])
            for block in self._people.blocks:
                stated = known_in_blocks(block, known)
                conditions = [self._condition(name, value) for name, value in stated.items()] if stated else [None]
                if all(one is not None for one in conditions):
                    of_whom[-1].append(len(selects))
                    statement = self._table.where([one for one in conditions if one is not None], self._people.columns)
                    selects.append(Bounded(statement, self._most + 1, leaves_rest=True))
        return selects, of_whom

    def answer(self, found: Sequence[Sequence[Mapping[str, Any]]], of_whom: Sequence[Sequence[int]]) -> TraitAnswer:
        """Return everybody found by any block; whoever could be looked for by none is not known to be missing."""
        answers = [
            self._people.found(
                (row for place in places for row in found[place]),
                cut=not places or any(len(found[place]) > self._most for place in places),
            )
            for places in of_whom
        ]
        return TraitAnswer(tuple(people for people, _ in answers), tuple(is_cut for _, is_cut in answers))

    def _condition(self, name: str, value: JsonValue) -> sa.ColumnElement[bool] | None:
        """Return the condition that a row states a trait; None when no row can."""
        field = self._people.traits[MADE_OF.get(name, name)]
        stated = column(field.path)
        stands, kind = self._table.compared(stated), self._table.type_of(stated)
        if field.type == "date":
            return self._on_day(stands, kind, field, value)
        if field.codes:
            words = spellings(field.codes, {str(value).lower() if isinstance(value, bool) else str(value)})
            return stands.in_(words) if words else None
        if isinstance(value, str):
            bounds = [
                one
                for text in sorted({value, value.upper(), value.lower(), value.title()})
                if (one := bound(kind, text)) is not None
            ]
            return stands.in_(bounds) if bounds else None
        return stands == value if kind in ("integer", "decimal", "boolean") and value is not None else None

    def _on_day(
        self, stands: sa.ColumnElement[Any], kind: str, field: ValueField, value: JsonValue
    ) -> sa.ColumnElement[bool] | None:
        """Return the condition that a row states a day, or one in a year."""
        year = value if isinstance(value, int) else int(str(value)[:4])
        if field.date == "year":
            return stands == (year if kind in ("integer", "decimal") else str(year))
        first, last = (
            (date(year, 1, 1), date(year, 12, 31)) if isinstance(value, int) else (bound("date", str(value)),) * 2
        )
        if first is None or last is None:
            return None
        if kind == "text":  # which may go on with a time of day
            return sa.and_(stands >= first.isoformat(), stands <= f"{last.isoformat()}~")
        return sa.and_(stands >= first, stands <= last)


def _cannot(name: str, field: ValueField) -> str | None:
    """Return why a table is not asked by a trait; None when it can be."""
    if name == "name_sound":
        return "a table knows no sounds; take the surname"
    if field.type == "list" or field.words != "all" or field.factor is not None:
        return "it is written in another form; take a view that has the catalogue's"
    if field.type == "date" and (field.date not in ("iso", "year") or field.calendar != "gregorian"):
        return "it is written in another form; take a view that has the catalogue's"
    return None
