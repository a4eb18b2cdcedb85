"""Keys of this gateway: one to sign with, one to make pseudonyms with. Made on the first start, mode 0600."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from standards.errors import ConfigurationError
from standards.identifiers import Identifier


class Keys(NamedTuple):
    """The gateway's own keys."""

    signing: Ed25519PrivateKey
    pseudonym: bytes

    def __repr__(self) -> str:
        """Show nothing of the keys."""
        return "Keys()"

    def pseudonym_of(self, identifier: Identifier) -> str:
        """Return the keyed handle of a person for the journal: 32 hex digits, the same for the same number."""
        return self.digest_of(f"{identifier.type}\x00{identifier.value}")

    def digest_of(self, text: str) -> str:
        """Return a keyed digest of a text that may hold something personal: 32 hex digits."""
        # Keyed BLAKE2b: as good as an HMAC, and a third of its cost; a question makes some twenty of them.
        return hashlib.blake2b(text.encode(), digest_size=16, key=self.pseudonym[:64]).hexdigest()

    def derived(self, use: str) -> bytes:
        """Return 32 bytes for another use, so that one digest never fits two places."""
        return hmac.digest(self.pseudonym, b"use\x00" + use.encode(), hashlib.sha256)


def open_keys(folder: Path) -> Keys:
    """Return the keys of a folder, and make those that are not there.

    Raises: ConfigurationError when a key file cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing = folder / "signing.pem"
    pseudonym = folder / "pseudonym.key"
    if not signing.exists():
        write_private(signing, new_signing_key())
    if not pseudonym.exists():
        write_private(pseudonym, secrets.token_bytes(32))
    key = private_key(signing)
    secret = pseudonym.read_bytes()
    if len(secret) < 32:
        raise ConfigurationError(f"{pseudonym.name}: shorter than 32 bytes")
    return Keys(key, secret)


def private_key(path: Path) -> Ed25519PrivateKey:
    """Return the ed25519 key of a PEM file.

    Raises: ConfigurationError when it is none.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error.strerror})") from None
    except (TypeError, ValueError) as error:  # TypeError: it is encrypted
        raise ConfigurationError(f"{path.name}: not a private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path.name}: not an ed25519 key")
    return key


def public_pem(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_signing_key() -> bytes:
    """Return a new ed25519 private key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
