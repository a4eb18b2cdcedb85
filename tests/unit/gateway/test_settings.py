"""Settings: one file, overridden by the environment, and refused when anything in it is not known."""

from pathlib import Path

import pytest

from gateway.settings import Settings, load
from standards.errors import ConfigurationError
from standards.rules import BoundaryRule, Combination, Tie


def written(folder: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def refusal(folder: Path, text: str) -> str:
    """Why a file with this text is refused."""
    with pytest.raises(ConfigurationError) as caught:
        written(folder, text)
    return str(caught.value)


def test_without_a_file_there_are_defaults():
    """Nobody may ask, and everything stays on this computer."""
    settings = load(None)

    assert settings.consumers == ()
    assert settings.server.host == "127.0.0.1"
    assert not settings.sandbox


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_changes_nothing(tmp_path, text):
    """It is the defaults."""
    assert written(tmp_path, text) == load(None)


def test_a_file_changes_what_it_names(tmp_path):
    """And nothing else."""
    settings = written(tmp_path, "server: {port: 9000}\ncache: {max_age_s: 1}\n")

    assert (settings.server.port, settings.cache.max_age_s) == (9000, 1)
    assert settings.server.host == "127.0.0.1"


def test_the_environment_overrides_the_file(tmp_path, monkeypatch):
    """Setting by setting."""
    monkeypatch.setenv("HEARTH__SERVER__PORT", "8081")
    monkeypatch.setenv("HEARTH__SANDBOX", "true")
    settings = written(tmp_path, "server: {port: 9000, host: 0.0.0.0}")

    assert (settings.server.port, settings.server.host, settings.sandbox) == (8081, "0.0.0.0", True)


def test_paths_in_a_file_are_relative_to_the_file(tmp_path):
    """Wherever the gateway is started; an absolute path stays what it is, and so does a default."""
    settings = written(
        tmp_path,
        f"agreements: terms\nstores: {{folder: state}}\nlog: {{file: log/gateway.log}}\n"
        f"registries: {{folders: [more, {tmp_path / 'absolute'}]}}\n",
    )

    assert settings.agreements.folder == tmp_path / "terms"
    assert settings.stores.folder == tmp_path / "state"
    assert settings.log.file == tmp_path / "log" / "gateway.log"
    assert settings.registries.folders == (tmp_path / "more", tmp_path / "absolute")
    assert settings.stores.keys == Path("keys")
    assert written(tmp_path, "").agreements.folder == Path("agreements")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("servre: {}", "servre"),
        ("server: {prot: 1}", "server.prot"),
        ("server: {port: 70000}", "server.port"),
        ("server: 5", "server"),
        ("stores: [x]", "stores"),
        ("cache: {max_age_s: -1}", "cache.max_age_s"),
        ("messages: {compose_share: 1}", "messages.compose_share"),
        ("consumers: [{client_id: uct}]", "consumers.0.sender_id"),
        ("log: {level: loud}", "log.level"),
        ("- a list", "list"),
        ("5: five", "mapping"),
        ("server: {port: 1", "line"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_place(tmp_path, text, named):
    """What is wrong is named, with its file."""
    message = refusal(tmp_path, text)

    assert named in message
    assert "config.yaml" in message


@pytest.mark.parametrize(
    "text",
    [
        "consumers: [{client_id: uct, sender_id: s, secret_hash: {planted: 1}}]",
        "consumers: [{client_id: uct, sender_id: s, signature: planted}]",
        "consumers: [{client_id: uct, sender_id: s, public_key: [planted]}]",
        "server: {port: planted}",
    ],
)
def test_a_refusal_repeats_no_value(tmp_path, text):
    """A secret in the wrong place would stand in the operator's log."""
    assert "planted" not in refusal(tmp_path, text).replace("secret_hash.planted", "")


def test_secrets_are_not_shown(tmp_path):
    """Not even their hash."""
    settings = written(tmp_path, "consumers: [{client_id: uct, sender_id: s, secret_hash: planted}]")

    assert "planted" not in repr(settings)


@pytest.mark.parametrize("make", [None, Path.mkdir, lambda path: path.write_bytes(b"\xff\xfe\xff")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, make):
    """Not there, a folder, or no text."""
    file = tmp_path / "config.yaml"
    if make is not None:
        make(file)
    with pytest.raises(ConfigurationError, match=r"config\.yaml"):
        load(file)


def test_an_environment_that_is_not_understood_is_refused(monkeypatch):
    """As a file is, and without its value."""
    monkeypatch.setenv("HEARTH__CONSUMERS", "planted {")
    with pytest.raises(ConfigurationError, match=r"(?i)environment") as caught:
        load(None)
    assert "planted" not in str(caught.value)


def test_boundary_rules_are_those_that_the_stages_know():
    """Every field of a rule's setting is one of the rule, so that none is set in vain."""
    for stated in load(None).households.rules:
        rule = BoundaryRule(**stated.model_dump())
        assert rule.title == f"{stated.name}@{stated.version}"


def test_a_boundary_rule_is_read_whole(tmp_path):
    """Every word of the language, as the stages take it."""
    text = """
households:
  rules:
    - {name: family-home, version: "1", kin: true, co_residence: true, combine: intersection,
       ties: [spouse, siblings], depth: 2, max_members: 20, max_residents: 12}
"""
    (rule,) = written(tmp_path, text).households.rules

    assert BoundaryRule(**rule.model_dump()) == BoundaryRule(
        "family-home",
        "1",
        kin=True,
        co_residence=True,
        combine=Combination.INTERSECTION,
        ties=(Tie.SPOUSE, Tie.SIBLINGS),
        depth=2,
        max_members=20,
        max_residents=12,
    )


def test_a_rule_whose_ties_it_never_reaches_is_refused(tmp_path):
    """Brothers and sisters are two ties away."""
    text = "households: {rules: [{name: a, version: '1', kin: true, ties: [siblings]}]}"

    assert "siblings: two ties away, so give the rule a depth of 2" in refusal(tmp_path, text)


def test_rules_that_agreements_name_keep_their_meaning():
    """The first three, as they were."""
    rules = {(r.name, r.version): BoundaryRule(**r.model_dump()) for r in load(None).households.rules}

    assert rules["registered-or-kin", "1"] == BoundaryRule("registered-or-kin", "1", registered=True, kin=True)
    assert rules["registered", "1"] == BoundaryRule("registered", "1", registered=True)
    assert rules["kin", "1"] == BoundaryRule("kin", "1", kin=True)
