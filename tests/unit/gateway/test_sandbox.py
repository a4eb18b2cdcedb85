"""The parts of the sandbox that start nothing."""

import json
import os
import re
from typing import Any

import pytest

from gateway.sandbox import AGREEMENTS, Sandbox, _put, pairs, read_file
from standards.errors import ConfigurationError


def test_pairs_are_split_at_the_first_equals_sign():
    """The value may hold further ones; the last of two equal names counts."""
    assert pairs(["a=1", "b = x=y", "a=2"], "--set") == {"a": "2", "b": " x=y"}
    assert pairs([], "--set") == {}


@pytest.mark.parametrize("argument", ["a", "=1", "", "  =1"])
def test_a_pair_without_a_name_or_an_equals_sign_is_refused(argument):
    """The option is named, so that one knows which."""
    with pytest.raises(ConfigurationError, match=r"--set.*NAME=VALUE"):
        pairs([argument], "--set")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("sandbox", "false", {"sandbox": False}),
        ("server.port", "9000", {"sandbox": True, "server": {"port": 9000, "host": "h"}}),
        ("cache.max_age_s", "0.5", {"cache": {"max_age_s": 0.5}}),
        ("a.b.c", "[x, y]", {"a": {"b": {"c": ["x", "y"]}}}),
        ("log.file", "null", {"log": {"file": None}}),
        ("log.level", '"debug"', {"log": {"level": "debug"}}),
    ],
)
def test_a_setting_is_put_where_its_path_leads(path, text, expected):
    """Its value is read as YAML, and its neighbours stay."""
    config: dict[str, Any] = {"sandbox": True, "server": {"port": 1, "host": "h"}}
    _put(config, path, text)

    assert config == {"sandbox": True, "server": {"port": 1, "host": "h"}} | expected


@pytest.mark.parametrize(("path", "text"), [("sandbox.more", "1"), ("server.port", "{")])
def test_a_setting_that_leads_nowhere_is_refused(path, text):
    """By its path."""
    with pytest.raises(ConfigurationError, match=path):
        _put({"sandbox": True}, path, text)


def test_a_programme_by_the_name_of_a_client_of_the_sandbox_is_refused(tmp_path):
    """It would be given that one's credentials, and none of its own would count."""
    text = (AGREEMENTS / "uct.yaml").read_text(encoding="utf-8")
    named = re.sub(
        r"client_id: \w+", "client_id: office", re.sub(r"(consumer:.*?id: )uct", r"\1pilot", text, flags=re.DOTALL)
    )
    (tmp_path / "pilot.yaml").write_text(named, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="a client of its own named office"):
        Sandbox(tmp_path / "sandbox", consumers={"pilot": tmp_path / "pilot.yaml"}).start()


def test_a_second_sandbox_in_the_same_folder_is_refused(tmp_path):
    """While the first one lives; nothing of it is touched."""
    file = tmp_path / "sandbox.json"
    file.write_text(json.dumps({"pid": os.getpid()}))

    with pytest.raises(ConfigurationError, match=str(os.getpid())):
        Sandbox(tmp_path).start()
    assert file.exists()


@pytest.mark.parametrize("content", ["", "{}", '{"pid": 999999999}', '{"pid": "x"}'])
def test_what_a_dead_sandbox_left_does_not_stand_in_the_way(tmp_path, content):
    """Its file says nothing about a process that lives."""
    (tmp_path / "sandbox.json").write_text(content)

    Sandbox(tmp_path)._refuse_second()


def test_the_file_of_a_running_sandbox_is_read(tmp_path):
    """Where none runs, it is said how to start one."""
    with pytest.raises(ConfigurationError, match="hearth sandbox"):
        read_file(tmp_path)
    (tmp_path / "sandbox.json").write_text('{"gateway": "http://127.0.0.1:1"}')

    assert read_file(tmp_path) == {"gateway": "http://127.0.0.1:1"}


def test_an_agreement_given_for_a_programme_replaces_the_practice_one(tmp_path):
    """One that names another programme is refused."""
    text = tmp_path / "mine.yaml"
    practice = (AGREEMENTS / "uct.yaml").read_text(encoding="utf-8")
    text.write_text(practice.replace('version: "1.0"', 'version: "1.1"'), encoding="utf-8")
    sandbox = Sandbox(tmp_path / "s", consumers={"uct": text})
    sandbox.folder.mkdir()
    agreements = sandbox._agreements()

    assert agreements["uct"].version == "1.1"
    assert sorted(f.name for f in (tmp_path / "s" / "agreements").iterdir()) == [
        "cct-education.yaml",
        "disability-allowance.yaml",
        "rural-support.yaml",
        "uct-eligibility-1.1.yaml",
    ]
    other = Sandbox(tmp_path / "t", consumers={"other": text})
    other.folder.mkdir()
    with pytest.raises(ConfigurationError, match="other"):
        other._agreements()
