"""Queries in GraphQL, read and answered."""

from typing import Any

import pytest

from mocks.graphql import QueryError, execute, parse

THING = {"__typename": "Thing", "name": "box", "size": 3, "inner": {"__typename": "Inner", "flag": True}, "none": None}


def ask(text, variables=None, given=None):
    """Answer a query about one thing, or a list of it; `given` takes the arguments it was asked with."""

    def thing(arguments):
        if given is not None:
            given.update(arguments)
        return THING

    return execute(parse(text), variables or {}, {"thing": thing, "things": lambda _: [THING, None]})


def test_what_is_selected_is_told():
    """By its alias, nested, in lists, and nothing beside it."""
    told = ask("{ a: thing { n: name inner { flag } none { x } } things { size __typename } __typename }")

    assert told == {
        "a": {"n": "box", "inner": {"flag": True}, "none": None},
        "things": [{"size": 3, "__typename": "Thing"}, None],
        "__typename": "Query",
    }


def test_arguments_are_values_or_variables():
    """Literals of every kind, variables and their defaults."""
    given: dict[str, Any] = {}
    ask(
        'query Q($a: Int!, $b: [String!] = ["x"], $c: ID) '
        '{ thing(a: $a, b: $b, c: $c, d: "q\\"}", e: -1.5, f: [1, true, null]) { size } } # the end',
        {"a": 2, "c": 7},
        given,
    )

    assert given == {"a": 2, "b": ["x"], "c": 7, "d": 'q"}', "e": -1.5, "f": [1, True, None]}


def test_hostile_text_in_a_variable_stays_a_value():
    """It is never read as part of the query."""
    given: dict[str, Any] = {}
    ask("query ($a: String) { thing(a: $a) { size } }", {"a": '") { secrets } } {'}, given)

    assert given == {"a": '") { secrets } } {'}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("{", {}),
        ("{ }", {}),
        ("{ thing }", {}),
        ("{ thing { name { x } } }", {}),
        ("{ thing { other } }", {}),
        ("{ other { name } }", {}),
        ("{ thing { name } } { thing { name } }", {}),
        ("{ thing { ...f } }", {}),
        ("{ thing @skip(if: true) { name } }", {}),
        ("subscription { thing { name } }", {}),
        ("{ thing(a: $a) { name } }", {"a": 1}),
        ("{ thing(a: $a) { name } }", {}),
        ("query ($a: Int) { thing(a: $b) { name } }", {}),
        ("query ($a: Int!) { thing(a: $a) { name } }", {}),
        ("query ($a: Int) { thing(a: $a) { name } }", {"a": "1"}),
        ("query ($a: [ID!]) { thing(a: $a) { name } }", {"a": [None]}),
        ("query ($a: Boolean) { thing(a: $a) { name } }", {"a": 1}),
        ("query ($a: Odd) { thing(a: $a) { name } }", {"a": 1}),
        ("query ($a: Int) { thing(a: word) { name } }", {}),
        ("{ thing { ; } }", {}),
        ("{ a" * 20 + "}" * 20, {}),
    ],
)
def test_everything_else_is_refused(text, variables):
    """In words that hold nothing of what was given."""
    with pytest.raises(QueryError):
        ask(text, variables)


def test_an_error_says_where():
    """The path to the field, by its aliases and places in lists."""
    with pytest.raises(QueryError) as refused:
        ask("{ many: things { gone } }")

    assert refused.value.path == ("many", 0, "gone")
