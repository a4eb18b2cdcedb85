"""Encrypted messages, in the flattened form of the standard."""

import base64

import orjson
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from gateway.trust.ring import new_key
from standards.encryption import decrypt, encrypt
from standards.errors import EncryptionInvalidError
from standards.json_bodies import MOST_VALUES

MESSAGE = {"transaction_id": "t-1", "name": "Zoë Banda-Moyo"}
KEYS = {name: new_key(name) for name in ("ECDH-ES+A256KW", "RSA-OAEP-256")}


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_is_encrypted_can_be_read_with_the_key(algorithm):
    """Parameters travel in `header`; there is no `protected`, and no two messages look alike."""
    key = KEYS[algorithm]
    sealed, again = (encrypt(MESSAGE, key.public_key(), "k") for _ in range(2))

    assert set(sealed) == {"header", "encrypted_key", "iv", "ciphertext", "tag"}
    assert (sealed["header"]["alg"], sealed["header"]["enc"], sealed["header"]["kid"]) == (algorithm, "A256GCM", "k")
    assert sealed["ciphertext"] != again["ciphertext"]
    assert decrypt(sealed, {"k": key}) == MESSAGE
    assert "Banda-Moyo" not in str(sealed)


def test_a_peer_that_protects_its_parameters_is_understood():
    """As most libraries do; what it authenticated is read as it came."""
    key = KEYS["ECDH-ES+A256KW"]
    made = jwe.FlattenedJSONEncryption({"enc": "A256GCM", "alg": "ECDH-ES+A256KW", "kid": "k"}, orjson.dumps(MESSAGE))
    made.add_recipient(None, ECKey(key.public_key(), None))  # type: ignore[arg-type]
    sealed = dict(jwe.encrypt_json(made, None))
    spaced = base64.urlsafe_b64encode(b'{ "enc": "A256GCM", "alg": "ECDH-ES+A256KW", "kid": "k" }').decode()

    assert decrypt(sealed, {"k": key}) == MESSAGE
    with pytest.raises(EncryptionInvalidError):
        decrypt({**sealed, "protected": spaced}, {"k": key})


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RSA1_5"},
        {"alg": "dir"},
        {"alg": None},
        {"enc": "A128CBC-HS256"},
        {"zip": "DEF"},
        {"jku": "http://127.0.0.1"},
        {"crit": ["x"]},
        {"kid": "other"},
        {"kid": 5},
    ],
    ids=str,
)
def test_parameters_choose_nothing(algorithm, header):
    """The key decides; what would have it otherwise is refused."""
    sealed = encrypt(MESSAGE, KEYS[algorithm].public_key(), "k")
    with pytest.raises(EncryptionInvalidError) as refused:
        decrypt({**sealed, "header": {**sealed["header"], **header}}, {"k": KEYS[algorithm]})

    assert refused.value.reason_code == "err.encryption.invalid"


def test_a_parameter_stands_in_one_place():
    """Two readers could take two different ones."""
    sealed = encrypt(MESSAGE, KEYS["RSA-OAEP-256"].public_key(), "k")
    inside = base64.urlsafe_b64encode(b'{"alg":"RSA-OAEP-256"}').decode()

    with pytest.raises(EncryptionInvalidError, match="unprotected"):
        decrypt({**sealed, "protected": inside}, {"k": KEYS["RSA-OAEP-256"]})


@pytest.mark.parametrize("content", [b"[]", b"5", b"", b"\xff"])
def test_what_was_encrypted_is_a_message(content):
    """An object of JSON, and nothing else."""
    key = KEYS["RSA-OAEP-256"]
    sealed = encrypt(orjson.Fragment(content or b" "), key.public_key(), "k")  # type: ignore[arg-type]

    with pytest.raises(EncryptionInvalidError):
        decrypt(sealed, {"k": key})


def test_nothing_is_encrypted_for_a_key_that_signs():
    """An ed25519 key cannot."""
    with pytest.raises(EncryptionInvalidError):
        encrypt(MESSAGE, new_key("ed25519").public_key(), "k")


def test_a_message_of_too_many_values_is_not_read():
    """Whoever may encrypt for us may not hold up everybody else either."""
    key = KEYS["ECDH-ES+A256KW"]
    sealed = encrypt(
        {"rows": orjson.Fragment(b"[" + b",".join([b"[]"] * (MOST_VALUES // 2 + 1)) + b"]")}, key.public_key(), "k"
    )

    with pytest.raises(EncryptionInvalidError, match="cannot be decrypted"):
        decrypt(sealed, {"k": key})
