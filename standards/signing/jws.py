"""Signatures as JSON Web Signatures (RFC 7515): compact, with the message as payload, or detached from it.

Made: protected header `{"alg", "kid", "iat", "exp"}`, payload the canonical bytes of header and message.
Read: `iat` and `exp`, in the protected header or beside the payload's header and message, must hold where they are
stated; the age of a message is that of its signed `message_ts` besides. A detached JWS may leave its payload unencoded
(RFC 7797).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from jwt.algorithms import get_default_algorithms

from standards.errors import SignatureInvalidError
from standards.signing.canonical import bodies, canonical, sender_of
from standards.signing.forms import ALGORITHM, MAX_LENGTH, MAX_LIFETIME_S, Form, Verified
from standards.signing.keys import PrivateKey, PublicKey, algorithm_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ALGORITHMS: Final = get_default_algorithms()
_NAMES: Final = {ALGORITHM: ("EdDSA", "Ed25519"), "ES256": ("ES256",), "RS256": ("RS256",)}
"""Our name of an algorithm -> what a JWS calls it; the first is what we write."""
_FOREIGN: Final = frozenset({"jwk", "jku", "x5u", "x5c"})
"""Members that bring or name a key: never followed, and a JWS that has one is refused."""


def jws_signature(
    message: Mapping[str, object], key: PrivateKey, key_id: str, created: int, expires: int, *, is_detached: bool
) -> str:
    """Return the JWS of a message, by the algorithm of its key."""
    name = _NAMES[algorithm_of(key) or ""][0]
    stated = {"alg": name, "kid": key_id, "iat": created, "exp": expires}
    head, payload = _encoded(orjson.dumps(stated)), _encoded(canonical(message))
    made = _ALGORITHMS[name].sign(head + b"." + payload, key)
    return b".".join((head, b"" if is_detached else payload, _encoded(made))).decode()


def verify_jws(
    raw: Mapping[str, object], signature: str, form: Form, keys: Mapping[str, PublicKey], now: int, skew_s: int
) -> Verified:
    """Verify the JWS of a message.

    Raises: SignatureInvalidError, which says what does not hold.
    """
    if form is Form.DETACHED and len(signature) > MAX_LENGTH:
        raise SignatureInvalidError("the signature is too long")
    head, payload, made = signature.split(".")
    stated = _header(head)
    key_id, key = _key(stated, keys)
    algorithm = algorithm_of(key)
    # INVARIANT: the algorithm is the key's; a JWS that names another one, `none` or a symmetric one is refused.
    if algorithm is None or stated.get("alg") not in _NAMES[algorithm]:
        raise SignatureInvalidError("the algorithm of a JWS is that of the key it names: EdDSA, ES256 or RS256")
    verifier, sent = _ALGORITHMS[_NAMES[algorithm][0]], _decoded(made)
    try:
        is_held = any(verifier.verify(of, key, sent) for of in _inputs(raw, head, payload, stated, form))
    except (InvalidSignature, ValueError):
        is_held = False
    if not is_held:
        raise SignatureInvalidError("the signature does not fit header and message")
    times = dict(stated)
    if form is Form.JWS:
        times |= _same(raw, payload)
    created, expires = _lifetime(times, now, skew_s)
    return Verified(sender_of(raw) or "", key_id, created, expires, form)


def key_id_of(signature: str) -> str | None:
    """Return the id of the key that a JWS names, before anything of it is verified."""
    try:
        said = _header(signature.partition(".")[0]).get("kid")
    except SignatureInvalidError:
        return None
    return said if isinstance(said, str) else None


def _header(text: str) -> dict[str, Any]:
    if len(text) > MAX_LENGTH:
        raise SignatureInvalidError("the header of the JWS is too long")
    try:
        stated = orjson.loads(_decoded(text))
    except orjson.JSONDecodeError:
        stated = None
    if not isinstance(stated, dict):
        raise SignatureInvalidError("the header of the JWS is not a JSON object")
    if _FOREIGN & stated.keys():
        raise SignatureInvalidError("the JWS brings or names a key of its own: sign with a registered key, by its kid")
    if stated.get("crit", ["b64"]) != ["b64"] or ("crit" in stated and "b64" not in stated):
        raise SignatureInvalidError("the JWS demands an extension that is not known here")
    if stated.get("b64", True) is not True and ("crit" not in stated or stated["b64"] is not False):
        raise SignatureInvalidError("b64 of a JWS is a boolean that crit names")
    return stated


def _key(stated: Mapping[str, Any], keys: Mapping[str, PublicKey]) -> tuple[str, PublicKey]:
    """Return the registered key that a JWS names; one without `kid` means the sender's only key."""
    named = stated.get("kid")
    if named is None and len({id(key) for key in keys.values()}) == 1:
        return next(iter(keys.items()))
    key = keys.get(named) if isinstance(named, str) else None
    if key is None:
        raise SignatureInvalidError("the signature names a key that is not registered for its sender")
    return named, key  # type: ignore[return-value] # a key was found by it, so it is a string


def _inputs(
    raw: Mapping[str, object], head: str, payload: str, stated: Mapping[str, Any], form: Form
) -> Iterator[bytes]:
    """Yield what the signature may be of."""
    start = head.encode() + b"."
    is_plain = stated.get("b64", True) is False
    if form is Form.JWS:
        if is_plain:
            raise SignatureInvalidError("a compact JWS has its payload in Base64")
        yield start + payload.encode()
        return
    for body in bodies(raw):
        yield start + (body if is_plain else _encoded(body))


def _same(raw: Mapping[str, object], payload: str) -> dict[str, Any]:
    """Return what the payload states beside header and message, once these are the ones that were sent."""
    try:
        told = orjson.loads(_decoded(payload))
    except orjson.JSONDecodeError:
        told = None
    # INVARIANT: what was signed is what is read on: the payload never differs from the message around it.
    try:
        is_same = isinstance(told, dict) and canonical(told) == canonical(raw)
    except TypeError:  # nested deeper than can be written
        is_same = False
    if not is_same:
        raise SignatureInvalidError("the payload of the JWS is not header and message as they were sent")
    return {name: told[name] for name in ("iat", "nbf", "exp") if name in told}


def _lifetime(stated: Mapping[str, Any], now: int, skew_s: int) -> tuple[int, int]:
    said = {name: stated.get(name, 0) for name in ("iat", "nbf", "exp")}
    if not all(isinstance(value, int | float) and 0 <= value < 1e12 for value in said.values()):
        raise SignatureInvalidError("iat, nbf and exp of a JWS are seconds since 1970")
    created, starts, expires = (int(value) for value in said.values())
    if max(created, starts) > now + skew_s:
        raise SignatureInvalidError("the signature was made in the future: compare the clocks")
    if expires:
        if expires < now - skew_s:
            raise SignatureInvalidError("the signature has expired")
        if expires - (created or now) > MAX_LIFETIME_S:
            raise SignatureInvalidError("the signature claims to hold too long")
    return created, expires


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalidError("the JWS is not Base64url") from None
