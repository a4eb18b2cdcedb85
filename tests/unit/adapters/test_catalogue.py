"""Manifests: found, checked with file, line and remedy, connected once."""

from __future__ import annotations

from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from adapters.catalogue import FOLDER, Registries, Registry, build, connect, find_manifests, json_schema, load_manifest
from adapters.manifest import Limits
from adapters.transport.guard import Guarded
from standards.errors import ConfigurationError
from tests.fakes import InMemoryClient, ScriptedAdapter
from tests.unit.adapters.builders import manifest_of, small_manifest

CRVS = (FOLDER / "crvs" / "manifest.yaml").read_text(encoding="utf-8")


def error_of(folder, text):
    """Return what is said about a manifest with this text."""
    path = folder / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_manifest(path)
    return str(caught.value).removeprefix(str(path))


def test_manifests_are_found_by_their_folders():
    """Without listing them anywhere."""
    names = [path.parent.name for path in find_manifests()]

    assert names == sorted(names)
    assert {"crvs", "tax"} <= set(names)


def test_a_folder_that_does_not_exist_holds_none(tmp_path):
    """An empty country is no error."""
    assert find_manifests([tmp_path / "nothing"]) == ()


@pytest.mark.parametrize(
    ("old", "new", "points_to", "remedy"),
    [
        ('version: "1.2"', "version: 1.2", "version: 1.2", "in quotes"),
        ("speaks: dci", "speaks: morse", "speaks: morse", "use one of dci, rest"),
        ("cache_s: 300", "cache_seconds: 300", "cache_seconds", "did you mean `cache_s`?"),
        ("retries: 1", "retries: 9", "retries: 9", "limits.retries"),
        ("env:HEARTH_CRVS_URL", "http://crvs.example.pv", "base_url: http", "reference to the environment"),
        ("kind: oauth2", "kind: magic", "auth:", "the kinds are api_key, basic"),
        ("type: date, required: true}", "type: century}", "type: century", "use one of"),
        ("cache_s: 300", "cache_s: 300\ncache_s: 400", "cache_s: 400", "`cache_s` stands here twice"),
        ("  birth_date: 1\n", "  shoe_size: 1\n", "authority:", "no lookup holds: shoe_size"),
        ("kin: true", "kin: false", "id: crvs", "`kin`"),
        ("      - birth_place\n", "", "authority:", "authority"),
        ("id: crvs\n", "", "title:", "'id' is a required property; add it"),
    ],
)
def test_an_error_names_file_line_column_and_remedy(tmp_path, old, new, points_to, remedy):
    """Whoever wrote the manifest sees where to look and what to change."""
    assert old in CRVS
    text = CRVS.replace(old, new, 1)
    before = text[: text.index(points_to)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")

    error = error_of(tmp_path, text)

    assert error.startswith(f":{line}:{column}: ")
    assert remedy in error


def test_an_empty_or_missing_file_is_no_manifest(tmp_path):
    """And is not taken for one with defaults."""
    assert "nothing stands here" in error_of(tmp_path, "")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        load_manifest(tmp_path / "none.yaml")


def test_the_json_schema_is_one_and_accepts_what_the_model_accepts():
    """Editors and other countries' tools use it."""
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["additionalProperties"] is False


def test_a_dialect_without_an_adapter_is_refused_with_a_remedy():
    """At start."""
    with pytest.raises(ConfigurationError, match=r"write adapters/probe/adapter\.py"):
        build(small_manifest(), InMemoryClient([]))


@pytest.mark.parametrize("name", [path.parent.name for path in find_manifests()])
def test_every_registry_has_an_adapter(name):
    """Its own by its folder, or the driver of its protocol."""
    manifest = manifest_of(name)

    assert build(manifest, InMemoryClient([])).manifest is manifest


def test_missing_references_are_told_with_the_registry_that_needs_them():
    """All of them at once."""
    manifests = [manifest_of("crvs"), manifest_of("land"), small_manifest()]
    with pytest.raises(ConfigurationError) as caught:
        connect(manifests, cast("Any", None), {"PROBE_URL": "http://probe.example"})

    told = str(caught.value)
    assert "set HEARTH_CRVS_URL, HEARTH_CRVS_CLIENT_ID, HEARTH_CRVS_CLIENT_SECRET" in told
    assert "(registry crvs), HEARTH_LAND_URL" in told
    assert "PROBE_URL" not in told


def test_registries_are_read_only_and_their_ids_differ():
    """What is connected at start stays as it is."""
    registry = Registry(small_manifest(), Guarded(ScriptedAdapter(small_manifest()), Limits()))
    registries = Registries([registry])

    assert dict(registries) == {"probe": registry}
    assert registries.manifests == {"probe": registry.manifest}
    assert not hasattr(registries, "__setitem__")
    with pytest.raises(ConfigurationError, match="two manifests have the id probe"):
        Registries([registry, registry])
