"""Reading queries into questions by number and filter trees."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from standards.attributes import Catalogue
from standards.dci.codes import SearchReason
from standards.dci.comparisons import MAX_TEXT, MAX_VALUES, MIN_PART
from standards.dci.criteria import MAX_COMPARISONS, MAX_DEPTH, read_query
from standards.dci.question import MAX_SORT_KEYS
from standards.dci.search import FilterQuery, IdQuery
from standards.filters import NEVER, Any_, Comparison, Every, Not, TextOperator
from standards.identifiers import Identifier
from standards.permit import Operator
from tests.unit.standards.dci.messages import question, read_one

YOUNG = Comparison("age", Operator.LT, 5)
POOR = Comparison("poverty_score", Operator.LE, 2.5)
FEMALE = Comparison("sex", Operator.EQ, "female")


def says(name, operator, value):
    """Return an expression of a predicate."""
    return {"attribute_name": name, "operator": operator, "attribute_value": value}


def predicate(*entries, query_type="predicate"):
    """Read a predicate query."""
    return read_one(question(query_type=query_type, query=list(entries)))


def one(name, operator, value):
    """Read a predicate query of a single comparison, and return its filter."""
    item = predicate({"expression1": says(name, operator, value)})
    return item.query.filter if hasattr(item, "query") else item


def expression(document, type_="ns:org:QueryType:expression"):
    """Read an expression query."""
    query = {"type": type_, "value": {"expression": {"collection": "Group", "query": document}}}
    return read_one(question(query_type="expression", query=query))


def test_predicates_become_a_filter():
    """Entries are joined by and; inside an entry its condition joins."""
    item = predicate(
        {
            "seq_num": 1,
            "expression1": says("age", "lt", 5),
            "condition": "and",
            "expression2": says("sex", "eq", "f"),
        },
        {
            "seq_num": "",
            "expression1": says("age", "lt", "5"),
            "condition": "OR",
            "expression2": says("poverty_score", "le", "2.5"),
        },
    )

    assert item.query.filter == Every((Every((YOUNG, FEMALE)), Any_((YOUNG, POOR))))


def test_not_joins_the_first_with_none_of_the_others():
    """`not` between two reads as and-not; with one expression alone it negates that."""
    both = predicate({"expression1": says("age", "lt", 5), "condition": "not", "expression2": says("sex", "eq", "f")})
    alone = predicate({"expression1": says("sex", "eq", "f"), "condition": "not", "expression2": ""})

    assert both.query.filter == Every((YOUNG, Not(FEMALE)))
    assert alone.query.filter == Not(FEMALE)


def test_the_third_expression_of_the_samples_counts():
    """Official samples write a third expression; it is joined like the second, in numeric order."""
    item = predicate(
        {
            "expression1": says("age", "lt", 5),
            "condition": "or",
            "expression3": says("sex", "eq", "f"),
            "expression2": says("poverty_score", "lte", 2.5),
        }
    )

    assert item.query.filter == Any_((YOUNG, POOR, FEMALE))


def test_an_array_is_a_predicate_whatever_it_is_called():
    """Samples label predicate arrays as expression."""
    assert predicate({"expression1": says("age", "lt", 5)}, query_type="expression").query.filter == YOUNG


@pytest.mark.parametrize(
    ("name", "operator", "said", "value"),
    [
        ("sex", "eq", "m", "male"),
        ("education_level", "lt", "3", "3"),
        ("sex", "in", "m, FEMALE", ("male", "female")),
        ("sex", "in", ["male"], ("male",)),
        ("age", "gte", "25", 25),
        ("poverty_score", "eq", "2.50", 2.5),
        ("is_disabled", "eq", "true", True),
        ("birth_date", "ge", "1950-01-01", "1950-01-01"),
        ("birth_date", "ge", "1950-01-01T23:30:00-05:00", "1950-01-01"),
        ("surname", "eq", 5, "5"),
        ("uin", "in", "12 34,56", ("1234", "56")),
        ("uin", "gt", 1234, "1234"),
        ("demographic_info.address[0].region_code", "eq", "PV-1", "PV-1"),
    ],
)
def test_values_take_the_attributes_type(name, operator, said, value):
    """Words become codes, numeric strings numbers, lists tuples."""
    assert one(name, operator, said).value == value


@pytest.mark.parametrize(
    ("name", "operator", "value"),
    [
        ("nonsense", "eq", 5),
        ("", "eq", 5),
        (None, "eq", 5),
        ("x" * 300, "eq", 5),
        ("age", "like", 5),
        ("age", None, 5),
        ("age", "eq", "young"),
        ("age", "eq", True),
        ("age", "eq", None),
        ("age", "eq", ""),
        ("age", "eq", [5]),
        ("age", "eq", {"value": 5}),
        ("age", "eq", "1e999"),
        ("sex", "eq", "nonsense"),
        ("sex", "eq", 5),
        ("sex", "in", []),
        ("sex", "in", {}),
        ("sex", "in", "m,,f"),
        ("sex", "in", ["m"] * 300),
        ("birth_date", "eq", "01.02.1990"),
        ("birth_date", "eq", 1990),
        ("is_disabled", "eq", 1),
        ("surname", "eq", True),
        ("surname", "eq", "x" * 300),
        ("uin", "eq", "x" * 100),
        ("uin", "eq", True),
        ("DRN", "gt", "D1"),
    ],
)
def test_comparisons_that_cannot_be_made_are_rejected(name, operator, value):
    """An unknown attribute or operator, or a value of another type, is a fault of the filter."""
    assert one(name, operator, value).code is SearchReason.FILTER_INVALID


@pytest.mark.parametrize(
    ("name", "value", "identifier"),
    [
        ("UIN", "847951632", Identifier("UIN", "847951632")),
        ("uin", 847951632, Identifier("UIN", "847951632")),
        ("NationalID", "1", Identifier("UIN", "1")),
        ("household_id", "hh-1", Identifier("HOUSEHOLD_ID", "HH-1")),
        ("DRN", "D1", Identifier("DRN", "D1")),
        ("member.demographic_info.uin", "1", Identifier("UIN", "1")),
    ],
)
def test_an_identifier_that_equals_a_value_is_a_question_by_number(name, value, identifier):
    """However it is written, asking for one number is asking for one person or household."""
    assert predicate({"expression1": says(name, "eq", value)}).query == IdQuery(identifier)
    assert expression({"$and": [{name: {"$eq": value}}]}).query == IdQuery(identifier)


def test_an_identifier_among_other_conditions_is_a_comparison():
    """A number with more conditions stays a filter; one that is no attribute can only be asked alone."""
    among = predicate({"expression1": says("UIN", "eq", "1"), "expression2": says("age", "lt", 5)})
    not_ours = predicate({"expression1": says("DRN", "eq", "1"), "expression2": says("age", "lt", 5)})

    assert among.query.filter == Every((Comparison("uin", Operator.EQ, "1"), YOUNG))
    assert not_ours.code is SearchReason.FILTER_INVALID


@pytest.mark.parametrize(
    ("document", "filter"),
    [
        ({"age": {"$lt": 5}}, YOUNG),
        ({"age": {"$lt": 5}, "sex": {"$eq": "f"}}, Every((YOUNG, FEMALE))),
        ({"age": {"$gte": 1, "$lt": 5}}, Every((Comparison("age", Operator.GE, 1), YOUNG))),
        ({"$or": [{"age": {"$lt": 5}}, {"poverty_score": {"$lte": 2.5}}]}, Any_((YOUNG, POOR))),
        ({"$not": {"age": {"$lt": 5}}}, Not(YOUNG)),
        ({"age": {"$not": {"$lt": 5}}}, Not(YOUNG)),
        ({"sex": {"$ne": "f"}}, Not(FEMALE)),
        ({"sex": {"$nin": ["f"]}}, Not(Comparison("sex", Operator.IN, ("female",)))),
        ({"sex": {"$in": ["f", "m"]}}, Comparison("sex", Operator.IN, ("female", "male"))),
        ({"age": {"$gt": 5}}, Comparison("age", Operator.GT, 5)),
    ],
)
def test_expressions_become_a_filter(document, filter):
    """Every operator of the grammar is read."""
    assert expression(document).query.filter == filter


@pytest.mark.parametrize("type_", ["", "ns:org:QueryType:NoSql", "EXPRESSION"])
def test_expressions_go_by_several_names(type_):
    """The samples call the same shape NoSql."""
    assert expression({"age": {"$lt": 5}}, type_).query.filter == YOUNG


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"age": 5},
        {"age": {}},
        {"age": {"lt": 5}},
        {"age": {"$regex": "5"}},
        {"$where": "true"},
        {"$and": []},
        {"$and": {}},
        {"$and": [5]},
        {"$or": [{}] * 100},
        {"$not": []},
        {"age": {"$not": {}}},
    ],
)
def test_the_grammar_is_closed(document):
    """What the grammar does not name is a fault of the filter."""
    assert expression(document).code is SearchReason.FILTER_INVALID


def nested(depth):
    """Return a document that nests that deep."""
    document: dict[str, Any] = {"age": {"$lt": 5}}
    for _ in range(depth - 2):
        document = {"$not": document}
    return document


def test_nesting_is_bounded():
    """Depth is counted in objects; one more than allowed is refused."""
    assert isinstance(expression(nested(MAX_DEPTH)).query, FilterQuery)
    assert expression(nested(MAX_DEPTH + 1)).code is SearchReason.FILTER_INVALID
    assert expression(nested(900)).code is SearchReason.FILTER_INVALID


def test_comparisons_are_bounded():
    """A query cannot be made expensive by its length."""
    most = [{"age": {"$lt": n}} for n in range(MAX_COMPARISONS)]
    more = {"$or": [{"$or": most}, {"age": {"$lt": 5}}]}

    assert isinstance(expression({"$or": most}).query, FilterQuery)
    assert expression(more).code is SearchReason.FILTER_INVALID
    assert (
        predicate(*[{"expression1": says("age", "lt", 5)}] * (MAX_COMPARISONS + 1)).code is SearchReason.FILTER_INVALID
    )


@pytest.mark.parametrize(
    "query",
    [
        {"type": "UIN", "value": "847951632"},
        {"type": "ns:org:IdType:UIN", "value": 847951632},
        {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": "847951632"}},
        {"id_type": "NID", "id_value": "847 951 632"},
    ],
)
@pytest.mark.parametrize("query_type", ["idtype-value", "idtype", "IDTYPE-VALUE"])
def test_numbers_are_read_in_every_known_shape(query, query_type):
    """Older and other systems' shapes of the same question are understood."""
    assert read_one(question(query_type=query_type, query=query)).query == IdQuery(Identifier("UIN", "847951632"))


