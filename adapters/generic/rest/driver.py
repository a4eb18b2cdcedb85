"""The REST driver: any registry that answers JSON over HTTP, set up by its manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from adapters.generic.asking.declared import DeclaredAdapter
from adapters.generic.asking.envelopes import Envelope
from adapters.generic.asking.json_answers import Answers
from adapters.generic.asking.over_http import example_way, open_way
from adapters.generic.asking.paging import Reading, Whole
from adapters.generic.rest.requests import Request
from adapters.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.generic.mapping.layout import RecordLayout
    from adapters.generic.rest.options import RestOptions, RestRequest
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Response, SourceClient

__all__ = ["RestDeclared", "build", "example_way", "open_way"]


class RestDeclared:
    """One request of a manifest, and the reading of its answers.

    most_bytes: of all pages of an answer.
    Raises: ValueError that says what of it cannot be.
    """

    def __init__(
        self, reader: Reader, stated: RestRequest, headers: Mapping[str, str], layout: RecordLayout, most_bytes: int
    ) -> None:
        self._read, self._most_bytes = reader, most_bytes
        self._request = Request(reader, stated, headers)
        prefixes = {type_: field.prefix for type_, field in layout.identifiers.items()}
        self._answers = Answers(reader, stated, stated.not_found, prefixes, knows_errors=stated.error is not None)
        self._envelope = Envelope(reader, stated.error, stated.nobody)
        self.asked = stated
        self.names, self.each = self._request.names, self._request.each
        self.is_single = self._request.is_single
        self.is_selective = "names" in self.names
        self.tells_nobody = stated.nobody is not None
        self.paged_by = stated.pages.by if stated.pages else None

    async def whole(
        self,
        client: SourceClient,
        values: Mapping[str, Any],
        wanted: frozenset[str],
        deadline: Deadline,
        *,
        enough: int | None = None,
    ) -> Whole | None:
        """Return the answer, all pages of it; None when it says that it holds nobody by the one number."""

        async def send(page: Mapping[str, Any], query: str | None) -> Response:
            message = self._request.message({**values, **page})
            target = message.query if query is None else query
            path = f"{message.path}?{target}" if target else message.path
            response = await client.send(message.method, path, deadline, headers=message.headers, body=message.body)
            if self._envelope.is_nobody(response):
                raise _NobodyError
            self._envelope.check(response)
            return response

        reading = Reading(self._read, self._answers, self._envelope.content, self._most_bytes, enough=enough)
        try:
            return await reading.whole(send)
        except _NobodyError:
            return None


class _NobodyError(Exception):
    """The registry says that it holds nobody by the number; never leaves this file."""


def build(manifest: Manifest, way: SourceClient) -> DeclaredAdapter:
    """Return the adapter, ready to be asked.

    Raises: ConfigurationError when the requests cannot do what the lookups promise.
    """
    options, reader = cast("RestOptions", manifest.rest), Reader(manifest.id)

    def requests(lookup: Lookup) -> list[RestDeclared]:
        layout, most_bytes = manifest.records[lookup.name], manifest.limits.max_response_bytes
        return [
            RestDeclared(reader, one, options.headers, layout, most_bytes)
            for one in options.lookups[lookup.name].requests
        ]

    return DeclaredAdapter(manifest, way, requests, options.at_once)
