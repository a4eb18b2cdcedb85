"""Agreement files: read whole, or refused with the place and the remedy."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from policies.agreement import json_schema
from policies.folder import agreement_files
from policies.reading import parse_agreement, read_agreement
from standards.errors import ConfigurationError
from standards.permit import Form, FormKind, Operator
from tests.unit.policies.builders import CATALOGUE

SANDBOX = Path(__file__).parents[3] / "policies" / "sandbox"

GOOD = """\
id: grant
version: "1.0"
consumer: {id: programme, title: Programme, client_id: programme, sender_id: programme.pv}
title: Grant
start: 2026-01-01
end: 2026-12-31
purposes:
  eligibility: {title: Eligibility, legal_basis: consent, reference: "Act, section 1"}
household: {rule: registered-or-kin@1}
attributes:
  given_name: value
  income_annual: {form: band, edges: [100, 200]}
  land_area_ha: {form: band, edges: [1, 5]}
  household_income: {form: predicate, operator: in, threshold: [1, 2]}
  birth_date: {form: generalised, to: year}
max_age_s: 3600
retention_days: 30
search: {attributes: [given_name], max_results: 10}
"""


def test_a_good_file_becomes_an_agreement():
    """What the file says is what permits will carry; edges take the type of their attribute."""
    agreement = parse_agreement(GOOD, CATALOGUE)

    assert agreement.purposes["eligibility"].legal_basis == "consent"
    assert not agreement.hide_withheld
    assert agreement.forms == {
        "given_name": Form(FormKind.VALUE),
        "income_annual": Form(FormKind.BAND, edges=(100, 200)),
        "land_area_ha": Form(FormKind.BAND, edges=(1.0, 5.0)),
        "household_income": Form(FormKind.PREDICATE, operator=Operator.IN, threshold=(1, 2)),
        "birth_date": Form(FormKind.GENERALISED, to="year"),
    }
    assert [type(edge) for edge in agreement.forms["land_area_ha"].edges] == [float, float]


@pytest.mark.parametrize(
    ("right", "wrong", "place", "remedy"),
    [
        ('version: "1.0"', "version: 1.0", "2:1: version", "quotes"),
        ("title: Grant", "titel: Grant", "4:1: titel", "not known"),
        ("title: Grant\n", "", "1:1: agreement", "add the key `title`"),
        ("sender_id: programme.pv", "sender: x", "3:1: consumer", "add the key `sender_id`"),
        ("end: 2026-12-31", "end: 2025-12-31", "6:1: end", "on or after `start`"),
        ("end: 2026-12-31", "end: soon", "6:1: end", "such as 2026"),
        ("legal_basis: consent", "legal_basis: hope", "8:37: purposes.eligibility.legal_basis", "'vital_interest'"),
        ("given_name: value", "given_name: all", "11:3: attributes.given_name", "'value'"),
        ("given_name: value", "given_name: {to: year}", "11:3: attributes.given_name", "form: band"),
        ("given_name: value", "given_name: {form: blur}", "11:3: attributes.given_name", "band | predicate"),
        ("given_name: value", "shoe_size: value", "11:3: attributes.shoe_size", "no attribute"),
        ("given_name: value", "first_name: value", "11:3: attributes.first_name", "write `given_name`"),
        ("given_name: value", "given_name: {form: band, edges: [1]}", "11:3: attributes.given_name", "number"),
        ("given_name: value", "given_name: {form: predicate, operator: lt, threshold: 1}", "11:3", "number"),
        ("given_name: value", "given_name: {form: generalised, to: year}", "11:3", "only a date"),
        ("given_name: value", "locality: {form: generalised, to: initial}", "11:3", "name"),
        ("given_name: value", "given_name: {form: generalised, to: region}", "11:3", "part of an address"),
        ("given_name: value", "region_code: {form: generalised, to: district}", "11:3", "coarser"),
        ("given_name: value", "insured: {form: masked}", "11:3: attributes.insured", "only strings"),
        ("edges: [100, 200]", "edges: [200, 100]", "12:3: attributes.income_annual", "ascend"),
        ("edges: [100, 200]", "edges: [100, 100]", "12:3: attributes.income_annual", "ascend"),
        ("edges: [100, 200]", "edges: [100.5]", "12:3: attributes.income_annual", "without decimals"),
        ("edges: [100, 200]", "edges: []", "12:31: attributes.income_annual.edges", "at least one"),
        ("operator: in", "operator: lt", "14:3: attributes.household_income", "threshold"),
        ("threshold: [1, 2]", "threshold: 1", "14:3: attributes.household_income", "threshold"),
        ("[given_name]", "[sex]", "18:23: search.attributes.0", "agreed as `value`"),
        ("household: {rule: registered-or-kin@1}", "household: null", "14:3", "describes the household"),
        ("rule: registered-or-kin@1", "rule: everybody", "9:13: household.rule", "pattern"),
        ("title: Grant", "title: [", "", "not well-formed"),
        ("title: Grant", "id: other", "4:1", "duplicate key"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_remedy(right, wrong, place, remedy):
    """An operator finds the line and learns what to write there."""
    assert right in GOOD

    with pytest.raises(ConfigurationError) as refused:
        parse_agreement(GOOD.replace(right, wrong, 1), CATALOGUE, name="grant.yaml")

    lines = str(refused.value).splitlines()
    assert any(line.startswith(f"grant.yaml:{place}") and remedy in line for line in lines), lines


@pytest.mark.parametrize("text", ["", "- a list", "just text", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(text):
    """Empty files and lists are no agreements."""
    with pytest.raises(ConfigurationError, match=r"grant\.yaml"):
        parse_agreement(text, CATALOGUE, name="grant.yaml")


def test_everything_wrong_is_said_at_once():
    """One try shows all mistakes of a file."""
    with pytest.raises(ConfigurationError) as refused:
        parse_agreement(GOOD.replace("given_name:", "sho:").replace("birth_date", "berth"), CATALOGUE)

    assert len(str(refused.value).splitlines()) == 3


def test_an_unreadable_file_is_refused(tmp_path):
    """A missing file and one that is not text are named."""
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")

    for name in ("a.yaml", "b.yaml"):
        with pytest.raises(ConfigurationError, match=name):
            read_agreement(tmp_path / name, CATALOGUE)


@pytest.mark.parametrize("path", agreement_files(SANDBOX), ids=lambda path: path.stem)
def test_the_practice_agreements_can_be_used(path):
    """They load, and fit the published JSON Schema too."""
    content = YAML(typ="safe", pure=True).load(path.read_text())
    content |= {key: content[key].isoformat() for key in ("start", "end")}

    assert read_agreement(path, CATALOGUE).version == "1.0"
    jsonschema.Draft202012Validator(json_schema()).validate(content)


def test_the_school_grant_knows_no_tax_land_or_health():
    """Minimisation starts with the agreement."""
    agreement = read_agreement(SANDBOX / "cct-education.yaml", CATALOGUE)

    places = {CATALOGUE[name].place.split(".")[0] for name in agreement.attributes}
    assert places.isdisjoint({"hearth:taxpayer", "hearth:land", "hearth:health", "disability_info", "is_disabled"})


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    """Not as one that cannot be read."""
    with pytest.raises(ConfigurationError, match=r"none\.yaml: there is no such file"):
        read_agreement(tmp_path / "none.yaml", CATALOGUE)
