"""The witness of the end-to-end tests sees what is wrong, so that its silence means something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.dci_spec import needs_dci_spec
from tests.witness.judging import faults

pytestmark = [pytest.mark.contract, needs_dci_spec]

TS = "2026-03-04T09:15:00.000+00:00"
REFUSED = {"errors": [{"code": "err.request.bad", "message": "why"}]}
SEALED = {"header": {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "k"}} | dict.fromkeys(
    ("ciphertext", "encrypted_key", "tag", "iv"), "x"
)


def header(action: str = "on-search", **more: Any) -> dict[str, Any]:
    """The header of an answer or a callback."""
    return {
        "message_id": "m",
        "message_ts": TS,
        "action": action,
        "status": "succ",
        "sender_id": "g",
        "total_count": 1,
    } | more


def ack(**more: Any) -> dict[str, Any]:
    """An acknowledgement."""
    return {"message": {"ack_status": "ACK", "timestamp": TS, "correlation_id": "c"} | more}


def answer(reg_type: str = "ns:org:RegistryType:Social", records: Any = (), **more: Any) -> dict[str, Any]:
    """An answer to a search."""
    data = {"reg_type": reg_type, "reg_record_type": "Person", "reg_records": records or []}
    item = {"reference_id": "r", "timestamp": TS, "status": "succ", "data": data} | more
    return {"header": header(), "message": {"transaction_id": "t", "correlation_id": "c", "search_response": [item]}}


def asked(**criteria: Any) -> dict[str, Any]:
    """A search."""
    stated = {
        "reg_type": "ns:org:RegistryType:Civil",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": "1"},
    }
    item = {"reference_id": "r", "timestamp": TS, "search_criteria": stated | criteria}
    return {"header": header("search"), "message": {"transaction_id": "t", "search_request": [item]}}


def told(status: str) -> dict[str, Any]:
    """Whether somebody is enrolled."""
    item = {"reference_id": "r", "timestamp": TS, "status": "succ", "enrolled_status": status}
    return {"header": header(), "message": {"transaction_id": "t", "correlation_id": "c", "enrolled_response": [item]}}


def event(kind: str) -> dict[str, Any]:
    """A notification of a social registry."""
    data = {
        "reg_type": "ns:org:RegistryType:Social",
        "reg_event_type": kind,
        "reg_record_type": "Group",
        "reg_records": {},
    }
    happened = {"reference_id": "e", "timestamp": TS, "data": data}
    return {"header": header("notify"), "message": {"transaction_id": "t", "notify_event": [happened]}}


SYNC, DR = "/registry/sync/search", "ns:org:RegistryType:DR"
Noted = tuple[str, str, int, Callable[[], Any]]
RIGHT: list[Noted] = [
    ("gateway", SYNC, 200, answer),
    ("gateway", SYNC, 200, lambda: answer(DR, {"@type": "PWD_Person"})),
    ("gateway", SYNC, 200, lambda: {"header": header(is_msg_encrypted=True), "message": SEALED}),
    ("gateway", SYNC, 400, lambda: REFUSED),
    ("gateway", "/dr/registry/search", 200, ack),
    (
        "gateway",
        "/registry/search",
        400,
        lambda: ack(ack_status="ERR", error={"code": "err.request.bad", "message": "why"}),
    ),
    ("gateway", "/registry/sync/enrolled", 200, lambda: told("yes")),
    ("mock", "/registry/search", 200, ack),
    ("mock", "/registry/search", 202, ack),
    ("request", SYNC, 200, asked),
    ("callback", "/registry/on-search", 200, answer),
    ("callback", "/registry/notify", 200, lambda: event("REGISTER")),
    ("programme", "/registry/on-search", 200, ack),
]
WRONG: list[Noted] = [
    ("gateway", SYNC, 200, lambda: answer(status="success")),
    ("gateway", SYNC, 200, lambda: answer(timestamp="2026-03-04T09:15:00")),
    ("gateway", SYNC, 200, lambda: answer(locale="en")),
    ("gateway", SYNC, 200, lambda: answer(records={"@type": "Group"})),
    ("gateway", SYNC, 200, lambda: answer(DR, [{"@type": "PWD_Person"}])),
    ("gateway", SYNC, 200, lambda: answer(status_reason_code="rjct.because")),
    ("gateway", SYNC, 200, lambda: answer() | {"header": header("search")}),
    ("gateway", SYNC, 200, lambda: {"header": header(is_msg_encrypted=True), "message": SEALED | {"iv": None}}),
    ("gateway", SYNC, 200, list),
    ("gateway", SYNC, 500, lambda: {"detail": "Internal Server Error"}),
    ("gateway", SYNC, 400, lambda: {"errors": [{"code": "bad", "message": "why"}]}),
    ("gateway", SYNC, 400, lambda: {"errors": []}),
    ("gateway", "/registry/search", 400, ack),
    ("gateway", "/registry/search", 200, lambda: ack(correlation_id="c" * 100)),
    ("gateway", "/registry/sync/enrolled", 200, lambda: told("maybe")),
    (
        "mock",
        "/registry/search",
        200,
        lambda: {"message": {"ack_status": "OK", "timestamp": TS, "correlation_id": "c"}},
    ),
    ("request", SYNC, 200, lambda: asked(query_type="sync")),
    ("request", SYNC, 200, lambda: asked(query=[1])),
    ("callback", "/registry/on-search", 200, lambda: {"header": {}, "message": answer()["message"]}),
    ("callback", "/registry/notify", 200, lambda: event("spdci-common:RegistryEventType:Death")),
    ("programme", "/registry/on-search", 200, lambda: {"message": {}}),
]


def found(folder: Path, noted: Noted) -> list[str]:
    """What is held against one message that was noted."""
    who, path, status, made = noted
    line = {"who": who, "path": path, "status": status, "reg_type": "", "body": json.dumps(made())}
    (folder / "1.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    return list(faults(folder))


@pytest.mark.parametrize("noted", RIGHT, ids=lambda noted: f"{noted[0]}{noted[1]}")
def test_what_is_right_is_passed_over(noted: Noted, tmp_path: Path):
    """In the shape of the release of its type."""
    assert found(tmp_path, noted) == []


@pytest.mark.parametrize("noted", WRONG, ids=lambda noted: f"{noted[0]}{noted[1]}")
def test_what_is_wrong_is_seen(noted: Noted, tmp_path: Path):
    """And said with who sent it and where."""
    told = found(tmp_path, noted)

    assert told
    assert all(one.startswith(f"{noted[0]} {noted[1]}") for one in told)


def test_what_is_no_json_is_seen(tmp_path: Path):
    """Nothing else is judged then."""
    line = {"who": "mock", "path": SYNC, "status": 200, "reg_type": "", "body": "<html>"}
    (tmp_path / "1.jsonl").write_text(json.dumps(line), encoding="utf-8")

    assert list(faults(tmp_path)) == [f"mock {SYNC}: not JSON"]


def test_messages_of_one_shape_are_judged_once(tmp_path: Path):
    """However many there are; what differs in kind is not of one shape."""
    lines = [
        json.dumps(
            {"who": "gateway", "path": SYNC, "status": 200, "reg_type": "", "body": json.dumps(answer(status=status))}
        )
        for status in ("success", "success", "done")
    ]
    (tmp_path / "1.jsonl").write_text("\n".join(lines), encoding="utf-8")

    assert len(list(faults(tmp_path))) == 2
