"""Placeholders stand for whole values; there is no other template."""

from __future__ import annotations

import pytest

from adapters.generic.asking.placeholders import ENTRIES, LEFT_OUT, Template, placeholder

VALUES = {
    "numbers": ["1", '"2'],
    "as_of": None,
    ENTRIES: [{"number": "1", "type": "NIN"}, {"number": "2", "type": "BRN"}],
}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("{numbers}", ["1", '"2']),
        ({"a": {"b": "{numbers}"}, "c": 5}, {"a": {"b": ["1", '"2']}, "c": 5}),
        ({"on": "{as_of}", "x": "constant"}, {"x": "constant"}),
        (["a", "{as_of}", "{numbers}"], ["a", ["1", '"2']]),
        ([{"t": "{type}", "v": "{number}"}], [{"t": "NIN", "v": "1"}, {"t": "BRN", "v": "2"}]),
        ({"q": [{"id": "{number}", "on": "{as_of}"}]}, {"q": [{"id": "1"}, {"id": "2"}]}),
        ([{"id": "x"}], [{"id": "x"}]),
        (None, None),
        ("{}", "{}"),
        ("{ a json }", "{ a json }"),
        (True, True),
    ],
)
def test_a_template_is_filled(stated, expected):
    """With values as they are; what has none is left out; a list of one entry has one for each subject."""
    assert Template(stated).fill(VALUES) == expected


def test_a_value_that_is_missing_leaves_the_whole_out():
    """So that a parameter without value is not sent."""
    assert Template("{as_of}").fill(VALUES) is LEFT_OUT


def test_it_is_known_what_stands_where():
    """Beside lists with an entry for each subject, and in them."""
    template = Template(
        {"a": "{numbers:UIN}", "b": [{"id": "{number}", "t": "{type}"}], "c": ["{page}", "{page_size}"]}
    )

    assert template.names == {"numbers:UIN", "page", "page_size"}
    assert template.each == {"number", "type"}


@pytest.mark.parametrize("stated", [{1: "{number}"}, {"a": 2**64}, {"a": b"b"}, [{"a", "b"}]])
def test_what_no_json_can_say_is_found_at_start(stated):
    """Much of what YAML can; else it would fail with every question."""
    with pytest.raises(ValueError, match="is JSON, and this is none"):
        Template(stated)


@pytest.mark.parametrize("stated", ["id={number}", "{number}x", "{a}{b}", "{NUMBER}", "x {number} y", "{numbers:uin}"])
def test_a_part_of_a_value_is_no_placeholder(stated):
    """There it would be parsed by somebody."""
    with pytest.raises(ValueError, match="whole value"):
        placeholder(stated)
