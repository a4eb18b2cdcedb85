"""Signatures of a registry's own messages, in each of the three forms in the field, and the key it publishes.

Written from the standard and the products' ways, without the gateway's code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mocks.signatures import canonical

FORMS: Final = ("none", "keyed", "jws", "detached", "placeholder", "wrong")
"""`placeholder` is a text where a signature belongs, `wrong` a keyed one of another message."""
LIFETIME_S: Final = 300
PLACEHOLDER: Final = "signature"


class Signer:
    """The signing key of one registry, made when first needed, and the form it signs in."""

    def __init__(self) -> None:
        self.form = "none"
        self._key: Ed25519PrivateKey | None = None

    @property
    def key(self) -> Ed25519PrivateKey:
        """Return the key."""
        if self._key is None:
            self._key = Ed25519PrivateKey.generate()
        return self._key

    def rotate(self) -> None:
        """Take another key from now on; the old one is published no longer."""
        self._key = None

    def published(self) -> dict[str, Any]:
        """Return the public key as a JWKS; its `kid` is its thumbprint."""
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": _text(raw)}
        return {"keys": [jwk | {"kid": _thumbprint(jwk), "use": "sig", "alg": "EdDSA"}]}

    def signed(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        """Return a message with its signature, or as it is when the form says none."""
        match self.form:
            case "keyed":
                return {"signature": self._keyed(whole), **whole}
            case "wrong":
                return {"signature": self._keyed({"header": whole["header"], "message": {}}), **whole}
            case "jws" | "detached":
                return {"signature": self._jws(whole), **whole}
            case "placeholder":
                return {"signature": PLACEHOLDER, **whole}
        return dict(whole)

    def _keyed(self, whole: Mapping[str, Any]) -> str:
        created = int(time.time())
        expires = created + LIFETIME_S
        digest = base64.b64encode(hashlib.sha256(canonical(_parts(whole))).digest()).decode()
        made = self.key.sign(f"(created): {created}\n(expires): {expires}\ndigest: {digest}".encode())
        sender, kid = whole["header"].get("sender_id", ""), self.published()["keys"][0]["kid"]
        return (
            f'namespace="dci", kidId="{sender}|{kid}|ed25519", algorithm="ed25519", created="{created}", '
            f'expires="{expires}", headers="(created) (expires) digest", signature="{base64.b64encode(made).decode()}"'
        )

    def _jws(self, whole: Mapping[str, Any]) -> str:
        kid = self.published()["keys"][0]["kid"]
        said = jwt.PyJWS().encode(canonical(_parts(whole)), self.key, algorithm="EdDSA", headers={"kid": kid})
        start, _, end = said.split(".")
        return f"{start}..{end}" if self.form == "detached" else said


def _parts(whole: Mapping[str, Any]) -> dict[str, Any]:
    return {"header": whole["header"], "message": whole["message"]}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    return _text(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
