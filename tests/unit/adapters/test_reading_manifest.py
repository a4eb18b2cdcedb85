"""Manifests are read strictly, and everything that is wrong is told at once, by its place, with a remedy."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time

import pytest

from adapters.catalogue import FOLDER
from adapters.reading_manifest import MOST, ManifestError, json_schema, load_manifest, read_manifest

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


SECRET = "s3cret-of-the-registry"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("env:HEARTH_CRVS_CLIENT_SECRET", SECRET),
        ("env:HEARTH_CRVS_URL", f"https://user:{SECRET}@crvs.example/"),
        ("kind: oauth2", f"kind: {SECRET}"),
        ("cache_s: 300", f"cache_s: {SECRET}"),
        ("retries: 1", f"retries: {SECRET}"),
        ("    client_id: env:HEARTH_CRVS_CLIENT_ID\n", f"    client_id: {SECRET}\n    client_id: {SECRET}x\n"),
        ("client_secret: env:HEARTH_CRVS_CLIENT_SECRET", f'client_secret: "{SECRET}'),
        ("client_secret: env:HEARTH_CRVS_CLIENT_SECRET", f"client_secret: [{SECRET}]"),
        ("client_secret: env:HEARTH_CRVS_CLIENT_SECRET", f"client_secret: {SECRET}: x"),
        ("client_secret: env:HEARTH_CRVS_CLIENT_SECRET", f"client_secret: !{SECRET} x"),
    ],
)
def test_a_secret_in_clear_is_refused_and_never_shown(old, new):
    """Whatever is wrong with it, and whoever reads the error."""
    assert old in CRVS
    mistakes = mistakes_in(CRVS.replace(old, new, 1))

    assert mistakes[0].place
    assert not any(SECRET in one.text for one in mistakes)


@pytest.mark.parametrize(
    ("old", "new", "place", "remedy"),
    [
        ("cache_s: 300", "\tcache_s: 300", "\t", "a tab; use spaces"),
        ("cache_s: 300", "cache_s:\n  - 300", "cache_s:", "a number, without quotes"),
        ("cache_s: 300", "cache_s:", "cache_s:", "nothing stands here"),
        ("cache_s: 300", "cache_s: .inf", "cache_s:", "finite"),
        ("cache_s: 300", "cache_s: -1", "cache_s:", "must be at least 0"),
        ("cache_s: 300", "<<: {cache_s: 300}", "<<:", "write it out"),
        ("cache_s: 300", "cache_s: !!int 300", "!!int", "no tags"),
        ("cache_s: 300", "cache_s: 2026-02-31", "2026-02-31", "a number or day that there is not"),
        ("cache_s: 300", "cache_s: 300\x01", "\x01", "control character"),
        ("id: crvs", "id: Civil-Registry", "id:", "small letters, digits and `_`"),
        ("id: crvs", "id: ''", "id:", "small letters"),
        ("speaks: dci", "speaks: DCI", "speaks:", "did you mean `dci`?"),
        ('version: "1.2"', 'version: "1"', "version:", "two numbers with a point between them"),
        ("batch: 50", "batch: 0", "batch: 0", "must be at least 1"),
        ("path: birth_date", "path: birth_date..", "child_birth_date_path", "not a JMESPath"),
        ("path: birth_date", "path: Birth date", "child_birth_date_path", "double quotes"),
        ("by: [UIN, BRN]", "by: [BRN, NIN]", "name: person", "NIN is written UIN here"),
        ("by: [UIN, BRN]", "by: [national number, BRN]", "name: person", "written in capitals, digits"),
        ("by: [UIN, BRN]", "by: [BRN, UIN, BRN]", "by: [BRN", "names BRN twice"),
        ("  birth_date: 1\n", "  birth_date: 0\n", "birth_date: 0", "must be at least 1"),
    ],
)
def test_every_mistake_has_its_place_and_a_remedy_in_words(old, new, place, remedy):
    """An engineer who knows neither JSON Schema nor regular expressions can mend it."""
    assert CRVS.count(old) >= 1
    text = CRVS.replace(old, new, 1)
    before = text[: text.index(place)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")

    found = mistakes_in(text)[0]

    assert remedy in found.text
    assert found.place == f":{line}:{column}"


def test_a_hundred_unknown_keys_are_told_as_quickly_as_one():
    """The file is not read again for each of them."""
    start = process_time()
    mistakes = mistakes_in(CRVS + "".join(f"unknown_{number}: 1\n" for number in range(2_000)))

    assert len(mistakes) == 100
    assert process_time() - start < 15  # it was minutes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 400_000, "deep"),
        ("- " * 300_000, "deep"),
        ("".join(f"k{number}: 1\n" for number in range(60_000)), "keys and values"),
        ("x" * 1_000_001, "longer than"),
    ],
)
def test_what_would_take_long_to_read_is_refused_before_it_is_built(text, said):
    """By its depth, its parts, its length."""
    start = process_time()

    assert said in mistakes_in(text)[0].text
    assert process_time() - start < 15


def test_a_file_that_is_none_or_too_long_is_never_read_into_memory(tmp_path):
    """A pipe would be waited for without end."""
    pipe, long = tmp_path / "pipe.yaml", tmp_path / "long.yaml"
    os.mkfifo(pipe)
    with long.open("wb") as stream:
        stream.truncate(10**10)

    for path, said in ((pipe, "no such file"), (long, "longer than"), (tmp_path, "no such file")):
        with pytest.raises(ManifestError, match=said):
            load_manifest(path)


def test_a_file_in_another_encoding_is_told_so(tmp_path):
    """And one with a mark of its byte order is read."""
    path = tmp_path / "manifest.yaml"
    path.write_bytes(CRVS.replace("title: ", "title: é").encode("latin-1"))
    with pytest.raises(ManifestError, match="UTF-8"):
        load_manifest(path)

    path.write_text(CRVS, encoding="utf-8-sig")
    assert load_manifest(path).id == "crvs"


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


def test_a_part_is_refused_once_for_what_is_wrong_inside_it():
    """And not again for holding nothing that is right."""
    text = (FOLDER / "education" / "manifest.yaml").read_text(encoding="utf-8")
    text += """
