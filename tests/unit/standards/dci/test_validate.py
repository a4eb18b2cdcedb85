"""Reading search messages: the envelope, the header, and what is refused as a whole."""

from datetime import timedelta

import pytest

from standards.dci.codes import RegType, SearchReason
from standards.dci.search import IdQuery, RejectedItem, SearchItem
from standards.dci.validate import header_of, transaction_id_of
from standards.errors import MalformedMessageError
from standards.identifiers import Identifier
from tests.unit.standards.dci.messages import NOW, question, read, request


def test_a_whole_message_is_read():
    """A message of the release comes back typed, in the order of its questions."""
    message = read(request(question("a"), question("b"), sender_uri="https://spmis.example.org/on-search"))

    assert message.transaction_id == "t-1"
    assert message.header.sender_id == "spmis.example.org"
    assert message.header.sender_uri == "https://spmis.example.org/on-search"
    assert message.header.message_ts == NOW
    assert message.header.total_count == 2
    assert [item.reference_id for item in message.items] == ["a", "b"]
    assert message.items[0].query == IdQuery(Identifier("UIN", "847951632"))
    assert message.items[0].reg_type is RegType.SOCIAL


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "text",
        {},
        {"header": {}},
        {"message": {}},
        {"header": [], "message": {}},
        {"header": {}, "message": "text"},
        request(message_id=None),
        request(message_id=""),
        request(message_id=5),
        request(message_id="x" * 100),
        request(sender_id=None),
        request(sender_id=""),
        request() | {"message": {"search_request": [question()]}},
        request() | {"message": {"transaction_id": "x" * 100, "search_request": [question()]}},
        request() | {"message": {"transaction_id": 5, "search_request": [question()]}},
        request() | {"message": {"transaction_id": "t"}},
        request() | {"message": {"transaction_id": "t", "search_request": []}},
        request() | {"message": {"transaction_id": "t", "search_request": "text"}},
    ],
)
def test_a_broken_envelope_is_a_bad_request(message):
    """What is not a whole message is refused with `err.request.bad`."""
    with pytest.raises(MalformedMessageError) as refused:
        read(message)

    assert refused.value.reason_code == "err.request.bad"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"message_ts": None}, "rjct.message_ts.invalid"),
        ({"message_ts": "yesterday"}, "rjct.message_ts.invalid"),
        ({"message_ts": 5}, "rjct.message_ts.invalid"),
        ({"message_ts": "2026-03-04T09:15:00"}, "rjct.message_ts.invalid"),
        ({"message_ts": (NOW - timedelta(seconds=301)).isoformat()}, "rjct.message_ts.invalid"),
        ({"message_ts": (NOW + timedelta(seconds=61)).isoformat()}, "rjct.message_ts.invalid"),
        ({"message_ts": "0001-01-01T00:00:00+14:00"}, "rjct.message_ts.invalid"),
        ({"action": None}, "rjct.action.invalid"),
        ({"action": "on-search"}, "rjct.action.invalid"),
        ({"action": 5}, "rjct.action.invalid"),
        ({"total_count": None}, "rjct.total_count.invalid"),
        ({"total_count": 2}, "rjct.total_count.invalid"),
        ({"total_count": -1}, "rjct.total_count.invalid"),
        ({"total_count": "one"}, "rjct.total_count.invalid"),
        ({"total_count": True}, "rjct.total_count.invalid"),
        ({"version": "2.0.0"}, "rjct.version.invalid"),
        ({"version": 1}, "rjct.version.invalid"),
        ({"is_msg_encrypted": True}, "err.encryption.invalid"),
        ({"is_msg_encrypted": "true"}, "err.encryption.invalid"),
    ],
)
def test_a_wrong_header_is_refused_by_its_code(header, code):
    """Each header fault has the standard's code for it."""
    with pytest.raises(MalformedMessageError) as refused:
        read(request(**header))

    assert refused.value.reason_code == code


@pytest.mark.parametrize(
    "header",
    [
        {"total_count": "1"},
        {"total_count": 1.0},
        {"action": "SEARCH"},
        {"version": ""},
        {"version": "v1.0"},
        {"version": None},
        {"meta": ""},
        {"sender_uri": ""},
        {"receiver_id": None},
        {"message_ts": (NOW - timedelta(seconds=300)).isoformat()},
        {"message_ts": (NOW + timedelta(seconds=60)).isoformat()},
        {"message_ts": "2026-03-04T09:15:00.123Z"},
        {"message_ts": "2026-03-04T15:00:00+05:45"},
    ],
)
def test_small_liberties_of_a_header_are_taken(header):
    """Numeric strings, empty placeholders, upper case and any offset are understood."""
    assert isinstance(read(request(**header)).items[0], SearchItem)


def test_a_count_may_differ_where_the_sender_may():
    """A sender with that leniency may count something else than its questions."""
    assert len(read(request(total_count=7), count_must_match=False).items) == 1


def test_a_single_question_may_stand_without_an_array():
    """An object where an array belongs is an array of one."""
    message = request()
    message["message"]["search_request"] = question()

    assert len(read(message).items) == 1


def test_too_many_questions_are_refused_before_they_are_read():
    """The number of questions is bounded by a setting."""
    with pytest.raises(MalformedMessageError) as refused:
        read(request(*["not even a question"] * 3), max_items=2)

    assert refused.value.reason_code == "rjct.total_count.limit_exceeded"


def test_an_empty_transaction_id_is_kept():
    """Official samples leave ids empty; they are echoed as given."""
    message = request(question(""))
    message["message"]["transaction_id"] = ""

    assert read(message).transaction_id == ""
    assert read(message).items[0].reference_id == ""


def test_one_wrong_question_leaves_the_others():
    """A fault of one question becomes its own answer."""
    items = read(request(question("a"), question("b", query_type="nonsense"), question("c"))).items

    assert [type(item) for item in items] == [SearchItem, RejectedItem, SearchItem]
    assert items[1].reference_id == "b"


@pytest.mark.parametrize("item", [None, "text", {}, {"reference_id": 5}, {"reference_id": "x" * 100}])
def test_a_question_without_a_usable_reference_is_rejected(item):
    """Without a reference id there is nothing to answer to."""
    assert read(request(item)).items[0].code is SearchReason.REFERENCE_ID_INVALID


def test_a_reference_id_used_twice_is_rejected_the_second_time():
    """The first question of that reference is answered, the second is not."""
    first, second = read(request(question("a"), question("a"))).items

    assert isinstance(first, SearchItem)
    assert second.code is SearchReason.REFERENCE_ID_DUPLICATE


def test_a_refused_message_still_has_a_header_to_answer_to():
    """What can be read of a refused message is read, so that its sender learns why."""
    message = request(action="nonsense", total_count="3", message_ts="x")

    header = header_of(message)

    assert (header.sender_id, header.message_id, header.total_count) == ("spmis.example.org", "m-1", 3)
    assert header.message_ts is None
    assert transaction_id_of(message) == "t-1"


@pytest.mark.parametrize("message", [None, 5, [], {}, {"header": 5, "message": 5}, {"message": {"transaction_id": 5}}])
def test_reading_a_header_for_a_refusal_never_fails(message):
    """Whatever came in, there is a header to build an answer from."""
    assert header_of(message).sender_id == ""
    assert transaction_id_of(message) == ""
