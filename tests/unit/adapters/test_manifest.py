"""A manifest whose parts do not fit each other is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.manifest import (
    DciField,
    DciLookup,
    DciOptions,
    Lookup,
    Search,
)
from tests.unit.adapters.builders import manifest_of, small_manifest

PERSON = Lookup(name="person", by=("UIN",), attributes=("sex",))
LAYOUT = DciLookup(
    reg_record_type="Person",
    identifiers_path="identifier",
    attributes={"sex": DciField(path="sex", type="code", codes={"F": "female"})},
)


def dci(layout=LAYOUT, **changes):
    """Return a manifest of a DCI registry with one lookup."""
    options = DciOptions(reg_type="Civil", lookups={"person": layout})
    return small_manifest(**({"speaks": "dci", "lookups": (PERSON,), "dci": options} | changes))


def test_parts_that_fit_are_accepted():
    """The base of the cases below."""
    assert dci().rank("sex") == 5
    assert dci(authority={"sex": 1}).rank("sex") == 1
    assert dci().lookup("person") == PERSON


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lookups": (PERSON, PERSON)}, "same name"),
        ({"authority": {"income_annual": 1}}, "income_annual"),
        ({"stands_in_for": ("income_annual",)}, "income_annual"),
        ({"searches": (Search(entity="group", attributes={"sex": "sex"}, yields="UIN"),)}, "as a search promises"),
        ({"speaks": "rest"}, "go together"),
        ({"dci": None}, "go together"),
        ({"lookups": (PERSON.model_copy(update={"name": "other"}),)}, "lacks other"),
        ({"lookups": (PERSON.model_copy(update={"attributes": ("sex", "surname")}),)}, "surname"),
        ({"lookups": (PERSON.model_copy(update={"kin": True}),)}, "kin"),
        ({"lookups": (PERSON.model_copy(update={"members": True}),)}, "members"),
        (
            {
                "layout": LAYOUT.model_copy(update={"members_path": "member_list"}),
                "lookups": (PERSON.model_copy(update={"members": True}),),
            },
            "member_identifiers_path",
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes, message):
    """At start, and not at the first question."""
    with pytest.raises(ValidationError, match=message):
        dci(**changes)


def test_only_a_code_has_a_table():
    """A table for anything else would be read past."""
    with pytest.raises(ValidationError, match="belong to `type: code`"):
        DciField(path="sex", codes={"F": "female"})


def test_an_unknown_lookup_is_a_key_error():
    """The plan names lookups of the manifest only."""
    with pytest.raises(KeyError):
        manifest_of("crvs").lookup("nothing")


def test_what_a_search_is_selective_about_can_be_searched_by():
    """A figure for anything else is a slip of the pen."""
    with pytest.raises(ValidationError, match="surname"):
        Search(entity="person", attributes={"sex": "sex"}, yields="UIN", selectivity={"sex": 0.5, "surname": 0.01})