rest:
  lookups:
    learner:
      requests:
        - {path: "/people/{number}", found: "people["}
"""
    [one] = mistakes_in(text)

    assert one.text == "rest.lookups.learner.requests.0.found: not a JMESPath (from character 8)"


def test_a_mistake_of_the_model_is_told_at_the_part_that_it_names():
    """Not at the first line of the file."""
    [one] = mistakes_in(CRVS.replace("issues: [BRN]", "issues: [TIN]"))

    line = 1 + CRVS[: CRVS.index("issues:")].count("\n")
    assert one.place == f":{line}:1"
    assert one.text.startswith("`issues` names numbers that no lookup knows: TIN")


def test_every_document_beside_a_manifest_is_told_of_before_it_is_read(tmp_path):
    """Whoever follows the manifest has to follow these too: also one that is missing, or of no use yet."""
    for one in (FOLDER / "tax").glob("*.*"):
        (tmp_path / one.name).write_bytes(one.read_bytes())
    wsdl = tmp_path / "service.wsdl"
    whole = wsdl.read_text(encoding="utf-8")
    told: list[Path] = []

    def read():
        told.clear()
        return load_manifest(tmp_path / "manifest.yaml", told.append)

    assert read().soap is not None
    assert told == [wsdl]
    wsdl.write_text(
        whole.replace("<wsdl:types>", '<wsdl:import location="more/types.wsdl"/><wsdl:types>'), encoding="utf-8"
    )
    for document in (None, "no XML"):
        if document is not None:
            (tmp_path / "more").mkdir()
            (tmp_path / "more" / "types.wsdl").write_text(document, encoding="utf-8")
        with pytest.raises(ManifestError, match=r"more/types\.wsdl"):
            read()
        assert told == [wsdl, tmp_path / "more" / "types.wsdl"]
    wsdl.unlink()
    with pytest.raises(ManifestError, match="cannot be read"):
        read()
    assert told == [wsdl]
