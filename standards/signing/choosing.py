"""Sign in the form that is wanted; verify in the form that is met, under what its sender may and must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from standards.errors import ConfigurationError, SignatureInvalidError
from standards.signing import jws, keyed
from standards.signing.forms import (
    ALGORITHM,
    ALL_ALLOWED,
    LIFETIME_S,
    MAX_LENGTH,
    SKEW_S,
    Allowed,
    Form,
    SignaturePolicy,
    Verified,
    form_of,
)
from standards.signing.keys import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from standards.signing.keys import PrivateKey, PublicKey


def sign(
    message: Mapping[str, object],
    key: PrivateKey,
    *,
    sender_id: str,
    key_id: str,
    now: datetime,
    lifetime_s: int = LIFETIME_S,
    form: Form = Form.KEYED,
) -> str:
    """Return the signature of a message, to stand beside its header.

    key_id: what the receiver finds the public key by; the thumbprint of our published keys.
    Raises: ConfigurationError for a key that cannot sign in this form.
    """
    created = int(now.timestamp())
    expires = created + lifetime_s
    if form is Form.KEYED:
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(f"the keyed form is signed with {ALGORITHM}: take jws or detached for another key")
        return keyed.keyed_signature(message, key, sender_id, key_id, created, expires)
    return jws.jws_signature(message, key, key_id, created, expires, is_detached=form is Form.DETACHED)


def verify(
    raw: Mapping[str, object],
    keys: Mapping[str, PublicKey],
    *,
    now: datetime,
    skew_s: int = SKEW_S,
    allowed: Allowed = ALL_ALLOWED,
) -> Verified:
    """Verify the signature of a message as it was parsed, in whichever form it has.

    keys: key id -> public key, of the one sender that the message comes from.
    Raises: SignatureInvalidError, which says what does not hold.
    """
    said = raw.get("signature")
    form = form_of(said) if isinstance(said, str) else None
    if form is None or not isinstance(said, str):
        raise SignatureInvalidError("the signature is not of a form taken here: a keyed string with kidId, or a JWS")
    if form not in allowed.forms:
        raise SignatureInvalidError(f"this sender signs otherwise: {', '.join(sorted(allowed.forms))}")
    usable = keys
    if allowed.algorithms != ALL_ALLOWED.algorithms:
        usable = {id_: key for id_, key in keys.items() if algorithm_of(key) in allowed.algorithms}
    seconds = int(now.timestamp())
    if form is Form.KEYED:
        return keyed.verify_keyed(raw, usable, seconds, skew_s)
    return jws.verify_jws(raw, said, form, usable, seconds, skew_s)


def verify_policy(
    raw: Mapping[str, object],
    policy: SignaturePolicy,
    *,
    keys: Mapping[str, PublicKey],
    now: datetime,
    placeholders: Collection[str] = frozenset(),
    allowed: Allowed = ALL_ALLOWED,
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
        return verify(raw, keys, now=now, allowed=allowed)
    if policy is SignaturePolicy.REQUIRED:
        raise SignatureInvalidError("this sender signs its messages", reason_code="err.signature.missing")
    return None


def key_id_of(signature: object) -> str | None:
    """Return the id of the key that a signature names, before anything of it is verified; None where it names none."""
    form = form_of(signature) if isinstance(signature, str) else None
    if form is None or not isinstance(signature, str):
        return None
    return keyed.key_id_of(signature[:MAX_LENGTH]) if form is Form.KEYED else jws.key_id_of(signature)
