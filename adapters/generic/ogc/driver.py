"""The OGC driver: any registry with OGC API Features, set up by its manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from adapters.generic.asking.json_answers import MOST_RECORDS
from adapters.generic.asking.over_http import example_way, open_way
from adapters.generic.asking.pages import Joined, Pages, followed
from adapters.generic.graphql.roots import needed
from adapters.generic.mapping.records import Found, Records
from adapters.generic.ogc.query import Number, can_be_held, parameters
from adapters.reading import Reader
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.generic.mapping.layout import RecordLayout
    from adapters.generic.ogc.options import OgcLookup, OgcOptions
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Fetch, SourceAnswer, SourceClient
    from standards.identifiers import Identifier

__all__ = ["OgcAdapter", "build", "example_way", "open_way"]

FEATURE_ID: Final = "feature_id"
_HEADERS: Final = {"Accept": "application/geo+json"}

Feature = dict[str, Any]


class _Page(NamedTuple):
    """One page of features."""

    features: Sequence[Feature]
    matched: int | None
    following: str | None
    """Query of the link to the next page."""


class _Lookup:
    """One lookup, compiled."""

    def __init__(self, reader: Reader, asked: OgcLookup, layout: RecordLayout) -> None:
        self.asked, self._layout = asked, layout
        self.records = Records(reader.source_id, layout, is_whole=asked.selection is None)

    def number(self, subject: Identifier) -> Number:
        """Return a number as the collection writes it."""
        return Number(self.asked.by[subject.type], self.records.written(subject))

    def selected(self, names: frozenset[str]) -> Sequence[str] | None:
        """Return the properties that some attributes are read from; None for all of them."""
        if self.asked.selection is None:
            return None
        read = needed(self._layout, names)
        return None if read is None else sorted(read - {FEATURE_ID})


class OgcAdapter:
    """Features by the numbers of whom they are about, all pages of them."""

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        """Compile the manifest's paths.

        Raises: ConfigurationError when one of them is not a JMESPath, or a lookup asks for what the driver cannot do.
        """
        self.manifest, self._client = manifest, client
        self._read = Reader(manifest.id)
        options = cast("OgcOptions", manifest.ogc)
        self._path = options.path
        self._lookups: dict[str, _Lookup] = {}
        for lookup in manifest.lookups:
            asked = options.lookups[lookup.name]
            try:
                _check(lookup, asked)
                self._lookups[lookup.name] = _Lookup(self._read, asked, manifest.records[lookup.name])
            except ValueError as error:
                raise ConfigurationError(f"registry {manifest.id}, lookup {lookup.name}: {error}") from None

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask for every feature of everyone."""
        lookup = self._lookups[request.lookup]
        asked = [one for one in request.subjects if can_be_held(lookup.number(one))]
        absent = frozenset(request.subjects).difference(asked)
        if not asked:
            return lookup.records.answer(Found((), absent), request.subjects, request.names)
        features, is_all = await self._features(lookup, asked, request.names, deadline)
        records = [
            {**self._read.record("properties", feature.get("properties")), FEATURE_ID: feature.get("id")}
            for feature in features
        ]
        return lookup.records.answer(Found(records, absent, is_all=is_all), request.subjects, request.names)

    async def _features(
        self, lookup: _Lookup, subjects: Sequence[Identifier], names: frozenset[str], deadline: Deadline
    ) -> tuple[Iterable[Feature], bool]:
        """Return the features of all pages, and whether the registry said how many there are."""
        asked, send = lookup.asked, self._client.send
        path = f"{self._path}/collections/{asked.collection}/items"
        query = parameters(asked, [lookup.number(one) for one in subjects], lookup.selected(names))
        pages = Pages(self._read, asked.pages, self.manifest.limits.max_response_bytes)
        response = await send("GET", path, deadline, params=query, headers=_HEADERS)
        page = self._page(pages.take(response))
        features = Joined[Feature](self._read, "numberMatched")
        features.take(self._by_id(page), page.matched)
        while page.following is not None:
            response = await send("GET", f"{path}?{page.following}", deadline, headers=_HEADERS)
            page = self._page(pages.take(response))
            features.take(self._by_id(page), page.matched)
        return features.whole().values(), features.is_counted

    def _by_id(self, page: _Page) -> Iterator[tuple[str | None, Feature]]:
        return ((self._read.word("id", one.get("id")), one) for one in page.features)

    def _page(self, body: bytes) -> _Page:
        read = self._read
        collection = read.json(body)
        if collection.get("type") != "FeatureCollection":
            read.refuse("type", "not a FeatureCollection")
        listed = read.array("features", collection.get("features"))
        if len(listed) > MOST_RECORDS:
            read.refuse("features", "more of them than anybody asked for")
        listed = read.objects("features", listed)
        returned = read.whole("numberReturned", collection.get("numberReturned"))
        if returned is not None and returned != len(listed):
            read.refuse("numberReturned", "not as many features")
        following = None
        for link in read.objects("links", collection.get("links") or []):
            if link.get("rel") == "next" and "html" not in str(link.get("type")):
                following = followed(read, link.get("href"))[1]
        return _Page(listed, read.whole("numberMatched", collection.get("numberMatched")), following)


def _check(lookup: Lookup, asked: OgcLookup) -> None:
    if unknown := sorted(set(lookup.by) - asked.by.keys()):
        raise ValueError(f"`ogc` does not say how it is asked by {unknown[0]}")
    if lookup.by_traits is not None or lookup.as_of:
        raise ValueError("OGC API Features are asked by numbers, and for the present, only")
    if asked.filter == "parameter" and lookup.batch > 1:
        raise ValueError("`filter: parameter` names one person per call: set `batch: 1`")


def build(manifest: Manifest, way: SourceClient) -> OgcAdapter:
    """Return the adapter, ready to be asked."""
    return OgcAdapter(manifest, way)
