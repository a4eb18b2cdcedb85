"""Every operation on values does what the manifest says, and refuses what it does not understand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.mapping.layout import DayField, RecordLayout, ValueField
from adapters.generic.mapping.values import fields
from adapters.reading import Reader
from standards.errors import SourceContractError
from standards.states import UnavailableReason

READ = Reader("probe")
NAMES = frozenset({"it"})


def read(record, **stated):
    """Return what one field makes of a record; what is no object stands at `x`."""
    record = record if isinstance(record, dict) else {"x": record}
    values, unusable = fields(READ, {"it": ValueField(**{"path": "x", **stated})}).read(record, NAMES)
    assert set(unusable.values()) <= {UnavailableReason.UNMAPPED_CODE}
    return "unmapped" if unusable else values.get("it")


SEX = {"type": "code", "codes": {"F": "2", "M": "1", "0": "0"}}
FLAG = {"type": "boolean", "codes": {"J": "true", "N": "false"}}
MONEY = {"type": "money"}
GERMAN = {"type": "decimal", "decimal_sign": ","}


@pytest.mark.parametrize(
    ("stated", "written", "expected"),
    [
        ({}, " Moyo ", "Moyo"),
        ({}, "  ", None),
        ({}, 12, "12"),
        ({}, 12.0, "12"),
        ({}, Decimal("12.0"), "12"),
        ({}, date(1990, 1, 2), "1990-01-02"),
        ({}, UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({"words": "first"}, "Asha Lenka Moyo", "Asha"),
        ({"words": "last"}, "Asha Lenka Moyo", "Moyo"),
        ({"words": "all_but_first"}, "Asha  Lenka Moyo", "Lenka Moyo"),
        ({"words": "all_but_last"}, "Asha Lenka Moyo", "Asha Lenka"),
        ({"words": "all_but_last"}, "Moyo", None),
        ({"case": "title"}, "JEAN-PAUL  N'DOYE", "Jean-Paul  N'Doye"),
        ({"case": "upper"}, "moyo", "MOYO"),
        ({"case": "lower", "words": "last"}, "ASHA MOYO", "moyo"),
        ({"nothing": ["N/A", "-"]}, " N/A ", None),
        ({"nothing": ["9999"]}, 9999, None),
        ({"nothing": ["9999"]}, "1999", "1999"),
        (SEX, "F", "2"),
        (SEX, " f ", "2"),
        (SEX, 0, "0"),
        (SEX, 0.0, "0"),
        (SEX, "X", "unmapped"),
        (SEX, "", None),
        (SEX | {"nothing": ["X"]}, "x", "unmapped"),
        (SEX | {"nothing": ["X"]}, "X", None),
        ({"type": "code", "codes": {"true": "1", "false": "2"}}, True, "1"),
        (FLAG, "j", True),
        (FLAG, "N", False),
        (FLAG, False, False),
        (FLAG, "true", True),
        (FLAG, "maybe", "unmapped"),
        ({"type": "boolean", "codes": {"1": "true", "0": "false"}}, 0, False),
        ({"type": "boolean", "codes": {"true": "false", "false": "true"}}, True, False),
        ({"type": "boolean"}, "TRUE", True),
        (MONEY, 1200, 1200),
        (MONEY, "1,200", 1200),
        (MONEY, "-1 200", -1200),
        (MONEY, "12,00,000", 1_200_000),
        (MONEY, "1200.00", 1200),
        (MONEY, 1200.0, 1200),
        (MONEY, Decimal("1200.00"), 1200),
        (MONEY, "", None),
        (MONEY | {"factor": 100}, "12.34", 1234),
        (MONEY | {"factor": 0.01, "decimals": 0}, 1250, 12),
        (MONEY | {"factor": 0.01, "decimals": 0, "rounding": "half_up"}, 1250, 13),
        (MONEY | {"factor": 12}, 100, 1200),
        (MONEY | {"nothing": ["9999"]}, "9999", None),
        (MONEY | {"nothing": ["9999"]}, 9999.0, None),
        ({"type": "decimal", "nothing": ["-1", "0.5"]}, Decimal("12.5"), 12.5),
        ({"type": "decimal", "nothing": ["-1", "0.5"]}, 0.5, None),
        (GERMAN, "1.234,50", 1234.5),
        (GERMAN, "1234,5", 1234.5),
        (GERMAN, "1.234", 1234.0),
        (GERMAN, "1\u202f234,5", 1234.5),
        ({"type": "decimal", "factor": 0.0001}, 12500, 1.25),
        ({"type": "decimal", "factor": 0.1}, 3, 0.3),
        ({"type": "decimal", "decimals": 1}, "0.25", 0.2),
        ({"type": "decimal"}, 7, 7.0),
        ({"type": "integer"}, "٤٢", 42),
        ({"type": "date", "date": "day_first", "nothing": ["00.00.0000"]}, "00.00.0000", None),
        ({"type": "date", "nothing": ["9999-12-31"]}, date(9999, 12, 31), None),
        ({"type": "list"}, ["a", " b ", "", None, 3], ["a", "b", 3]),
        ({"type": "list"}, "a", ["a"]),
        ({"type": "list"}, [], None),
        ({"type": "list", "path": "x[*].{n: a}"}, [{"a": 1, "b": 2}], [{"n": 1}]),
    ],
)  # fmt: skip
def test_an_operation(stated, written, expected):
    """Each line of the closed list, with what registries write."""
    value = read(written, **stated)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ({}, 7.5),
        ({}, ["Moyo"]),
        ({}, {"x": {"a": 1}}),
        ({}, Decimal("sNaN")),
        ({}, Decimal("1E+999999")),
        ({}, float("inf")),
        (SEX, 1.5),
        (SEX, ["F"]),
        (FLAG, ["J"]),
        ({"type": "boolean"}, 1),
        (MONEY, "12.34"),
        (MONEY, "1,2"),
        (MONEY, "1.200,00"),
        (MONEY, "1e3"),
        (MONEY, "9" * 19),
        (MONEY, 10**18),
        (MONEY, True),
        (MONEY, float("nan")),
        (MONEY, Decimal("NaN")),
        (MONEY, "twelve"),
        (MONEY, [1]),
        (MONEY | {"factor": 0.01}, 1234),
        (MONEY | {"factor": 100}, "9" * 17),
        ({"type": "decimal", "factor": 1e6, "decimals": 2}, 10**13),
        (GERMAN, "1,234.5"),
        (GERMAN, "12.34"),
        ({"type": "list", "each": {"a": {"path": "a"}}}, ["a"]),
        ({"required": True}, ""),
        ({"required": True, "nothing": ["-"]}, "-"),
        ({"path": "max(x)"}, {"x": "text"}),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_alone(stated, written):
    """Nothing is guessed, and no value is shown."""
    with pytest.raises(SourceContractError, match="it: ") as caught:
        read(written, **stated)
    assert "Moyo" not in str(caught.value)
    assert "12" not in str(caught.value)


@given(
    st.integers(-(10**11), 10**11),
    st.integers(0, 6),
    st.sampled_from([(".", ","), (".", " "), (".", "'"), (",", "."), (",", "\u00a0"), (",", "\u2019")]),
)
def test_a_number_written_in_groups_is_the_number(digits, decimals, signs):
    """Exactly, whatever separates the groups and the decimals."""
    sign, group = signs
    number = Decimal(digits).scaleb(-decimals)
    written = f"{number:,.{decimals}f}".replace(",", "\0").replace(".", sign).replace("\0", group)

    assert read(written, type="decimal", decimal_sign=sign) == float(number)


@pytest.mark.parametrize("stated", [{"type": "money", "factor": 1e9}, {"type": "decimal", "factor": 1e12}])
def test_a_number_beyond_64_bits_is_refused(stated):
    """Nobody could read it in an answer, and no answer could be written."""
    with pytest.raises(SourceContractError, match="out of all bounds"):
        read(10**12, **stated)


def test_a_share_is_the_whole_by_those_who_hold_it():
    """Each holder counts once; without any there is no share."""
    area = {"type": "decimal", "path": "m2", "factor": 0.0001, "share_of": "owners", "decimals": 4}
    assert read({"m2": 12500, "owners": ["1", "2", 2]}, **area) == 0.625
    assert read({"m2": None, "owners": ["1"]}, **area) is None
    assert read({"m2": 100, "owners": ["1", "2"]}, path="m2", type="money", share_of="owners") == 50
    for owners in ([], None, "1", [None]):
        with pytest.raises(SourceContractError, match="share"):
            read({"m2": 1, "owners": owners}, **area)


def test_entries_of_a_list_are_read_by_their_own_fields():
    """In their catalogue's names, units and codes; one code that is not known makes the whole list unusable."""
    parcels = {
        "type": "list",
        "path": "parcels",
        "each": {
            "area_ha": {"path": "m2", "type": "decimal", "factor": 0.0001},
            "use": {"path": "use", "type": "code", "codes": {"C": "cropland"}},
        },
    }
    one = {"m2": 5000, "use": "C", "secret": 1}

    assert read({"parcels": [one, {"m2": 1}]}, **parcels) == [{"area_ha": 0.5, "use": "cropland"}, {"area_ha": 0.0001}]
    assert read({"parcels": one}, **parcels) == [{"area_ha": 0.5, "use": "cropland"}]
    assert read({"parcels": [one, {"use": "?"}]}, **parcels) == "unmapped"
    with pytest.raises(SourceContractError, match=r"it\.area_ha"):
        read({"parcels": [{"m2": "wide"}]}, **parcels)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"type": "code"}, "codes"),
        ({"codes": {"a": "b"}}, "codes"),
        ({"type": "boolean", "codes": {"J": "yes"}}, "true or false"),
        ({"type": "code", "codes": {"a": "1", "A ": "2"}}, "two meanings"),
        ({"factor": 2}, "numbers"),
        ({"decimal_sign": ","}, "numbers"),
        ({"share_of": "x"}, "numbers"),
        ({"date": "compact"}, "type: date"),
        ({"type": "date", "date": "excel", "calendar": "buddhist"}, "calendar"),
        ({"type": "date", "words": "first"}, "string"),
        ({"each": {"a": {"path": "a"}}}, "list"),
        ({"combine": "sum"}, "sum"),
        ({"type": "date", "combine": "any"}, "boolean"),
    ],
)
def test_operations_that_do_not_fit_are_refused_at_start(stated, said):
    """With what they are for."""
    with pytest.raises(ValidationError, match=said):
        ValueField(path="x", **stated)


