"""Message signatures."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.errors import SignatureInvalidError
from standards.signing import (
    SignaturePolicy,
    canonical,
    key_of_jwk,
    public_jwk,
    sign,
    verify,
    verify_policy,
)

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {"k1": KEY.public_key()}


def message(**more):
    """Build a message with names that JSON may escape."""
    return {"header": {"sender_id": "uct", "action": "search"}, "message": {"b": 1, "a": ["Zoë", 2.0]}} | more


def signed(key=KEY, *, body=None, sender_id="uct", key_id="k1", now=NOW, lifetime_s=300):
    """Build a signed message."""
    body = body or message()
    return body | {"signature": sign(body, key, sender_id=sender_id, key_id=key_id, now=now, lifetime_s=lifetime_s)}


def altered(old, new):
    """Build a signed message whose signature was edited."""
    whole = signed()
    assert old in whole["signature"]
    return whole | {"signature": whole["signature"].replace(old, new)}


def test_a_signature_has_the_standards_form():
    """The keyed string reads like the standard's example."""
    seconds = int(NOW.timestamp())

    assert signed()["signature"].startswith(
        f'Signature: namespace="spdci", kidId="uct|k1|ed25519", algorithm="ed25519", created="{seconds}", '
        f'expires="{seconds + 300}", headers="(created) (expires) digest", signature="'
    )


def test_what_is_signed_verifies():
    """Whoever holds the public key can see that the message is whole, and whose it is."""
    found = verify(signed(), KEYS, now=NOW)

    assert (found.sender_id, found.key_id) == ("uct", "k1")
    assert found.expires - found.created == 300


def test_the_canonical_form_ignores_order_and_the_signature():
    """Members may arrive in any order; what stands beside header and message does not count."""
    turned = {
        "message": {"a": ["Zoë", 2.0], "b": 1},
        "signature": "x",
        "header": {"action": "search", "sender_id": "uct"},
    }

    assert canonical(turned) == canonical(message())
    assert (
        canonical(message()).decode()
        == '{"header":{"action":"search","sender_id":"uct"},"message":{"a":["Zoë",2.0],"b":1}}'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Signature: ", ""),
        ("Signature: ", "Signature:  "),
        ("spdci", "dci"),
        ("spdci", "g2p"),
        ('namespace="spdci", ', ""),
    ],
)
def test_prefix_and_namespace_are_free(old, new):
    """Systems differ in these two, and neither is signed."""
    assert verify(altered(old, new), KEYS, now=NOW)


def test_a_missing_last_quote_is_forgiven():
    """The standard's own example lacks it."""
    whole = signed()

    assert verify(whole | {"signature": whole["signature"][:-1]}, KEYS, now=NOW)


def test_signers_that_escape_verify():
    """A signer whose JSON escapes everything but ASCII is understood."""
    body = message()
    escaped = json.dumps(body, sort_keys=True, separators=(",", ":"))
    assert "\\u00eb" in escaped
    created, expires = int(NOW.timestamp()), int(NOW.timestamp()) + 300
    digest = base64.b64encode(hashlib.sha256(escaped.encode()).digest()).decode()
    made = KEY.sign(f"(created): {created}\n(expires): {expires}\ndigest: {digest}".encode())
    signature = (
        f'namespace="dci", kidId="uct|k1|ed25519", algorithm="ed25519", created="{created}", expires="{expires}", '
        f'headers="(created) (expires) digest", signature="{base64.b64encode(made).decode()}"'
    )

    assert verify(body | {"signature": signature}, KEYS, now=NOW)


@pytest.mark.parametrize(
    "whole",
    [
        signed(OTHER),
        signed(key_id="k2"),
        signed(sender_id="someone.else"),
        signed() | {"message": {"b": 2}},
        signed() | {"header": {"sender_id": "uct", "action": "notify"}},
        {name: part for name, part in signed().items() if name != "message"},
        {name: part for name, part in signed().items() if name != "header"},
        signed() | {"signature": 5},
        signed() | {"signature": "x" * 5000},
        signed() | {"signature": "aaa.bbb.ccc"},
        signed() | {"signature": "aaa..ccc"},
        altered("|ed25519", "|none"),
        altered("|ed25519", ""),
        altered('algorithm="ed25519"', 'algorithm="hmac-sha256"'),
        altered("(created) (expires) digest", "(created)"),
        altered('created="', 'created="x'),
        altered('expires="', 'expires="9'),
        altered('expires="', 'expires="0", expires="'),
        altered('signature="', 'signature="*'),
        altered('signature="', 'signature="AAAA'),
    ],
)
def test_what_does_not_hold_is_refused(whole):
    """A wrong key, sender, body, algorithm or form is refused with the standard's code."""
    with pytest.raises(SignatureInvalidError) as refused:
        verify(whole, KEYS, now=NOW)

    assert refused.value.reason_code == "err.signature.invalid"


