"""Reading special questions of DCI: what they ask about, and what is no question."""

import json

import pytest

from mocks.dci_query import RefusedItemError
from mocks.specials import Special, asked_about, refusal_of, special, stamped

HEADER = {
    "message_id": "m-1",
    "message_ts": "2026-09-30T08:00:00+00:00",
    "action": "search",
    "sender_id": "hearth.pv",
    "total_count": 1,
}


def body(header=HEADER, **message):
    """Return a message as it arrives."""
    return json.dumps({"header": header, "message": message}).encode()


def question(query, **criteria):
    """Return a question with a query."""
    return Special(HEADER, "t-1", {"query": query, **criteria})


def test_a_whole_question_is_read():
    """Its header, its transaction and what it asks."""
    read = special(body(transaction_id="t-1", disabled_criteria={"query": {}}), "disabled_criteria")

    assert read == Special(HEADER, "t-1", {"query": {}})
    assert refusal_of(read, "search") is None


@pytest.mark.parametrize(
    "sent",
    [
        b"{",
        b"[]",
        b"{}",
        body(transaction_id="t-1"),
        body(disabled_criteria={}),
        body(transaction_id="t" * 100, disabled_criteria={}),
        body(transaction_id="t-1", disabled_criteria=[]),
        body(HEADER | {"message_id": ""}, transaction_id="t-1", disabled_criteria={}),
        body({key: value for key, value in HEADER.items() if key != "sender_id"}, transaction_id="t-1"),
    ],
)
def test_what_is_no_question_is_an_error(sent):
    """Anything without header, transaction and the operation's own member."""
    with pytest.raises(ValueError, match=r"message|header|body"):
        special(sent, "disabled_criteria")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"action": "subscribe"}, "rjct.action.invalid"), ({"message_ts": "today"}, "rjct.message_ts.invalid")],
)
def test_a_header_that_does_not_fit_refuses_the_whole(change, code):
    """With the code of the standard."""
    assert refusal_of(Special(HEADER | change, "t-1", {}), "search") == code


@pytest.mark.parametrize(
    "query",
    [
        {"person_identifier": {"eq": "1"}},
        {"person_identifier": {"$eq": "1"}},
        {"person_identifier": "1"},
        {"member.member_identifier": {"eq": "1"}},
        {"personal_details.member_identifier": {"eq": "1"}},
    ],
)
def test_a_person_is_named_in_many_ways(query):
    """Whatever the path before the last part."""
    assert asked_about(question(query)) == ("1", None)


def test_a_programme_may_be_named_too():
    """At the end of the documented path."""
    query = {"person_identifier": {"eq": "1"}, "programme_identifier.program.programme_identifier": {"eq": "CG-01"}}

    assert asked_about(question(query)) == ("1", "CG-01")
    assert asked_about(question({"type": "UIN", "value": "1"}, query_type="idtype-value")) == ("1", None)


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        {},
        {"programme_identifier": {"eq": "CG-01"}},
        {"person_identifier": {"eq": "1"}, "member_identifier": {"eq": "2"}},
        {"person_identifier": {"lt": "1"}},
        {"person_identifier": {"eq": "1", "lt": "2"}},
        {"person_identifier": {"eq": ""}},
        {"person_identifier": {"eq": 1}},
        {"income": {"eq": "1"}},
        {f"a{n}.person_identifier": {"eq": "1"} for n in range(6)},
    ],
)
def test_a_query_without_one_person_is_refused(query):
    """It is answered neither yes nor no."""
    with pytest.raises(RefusedItemError) as refused:
        asked_about(question(query))

    assert refused.value.code == "rjct.search_criteria.invalid"


def test_items_get_references_of_their_own():
    """The message's own for one, a number after it for several, within the length the standard sets."""
    long = Special(HEADER | {"message_id": "m" * 99}, "t-1", {})

    assert stamped(Special(HEADER, "t-1", {}))["reference_id"] == "m-1"
    assert stamped(Special(HEADER, "t-1", {}), "rjct", 3)["reference_id"] == "m-1-3"
    assert len(stamped(long, "succ", 999)["reference_id"]) <= 99