def test_records_are_combined_only_where_they_count_together():
    """Otherwise nobody would ever see the sum."""
    stated = {"income_annual": {"path": "x", "type": "money", "combine": "sum"}}
    with pytest.raises(ValidationError, match="together"):
        RecordLayout.model_validate({"identifiers": {"UIN": {"path": "nin"}}, "attributes": stated})
    with pytest.raises(ValidationError, match="calendar"):
        DayField(path="x", date="unix_s", calendar="islamic")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates(), st.decimals()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
KINDS = [
    {}, SEX, FLAG, MONEY, GERMAN, {"type": "list"}, {"type": "date", "date": "day_first"}, {"words": "last"},
    {"type": "date", "date": "unix_s"}, {"type": "date", "date": "excel"}, {"nothing": ["1"]}, {"type": "integer"},
    {"type": "date", "calendar": "ethiopian"}, MONEY | {"factor": 0.01, "decimals": 0}, {"type": "boolean"},
]  # fmt: skip


@given(JSON, st.sampled_from(KINDS))
def test_whatever_comes_is_read_or_refused(written, stated):
    """Never another error, which could carry a value, and never a value of another type."""
    try:
        value = read({"x": written}, **stated)
    except SourceContractError:
        return
    types = {"string": str, "code": str, "date": str, "boolean": bool, "integer": int, "money": int, "decimal": float}
    expected = types.get(stated.get("type", "string"), list)
    assert value is None or type(value) in {expected, str if value == "unmapped" else expected}


def test_an_amount_that_is_not_whole_says_by_what_it_would_be_rounded():
    """Hundredths become whole units only where the manifest says so."""
    with pytest.raises(SourceContractError, match="`decimals: 0` rounds it"):
        read(12345, **MONEY, factor=0.01)
    assert read(12345, **MONEY, factor=0.01, decimals=0) == 123
