"""Keys of this gateway: to sign and to decrypt with, followed while it runs, and one to make pseudonyms with.

Made on the first start, mode 0600. `trust/ring.py` has the key pairs and their rotation.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.trust.ring import (
    ENCRYPTION,
    FIRST,
    SIGNING,
    Entry,
    Ring,
    current,
    new_key,
    pem_of,
    read_pem,
    recorded,
    write_private,
)
from standards.errors import ConfigurationError
from standards.identifiers import Identifier
from standards.signing import PrivateKey, PublicKey, keys_of_jwks, public_jwk

__all__ = [
    "Keys",
    "SigningKey",
    "follow_keys",
    "new_signing_key",
    "open_keys",
    "private_key",
    "public_pem",
    "write_private",
]

log = structlog.get_logger()
_LOOK_S: Final = 1.0


class SigningKey(NamedTuple):
    """A key in use, and what receivers find its public half by."""

    key: PrivateKey
    kid: str


class Keys:
    """The gateway's own keys, as they are at the moment.

    signing: the ed25519 key that is in use. Ask for it at every use: it may be another one by then.
    ring: where they come from; without one they never change.
    """

    def __init__(self, signing: Ed25519PrivateKey, pseudonym: bytes, ring: Ring | None = None) -> None:
        self.signing, self.pseudonym, self._ring = signing, pseudonym, ring
        jwk = public_jwk(signing.public_key())
        self.signing_id = jwk["kid"]
        self._using: dict[str, SigningKey] = {"ed25519": SigningKey(signing, self.signing_id)}
        self.published: Sequence[Mapping[str, str]] = (jwk,)
        """What the key set says."""
        self.verifying: Mapping[str, PublicKey] = {self.signing_id: signing.public_key()}
        """Key id -> key, of the published ones that sign: what our own tokens verify with."""
        self.recorded: Mapping[str, Ed25519PublicKey] = {self.signing_id: signing.public_key()}
        """Key id -> key, of everything that was ever signed for good: checkpoints, receipts, evidence."""
        self.decrypting: Mapping[str, PrivateKey] = {}
        """Key id -> key that messages to us may be encrypted for."""
        self._heard: list[Callable[[], None]] = []
        self._stamp: object = None
        self._next: datetime | None = None

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

    def using(self, algorithm: str) -> SigningKey:
        """Return the key that is in use for an algorithm.

        Raises: ConfigurationError when there is none.
        """
        found = self._using.get(algorithm)
        if found is None:
            raise ConfigurationError(f"there is no signing key for {algorithm}: name it in trust.signing")
        return found

    def on_change(self, hear: Callable[[], None]) -> None:
        """Call something whenever the keys have become others."""
        self._heard.append(hear)

    def ensure(self, algorithms: Sequence[str], now: datetime) -> None:
        """Make a key for every algorithm that has none, and take it in."""
        if self._ring is not None:
            self._ring.ensure(algorithms, now)
            self.refresh(now)

    def refresh(self, now: datetime) -> bool:
        """Take in what was rotated or retired since, and tell whether anything was.

        Raises: ConfigurationError when the files cannot be used; the keys stay what they were.
        """
        if self._ring is None:
            return False
        stamp = self._ring.stamp()
        if stamp == self._stamp and (self._next is None or now < self._next):
            return False
        self._take(self._ring.entries(), now)
        self._stamp = stamp
        for hear in self._heard:
            hear()
        return True

    def _take(self, entries: Sequence[Entry], now: datetime) -> None:
        ring = self._ring
        if ring is None:
            return
        in_use = {one.algorithm: found for one in entries if (found := current(entries, one.algorithm, now))}
        using = {
            name: self._known(one) or SigningKey(ring.private(one), one.kid)
            for name, one in in_use.items()
            if one.use == SIGNING
        }
        signing = using.get("ed25519")
        if signing is None or not isinstance(signing.key, Ed25519PrivateKey):
            raise ConfigurationError("there is no ed25519 key in use among the gateway's keys")
        former = [one for one in entries if one.use == ENCRYPTION and one.retired is None]
        decrypting = {one.kid: self.decrypting.get(one.kid) or ring.private(one) for one in former}
        published = tuple(one.jwk for one in entries if one.is_published(now))
        # Assigned together, without a wait in between: nobody sees half of it.
        self.signing, self.signing_id = signing.key, signing.kid
        self._using, self.decrypting, self.published = using, decrypting, published
        self.verifying = keys_of_jwks({"keys": [dict(one) for one in published]})
        self.recorded = recorded(entries)
        moments = [moment for one in entries for moment in (one.since, one.until) if moment and moment > now]
        self._next = min(moments, default=None)

    def _known(self, one: Entry) -> SigningKey | None:
        held = self._using.get(one.algorithm)
        return held if held is not None and held.kid == one.kid else None


def open_keys(folder: Path) -> Keys:
    """Return the keys of a folder, and make those that are not there.

    Raises: ConfigurationError when a key file cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ring, pseudonym = Ring(folder), folder / "pseudonym.key"
    if ring.stamp() is None and not (folder / FIRST).exists():
        write_private(folder / FIRST, new_signing_key())
    if not pseudonym.exists():
        write_private(pseudonym, secrets.token_bytes(32))
    now = datetime.now(UTC)
    entries = ring.entries()
    used = current(entries, "ed25519", now)
    if used is None:
        raise ConfigurationError("there is no ed25519 key in use among the gateway's keys")
    key = ring.private(used)
    secret = pseudonym.read_bytes()
    if len(secret) < 32:
        raise ConfigurationError(f"{pseudonym.name}: shorter than 32 bytes")
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{used.file}: not an ed25519 key")
    keys = Keys(key, secret, ring)
    keys._take(entries, now)  # noqa: SLF001 - its own constructor, by another name
    keys._stamp = ring.stamp()  # noqa: SLF001
    return keys


async def follow_keys(keys: Keys) -> None:
    """Take in rotations within a second, until cancelled; keys that cannot be used leave those before in use."""
    told = ""
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            is_changed = keys.refresh(datetime.now(UTC))
        except ConfigurationError as error:
            if str(error) != told:
                told = str(error)
                log.error("keys_not_read", detail=told)
        else:
            told = ""
            if is_changed:
                log.info("keys_changed", detail=", ".join(sorted(jwk["kid"] for jwk in keys.published)))


def private_key(path: Path) -> Ed25519PrivateKey:
    """Return the ed25519 key of a PEM file.

    Raises: ConfigurationError when it is none.
    """
    key = read_pem(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path.name}: not an ed25519 key")
    return key


def public_pem(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_signing_key() -> bytes:
    """Return a new ed25519 private key as PEM."""
    return pem_of(new_key("ed25519"))
