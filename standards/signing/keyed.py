"""The keyed string of DCI, signed and verified with ed25519.

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
import re
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from standards.errors import SignatureInvalidError
from standards.signing.canonical import bodies, canonical, sender_of
from standards.signing.forms import ALGORITHM, MAX_LENGTH, MAX_LIFETIME_S, Form, Verified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from standards.signing.keys import PublicKey

NAMESPACE: Final = "spdci"
PREFIX: Final = "Signature:"
SIGNED_PARTS: Final = "(created) (expires) digest"

_PARAMETER: Final = re.compile(r'(\w+)\s*=\s*"([^"]*)"?')
_SECONDS: Final = re.compile(r"\d{1,12}\Z", re.ASCII)


def keyed_signature(
    message: Mapping[str, object], key: Ed25519PrivateKey, sender_id: str, key_id: str, created: int, expires: int
) -> str:
    """Return the keyed string of a message."""
    made = key.sign(_signing_string(created, expires, canonical(message)))
    return (
        f'{PREFIX} namespace="{NAMESPACE}", kidId="{sender_id}|{key_id}|{ALGORITHM}", algorithm="{ALGORITHM}", '
        f'created="{created}", expires="{expires}", headers="{SIGNED_PARTS}", '
        f'signature="{base64.b64encode(made).decode()}"'
    )


def verify_keyed(raw: Mapping[str, object], keys: Mapping[str, PublicKey], now: int, skew_s: int) -> Verified:
    """Verify the keyed string of a message; the leading `Signature:` and the namespace are free.

    Raises: SignatureInvalidError, which says what does not hold.
    """
    said = _parameters(raw.get("signature"))
    sender_id, key_id = _signer(said, raw)
    key = keys.get(key_id)
    if key is None:
        raise SignatureInvalidError("the signature names a key that is not registered for its sender")
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureInvalidError(f"the signature names a key that is not for {ALGORITHM}")
    created, expires = _lifetime(said, now, skew_s)
    try:
        signature = base64.b64decode(said.get("signature", ""), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalidError("the signature is not Base64") from None
    if not any(_holds(key, signature, created, expires, body) for body in bodies(raw)):
        raise SignatureInvalidError("the signature does not fit header and message")
    return Verified(sender_id, key_id, created, expires, Form.KEYED)


def key_id_of(signature: str) -> str | None:
    """Return the id of the key that a keyed string names, before anything of it is verified."""
    parts = next((value for name, value in _PARAMETER.findall(signature[:MAX_LENGTH]) if name == "kidId"), "").split(
        "|"
    )
    return parts[1] if len(parts) == 3 else None


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
    if sender_of(raw) != sender_id:
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
