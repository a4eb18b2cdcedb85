"""The cadastre's own description: landing page, conformance, its one collection, filters, OpenAPI document.

Every function takes the base address under which the service was asked, without a closing slash.
"""

from __future__ import annotations

from typing import Any, Final

COLLECTION: Final = "parcels"
PARAMETERS: Final = ("bbox", "datetime", "f", "filter", "filter-lang", "limit", "offset")
"""The query parameters that a request for features may carry."""

# Basic CQL2 is not claimed: only one property can be compared, with = and IN.
CONFORMANCE: Final = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
)
QUERYABLES: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "What parcels can be filtered by",
    "properties": {
        "owner_national_number": {
            "type": "string",
            "title": "National number of a holder",
            "description": "owner_national_number = '...' or owner_national_number IN ('...', '...')",
        }
    },
    "additionalProperties": False,
}
_JSON: Final = "application/json"
_GEOJSON: Final = "application/geo+json"


def link(href: str, rel: str, type_: str = _JSON) -> dict[str, str]:
    """Return one link."""
    return {"href": href, "rel": rel, "type": type_}


def landing_page(base: str) -> dict[str, Any]:
    """Return the page that leads to everything else."""
    return {
        "title": "Cadastre of Poveria",
        "description": "Parcels of land and the national numbers of those who hold them.",
        "links": [
            link(f"{base}/", "self"),
            link(f"{base}/api", "service-desc", "application/vnd.oai.openapi+json;version=3.0"),
            link(f"{base}/conformance", "conformance"),
            link(f"{base}/collections", "data"),
        ],
    }


def collections(base: str) -> dict[str, Any]:
    """Return the list of collections: there is one."""
    return {"links": [link(f"{base}/collections", "self")], "collections": [collection(base)]}


def collection(base: str) -> dict[str, Any]:
    """Return the description of the parcels."""
    here = f"{base}/collections/{COLLECTION}"
    return {
        "id": COLLECTION,
        "title": "Parcels",
        "description": "Registered parcels; area in square metres, equal shares for all holders.",
        "itemType": "feature",
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "links": [
            link(here, "self"),
            link(f"{here}/items", "items", _GEOJSON),
            link(
                f"{here}/queryables",
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                "application/schema+json",
            ),
        ],
    }


def openapi(base: str) -> dict[str, Any]:
    """Return the OpenAPI document of the service."""
    parcels = f"/collections/{COLLECTION}"
    named = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
    one = [{"name": "parcel", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.0.3",
        "info": {"title": "Cadastre of Poveria", "version": "1.0"},
        "servers": [{"url": base}],
        "paths": {
            "/": _get("Where to go from here", _JSON),
            "/conformance": _get("What this service conforms to", _JSON),
            "/collections": _get("The collections", _JSON),
            parcels: _get("The parcels as a collection", _JSON),
            f"{parcels}/queryables": _get("What parcels can be filtered by", "application/schema+json"),
            f"{parcels}/items": _get("Parcels, page by page", _GEOJSON, named),
            f"{parcels}/items/{{parcel}}": _get("One parcel", _GEOJSON, one),
        },
    }


def _get(summary: str, media_type: str, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the description of one GET."""
    answers: dict[str, Any] = {"200": {"description": summary, "content": {media_type: {}}}}
    if parameters is not None:
        answers |= {"4XX": {"description": "A request that cannot be answered", "content": {_JSON: {}}}}
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": answers}}
