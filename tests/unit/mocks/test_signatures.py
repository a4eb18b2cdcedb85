"""The programme's own reading of signatures holds against what the gateway signs, and against nothing else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mocks.signatures import BadSignatureError, UnknownKeyError, check
from standards.signing import Form, public_jwk, sign, thumbprint

MESSAGE = {
    "header": {"message_id": "m-1", "sender_id": "hearth", "action": "on-search"},
    "message": {"transaction_id": "t-1", "name": "Élodie", "score": 4.0, "list": [1, None, True]},
}
ED25519 = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWKS = {thumbprint(jwk): jwk | {"kid": thumbprint(jwk)} for jwk in (public_jwk(k.public_key()) for k in (ED25519, RSA))}


def signed(key=ED25519, form=Form.KEYED, *, sender="hearth", at=None):
    """Return the message with a signature by the gateway's own code."""
    kid = thumbprint(public_jwk(key.public_key()))
    now = at or datetime.now(UTC)
    return MESSAGE | {"signature": sign(MESSAGE, key, sender_id=sender, key_id=kid, now=now, form=form)}


SIGNED = [(ED25519, Form.KEYED), (ED25519, Form.JWS), (ED25519, Form.DETACHED), (RSA, Form.JWS), (RSA, Form.DETACHED)]


@pytest.mark.parametrize(("key", "form"), SIGNED)
def test_each_form_holds(key, form):
    """As it arrives over the wire."""
    check(json.loads(json.dumps(signed(key, form))), JWKS)


@pytest.mark.parametrize(("key", "form"), SIGNED)
@pytest.mark.parametrize(("part", "name"), [("header", "message_id"), ("message", "name")])
def test_one_changed_member_breaks_it(key, form, part, name):
    """In the header as in the message."""
    whole = signed(key, form)
    changed = whole | {part: whole[part] | {name: "other"}}

    with pytest.raises(BadSignatureError):
        check(changed, JWKS)


@pytest.mark.parametrize(("key", "form"), SIGNED)
def test_an_unknown_key_is_named_as_such(key, form):
    """So that the programme can fetch the keys anew."""
    with pytest.raises(UnknownKeyError):
        check(signed(key, form), {})


@pytest.mark.parametrize(("key", "form"), SIGNED)
@pytest.mark.parametrize("hours", [-30, 2])
def test_a_stale_or_future_signature_does_not_hold(key, form, hours):
    """A minute of difference between clocks is allowed, no more."""
    with pytest.raises(BadSignatureError):
        check(signed(key, form, at=datetime.now(UTC) + timedelta(hours=hours)), JWKS)


def test_the_sender_of_a_keyed_signature_is_that_of_the_header():
    """A signature of somebody else's name does not vouch for a message."""
    with pytest.raises(BadSignatureError):
        check(signed(sender="somebody"), JWKS)


def test_no_symmetric_algorithm_and_none_at_all():
    """A JWS that names another algorithm than its key's is refused."""
    kid = next(iter(JWKS))
    body = json.dumps({"header": MESSAGE["header"], "message": MESSAGE["message"]}).encode()
    symmetric = jwt.PyJWS().encode(body, b"x" * 32, algorithm="HS256", headers={"kid": kid})
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).rstrip(b"=").decode()
    naked = f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}."

    for signature in (symmetric, naked, "placeholder", 7, None):
        with pytest.raises(BadSignatureError):
            check(MESSAGE | {"signature": signature}, JWKS)


def test_a_key_for_encryption_signs_nothing():
    """`use` is heeded."""
    keys = {kid: jwk | {"use": "enc"} for kid, jwk in JWKS.items()}

    with pytest.raises(BadSignatureError):
        check(signed(), keys)