@pytest.mark.parametrize(
    ("query_type", "query"),
    [
        (None, {"type": "UIN", "value": "1"}),
        ("template", {"type": "UIN", "value": "1"}),
        (5, {"type": "UIN", "value": "1"}),
        ("graphql", {"type": "ns:org:QueryType:graphql", "value": {"expression": "query { x }"}}),
        ("idtype-value", None),
        ("idtype-value", []),
        ("idtype-value", {"type": "UIN"}),
        ("idtype-value", {"type": "UIN", "value": "x" * 100}),
        ("idtype-value", {"type": "UIN", "value": True}),
        ("idtype-value", {"type": "UIN", "value": 1.5}),
        ("idtype-value", {"type": "", "value": "1"}),
        ("predicate", None),
        ("predicate", []),
        ("predicate", [5]),
        ("predicate", [{}]),
        ("predicate", [{"expression2": says("age", "lt", 5)}]),
        ("predicate", [{"expression1": "age < 5"}]),
        ("expression", None),
        ("expression", {}),
        ("expression", {"type": "ns:org:QueryType:graphql", "value": {"expression": {"query": {"age": {"$lt": 5}}}}}),
        ("expression", {"value": {"expression": "age < 5"}}),
        ("namedQuery", {"query_name": "getBirth", "query_params": {"BRN": "1"}}),
    ],
)
def test_unusable_queries_are_rejected(query_type, query):
    """A query that cannot be read is a fault of the criteria."""
    assert read_one(question(query_type=query_type, query=query)).code is SearchReason.SEARCH_CRITERIA_INVALID


