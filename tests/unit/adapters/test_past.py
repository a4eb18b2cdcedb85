"""How things were on a past day: what a manifest promises, and how registries are asked for it."""

from __future__ import annotations

from datetime import date

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from pydantic import ValidationError

from adapters.catalogue import build
from adapters.generic.dci.driver import DciAdapter
from adapters.manifest import DciOptions, Lookup
from adapters.ports import Deadline, Response
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, manifest_of, small_manifest
from tests.unit.adapters.test_manifest import LAYOUT

LONG = Deadline.after(3600)
ASHA = Identifier("UIN", "2000000014")
DAY = date(2024, 3, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lookups": (Lookup(name="person", by=("UIN",), attributes=("sex",), as_of=("surname",)),)}, "surname"),
        (
            {
                "speaks": "dci",
                "lookups": (Lookup(name="person", by=("UIN",), attributes=("sex",), as_of=True),),
                "dci": DciOptions(reg_type="Civil", lookups={"person": LAYOUT}),
            },
            "as_of_member",
        ),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(changes, message):
    """History of what it does not hold; and history without a word to ask for it by."""
    with pytest.raises(ValidationError, match=message):
        small_manifest(**changes)


def test_what_is_left_of_a_past_day_is_what_the_manifest_declares():
    """Whole lookups, single attributes, and the numbers of persons, which do not change."""
    civil, tax, platform = (manifest_of(name).for_past() for name in ("crvs", "tax", "national_id"))

    assert civil is not None
    assert civil.lookup("person") == manifest_of("crvs").lookup("person")
    assert tax is not None
    assert set(tax.lookup("taxpayer").attributes) == {
        *("tax_year", "income_annual", "income_employment", "income_business", "tax_paid_annual"),
    }
    assert platform is not None
    assert platform.lookup("identity").attributes == ()
    assert "TIN" in platform.lookup("identity").identifiers
    assert not any(t == "DWELLING_KEY" for k in platform.lookups for t in k.identifiers)


def test_a_registry_without_history_is_not_asked_about_the_past():
    """Land holdings are known as they are now; who belonged to a registered household is too."""
    assert manifest_of("land").for_past() is None
    social = manifest_of("social").for_past()
    assert social is not None
    assert not any(k.entity == "group" or k.members or k.kin or k.attributes for k in social.lookups)
    assert social.searches == ()


@pytest.mark.parametrize(("as_of", "member"), [(DAY, "2024-03-01"), (None, None)])
async def test_a_dci_registry_is_asked_by_the_member_that_its_manifest_names(as_of, member):
    """In the criteria of every item; nothing is said when the question is about today."""
    client = InMemoryClient([Response(200, "application/json", b"{}")])
    request = fetch("crvs", "person", (ASHA, Identifier("BRN", "B1990-000014")))._replace(as_of=as_of)
    with pytest.raises(SourceContractError):
        await DciAdapter(manifest_of("crvs"), client).fetch(request, LONG)

    items = orjson.loads(client.sent[0].body or b"")["message"]["search_request"]
    assert [one["search_criteria"].get("pv:as_of") for one in items] == [member, member]


@pytest.mark.parametrize(
    ("as_of", "year"), [(None, "2025"), (DAY, "2023"), (date(2026, 9, 1), "2025"), (date(2028, 1, 1), "2025")]
)
async def test_the_tax_authority_is_asked_for_the_last_year_that_had_ended(as_of, year):
    """And never for one that it has not assessed."""
    client = InMemoryClient([Response(200, "text/xml", b"")])
    request = fetch("tax", "taxpayer", (Identifier("TIN", "T00000001"),), ("income_annual",))._replace(as_of=as_of)
    with pytest.raises(SourceContractError):
        await build(manifest_of("tax"), client).fetch(request, LONG)

    asked = fromstring(client.sent[0].body or b"", forbid_dtd=True)
    assert [element.text for element in asked.iter("{urn:pv:revenue:taxpayer:1}TaxYear")] == [year]
