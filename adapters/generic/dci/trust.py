"""Signatures and encryption between this gateway and one registry, as its manifest asks; keys are passed in or fetched.

A registry's keys come from the environment, or from its own published key set: read once, kept, and read again when
a signature names a key that is not among them, at most twice a minute. What was read last serves while it is away.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from adapters.said import Signed, unheard, vouch
from adapters.transport.client import resolved
from adapters.transport.statuses import check_status
from standards.encryption import algorithm_for, encrypt
from standards.errors import ConfigurationError, SignatureInvalidError, SourceContractError, SourceError
from standards.json_bodies import parsed
from standards.signing import (
    Form,
    SignaturePolicy,
    key_id_of,
    key_of_pem,
    keys_of_jwks,
    public_jwk,
    sign,
    verify_policy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.dci.options import DciTrust
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, SourceClient
    from standards.signing import PrivateKey, PublicKey

PAUSE_S: Final = 30.0
"""Shortest time between two looks at a registry's published keys."""


class Identity(NamedTuple):
    """How this gateway signs what it sends to registries, and opens what they encrypt."""

    signing: Callable[[], tuple[PrivateKey, str]]
    """The key of the moment, and its id: it may change while the gateway runs."""
    decrypt: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    """From an encrypted message to what it holds; None where encrypted messages are not taken."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sealing:
    """What one registry's messages are sealed with, on the way out and on the way in.

    environment: where the manifest's reference to keys is resolved, once, here.
    """

    def __init__(
        self,
        manifest: Manifest,
        client: SourceClient,
        environment: Mapping[str, str],
        identity: Identity | None = None,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Read the registered keys.

        Raises: ConfigurationError when there is no key to sign with, or what is registered is none.
        """
        assert manifest.dci is not None  # noqa: S101 - only the DCI driver makes one
        self.source_id, self._client, self._identity, self._now = manifest.id, client, identity, now
        self._trust: DciTrust = manifest.dci.trust
        self._sender_id = manifest.dci.sender_id
        if self._trust.sign is not None and identity is None:
            raise ConfigurationError(f"registry {manifest.id}: `trust.sign` needs the gateway's own key")
        self._keys: Mapping[str, PublicKey] = {}
        self._encrypting: Mapping[str, PublicKey] = {}
        self._only_key: PublicKey | None = None
        if self._trust.keys is not None:
            self._register(resolved(self._trust.keys, manifest, environment))
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing is signed, verified or encrypted."""
        return self._trust.sign is None and self._trust.answers == "off" and not self._trust.encrypt

    async def sealed(self, body: bytes, deadline: Deadline) -> bytes:
        """Return a message of ours as this registry wants it."""
        if self._trust.encrypt:
            body = await self._encrypted(orjson.loads(body), deadline)
        if self._trust.sign is None or self._identity is None:
            return body
        key, key_id = self._identity.signing()
        signature = sign(
            orjson.loads(body),
            key,
            sender_id=self._sender_id,
            key_id=key_id,
            now=self._now(),
            form=Form(self._trust.sign),
        )
        return b'{"signature":%b,%b' % (orjson.dumps(signature), body[1:])

    async def opened(self, body: bytes, raw: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Return an answer of this registry once its signature holds, and is noted with what was said.

        Raises: SourceContractError when it does not hold, or is missing and must not be.
        """
        signed = await self.verified(raw, deadline)
        if signed is not None:
            vouch(body, signed)
        return self.decrypted(raw)

    async def verified(self, raw: Mapping[str, Any], deadline: Deadline) -> Signed | None:
        """Return what is known of a message's signature; None when it has none and need not.

        Raises: SourceContractError when it does not hold, or is missing and must not be.
        """
        trust = self._trust
        if trust.answers == "off":
            return None
        now = self._now()
        try:
            held = verify_policy(
                raw,
                SignaturePolicy(trust.answers),
                keys=await self._keys_for(raw.get("signature"), deadline),
                now=now,
                placeholders=trust.placeholders,
            )
        except SignatureInvalidError as error:
            raise SourceContractError(self.source_id, f"signature: {error}") from None
        return None if held is None else Signed(held.key_id, held.form.value, now.isoformat(timespec="seconds"))

    def decrypted(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return a message with its content in clear.

        Raises: SourceContractError when it is encrypted, and cannot be opened here.
        """
        header = raw.get("header")
        if not isinstance(header, dict) or header.get("is_msg_encrypted") not in (True, "true"):
            return raw
        content = raw.get("message")
        if self._identity is None or self._identity.decrypt is None or not isinstance(content, dict):
            raise SourceContractError(self.source_id, "message: encrypted, and not for a key of this gateway")
        try:
            return raw | {"message": self._identity.decrypt(content)}
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it cannot be read
            raise SourceContractError(self.source_id, f"message: not decrypted ({type(error).__name__})") from None

    async def _encrypted(self, message: dict[str, Any], deadline: Deadline) -> bytes:
        """Return a message whose content only the registry can read; its header stays in clear."""
        if not self._encrypting and self._trust.jwks_path is not None:
            await self._fetch(self._trust.jwks_path, None, deadline)
        if not self._encrypting:
            # INVARIANT: what was to be encrypted never leaves in clear.
            raise SourceContractError(self.source_id, "key set: no key to encrypt with")
        key_id, key = next(iter(self._encrypting.items()))
        content = encrypt(message["message"], key, key_id)
        return orjson.dumps(message | {"header": message["header"] | {"is_msg_encrypted": True}, "message": content})

    def _register(self, stated: str) -> None:
        where = f"registry {self.source_id}: the keys that `trust.keys` refers to"
        try:
            if stated.startswith("{"):
                document = orjson.loads(stated)
                self._keys, self._encrypting = keys_of_jwks(document), keys_of_jwks(document, use="enc")
            else:
                self._only_key = key_of_pem(stated)
                self._keys = {public_jwk(self._only_key)["kid"]: self._only_key}
                if algorithm_for(self._only_key) is not None:
                    self._encrypting = self._keys
        except ValueError as error:
            raise ConfigurationError(f"{where}: {error}") from None
        if not self._keys and not self._encrypting:
            raise ConfigurationError(f"{where}: none that signatures are made with here")

    async def _keys_for(self, signature: object, deadline: Deadline) -> Mapping[str, PublicKey]:
        """Return the registry's keys, the one that a signature names among them if it can be had."""
        key_id = key_id_of(signature)
        if key_id is None or key_id in self._keys:
            return self._keys
        if self._only_key is not None:
            return {key_id: self._only_key}  # one key is registered: whatever its owner calls it
        if self._trust.jwks_path is not None:
            await self._fetch(self._trust.jwks_path, key_id, deadline)
        return self._keys

    async def _fetch(self, path: str, key_id: str | None, deadline: Deadline) -> None:
        async with self._fetching:
            if key_id in self._keys or time.monotonic() < self._fetched_at + PAUSE_S:
                return
            self._fetched_at = time.monotonic()
            try:
                with unheard():
                    response = await self._client.send("GET", path, deadline, headers={"Accept": "application/json"})
                check_status(response, self.source_id, "key set: ")
                document = parsed(response.body)
            except (SourceError, ValueError):
                return  # INVARIANT: what was read last serves on; a key that is not in it verifies nothing
            self._keys = keys_of_jwks(document) or self._keys
            self._encrypting = keys_of_jwks(document, use="enc") or self._encrypting