@pytest.mark.parametrize("condition", ["xor", 5])
def test_an_unknown_condition_is_rejected(condition):
    """Conditions are a closed list."""
    item = predicate({"expression1": says("age", "lt", 5), "condition": condition})

    assert item.code is SearchReason.FILTER_INVALID


def test_the_text_of_a_filter_shows_no_value():
    """Plans and journals get the shape of a question, never what was compared with."""
    item = expression(
        {
            "$or": [
                {"surname": {"$eq": "Moyo"}},
                {"$not": {"age": {"$lt": 37}}},
                {"sex": {"$eq": "f"}, "rooms": {"$gt": 2}},
            ]
        }
    )

    assert item.query.text == "surname eq ? or not (age lt ?) or (sex eq ? and rooms gt ?)"


@pytest.mark.parametrize(
    "query",
    [
        [{"expression1": says("age", "eq", "Moyo")}],
        [{"expression1": says("Moyo", "eq", 5)}],
        [{"expression1": says("sex", "Moyo", 5)}],
        [{"expression1": says("sex", "in", ["Moyo"])}],
        [{"expression1": says("birth_date", "eq", "Moyo")}],
        [{"expression1": says("uin", "eq", "Moyo" * 30)}],
    ],
)
def test_refusals_never_repeat_the_message(query):
    """What was sent may be personal; the sentence says what to change, not what was said."""
    assert "Moyo" not in read_one(question(query_type="predicate", query=query)).message


