"""The official request samples of the registries, each with the answer that it gets: a table.

They are sent as they are, but for what is every sender's own: who sends, when, under which id, and a signature, which in
the samples is a text in its place. Those of the social registry are in `test_samples.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from standards.dci.codes import SubscribeReason
from tests.contract.dci_spec import needs_dci_spec, response_faults, samples
from tests.e2e.conftest import Country
from tests.e2e.programme import ToyProgramme, toy_programme
from tests.e2e.test_operations import Caller

pytestmark = [pytest.mark.e2e, pytest.mark.contract, needs_dci_spec]

ACTION = "rjct.action.invalid"
"""The sample has an action of its own making (`verify`, `register`, ...), where the standard's list is closed."""

ANSWERED = {
    ("crvs", "processflow1req"): ("sync/search", "succ"),
    ("crvs", "processflow1req_copy"): ("sync/search", "rjct.reference_id.invalid"),
    ("crvs", "processflow2req"): ("sync/search", "succ"),
    ("crvs", "processflow3req"): ("sync/search", "succ"),
    ("crvs", "processflow4req"): ("sync/search", "succ"),
    ("crvs", "processflow5req"): ("sync/search", "succ"),
    ("crvs", "processflow6req"): ("sync/search", "succ"),
    ("dr", "processflow1req"): ("sync/search", ACTION),
    ("dr", "processflow2req"): ("sync/disabled", ACTION),
    ("dr", "processflow3req"): ("sync/search", "succ"),
    ("fr", "processflow1req"): ("sync/search", ACTION),
    ("fr", "processflow2req"): ("sync/search", ACTION),
    ("ibr", "processflow1req"): ("sync/enrollment/updates", ACTION),
    ("ibr", "processflow2req"): ("sync/enrolled", "succ"),
    ("ibr", "processflow3areq"): ("sync/search", "succ"),
    ("ibr", "processflow4req"): ("sync/search", "succ"),
}
"""Sample -> operation, and `succ` or the code that refuses it."""
EMPTY = {("ibr", f"processflow{n}req") for n in ("3b", "3c", "3d", "3", "5")}
"""Samples without a message."""
SUBSCRIBING = {("dr", "processflow4req"), ("fr", "processflow3req")}
SAMPLES = {
    (folder, path.stem): path
    for folder in ("crvs", "dr", "fr", "ibr")
    for path in samples(folder)
    if path.stem.partition("_")[0].endswith("req")
}


def sample(caller: Caller, name: tuple[str, str], **header: Any) -> dict[str, Any]:
    """One sample with what is every sender's own."""
    raw = orjson.loads(SAMPLES[name].read_bytes())
    raw.pop("signature", None)
    own = {
        "sender_id": caller.country.content["consumers"]["disability-allowance"]["sender_id"],
        "message_ts": datetime.now(UTC).isoformat(),
        "message_id": str(uuid4()),
        "receiver_id": "",
    }
    return {**raw, "header": raw["header"] | own | header}


@pytest.fixture
def caller(country: Country) -> Caller:
    """The disability allowance, whose agreement reaches every registry type."""
    return Caller(country)


def test_every_sample_is_in_the_table():
    """Nobody passes this file by having no samples, or fewer than there are."""
    assert set(SAMPLES) == {*ANSWERED, *EMPTY, *SUBSCRIBING}


@pytest.mark.parametrize("name", ANSWERED, ids="-".join)
def test_a_sample_gets_the_answer_of_the_table(caller: Caller, name: tuple[str, str]):
    """By the operation under the prefix of its registry, in the shape of the release."""
    path, expected = ANSWERED[name]
    address = f"/registry/{path}"
    response = caller.country.http.post(
        f"{caller.base}/{name[0]}{address}", json=sample(caller, name), headers=caller.headers
    )
    answer = response.json()

    assert response.status_code == 200
    file, header = f"{name[0]}_api_v1.0.0.yaml", answer["header"]
    assert response_faults(file, address, answer) == []
    items = next(items for key, items in answer["message"].items() if key.endswith("_response"))
    said = [header.get("status_reason_code"), *(item.get("status_reason_code") for item in items)]
    assert next(filter(None, said), header["status"]) == expected


@pytest.mark.parametrize("name", sorted(EMPTY), ids="-".join)
def test_a_sample_without_a_message_is_not_one(caller: Caller, name: tuple[str, str]):
    """It is refused as what it is: a body that is no message."""
    response = caller.country.http.post(
        f"{caller.base}/ibr/registry/sync/search",
        content=SAMPLES[name].read_bytes(),
        headers=caller.headers | {"Content-Type": "application/json"},
    )

    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "err.request.bad")


@pytest.mark.parametrize("name", sorted(SUBSCRIBING), ids="-".join)
def test_a_sample_of_a_subscription_is_acknowledged(caller: Caller, name: tuple[str, str], tmp_path: Path):
    """At a registered host; what becomes of it is told by its status."""
    with toy_programme(tmp_path, "--signatures", "off") as programme:
        _is_acknowledged(caller, name, programme)


def _is_acknowledged(caller: Caller, name: tuple[str, str], programme: ToyProgramme) -> None:
    message = sample(caller, name, sender_uri=programme.callback("on-subscribe"))
    response = caller.country.http.post(
        f"{caller.base}/{name[0]}/registry/subscribe", json=message, headers=caller.headers
    )
    said = response.json()["message"]
    asked = {
        "reference_id": "st-1", "txn_type": "subscribe", "attribute_type": "correlation_id",
        "attribute_value": said["correlation_id"],
    }  # fmt: skip
    programme.received(at_least=1, kind="on-subscribe", correlation_id=said["correlation_id"])
    became = caller.told("sync/txn/status", {"txnstatus_request": asked})
    (item,) = became["message"]["txnstatus_response"]["txn_status"]["subscribe_response"]

    assert (response.status_code, said["ack_status"]) == (200, "ACK")
    assert item["status"] == "succ" or item["status_reason_code"] in set(SubscribeReason)
