"""Claims: what counts as a disagreement, and when the fresher word wins."""

from datetime import date

import pytest

from gateway.stages.claims import Weighing
from standards.attributes import ValueType
from standards.states import Conflict, Provenance, Value
from tests.builders import CATALOGUE, NOW

TODAY = date(2026, 9, 30)


def claim(value: object, source: str = "first", as_of: str | None = None) -> Value:
    """One source's word."""
    return Value(value, Provenance(source, NOW, as_of))


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (ValueType.STRING, "Asha", "ASHA"),
        (ValueType.STRING, "Mary  Ann ", "mary ann"),
        (ValueType.STRING, "Zoë Ünal", "Zoe Unal"),
        (ValueType.STRING, "Straße", "STRASSE"),
        (ValueType.DECIMAL, 1.25, 1.2500000001),
        (ValueType.DECIMAL, 1, 1.0),
        (ValueType.LIST, ["a", "b"], ["b", "A"]),
        (ValueType.LIST, [{"x": 1, "y": 2}], [{"y": 2, "x": 1}]),
        (ValueType.CODES, ["1", "2"], ["2", "1"]),
    ],
)
def test_another_way_of_writing_is_no_disagreement(type_, one, other):
    """Case, spaces, accents, dust of conversion and order in lists mean nothing; the best one's writing stays."""
    assert Weighing(type_).settle([claim(one), claim(other, "second")]) == claim(one)


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (ValueType.STRING, "Asha", "Aisha"),
        (ValueType.STRING, "Mary-Ann", "Mary Ann"),
        (ValueType.CODE, "S", "s"),
        (ValueType.IDENTIFIER, "B1", "b1"),
        (ValueType.INTEGER, 1, 2),
        (ValueType.DECIMAL, 1.25, 1.26),
        (ValueType.DATE, "1990-02-01", "1990-01-02"),
        (ValueType.BOOLEAN, True, False),
        (ValueType.LIST, ["a"], ["a", "b"]),
    ],
)
def test_another_meaning_is_kept_as_evidence(type_, one, other):
    """A spelling counts as a meaning of its own: who is called what is for people to judge."""
    assert Weighing(type_).settle([claim(one), claim(other, "second")]) == Conflict(
        claim(one), (claim(other, "second"),)
    )


@pytest.mark.parametrize(
    ("days", "better", "lesser", "winner"),
    [
        (365, "2024-01-01", "2024-12-31", "second"),
        (366, "2024-01-01", "2024-12-31", "first"),
        (365, "2024-01-01T23:00:00+02:00", "2025-06-01", "second"),
        (365, None, "2025-06-01", "first"),
        (365, "2024-01-01", None, "first"),
        (365, "2024-01-01", "of old", "first"),
        (365, "2025-06-01", "2024-01-01", "first"),
        (None, "2004-01-01", "2025-06-01", "first"),
    ],
)
def test_a_much_fresher_word_wins_where_that_is_declared(days, better, lesser, winner):
    """So many days newer; where either day is unknown, rank decides. Both claims stay."""
    claims = [claim("a", "first", better), claim("b", "second", lesser)]

    settled = Weighing(ValueType.STRING, days).settle(claims)

    assert isinstance(settled, Conflict)
    assert settled.settled.provenance.source_id == winner
    assert {c.provenance.source_id for c in settled.differing} == {"first", "second"} - {winner}


def test_of_several_fresher_words_the_more_authoritative_one_wins():
    """Unless the other one is so much fresher again."""
    claims = [claim("a", "first", "2020-01-01"), claim("b", "second", "2023-01-01"), claim("c", "third", "2023-06-01")]

    settled = Weighing(ValueType.STRING, 365).settle(claims)

    assert isinstance(settled, Conflict)
    assert settled.settled.value == "b"
    assert [c.value for c in settled.differing] == ["a", "c"]


@pytest.mark.parametrize(
    ("days", "as_of", "may"),
    [(365, "2025-09-30", True), (365, "2025-10-01", False), (365, None, False), (None, "1999-01-01", False)],
)
def test_a_word_is_safe_from_those_not_heard_while_it_is_fresh(days, as_of, may):
    """Or where freshness plays no part."""
    assert Weighing(ValueType.STRING, days).may_be_outdone(claim("a", "first", as_of), TODAY) is may


def test_the_catalogue_lets_freshness_weigh_for_what_changes_often():
    """Telephone numbers, not names."""
    assert Weighing.of(CATALOGUE["phone_number"]).fresher_wins_after_days == 365
    assert Weighing.of(CATALOGUE["surname"]).fresher_wins_after_days is None
