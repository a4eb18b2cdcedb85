"""Building answers: headers, items, error bodies."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from standards.dci.codes import AckStatus, ErrorCode, HeaderReason, SearchReason, Status
from standards.dci.envelope import HttpError, acknowledgement, header_status, wire_time
from standards.dci.search import (
    Page,
    answer_header,
    answered_item,
    error_body,
    pending_item,
    rejected_item,
    search_answer,
)
from standards.dci.validate import header_of
from tests.unit.standards.dci.messages import NOW, request

REQUEST = header_of(request())


def header(*items, request=REQUEST, **more):
    """Build the header of an answer."""
    return answer_header(request, items, now=NOW, message_id="m-2", sender_id="gateway.example.org", **more)


def answered(**more):
    """Build an answered item."""
    known: dict[str, Any] = {
        "now": NOW,
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "records": [{}],
    }
    return answered_item("ref-1", **(known | more))


def test_times_go_out_in_utc_with_offset():
    """Every moment has one form on the wire."""
    local = datetime(2026, 3, 4, 14, 0, 0, 1999, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert wire_time(local) == "2026-03-04T08:15:00.001+00:00"


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["succ", "rjct"], "succ"),
        (["succ", "pdng"], "succ"),
        (["rjct", "rjct"], "rjct"),
        (["rjct", "pdng"], "pdng"),
        (["rcvd"], "pdng"),
        ([], "rjct"),
    ],
)
def test_the_header_sums_up_its_items(statuses, status):
    """One success is a success; all refused is a refusal; otherwise it is still under way."""
    assert header_status(statuses) == status


def test_an_answer_turns_sender_and_receiver_round():
    """The answering system is the sender now, under a fresh message id."""
    built = header(answered(), pending_item("b", now=NOW))

    assert (built["sender_id"], built["receiver_id"]) == ("gateway.example.org", "spmis.example.org")
    assert (built["message_id"], built["action"], built["status"]) == ("m-2", "on-search", "succ")
    assert (built["total_count"], built["completed_count"]) == (2, 1)
    assert built["message_ts"] == wire_time(NOW)
    assert built["meta"] == {}


def test_a_refused_message_is_answered_with_its_reason():
    """With a reason the whole message is refused; the count is that of the request."""
    built = header(reason_code=HeaderReason.ACTION_INVALID, reason_message="x" * 2000)

    assert (built["status"], built["status_reason_code"]) == ("rjct", "rjct.action.invalid")
    assert len(str(built["status_reason_message"])) == 999
    assert (built["total_count"], built["completed_count"]) == (1, 0)


def test_nobody_is_named_as_receiver_when_nobody_is_known():
    """A message that could not be read has no sender to answer to."""
    assert "receiver_id" not in header(request=header_of(None))


def test_an_answered_item_says_what_it_holds():
    """Registry and record type always stand in the data; nothing empty does."""
    item = answered()

    assert item["status"] == "succ"
    assert item["data"] == {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "reg_records": [{}],
    }
    assert item.keys() == {"reference_id", "timestamp", "status", "data"}


def test_nobody_found_is_an_answer():
    """An empty hit succeeds with no records and a count of none."""
    item = answered(records=[], page=Page(10))

    assert (item["status"], item["data"]["reg_records"]) == ("succ", [])
    assert item["pagination"] == {"page_size": 10, "page_number": 1, "total_count": 0}


def test_an_answered_item_may_carry_more():
    """Extensions stand in the data, a remark and the locale beside it."""
    item = answered(
        page=Page(1, 2), total=7, locale="eng", extensions={"hearth:evidence": []}, message="one source is missing"
    )

    assert item["data"]["hearth:evidence"] == []
    assert item["pagination"] == {"page_size": 1, "page_number": 2, "total_count": 7}
    assert (item["locale"], item["status_reason_message"]) == ("eng", "one source is missing")
    assert "status_reason_code" not in item


def test_a_rejected_item_says_why():
    """A rejection has a code, a sentence, and no data."""
    item = rejected_item("ref-1", SearchReason.FILTER_INVALID, "why", now=NOW, locale="eng")

    assert item == {
        "reference_id": "ref-1",
        "timestamp": wire_time(NOW),
        "status": "rjct",
        "status_reason_code": "rjct.filter.invalid",
        "status_reason_message": "why",
        "locale": "eng",
    }


def test_a_rejection_may_have_no_code():
    """The standard's list has none for "no registry could be heard"."""
    item = rejected_item("ref-1", None, "why", now=NOW)

    assert item.keys() == {"reference_id", "timestamp", "status", "status_reason_message"}


def test_an_answer_holds_header_and_message():
    """The ids of the transaction and of our work on it stand in the message."""
    item = answered()
    built = search_answer(header(item), "t-1", "5f0c1d1e-7a39-4d57-9a39-0d6b9a1f4c55", [item])

    assert built.keys() == {"header", "message"}
    assert built["message"]["transaction_id"] == "t-1"
    assert built["message"]["search_response"] == [item]


@pytest.mark.parametrize("correlation_id", ["", "a b", "a_b", "x" * 100, "a\n", "é"])
def test_correlation_ids_fit_the_narrowest_generation(correlation_id):
    """An id that a strict peer would refuse never leaves."""
    with pytest.raises(ValueError, match="correlation id"):
        search_answer({}, "t-1", correlation_id, [])


def test_acknowledgements_come_in_three_kinds():
    """Accepted, accepted with nothing to follow, and not processable."""
    accepted = acknowledgement(now=NOW, correlation_id="c")
    last = acknowledgement(now=NOW, correlation_id="c", status=AckStatus.NACK)
    wrong = acknowledgement(now=NOW, correlation_id="c", error=HttpError(ErrorCode.BAD, "why"))

    assert [a["message"]["ack_status"] for a in (accepted, last, wrong)] == ["ACK", "NACK", "ERR"]
    assert wrong["message"]["error"] == {"code": "err.request.bad", "message": "why"}


def test_error_bodies_hold_a_code_and_a_sentence():
    """HTTP errors have one body."""
    assert error_body(ErrorCode.FORBIDDEN, "why") == {"errors": [{"code": "err.request.forbidden", "message": "why"}]}


def test_pending_items_have_no_data():
    """What is still under way has a status only."""
    assert pending_item("r", now=datetime(2026, 1, 1, tzinfo=UTC), status=Status.RECEIVED)["status"] == "rcvd"
