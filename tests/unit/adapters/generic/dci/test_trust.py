"""Sealing towards registries: signed in their form, encrypted for their key, opened with ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.generic.dci.trust import Identity, Sealing
from adapters.ports import Deadline, Response
from standards.encryption import decrypt, encrypt
from standards.errors import ConfigurationError, SourceContractError, SourceUnavailableError
from standards.signing import Form, public_jwk, sign, verify
from standards.states import UnavailableReason
from tests.builders import NOW
from tests.fakes import InMemoryClient
from tests.unit.adapters.generic.dci.dialects import dialect_manifest

LONG = Deadline.after(3600)
OURS, THEIRS, BOX = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), generate_ec(SECP256R1())
KID = public_jwk(OURS.public_key())["kid"]
MESSAGE = orjson.dumps({"header": {"sender_id": "hearth", "is_msg_encrypted": False}, "message": {"a": "é"}})
JWKS = {"keys": [public_jwk(THEIRS.public_key()), public_jwk(BOX.public_key(), use="enc", alg="ECDH-ES+A256KW")]}
BOX_ID = JWKS["keys"][1]["kid"]
FETCHED = Response(200, "application/json", orjson.dumps(JWKS))
PEM = THEIRS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sealing(*answers, identity=True, **trust):
    """Return the sealing of a registry."""
    ours = Identity(lambda: (OURS, KID), lambda sealed: decrypt(sealed, {BOX_ID: BOX})) if identity else None
    return Sealing(dialect_manifest(trust=trust), InMemoryClient(answers), {}, ours, now=lambda: NOW)


def registered(keys):
    """Return the sealing of a registry whose keys stand in the environment."""
    manifest = dialect_manifest(trust={"answers": "required", "keys": "env:KEYS"})
    return Sealing(manifest, InMemoryClient([]), {"KEYS": keys}, now=lambda: NOW)


def test_nothing_is_done_where_nothing_is_asked():
    """And the driver does without."""
    assert sealing().is_plain
    assert not sealing(sign="jws").is_plain
    assert not sealing(answers="optional", jwks_path="/jwks").is_plain


@pytest.mark.parametrize("form", ["keyed", "jws", "detached"])
async def test_a_message_is_signed_as_it_is_sent(form):
    """With the key of the moment."""
    sent = orjson.loads(await sealing(sign=form).sealed(MESSAGE, LONG))
    held = verify(sent, {KID: OURS.public_key()}, now=NOW)

    assert (held.form, held.key_id) == (form, KID)
    assert sent["message"] == {"a": "é"}


async def test_an_encrypted_message_is_for_the_registry_alone_and_signed_as_it_is():
    """Its header stays in clear; the key is fetched once."""
    one = sealing(FETCHED, encrypt=True, sign="jws", jwks_path="/jwks")
    for _ in range(2):
        sent = orjson.loads(await one.sealed(MESSAGE, LONG))
        verify(sent, {KID: OURS.public_key()}, now=NOW)

        assert sent["header"]["is_msg_encrypted"] is True
        assert decrypt(sent["message"], {BOX_ID: BOX}) == {"a": "é"}


async def test_what_was_to_be_encrypted_never_leaves_in_clear():
    """Without a key it does not leave."""
    down = SourceUnavailableError("probe", UnavailableReason.SOURCE_DOWN)
    for answer in (down, Response(200, "", b"no keys"), Response(200, "", orjson.dumps({"keys": JWKS["keys"][:1]}))):
        with pytest.raises(SourceContractError, match="no key to encrypt with"):
            await sealing(answer, encrypt=True, jwks_path="/jwks").sealed(MESSAGE, LONG)


def test_what_is_encrypted_for_us_is_opened():
    """And nothing else; the error says nothing of what was in it."""
    sealed = {"header": {"is_msg_encrypted": True}, "message": encrypt({"a": 1}, BOX.public_key(), BOX_ID)}

    assert sealing().decrypted(sealed)["message"] == {"a": 1}
    assert sealing().decrypted({"header": {}, "message": {"a": 2}})["message"] == {"a": 2}
    changes: list[dict[str, Any]] = [
        {"message": {}},
        {"message": "x"},
        {"message": sealed["message"] | {"tag": "AAAA"}},
    ]
    for changed in changes:
        with pytest.raises(SourceContractError, match="message"):
            sealing().decrypted(sealed | changed)
    with pytest.raises(SourceContractError, match="not for a key"):
        sealing(identity=False).decrypted(sealed)


async def test_one_registered_key_serves_whatever_its_owner_calls_it():
    """Registered as PEM, it has no name of its own."""
    raw = orjson.loads(MESSAGE)
    raw["signature"] = sign(raw, THEIRS, sender_id="hearth", key_id="our-key-7", now=NOW, form=Form.JWS)
    one = registered(PEM)

    assert (await one.verified(raw, LONG)).key_id == "our-key-7"
    raw["message"]["a"] = "changed"
    with pytest.raises(SourceContractError, match="signature"):
        await one.verified(raw, LONG)


@pytest.mark.parametrize("keys", ["{", "{}", "no key", '{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
def test_what_is_registered_and_no_key_is_found_at_start(keys):
    """The operator reads where it stands."""
    with pytest.raises(ConfigurationError, match=r"trust\.keys"):
        registered(keys)


def test_signing_needs_a_key():
    """Found at start."""
    with pytest.raises(ConfigurationError, match=r"trust\.sign"):
        sealing(identity=False, sign="keyed")
