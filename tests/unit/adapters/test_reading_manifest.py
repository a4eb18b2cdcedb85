"""Manifests are read strictly, and everything that is wrong is told at once, by its place, with a remedy."""

from __future__ import annotations

import pytest

from adapters.catalogue import FOLDER
from adapters.reading_manifest import MOST, ManifestError, json_schema, read_manifest

CRVS = (FOLDER / "crvs" / "manifest.yaml").read_text(encoding="utf-8")


def mistakes_in(text):
    """Return the mistakes of a text."""
    with pytest.raises(ManifestError) as caught:
        read_manifest(text, "manifest.yaml")
    return caught.value.mistakes


def test_every_field_is_explained():
    """An editor completes names, and shows a title and a description beside each: none is without."""
    schema = json_schema()
    lacking = [
        f"{name}.{key}: {word}"
        for name, part in {"Manifest": schema, **schema["$defs"]}.items()
        for key, field in part.get("properties", {}).items()
        for word in ("title", "description")
        # What leads to another part bears that part's title.
        if word not in field and not (word == "title" and ("$ref" in field or "anyOf" in field or "allOf" in field))
    ]

    assert lacking == []


def test_every_part_is_strict():
    """A key that nobody knows is never passed over."""
    schema = json_schema()
    objects = {name: part for name, part in schema["$defs"].items() if part.get("type") == "object"}

    assert [name for name, part in objects.items() if part.get("additionalProperties") is not False] == []


def test_several_mistakes_are_told_at_once_in_the_order_of_the_file():
    """Each with line and column."""
    text = CRVS.replace("cache_s: 300", "cashe_s: 300").replace("retries: 1", "retries: 9")
    text = text.replace("speaks: dci", "speaks: dcy")

    found = mistakes_in(text)

    assert [one.place.split(":")[1] for one in found] == sorted((one.place.split(":")[1] for one in found), key=int)
    told = " ".join(one.text for one in found)
    assert "did you mean `dci`" in told
    assert "did you mean `cache_s`" in told
    assert "limits.retries" in told


def test_more_mistakes_than_anybody_mends_at_once_are_counted():
    """Ten are told."""
    text = CRVS + "".join(f"unknown_{number}: 1\n" for number in range(MOST + 3))
    with pytest.raises(ManifestError) as caught:
        read_manifest(text, "manifest.yaml")

    lines = str(caught.value).splitlines()
    assert len(lines) == MOST + 1
    assert lines[-1] == "manifest.yaml: and 3 more"


def test_a_mistake_inside_one_of_several_forms_is_told_where_it_is():
    """Not as `fits no known form`."""
    [one] = mistakes_in(CRVS.replace("    client_id: env:HEARTH_CRVS_CLIENT_ID\n", ""))
    assert "'client_id' is a required property; add it" in one.text
    assert "Reference to the client id" in one.text

    [other] = mistakes_in(CRVS.replace("callback: {auth: bearer,", "callback: {auht: bearer, auth: bearer,"))
    assert other.text.startswith("dci.callback: there is no `auht` here: did you mean `auth`?")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x\n",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
        "x" * 1_000_001,
        "[" * 5_000,
        "- 1",
        "",
        "id: !!python/object:os.system x",
    ],
)
def test_a_text_that_is_no_manifest_is_refused(text):
    """Also one that a stranger wrote to grow in memory."""
    assert mistakes_in(text)


def test_a_mistake_of_the_model_is_told_at_the_part_that_it_names():
    """Not at the first line of the file."""
    [one] = mistakes_in(CRVS.replace("issues: [BRN]", "issues: [TIN]"))

    line = 1 + CRVS[: CRVS.index("issues:")].count("\n")
    assert one.place == f":{line}:1"
    assert one.text.startswith("`issues` names numbers that no lookup knows: TIN")
