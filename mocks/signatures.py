"""Whether a DCI message was signed by a known key: the three forms in the field, read without the gateway's code."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.exceptions import InvalidSignature

SKEW_S: Final = 60
_ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


class BadSignatureError(ValueError):
    """A signature that does not hold."""


class UnknownKeyError(BadSignatureError):
    """A signature by a key that is not among those known; they may have to be fetched anew."""


def check(whole: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> None:
    """Return when the message's signature holds under one of the keys, public JWKs by their `kid`.

    Raises: UnknownKeyError, BadSignatureError.
    """
    signature = whole.get("signature")
    if not isinstance(signature, str):
        raise BadSignatureError("the signature is not a string")
    parts = {"header": whole.get("header"), "message": whole.get("message")}
    if "kidId=" in signature:
        _check_keyed(signature, parts, keys)
    elif signature.count(".") == 2:
        _check_jws(signature, parts, keys)
    else:
        raise BadSignatureError("the signature has none of the three forms")


def canonical(parts: Mapping[str, Any]) -> bytes:
    """Return header and message as JSON, members sorted, compact, in UTF-8."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _check_keyed(signature: str, parts: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> None:
    said = dict(_PARAMETER.findall(signature))
    names = said.get("kidId", "").split("|")
    if len(names) != 3 or said.get("algorithm") != "ed25519" or names[2] != "ed25519":
        raise BadSignatureError("kidId is sender|key|ed25519, and algorithm ed25519")
    header = parts["header"]
    if not isinstance(header, Mapping) or header.get("sender_id") != names[0]:
        raise BadSignatureError("the signature names another sender than the header")
    key = _key(names[1], keys)
    try:
        created, expires = int(said["created"]), int(said["expires"])
        given = base64.b64decode(said["signature"], validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise BadSignatureError("the signature lacks created, expires or a value in Base64") from None
    _check_times(created, expires)
    digest = base64.b64encode(hashlib.sha256(canonical(parts)).digest()).decode()
    signed = f"(created): {created}\n(expires): {expires}\ndigest: {digest}"
    try:
        key.key.verify(given, signed.encode())
    except (InvalidSignature, TypeError, ValueError):
        raise BadSignatureError("the signature does not fit header and message") from None


def _check_jws(signature: str, parts: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> None:
    start, payload, end = signature.split(".")
    try:
        header = jwt.get_unverified_header(signature)
    except jwt.PyJWTError:
        raise BadSignatureError("the signature is no JWS") from None
    key = _key(str(header.get("kid", "")), keys)
    _check_times(header.get("iat"), header.get("exp"))
    body = canonical(parts)
    try:
        if payload or header.get("b64") is False:
            detached = None if payload else body
            told = jwt.PyJWS().decode(signature, key, algorithms=list(_ALGORITHMS), detached_payload=detached)
        else:
            middle = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
            told = jwt.PyJWS().decode(f"{start}.{middle}.{end}", key, algorithms=list(_ALGORITHMS))
        is_same = json.loads(told if isinstance(told, bytes) else body) == dict(parts)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise BadSignatureError("the signature does not fit header and message") from None
    if not is_same:
        raise BadSignatureError("the signed content is not this header and message")


def _check_times(created: Any, expires: Any) -> None:
    now = time.time()
    if isinstance(created, (int, float)) and created > now + SKEW_S:
        raise BadSignatureError("the signature was made in the future")
    if isinstance(expires, (int, float)) and expires < now - SKEW_S:
        raise BadSignatureError("the signature has expired")


def _key(kid: str, keys: Mapping[str, Mapping[str, Any]]) -> jwt.PyJWK:
    if kid not in keys:
        raise UnknownKeyError("the signature names an unknown key")
    jwk = dict(keys[kid])
    if jwk.get("use", "sig") != "sig":
        raise BadSignatureError("the signature names a key that is not for signing")
    try:
        return jwt.PyJWK.from_dict(jwk)
    except jwt.PyJWTError:
        raise BadSignatureError("the signature names a key that cannot be read") from None
