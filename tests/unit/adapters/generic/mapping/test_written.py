"""Numbers as columns write them, to be looked for and to be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from adapters.generic.mapping.written import Forms, Written, plain_row

FORMS = ("###-###", "### ###", "PV.#", "######")


@pytest.mark.parametrize(
    ("number", "spelled"),
    [("123456", ["123-456", "123 456", "123456"]), ("7", ["PV.7"]), ("12", []), ("", []), ("1234567", [])],
)
def test_a_number_is_spelled_in_every_form_of_its_length(number, spelled):
    """None where the column cannot hold it."""
    assert Written(FORMS).spelled(number) == spelled


@pytest.mark.parametrize(
    ("stands", "plain"),
    [
        ("123-456", "123456"),
        (" 123 456 ", "123456"),
        ("PV.7", "7"),
        ("PVx7", "PVx7"),
        ("123--56", "123--56"),
        ("12_456", "12_456"),
        (123456, 123456),
        (None, None),
    ],
)
def test_what_is_written_in_no_form_stays_as_it_is(stands, plain):
    """A sign that means something else in an expression means nothing here."""
    assert Written(FORMS).plain(stands) == plain


@given(st.text(alphabet="ABC0189", min_size=1, max_size=12), st.data())
def test_what_is_spelled_reads_as_the_number_again(number, data):
    """Whatever stands between its characters."""
    between = data.draw(st.lists(st.sampled_from(["", "-", " / ", ".", "(", "*", "\\"]), min_size=len(number)))
    form = "".join(f"#{sign}" for sign in between[: len(number)])
    (spelled,) = Written([form]).spelled(number)
    assert Written([form]).plain(spelled.rstrip()) == number or spelled != spelled.rstrip()


def test_only_the_columns_named_are_read_so():
    """Others may hold the same signs, and mean them."""
    assert plain_row({"uin": "12-3", "phone": "12-3"}, {"uin": Written(["##-#"])}) == {"uin": "123", "phone": "12-3"}


@pytest.mark.parametrize("forms", [(), ("---",), ("",), ("#\n",), ("#" * 201,), ("#",) * 11])
def test_a_form_that_is_none_is_refused(forms):
    """At start."""
    with pytest.raises(ValidationError):
        TypeAdapter(Forms).validate_python(forms)
