"""`hearth keys`: what an operator sees and does."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal.checkpoints import checkpoint
from gateway.keys import open_keys
from gateway.trust.ring import read_pem
from standards.signing import key_of_jwk, thumbprint
from tests.unit.gateway.trust.test_ring import NOW


def run(folder, *words: str, code: int = 0) -> str:
    """Run one command in a folder of stores, and return what it said."""
    result = CliRunner().invoke(app, ["keys", *words, "--dir", str(folder)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def stores(tmp_path):
    """A folder of stores with keys in it."""
    open_keys(tmp_path / "keys").ensure(["ECDH-ES+A256KW"], NOW)
    return tmp_path


def test_a_rotation_is_one_command(stores):
    """The former key is listed as published, the new one as in use."""
    before = open_keys(stores / "keys").signing_id
    new = run(stores, "rotate").strip()
    listed = {one["kid"]: one for one in json.loads(run(stores, "list", "--json"))}

    assert open_keys(stores / "keys").signing_id == new != before
    assert (listed[before]["state"], listed[new]["state"]) == ("published", "in use")
    assert "published until" in run(stores, "list")


def test_a_former_key_is_retired(stores):
    """Its file is gone; auditors still get its public half, others do not."""
    before = open_keys(stores / "keys").signing_id
    run(stores, "retire", before, code=1)
    run(stores, "rotate")
    run(stores, "retire", before)

    assert "retired" in run(stores, "list")
    assert before not in run(stores, "show")
    assert before in run(stores, "show", "--all")
    assert not (stores / "keys" / "signing.pem").exists()


def test_public_keys_are_shown_as_they_are_published(stores):
    """No private half, whatever is asked for."""
    shown = json.loads(run(stores, "show", "--all"))["keys"]

    assert {one["use"] for one in shown} == {"sig", "enc"}
    assert all(thumbprint(one) == one["kid"] and "d" not in one for one in shown)
    (one,) = json.loads(run(stores, "show", shown[0]["kid"]))["keys"]
    assert one == shown[0]


def test_what_a_retired_key_signed_for_good_still_verifies(stores):
    """A checkpoint, with nothing but what `show --all` prints."""
    old = read_pem(stores / "keys" / "signing.pem")
    signed = checkpoint(7, "h", NOW, old)  # type: ignore[arg-type]
    run(stores, "rotate")
    run(stores, "retire", signed.key)
    shown = json.loads(run(stores, "show", "--all"))["keys"]

    assert signed.is_signed_by({one["kid"]: key_of_jwk(one) for one in shown if one["kty"] == "OKP"})
    assert signed.is_signed_by(open_keys(stores / "keys").recorded)


@pytest.mark.parametrize("words", [["rotate", "--algorithm", "HS256"], ["retire", "unknown"], ["show", "unknown"]])
def test_what_there_is_not_is_refused(stores, words):
    """Without a change."""
    before = run(stores, "list")
    run(stores, *words, code=2 if words[0] == "rotate" else 1)

    assert run(stores, "list") == before


def test_no_keys_are_made_where_there_are_none(tmp_path):
    """They would be nobody's."""
    for words in (["list"], ["show"], ["rotate"], ["retire", "x"]):
        assert "no keys of a gateway" in run(tmp_path, *words, code=1)
    assert not (tmp_path / "keys").exists()


def test_a_secret_is_hashed_from_standard_input():
    """Never from the command line, which others can read."""
    result = CliRunner().invoke(app, ["keys", "hash-secret"], input="a secret\n")

    assert result.output.startswith("$argon2id$")
    assert CliRunner().invoke(app, ["keys", "hash-secret"], input="\n").exit_code == 2
