"""Answers of a FHIR server: searchsets, batch responses, and what an OperationOutcome asks us to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.generic.asking.pages import followed
from adapters.ports import Response
from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.json_bodies import JsonError, parsed
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.generic.fhir.query import Question
    from adapters.reading import Reader

_REFUSES: Final = frozenset({"security", "login", "unknown", "expired", "forbidden", "suppressed"})
_MAY_PASS: Final = {
    "throttled": UnavailableReason.SOURCE_BUSY,
    "timeout": UnavailableReason.SOURCE_TIMEOUT,
    "transient": UnavailableReason.SOURCE_DOWN,
    "lock-error": UnavailableReason.SOURCE_DOWN,
    "no-store": UnavailableReason.SOURCE_DOWN,
    "exception": UnavailableReason.SOURCE_DOWN,
}
_REPORT: Final = frozenset(
    {"invalid", "structure", "required", "value", "invariant", "processing", "not-supported", "duplicate"}
    | {"multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension", "too-costly"}
    | {"business-rule", "conflict", "incomplete", "informational"}
)
"""The rest of the codes of FHIR's IssueType; no other word of an OperationOutcome is ever shown."""
_SUCCESS: Final = re.compile(r"2\d\d(?!\d)", re.ASCII)
_BESIDES: Final = frozenset({"include", "outcome"})
"""Modes of entries that did not match the search themselves."""


class Entry(NamedTuple):
    """One resource of a searchset."""

    id: str | None
    full_url: str | None
    resource: dict[str, Any]


class Searchset(NamedTuple):
    """One page of what a search found."""

    entries: tuple[Entry, ...]
    total: int | None
    """How many resources match on all pages, where the server says so."""
    says: bool
    """Whether it says at all what matched; a bundle without entries and without total does not."""
    following: tuple[str, str] | None
    """Path and query of the link to the next page."""


def check_answer(reader: Reader, response: Response) -> None:
    """Return when the status is a success; else raise what it means, with the code of the OperationOutcome.

    Raises: SourceError as `check_status` does.
    """
    if 200 <= response.status <= 299:
        return
    try:
        outcome = parsed(response.body)
    except JsonError:
        outcome = None
    _check_status(reader, response, outcome)


def _check_status(reader: Reader, response: Response, outcome: object, where: str = "") -> None:
    code = _issue(outcome)
    check_status(response, reader.source_id, where, f", {code}" if code else "")


def searchset(reader: Reader, stated: object, type_: str) -> Searchset:
    """Return one page of what a search found.

    Raises: SourceError when it is none, holds matches of another type, or says what went wrong instead.
    """
    bundle = _bundle(reader, stated, "searchset")
    entries = []
    for entry in reader.objects("entry", bundle.get("entry", [])):
        resource = reader.record("resource", entry.get("resource"))
        search = entry.get("search")
        if isinstance(search, dict) and search.get("mode") in _BESIDES:
            _check_outcome(reader, resource)
            continue
        if resource.get("resourceType") != type_:
            _check_outcome(reader, resource)
            reader.refuse("resourceType", f"not {type_}")
        id_, url = reader.text("id", resource.get("id")), reader.text("fullUrl", entry.get("fullUrl"))
        entries.append(Entry(id_, url, resource))
    total = reader.whole("total", bundle.get("total"))
    following = None
    for link in reader.objects("link", bundle.get("link") or []):
        if link.get("relation") == "next":
            following = followed(reader, link.get("url"))
    return Searchset(tuple(entries), total, total is not None or "entry" in bundle, following)


def batch_answer(reader: Reader, body: bytes, asked: Sequence[Question]) -> list[Searchset]:
    """Return what each search of a batch found, in the order asked.

    Raises: SourceError, by the entry's own status, when one of them failed.
    """
    bundle = _bundle(reader, reader.json(body), "batch-response")
    entries = reader.objects("entry", bundle.get("entry"))
    if len(entries) != len(asked):
        reader.refuse("entry", "not as many as asked for")
    for entry in entries:
        response = reader.record("response", entry.get("response"))
        status = reader.required("status", reader.text("status", response.get("status")))
        if not _SUCCESS.match(status):
            number = int(status[:3]) if status[:3].isascii() and status[:3].isdigit() else 0
            _check_status(
                reader, Response(number, "", b""), response.get("outcome") or entry.get("resource"), "batch entry: "
            )
    return [searchset(reader, entry.get("resource"), one.type) for entry, one in zip(entries, asked, strict=True)]


def _bundle(reader: Reader, stated: object, type_: str) -> dict[str, Any]:
    bundle = reader.record("Bundle", stated)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != type_:
        _check_outcome(reader, bundle)
        reader.refuse("Bundle", f"not a {type_}")
    return bundle


def _check_outcome(reader: Reader, resource: dict[str, Any]) -> None:
    """Raise what an OperationOutcome that came instead of an answer asks us to do; a hint is none."""
    if resource.get("resourceType") != "OperationOutcome":
        return
    code = _issue(resource)
    if code is None:
        return
    if code in _REFUSES:
        raise SourceRefusedError(reader.source_id, f"OperationOutcome {code}")
    if code in _MAY_PASS:
        raise SourceUnavailableError(reader.source_id, _MAY_PASS[code], f"OperationOutcome {code}")
    raise SourceContractError(reader.source_id, f"OperationOutcome {code}")


def _issue(outcome: object) -> str | None:
    """Return the code of the first issue that is an error; None where there is none. Its texts are never read."""
    stated = outcome.get("issue") if isinstance(outcome, dict) else None
    for issue in stated if isinstance(stated, list) else ():
        if isinstance(issue, dict) and issue.get("severity") in ("error", "fatal"):
            code = issue.get("code")
            known = isinstance(code, str) and (code in _REFUSES or code in _MAY_PASS or code in _REPORT)
            return str(code) if known else "of an unknown code"
    return None
