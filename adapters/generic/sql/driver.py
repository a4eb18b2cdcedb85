"""Registries that are a database: every lookup is one select over a table or view, by the manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from adapters.generic.mapping.records import Found, Records
from adapters.generic.mapping.tables import column, columns, key_columns, written_columns
from adapters.generic.mapping.written import plain_row
from adapters.generic.sql.candidates import SqlCandidates
from adapters.generic.sql.search import chosen, offered
from adapters.generic.sql.selects import Table
from adapters.generic.sql.way import Database, ExampleTables, SqlWay, address
from adapters.manifest import BasicAuth, NoAuth
from adapters.ports import SearchAnswer, SourceAnswer, TraitAnswer
from adapters.said import note_rows
from adapters.transport.client import resolved
from standards.errors import ConfigurationError, SourceContractError
from standards.identifiers import Identifier, normal_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.generic.mapping.written import Written
    from adapters.generic.sql.options import SqlOptions
    from adapters.generic.sql.way import Bounded
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Fetch, Record, Response, SearchFetch, TraitFetch
    from adapters.transport.client import Session
    from adapters.transport.tokens import Signing

_TOTAL: Final = "total"


def open_way(manifest: Manifest, session: Session, environment: Mapping[str, str], signing: Signing | None) -> Database:
    """Return the way to the registry's database; nothing is opened yet.

    Raises: ConfigurationError when a reference is missing, or is no address of a database.
    """
    auth = manifest.connection.auth
    user = password = None
    if isinstance(auth, BasicAuth):
        user, password = resolved(auth.user, manifest, environment), resolved(auth.password, manifest, environment)
    elif not isinstance(auth, NoAuth):
        raise ConfigurationError(f"registry {manifest.id}: a database takes `auth: {{kind: basic}}`, or none")
    try:
        url = address(resolved(manifest.connection.base_url, manifest, environment), user, password)
    except ValueError as error:
        name = manifest.connection.base_url.removeprefix("env:")
        raise ConfigurationError(f"registry {manifest.id}: {name}: {error}") from None
    limits, options = manifest.limits, _options(manifest)
    try:
        tables = [Table(one, ()).clause for one in options.lookups.values()]
    except ValueError as error:
        raise ConfigurationError(f"registry {manifest.id}: {error}") from None
    return Database(
        manifest.id,
        url,
        places=limits.max_in_flight,
        most_bytes=limits.max_response_bytes,
        timeout_s=limits.timeout_s,
        tables=tables,
        refuse_writers=options.role == "reads_only",
    )


def build(manifest: Manifest, way: object) -> SqlAdapter:
    """Return the adapter of a registry that is a database.

    Raises: ConfigurationError when the manifest promises what a table cannot give.
    """
    return SqlAdapter(manifest, cast("SqlWay", way))


def example_way(manifest: Manifest, answers: Sequence[Response]) -> ExampleTables:
    """Return the way that gives prepared rows, one answer per select."""
    return ExampleTables(manifest.id, answers)


class SqlAdapter:
    """A registry that is a database."""

    def __init__(self, manifest: Manifest, way: SqlWay) -> None:
        self.manifest, self._way = manifest, way
        options = _options(manifest)
        try:
            self._tables = {k.name: _table(manifest, k, options) for k in manifest.lookups}
            self._written = {
                k.name: written_columns(manifest, k, options.lookups[k.name].written) for k in manifest.lookups
            }
            self._asked = {
                k.name: _Asked(manifest, k, self._tables[k.name], self._written[k.name])
                for k in manifest.lookups
                if k.by
            }
            self._candidates = {
                k.name: SqlCandidates(manifest, k, self._tables[k.name]) for k in manifest.lookups if k.by_traits
            }
        except ValueError as error:
            raise ConfigurationError(f"registry {manifest.id}: {error}") from None
        self._offered = tuple(offered(manifest, search, self._tables) for search in manifest.searches)

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Read the rows of everyone in `request`, one select per type of number.

        Raises: SourceError.
        """
        asked = self._asked[request.lookup]
        parts = asked.selects(request.subjects, request.names)
        found = await self._read([select for _, select in parts], deadline)
        answers: dict[Identifier, Record | None] = dict.fromkeys(request.subjects)
        for (type_, _), rows in zip(parts, found, strict=True):
            of_type = [subject for subject in request.subjects if subject.type == type_]
            plain = self._plain(request.lookup, rows)
            answers.update(asked.answer(plain, of_type, request.names).records)
        return SourceAnswer(answers)

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Read one page of what a filter holds for, and count everything it holds for.

        Raises: SourceError.
        """
        entry = chosen(self.manifest.id, self._offered, request)
        try:
            selects = entry.selects(request)
        except ValueError as error:
            raise SourceContractError(self.manifest.id, str(error)) from None
        counted, page = await self._read(selects, deadline)
        numbers = (normal_value(str(row[entry.number])) for row in page)
        found = tuple(Identifier(entry.search.yields, number) for number in numbers)
        return SearchAnswer(found, counted[0][_TOTAL])

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        """Read everybody who may be one of the people wanted.

        Raises: SourceError.
        """
        candidates = self._candidates[request.lookup]
        selects, of_whom = candidates.selects(request.wanted)
        found = await self._read(selects, deadline)
        return candidates.answer([self._plain(request.lookup, rows) for rows in found], of_whom)

    async def _read(self, selects: Sequence[Bounded], deadline: Deadline) -> list[list[dict[str, Any]]]:
        """Return the rows of each select, and note them for evidence."""
        found = await self._way.read(selects, deadline) if selects else []
        if selects:
            note_rows(row for rows in found for row in rows)
        return found

    def _plain(self, lookup: str, rows: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
        written = self._written[lookup]
        return [plain_row(row, written) for row in rows] if written else rows

    async def writable(self, deadline: Deadline) -> tuple[str, ...]:
        """Return the tables that our role could write to; a registry that is connected well has none.

        Raises: SourceError.
        """
        return await self._way.writable(deadline) if isinstance(self._way, Database) else ()


class _Asked:
    """One lookup by numbers: its selects, and what their rows mean."""

    def __init__(self, manifest: Manifest, lookup: Lookup, table: Table, written: Mapping[str, Written]) -> None:
        if lookup.as_of:
            raise ConfigurationError(f"registry {manifest.id}: {lookup.name}: a table is not asked as of a past day")
        self._table, self._layout = table, manifest.records[lookup.name]
        self._keys, self._written = key_columns(manifest, lookup), written
        if wrong := [name for name in written if table.type_of(name) != "text"]:
            raise ConfigurationError(f"registry {manifest.id}: {lookup.name}: {wrong[0]}: `written` is for texts")
        self._records = Records(manifest.id, self._layout, is_whole=False)

    def selects(self, subjects: Sequence[Identifier], names: frozenset[str]) -> list[tuple[str, Bounded]]:
        """Return one select for each type of number; none for a type of which no column can hold the numbers."""
        wanted = columns(self._layout, names)
        selects = []
        for type_, key in self._keys.items():
            spelled = self._written[key].spelled if key in self._written else None
            numbers = [
                spelled(subject.value) if spelled else [self._records.written(subject)]
                for subject in subjects
                if subject.type == type_
            ]
            if numbers and (select := self._table.by_numbers(key, numbers, wanted)) is not None:
                selects.append((type_, select))
        return selects

    def answer(
        self, rows: Sequence[Mapping[str, object]], subjects: Sequence[Identifier], names: frozenset[str]
    ) -> SourceAnswer:
        """Return what the rows of one select mean for those whom it is about: a row of two selects counts once."""
        # A select is whole or fails, so whoever has no row in it is somebody the registry does not hold.
        return self._records.answer(Found(rows, frozenset(subjects)), subjects, names)


def _table(manifest: Manifest, lookup: Lookup, options: SqlOptions) -> Table:
    layout = manifest.records[lookup.name]
    named = {*columns(layout, layout.attributes), *(column(one.path) for one in layout.identifiers.values())}
    if lookup.by_traits is not None:
        for field in lookup.by_traits.traits.values():
            named.add(column(field.path))
    return Table(options.lookups[lookup.name], named)


def _options(manifest: Manifest) -> SqlOptions:
    if manifest.sql is None:
        raise ConfigurationError(f"registry {manifest.id}: `sql` is missing")
    return manifest.sql
