"""The search messages: what a request asks, typed, and the plain dictionaries of which an answer is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from standards.dci.codes import SearchReason, Status
from standards.dci.envelope import (
    CORRELATION_ID,
    VERSION,
    Header,
    answer_header,
    error_body,
    sentence,
    wire_time,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from standards.dci.codes import RecordType, RegType, ResponseEntity
    from standards.filters import Filter
    from standards.identifiers import Identifier

__all__ = [
    "FilterQuery",
    "IdQuery",
    "Page",
    "RejectedItem",
    "SearchItem",
    "SearchMessage",
    "SortKey",
    "answer_header",
    "answered_item",
    "error_body",
    "pending_item",
    "rejected_item",
    "search_answer",
]


class IdQuery(NamedTuple):
    """Someone, or a household, by a number."""

    identifier: Identifier


class FilterQuery(NamedTuple):
    """Everyone, or every household, that a filter holds for."""

    filter: Filter
    text: str
    """The filter's shape for plans and journals: attributes and operators, no compared values."""


class Page(NamedTuple):
    """Which part of the records found is wanted; pages count from 1."""

    size: int
    number: int = 1


class SortKey(NamedTuple):
    """One attribute to order by."""

    attribute: str
    is_descending: bool = False


class SearchItem(NamedTuple):
    """One question of a message, whole and well formed; attribute names are the catalogue's."""

    reference_id: str
    timestamp: datetime
    reg_type: RegType
    reg_record_type: RecordType
    response_entity: ResponseEntity
    query: IdQuery | FilterQuery
    sort: tuple[SortKey, ...] = ()
    page: Page | None = None
    purpose: str | None = None
    """`purpose.code` of the consent, else of the authorization."""
    consent: Mapping[str, object] = {}
    authorize: Mapping[str, object] = {}
    locale: str | None = None
    """Three letters, ISO 639-3."""
    explain: bool = False
    """`hearth:explain` of the criteria: the answer shall show the plan."""
    attributes: frozenset[str] | None = None
    """`hearth:attributes` of the criteria: names wanted; None wants everything agreed."""
    as_of: date | None = None
    """`hearth:as_of` of the criteria: the day the question is about; None asks how things are now."""


class RejectedItem(NamedTuple):
    """One question that cannot be answered as it stands; the others of its message still are."""

    reference_id: str
    code: SearchReason
    message: str


class SearchMessage(NamedTuple):
    """A search request, read; the items stand in the order of the message."""

    header: Header
    transaction_id: str
    items: tuple[SearchItem | RejectedItem, ...]


def answered_item(
    reference_id: str,
    *,
    now: datetime,
    reg_type: str,
    reg_record_type: str,
    records: Sequence[Mapping[str, object]] | Mapping[str, object],
    page: Page | None = None,
    total: int | None = None,
    locale: str | None = None,
    extensions: Mapping[str, object] | None = None,
    message: str | None = None,
) -> dict[str, Any]:
    """Build the item of a question that was answered; nobody found is an answer with no records.

    records: as the release of the registry type has them (`shapes.as_released`).
    page, total: give both to tell which part of how many records this is.
    extensions: members added to `data`; their keys carry our prefix.
    """
    item: dict[str, object] = {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.SUCCEEDED.value,
    }
    if message:
        item["status_reason_message"] = sentence(message)
    body: dict[str, object] = {
        "version": VERSION,
        "reg_type": str(reg_type),
        "reg_record_type": str(reg_record_type),
        "reg_records": records,
    }
    if extensions:
        body.update(extensions)
    item["data"] = body
    if page is not None:
        found = len(records) if total is None else total
        item["pagination"] = {"page_size": page.size, "page_number": page.number, "total_count": found}
    if locale:
        item["locale"] = locale
    return item


def rejected_item(
    reference_id: str,
    code: SearchReason | str | None,
    message: str,
    *,
    now: datetime,
    locale: str | None = None,
) -> dict[str, Any]:
    """Build the item of a question that is not answered; the message says what to change, nothing personal.

    code: None where the standard's closed list has none, as for "no registry could be heard".
    """
    item: dict[str, object] = {
        "reference_id": reference_id,
        "timestamp": wire_time(now),
        "status": Status.REJECTED.value,
    }
    if code:
        item["status_reason_code"] = str(code)
    item["status_reason_message"] = sentence(message)
    if locale:
        item["locale"] = locale
    return item


def pending_item(reference_id: str, *, now: datetime, status: Status = Status.PENDING) -> dict[str, Any]:
    """Build the item of a question that is still being answered."""
    return {"reference_id": reference_id, "timestamp": wire_time(now), "status": status.value}


def search_answer(
    header: Mapping[str, object],
    transaction_id: str,
    correlation_id: str,
    items: Sequence[Mapping[str, object]],
) -> dict[str, Any]:
    """Build a whole answer, unsigned.

    Raises: ValueError for a correlation id that the strictest DCI generation would refuse.
    """
    if not CORRELATION_ID.match(correlation_id):
        message = "a correlation id has 1 to 99 letters, digits and hyphens"
        raise ValueError(message)
    return {
        "header": header,
        "message": {
            "transaction_id": transaction_id,
            "correlation_id": correlation_id,
            "search_response": items,
        },
    }
