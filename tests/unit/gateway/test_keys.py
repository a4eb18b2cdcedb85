"""The gateway's own keys: made once, kept private, and never shown."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.keys import Keys, new_signing_key, open_keys, write_private
from standards.errors import ConfigurationError
from standards.identifiers import Identifier
from tests.builders import KEYS

ASHA = Identifier("UIN", "1000000001")


def test_keys_are_made_on_the_first_start_and_kept(tmp_path):
    """The second start finds the same."""
    first, second = open_keys(tmp_path / "keys"), open_keys(tmp_path / "keys")

    assert first.pseudonym == second.pseudonym
    assert first.signing.public_key() == second.signing.public_key()
    assert open_keys(tmp_path / "others").pseudonym != first.pseudonym


def test_key_files_are_their_owner_s_alone(tmp_path):
    """And nothing half-written is left beside them."""
    open_keys(tmp_path / "keys")
    files = sorted((tmp_path / "keys").iterdir())

    assert [f.name for f in files] == ["pseudonym.key", "signing.pem"]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def _another_kind() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _locked() -> bytes:
    key = load_pem_private_key(new_signing_key(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("signing.pem", b"no key"),
        ("signing.pem", _another_kind()),
        ("signing.pem", _locked()),
        ("pseudonym.key", b"too short"),
    ],
    ids=["no key", "another kind", "locked", "short"],
)
def test_a_key_that_cannot_be_used_is_found_at_start(tmp_path, name, content):
    """Its file is named; it is not replaced."""
    write_private(tmp_path / name, content)

    with pytest.raises(ConfigurationError, match=name):
        open_keys(tmp_path)
    assert (tmp_path / name).read_bytes() == content


def test_a_file_appears_whole_over_the_one_before(tmp_path):
    """Written beside it first, then moved."""
    for content in (b"one", b"two"):
        write_private(tmp_path / "deep" / "file", content)

    assert [f.name for f in (tmp_path / "deep").iterdir()] == ["file"]
    assert (tmp_path / "deep" / "file").read_bytes() == b"two"


def test_a_pseudonym_is_the_same_for_the_same_number_only():
    """Type and value both count, and cannot be shifted into one another."""
    same = KEYS.pseudonym_of(ASHA)

    assert same == KEYS.pseudonym_of(Identifier("UIN", "1000000001"))
    assert same != KEYS.pseudonym_of(Identifier("TIN", "1000000001"))
    assert KEYS.pseudonym_of(Identifier("A", "BC")) != KEYS.pseudonym_of(Identifier("AB", "C"))
    assert same != Keys(KEYS.signing, b"x" * 32).pseudonym_of(ASHA)
    assert len(same) == 32


def test_every_use_has_a_key_of_its_own():
    """So that what stands in one store fits no other."""
    assert KEYS.derived("cache") != KEYS.derived("consent")
    assert len(KEYS.derived("cache")) == 32
    assert KEYS.pseudonym not in {KEYS.derived("cache"), KEYS.derived("consent")}


def test_keys_are_not_shown():
    """Also not by accident, in a log or a traceback."""
    assert repr(KEYS) == str(KEYS) == "Keys()"
