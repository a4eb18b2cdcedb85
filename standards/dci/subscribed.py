"""The answers to subscriptions, and notifications: the payloads that we send, strictly as the release has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standards.dci.codes import QueryType, RecordType, RegType, Status
from standards.dci.envelope import VERSION, sentence, wire_time
from standards.dci.events import EventKind, wire_event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from standards.dci.subscribe import Unwanted, Wanted


def subscribed_item(wanted: Wanted, code: str, *, since: datetime, now: datetime) -> dict[str, Any]:
    """Build the answer to a request that was taken.

    since: when the subscription began. The number is not repeated: the reference and the code name it.
    """
    subscription: dict[str, Any] = {
        "version": VERSION,
        "code": code,
        "status": "subscribe",
        "timestamp": wire_time(since),
        "reg_type": wanted.reg_type.value,
        "reg_event_type": wire_event(wanted.kind, wanted.reg_type) or wanted.kind.value,
        "filter_type": QueryType.IDTYPE_VALUE.value,
        "notify_record_type": wanted.record_type.value,
    }
    if wanted.schedule is not None and wanted.ends is not None:
        subscription["frequency"] = {
            "start_time": wire_time(wanted.starts or since),
            "end_time": wire_time(wanted.ends),
            "frequency": wanted.schedule.line,
        }
    return _item(wanted.reference_id, wanted.locale, now) | {"subscriptions": [subscription]}


def refused_subscription(refused: Unwanted, *, now: datetime) -> dict[str, Any]:
    """Build the answer to a request that was not taken."""
    return _item(refused.reference_id, None, now, Status.REJECTED) | {
        "status_reason_code": refused.code.value,
        "status_reason_message": sentence(refused.message),
    }


def _item(reference_id: str, locale: str | None, now: datetime, status: Status = Status.SUCCEEDED) -> dict[str, Any]:
    item: dict[str, Any] = {"reference_id": reference_id, "timestamp": wire_time(now), "status": status.value}
    return item | ({"locale": locale} if locale else {})


def unsubscribed_payload(
    transaction_id: str,
    correlation_id: str,
    *,
    now: datetime,
    is_done: bool,
    statuses: Mapping[str, str],
    refusal: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Build the payload of on-unsubscribe.

    is_done: at least one subscription has ended by this message.
    statuses: code -> `subscribe` or `unsubscribe`, as it is from now on.
    refusal: reason code and sentence, when not all codes could be ended.
    """
    payload: dict[str, Any] = {
        "transaction_id": transaction_id,
        "correlation_id": correlation_id,
        "timestamp": wire_time(now),
        "status": (Status.SUCCEEDED if is_done else Status.REJECTED).value,
        "subscription_status": [{"code": code, "status": status} for code, status in statuses.items()],
    }
    if refusal is not None:
        payload |= {"status_reason_code": refusal[0], "status_reason_message": sentence(refusal[1])}
    return payload


def notified_event(
    reference_id: str,
    *,
    now: datetime,
    reg_type: RegType,
    kind: EventKind,
    record_type: RecordType,
    record: Mapping[str, object],
    extensions: Mapping[str, object] | None = None,
    locale: str | None = None,
) -> dict[str, Any]:
    """Build one event of a notification; one record, as an object, which is what the release says.

    extensions: members added to `data`; their keys carry our prefix.
    """
    data: dict[str, Any] = {
        "version": VERSION,
        "reg_type": reg_type.value,
        "reg_event_type": wire_event(kind, reg_type) or kind.value,
        "reg_record_type": record_type.value,
        "reg_records": record,
        **(extensions or {}),
    }
    event: dict[str, Any] = {"reference_id": reference_id, "timestamp": wire_time(now), "data": data}
    return event | ({"locale": locale} if locale else {})


def message_with(
    action: str, status: str, payload: Mapping[str, object], *, total: int, completed: int | None = None
) -> dict[str, Any]:
    """Build a message whose sender, receiver, id and time whoever sends it adds to the header."""
    header = {"action": action, "status": status, "total_count": total}
    header |= {"completed_count": total if completed is None else completed}
    return {"header": header, "message": payload}