def test_codes_without_an_order_are_never_less_or_greater():
    """`sex lt m` holds for nobody, whatever the letters say; the value is still checked."""
    catalogue = Catalogue.load()
    compared = {"attribute_name": "gender", "operator": "lt", "attribute_value": "m"}

    query = read_query(catalogue, "predicate", [{"expression1": compared}])

    assert isinstance(query, FilterQuery)
    assert query.filter == NEVER


README = (Path(__file__).resolve().parents[4] / "standards" / "README.md").read_text(encoding="utf-8")


def test_the_documented_example_is_read():
    """The expression in standards/README.md is understood, every part of it."""
    (example,) = re.findall(r"```json\n(\{\"\$and\".*?)```", README, re.DOTALL)

    item = expression(json.loads(example))

    assert item.query.text == (
        "(poverty_score ge ? and poverty_score lt ?) and registered_size in ? and "
        "(region_code eq ? or locality starts with ?) and not (not (sex eq ?))"
    )


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("nesting", MAX_DEPTH),
        ("comparisons of one query", MAX_COMPARISONS),
        ("values of one `$in` or `$nin`", MAX_VALUES),
        ("text compared with", f"{MAX_TEXT} characters; a part of a text at least {MIN_PART}"),
        ("keys of `sort`", MAX_SORT_KEYS),
    ],
)
def test_the_documented_bounds_are_the_ones_that_hold(words, bound):
    """Every bound of a query stands in standards/README.md as it is."""
    assert f"| {words} | {bound} |" in README


@pytest.mark.parametrize(
    ("word", "operator"),
    [
        ("$contains", TextOperator.CONTAINS),
        ("$startsWith", TextOperator.STARTS_WITH),
        ("$endsWith", TextOperator.ENDS_WITH),
    ],
)
def test_texts_can_be_looked_into(word, operator):
    """A part of a text is compared by an operator of its own."""
    assert expression({"locality": {word: " Lake "}}).query.filter == Comparison("locality", operator, "Lake")


def test_a_list_contains_a_whole_entry():
    """Of a list, `$contains` is the same as being one of its entries."""
    assert expression({"immunisations": {"$contains": "BCG"}}).query.filter == Comparison(
        "immunisations", Operator.EQ, "BCG"
    )


@pytest.mark.parametrize(
    "document",
    [
        {"uin": {"$startsWith": "100"}},
        {"age": {"$contains": "1"}},
        {"sex": {"$endsWith": "male"}},
        {"birth_date": {"$startsWith": "19"}},
        {"locality": {"$startsWith": "L"}},
        {"locality": {"$startsWith": "L" * 256}},
        {"locality": {"$startsWith": ["Lake"]}},
        {"nothing_of_that_name": {"$contains": "Lake"}},
        {"locality": {"$regex": "L.*"}},
    ],
)
def test_what_is_no_text_cannot_be_looked_into(document):
    """Numbers of people, codes, dates and single letters are refused; so is every other operator."""
    assert expression(document).code is SearchReason.FILTER_INVALID


def test_looking_into_texts_counts_as_comparing():
    """The bound on comparisons holds for these as well."""
    many = [{"locality": {"$contains": f"Lake {n}"}} for n in range(MAX_COMPARISONS)]

    assert not hasattr(expression({"$and": many}), "code")
    assert (
        expression({"$and": [{"$and": many}, {"locality": {"$contains": "Town"}}]}).code is SearchReason.FILTER_INVALID
    )
