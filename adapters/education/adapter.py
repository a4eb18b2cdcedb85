"""The conversation with the education registry: `POST /api/v2/learners/lookup`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.education import mapping
from adapters.ports import SourceAnswer
from adapters.transport.client import check_status
from standards.errors import SourceContractError

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient
    from standards.identifiers import Identifier

_PATH: Final = "/api/v2/learners/lookup"
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 20


class EducationAdapter:
    """Learners by learner number or birth registration number, all pages of them."""

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        self.manifest, self._client = manifest, client

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone, page after page."""
        items: list[dict[str, Any]] = []
        missing: frozenset[Identifier] = frozenset()
        for number in range(1, _MOST_PAGES + 1):
            body = orjson.dumps(mapping.to_request(request.subjects, number, _PAGE_SIZE))
            response = await self._client.send("POST", _PATH, deadline, headers=_HEADERS, body=body)
            check_status(response, self.manifest.id)
            page = mapping.to_page(response.body, number)
            items.extend(page.items)
            missing |= page.missing
            if page.is_last:
                return SourceAnswer(mapping.to_answer(items, missing, request.subjects, request.names))
        raise SourceContractError(self.manifest.id, f"totalPages: more than {_MOST_PAGES}")


def build(manifest: Manifest, client: SourceClient) -> EducationAdapter:
    """Return the adapter, ready to be asked."""
    return EducationAdapter(manifest, client)
