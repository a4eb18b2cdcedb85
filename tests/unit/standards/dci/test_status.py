"""Transaction status: what may be asked by which interface, and what is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from standards.dci.codes import RegType
from standards.dci.status import MAX_VALUES, UNKNOWN, Became, StatusAsked, read_status, told
from standards.errors import MalformedMessageError

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
LATER = datetime(2026, 3, 4, 9, 16, tzinfo=UTC)


def message(**changes: Any) -> dict[str, Any]:
    """A status question."""
    asked = {
        "reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": "c-1",
    }  # fmt: skip
    return {"transaction_id": "t-9", "txnstatus_request": asked | changes}


def item(reference_id: str, status: str = "succ", **more: Any) -> dict[str, Any]:
    """What became of one request."""
    return {"reference_id": reference_id, "timestamp": "2026-03-04T09:15:00.000+00:00", "status": status, **more}


def search_told(asked: StatusAsked, *found: Became, reg_type: RegType | None = None) -> dict[str, Any]:
    """The inner payload of an answer."""
    status = told(asked, found, reg_type, "c-9", LATER)["txnstatus_response"]
    assert status["txn_type"] == asked.txn_type
    return dict(status["txn_status"])


def test_a_question_is_read():
    """In any case of its words, one object or a list of one."""
    whole = StatusAsked("t-9", "st-1", "search", "correlation_id", ("c-1",))

    assert read_status(message(txn_type="SEARCH"), None) == whole
    assert read_status({**message(), "txnstatus_request": [message()["txnstatus_request"]]}, None) == whole


@pytest.mark.parametrize("kind", ["reference_id_list", "subscription_code_list"])
def test_lists_may_be_one_value(kind):
    """A list type takes an array, or one string."""
    assert read_status(message(attribute_type=kind, attribute_value=["a", "b"]), None).values == ("a", "b")
    assert read_status(message(attribute_type=kind, attribute_value="a"), None).values == ("a",)


@pytest.mark.parametrize(
    ("reg_type", "takes", "refuses"),
    [
        (RegType.CIVIL, "unsubscribe", "receipt"),
        (RegType.FARMER, "unsubscribe", "receipt"),
        (RegType.SOCIAL, "receipt", "unsubscribe"),
        (RegType.BENEFICIARY, "receipt", "unsubscribe"),
        (RegType.EMPLOYMENT, "receipt", "unsubscribe"),
        (None, "receipt", "register"),
        (None, "unsubscribe", "on-notify"),
    ],
)
def test_interfaces_differ_in_what_may_be_asked(reg_type, takes, refuses):
    """Civil and farmer registries know `unsubscribe`, the others `receipt`; without a prefix both are taken."""
    assert read_status(message(txn_type=takes), reg_type).txn_type == takes
    with pytest.raises(MalformedMessageError):
        read_status(message(txn_type=refuses), reg_type)


@pytest.mark.parametrize("word", ["on-search", "ON-SEARCH", " on-search"])
def test_older_words_are_read(word):
    """The files of early 2025 name a message by its answer."""
    assert read_status(message(txn_type=word), None).txn_type == "search"


def test_subscription_codes_are_asked_for_where_there_are_any():
    """The social interface has no such attribute type."""
    codes = message(attribute_type="subscription_code_list", attribute_value=["SUB-1"])

    assert read_status(codes, RegType.CIVIL).values == ("SUB-1",)
    with pytest.raises(MalformedMessageError):
        read_status(codes, RegType.SOCIAL)


@pytest.mark.parametrize(
    "changes",
    [
        {"attribute_type": "uin"},
        {"attribute_value": None},
        {"attribute_value": ["c-1"]},
        {"attribute_value": "x" * 100},
        {"attribute_value": 5},
        {"attribute_type": "reference_id_list", "attribute_value": []},
        {"attribute_type": "reference_id_list", "attribute_value": ["x"] * (MAX_VALUES + 1)},
        {"attribute_type": "reference_id_list", "attribute_value": ["x", 5]},
        {"reference_id": None},
    ],
)
def test_what_cannot_be_read_is_refused(changes):
    """A value of a wrong type, too long, or too many of them."""
    with pytest.raises(MalformedMessageError):
        read_status(message(**changes), None)


def test_a_status_tells_the_ids_of_what_was_asked_about():
    """Three ids meet: the outer pair is the question's, the inner pair that of the transaction."""
    asked = read_status(message(), None)
    answer = told(asked, [Became("t-1", "c-1", "pdng", [item("r-1", "pdng")], NOW)], None, "c-9", LATER)

    assert (answer["transaction_id"], answer["correlation_id"]) == ("t-9", "c-9")
    assert answer["txnstatus_response"]["txn_status"] == {
        "transaction_id": "t-1", "correlation_id": "c-1", "search_response": [item("r-1", "pdng")],
    }  # fmt: skip


