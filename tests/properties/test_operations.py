"""Readers of the operations: whatever a sender writes is read or refused, and nothing of it is repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.dci.asked import read_asked
from standards.dci.codes import RegType
from standards.dci.reading import ItemRefusedError
from standards.dci.specials import beneficiaries_of
from standards.dci.status import Became, read_status, told
from standards.dci.webinar import METHODS, read_webinar
from standards.errors import MalformedMessageError

T = TypeVar("T")
NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
CANARY = "Xanthippe4711"
WORDS = (
    "query", "query_type", "value", "type", "eq", "$eq", "$and", "person_identifier", "expression", "expression1",
    "attribute_name", "operator", "attribute_value", "identifier_type", "identifier_value", "response_entity", "UIN",
    "idtype-value", "predicate", "txnstatus_request", "reference_id", "txn_type", "attribute_type", "transaction_id",
    "search", "subscribe", "correlation_id", "payload", "search_request", "poverty_score", "min", "max", "region",
    "sortby", "fieldname", "beneficiaries", "member", "member_identifier", "Member", "",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.just(CANARY), st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from((*WORDS, CANARY)), inner, max_size=5)
    ),
    max_leaves=24,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6)


STATUS = st.fixed_dictionaries(
    {
        "reference_id": st.just("st-1"),
        "txn_type": st.sampled_from(["search", "SUBSCRIBE", "unsubscribe", "receipt", CANARY]),
        "attribute_type": st.sampled_from(
            ["transaction_id", "correlation_id", "reference_id_list", "subscription_code_list", CANARY]
        ),
        "attribute_value": st.one_of(st.just("r-1"), st.just(CANARY), st.lists(st.sampled_from(["r-1", "r-2"])), JSON),
    }
)


def outcome(read: Callable[[], T]) -> tuple[T | None, str]:
    """What was read, or the sentence that refuses it."""
    try:
        return read(), ""
    except ItemRefusedError as refused:
        return None, refused.message
    except MalformedMessageError as refused:
        return None, str(refused)


@given(criteria=st.one_of(JSON, OBJECTS, st.fixed_dictionaries({"query": OBJECTS})))
def test_criteria_are_read_or_refused_without_being_repeated(criteria):
    """Who a special question is about: one person, or a sentence that holds nothing of the message."""
    asked, why = outcome(lambda: read_asked(criteria))

    assert CANARY not in why
    assert why or (asked is not None and 0 < len(asked.subject.value) <= 99)


@given(request=st.one_of(STATUS, OBJECTS), reg_type=st.sampled_from([None, *RegType]))
def test_status_questions_are_read_or_refused_and_what_is_read_can_be_told(request, reg_type):
    """Whatever was asked, an answer can be built, of known messages and of unknown ones."""
    asked, why = outcome(lambda: read_status({"transaction_id": "t-1", "txnstatus_request": request}, reg_type))

    assert CANARY not in why
    if asked is None:
        return
    items: list[dict[str, Any]] = [{"reference_id": "r-1", "status": "succ"}, {"code": "S-1", "status": "subscribe"}]
    for found in ([], [Became("t-0", "c-0", "succ", items, NOW)]):
        payload = told(asked, found, reg_type, "c-1", NOW)
        assert payload["txnstatus_response"]["txn_type"] == asked.txn_type
        assert payload["txnstatus_response"]["txn_status"]["correlation_id"]


@pytest.mark.parametrize("method", METHODS)
@given(payload=OBJECTS, asked=st.one_of(OBJECTS, JSON))
def test_messages_of_2023_are_read_or_refused_without_being_repeated(method, payload, asked):
    """They become an item of today, or a sentence that says what to change."""
    item, why = outcome(lambda: read_webinar({"payload": {**payload, "search_request": asked}}, method, "c-1", NOW))

    assert CANARY not in why
    assert why or (item is not None and item["reference_id"] == "c-1")


@given(updates=JSON)
def test_numbers_are_looked_for_in_anything(updates):
    """Pushed enrolments may hold anything; what is a number in them is found, and nothing breaks."""
    for numbers in beneficiaries_of({"beneficiaries": updates}):
        assert all(number.type and number.value for number in numbers)
