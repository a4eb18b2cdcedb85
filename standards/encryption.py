"""Encrypted messages: the flattened JWE of the standard, whose parameters travel in the unprotected `header`.

    made     `{"header": {"alg", "enc", "kid"}, "encrypted_key", "iv", "ciphertext", "tag"}` over the JSON of `message`;
             ECDH-ES+A256KW for a P-256 key, RSA-OAEP-256 for an RSA key, content with A256GCM
    read     the same, also with some or all parameters in `protected`; the key named by `kid`, or the only one there is

Without `protected` nobody vouches for the parameters, so they choose among what the key allows and nothing else: the
kind of the key decides `alg`, `enc` is A256GCM, and compression (`zip`) is refused, however small it looks.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import Recipient
from joserfc.jwk import ECKey, RSAKey

from standards.errors import EncryptionInvalidError
from standards.json_bodies import JsonError, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.signing import PrivateKey, PublicKey

CONTENT: Final = "A256GCM"
_AGREED: Final = "ECDH-ES+A256KW"
_TAG_BYTES: Final = 16
MAX_BYTES: Final = 20_000_000
"""Longest ciphertext read, in characters."""
_PARTS: Final = ("ciphertext", "encrypted_key", "tag", "iv")
_PARAMETERS: Final = frozenset({"alg", "enc", "kid", "epk", "typ", "cty", "apu", "apv"})
"""What a header may hold; `zip`, `jku`, `x5u`, `crit` and all others are refused."""


def algorithm_for(key: object) -> str | None:
    """Return the one key algorithm that a key, public or private, is used with; None for a key that is not taken."""
    # INVARIANT: the key decides the algorithm, so no message can choose another one for it.
    if isinstance(key, EllipticCurvePublicKey | EllipticCurvePrivateKey):
        return _AGREED
    if isinstance(key, RSAPublicKey | RSAPrivateKey):
        return "RSA-OAEP-256"
    return None


def encrypt(message: Mapping[str, object], key: PublicKey, kid: str) -> dict[str, Any]:
    """Return a message as only the holder of a key can read it.

    message: it may hold `orjson.Fragment`s.
    Raises: EncryptionInvalidError for a key that nothing can be encrypted with.
    """
    algorithm = algorithm_for(key)
    if algorithm is None:
        raise EncryptionInvalidError("the receiver's key is not for encryption: a P-256 or an RSA key is")
    registry, recipient = _recipient(algorithm, {"alg": algorithm, "enc": CONTENT, "kid": kid}, key)
    content = registry.get_enc(CONTENT)
    model: Any = registry.get_alg(algorithm)
    cek, iv = content.generate_cek(), content.generate_iv()
    if algorithm == _AGREED:
        model.prepare_ephemeral_key(recipient)
        wrapped = model.wrap_cek_with_auk(cek, model.encrypt_agreed_upon_key(content, recipient))
    else:
        wrapped = model.encrypt_cek(cek, recipient)
    ciphertext, tag = content.encrypt(orjson.dumps(message), cek, iv, b"")
    parts = {"encrypted_key": wrapped, "iv": iv, "ciphertext": ciphertext, "tag": tag}
    return {"header": recipient.headers(), **{name: _encoded(part) for name, part in parts.items()}}


def decrypt(encrypted: Mapping[str, object], keys: Mapping[str, PrivateKey]) -> dict[str, Any]:
    """Return the message that was encrypted for one of these keys.

    keys: key id -> private key.
    Raises: EncryptionInvalidError, in the same words whatever it was that failed.
    """
    header, parts = _header(encrypted), _parts(encrypted)
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None and kid is None and len(keys) == 1:
        (key,) = keys.values()
    if key is None:
        raise EncryptionInvalidError("the message is encrypted for a key that is not ours: see our key set")
    algorithm = algorithm_for(key)
    if algorithm is None or header.get("alg") != algorithm or header.get("enc") != CONTENT:
        raise EncryptionInvalidError(f"encrypt for this key with {algorithm} and {CONTENT}")
    try:
        plain = _opened(header, parts, algorithm, key)
    except (JoseError, InvalidTag, InvalidUnwrap, ValueError, TypeError, AssertionError, binascii.Error):
        plain = b""
    try:
        message = parsed(plain)
    except JsonError:
        message = None
    if not isinstance(message, dict):
        raise EncryptionInvalidError("the message cannot be decrypted with the key that it names")
    return message


def _header(encrypted: Mapping[str, object]) -> dict[str, Any]:
    """Return every parameter, wherever it stands."""
    found = dict(_outside(encrypted))
    protected = encrypted.get("protected")
    if isinstance(protected, str) and protected:
        inside = _parsed(protected)
        if found.keys() & inside.keys():
            raise EncryptionInvalidError("a parameter stands in the protected and in the unprotected header")
        found |= inside
    if strangers := found.keys() - _PARAMETERS:
        named = "compression (zip) is" if "zip" in strangers else "one of its parameters is"
        raise EncryptionInvalidError(f"{named} not taken in an encrypted message")
    return found


def _outside(encrypted: Mapping[str, object]) -> dict[str, Any]:
    header = encrypted.get("header", {})
    if not isinstance(header, dict):
        raise EncryptionInvalidError("an encrypted message has a header with alg, enc and kid")
    return header


def _parts(encrypted: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {name: encrypted.get(name) for name in _PARTS}
    if not all(isinstance(value, str) and value for value in found.values()):
        raise EncryptionInvalidError(f"an encrypted message has {', '.join(_PARTS)}")
    if sum(map(len, found.values())) > MAX_BYTES:
        raise EncryptionInvalidError("the encrypted message is too long")
    protected = encrypted.get("protected")
    return {**found, "protected": protected} if isinstance(protected, str) and protected else found


def _parsed(protected: str) -> dict[str, Any]:
    try:
        said = orjson.loads(base64.b64decode(protected + "=" * (-len(protected) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        said = None
    if not isinstance(said, dict):
        raise EncryptionInvalidError("the protected header of an encrypted message is not JSON in Base64url")
    return said


def _opened(header: dict[str, Any], parts: Mapping[str, str], algorithm: str, key: PrivateKey) -> bytes:
    """Return the plain bytes. What was authenticated is the text of `protected` as it came, or nothing."""
    registry, recipient = _recipient(algorithm, header, key)
    content = registry.get_enc(CONTENT)
    model: Any = registry.get_alg(algorithm)
    recipient.encrypted_key = _decoded(parts["encrypted_key"])
    if algorithm == _AGREED:
        cek = model.unwrap_cek_with_auk(recipient.encrypted_key, model.decrypt_agreed_upon_key(content, recipient))
    else:
        cek = model.decrypt_cek(recipient)
    iv, tag, ciphertext = (_decoded(parts[name]) for name in ("iv", "tag", "ciphertext"))
    if len(tag) != _TAG_BYTES or len(cek) * 8 != content.cek_size:  # a short tag would be easy to guess
        raise ValueError
    content.check_iv(iv)
    plain: bytes = content.decrypt(ciphertext, tag, cek, iv, parts.get("protected", "").encode())
    return plain


def _recipient(algorithm: str, header: dict[str, Any], key: object) -> tuple[jwe.JWERegistry, Recipient[Any]]:
    kind = ECKey if isinstance(key, EllipticCurvePublicKey | EllipticCurvePrivateKey) else RSAKey
    around = jwe.FlattenedJSONEncryption({}, None)
    return jwe.JWERegistry(algorithms=[algorithm, CONTENT]), Recipient(around, header, kind(key, key))  # type: ignore[arg-type]


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