def test_of_several_messages_the_newest_speaks_for_a_reference():
    """The items of all stand together, each reference once."""
    asked = read_status(message(attribute_type="transaction_id", attribute_value="t-1"), None)
    newer = Became("t-1", "c-2", "succ", [item("r-1"), item("r-2")], LATER)
    older = Became("t-1", "c-1", "rjct", [item("r-1", "rjct"), item("r-3", "rjct")], NOW)
    payload = search_told(asked, newer, older)

    assert payload["correlation_id"] == "c-2"
    assert [(i["reference_id"], i["status"]) for i in payload["search_response"]] == [
        ("r-1", "succ"), ("r-2", "succ"), ("r-3", "rjct"),
    ]  # fmt: skip


def test_references_that_are_not_known_are_told_so():
    """Beside those that are."""
    asked = read_status(message(attribute_type="reference_id_list", attribute_value=["r-1", "r-9"]), None)
    payload = search_told(asked, Became("t-1", "c-1", "succ", [item("r-1")], NOW))

    assert [(i["reference_id"], i.get("status_reason_code")) for i in payload["search_response"]] == [
        ("r-1", None), ("r-9", "rjct.reference_id.invalid"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, ("t-9", "c-1")),
        ({"attribute_value": "not ours!"}, ("t-9", "c-9")),
        ({"attribute_type": "transaction_id", "attribute_value": "t-5"}, ("t-5", "c-9")),
        ({"attribute_type": "reference_id_list", "attribute_value": ["r-1"]}, ("t-9", "c-9")),
    ],
)
def test_an_unknown_transaction_is_an_item_that_says_so(changes, ids):
    """Under the name that it was asked for by, where that can be one."""
    payload = search_told(read_status(message(**changes), None))

    assert (payload["transaction_id"], payload["correlation_id"]) == ids
    (only,) = payload["search_response"]
    assert only["reference_id"] == "st-1"
    assert (only["status"], only["status_reason_message"]) == ("rjct", UNKNOWN)


def test_the_end_of_subscriptions_is_told_by_their_codes():
    """As `on-unsubscribe` has it: a status of the whole, and of each code."""
    asked = read_status(message(txn_type="unsubscribe"), RegType.CIVIL)
    codes = [{"code": "S-1", "status": "unsubscribe"}, {"status_reason_code": "rjct.requester.invalid"}]
    payload = search_told(asked, Became("t-1", "c-1", "rjct", codes, NOW), reg_type=RegType.CIVIL)

    assert payload["subscription_status"] == [{"code": "S-1", "status": "unsubscribe"}]
    assert (payload["status"], payload["status_reason_code"]) == ("rjct", "rjct.requester.invalid")


@pytest.mark.parametrize(("reg_type", "filler"), [(RegType.CIVIL, False), (RegType.SOCIAL, True), (None, True)])
def test_a_subscription_is_told_even_where_the_interface_has_no_place_for_it(reg_type, filler):
    """There, an empty receipt stands beside it, which the others read past."""
    payload = search_told(
        read_status(message(txn_type="subscribe"), reg_type),
        Became("t-1", "c-1", "succ", [item("r-1")], NOW),
        reg_type=reg_type,
    )

    assert payload["subscribe_response"] == [item("r-1")]
    assert ("receipt_information" in payload) is filler
