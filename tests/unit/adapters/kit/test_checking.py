"""The test kit says what is wrong with a registry's folder, line by line."""

from __future__ import annotations

import shutil

import pytest

from adapters.catalogue import FOLDER
from adapters.check import main
from adapters.kit.checking import _call_findings, check
from adapters.kit.readiness import RULES, load_readiness
from standards.errors import ConfigurationError
from tests.unit.adapters.generic.dci.dialects import dialect_manifest


@pytest.fixture
def folder(tmp_path):
    """Return a copy of a registry's folder."""
    return shutil.copytree(FOLDER / "crvs", tmp_path / "crvs")


def edit(path, old, new):
    """Replace a text in a file once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def wrong_in(folder):
    """Return the text of every bad finding."""
    return [f"{one.what}: {one.text}" for one in check(folder, {}) if one.is_good is False]


def test_a_registry_in_order_has_nothing_wrong(folder, capsys):
    """Exit code 0; without an address the test call is not tried, and says so."""
    assert wrong_in(folder) == []
    assert main([str(folder)]) == 0
    assert "not tried: HEARTH_CRVS_URL is not set" in capsys.readouterr().out


def test_a_registry_that_is_looked_up_by_traits_needs_no_example_of_that():
    """It brings candidates there, and no attributes that an example could show."""
    assert wrong_in(FOLDER / "farmers_list") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("manifest.yaml", "speaks: dci", "speaks: morse", "manifest: "),
        ("manifest.yaml", "id: crvs", "id: civil", "the folder must bear its id, civil"),
        ("manifest.yaml", "sex: 2", "sex: two", "authority.sex"),
        ("manifest.yaml", "female: female", "female: woman", "SexCategory has no code woman"),
        ("manifest.yaml", "birth_date, type: date", "birth_date, type: string", "birth_date: string here"),
        ("readiness.yaml", "dated: done", "dated: todo", "still to do: dated"),
        ("readiness.yaml", "dated: done\n", "", "answer the rules dated"),
        ("readiness.yaml", "dated: done", "dated: done\nflawless: done", "no such rules: flawless"),
        ("readiness.yaml", "dated: done", "dated: {status: exempt}", "dated"),
        ("examples/person.yaml", "Lake Town", "Hill Town", "example person: UIN 2000000014: values"),
        ("examples/person.yaml", "lookup: person", "lookup: people", "not an example"),
        ("examples/person.yaml", "  UIN ", "  TIN ", "lookup person is not asked by TIN"),
        ("examples/person.json", '"sex": "male"', '"sex": 7.5', "sex: not a text"),
    ],
)
def test_each_defect_is_one_line(folder, file, old, new, expected):
    """Exit code 1."""
    edit(folder / file, old, new)

    assert any(expected in line for line in wrong_in(folder)), wrong_in(folder)
    assert main([str(folder)]) == 1


@pytest.mark.parametrize(
    ("old", "new", "points_to", "said"),
    [
        (
            "female: female",
            "female: woman",
            "codes: {male",
            "SexCategory has no code woman; there are female, male, other",
        ),
        ("birth_date, type: date", "birth_date, type: string", "type: string", "birth_date: string here, date in the"),
        ("by: [UIN, BRN]", "by: [UIM, BRN]", "- name: person", "UIM: no identifier type; did you mean UIN?"),
    ],
)
def test_what_the_catalogue_does_not_know_is_told_by_its_place(folder, old, new, points_to, said):
    """By line and column, with what there is."""
    path = folder / "manifest.yaml"
    edit(path, old, new)
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(points_to, text.index("lookups:"))].count("\n") + 1

    [wrong] = [one for one in wrong_in(folder) if "manifest.yaml" in one]

    assert f"manifest.yaml:{line}:" in wrong
    assert said in wrong


def test_an_example_shows_no_file_from_elsewhere(folder, tmp_path):
    """What is wrong with an example is shown with its values, so a link to another file is none."""
    (tmp_path / "private.json").write_text("{}", encoding="utf-8")
    (folder / "examples" / "person.json").unlink()
    (folder / "examples" / "person.json").symlink_to(tmp_path / "private.json")

    [wrong] = wrong_in(folder)

    assert "person.json lies elsewhere: put it beside the example" in wrong


def test_every_lookup_needs_an_example(folder):
    """What is not shown is not known to work."""
    (folder / "examples" / "person.yaml").unlink()

    assert wrong_in(folder) == ["examples: none of lookup person"]


def test_a_call_that_is_not_answered_is_a_defect(folder):
    """Nobody listens there."""
    environment = {
        "HEARTH_CRVS_URL": "http://127.0.0.1:9",
        "HEARTH_CRVS_CLIENT_ID": "hearth",
    }
    findings = check(folder, environment)

    assert findings[-1].what == "test call"
    assert findings[-1].is_good is False
    assert "HEARTH_CRVS_CLIENT_SECRET" in findings[-1].text


def test_without_a_folder_the_usage_is_shown(capsys):
    """Exit code 2."""
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_rule_is_explained_in_the_readme():
    """A rule that nobody can read up on is not answered honestly."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert [rule for rule in RULES if f"`{rule}`" not in readme] == []


def test_a_readiness_list_that_is_no_list_is_refused(tmp_path):
    """Whatever it is instead."""
    path = tmp_path / "readiness.yaml"
    for text in ("", "- done", "owner_named: perhaps", "{", "owner_named: [done]"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError):
            load_readiness(path)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"mode": "async", "callback": {"auth": "secret_path"}}, "answers by callback"),
        ({"trust": {"sign": "jws"}}, "signed by the gateway"),
    ],
)
def test_a_registry_that_needs_a_running_gateway_is_not_called(options, why):
    """The line says why, and counts as nothing wrong."""
    (found,) = _call_findings(dialect_manifest(**options), {"PROBE_URL": "http://127.0.0.1:9"})

    assert found.is_good is None
    assert why in found.text
