"""The conversation with the land cadastre: `GET /collections/parcels/items`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.land import mapping
from adapters.ports import SourceAnswer
from adapters.transport.client import check_status
from standards.errors import SourceContractError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient

_PATH: Final = "/collections/parcels/items"
_HEADERS: Final = {"Accept": "application/geo+json"}
_PAGE_SIZE: Final = 500
_MOST_PAGES: Final = 40


class LandAdapter:
    """Parcels by the national numbers of their holders, all pages of them."""

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        self.manifest, self._client = manifest, client

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask for every parcel of everyone."""
        numbers = [subject.value for subject in request.subjects]
        query: Mapping[str, str] | None = {
            "filter": mapping.to_filter(numbers),
            "filter-lang": "cql2-text",
            "limit": str(_PAGE_SIZE),
        }
        features: dict[str, dict[str, Any]] = {}
        matched = 0
        for _ in range(_MOST_PAGES):
            response = await self._client.send("GET", _PATH, deadline, params=query, headers=_HEADERS)
            check_status(response, self.manifest.id)
            page = mapping.to_page(response.body)
            features.update(page.features)
            matched, query = page.matched, page.next
            if query is None:
                break
        # INVARIANT: parcels that did not arrive are never counted as not held.
        if len(features) != matched:
            raise SourceContractError(self.manifest.id, "numberMatched: not as many features")
        return SourceAnswer(mapping.to_answer(features.values(), request.subjects, request.names))


def build(manifest: Manifest, client: SourceClient) -> LandAdapter:
    """Return the adapter, ready to be asked."""
    return LandAdapter(manifest, client)
