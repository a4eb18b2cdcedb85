"""Filters as conditions over columns: what holds, what does not, and what no row decides, as SQL's own logic has it."""

from __future__ import annotations

from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import sqlalchemy as sa

from adapters.generic.mapping.tables import column
from adapters.generic.sql.selects import bound, spellings
from adapters.generic.sql.way import Bounded
from standards.errors import ConfigurationError, SourceContractError
from standards.filters import Comparison, Every, Not, attributes_of
from standards.permit import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.generic.mapping.layout import ValueField
    from adapters.generic.sql.selects import Table
    from adapters.manifest import Manifest, Search
    from adapters.ports import SearchFetch
    from standards.filters import Filter
    from standards.states import JsonValue

_OPPOSITE: Final = {
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
    Operator.GE: Operator.LT,
    Operator.GT: Operator.LE,
}
_COMPARED: Final = {Operator.LT: lt, Operator.LE: le, Operator.GT: gt, Operator.GE: ge}
_FLAGS: Final = {"true": "true", "false": "false", "True": "true", "False": "false"}
"""How a boolean is written where it is a text, and no codes are stated."""
_NUMBERS: Final = ("integer", "decimal", "money")


class Offered(NamedTuple):
    """One `searches` entry of a manifest, over the table that answers it."""

    search: Search
    table: Table
    fields: Mapping[str, ValueField]
    number: str
    """Column of what is found."""

    def selects(self, request: SearchFetch) -> tuple[Bounded, Bounded]:
        """Return what counts everything found, and what reads one page of it.

        Raises: ValueError, naming the attribute, when a comparison cannot be pushed down.
        """
        number = self.table.clause.c[self.number]
        holds = [number.is_not(None), self.condition(request.filter, negated=False)]
        order: list[Any] = []
        for name, descends in request.sort:
            by = self.table.clause.c[column(self.fields[name].path)]
            order.append((by.desc() if descends else by.asc()).nulls_last())
        page = self.table.where(holds, [self.number]).order_by(*order, number.asc())
        skipped = (request.page_number - 1) * request.page_size
        return Bounded(self.table.count(holds), 1), Bounded(page.offset(skipped), request.page_size, leaves_rest=True)

    def condition(self, filter: Filter, *, negated: bool) -> sa.ColumnElement[bool]:
        """Return the condition that a filter, or its opposite, holds; what has no value matches neither."""
        if isinstance(filter, Not):
            return self.condition(filter.part, negated=not negated)
        if isinstance(filter, Comparison):
            return self._compared(filter, negated=negated)
        parts = [self.condition(part, negated=negated) for part in filter.parts]
        if isinstance(filter, Every) != negated:
            return sa.and_(sa.true(), *parts)
        return sa.or_(sa.false(), *parts)

    def _compared(self, one: Comparison, *, negated: bool) -> sa.ColumnElement[bool]:
        field = self.fields[one.attribute]
        name = column(field.path)
        stands, kind = self.table.compared(name), self.table.type_of(name)
        if not isinstance(one.operator, Operator):
            raise ValueError(f"{one.attribute}: not searched by a part of a text")
        if one.operator in (Operator.EQ, Operator.IN):
            wanted = one.value if one.operator is Operator.IN and isinstance(one.value, list | tuple) else (one.value,)
            return self._one_of(field, name, tuple(wanted), negated=negated)
        if field.type == "date":
            value: Any = bound("date", one.value) if isinstance(one.value, str) else None
            value = value.isoformat() if value is not None and kind == "text" else value
        elif field.type in _NUMBERS:
            is_number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
            value, stands = (one.value if is_number else None), _scaled(stands, field)
        else:
            raise ValueError(f"{one.attribute}: cannot be compared by its order here")
        if value is None:
            return sa.false()
        return _ordered(stands, _OPPOSITE[one.operator] if negated else one.operator, value)

    def _one_of(
        self, field: ValueField, name: str, wanted: tuple[JsonValue, ...], *, negated: bool
    ) -> sa.ColumnElement[bool]:
        stands, kind = self.table.compared(name), self.table.type_of(name)
        stated = [one for one in wanted if one is not None]
        alike = [one for one in stated if _is_alike(field, one)]
        if negated and len(alike) < len(stated):
            return sa.false()  # what cannot be compared is not different either
        if field.type == "boolean" and kind == "boolean":
            return stands.in_([flag for flag in (True, False) if (flag in alike) != negated])
        if field.codes or field.type == "boolean":
            meant = {str(one).lower() if isinstance(one, bool) else str(one) for one in alike}
            # INVARIANT: a word that no table translates is neither the code nor its opposite.
            return stands.in_(spellings(field.codes or _FLAGS, meant, others=negated))
        if field.type in _NUMBERS:
            scaled = _scaled(stands, field)
            return sa.and_(stands.is_not(None), scaled.not_in(alike)) if negated else scaled.in_(alike)
        values = [known for one in alike if (known := self._value(field, kind, one)) is not None]
        # An empty text is no value, and so are those that the manifest names.
        none = ("", *field.nothing) if kind == "text" else ()
        if not negated:
            return stands.in_([value for value in values if not none or value.strip() not in none])
        if none:
            return sa.func.trim(stands).not_in([*values, *none])
        return sa.and_(stands.is_not(None), stands.not_in(values))

    def _value(self, field: ValueField, kind: Any, wanted: JsonValue) -> Any:
        if not isinstance(wanted, str) or (field.type == "date" and bound("date", wanted) is None):
            return None
        return bound(kind, wanted)


