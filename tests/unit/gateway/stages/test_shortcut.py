"""Shortcuts: what has one, and that it says what CEL says."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stages.expression import FUNCTIONS, UNKNOWN, Expression, Scope, compiled
from gateway.stages.shortcut import KIND_OF, SMALL, fits, shortcut
from standards.attributes import Catalogue, Entity

CATALOGUE = Catalogue.load()
OWN = {"rooms": int, "size": int, "share": float, "is_head": bool, "sex": str, "list": None}
OF_MEMBER = {"age": int, "area": float, "is_dead": bool, "status": str}
KINDS = {**OWN, **OF_MEMBER}
INPUTS = {**dict.fromkeys(OWN, False), **dict.fromkeys(OF_MEMBER, True)}
DERIVED = [d for d in CATALOGUE if d.derived is not None]

VALUES = {
    int: st.integers(-SMALL + 1, SMALL - 1) | st.integers(-3, 120),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.floats(-100, 100),
    bool: st.booleans(),
    str: st.sampled_from(["dead", "alive", "", "2001-02-29", "1990-01-31", "é", "\U0001f642", "\ufb01"]),
}


def facts(kinds: Mapping[str, type | None], *, whole: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return what may be known of these names: everything, or only some of it."""
    values = {name: VALUES[kind] for name, kind in kinds.items() if kind is not None}
    return st.fixed_dictionaries(values) if whole else st.fixed_dictionaries({}, optional=values)


def known(own: Mapping[str, type | None], of_member: Mapping[str, type | None]) -> st.SearchStrategy[dict[str, Any]]:
    """Return everything that may be known when an expression runs."""

    def of(whole: bool) -> st.SearchStrategy[dict[str, Any]]:
        people = st.lists(facts(of_member, whole=whole), max_size=4)
        return st.builds(lambda o, m: {**o, "members": m, "today": "2026-02-28"}, facts(own, whole=whole), people)

    return st.booleans().flatmap(of)


def both(expression: Expression, scope: dict[str, Any]) -> tuple[Any, Any]:
    """Return what an expression gives with its shortcut, and by CEL alone."""
    quick = expression.evaluate(Scope(dict(scope), is_plain=True))
    return quick, expression.evaluate(Scope(dict(scope)))


@pytest.mark.parametrize("definition", DERIVED, ids=lambda d: d.name)
def test_every_derived_attribute_of_the_catalogue_has_one(definition):
    """And it says what CEL says, of the same type, whatever is known and whatever is not."""
    assert definition.derived is not None
    of_household = definition.entity is Entity.HOUSEHOLD
    inputs = {n: of_household and CATALOGUE[n].entity is Entity.PERSON for n in definition.derived.inputs}
    kinds = {n: KIND_OF.get(CATALOGUE[n].type) for n in inputs}
    expression = compiled(definition.name, definition.derived.expression, inputs, kinds)
    own, of_member = ({n: kinds[n] for n, of_one in inputs.items() if of_one is it} for it in (False, True))

    assert expression.quick is not None

    @settings(max_examples=60)
    @given(known(own, of_member))
    def says_what_cel_says(scope):
        quick, by_cel = both(expression, scope)
        assert (type(quick), quick) == (type(by_cel), by_cel)

    says_what_cel_says()


@pytest.mark.parametrize(
    "text",
    [
        "rooms - size + 1 > 3 || !is_head && sex != 'dead'",
        "!is_head == is_head",
        "share * 2.0 / share - 1.5",
        "double(rooms) / double(size)",
        'sex < "é" ? rooms : size > 2 ? 1 : 0',
        "rooms > 3 ? share : null",
        "size(members.filter(m, m.age < 5).filter(m, !m.is_dead)) > rooms",
        "sum(members.filter(m, m.is_dead).map(m, m.area))",
        "sum(members.map(m, m.age - rooms)) >= 10 && true",
        "least(members.map(m, m.age))",
        "mean(members.map(m, m.area * share))",
        'members.exists(m, m.status == "dead" || m.age > 5)',
        "members.all(m, m.age > 5 && m.is_dead == false)",
        "years_between(sex, today)",
    ],
)
def test_what_has_one_says_what_cel_says(text):
    """Also where signs bind otherwise than in Python, and where something is unknown."""
    expression = compiled("probe", text, INPUTS, KINDS)

    assert expression.quick is not None

    @settings(max_examples=60)
    @given(known(OWN, OF_MEMBER))
    def says_what_cel_says(scope):
        quick, by_cel = both(expression, scope)
        assert (type(quick), repr(quick)) == (type(by_cel), repr(by_cel))

    says_what_cel_says()


@pytest.mark.parametrize(
    "text",
    [
        "rooms * size",
        "rooms / size",
        "rooms % size",
        "-rooms",
        "rooms + share",
        "rooms == share",
        "rooms < 2.0",
        "is_head < is_head",
        "sex + sex",
        f"rooms < {SMALL}",
        "int(share)",
        "size(sex)",
        "size(list)",
        'sex == "a&&b"',
        "sum(members.map(m, m.area)) + 1.0",
        "years_between(sex, today) > 18",
        "members.map(m, m.age > 3, m.age)",
        "is_head ? rooms : sex",
        "(is_head ? rooms : size) > 3",
        "rooms in [1, 2]",
        'size(members.map(m, m.status == "dead" ? m.age : rooms)) == 2',
    ],
)
def test_what_python_might_say_otherwise_has_none(text):
    """It is left to CEL."""
    assert shortcut(text, OWN, OF_MEMBER, FUNCTIONS) is None


@pytest.mark.parametrize(
    ("value", "fitting"),
    [(3, True), (SMALL - 1, True), (SMALL, False), (-SMALL, False), (True, False), (3.0, False), ("3", False)],
)
def test_only_values_of_the_declared_type_take_it(value, fitting):
    """A number that might overflow in CEL does not, nor does a truth value where a number is due."""
    assert fits({"age": value}, KINDS) is fitting


def test_what_is_not_plain_goes_to_cel():
    """Whole numbers and others do not mix there, so that nothing is known of their sum."""
    expression = compiled("probe", "sum(members.map(m, m.area)) > 1.0", INPUTS)
    quick = compiled("probe", "rooms - size", INPUTS, KINDS)

    assert expression.quick is None
    assert quick.evaluate(Scope({"rooms": 2.5, "size": 1})) is UNKNOWN
    assert quick.evaluate(Scope({"rooms": 3, "size": 1}, is_plain=True)) == 2


def test_what_is_added_counts_for_both():
    """A scope that CEL has used learns further inputs, and stays plain only if these are."""
    scope = Scope({"rooms": 3}, is_plain=True)

    assert compiled("probe", "rooms * 2", INPUTS, KINDS).evaluate(scope) == 6
    scope.put({"size": 4}, is_plain=True)
    assert compiled("probe", "rooms * size", INPUTS, KINDS).evaluate(scope) == 12
    assert scope.is_plain
    scope.put({"share": 1}, is_plain=False)
    assert not scope.is_plain
