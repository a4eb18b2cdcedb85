"""The conversation with the national ID platform: `POST /idrepo/v1/identities/query`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from adapters.client import check_status
from adapters.national_id import mapping
from adapters.ports import SourceAnswer

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient

_PATH: Final = "/idrepo/v1/identities/query"


class NationalIdAdapter:
    """Identities by UIN or TIN, only with the fields that are needed.

    Option `partner_id`: how the platform knows this gateway, beside the key.
    """

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        self.manifest, self._client = manifest, client
        self._headers = {
            "Content-Type": "application/json",
            "X-Partner-Id": str(manifest.options.get("partner_id", "hearth")),
        }

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one query."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        query = {
            "id": "pv.identity.query",
            "version": "1.0",
            "requesttime": now,
            "request": {
                "identifiers": [{"idType": one.type, "id": one.value} for one in request.subjects],
                "fields": mapping.fields_for(request.names),
            },
        }
        response = await self._client.send("POST", _PATH, deadline, headers=self._headers, body=orjson.dumps(query))
        check_status(response, self.manifest.id)
        return SourceAnswer(mapping.to_answer(response.body, request.subjects, request.names))


def build(manifest: Manifest, client: SourceClient) -> NationalIdAdapter:
    """Return the adapter, ready to be asked."""
    return NationalIdAdapter(manifest, client)
