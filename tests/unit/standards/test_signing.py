"""Message signatures."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from standards import signing
from standards.errors import ConfigurationError, SignatureInvalidError
from standards.signing import (
    Allowed,
    Form,
    PrivateKey,
    PublicKey,
    SignaturePolicy,
    canonical,
    form_of,
    key_of_jwk,
    key_of_pem,
    keys_of_jwks,
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


# -- JWS

ES = ec.generate_private_key(ec.SECP256R1())
RS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ANY: dict[str, PublicKey] = {**KEYS, "es": ES.public_key(), "rs": RS.public_key()}
SIGNERS: list[tuple[PrivateKey, str]] = [(KEY, "k1"), (ES, "es"), (RS, "rs")]


def jws(form=Form.JWS, key: PrivateKey = KEY, key_id="k1", *, now=NOW, **more):
    """Build a message signed as a JWS."""
    body = message(**more)
    return body | {"signature": sign(body, key, sender_id="uct", key_id=key_id, now=now, form=form)}


def by_hand(header, payload=None, *, key=KEY, detached=False, plain=False):
    """Build a message with a JWS of any protected header."""
    body = canonical(message()) if payload is None else payload

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(orjson.dumps(header))
    signed_text = head + b"." + (body if plain else part(body))
    end = part(key.sign(signed_text))
    return message(signature=b".".join((head, b"" if detached else part(body), end)).decode())


@pytest.mark.parametrize(("key", "key_id"), SIGNERS)
@pytest.mark.parametrize("form", [Form.JWS, Form.DETACHED])
def test_every_algorithm_signs_in_both_forms_of_jws(form, key, key_id):
    """What is signed verifies, and says its form, key and time."""
    whole = jws(form, key, key_id)
    found = verify(whole, ANY, now=NOW)

    assert form_of(whole["signature"]) is form
    assert (found.form, found.sender_id, found.key_id) == (form, "uct", key_id)
    assert found.expires - found.created == 300
    assert signing.key_id_of(whole["signature"]) == key_id
    with pytest.raises(SignatureInvalidError, match="expired"):
        verify(whole, ANY, now=NOW + timedelta(seconds=361))


def test_only_ed25519_signs_the_keyed_form():
    """Found when a message would be signed."""
    with pytest.raises(ConfigurationError, match="ed25519"):
        sign(message(), RS, sender_id="uct", key_id="rs", now=NOW)
    with pytest.raises(SignatureInvalidError):
        verify(signed(key_id="es"), ANY, now=NOW)


def test_a_signer_without_times_or_key_id_is_understood():
    """Several systems send neither; the key is the only one there is, the time that of the message."""
    found = verify(by_hand({"alg": "EdDSA"}), KEYS, now=NOW)

    assert (found.key_id, found.created, found.expires) == ("k1", 0, 0)
    with pytest.raises(SignatureInvalidError, match="not registered"):
        verify(by_hand({"alg": "EdDSA"}), ANY, now=NOW)


def test_a_detached_payload_may_be_unencoded():
    """RFC 7797, and only as it is written there."""
    plain = {"alg": "EdDSA", "kid": "k1", "b64": False, "crit": ["b64"]}

    assert verify(by_hand(plain, detached=True, plain=True), KEYS, now=NOW)
    for header, more in (
        (plain, {"detached": True}),
        (plain, {"plain": True}),
        ({"alg": "EdDSA", "kid": "k1", "b64": False}, {"detached": True, "plain": True}),
        ({**plain, "b64": "no"}, {"detached": True, "plain": True}),
    ):
        with pytest.raises(SignatureInvalidError):
            verify(by_hand(header, **more), KEYS, now=NOW)


@pytest.mark.parametrize(
    "times",
    [{"exp": 1}, {"iat": 32_000_000_000}, {"nbf": 32_000_000_000}, {"exp": "tomorrow"}, {"iat": True, "exp": 10**13}],
)
def test_times_are_held_to_wherever_they_stand(times):
    """In the protected header, or beside header and message in the payload."""
    head = {"alg": "EdDSA", "kid": "k1"}
    inside = orjson.dumps(message() | times)
    for whole in (by_hand(head | times), by_hand(head, inside)):
        with pytest.raises(SignatureInvalidError):
            verify(whole, KEYS, now=NOW)


@settings(deadline=None)
@given(st.integers(0), st.integers(1, 127))
@pytest.mark.parametrize("form", [Form.JWS, Form.DETACHED])
def test_one_changed_character_of_a_jws_fails(form, position, change):
    """Whatever is changed in the text, it no longer holds; but for the bits that Base64 does not use."""
    whole = jws(form)
    text = bytearray(whole["signature"].encode())
    place = position % len(text)
    text[place] ^= change
    after = text.decode(errors="replace")
    last = [n for n in range(len(text)) if n + 1 == len(text) or text[n + 1 : n + 2] == b"."]
    if place in last:  # the last character of a part has bits that stand for nothing
        return

    with pytest.raises(SignatureInvalidError):
        verify(whole | {"signature": after}, ANY, now=NOW)


@pytest.mark.parametrize("make", [jws, lambda: jws(Form.DETACHED), signed])
def test_what_a_sender_may_use_is_all_that_counts(make):
    """Other forms, and keys of other algorithms, are as good as none."""
    whole = make()
    form = form_of(whole["signature"])
    assert form is not None
    assert verify(whole, ANY, now=NOW, allowed=Allowed(frozenset({form}), frozenset({"ed25519"})))
    for allowed in (Allowed(frozenset(Form) - {form}), Allowed(algorithms=frozenset({"ES256", "RS256"}))):
        with pytest.raises(SignatureInvalidError):
            verify(whole, ANY, now=NOW, allowed=allowed)


def test_key_sets_hold_what_can_be_used():
    """By kid and by thumbprint; symmetric, private, weak and broken keys are passed over."""
    mine = [public_jwk(key.public_key()) for key, _ in SIGNERS]
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    named = {**mine[1], "kid": "their own"}
    others: list[object] = [
        {"kty": "oct", "k": "AAAA", "kid": "a"},
        {**mine[0], "d": "AAAA", "kid": "b"},
        {**mine[2], "n": 5},
        public_jwk(weak),
        {**mine[1], "crv": "P-384", "x": str(p384.x)},
        {**mine[0], "use": "enc"},
        "text",
    ]

    found = keys_of_jwks({"keys": [*others, mine[0], named, mine[2]]})

    assert found.keys() == {mine[0]["kid"], "their own", mine[1]["kid"], mine[2]["kid"]}
    assert keys_of_jwks([]) == keys_of_jwks({"keys": "x"}) == {}
    for key, _ in SIGNERS:
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        assert key_of_pem(pem) == key.public_key()
    with pytest.raises(ValueError, match="2048"):
        key_of_pem(weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
