"""Message signatures: the keyed string of DCI, signed and verified with ed25519. Keys are always passed in.

The standard shows one example string and leaves the rest open; this is how Hearth fills it (DEVIATIONS.md, 8):

    signed      {"header": ..., "message": ...} as JSON in UTF-8, members sorted by name, no white space
    digest      Base64 of the SHA-256 of that
    string      "(created): N", "(expires): N", "digest: D", joined by line feeds; N in seconds since 1970
    signature   Base64 of the ed25519 signature of the string
    value       Signature: namespace="spdci", kidId="sender|key id|ed25519", algorithm="ed25519", created="N",
                expires="N", headers="(created) (expires) digest", signature="..."
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from standards.errors import SignatureInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM: Final = "ed25519"
NAMESPACE: Final = "spdci"
PREFIX: Final = "Signature:"
SIGNED_PARTS: Final = "(created) (expires) digest"
LIFETIME_S: Final = 300
"""How long our own signatures hold."""
SKEW_S: Final = 60
"""How far the signer's clock may be from ours."""
MAX_LIFETIME_S: Final = 86_400
"""Longest time for which a signature may claim to hold."""
MAX_LENGTH: Final = 4096
"""Longest signature read, in characters."""

_PARAMETER: Final = re.compile(r'(\w+)\s*=\s*"([^"]*)"?')
_SECONDS: Final = re.compile(r"\d{1,12}\Z", re.ASCII)


class SignaturePolicy(StrEnum):
    """What one sender must do about signatures."""

    REQUIRED = "required"
    """Every message carries a signature that verifies."""
    OPTIONAL = "optional"
    """It may carry none, but one that is there verifies."""
    OFF = "off"
    """Signatures are not looked at."""


class Verified(NamedTuple):
    """A signature that holds: whose, by which key, and for how long."""

    sender_id: str
    key_id: str
    created: int
    expires: int


def canonical(message: Mapping[str, object]) -> bytes:
    """Return the bytes of a message that are signed: its header and message, sorted and compact, in UTF-8."""
    return orjson.dumps(_signed_parts(message), option=orjson.OPT_SORT_KEYS)


def sign(
    message: Mapping[str, object],
    key: Ed25519PrivateKey,
    *,
    sender_id: str,
    key_id: str,
    now: datetime,
    lifetime_s: int = LIFETIME_S,
) -> str:
    """Return the signature of a message, to stand beside its header.

    key_id: what the receiver finds the public key by; the thumbprint of our published keys.
    """
    created = int(now.timestamp())
    expires = created + lifetime_s
    made = key.sign(_signing_string(created, expires, canonical(message)))
    return (
        f'{PREFIX} namespace="{NAMESPACE}", kidId="{sender_id}|{key_id}|{ALGORITHM}", algorithm="{ALGORITHM}", '
        f'created="{created}", expires="{expires}", headers="{SIGNED_PARTS}", '
        f'signature="{base64.b64encode(made).decode()}"'
    )


