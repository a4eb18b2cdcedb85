"""Records of single registries: whatever part of one is told, it fits its schema; nobody else's word gets into it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.api.views.view import SINGLE, Shape, schema_of
from gateway.show import Values
from gateway.stages.single import Single, narrowed
from standards.dci.parts import known_parts, load
from standards.dci.shapes import as_released, listed, records_of, shapes
from standards.permit import Form, FormKind
from tests.builders import CATALOGUE, PLANNER, item
from tests.samples import sample
from tests.unit.policies.builders import VALUE, agreement, permit

SHAPES = st.sampled_from(sorted(SINGLE))
KINDS = tuple(SINGLE)
NUMBERS = ("UIN", "BRN", "TIN", "LEARNER_NUMBER", "PATIENT_NUMBER", "MEMBER_ID", "PWD_ID")
HELD = {shape: sorted(shapes()[SINGLE[shape]].names) for shape in KINDS}


@st.composite
def parts(draw: st.DrawFn) -> tuple[Shape, frozenset[str]]:
    """A shape, and some of what its records hold."""
    shape = draw(SHAPES)
    return shape, draw(st.frozensets(st.sampled_from(HELD[shape])))


@lru_cache(maxsize=len(KINDS))
def validator(shape: Shape) -> Draft202012Validator:
    """The schema of what may be told of such records when everything is agreed."""
    everything = agreement(attributes=dict.fromkeys(HELD[shape], "value"))
    schema = schema_of(everything, shape, CATALOGUE, "https://gateway.example.org/schema")
    return Draft202012Validator({"$ref": "#/$defs/data/properties/reg_records", "$defs": schema["$defs"]})


@given(parts())
def test_any_part_of_a_record_fits_its_schema(of: tuple[Shape, frozenset[str]]) -> None:
    """An object that nothing is in is not there, and every value is found again where it was put."""
    shape, names = of
    kind = shapes()[SINGLE[shape]]
    values = {name: sample(name) for name in names}
    records = records_of(kind, values, forms={}, context="https://x/y")
    released = orjson.loads(orjson.dumps(as_released(kind, records)))

    assert [error.message for error in validator(shape).iter_errors(released)] == []
    assert listed(released) == records
    (record,) = records
    assert {name: told for name, told in Values().of(record, kind).items() if told is not None} == values


@given(parts(), st.frozensets(st.sampled_from(sorted(CATALOGUE.names)), max_size=12))
def test_a_narrowed_permit_gives_nothing_more(of: tuple[Shape, frozenset[str]], others: frozenset[str]) -> None:
    """Every form is the permit's own, of an attribute that such a record can hold."""
    shape, names = of
    kind = shapes()[SINGLE[shape]]
    wide = permit(dict.fromkeys(names | others, VALUE))
    narrow = narrowed(wide, Single(item(), kind, frozenset({"somebody"})))

    allowed = (names | others) & kind.names
    assert (narrow is None) == (not allowed)
    if narrow is not None:
        assert narrow.forms == {name: wide.forms[name] for name in allowed}
        assert narrow.sources == frozenset({"somebody"})


@given(parts(), st.sampled_from(NUMBERS))
def test_others_are_asked_for_numbers_only(of: tuple[Shape, frozenset[str]], by: str) -> None:
    """Whatever is wanted and whatever number is known: no fact is read from another kind of registry."""
    shape, names = of
    reads = frozenset(name for name in names if CATALOGUE[name].derived is None)
    tellers = PLANNER.sources_of(SINGLE[shape][0])
    plan = PLANNER.plan(reads, by, None, frozenset(), tellers)

    for step in plan.steps:
        assert step.source_id in tellers or not step.names
        assert step.source_id in tellers or step.yields
    told = {name for step in plan.steps for name in step.names}
    held = {name for name, sources in PLANNER.holders().items() if sources & tellers}
    assert told <= reads & held


ENTRIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted({part.name for members in load().parts.values() for part in members}))
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(load().attributes)), st.lists(ENTRIES, max_size=4))
def test_whatever_a_registry_sends_in_a_list_comes_in_its_class(attribute: str, sent: list[Any]) -> None:
    """Nothing that the schema does not name is in it, and reading it again changes nothing."""
    told = known_parts(attribute, sent)

    if told is None:
        return
    from gateway.api.views.values import value_schema

    schema = value_schema(CATALOGUE[attribute], Form(FormKind.VALUE))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(told)] == []
    assert known_parts(attribute, told) == told
