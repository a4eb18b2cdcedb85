"""Consent carried in a question: which tokens are believed, and which are not."""

import base64
from datetime import UTC, datetime

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policies.carried import MOST_TOKENS, TOKEN_TYPE, Terms, read_token, tokens_of
from policies.receipts import Capacity
from standards.errors import MalformedMessageError
from standards.signing import public_jwk

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KID = public_jwk(KEY.public_key())["kid"]
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
ASHA = {"type": "UIN", "value": "1000000001"}
NEEMA = {"type": "UIN", "value": "1000000003"}
TERMS = Terms({"portal": {KID: KEY.public_key()}}, "https://gateway.example.pv", "uct", "eligibility", NOW, 900.0)
CLAIMS = {
    "iss": "portal",
    "aud": "https://gateway.example.pv",
    "iat": AT - 10,
    "exp": AT + 600,
    "jti": "t-1",
    "consumer": "uct",
    "purpose": "eligibility",
    "subject": ASHA,
}


def token(headers=None, key=KEY, algorithm="EdDSA", **changes):
    """A token; None leaves a claim out."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KID, "typ": TOKEN_TYPE} | (headers or {}))


def test_a_whole_token_grants_what_it_says():
    """To this programme, for this purpose, about this person."""
    consent, name = read_token(token(sources=["tax"], groups=["income"]), TERMS)

    assert name == "t-1"
    assert (consent.subject, consent.given_by) == (("UIN", "1000000001"), ("UIN", "1000000001"))
    assert (consent.purpose, consent.consumer_id, consent.given_on.isoformat()) == ("eligibility", "uct", "2026-09-30")
    assert (consent.sources, consent.groups) == (frozenset({"tax"}), frozenset({"income"}))


def test_a_guardian_s_token_says_that_it_is_one():
    """With the relation, and the day on which it ends by itself."""
    guardian = {"subject": NEEMA, "given_by": ASHA, "capacity": "guardian", "relation": "PRN"}
    consent, _ = read_token(token(**guardian, majority_on="2032-06-01"), TERMS)

    assert (consent.capacity, consent.relation) == (Capacity.GUARDIAN, "PRN")
    with pytest.raises(MalformedMessageError, match="not whole"):
        read_token(token(**guardian), TERMS)
    for relation in (None, "", 7):
        with pytest.raises(MalformedMessageError, match="not whole"):
            read_token(token(**guardian | {"relation": relation}, majority_on="2032-06-01"), TERMS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"consumer": "cct-education"}, "another programme"),
        ({"purpose": "audit"}, "another purpose"),
        ({"aud": "https://other.example.pv"}, "another place"),
        ({"iss": "uct"}, "not signed by a portal"),
        ({"exp": AT}, "expired"),
        ({"exp": AT - 1}, "expired"),
        ({"iat": AT + 61, "exp": AT + 300}, "future"),
        ({"iat": AT - 10, "exp": AT + 891}, "too long"),
        ({"iat": -(10**18)}, "too long"),
        ({"exp": AT + 0.5}, "whole seconds"),
        ({"iat": True}, "whole seconds|another place"),
        ({"jti": None}, "another place"),
        ({"subject": None}, "another place"),
        ({"exp": None}, "another place"),
        ({"subject": "UIN:1000000001"}, "not whole"),
        ({"subject": {"type": "UIN"}}, "not whole"),
        ({"subject": {"type": "UIN", "value": ""}}, "not whole"),
        ({"given_by": NEEMA}, "not whole"),
        ({"capacity": "guardian"}, "not whole"),
        ({"capacity": "owner"}, "not whole"),
        ({"sources": []}, "not whole"),
        ({"sources": "tax"}, "not whole"),
        ({"groups": ["everything"]}, "not whole"),
        ({"jti": 7}, "not whole|another place"),
    ],
)
def test_a_token_that_does_not_fit_is_refused(changes, said):
    """One thing at a time: for whom, for what, from when until when, whose."""
    with pytest.raises(MalformedMessageError, match=said):
        read_token(token(**changes), TERMS)


def test_the_last_second_counts():
    """A token holds until the second it names, and not in it."""
    read_token(token(exp=AT + 1), TERMS)
    read_token(token(iat=AT - 300, exp=AT + 600), TERMS)


@pytest.mark.parametrize("headers", [{"kid": "other"}, {"typ": "JWT"}, {"typ": None}])
def test_another_kind_of_token_is_no_consent(headers):
    """An access token of ours, signed by whomever, proves nothing."""
    with pytest.raises(MalformedMessageError):
        read_token(token(headers), TERMS)


def test_the_header_does_not_choose_the_algorithm():
    """Neither none, nor a keyed hash with the public key as its secret."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = token().split(".")
    header = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "kid": KID, "typ": TOKEN_TYPE})).decode().rstrip("=")
    raw = KEY.public_key().public_bytes_raw()
    for forged in (f"{header}.{payload}.", _hmac(payload, public), _hmac(payload, raw)):
        with pytest.raises(MalformedMessageError, match="does not hold"):
            read_token(forged, TERMS)


def _hmac(payload: str, secret: bytes) -> str:
    import hashlib
    import hmac

    header = (
        base64.urlsafe_b64encode(orjson.dumps({"alg": "HS256", "kid": KID, "typ": TOKEN_TYPE})).decode().rstrip("=")
    )
    made = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def test_another_key_under_the_portal_s_name_is_refused():
    """The signature is by the key that is registered."""
    with pytest.raises(MalformedMessageError, match="does not hold"):
        read_token(token(key=Ed25519PrivateKey.generate()), TERMS)


def test_every_changed_character_breaks_a_token():
    """In the header, the claims or the signature."""
    whole = token()
    for place in range(0, len(whole) - 1, 5):
        changed = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]
        with pytest.raises(MalformedMessageError):
            read_token(changed, TERMS)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "....", "é.é.é"])
def test_what_is_no_token_is_refused(text):
    """Without a word about what it was."""
    with pytest.raises(MalformedMessageError):
        read_token(text, TERMS)


def test_tokens_stand_where_they_may():
    """In our member of the consent or the authorization, or where others put it; one, or a list."""
    assert tokens_of({"hearth:proof": "a"}, {"consent_jws": "b", "hearth:proof": ["c", "d"]}) == ("a", "c", "d", "b")
    assert tokens_of({"purpose": {"code": "x"}}, {}) == ()
    for wrong in (7, ["a", 7], {"a": 1}, "x" * 5000, ["a"] * (MOST_TOKENS + 1)):
        with pytest.raises(MalformedMessageError):
            tokens_of({"hearth:proof": wrong}, {})


def test_an_error_says_nothing_about_the_person():
    """Not the number, and not the name of the token."""
    for wrong in ({"capacity": "owner"}, {"exp": AT}, {"consumer": "other"}):
        with pytest.raises(MalformedMessageError) as raised:
            read_token(token(**wrong), TERMS)
        assert ASHA["value"] not in str(raised.value)
