"""JSON from outside is read within a bound that no real answer meets, and refused beyond it before it is read."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import orjson
import pytest

from standards.json_bodies import MOST_VALUES, JsonError, has_too_many, parsed

ADAPTERS = Path(__file__).parents[3] / "adapters"
EXAMPLES = sorted(path for path in ADAPTERS.glob("*/examples/**/*.json") if path.stat().st_size > 300)
USUAL_BYTES = 4_000_000
"""Largest answer of a registry whose manifest states no other bound."""


def many(value: bytes, count: int) -> bytes:
    """Return a list of one value, many times."""
    return b"[" + b",".join([value] * count) + b"]"


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'{"a":{}}', b"[[]]", b"[" * 900 + b"]" * 900])
def test_few_bytes_never_become_many(value):
    """They are counted, and nothing is made of them: what cannot be interrupted is not begun."""
    body = many(value, MOST_VALUES // max(1, value.count(b"[") + value.count(b"{")) + 1)
    tracemalloc.start()
    try:
        with pytest.raises(JsonError, match=f"^JSON with more than {MOST_VALUES} values$"):
            parsed(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2 * len(body)


def test_as_many_values_as_may_be_are_read():
    """To the last one."""
    assert len(parsed(many(b"0", MOST_VALUES))) == MOST_VALUES
    with pytest.raises(JsonError):
        parsed(many(b"0", MOST_VALUES + 1))


def test_a_long_list_of_records_is_no_attempt():
    """Twenty thousand people, twenty fields each."""
    person = {f"field_{place}": "value" for place in range(20)}

    assert parsed(orjson.dumps({"people": [person] * 20_000}))["people"][-1] == person


def test_the_examples_are_there_to_be_counted():
    """Else the next test would hold of nothing."""
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ADAPTERS)))
def test_no_answer_of_the_usual_size_has_too_many(path):
    """However many people it is about, five hundred or thousands, as the registries of the practice country write."""
    body = orjson.dumps(orjson.loads(path.read_bytes()))

    assert not has_too_many(body * (USUAL_BYTES // len(body)))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"Asha", b"[" * 100_000, b"[" * 1025 + b"]" * 1025, b"\xff", b"NaN", b"{}{}"]
)
def test_what_is_not_json_is_refused_without_its_text(body):
    """Nested without end, too."""
    with pytest.raises(JsonError, match=r"^not JSON$") as caught:
        parsed(body)

    assert caught.value.__cause__ is None
