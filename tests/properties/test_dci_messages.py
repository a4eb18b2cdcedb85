"""What holds for every message that may come in."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.attributes import NUMERIC, Catalogue, ValueType
from standards.codes import CodeDirectories
from standards.dci.codes import ErrorCode, HeaderReason, RegType, SearchReason
from standards.dci.search import (
    FilterQuery,
    IdQuery,
    RejectedItem,
    SearchItem,
    SearchMessage,
    answer_header,
    rejected_item,
    search_answer,
)
from standards.dci.validate import Leniency, header_of, read_search, transaction_id_of
from standards.errors import MalformedMessageError
from standards.filters import NEVER, Comparison

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
LENIENCY = Leniency(default_reg_type=RegType.SOCIAL)
CATALOGUE = Catalogue.load()
CODES = frozenset(ErrorCode) | frozenset(HeaderReason)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(
    [
        *("header", "message", "search_request", "search_criteria", "query", "query_type", "value", "type"),
        *("expression", "expression1", "expression2", "condition", "attribute_name", "operator", "attribute_value"),
        *("$and", "$or", "$not", "$lt", "$in", "$nin", "age", "sex", "UIN", "sort", "pagination", "page_size"),
        *("consent", "authorize", "purpose", "code", "locale", "reg_type", "predicate", "idtype-value", "in", "eq"),
        *("Social", "not", "and", "reference_id", "timestamp", "hearth:attributes", "2026-03-04T09:15:00Z"),
    ]
)
almost = st.recursive(
    words | scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6),
    max_leaves=30,
)


def message(items, transaction_id="t", **header):
    """Build a whole message around questions."""
    said = {"message_id": "m", "message_ts": NOW.isoformat(), "action": "search", "sender_id": "s"}
    return {
        "header": said | {"total_count": len(items)} | header,
        "message": {"transaction_id": transaction_id, "search_request": items},
    }


def question(criteria, reference_id="r"):
    """Build one question."""
    return {"reference_id": reference_id, "timestamp": NOW.isoformat(), "search_criteria": criteria}


def read(raw):
    """Read a message; None stands for a refusal with one of the standard's codes."""
    try:
        return read_search(raw, now=NOW, leniency=LENIENCY)
    except MalformedMessageError as refused:
        return None if refused.reason_code in CODES else pytest.fail(f"no such code: {refused.reason_code}")


@given(json | almost)
def test_no_json_breaks_the_reader(raw):
    """Whatever comes in is a message, or is refused with a code; and there is always a header to answer to."""
    found = read(raw)

    assert found is None or isinstance(found, SearchMessage)
    header_of(raw)
    transaction_id_of(raw)


@given(st.lists(almost, min_size=1, max_size=3))
def test_no_question_breaks_its_message(items):
    """In a whole message, whatever stands where a question belongs becomes an item, in its place."""
    found = read(message(items))

    assert len(found.items) == len(items)
    assert all(isinstance(item, SearchItem | RejectedItem) for item in found.items)


@given(almost, st.sampled_from(["predicate", "expression", "idtype-value"]))
@settings(max_examples=300)
def test_no_query_breaks_its_question(query, query_type):
    """Whatever stands where a query belongs becomes a question, or a rejection with a sentence."""
    (item,) = read(message([question({"query_type": query_type, "query": query})])).items

    if isinstance(item, RejectedItem):
        assert isinstance(item.code, SearchReason)
        assert 0 < len(item.message) < 999
    else:
        assert isinstance(item.query, IdQuery | FilterQuery)


@given(st.dictionaries(st.sampled_from(["message_id", "message_ts", "action", "total_count", "version", "meta"]), json))
def test_no_header_breaks_the_reader(header):
    """Any member of the header may be anything."""
    read(message([question({})], **header))


ids = st.text(min_size=1, max_size=99)


@given(ids, st.lists(ids, min_size=1, max_size=5, unique=True), st.text("0123456789", min_size=1, max_size=99))
def test_what_is_asked_comes_back(transaction_id, references, number):
    """Ids are echoed as given, in order, and the number asked about is the one that is looked for."""
    asked = {"query_type": "idtype-value", "query": {"type": "UIN", "value": number}}
    found = read(message([question(asked, reference) for reference in references], transaction_id))

    assert found.transaction_id == transaction_id
    assert [item.reference_id for item in found.items] == references
    assert {item.query.identifier for item in found.items} == {("UIN", number)}


