"""Public keys of signers: as JWK and PEM, by their thumbprints, each with the one algorithm of its kind."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from standards.signing.forms import ALGORITHM

if TYPE_CHECKING:
    from collections.abc import Mapping

PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey

MIN_RSA_BITS: Final = 2048
_REQUIRED: Final = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
"""RFC 7638: the members of a key's type that its thumbprint is of, sorted (RFC 8037 for OKP)."""


def algorithm_of(key: object) -> str | None:
    """Return the one algorithm that a key, public or private, signs with; None for a key that is not taken."""
    # INVARIANT: the key decides the algorithm, so no message can choose another one for it.
    if isinstance(key, Ed25519PublicKey | Ed25519PrivateKey):
        return ALGORITHM
    if isinstance(key, EllipticCurvePublicKey | EllipticCurvePrivateKey):
        return "ES256" if isinstance(key.curve, SECP256R1) else None
    if isinstance(key, RSAPublicKey | RSAPrivateKey):
        return "RS256" if key.key_size >= MIN_RSA_BITS else None
    return None


def public_jwk(key: PublicKey, *, use: str = "sig", alg: str | None = None) -> dict[str, str]:
    """Return a public key as it is published: a JWK whose `kid` is its RFC 7638 thumbprint.

    alg: of a key that is not for signatures.
    """
    if isinstance(key, Ed25519PublicKey):
        own = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_bytes_raw())}
    elif isinstance(key, EllipticCurvePublicKey):
        point = key.public_numbers()
        size = (key.key_size + 7) // 8
        own = {"kty": "EC", "crv": "P-256", "x": _number(point.x, size), "y": _number(point.y, size)}
    else:
        numbers = key.public_numbers()
        own = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    stated = alg or {ALGORITHM: "EdDSA"}.get(algorithm_of(key) or "", algorithm_of(key) or "")
    return own | {"kid": thumbprint(own), "use": use, "alg": stated}


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the RFC 7638 thumbprint of a JWK.

    Raises: ValueError for a key type that is not known here.
    """
    members = _REQUIRED.get(str(jwk.get("kty")))
    if members is None or not all(isinstance(jwk.get(name), str) for name in members):
        raise ValueError("not a public key of a kind known here")
    text = orjson.dumps({name: jwk[name] for name in members}, option=orjson.OPT_SORT_KEYS)
    return _base64url(hashlib.sha256(text).digest())


def key_of_jwk(jwk: Mapping[str, object]) -> Ed25519PublicKey:
    """Return the ed25519 key of a JWK.

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


def keys_of_jwks(document: object, *, use: str = "sig") -> dict[str, PublicKey]:
    """Return the keys of a JWK set by their `kid`, and by their thumbprints; what cannot be used is passed over.

    use: `sig` or `enc`; a key that states no use is taken for either.
    """
    stated = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, PublicKey] = {}
    for jwk in stated if isinstance(stated, list) else ():
        if not isinstance(jwk, dict) or jwk.get("use", use) != use:
            continue
        key = _key_of(jwk)
        if key is not None and algorithm_of(key) is not None:
            found.setdefault(thumbprint(jwk), key)
            if isinstance(jwk.get("kid"), str) and jwk["kid"]:
                found[jwk["kid"]] = key
    return found


def key_of_pem(pem: str) -> PublicKey:
    """Return the public key of a PEM text.

    Raises: ValueError when it is not one that signatures are made with here.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a public key in PEM") from None
    if algorithm_of(key) is None:
        raise ValueError(f"not an ed25519 key, a P-256 key or an RSA key of {MIN_RSA_BITS} bits or more")
    return key  # type: ignore[return-value] # algorithm_of knows the three kinds


def _key_of(jwk: dict[str, Any]) -> PublicKey | None:
    if jwk.get("kty") not in _REQUIRED or "d" in jwk:
        return None  # INVARIANT: a symmetric key is never a key for a signature; a private one was published by mistake
    algorithm = {"OKP": "EdDSA", "EC": "ES256", "RSA": "RS256"}[jwk["kty"]]
    try:
        key = jwt.PyJWK({**jwk, "alg": algorithm}).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey) else None


def _number(value: int, size: int | None = None) -> str:
    return _base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
