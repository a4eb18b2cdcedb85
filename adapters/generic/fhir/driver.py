"""The FHIR driver: any registry with FHIR R4 searches, set up by its manifest alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, cast

from adapters.generic.asking.over_http import example_way, open_way
from adapters.generic.asking.pages import Joined, Pages
from adapters.generic.fhir.bundles import Entry, Searchset, batch_answer, check_answer, searchset
from adapters.generic.fhir.people import People
from adapters.generic.fhir.query import Question, batch, questions
from adapters.generic.graphql.roots import needed
from adapters.generic.mapping.records import Found, Records
from adapters.reading import Reader
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.generic.fhir.options import FhirLookup, FhirOptions
    from adapters.generic.mapping.layout import RecordLayout
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, Response, SourceAnswer, SourceClient

__all__ = ["FhirAdapter", "build", "example_way", "open_way"]

_ACCEPT: Final = "application/fhir+json"
# A server that is not told so passes over parameters that it does not know, and gives everything.
_ASKING: Final = {"Accept": _ACCEPT, "Prefer": "handling=strict"}
_FORM: Final = {**_ASKING, "Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {**_ASKING, "Content-Type": _ACCEPT}
_MOST_SETS: Final = 256
"""Sets of attributes for which the searches needed are kept."""


def _today() -> date:
    return datetime.now(UTC).date()


class _Lookup:
    """One lookup, compiled."""

    def __init__(self, reader: Reader, asked: FhirLookup, layout: RecordLayout) -> None:
        self.asked, self.layout = asked, layout
        self.people = People(reader, asked)
        self.records = Records(reader.source_id, layout, is_whole=False)
        read = needed(layout, frozenset(layout.attributes))
        if strangers := sorted((read or frozenset()) - asked.searches.keys()):
            raise ValueError(f"a path reads {strangers[0]}, which is no search of it")
        self._searches: dict[frozenset[str], tuple[str, ...]] = {}

    def searches(self, names: frozenset[str]) -> tuple[str, ...]:
        """Return the names of the searches that some attributes need; that of the people themselves is always one."""
        kept = self._searches.get(names)
        if kept is None:
            read = needed(self.layout, names)
            kept = tuple(
                name for name in self.asked.searches if read is None or name in read or name == self.asked.people
            )
            if len(self._searches) >= _MOST_SETS:
                self._searches.clear()
            self._searches[names] = kept
        return kept


class FhirAdapter:
    """Searches for people by their numbers, and for what refers to them, in one call where the server takes batches.

    today: what a search looks back from.
    """

    def __init__(self, manifest: Manifest, client: SourceClient, *, today: Callable[[], date] = _today) -> None:
        """Compile the manifest's paths.

        Raises: ConfigurationError when one of them is not a JMESPath, or a lookup asks for what the driver cannot do.
        """
        self.manifest, self._client, self._today = manifest, client, today
        self._read = Reader(manifest.id)
        options = cast("FhirOptions", manifest.fhir)
        self._path = options.path
        self._lookups: dict[str, _Lookup] = {}
        for lookup in manifest.lookups:
            asked = options.lookups[lookup.name]
            try:
                if unknown := sorted(set(lookup.by) - asked.searches[asked.people].by.keys()):
                    raise ValueError(f"`fhir` does not say how it is asked by {unknown[0]}")  # noqa: TRY301 - see below
                if lookup.by_traits is not None or lookup.as_of:
                    raise ValueError("FHIR is asked by numbers, and for the present, only")  # noqa: TRY301 - see below
                self._lookups[lookup.name] = _Lookup(self._read, asked, manifest.records[lookup.name])
            except ValueError as error:
                raise ConfigurationError(f"registry {manifest.id}, lookup {lookup.name}: {error}") from None

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone: one search, or a batch of several."""
        lookup = self._lookups[request.lookup]
        names = lookup.searches(request.names)
        written = [(one.type, lookup.records.written(one)) for one in request.subjects]
        asked = questions(lookup.asked, names, written, self._today())
        pages = Pages(self._read, lookup.asked.pages * len(asked), self.manifest.limits.max_response_bytes)
        first = await self._first(lookup.asked, asked, pages, deadline)
        found: dict[str, dict[object, Entry]] = {name: {} for name in names}
        is_all = True
        for question, page in zip(asked, first, strict=True):
            entries, says, is_counted = await self._whole(question, page, pages, deadline)
            found[question.name].update(entries)
            if question.name == lookup.asked.people:
                is_all = is_all and is_counted
            elif not says and lookup.layout.silence == "refused":
                self._read.refuse(f"{question.name} bundle", "neither entry nor total")
        records = lookup.people.records({name: entries.values() for name, entries in found.items()})
        return lookup.records.answer(Found(records, is_all=is_all), request.subjects, request.names)

    async def _first(
        self, lookup: FhirLookup, asked: Sequence[Question], pages: Pages, deadline: Deadline
    ) -> list[Searchset]:
        """Return the first page of every search."""
        send = self._client.send
        if lookup.batch and len(asked) > 1:
            response = await send("POST", self._path, deadline, headers=_JSON, body=batch(asked))
            return batch_answer(self._read, self._body(response, pages), asked)
        sets = []
        for one in asked:
            address = f"{self._path}/{one.type}"
            if lookup.method == "get":
                response = await send("GET", f"{address}?{one.query}", deadline, headers=_ASKING)
            else:
                response = await send(
                    "POST", f"{address}/_search", deadline, headers=_FORM, body=one.query.encode("ascii")
                )
            sets.append(self._searchset(response, one, pages))
        return sets

    async def _whole(
        self, question: Question, page: Searchset, pages: Pages, deadline: Deadline
    ) -> tuple[Mapping[object, Entry], bool, bool]:
        """Return what a search found on all pages, whether it says at all what matched, and whether it counts it."""
        found, says = Joined[Entry](self._read, f"{question.name} total"), page.says
        found.take(_by_id(page), page.total)
        while page.following is not None:
            path, query = page.following
            own = path.rstrip("/").removesuffix("/_search").endswith(f"/{question.type}") or path == question.type
            address = f"{self._path}/{question.type}" if own else self._path
            response = await self._client.send("GET", f"{address}?{query}", deadline, headers=_ASKING)
            page = self._searchset(response, question, pages)
            found.take(_by_id(page), page.total)
            says = says or page.says
        return found.whole(), says, found.is_counted

    def _searchset(self, response: Response, question: Question, pages: Pages) -> Searchset:
        return searchset(self._read, self._read.json(self._body(response, pages)), question.type)

    def _body(self, response: Response, pages: Pages) -> bytes:
        check_answer(self._read, response)
        return pages.take(response)


def _by_id(page: Searchset) -> Iterator[tuple[str | None, Entry]]:
    return ((entry.id, entry) for entry in page.entries)


def build(manifest: Manifest, way: SourceClient) -> FhirAdapter:
    """Return the adapter, ready to be asked."""
    return FhirAdapter(manifest, way)
