"""The conversation with the health registry: a search for patients, and one batch for their charts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from adapters.health import mapping
from adapters.health.bundles import READ, batch_answer, batch_request, in_query, searchset
from adapters.ports import SourceAnswer
from adapters.transport.client import check_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient

_SEARCH: Final = "/fhir/Patient/_search"
_BATCH: Final = "/fhir"
_ACCEPT: Final = "application/fhir+json"
_NATIONAL: Final = quote(f"{mapping.NATIONAL_SYSTEM}|", safe="")
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": _ACCEPT}
_JSON: Final = {"Content-Type": _ACCEPT, "Accept": _ACCEPT}


def _today() -> date:
    return datetime.now(UTC).date()


class HealthAdapter:
    """Lookups `patient` (national number -> patient number) and `chart` (by patient number).

    today: what "the last twelve months" and "in force" are counted from.
    """

    def __init__(self, manifest: Manifest, client: SourceClient, *, today: Callable[[], date] = _today) -> None:
        self.manifest, self._client, self._today = manifest, client, today

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one call."""
        if request.lookup == "patient":
            return await self._patients(request, deadline)
        return await self._charts(request, deadline)

    async def _patients(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        tokens = "%2C".join([_NATIONAL + in_query(subject.value) for subject in request.subjects])
        form = f"identifier={tokens}&_count=200".encode()
        response = await self._client.send("POST", _SEARCH, deadline, headers=_FORM, body=form)
        check_status(response, self.manifest.id)
        patients = searchset(READ.json(response.body), "Patient")
        return SourceAnswer(mapping.to_patients(patients, request.subjects))

    async def _charts(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        numbers = ",".join([in_query(subject.value) for subject in request.subjects])
        parts = mapping.parts_for(request.names)
        batch = batch_request([part.query.format(numbers) for part in parts])
        response = await self._client.send("POST", _BATCH, deadline, headers=_JSON, body=orjson.dumps(batch))
        check_status(response, self.manifest.id)
        answers = batch_answer(response.body, [part.resource_type for part in parts])
        read = list(zip(parts, answers, strict=True))
        return SourceAnswer(mapping.to_charts(read, request.subjects, request.names, self._today()))


def build(manifest: Manifest, client: SourceClient) -> HealthAdapter:
    """Return the adapter, ready to be asked."""
    return HealthAdapter(manifest, client)
