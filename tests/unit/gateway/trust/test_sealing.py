"""What leaves for a consumer: in its form, with the key that is in use, and never in clear where it must not."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.keys import open_keys
from gateway.settings import Answers, Consumer
from gateway.trust.ring import new_key
from gateway.trust.sealing import EncryptionKey, Sealing
from standards.encryption import decrypt
from standards.errors import ConfigurationError
from standards.signing import Form, verify

NOW = datetime.now(UTC)
MESSAGE: dict[str, Any] = {
    "header": {"sender_id": "gateway", "is_msg_encrypted": False},
    "message": {"transaction_id": "t-1", "items": [orjson.Fragment(b'{"b":1,"a":2.0}')]},
}
THEIRS = new_key("RSA-OAEP-256")


@pytest.fixture
def keys(tmp_path):
    """A gateway's keys, with one for ES256."""
    found = open_keys(tmp_path)
    found.ensure(["ES256"], NOW)
    return found


def consumer(**answers) -> Consumer:
    """A programme that wants its answers so."""
    return Consumer(client_id="uct", sender_id="uct", answers=Answers(**answers))


def sealing(keys, key=None, **more) -> Sealing:
    """A gateway that knows one key to encrypt with, or none."""
    return Sealing(keys, "gateway", lambda _: key, **more)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("algorithm", ["ed25519", "ES256"])
def test_the_form_is_the_receivers(keys, form, algorithm):
    """Signed over exactly what is sent, by the key in use for the algorithm."""
    if form is Form.KEYED and algorithm != "ed25519":
        return
    sent = orjson.loads(sealing(keys).sealed(MESSAGE, consumer(signature=form.value, algorithm=algorithm), NOW))

    found = verify(sent, keys.verifying, now=NOW)
    assert (found.form, found.key_id) == (form, keys.using(algorithm).kid)
    assert list(sent) == ["signature", "header", "message"]
    assert sent["message"]["items"] == [{"b": 1, "a": 2.0}]


def test_nothing_is_signed_where_nobody_wants_it(keys):
    """The consumer, or the operator."""
    for one, more in ((consumer(signature="none"), {}), (consumer(), {"is_signing": False})):
        assert "signature" not in orjson.loads(sealing(keys, **more).sealed(MESSAGE, one, NOW))


def test_what_must_be_encrypted_never_leaves_in_clear(keys):
    """Without a key nothing leaves; with one, the signature is over what can be seen."""
    one = consumer(encrypted=True)
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        sealing(keys).sealed(MESSAGE, one, NOW)

    sent = orjson.loads(sealing(keys, EncryptionKey(THEIRS.public_key(), "k")).sealed(MESSAGE, one, NOW))
    assert sent["header"]["is_msg_encrypted"] is True
    assert "t-1" not in str(sent)
    assert verify(sent, keys.verifying, now=NOW)
    assert decrypt(sent["message"], {"k": THEIRS})["transaction_id"] == "t-1"
    assert MESSAGE["header"]["is_msg_encrypted"] is False  # what was given is as it was


def test_a_rotated_key_signs_from_then_on(keys):
    """Without anybody being told."""
    before = sealing(keys)
    ring = keys._ring
    new = ring.rotate("ed25519", NOW, overlap_s=60)
    keys.refresh(NOW)

    assert verify(orjson.loads(before.sealed(MESSAGE, consumer(), NOW)), keys.verifying, now=NOW).key_id == new.kid


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"algorithm": "ES256"}, "keyed form is ed25519"),
        ({"signature": "jws", "algorithm": "RS256"}, r"trust\.signing"),
        ({"encrypted": True}, "encryption_key"),
    ],
)
def test_what_cannot_be_done_is_found_at_start(keys, answers, words):
    """The setting is named."""
    with pytest.raises(ConfigurationError, match=words):
        sealing(keys).check([consumer(**answers)])
    sealing(keys).check([consumer(), consumer(signature="jws", algorithm="ES256")])
