"""Numbers of people stay values in every query they go into, whatever they hold."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import parse_qsl

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.generic.fhir.options import FhirLookup
from adapters.generic.fhir.query import batch, questions
from adapters.generic.ogc.options import OgcNumber
from adapters.generic.ogc.query import Number, can_be_held, cql2_text
from mocks.cql2 import wanted_values

VALUES = st.lists(
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(str.strip)
    | st.text("',|$\\&=%?#\" ;/+", min_size=1).filter(str.strip),
    min_size=1,
    max_size=4,
    unique=True,
)
LOOKUP = FhirLookup.model_validate(
    {
        "searches": {
            "Patient": {"by": {"UIN": {"system": "urn:a|b"}, "BRN": {"parameter": "_id"}}},
            "visits": {
                "type": "Encounter",
                "subject": "subject",
                "by": {"UIN": {"parameter": "patient"}, "BRN": {"parameter": "patient"}},
            },
        }
    }
)
DAY = date(2026, 1, 1)
_UNESCAPED_COMMA = re.compile(r"(?<!\\)((?:\\\\)*),")


def tokens_of(parameter):
    """Return the values of a FHIR search parameter as a server splits them."""
    parts = _UNESCAPED_COMMA.sub("\\1\0", parameter).split("\0")
    return [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in parts]


@given(VALUES)
@example(["a,b", "a|b", "a\\", "\\,", "$"])
def test_a_fhir_search_takes_each_number_as_one_value(values):
    """Commas, bars, dollars and backslashes end none, nor do the signs of an address."""
    [patients, visits] = questions(LOOKUP, ["Patient", "visits"], [("UIN", value) for value in values], DAY)

    [(name, stated)] = parse_qsl(patients.query, strict_parsing=True)
    assert name == "identifier"
    assert tokens_of(stated) == [f"urn:a|b|{value}" for value in values]
    assert parse_qsl(visits.query) == [("patient", ",".join(escaped(value) for value in values))]
    urls = [entry["request"]["url"] for entry in orjson.loads(batch([patients, visits]))["entry"]]
    assert urls == [f"Patient?{patients.query}", f"Encounter?{visits.query}"]


def escaped(value):
    """Return a value with its separators escaped, as the standard describes it."""
    return re.sub(r"([\\,|$])", r"\\\1", value)


@given(VALUES, VALUES)
def test_numbers_of_another_parameter_take_another_search(first, second):
    """Two parameters would be two conditions that both hold."""
    asked = questions(LOOKUP, ["Patient"], [*(("UIN", one) for one in first), *(("BRN", one) for one in second)], DAY)

    assert [[name for name, _ in parse_qsl(one.query)] for one in asked] == [["identifier"], ["_id"]]


@given(VALUES)
@example(["'", "''", "') OR 1=1 --"])
def test_a_cql2_filter_takes_each_number_as_one_text(values):
    """No quote in a value ends it."""
    held = OgcNumber(property="owner")

    assert wanted_values(cql2_text([Number(held, value) for value in values]), "owner") == set(values)


@given(st.text(min_size=1) | st.integers().map(str))
def test_a_bare_number_of_a_filter_is_nothing_but_digits(value):
    """What else there may be is not asked for at all."""
    number = Number(OgcNumber(property="owner", type="number"), value)

    if can_be_held(number):
        assert cql2_text([number]) == f"owner IN ({int(value)})"
        assert value.isascii()
        assert value.isdigit()
