"""The search messages we build and read, against the published DCI files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from standards.attributes import Catalogue, Entity, ValueType
from standards.codes import CodeDirectories
from standards.dci.codes import (
    Action,
    ErrorCode,
    HeaderReason,
    RecordType,
    RegType,
    SearchReason,
    SubscribeReason,
    UnsubscribeReason,
)
from standards.dci.envelope import Header, HttpError, acknowledgement
from standards.dci.place import compile_places, group_record, member_record
from standards.dci.search import (
    Page,
    RejectedItem,
    answer_header,
    answered_item,
    error_body,
    pending_item,
    rejected_item,
    search_answer,
)
from standards.dci.validate import Leniency, read_search
from tests.contract.dci_spec import SPEC, document, faults, needs_dci_spec, request_faults, response_faults, samples

pytestmark = [pytest.mark.contract, needs_dci_spec]

SOCIAL = "social_api_v1.0.0.yaml"
PATH = "/registry/sync/search"
NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
ASKED = Header("m-1", NOW, "search", "spmis.example.org", total_count=1)


def answer(*items: dict[str, object], **refusal: Any) -> dict[str, object]:
    """Build a whole answer around items."""
    header = answer_header(ASKED, items, now=NOW, message_id="m-2", sender_id="gateway.example.org", **refusal)
    return search_answer(header, "t-1", "c-1", items)


def household() -> dict[str, object]:
    """Build a Group record with every attribute of the catalogue in it."""
    sample: dict[ValueType, object] = {
        ValueType.STRING: "x", ValueType.DATE: "1990-02-01", ValueType.INTEGER: 2, ValueType.DECIMAL: 2.5,
        ValueType.BOOLEAN: True, ValueType.MONEY: 100, ValueType.LIST: ["x"], ValueType.IDENTIFIER: "1234567890",
    }  # fmt: skip
    catalogue, codes = Catalogue.load(), CodeDirectories.load()
    values = {d.name: next(iter(codes.codes(d.codes))) if d.codes else sample[d.type] for d in catalogue}
    places = compile_places(catalogue)
    persons = {name: value for name, value in values.items() if catalogue[name].entity is Entity.PERSON}
    group = {name: value for name, value in values.items() if catalogue[name].entity is Entity.HOUSEHOLD}
    member = member_record(persons, places, relationship="SELF")
    return group_record(group, [member], places, head=0, context="https://gateway.example.org/contexts/v1/x.jsonld")


def found(**extra: Any) -> dict[str, object]:
    """Build an answered item with one whole household."""
    return answered_item(
        "ref-1", now=NOW, reg_type=RegType.SOCIAL, reg_record_type=RecordType.GROUP, records=[household()], **extra
    )


@pytest.mark.parametrize(
    "built",
    [
        pytest.param(lambda: answer(found()), id="one household"),
        pytest.param(lambda: answer(found(page=Page(10), total=1, locale="eng", message="one source is missing")), id="all"),
        pytest.param(lambda: answer(found(extensions={"hearth:evidence": [], "hearth:sources": {}})), id="extension"),
        pytest.param(lambda: answer(rejected_item("r", SearchReason.FILTER_INVALID, "why", now=NOW)), id="rejected"),
        pytest.param(lambda: answer(pending_item("r", now=NOW), found()), id="pending beside answered"),
        pytest.param(lambda: answer(reason_code=HeaderReason.ACTION_INVALID, reason_message="why"), id="refused"),
    ],
)  # fmt: skip
def test_answers_fit_the_release(built):
    """DCI-SEARCH-OUT-01: every kind of answer we build is valid for a consumer that knows only the release."""
    assert response_faults(SOCIAL, PATH, built()) == []


def test_a_missing_message_is_noticed():
    """DCI-SEARCH-OUT-02: the check itself finds a broken answer, so that silence means something."""
    broken = answer(found())
    broken["message"] = {"transaction_id": "t-1"}

    assert response_faults(SOCIAL, PATH, broken) != []


def test_error_bodies_fit_the_release():
    """DCI-ERR-01: an HTTP error carries the body that the release names."""
    assert response_faults(SOCIAL, PATH, error_body(ErrorCode.FORBIDDEN, "why"), status="403") == []


@pytest.mark.parametrize("error", [None, HttpError(ErrorCode.BAD, "why")])
def test_acknowledgements_fit_the_release(error):
    """DCI-ACK-01: an acknowledgement is valid with and without an error."""
    built = acknowledgement(now=NOW, correlation_id="c-1", error=error)

    assert response_faults(SOCIAL, "/registry/search", built) == []


@pytest.mark.parametrize(
    ("ours", "schema"),
    [
        (SearchReason, "SearchStatusReasonCode"),
        (SubscribeReason, "SubscribeStatusReasonCode"),
        (UnsubscribeReason, "UnSubscribeStatusReasonCode"),
        (HeaderReason, "MsgHeaderStatusReasonCode"),
    ],
)
def test_reason_codes_are_those_of_the_release(ours, schema):
    """DCI-CODE-01: the closed lists of reason codes are complete, and hold nothing of our own."""
    assert set(ours) == set(document(SOCIAL)["components"]["schemas"][schema]["enum"])


def test_error_codes_are_those_of_the_release():
    """DCI-CODE-02: the closed list of error codes is complete, and holds nothing of our own."""
    error = document(SOCIAL)["components"]["schemas"]["Error"]

    assert set(ErrorCode) == set(error["properties"]["code"]["enum"])


@pytest.mark.parametrize(
    "path", [path for path in samples("social") if path.stem.endswith("req")], ids=lambda p: p.stem
)
def test_official_samples_are_read(path: Path):
    """DCI-SEARCH-IN-01: no official sample is refused as a message; what is wrong with its question stays an item's."""
    message = orjson.loads(path.read_bytes())
    message["header"]["message_ts"] = NOW.isoformat()

    read = read_search(message, now=NOW, leniency=Leniency(default_reg_type=RegType.SOCIAL))

    locale = message["message"]["search_request"][0]["locale"]
    refused = [item for item in read.items if isinstance(item, RejectedItem)]
    # `EN/GB` is not a locale of the standard; everything else in the samples is understood.
    assert [item.code for item in refused] == ([SearchReason.SEARCH_CRITERIA_INVALID] if locale else [])


