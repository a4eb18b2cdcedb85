"""A search message is read whole or refused; its answer is addressed back."""

from copy import deepcopy
from datetime import date
from typing import Any

import orjson
import pytest

from mocks.dci_message import answer_to, envelope, header_refusal, stamp

MESSAGE = {
    "header": {
        "message_id": "m-1",
        "message_ts": "2026-09-30T08:00:00+02:00",
        "action": "search",
        "sender_id": "hearth",
        "receiver_id": "crvs",
        "total_count": 1,
    },
    "message": {
        "transaction_id": "t-1",
        "search_request": [{"reference_id": "r-1", "timestamp": "2026-09-30T08:00:00Z", "search_criteria": {}}],
    },
}


def changed(path, value):
    """Return the message with one member replaced, or taken out when the value is None."""
    message = deepcopy(MESSAGE)
    *way, last = path
    inner: Any = message
    for step in way:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return orjson.dumps(message)


def test_a_whole_message_is_read():
    """Header, transaction and items come out as sent."""
    read = envelope(orjson.dumps(MESSAGE))

    assert (read.transaction_id, len(read.items)) == ("t-1", 1)
    assert header_refusal(read) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"header": {}, "message": {}}',
        changed(["header", "message_id"], None),
        changed(["header", "sender_id"], ""),
        changed(["header", "total_count"], "1"),
        changed(["message", "transaction_id"], "x" * 100),
        changed(["message", "search_request"], []),
        changed(["message", "search_request"], {"reference_id": "r-1"}),
        changed(["message", "search_request"], [{"timestamp": "2026-09-30T08:00:00Z"}]),
    ],
)
def test_what_is_no_message_is_refused(body):
    """A message without its required parts is none at all."""
    with pytest.raises(ValueError, match=r"."):
        envelope(body)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (["header", "action"], "on-search", "rjct.action.invalid"),
        (["header", "message_ts"], "2026-09-30T08:00:00", "rjct.message_ts.invalid"),
        (["header", "message_ts"], "today", "rjct.message_ts.invalid"),
        (["header", "total_count"], 2, "rjct.total_count.invalid"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(path, value, code):
    """The reason code says which member is wrong."""
    assert header_refusal(envelope(changed(path, value))) == code


def test_an_answer_goes_back_to_its_sender():
    """Sender and receiver are swapped, message and correlation get ids of their own."""
    message = envelope(orjson.dumps(MESSAGE))
    answers = [answer_to(message, [{"status": "succ"}], None, now="now", sender="crvs") for _ in range(2)]

    header = answers[0]["header"]
    assert (header["sender_id"], header["receiver_id"]) == ("crvs", "hearth")
    assert (header["action"], header["status"], header["completed_count"]) == ("on-search", "succ", 1)
    assert answers[0]["message"]["transaction_id"] == "t-1"
    assert len({header["message_id"], answers[1]["header"]["message_id"], "m-1"}) == 3


def test_an_answer_without_any_success_is_a_refusal():
    """The header says so, with the reason when the whole message is refused."""
    message = envelope(orjson.dumps(MESSAGE))

    refused = answer_to(message, [], "rjct.action.invalid", now="now", sender="crvs")["header"]
    assert (refused["status"], refused["status_reason_code"]) == ("rjct", "rjct.action.invalid")
    assert answer_to(message, [{"status": "rjct"}], None, now="now", sender="crvs")["header"]["status"] == "rjct"


def test_a_day_is_stamped_with_its_offset():
    """Timestamps in records are moments in UTC."""
    assert stamp(date(1990, 2, 11)) == "1990-02-11T00:00:00+00:00"
