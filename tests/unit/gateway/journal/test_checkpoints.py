"""Checkpoints: signed by the gateway, checked with whatever form its public key comes in."""

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.journal.checkpoints import checkpoint, parsed, public_keys
from standards.errors import JournalError
from standards.signing import public_jwk
from tests.builders import NOW
from tests.unit.gateway.journal.conftest import KEY, KEYS

PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
KEY_SET = orjson.dumps({"keys": [public_jwk(KEY.public_key())]})


@pytest.mark.parametrize("content", [PUBLIC, PRIVATE, KEY_SET], ids=["public", "private", "set"])
def test_a_key_is_read_in_every_form(tmp_path, content):
    """PEM, the gateway's own key file, and the key set that it publishes: one thumbprint."""
    file = tmp_path / "key"
    file.write_bytes(content)

    assert public_keys([file]).keys() == KEYS.keys()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        b"{}",
        b'{"keys":[]}',
        b"{broken",
        generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_what_is_no_key_is_told(tmp_path, content):
    """With the file's name, and without its content."""
    file = tmp_path / "key.pem"
    file.write_bytes(content)

    with pytest.raises(JournalError, match=r"key\.pem"):
        public_keys([file])
    with pytest.raises(JournalError, match="nowhere"):
        public_keys([tmp_path / "nowhere"])


@pytest.mark.parametrize("change", [{"seq": 8}, {"hash": "1" * 64}, {"at": "2020-01-01T00:00:00+00:00"}, {"key": "x"}])
def test_one_changed_word_and_it_does_not_hold(change):
    """Every member but the signature is signed, and none can be exchanged."""
    one = checkpoint(7, "0" * 64, NOW, KEY)

    assert parsed(one.text()) == one
    assert one.is_signed_by(KEYS)
    assert not one._replace(**change).is_signed_by(KEYS)
    assert not checkpoint(7, "0" * 64, NOW, Ed25519PrivateKey.generate()).is_signed_by(KEYS)
