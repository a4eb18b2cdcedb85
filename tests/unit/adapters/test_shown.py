"""Registries' codes of errors: an operator reads those that can be nobody's name or number, and no others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.generic.xroad.errors import _BY_LAST
from adapters.shown import UNNAMED, shown
from mocks.names import TABLES
from standards.dci.codes import ErrorCode, HeaderReason, SearchReason

MARK = re.compile("unlisted code #[0-9a-f]{6}")
NAMES = sorted({name for table in TABLES for names in table for name in names})


@pytest.mark.parametrize(
    "code",
    [
        *(code.value for codes in (ErrorCode, HeaderReason, SearchReason) for code in codes),
        *(f"Server.ServerProxy.{last}" for last in _BY_LAST),
        *(
            "rjct.jws.invalid",
            "rjct",
            "ERR",
            "404",
            "503",
            "soap:Client",
            "Client",
            "MustUnderstand",
            "VersionMismatch",
        ),
        *("ERR-1042", "REQ-VAL-001", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "Client.NotFound", "FORBIDDEN"),
        *("INTERNAL_SERVER_ERROR", "PERSISTED_QUERY_NOT_FOUND", "ERR_ACCESS_DENIED", "err.auth.missing_header"),
    ],
)
def test_what_is_made_of_technical_words_is_shown(code):
    """Whichever way they are joined: these an operator looks up in the registry's own guide."""
    assert shown(code) == code


@pytest.mark.parametrize(
    "code", ["Asha Moyo, born 1990", None, 5, "2000000014", "err." * 30, "", "-", "err..\n", "é-rr"]
)
def test_what_is_no_code_has_no_name(code):
    """Nor a mark: a text is never the same twice."""
    assert shown(code) == UNNAMED


@pytest.mark.parametrize(
    "code",
    [
        *("smith-john", "Smith.John", "MOYO_ASHA", "SMITH-JOHN", "Moyo", "error-Moyo", "NotFound.Moyo", "moyo404"),
        *("err-19900201", "ERR-1990-0201", "UIN-12345", "UIN-2000-0000-14", "A-19900201", "found"),
    ],
)
def test_what_may_be_somebody_s_is_told_by_a_mark(code):
    """The same for the same code, so that an operator sees whether it is one defect or many."""
    assert MARK.fullmatch(shown(code))
    assert shown(code) == shown(code) != shown(f"{code}x")


def test_what_a_manifest_declares_is_shown():
    """Somebody has read it who knows that registry."""
    assert MARK.fullmatch(shown("IDA-MLC-009"))
    assert shown("IDA-MLC-009", {"IDA-MLC-009"}) == "IDA-MLC-009"


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    st.sampled_from(["-", ".", "_", ":", ""]),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_no_name_of_anybody_is_a_code(names, sign, case):
    """In whatever form a registry joins them, be it behind a word of an error."""
    for code in (sign.join(names), f"error{sign or '-'}{sign.join(names)}"):
        said = shown(case(code))
        assert said == UNNAMED or MARK.fullmatch(said)
