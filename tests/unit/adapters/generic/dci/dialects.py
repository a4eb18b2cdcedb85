"""Manifests, drivers and answers of registries that speak one dialect or another, for the tests of the DCI driver."""

from __future__ import annotations

from typing import Any

import orjson

from adapters.generic.dci.driver import DciAdapter
from adapters.manifest import DciField, DciLookup, DciOptions, Lookup
from adapters.ports import Response
from standards.identifiers import Identifier
from tests.unit.adapters.builders import small_manifest

ASHA = Identifier("UIN", "2000000014")
JUMA = Identifier("UIN", "2000000022")


def dialect_manifest(lookup: dict[str, Any] | None = None, **options: Any):
    """Return the manifest of a small registry of people, by its DCI options and those of its lookup."""
    layout = DciLookup(
        reg_record_type="Person",
        identifiers_path="identifier",
        attributes={"given_name": DciField(path="name.given_name")},
        **(lookup or {}),
    )
    stated = {"reg_type": "ns:org:RegistryType:Civil", "lookups": {"person": layout}} | options
    return small_manifest(
        speaks="dci",
        reg_type="ns:org:RegistryType:Civil",
        lookups=(Lookup(name="person", by=("UIN",), identifiers=("UIN",), attributes=("given_name",)),),
        dci=DciOptions(**stated),
    )


def driver(manifest: Any, client: Any, **more: Any) -> DciAdapter:
    """Return its driver, whose message ids are `m`."""
    return DciAdapter(manifest, client, new_id=lambda: "m", **more)


def person(number: str = ASHA.value, name: str = "Asha") -> dict[str, Any]:
    """Return a record."""
    return {
        "identifier": [{"identifier_type": "UIN", "identifier_value": number}],
        "name": {"given_name": name},
        "last_updated": "2024-05-01T00:00:00+00:00",
    }


def one_item(reference: str, *records: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an answered item."""
    return {"reference_id": reference, "status": "succ", "data": {"reg_records": list(records)}} | more


def paged(reference: str, page: int, total: int, *records: dict[str, Any]) -> dict[str, Any]:
    """Return one page of an item."""
    return one_item(reference, *records, pagination={"page_size": 1, "page_number": page, "total_count": total})


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """Return a response with a JSON body."""
    return Response(status, content_type, orjson.dumps(body))


def whole(*items: dict[str, Any], **header: Any) -> dict[str, Any]:
    """Return a whole answer."""
    message = {"transaction_id": "m", "correlation_id": "c", "search_response": list(items)}
    return {"header": {"status": "succ"} | header, "message": message}
