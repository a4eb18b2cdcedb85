"""Readers give the catalogue's types, or refuse by the field's name."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import Record
from adapters.reading import Draft, Reader, newest, normal_identifier
from standards.errors import SourceContractError
from standards.identifiers import normal_value
from standards.states import UnavailableReason

READ = Reader("tax")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (READ.text, "  Lake Town ", "Lake Town"),
        (READ.text, "", None),
        (READ.text, None, None),
        (READ.day, "1990-02-01", "1990-02-01"),
        (READ.day, "1990/02/01", "1990-02-01"),
        (READ.day, "1995-09-21T23:20:00+00:00", "1995-09-21"),
        (READ.day, "", None),
        (READ.moment, "2025/03/04 10:20:00", "2025-03-04T10:20:00+00:00"),
        (READ.moment, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00"),
        (READ.moment, "2026-02-11", "2026-02-11"),
        (READ.flag, "true", True),
        (READ.flag, False, False),
        (READ.flag, "", None),
        (READ.whole, "1840000", 1840000),
        (READ.whole, " 17 ", 17),
        (READ.whole, "-17", -17),
        (READ.whole, "1" * 18, int("1" * 18)),
        (READ.whole, 5.0, 5),
        (READ.decimal, "23.5", 23.5),
        (READ.decimal, 0, 0),
        (READ.word, 3, "3"),
    ],
)
def test_a_reader_returns_the_catalogue_s_type(reader, value, expected):
    """Liberal about spelling; an empty text is nothing."""
    result = reader("field", value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (READ.text, 5),
        (READ.day, "1990-02-31"),
        (READ.day, "01.02.1990"),
        (READ.day, 19900201),
        (READ.moment, "yesterday at noon"),
        (READ.flag, 1),
        (READ.flag, "perhaps"),
        (READ.whole, 5.5),
        (READ.whole, True),
        (READ.whole, "1" * 19),
        (READ.whole, "²"),
        (READ.decimal, "much"),
        (READ.decimal, [1]),
        (READ.required, None),
        (READ.number_of, "  "),
        (READ.number_of, 17),
        (READ.record, []),
        (READ.array, {}),
        (READ.objects, [1]),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_without_its_value(reader, value):
    """The owner learns which field is wrong; the log learns nothing about a person."""
    with pytest.raises(SourceContractError) as caught:
        reader("BirthDay", value)

    assert "BirthDay" in str(caught.value)
    assert caught.value.source_id == "tax"
    assert str(value) not in str(caught.value).replace("BirthDay", "")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_body_that_is_no_json_object_is_refused(body):
    """Whatever arrived, the error is one of the contract."""
    with pytest.raises(SourceContractError):
        READ.json(body)


@given(
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])),
    st.sampled_from(["T", " "]),
    st.sampled_from(["seconds", "auto", "minutes"]),
    st.booleans(),
    st.booleans(),
)
def test_a_timestamp_means_the_same_in_every_spelling(when, between, precision, slashes, short):
    """The usual spellings, which are read in a quicker way, and all others."""
    told = when.isoformat(between, timespec=precision)
    meant = datetime.fromisoformat(told)
    expected = (meant if meant.tzinfo else meant.replace(tzinfo=UTC)).isoformat()
    if slashes:
        told = told[:10].replace("-", "/") + told[10:]
    if short:
        told = told.replace("+00:00", "Z")

    assert READ.moment("at", told) == READ.moment("at", f" {told} ") == expected
    assert READ.day("at", told) == READ.day("at", told[:10]) == f"{when:%Y-%m-%d}".zfill(10)


@pytest.mark.parametrize(
    "text",
    ["2019-01-01/2020-12-31", "2019-01-01 to 2020-12-31", "2019-01-01 2020-12-31", "2019-01-01x", "2019-01-01 or so",
     "2019-01-01T10:00/2019-02-01T10:00", "2019-01-01 - 2020-12-31", "2019-01-01-1"],
)  # fmt: skip
def test_of_an_interval_no_end_is_the_day(text):
    """Nor is a date with words behind it."""
    with pytest.raises(SourceContractError):
        READ.day("born", text)


@pytest.mark.parametrize(
    "rest",
    ["", "Z", "+03:00", "-0500", "T00:00:00", "T10:20", "T10:20:30.123456+05:45", " 10:20:30", " 10:20:30.5Z", "T235959Z",
     ", 9:05 PM", " 00:00:00 UTC", "T10"],
)  # fmt: skip
def test_a_zone_or_time_behind_a_date_is_dropped(rest):
    """The day never moves."""
    assert READ.day("born", f"2019-01-31{rest}") == READ.day("born", f"2019/01/31{rest}") == "2019-01-31"


@pytest.mark.parametrize("text", ["2026-W01-1", "2026-1--01", "20260101", "2026-01-32", "2026/13/01", "２０２６-01-0x"])
def test_what_only_looks_like_a_date_is_refused(text):
    """Also what the library of the language would take for one."""
    with pytest.raises(SourceContractError):
        READ.day("born", text)


@pytest.mark.parametrize("text", ["2026-W01-1", "2026-W01-1T00:00:00", "2026-01-01T24:00:00", "2026-01-01T00-00-00Z"])
def test_what_only_looks_like_a_timestamp_is_never_passed_on_as_it_is(text):
    """It is refused, or comes out in the one spelling."""
    with suppress(SourceContractError):
        moment = READ.moment("at", text)
        assert moment is not None
        assert moment == datetime.fromisoformat(moment).isoformat()
        assert "W" not in moment


@given(st.text(max_size=12))
def test_a_number_is_in_normal_form(text):
    """However it was written, and whatever the shortcut for the usual ones sees in it."""
    try:
        number = READ.number_of("number", text)
    except SourceContractError:
        number = ""

    assert number == normal_value(text)


@given(JSON)
def test_readers_give_a_value_or_refuse(value):
    """No reader lets another error out, whatever a registry sends."""
    for reader in (READ.text, READ.day, READ.moment, READ.flag, READ.whole, READ.decimal, READ.word, READ.number_of):
        with suppress(SourceContractError):
            reader("field", value)


def test_a_draft_keeps_only_what_was_asked_for():
    """An attribute that nobody asked for leaves no trace, not even an unknown code."""
    draft = Draft(frozenset({"sex"}))
    draft.put("surname", "Moyo")
    draft.code("marital_status", "X", {})
    draft.code("sex", "F", {"F": "female"})

    assert draft.values == {"sex": "female"}
    assert draft.unusable == {}


def test_an_unknown_code_is_unusable_and_never_guessed():
    """The attribute is neither a value nor absent."""
    draft = Draft(frozenset({"sex"}))
    draft.code("sex", "Z", {"F": "female"})

    assert draft.values == {}
    assert draft.unusable == {"sex": UnavailableReason.UNMAPPED_CODE}


def test_the_newest_record_counts_in_any_order():
    """A double registration keeps the numbers of the other records, and always settles the same way."""
    old = Record({"HOUSEHOLD_ID": "HH-1"}, {}, "2020-01-01")
    new = Record({"HOUSEHOLD_ID": "HH-2"}, {}, "2025-01-01T00:00:00+00:00")
    undated = Record({"HOUSEHOLD_ID": "HH-3"}, {})

    for order in ((old, new, undated), (undated, new, old), (new, undated, old)):
        chosen = newest(order)
        assert chosen.identifiers == {"HOUSEHOLD_ID": "HH-2"}
        assert chosen.duplicates == ({"HOUSEHOLD_ID": "HH-1"}, {"HOUSEHOLD_ID": "HH-3"})


def test_a_number_that_a_float_cannot_hold_exactly_is_none():
    """Its neighbours would read the same, and one of them may be somebody else's."""
    assert READ.written("id", 9007199254740991.0) == "9007199254740991"
    for value in (9007199254740992.0, -1e17, 2000000014e9):
        with pytest.raises(SourceContractError):
            READ.written("id", value)


def test_identifiers_come_in_normal_form_or_not_at_all():
    """A number typed as a JSON number still is one; an object is not."""
    assert normal_identifier(READ, "id", "ns:NID", 2000000014) == ("UIN", "2000000014")
    with pytest.raises(SourceContractError):
        normal_identifier(READ, "id", "UIN", {"value": "1"})
    with pytest.raises(SourceContractError):
        normal_identifier(READ, "id", "UIN", "x" * 100)


@pytest.mark.parametrize("code", ["smith-john", "Smith.John", "MOYO_ASHA", "Asha-Moyo-2000", "UIN-12345"])
def test_a_code_that_nobody_declared_is_told_by_a_mark(code):
    """It may be somebody's name or number; the same one has the same mark, and another one another."""
    assert READ.shown(code).startswith("unlisted code #")
    assert READ.shown(code) == READ.shown(code) != READ.shown(f"{code}-x")
    assert READ.shown(code, {code}) == code
