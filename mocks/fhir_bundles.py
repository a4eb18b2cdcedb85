"""What FHIR wraps around resources: searchset and batch bundles, OperationOutcome, CapabilityStatement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson

from mocks.fhir_search import INCLUDED, SUBJECT, TOKENS, FhirError, Search

Resource = dict[str, Any]

MOST_ENTRIES: Final = 50


def searchset(
    base: str,
    search: Search,
    parameters: Iterable[tuple[str, str]],
    matches: Sequence[Resource],
    included: Sequence[Resource] = (),
) -> Resource:
    """Return one page of what a search found: `matches` are all of it, `included` goes with the page."""
    asked = [(name, value) for name, value in parameters if name != "_page"]
    links = [("self", search.page)]
    if search.page * search.page_size < len(matches):
        links.append(("next", search.page + 1))
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(matches),
        "link": [
            {
                "relation": relation,
                "url": f"{base}/{search.type}?{urlencode([*asked, ('_page', page)], safe='|,:')}",
            }
            for relation, page in links
        ],
    }
    entries = [_found(base, resource, "match") for resource in page_of(search, matches)]
    entries += [_found(base, resource, "include") for resource in included]
    # FHIR has no empty lists.
    return bundle | {"entry": entries} if entries else bundle


def page_of(search: Search, matches: Sequence[Resource]) -> Sequence[Resource]:
    """Return the matches on the page asked for."""
    start = (search.page - 1) * search.page_size
    return matches[start : start + search.page_size]


def batch_requests(body: bytes) -> list[tuple[str, str, str]]:
    """Return method, path and query of every entry of a batch.

    Raises: FhirError when the body is no batch Bundle.
    """
    try:
        bundle = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise FhirError(400, "structure", "the body is not JSON") from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise FhirError(400, "structure", "the body is not a Bundle")
    if bundle.get("type") != "batch":
        raise FhirError(400, "not-supported", "the Bundle is not a batch")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise FhirError(400, "structure", f"a batch is a list of at most {MOST_ENTRIES} entries")
    return [_request(entry) for entry in entries]


def parameters_of(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string or a form, in order."""
    return parse_qsl(query, keep_blank_values=True)


def batch_response(answers: Iterable[tuple[int, Resource]]) -> Resource:
    """Return the answers to a batch: status and resource, or status and OperationOutcome, in the order asked."""
    entries = []
    for status, resource in answers:
        response: Resource = {"status": f"{status} {HTTPStatus(status).phrase}"}
        if resource["resourceType"] == "OperationOutcome":
            entries.append({"response": response | {"outcome": resource}})
        else:
            entries.append({"resource": resource, "response": response})
    bundle: Resource = {"resourceType": "Bundle", "type": "batch-response"}
    return bundle | {"entry": entries} if entries else bundle


def outcome(code: str, text: str) -> Resource:
    """Return an error."""
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def capability_statement(base: str, published: date) -> Resource:
    """Return what this server can do."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": published.isoformat(),
        "kind": "instance",
        "implementation": {"description": "Health registry of Poveria", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "Bearer token in the Authorization header"},
                "resource": [_capability(kind) for kind in SUBJECT],
                "interaction": [{"code": "batch"}],
            }
        ],
    }


def _capability(kind: str) -> Resource:
    """Return what can be done with one resource type."""
    own = "token" if kind == "Patient" else "reference"
    found_by = [{"name": name, "type": own} for name in SUBJECT[kind]]
    found_by += [{"name": name, "type": "token"} for name in TOKENS.get(kind, ())]
    resource: Resource = {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": found_by,
    }
    return resource | {"searchRevInclude": list(INCLUDED)} if kind == "Patient" else resource


def _found(base: str, resource: Resource, mode: str) -> Resource:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}


def _request(entry: Any) -> tuple[str, str, str]:
    """Read one entry of a batch."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise FhirError(400, "structure", "an entry of a batch has a request")
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise FhirError(400, "structure", "a request has a method and a url")
    path, _, query = url.partition("?")
    return method, path.strip("/"), query