def offered(manifest: Manifest, search: Search, tables: Mapping[str, Table]) -> Offered:
    """Return how a search is answered: over the table of the first lookup that holds everything it names.

    Raises: ConfigurationError, saying what to change, when none does, or a column cannot be compared with.
    """
    at = f"registry {manifest.id}: searches"
    for lookup in manifest.lookups:
        layout = manifest.records[lookup.name]
        if lookup.entity != search.entity or search.yields not in layout.identifiers or lookup.by_traits is not None:
            continue
        if not search.attributes.keys() <= layout.attributes.keys():
            continue
        options = manifest.sql.lookups[lookup.name] if manifest.sql else None
        if options is None or options.rows_per_subject > 1 or options.newest is not None:
            raise ConfigurationError(f"{at}: {lookup.name} has several rows of one subject: search a view with one")
        if search.yields in options.written:
            raise ConfigurationError(f"{at}: {search.yields} is written in a form of its own: search a view without it")
        if layout.identifiers[search.yields].prefix:
            raise ConfigurationError(f"{at}: {search.yields} has a prefix: search a view without it")
        for name, stated in search.attributes.items():
            if wrong := _cannot(layout.attributes[name], stated, tables[lookup.name]):
                raise ConfigurationError(f"{at}: {name}: {wrong}")
        number = column(layout.identifiers[search.yields].path)
        return Offered(search, tables[lookup.name], layout.attributes, number)
    raise ConfigurationError(f"{at}: no lookup yields {search.yields} and holds all its attributes")


def chosen(source_id: str, entries: tuple[Offered, ...], request: SearchFetch) -> Offered:
    """Return the first entry that knows every attribute of a search.

    Raises: SourceContractError when none does; a filter without any attribute, for everybody, is never offered.
    """
    compared = attributes_of(request.filter)
    wanted = compared.union(name for name, _ in request.sort)
    for one in entries:
        if compared and request.entity in (None, one.search.entity) and wanted <= one.search.attributes.keys():
            return one
    raise SourceContractError(source_id, "the manifest offers no such search")


def _cannot(field: ValueField, stated: str, table: Table) -> str | None:
    """Return why a column cannot be searched by; None when it can."""
    try:
        name = column(field.path)
    except ValueError as error:
        return str(error)
    kind = table.type_of(name)
    if name != stated:
        return f"`records` read it from another column than {stated}"
    if field.type == "list" or field.share_of is not None:
        return "lists and shares are not searched by"
    if field.words != "all" or field.case != "as_is" or (field.type == "date" and field.date != "iso"):
        return "it is written in another form: search a view that has the catalogue's"
    if field.calendar != "gregorian" or (field.nothing and field.type != "string") or field.decimals is not None:
        return "it is written in another form: search a view that has the catalogue's"
    if field.type in _NUMBERS and kind not in ("integer", "decimal"):
        return f"state the type of {name} in `sql.lookups`: integer or decimal"
    if field.type == "date" and kind not in ("date", "text"):
        return f"{name} must be a date, or a text that begins with one"
    return None


def _is_alike(field: ValueField, wanted: JsonValue) -> bool:
    """Tell whether a value is of the kind that an attribute has, so that the two can be compared."""
    if field.type in _NUMBERS:
        return isinstance(wanted, int | float) and not isinstance(wanted, bool)
    return isinstance(wanted, bool if field.type == "boolean" else str)


def _scaled(stands: sa.ColumnElement[Any], field: ValueField) -> sa.ColumnElement[Any]:
    if field.factor is None:
        return sa.type_coerce(stands, sa.Float())
    return sa.type_coerce(stands, sa.Float()) * sa.literal(field.factor, sa.Float())


def _ordered(stands: sa.ColumnElement[Any], operator: Operator, value: Any) -> sa.ColumnElement[bool]:
    return cast("sa.ColumnElement[bool]", _COMPARED[operator](stands, value))
