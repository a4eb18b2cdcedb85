"""The conversation with the national ID platform: `POST /idrepo/v1/identities/query` and `.../residents/query`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from adapters.national_id import mapping
from adapters.ports import SourceAnswer
from adapters.transport.client import check_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient

_IDENTITIES: Final = ("/idrepo/v1/identities/query", "pv.identity.query")
_RESIDENTS: Final = ("/idrepo/v1/residents/query", "pv.residents.query")


class NationalIdAdapter:
    """Identities by UIN, TIN or BRN with the fields that are needed, and the residents of a dwelling.

    Options: `partner_id`, how the platform knows this gateway, beside the key; `most_residents`, of how many people in
    one dwelling it is asked to name them.
    """

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        self.manifest, self._client = manifest, client
        self._headers = {
            "Content-Type": "application/json",
            "X-Partner-Id": str(manifest.options.get("partner_id", "hearth")),
        }
        self._most_residents = int(manifest.options.get("most_residents", 50))

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one query."""
        subjects = request.subjects
        if request.lookup == "residents":
            keys: dict[str, object] = {"dwellingKeys": [key.value for key in subjects], "atMost": self._most_residents}
            return SourceAnswer(mapping.to_dwellings(await self._ask(_RESIDENTS, keys, deadline), subjects))
        is_entry = request.lookup == "entry"
        fields = mapping.ENTRY_FIELDS if is_entry else mapping.fields_for(request.names)
        query = {"identifiers": [{"idType": one.type, "id": one.value} for one in subjects], "fields": fields}
        body = await self._ask(_IDENTITIES, query, deadline)
        read = mapping.to_entries(body, subjects) if is_entry else mapping.to_answer(body, subjects, request.names)
        return SourceAnswer(read)

    async def _ask(self, to: tuple[str, str], request: Mapping[str, object], deadline: Deadline) -> bytes:
        path, id_ = to
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", ".000Z")
        query = {"id": id_, "version": "1.0", "requesttime": now, "request": request}
        response = await self._client.send("POST", path, deadline, headers=self._headers, body=orjson.dumps(query))
        check_status(response, self.manifest.id)
        return response.body


def build(manifest: Manifest, client: SourceClient) -> NationalIdAdapter:
    """Return the adapter, ready to be asked."""
    return NationalIdAdapter(manifest, client)
