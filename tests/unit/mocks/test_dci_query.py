"""Queries match what they say, sorting is total and stable, pages cover everything once."""

from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.dci_query import (
    LARGEST_PAGE,
    Attribute,
    Page,
    RefusedItemError,
    expression,
    on_page,
    ordered,
    page,
    predicate,
)


class Hut(NamedTuple):
    score: float
    built: str | None = None
    region: str = "PV-1"
    lit: bool = False


ATTRIBUTES = {
    "score": Attribute("number", lambda hut: hut.score),
    "built": Attribute("date", lambda hut: hut.built),
    "region": Attribute("text", lambda hut: hut.region),
    "lit": Attribute("flag", lambda hut: hut.lit),
}
HUTS = [
    Hut(2, "1990-02-01", "PV-1", lit=True),
    Hut(5, None, "PV-2"),
    Hut(9.5, "2001-12-31", "PV-3"),
    Hut(5, "1985-01-01", "PV-4", lit=True),
]


def clause(name, sign, value):
    """Return one comparison of a predicate."""
    return {"attribute_name": name, "operator": sign, "attribute_value": value}


def entry(first, condition=None, second=None):
    """Return one entry of a predicate query."""
    return {"seq_num": 1, "expression1": first} | ({"condition": condition, "expression2": second} if condition else {})


def document(query):
    """Return an expression query around a document."""
    return {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Hut", "query": query}}}


def matching(test):
    """Return the places of the huts that match."""
    return [place for place, hut in enumerate(HUTS) if test(hut)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([entry(clause("score", "eq", 5))], [1, 3]),
        ([entry(clause("score", "lt", 5))], [0]),
        ([entry(clause("score", "le", 5))], [0, 1, 3]),
        ([entry(clause("score", "gt", 5))], [2]),
        ([entry(clause("score", "ge", "5"))], [1, 2, 3]),
        ([entry(clause("score", "gte", 5.0))], [1, 2, 3]),
        ([entry(clause("score", "in", "2, 9.5"))], [0, 2]),
        ([entry(clause("region", "in", ["PV-1", "PV-4"]))], [0, 3]),
        ([entry(clause("built", "ge", "1990-02-01"))], [0, 2]),
        ([entry(clause("built", "lt", "1990-02-01T00:00:00+00:00"))], [3]),
        ([entry(clause("lit", "eq", True))], [0, 3]),
        ([entry(clause("lit", "eq", "false"))], [1, 2]),
        ([entry(clause("score", "ge", 5), "and", clause("score", "le", 6))], [1, 3]),
        ([entry(clause("score", "lt", 3), "or", clause("score", "gt", 9))], [0, 2]),
        ([entry(clause("score", "le", 5), "not", clause("lit", "eq", True))], [1]),
        ([entry(clause("score", "ge", 5)) | {"condition": "not"}], [0]),
        ([entry(clause("score", "ge", 5)) | {"expression2": clause("score", "le", 6)}], [1, 3]),
        ([entry(clause("score", "le", 5)), entry(clause("region", "eq", "PV-4"))], [3]),
        (entry(clause("region", "eq", "PV-2")), [1]),
    ],
)
def test_a_predicate_matches_what_it_says(query, expected):
    """Entries hold together; what has no value matches nothing."""
    assert matching(predicate(query, ATTRIBUTES)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"score": 5}, [1, 3]),
        ({"score": {"$eq": 5}}, [1, 3]),
        ({"score": {"$gte": 5, "$lt": 9}}, [1, 3]),
        ({"score": {"$lte": 5}, "lit": {"$eq": True}}, [0, 3]),
        ({"$and": [{"score": {"$gt": 2}}, {"score": {"$lt": 9}}]}, [1, 3]),
        ({"$or": [{"score": {"$lt": 3}}, {"region": {"$in": ["PV-3"]}}]}, [0, 2]),
        ({"$or": [{"$and": [{"score": 5}, {"lit": True}]}, {"region": "PV-1"}]}, [0, 3]),
        ({"built": {"$gt": "1990-02-01"}}, [2]),
    ],
)
def test_an_expression_matches_what_it_says(query, expected):
    """Conditions side by side hold together, and `$and` and `$or` nest."""
    assert matching(expression(document(query), ATTRIBUTES)) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ([], "rjct.search_criteria.invalid"),
        ("score < 5", "rjct.search_criteria.invalid"),
        ([{}], "rjct.search_criteria.invalid"),
        ([entry(clause("score", "near", 5))], "rjct.search_criteria.invalid"),
        ([entry(clause("score", "eq", 5), "xor", clause("score", "eq", 5))], "rjct.search_criteria.invalid"),
        ([{"expression1": clause("score", "eq", 5), "condition": "and"}], "rjct.search_criteria.invalid"),
        ([entry(clause("colour", "eq", 5))], "rjct.filter.invalid"),
        ([entry(clause("score", "eq", "many"))], "rjct.filter.invalid"),
        ([entry(clause("score", "in", 5))], "rjct.filter.invalid"),
        ([entry(clause("built", "eq", "yesterday"))], "rjct.filter.invalid"),
        ([entry(clause("lit", "eq", 1))], "rjct.filter.invalid"),
        ([entry(clause("region", "eq", None))], "rjct.filter.invalid"),
    ],
)
def test_an_unusable_predicate_is_refused(query, code):
    """A filter that cannot be meant is told apart from a query that cannot be read."""
    with pytest.raises(RefusedItemError) as refusal:
        predicate(query, ATTRIBUTES)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        {},
        {"value": {}},
        document({}),
        document({"$and": {}}),
        document({"$or": []}),
        document({"score": {}}),
        document({"score": {"lt": 5}}),
        document({"$nor": [{"score": 5}]}),
        document({"colour": 5}),
    ],
)
def test_an_unusable_expression_is_refused(query):
    """What is no document of known conditions is refused."""
    with pytest.raises(RefusedItemError):
        expression(query, ATTRIBUTES)


