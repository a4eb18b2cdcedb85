"""The owner's signature over a manifest, as data beside it: `manifest.sig.json`.

It is an ed25519 signature over registry, version, day and SHA-256 of the file as it lies there, so that whoever signs
signs every byte of it, comments included, and with it the WSDL and schemas beside it. The owner's public key comes from
elsewhere: a key beside what it signs proves nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import orjson
from cryptography.exceptions import InvalidSignature
from pydantic import Field, StringConstraints, ValidationError

from adapters.kit.findings import Finding
from adapters.model import Model

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from adapters.manifest import Manifest

SIGNATURE: Final = "manifest.sig.json"


class Signature(Model):
    """One signature under one version of a manifest."""

    registry: str
    version: str
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of what is signed."
    )
    by: str
    at: datetime
    signature: str = Field(description="Base64 of the ed25519 signature over the fields above.")

    def signed_bytes(self) -> bytes:
        """Return what the signature is over: the other fields as JSON, sorted and compact."""
        stated = self.model_dump(mode="json", exclude={"signature"})
        return orjson.dumps({"signs": stated}, option=orjson.OPT_SORT_KEYS)


def digest_of(manifest: Manifest, content: bytes) -> str:
    """Return the digest of a manifest's file, as `sha256sum` prints it; with its documents, where it has any."""
    digest = hashlib.sha256(content).hexdigest()
    documents = manifest.soap.documents if manifest.soap is not None else {}
    if not documents:
        return digest
    # INVARIANT: whatever decides what a registry is asked, and how it is read, is signed, wherever it lies.
    whole = orjson.dumps({"manifest": digest, "documents": documents}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(whole).hexdigest()


def signed(manifest: Manifest, content: bytes, by: str, key: Ed25519PrivateKey, at: datetime) -> bytes:
    """Return the file that lies beside a manifest once its owner has signed it."""
    unsigned = Signature(
        registry=manifest.id,
        version=manifest.version,
        digest=digest_of(manifest, content),
        by=by,
        at=at.replace(microsecond=0),
        signature="-",
    )
    signature = base64.b64encode(key.sign(unsigned.signed_bytes())).decode()
    whole = unsigned.model_copy(update={"signature": signature})
    return orjson.dumps(whole.model_dump(mode="json"), option=orjson.OPT_INDENT_2) + b"\n"


def signature_finding(path: Path, manifest: Manifest, content: bytes, key: Ed25519PublicKey | None) -> Finding | None:
    """Return whether the signature beside a manifest holds; None where there is none and none is wanted.

    key: the owner's, from wherever it was handed over; None: only that the file is the one that was signed is told.
    """
    again = "Have the owner sign again: `hearth registry sign`."
    try:
        one = Signature.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Finding("signature", False, f"there is no {SIGNATURE}", again) if key is not None else None
    except (OSError, ValidationError):
        return Finding("signature", False, f"{SIGNATURE} is not a signature", again)
    if (one.registry, one.version, one.digest) != (manifest.id, manifest.version, digest_of(manifest, content)):
        return Finding("signature", False, "the manifest is not the one that was signed", again)
    if key is None:
        return Finding("signature", None, f"signed by {one.by}; give --owner-key to see whether it holds")
    try:
        key.verify(base64.b64decode(one.signature, validate=True), one.signed_bytes())
    except (InvalidSignature, binascii.Error, ValueError):
        return Finding("signature", False, "does not hold under the owner's key", again)
    return Finding("signature", True, f"by {one.by}, {one.at:%Y-%m-%d}")