def values_of(definition):
    """Return a strategy for the values of an attribute, as a consumer may write them, and as we read them."""
    if definition.codes:
        return st.sampled_from(list(CodeDirectories.load().codes(definition.codes))).map(lambda code: (code, code))
    if definition.type in NUMERIC:
        return st.integers(-(10**9), 10**9).flatmap(lambda n: st.sampled_from([(n, n), (str(n), n)]))
    if definition.type is ValueType.DATE:
        return st.dates().map(lambda day: (day.isoformat(), day.isoformat()))
    if definition.type is ValueType.BOOLEAN:
        return st.booleans().flatmap(lambda b: st.sampled_from([(b, b), (str(b), b)]))
    return st.text(min_size=1, max_size=200).filter(str.strip).map(lambda text: (text, text))


comparisons = st.sampled_from([d for d in CATALOGUE if d.type is not ValueType.IDENTIFIER]).flatmap(
    lambda definition: st.tuples(
        st.sampled_from([definition.name, definition.place, *definition.aliases]), values_of(definition)
    )
)


@given(comparisons, st.sampled_from(["lt", "le", "eq", "ge", "gt"]))
def test_both_forms_of_a_query_read_alike(comparison, operator):
    """A comparison means the same as a predicate and as an expression, under any name of its attribute."""
    name, (said, value) = comparison
    predicate = [{"expression1": {"attribute_name": name, "operator": operator, "attribute_value": said}}]
    mongo = {"le": "$lte", "ge": "$gte"}.get(operator, f"${operator}")
    expression = {"value": {"expression": {"query": {name: {mongo: said}}}}}

    found = read(
        message(
            [
                question({"query_type": "predicate", "query": predicate}, "a"),
                question({"query_type": "expression", "query": expression}, "b"),
            ]
        )
    )

    first, second = found.items
    assert first.query == second.query
    if first.query.filter != NEVER:  # codes without an order are never less or greater
        assert isinstance(first.query.filter, Comparison)
        assert first.query.filter.value == value


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_times_count_wherever_they_were_written(moment, offset):
    """A message is taken exactly when it is no older, and no more in the future, than allowed."""
    minutes = timedelta(minutes=offset)
    written = f"{moment.isoformat()}{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    age = (NOW.replace(tzinfo=None) - moment + minutes).total_seconds()

    taken = read(message([question({})], message_ts=written)) is not None

    assert taken == (-LENIENCY.future_s <= age <= LENIENCY.message_age_s)


@given(json | almost)
def test_a_refusal_never_repeats_what_was_sent(secret):
    """Whatever is refused, and however, its sentence is one of ours."""
    planted = f"Zz{secret!r}"[:60]
    asked = [{"expression1": {"attribute_name": "birth_date", "operator": "eq", "attribute_value": planted}}]
    (item,) = read(message([question({"query_type": "predicate", "query": asked})])).items

    assert planted not in item.message


@given(almost)
def test_a_refused_message_can_always_be_answered(raw):
    """What can be read of any message makes an answer that can be written down."""
    header = answer_header(
        header_of(raw), [], now=NOW, message_id="m", sender_id="g", reason_code="rjct.action.invalid"
    )
    item = rejected_item("r", SearchReason.FILTER_INVALID, "why", now=NOW)

    assert orjson.loads(orjson.dumps(search_answer(header, transaction_id_of(raw), "c", [item])))


def test_deep_messages_are_refused_quietly():
    """Nesting beyond reason ends in a rejection, not in an exhausted stack."""
    deep: object = 5
    for _ in range(100_000):
        deep = {"$not": deep}
    asked = {"query_type": "expression", "query": {"value": {"expression": {"query": deep}}}}

    assert read(message([question(asked)])).items[0].code is SearchReason.FILTER_INVALID
    with pytest.raises(MalformedMessageError):
        read_search(deep, now=NOW, leniency=LENIENCY)
    while isinstance(deep, dict):  # freed step by step: freeing it at once would exhaust the stack
        deep = deep["$not"]
