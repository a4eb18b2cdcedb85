"""Keys: the programme's own, which it decrypts with and publishes, and those of the gateway it hears from."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import aiohttp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_decode

from mocks.signatures import UnknownKeyError, check

_FETCH_S = 5.0


class KeysUnavailableError(Exception):
    """The gateway's keys are needed and cannot be fetched now."""


class UndecipherableError(ValueError):
    """A message was encrypted, but not to the programme's key."""


class OwnKeys:
    """The pair of keys that messages to the programme are encrypted to; made when first asked for."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def published(self) -> dict[str, Any]:
        """Return the public key as a JWKS; its `kid` is its thumbprint."""
        jwk = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        named = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
        kid = base64.urlsafe_b64encode(hashlib.sha256(named.encode()).digest()).rstrip(b"=").decode()
        own = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": kid, "use": "enc", "alg": "RSA-OAEP-256"}
        return {"keys": [own]}

    def decrypted(self, message: Mapping[str, Any]) -> bytes:
        """Return the plain text of an encrypted message, in the flattened form of the standard.

        Raises: UndecipherableError.
        """
        header = message.get("header")
        if not isinstance(header, Mapping) or header.get("alg") != "RSA-OAEP-256" or header.get("enc") != "A256GCM":
            raise UndecipherableError("a message is encrypted by RSA-OAEP-256 and A256GCM")
        padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
        # Members that are not protected are not part of what the tag vouches for.
        vouched = str(message.get("protected", "")).encode()
        try:
            parts = [base64url_decode(message[name]) for name in ("encrypted_key", "iv", "ciphertext", "tag")]
            wrapped, nonce, ciphertext, tag = parts
            return AESGCM(self._key.decrypt(wrapped, padding)).decrypt(nonce, ciphertext + tag, vouched)
        except (InvalidTag, ValueError, TypeError, KeyError):
            raise UndecipherableError("the message is not encrypted to this programme's key") from None


class GatewayKeys:
    """The gateway's published keys: fetched when needed, kept when the gateway is away."""

    def __init__(self, jwks_url: str | None = None) -> None:
        self.jwks_url = jwks_url
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._turn = asyncio.Lock()

    def use(self, jwks_url: str | None) -> None:
        """Take the keys from another address from now on."""
        self.jwks_url = jwks_url
        self._keys = {}

    async def check(self, whole: Mapping[str, Any]) -> None:
        """Return when the signature of a message holds; a key that is unknown is looked for once more.

        Raises: BadSignatureError, KeysUnavailableError.
        """
        try:
            check(whole, self._keys)
        except UnknownKeyError:
            async with self._turn:
                await self._fetch()
            check(whole, self._keys)

    async def _fetch(self) -> None:
        if self.jwks_url is None:
            return
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FETCH_S)) as client,
                client.get(self.jwks_url) as response,
            ):
                published = await response.json(content_type=None) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            published = None
        if not isinstance(published, dict) or not isinstance(published.get("keys"), list):
            raise KeysUnavailableError
        self._keys = {key["kid"]: key for key in published["keys"] if isinstance(key, dict) and "kid" in key}
