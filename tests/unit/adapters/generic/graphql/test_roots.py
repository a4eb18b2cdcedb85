"""What a path reads of a record at all."""

from __future__ import annotations

import pytest

from adapters.generic.graphql.roots import needed, roots
from adapters.generic.mapping.layout import DayField, NumberField, RecordLayout, ValueField


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a", {"a"}),
        ("a.b.c", {"a"}),
        ("a[*].b", {"a"}),
        ("a[0:2]", {"a"}),
        ("a[].b", {"a"}),
        ("a.*", {"a"}),
        ("a[?b=='x' && c].d | [0]", {"a"}),
        ("length(a) > `0`", {"a"}),
        ("sort_by(a, &b)[-1].c", {"a"}),
        ("map(&x, a)", {"a"}),
        ("a || b.c", {"a", "b"}),
        ("!a && b", {"a", "b"}),
        ("{x: a, y: b.c}", {"a", "b"}),
        ("[a, b]", {"a", "b"}),
        ("a.{x: y}", {"a"}),
        ("max(a[*].d || b)", {"a", "b"}),
        ("`1`", set()),
        ("@", None),
        ("keys(@)", None),
        ("*", None),
        ("[0]", None),
        ("a || @", None),
    ],
)
def test_the_members_that_a_path_reads(path, names):
    """Only what it reads of the record itself; None where that may be everything."""
    assert roots(path) == (None if names is None else frozenset(names))


def test_no_path_is_refused():
    """As everywhere."""
    with pytest.raises(ValueError, match="not a JMESPath"):
        roots("a[")


def test_what_some_attributes_need_of_a_record():
    """Their own members, who shares them, and always numbers and date."""
    layout = RecordLayout(
        identifiers={"UIN": NumberField(path="holders[*].no")},
        as_of=DayField(path="updated"),
        attributes={
            "land_area_ha": ValueField(path="area", type="decimal", share_of="sharers"),
            "land_use": ValueField(path="use"),
            "land_parcels": ValueField(path="@", type="list"),
        },
    )
    assert needed(layout, frozenset()) == frozenset({"holders", "updated"})
    assert needed(layout, frozenset({"land_area_ha"})) == frozenset({"holders", "updated", "area", "sharers"})
    assert needed(layout, frozenset({"land_use", "land_parcels"})) is None


@pytest.mark.parametrize(
    "path",
    [
        "(" * 900 + "a" + ")" * 900,
        "!" * 1900 + "a",
        "length(" * 200 + "a" + ")" * 200,
        "a" + "[*]" * 600,
        "a" * 2001,
        "|".join(["[@, @][]"] * 40),
        "|".join(["join('', [@, @])"] * 40),
    ],
    ids=["brackets", "not", "functions", "lists", "long", "doubling", "doubled texts"],
)
def test_paths_that_no_manifest_needs_are_refused(path):
    """What nests without end, and what doubles a record again and again, before it is ever used."""
    with pytest.raises(ValueError, match="path"):
        roots(path)
