"""What adapters/README.md says of manifests: every part and operation is told of, and what it shows fits the schema."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from adapters.generic.mapping.layout import (
    KinLayout,
    MembersLayout,
    NumberField,
    RecordLayout,
    ValueField,
)
from adapters.generic.mapping.traits import TraitsOptions
from adapters.kit.checking import catalogue_differences
from adapters.kit.watching import opened
from adapters.manifest import Manifest
from adapters.ports import LinkableAdapter
from adapters.reading_manifest import json_schema, read_manifest
from adapters.terms import Contacts, Hours, Legal

pytestmark = pytest.mark.contract

GUIDE = (Path(__file__).parents[2] / "adapters" / "README.md").read_text(encoding="utf-8")
SHOWN = [
    YAML(typ="safe", pure=True).load(text)
    for text in re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
]
PARTS = [one for one in SHOWN if isinstance(one, dict) and one.keys() <= Manifest.model_fields.keys()]
"""Manifests, whole or some parts of one."""


def table(head):
    """Return the first columns and the whole rows of the table that begins with a head."""
    text = GUIDE[GUIDE.index(f"| {head} |") :].partition("\n\n")[0]
    rows = text.splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}, text


@pytest.mark.parametrize(
    ("head", "model"),
    [
        ("of `records.LOOKUP`", RecordLayout),
        ("of an attribute", ValueField),
        ("of a number", NumberField),
        ("of `by_traits`", TraitsOptions),
        ("of `legal`", Legal),
    ],
)
def test_a_table_of_the_guide_has_a_row_for_every_key_and_for_no_other(head, model):
    """So that it cannot go stale."""
    assert table(head)[0] == model.model_fields.keys()


def test_every_part_of_a_manifest_is_told_of():
    """In the table of parts, or as a part named after a protocol."""
    told = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`", GUIDE))))

    assert Manifest.model_fields.keys() | Contacts.model_fields.keys() | Hours.model_fields.keys() <= told


@pytest.mark.parametrize("name", ["type", "date", "calendar", "words", "case", "rounding", "combine", "decimal_sign"])
def test_every_choice_of_an_operation_is_told_of(name):
    """In its row."""
    (row,) = [row for row in table("of an attribute")[1].splitlines() if row.startswith(f"| `{name}` |")]
    choices = get_args(ValueField.model_fields[name].annotation)

    assert choices
    assert {f"`{choice}`" for choice in choices} <= set(re.findall(r"`[^`]+`", row))


@pytest.mark.parametrize("model", [KinLayout, MembersLayout])
def test_kin_and_members_are_told_of_in_their_rows(model):
    """With all their keys."""
    name = "kin" if model is KinLayout else "members"
    (row,) = [row for row in table("of `records.LOOKUP`")[1].splitlines() if row.startswith(f"| `{name}` |")]

    assert {f"`{key}`" for key in model.model_fields} <= set(re.findall(r"`[^`]+`", row))


def test_the_guide_shows_manifests_whole_and_in_parts():
    """What the tests below look at is there."""
    assert sum("id" in one for one in PARTS) >= 9
    assert any(one.keys() == {"hours", "freshness", "capacity", "coverage"} for one in PARTS)


@pytest.mark.parametrize("stated", PARTS, ids=lambda one: str(one.get("id", next(iter(one)))))
def test_what_the_guide_shows_fits_the_schema(stated: dict[str, Any]):
    """As an editor would have it, which knows the schema alone."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    if "id" not in stated:  # a part
        schema = {**schema, "required": []}

    assert [error.message for error in Draft202012Validator(schema).iter_errors(stated)] == []


def test_the_hours_shown_say_when_the_registry_opens():
    """A Saturday there: it opens on Monday."""
    (stated,) = [one["hours"] for one in PARTS if "hours" in one]

    opens = Hours.model_validate(stated).opens_at(datetime(2026, 11, 21, 12, tzinfo=UTC))

    assert opens is not None
    assert opens.isoformat() == "2026-11-23T07:00:00+03:00"


def test_what_a_table_of_the_guide_calls_default_is():
    """Behind each word `(default)` stands the model's."""
    for name, choice in re.findall(
        r"^\| `(\w+)` \|.*?`([^`]+)`(?: [\w./-]+)? \(default\)", table("of an attribute")[1], re.MULTILINE
    ):
        assert ValueField.model_fields[name].default == choice, name


def test_a_manifest_of_the_guide_is_read_as_it_stands():
    """By its model too."""
    text = re.findall(r"^`pensions/manifest.yaml`:\n\n```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[0]

    assert read_manifest(text, "pensions").id == "pensions"


async def test_the_registry_without_numbers_that_the_guide_shows_can_be_asked():
    """Its parts and the rest of the first example are a manifest that a driver takes."""
    pensions = re.findall(r"^`pensions/manifest.yaml`:\n\n```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
    (parts,) = [one for one in PARTS if "issues" in one]
    stated = YAML(typ="safe", pure=True).load(pensions) | parts | {"authority": {}}
    manifest = Manifest.model_validate(stated)
    environment = {"HEARTH_PENSIONS_URL": "http://127.0.0.1:9", "HEARTH_PENSIONS_KEY": "k"}

    async with opened(manifest, environment) as (adapter, _):
        assert isinstance(adapter, LinkableAdapter)
    assert catalogue_differences(manifest) == []