def verify(
    raw: Mapping[str, object],
    keys: Mapping[str, Ed25519PublicKey],
    *,
    now: datetime,
    skew_s: int = SKEW_S,
) -> Verified:
    """Verify the signature of a message as it was parsed; the leading `Signature:` and the namespace are free.

    keys: key id -> public key, of the one sender that the message comes from.
    Raises: SignatureInvalidError, which says what does not hold.
    """
    said = _parameters(raw.get("signature"))
    sender_id, key_id = _signer(said, raw)
    key = keys.get(key_id)
    if key is None:
        raise SignatureInvalidError("the signature names a key that is not registered for its sender")
    created, expires = _lifetime(said, int(now.timestamp()), skew_s)
    try:
        signature = base64.b64decode(said.get("signature", ""), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalidError("the signature is not Base64") from None
    if not any(_holds(key, signature, created, expires, body) for body in _bodies(raw)):
        raise SignatureInvalidError("the signature does not fit header and message")
    return Verified(sender_id, key_id, created, expires)


def verify_policy(
    raw: Mapping[str, object],
    policy: SignaturePolicy,
    *,
    keys: Mapping[str, Ed25519PublicKey],
    now: datetime,
    placeholders: frozenset[str] = frozenset(),
) -> Verified | None:
    """Hold a message against its sender's signature policy; None when it carries none and need not.

    placeholders: literal texts that this sender puts where a signature belongs, and that count as none.
    Raises: SignatureInvalidError, with `err.signature.missing` when there is none and must be.
    """
    if policy is SignaturePolicy.OFF:
        return None
    said = raw.get("signature")
    is_missing = said is None or (isinstance(said, str) and (not said.strip() or said in placeholders))
    if not is_missing:
        return verify(raw, keys, now=now)
    if policy is SignaturePolicy.REQUIRED:
        raise SignatureInvalidError("this sender signs its messages", reason_code="err.signature.missing")
    return None


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as it is published: a JWK whose `kid` is its RFC 7638 thumbprint."""
    x = _base64url(key.public_bytes_raw())
    # RFC 7638: the required members of the key type only, sorted, without white space (RFC 8037 for OKP).
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": x,
        "kid": _base64url(thumbprint),
        "use": "sig",
        "alg": "EdDSA",
    }


def key_of_jwk(jwk: Mapping[str, object]) -> Ed25519PublicKey:
    """Return the public key of a JWK.

    Raises: ValueError when it is not an ed25519 key for signatures.
    """
    x = jwk.get("x")
    is_ours = jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and jwk.get("use", "sig") == "sig"
    try:
        if is_ours and isinstance(x, str):
            return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    except ValueError:
        pass
    raise ValueError("not an ed25519 key for signatures")


def _signed_parts(message: Mapping[str, object]) -> dict[str, object]:
    return {part: message[part] for part in ("header", "message") if part in message}


def _bodies(raw: Mapping[str, object]) -> Iterator[bytes]:
    """Yield the bytes that a signature may be of: ours, and those of signers whose JSON escapes all but ASCII."""
    try:
        ours = canonical(raw)
    except TypeError:
        raise SignatureInvalidError("header and message are not JSON") from None
    yield ours
    escaped = json.dumps(_signed_parts(raw), sort_keys=True, separators=(",", ":")).encode()
    if escaped != ours:
        yield escaped


def _signing_string(created: int, expires: int, body: bytes) -> bytes:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: {digest}".encode()


def _holds(key: Ed25519PublicKey, signature: bytes, created: int, expires: int, body: bytes) -> bool:
    try:
        key.verify(signature, _signing_string(created, expires, body))
    except InvalidSignature:
        return False
    return True


def _parameters(said: object) -> dict[str, str]:
    """Return the parameters of a keyed string."""
    if not isinstance(said, str) or len(said) > MAX_LENGTH or "kidId=" not in said:
        raise SignatureInvalidError("the signature is not of the form taken here: a keyed string with kidId")
    found = _PARAMETER.findall(said.strip().removeprefix(PREFIX))
    parameters = dict(found)
    if len(parameters) != len(found):
        raise SignatureInvalidError("the signature states a parameter twice")
    return parameters


def _signer(said: Mapping[str, str], raw: Mapping[str, object]) -> tuple[str, str]:
    """Return sender and key id, once the algorithm and the sender are what they must be."""
    parts = said.get("kidId", "").split("|")
    if len(parts) != 3:
        raise SignatureInvalidError("kidId is sender_id|key id|algorithm")
    sender_id, key_id, algorithm = parts
    if {algorithm.lower(), said.get("algorithm", ALGORITHM).lower()} != {ALGORITHM}:
        raise SignatureInvalidError(f"the algorithm of a signature is {ALGORITHM}")
    if said.get("headers", SIGNED_PARTS).split() != SIGNED_PARTS.split():
        raise SignatureInvalidError(f'the headers of a signature are "{SIGNED_PARTS}"')
    header = raw.get("header")
    if not isinstance(header, dict) or header.get("sender_id") != sender_id:
        raise SignatureInvalidError("the signature is another sender's")
    return sender_id, key_id


def _lifetime(said: Mapping[str, str], now: int, skew_s: int) -> tuple[int, int]:
    """Return when the signature was made and until when it holds, if it holds now."""
    created, expires = said.get("created", ""), said.get("expires", "")
    if not (_SECONDS.match(created) and _SECONDS.match(expires)):
        raise SignatureInvalidError("created and expires are whole seconds since 1970")
    begins, ends = int(created), int(expires)
    if not 0 < ends - begins <= MAX_LIFETIME_S:
        raise SignatureInvalidError("the signature claims to hold too long, or not at all")
    if begins > now + skew_s:
        raise SignatureInvalidError("the signature was made in the future: compare the clocks")
    if ends < now - skew_s:
        raise SignatureInvalidError("the signature has expired")
    return begins, ends


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
