"""Names of the fields that a registry sends, held against those that its manifest reads: is more sent than needed?"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from adapters.manifest import Protocol
from adapters.markup import MarkupError
from adapters.markup import parsed as parsed_xml
from standards.json_bodies import JsonError, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adapters.manifest import Manifest
    from adapters.ports import Response

_WORD: Final = re.compile(r"[A-Za-z_][\w-]*")
_SHOWABLE: Final = re.compile(r"[A-Za-z_][A-Za-z_:.-]{0,39}")
"""Names without digits: no number of a person that serves as a key is ever shown."""
_ENVELOPES: Final[Mapping[Protocol, str]] = {
    Protocol.FHIR: "resourceType id meta versionId lastUpdated profile type total entry fullUrl search mode link "
    "relation url resource text status div system value use",
    Protocol.OGC: "type features geometry coordinates properties id links href rel title numberMatched numberReturned "
    "timeStamp bbox crs",
    Protocol.GRAPHQL: "data errors extensions edges node pageInfo hasNextPage endCursor __typename",
    Protocol.SOAP: "Envelope Header Body",
}
"""Protocol -> fields that are the protocol's own."""


def beyond(manifest: Manifest, responses: Iterable[Response], names: frozenset[str] | None = None) -> dict[str, int]:
    """Return the names of leaves in records that nothing of the manifest reads, and how often each stands there.

    names: attributes that were asked for; what only other attributes read then counts as beyond too.
    """
    read = _words(manifest, names) | set(_ENVELOPES.get(manifest.speaks, "").split())
    seen = Counter(name for response in responses for name in _names(response, manifest.speaks))
    return {name: seen[name] for name in sorted(seen.keys() - read) if _SHOWABLE.fullmatch(name)}


def can_be_told(manifest: Manifest) -> bool:
    """Tell whether a manifest says where its records hold what: not where code of its own does."""
    return manifest.dci is not None or bool(manifest.records)


def _words(manifest: Manifest, names: frozenset[str] | None) -> set[str]:
    """Return every word of the parts of a manifest that say where records hold what."""
    words: set[str] = set()
    for layout in (*manifest.records.values(), *(manifest.dci.lookups.values() if manifest.dci else ())):
        stated = layout.model_dump(mode="json")
        mapped = stated.pop("attributes")
        stated["attributes"] = [field for name, field in mapped.items() if names is None or name in names]
        words.update(_in(stated))
    driven = manifest.driven
    if driven is not None:
        words.update(_in(driven.model_dump(mode="json")))
    if manifest.dci is not None:
        words |= {"identifier_type", "identifier_value", "identifier_name"}
    return words


def _in(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield from _WORD.findall(part)
        yield part.strip('"')
    elif isinstance(part, dict):
        for value in part.values():
            yield from _in(value)
    elif isinstance(part, list):
        for value in part:
            yield from _in(value)


def _names(response: Response, speaks: Protocol) -> Iterator[str]:
    """Return the name of every leaf in a response's records."""
    if "xml" in response.content_type:
        try:
            root = parsed_xml(response.body)
        except MarkupError:
            return
        yield from (one.tag.rpartition("}")[2] for one in root.iter() if not len(one) and one.text)
        return
    try:
        content = parsed(response.body)
    except JsonError:
        return
    if speaks is Protocol.DCI:
        for records in _under("reg_records", content):
            yield from _leaves(records)
    else:
        yield from _leaves(content)


def _under(key: str, whole: Any) -> Iterator[Any]:
    left = [whole]  # a list, as registries nest deeper than functions may
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            left += [value for name, value in part.items() if name != key]
            if key in part:
                yield part[key]


def _leaves(whole: Any) -> Iterator[str]:
    """Return the key under which every value stands that says something."""
    left = [whole]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            for name, value in part.items():
                if isinstance(value, dict | list):
                    left.append(value)
                    if isinstance(value, list) and value and not isinstance(value[0], dict | list):
                        yield name
                elif value is not None and not name.startswith("@"):
                    yield name
