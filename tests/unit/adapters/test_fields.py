"""Compiled fields read what their paths find and their readers make of it, of what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fields import _MOST_PLANS, Field, Fields
from adapters.generic.mapping.paths import UnexpectedTypeError, finder
from adapters.reading import Draft, Reader
from standards.errors import SourceContractError
from standards.states import UnavailableReason

READ = Reader("probe")
SEX = {"F": "female", "m": "male"}
FIELDS = (
    Field("surname", "name.surname", required=True),
    Field("given_name", "name.given_name"),
    Field("sex", "sex", codes=SEX, any_case=True),
    Field("status", "status", codes={"A": "active"}, required=True),
    Field("birth_date", "birth_date", Reader.day),
    Field("last_date", "max(dates || `[]`)", Reader.day),
    Field("size", "more[?name=='size'].value | [0]", Reader.whole),
    Field("town", "address[0].town"),
    Field("region", "address[0].region", label="regionCode"),
)
NAMES = frozenset(field.name for field in FIELDS)
KEYS = ["name", "surname", "given_name", "sex", "status", "birth_date", "dates", "more", "value", "address", "town"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(["", " ", " Moyo ", "F", "M", "A", "size", "1990-02-01", "1990/02/01"]),
)
RECORDS = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
        max_leaves=8,
    ),
)
WHOLE = {"name": {"surname": "Moyo", "given_name": "Asha"}, "status": "A"}


def one_by_one(record, names, *, is_whole=True):
    """Return what a record says, read field after field as a mapping without any compiling would."""
    draft = Draft(names)
    for field in FIELDS:
        if field.name not in names and not (field.required and is_whole):
            continue
        label = field.label or field.name
        try:
            found = finder(field.path)(record)
        except UnexpectedTypeError as error:
            READ.refuse(label, str(error))
        value = READ.word(label, found) if field.codes else field.read(READ, label, found)
        if value is None and field.required:
            READ.refuse(label, "missing")
        if field.codes:
            fold = str.casefold if field.any_case else str
            word = fold(value) if isinstance(value, str) and value else None
            draft.code(field.name, word, {fold(stated): code for stated, code in field.codes.items()})
        else:
            draft.put(field.name, value)
    return draft.values, draft.unusable


def outcome_of(read):
    """Return what is read, or that it is refused."""
    try:
        return read()
    except SourceContractError:
        return "refused"


@given(RECORDS, st.frozensets(st.sampled_from(sorted(NAMES))), st.booleans(), st.booleans())
def test_one_pass_reads_what_one_by_one_would(record, names, is_whole, is_good):
    """Same values, same unusable attributes, same refusals, for every record and every set of attributes."""
    record = record | (WHOLE if is_good else {})
    read = outcome_of(lambda: Fields(READ, FIELDS, is_whole=is_whole).read(record, names))

    assert read == outcome_of(lambda: one_by_one(record, names, is_whole=is_whole))


def test_an_unknown_code_is_unusable_and_never_guessed():
    """Case counts, unless the mapping says that it does not."""
    values, unusable = Fields(READ, FIELDS[2:4]).read({"sex": "f", "status": "a"}, NAMES)

    assert values == {"sex": "female"}
    assert unusable == {"status": UnavailableReason.UNMAPPED_CODE}


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"status": "A"}, "surname: missing"),
        ({**WHOLE, "dates": ["Asha", 5]}, "last_date: of another type"),
        ({**WHOLE, "address": [{"region": 5}]}, "regionCode: not a text"),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(record, named):
    """With the label where there is one."""
    with pytest.raises(SourceContractError, match=named) as caught:
        Fields(READ, FIELDS).read(record, NAMES)

    assert "Asha" not in str(caught.value)


def test_a_promise_is_checked_also_where_nobody_asked():
    """Unless the registry gives only what was asked for; what nobody asked for is not kept either way."""
    names = frozenset({"given_name"})
    assert Fields(READ, FIELDS).read(WHOLE, names) == ({"given_name": "Asha"}, {})
    assert Fields(READ, FIELDS, is_whole=False).read({}, names) == ({}, {})
    with pytest.raises(SourceContractError, match="surname"):
        Fields(READ, FIELDS).read({"status": "A"}, names)


def test_sets_of_attributes_without_end_do_not_fill_the_memory():
    """A further set only costs its compiling."""
    fields = Fields(READ, FIELDS)
    for place in range(3 * _MOST_PLANS):
        fields.read(WHOLE, frozenset({"given_name", str(place)}))

    assert len(fields._plans) <= _MOST_PLANS


def test_a_path_that_is_none_is_found_when_it_is_compiled():
    """At start, with the path."""
    with pytest.raises(ValueError, match=r"a\.\.b"):
        Fields(READ, (Field("surname", "a..b"),))
