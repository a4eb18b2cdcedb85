"""Every message of subscriptions that we build holds to the released file of the registry type it speaks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from standards.dci.codes import RegType, SubscribeReason, UnsubscribeReason
from standards.dci.events import EventKind, kinds_of
from standards.dci.frequency import read_frequency
from standards.dci.shapes import record_types
from standards.dci.subscribe import Unwanted, Wanted
from standards.dci.subscribed import (
    message_with,
    notified_event,
    refused_subscription,
    subscribed_item,
    unsubscribed_payload,
)
from standards.identifiers import Identifier
from tests.contract.dci_spec import document, needs_dci_spec, request_faults

pytestmark = [pytest.mark.contract, needs_dci_spec]

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
FILES = {
    RegType.CIVIL: "crvs",
    RegType.SOCIAL: "social",
    RegType.DISABILITY: "dr",
    RegType.FARMER: "fr",
    RegType.BENEFICIARY: "ibr",
    RegType.EMPLOYMENT: "ess",
    RegType.VIRTUAL_HOUSEHOLD: "crvs",
}
"""Registry type -> the file that it is held against; our own type speaks as the one with the open list of events."""

CASES = [
    pytest.param(reg_type, kind, id=f"DCI-SUB-{name.upper()}-{kind.value}")
    for reg_type, name in FILES.items()
    for kind in sorted(kinds_of(reg_type))
]


def sent(action: str, status: str, payload: dict[str, Any], total: int = 1) -> dict[str, Any]:
    """The message as a delivery completes it."""
    message = message_with(action, status, payload, total=total)
    message["header"] |= {
        "version": "1.0.0",
        "message_id": "m-1",
        "message_ts": NOW.isoformat(),
        "sender_id": "hearth.example.org",
        "receiver_id": "spmis.example.org",
        "is_msg_encrypted": False,
    }
    return message


def faults(reg_type: RegType, path: str, message: dict[str, Any]) -> list[str]:
    """What the release holds against a message to a path."""
    name = f"{FILES[reg_type]}_api_v1.0.0.yaml"
    if not document(name)["paths"][path].get("post"):  # fr has its on-subscribe one level too high
        name = "crvs_api_v1.0.0.yaml"
    return request_faults(name, path, message)


def wanted(reg_type: RegType, kind: EventKind, **more: Any) -> Wanted:
    """A request as it was read."""
    return Wanted("ref-1", NOW, reg_type, kind, Identifier("UIN", "1"), record_types(reg_type)[0], None, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reg_type", "kind"), CASES)
def test_on_subscribe(reg_type, kind):
    """Taken with and without a schedule, and refused."""
    schedule = read_frequency("daily")
    plain = subscribed_item(wanted(reg_type, kind), "sub-1", since=NOW, now=NOW)
    timed = wanted(reg_type, kind, schedule=schedule, ends=NOW + timedelta(days=9), locale="eng")
    refused = [refused_subscription(Unwanted("ref-9", code, "say why"), now=NOW) for code in SubscribeReason]
    items = [plain, subscribed_item(timed, "sub-2", since=NOW, now=NOW), *refused]
    payload = {"transaction_id": "t-1", "correlation_id": "c-1", "subscribe_response": items}

    assert faults(reg_type, "/registry/on-subscribe", sent("on-subscribe", "succ", payload, len(items))) == []


@pytest.mark.parametrize(("reg_type", "kind"), CASES)
def test_notify(reg_type, kind):
    """One record, as an object; our own members beside it."""
    event = notified_event(
        "nt-1",
        now=NOW,
        reg_type=reg_type,
        kind=kind,
        record_type=record_types(reg_type)[0],
        record={"@type": "Person"},
        extensions={"hearth:subscription_code": "sub-1"},
        locale="eng",
    )
    payload = {"transaction_id": "t-1", "notify_event": [event]}

    assert faults(reg_type, "/registry/notify", sent("notify", "succ", payload)) == []


@pytest.mark.parametrize("reg_type", FILES)
@pytest.mark.parametrize("code", [None, *UnsubscribeReason])
def test_on_unsubscribe(reg_type, code):
    """Ended, and refused with each code."""
    payload = unsubscribed_payload(
        "t-1",
        "c-1",
        now=NOW,
        is_done=code is None,
        statuses={"sub-1": "unsubscribe"} if code is None else {},
        refusal=None if code is None else (code, "say why"),
    )

    message = sent("on-unsubscribe", payload["status"], payload)
    assert faults(reg_type, "/registry/on-unsubscribe", message) == []


def test_the_check_can_fail():
    """A kind that the release of a type has no word for is held against the message."""
    event = notified_event(
        "nt-1",
        now=NOW,
        reg_type=RegType.SOCIAL,
        kind=EventKind.DEATH,
        record_type=record_types(RegType.SOCIAL)[0],
        record={},
    )
    message = sent("notify", "succ", {"transaction_id": "t-1", "notify_event": [event]})

    assert faults(RegType.SOCIAL, "/registry/notify", message) != []