@pytest.mark.parametrize(
    ("later_s", "holds"), [(-61, False), (-60, True), (0, True), (360, True), (361, False), (86_400, False)]
)
def test_a_signature_holds_for_its_time(later_s, holds):
    """Clocks may differ by a minute; beyond that a signature is from the future, or over."""
    now = NOW + timedelta(seconds=later_s)
    if holds:
        assert verify(signed(), KEYS, now=now)
    else:
        with pytest.raises(SignatureInvalidError, match=r"future|expired"):
            verify(signed(), KEYS, now=now)


@pytest.mark.parametrize("lifetime_s", [0, -5, 86_401])
def test_a_signature_cannot_hold_for_ever(lifetime_s):
    """The claimed lifetime is bounded."""
    with pytest.raises(SignatureInvalidError, match="too long"):
        verify(signed(lifetime_s=lifetime_s), KEYS, now=NOW)


def test_what_is_not_json_is_refused():
    """A body that cannot be written down cannot be what was signed."""
    with pytest.raises(SignatureInvalidError, match="JSON"):
        verify(signed() | {"message": {1: 2}}, KEYS, now=NOW)


def policy(said, whole, **more):
    """Hold a message against a policy."""
    return verify_policy(whole, said, keys=KEYS, now=NOW, **more)


def test_a_required_signature_must_be_there():
    """None, an empty one and a placeholder are all missing."""
    for whole in (message(), message(signature=""), message(signature=None), message(signature="<signature>")):
        with pytest.raises(SignatureInvalidError) as refused:
            policy(SignaturePolicy.REQUIRED, whole, placeholders=frozenset({"<signature>"}))

        assert refused.value.reason_code == "err.signature.missing"
    assert policy(SignaturePolicy.REQUIRED, signed())


def test_an_optional_signature_must_verify_if_it_is_there():
    """Absence is fine, a wrong one is not, and a placeholder is one only where it is known."""
    assert policy(SignaturePolicy.OPTIONAL, message()) is None
    assert policy(SignaturePolicy.OPTIONAL, message(signature="fixed"), placeholders=frozenset({"fixed"})) is None
    assert policy(SignaturePolicy.OPTIONAL, signed())
    for wrong in (message(signature="fixed"), message(signature=5), signed(OTHER)):
        with pytest.raises(SignatureInvalidError):
            policy(SignaturePolicy.OPTIONAL, wrong)


def test_off_looks_at_nothing():
    """A sender whose policy is off may put anything there."""
    assert policy(SignaturePolicy.OFF, message(signature="x")) is None


def test_published_keys_are_found_by_thumbprint():
    """A JWK's kid is its RFC 7638 thumbprint; the key of RFC 8037's example has the one printed there."""
    published = Ed25519PrivateKey.from_private_bytes(
        base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    ).public_key()

    jwk = public_jwk(published)

    assert jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
        "alg": "EdDSA",
    }
    assert key_of_jwk(jwk) == published


@pytest.mark.parametrize(
    "change", [{"kty": "RSA"}, {"crv": "X25519"}, {"use": "enc"}, {"x": 5}, {"x": "AAAA"}, {"x": "*"}]
)
def test_other_keys_are_refused(change):
    """Only ed25519 keys for signatures are taken."""
    with pytest.raises(ValueError, match="not an ed25519 key"):
        key_of_jwk(public_jwk(KEY.public_key()) | change)


@settings(deadline=None)
@given(st.integers(0), st.integers(1, 255))
def test_one_changed_byte_fails(position, change):
    """Whatever byte of the signed content is changed, the signature no longer holds."""
    whole = signed()
    body = bytearray(canonical(whole))
    body[position % len(body)] ^= change
    try:
        parsed = orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        return
    if not isinstance(parsed, dict) or (parsed.get("header"), parsed.get("message")) == (
        whole["header"],
        whole["message"],
    ):
        return

    with pytest.raises(SignatureInvalidError):
        verify(parsed | {"signature": whole["signature"]}, KEYS, now=NOW)