def test_the_samples_were_found():
    """DCI-SEARCH-IN-02: the samples above are really there."""
    assert [path for path in samples("social") if path.stem.endswith("req")], SPEC


def test_requests_in_the_shape_of_the_release_are_read():
    """DCI-SEARCH-IN-03: a message that the release finds valid is read whole."""
    header = {
        "message_id": "m-1", "message_ts": NOW.isoformat(), "action": Action.SEARCH, "sender_id": "s",
        "sender_uri": "https://spmis.example.org/on-search", "total_count": 3,
    }  # fmt: skip
    criteria: dict[str, object] = {"reg_type": RegType.SOCIAL, "reg_record_type": "Group", "response_entity": "Group"}
    queries: list[dict[str, object]] = [
        {"query_type": "idtype-value", "query": {"type": "UIN", "value": "1234567890"}},
        {"query_type": "predicate", "query": [{"expression1": {"attribute_name": "poverty_score", "operator": "lt", "attribute_value": 2.5}}]},
        {"query_type": "expression", "query": {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Group", "query": {"group_size": {"$lt": 5}}}}}},
    ]  # fmt: skip
    items = [
        {"reference_id": str(n), "timestamp": NOW.isoformat(), "search_criteria": criteria | query, "locale": "eng"}
        for n, query in enumerate(queries)
    ]
    message = {"header": header, "message": {"transaction_id": "t", "search_request": items}}

    read = read_search(message, now=NOW, leniency=Leniency())

    assert request_faults(SOCIAL, PATH, message) == []
    assert not [item for item in read.items if isinstance(item, RejectedItem)]


def test_pointers_reach_a_schema():
    """DCI-SPEC-01: a fault is reported with where it is."""
    assert faults(SOCIAL, "/components/schemas/MsgSignature", 5) == [': 5 is not of type "string"']
