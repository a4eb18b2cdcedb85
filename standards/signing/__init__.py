"""Message signatures in the three forms in which they are met, and published keys. Keys are always passed in.

keyed       the keyed string of the standard's example, with ed25519 (`keyed.py` says how its gaps are filled)
jws         a compact JWS (RFC 7515) whose payload is `{"header": ..., "message": ...}`
detached    a JWS without its payload, `xxx..zzz`, over the canonical bytes of the same
"""

from __future__ import annotations

from standards.signing.canonical import canonical
from standards.signing.choosing import key_id_of, sign, verify, verify_policy
from standards.signing.forms import (
    ALGORITHM,
    ALGORITHMS,
    ALL_ALLOWED,
    LIFETIME_S,
    MAX_LENGTH,
    MAX_LIFETIME_S,
    SKEW_S,
    Allowed,
    Form,
    SignaturePolicy,
    Verified,
    form_of,
)
from standards.signing.keyed import NAMESPACE, PREFIX, SIGNED_PARTS
from standards.signing.keys import (
    PrivateKey,
    PublicKey,
    algorithm_of,
    key_of_jwk,
    key_of_pem,
    keys_of_jwks,
    public_jwk,
    thumbprint,
)

__all__ = [
    "ALGORITHM",
    "ALGORITHMS",
    "ALL_ALLOWED",
    "LIFETIME_S",
    "MAX_LENGTH",
    "MAX_LIFETIME_S",
    "NAMESPACE",
    "PREFIX",
    "SIGNED_PARTS",
    "SKEW_S",
    "Allowed",
    "Form",
    "PrivateKey",
    "PublicKey",
    "SignaturePolicy",
    "Verified",
    "algorithm_of",
    "canonical",
    "form_of",
    "key_id_of",
    "key_of_jwk",
    "key_of_pem",
    "keys_of_jwks",
    "public_jwk",
    "sign",
    "thumbprint",
    "verify",
    "verify_policy",
]