@given(st.integers(-3, 12), st.sampled_from(["eq", "lt", "gt", "le", "ge"]))
def test_both_forms_mean_the_same(value, sign):
    """A comparison matches the same huts as a predicate and as an expression."""
    spelled = {"le": "lte", "ge": "gte"}.get(sign, sign)

    assert matching(predicate([entry(clause("score", sign, value))], ATTRIBUTES)) == matching(
        expression(document({"score": {f"${spelled}": value}}), ATTRIBUTES)
    )


def test_sorting_puts_those_without_a_value_last():
    """Both ways, and equal ones keep their order."""
    upwards = ordered(HUTS, [{"attribute_name": "built", "sort_order": "asc"}], ATTRIBUTES)
    downwards = ordered(HUTS, [{"attribute_name": "built", "sort_order": "desc"}], ATTRIBUTES)

    assert [hut.built for hut in upwards] == ["1985-01-01", "1990-02-01", "2001-12-31", None]
    assert [hut.built for hut in downwards] == ["2001-12-31", "1990-02-01", "1985-01-01", None]


def test_later_sort_keys_settle_ties():
    """The first attribute counts first."""
    keys = [{"attribute_name": "score"}, {"attribute_name": "region", "sort_order": "desc"}]

    assert [(hut.score, hut.region) for hut in ordered(HUTS, keys, ATTRIBUTES)] == [
        (2, "PV-1"),
        (5, "PV-4"),
        (5, "PV-2"),
        (9.5, "PV-3"),
    ]


@pytest.mark.parametrize(
    "sort",
    ["score", [{}], ["score"], [{"attribute_name": "colour"}], [{"attribute_name": "score", "sort_order": "up"}]],
)
def test_an_unusable_order_is_refused(sort):
    """Sorting by something unknown is refused, not ignored."""
    with pytest.raises(RefusedItemError) as refusal:
        ordered(HUTS, sort, ATTRIBUTES)

    assert refusal.value.code == "rjct.sort.invalid"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, Page(10, 1)),
        ({"page_size": 3}, Page(3, 1)),
        ({"page_size": 3, "page_number": 4}, Page(3, 4)),
        ({"page_size": 10**9}, Page(LARGEST_PAGE, 1)),
    ],
)
def test_a_page_is_read(wanted, expected):
    """Without pagination there are ten to a page, and never more than the registry gives."""
    assert page(wanted) == expected


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        {},
        {"page_size": 0},
        {"page_size": -1},
        {"page_size": "10"},
        {"page_size": 2.5},
        {"page_size": True},
        {"page_size": 1, "page_number": 0},
    ],
)
def test_an_unusable_page_is_refused(wanted):
    """Pages count from 1 and hold at least one."""
    with pytest.raises(RefusedItemError) as refusal:
        page(wanted)

    assert refusal.value.code == "rjct.pagination.invalid"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (clause("rooms", "eq", "2"), [[1, 2], [2]]),
        (clause("rooms", "gt", "2"), [[4]]),
        (clause("rooms", "in", "1,4"), [[1, 2], [4]]),
        (clause("rooms", "le", "9"), [[1, 2], [2], [4]]),
    ],
)
def test_one_of_several_values_is_enough(asked, expected):
    """A thing matches when any of its values does, and never without one."""
    attributes = {"rooms": Attribute("number", tuple)}
    test = predicate([entry(asked)], attributes)

    assert [rooms for rooms in ([1, 2], [2], [], [4]) if test(rooms)] == expected


@given(st.lists(st.integers(), max_size=50), st.integers(1, 12))
def test_pages_cover_everything_once(things, size):
    """One page after the other gives the whole, in order; the one after the last is empty."""
    last = -(-len(things) // size)
    pages = [on_page(things, Page(size, number)) for number in range(1, last + 2)]

    assert [one for shown in pages for one in shown] == things
    assert not pages[-1]


@given(st.dates(date(1900, 1, 1), date(2030, 1, 1)), st.dates(date(1900, 1, 1), date(2030, 1, 1)))
def test_dates_compare_as_dates(built, asked):
    """The text form of a date keeps its order."""
    test = predicate([entry(clause("built", "lt", asked.isoformat()))], ATTRIBUTES)

    assert test(Hut(1, built.isoformat())) == (built < asked)
