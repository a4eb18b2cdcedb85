"""The keys of consumers: those of the settings, and those that they publish at a registered address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import aiohttp

from gateway.settings import Consumer, Issuer, Trust
from gateway.trust.fetched import Fetch, KeySet, check_address, fetching, open_fetching
from gateway.trust.sealing import EncryptionKey
from standards.encryption import algorithm_for
from standards.errors import ConfigurationError
from standards.signing import PublicKey, key_of_pem, public_jwk

_NONE: Final[Mapping[str, PublicKey]] = {}
Fetching = Callable[[bool], Fetch]


class Signers:
    """Whose signatures verify with which keys.

    opens: returns what fetches addresses; of the open internet, or with True of private networks too.
    Raises: ConfigurationError for a key or an address that cannot be used.
    """

    def __init__(self, consumers: Iterable[Consumer], settings: Trust, opens: Fetching | None = None) -> None:
        self._settings = settings
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._opens = opens or self._fetching
        self._stated: dict[str, Mapping[str, PublicKey]] = {}
        self._sets: dict[tuple[str, bool], KeySet] = {}
        self._of: dict[str, KeySet] = {}
        for one in consumers:
            self._stated[one.client_id] = _stated(one)
            if one.jwks_url is not None:
                self._of[one.client_id] = self.key_set(
                    one.jwks_url, is_private=one.private_network, where=f"consumers.{one.client_id}.jwks_url"
                )

    def of(self, consumer: Consumer) -> Mapping[str, PublicKey]:
        """Return a consumer's signing keys by their ids, as they are known now."""
        stated = self._stated.get(consumer.client_id, _NONE)
        published = self._of.get(consumer.client_id)
        return stated if published is None else {**published.signing, **stated}

    def may_fetch(self, consumer: Consumer) -> bool:
        """Tell whether a consumer publishes its keys, so that `ready` may find another one."""
        return consumer.client_id in self._of

    async def ready(self, consumer: Consumer, kid: str | None) -> None:
        """Fetch a consumer's published keys if a key is not known and they may have it; at most so often."""
        published = self._of.get(consumer.client_id)
        if published is not None and (kid is None or kid not in self._stated.get(consumer.client_id, _NONE)):
            await published.knows(kid)

    def encryption_key(self, consumer: Consumer) -> EncryptionKey | None:
        """Return the key that what a consumer is sent is encrypted with; None when there is none now."""
        if consumer.encryption_key is not None:
            key = key_of_pem(consumer.encryption_key)
            return EncryptionKey(key, public_jwk(key, use="enc")["kid"])
        published = self._of.get(consumer.client_id)
        if published is None:
            return None
        published.look()
        usable = ((kid, key) for kid, key in published.encryption.items() if algorithm_for(key) is not None)
        found = next(usable, None)
        return None if found is None else EncryptionKey(found[1], found[0])

    async def ready_to_encrypt(self, consumer: Consumer) -> None:
        """See that what a consumer is sent can be encrypted, if it must be.

        Raises: ConfigurationError when there is no key to be had: better before the work than after it.
        """
        if not consumer.answers.encrypted or self.encryption_key(consumer) is not None:
            return
        published = self._of.get(consumer.client_id)
        if published is not None:
            await published.fetched()
        if self.encryption_key(consumer) is None:
            raise ConfigurationError(f"there is no key to encrypt with for {consumer.client_id}: see its jwks_url")

    def key_set(self, url: str, *, is_private: bool, where: str) -> KeySet:
        """Return the keys of an address of the settings; one set for everybody who names it.

        Raises: ConfigurationError for an address that may not be fetched.
        """
        try:
            check_address(url, is_private=is_private)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from None
        found = self._sets.get((url, is_private))
        if found is None:

            async def fetch(address: str) -> bytes:
                return await self._opens(is_private)(address)

            found = self._sets[url, is_private] = KeySet(
                url, fetch, max_age_s=self._settings.jwks_max_age_s, refetch_s=self._settings.jwks_refetch_s
            )
        return found

    def of_issuer(self, issuer: Issuer) -> KeySet:
        """Return the keys of another authorisation server."""
        return self.key_set(issuer.jwks_url, is_private=issuer.private_network, where="tokens.issuers.jwks_url")

    def look(self) -> None:
        """Begin to fetch every key set that is old, or not there yet."""
        for one in self._sets.values():
            one.look()

    async def close(self) -> None:
        """End what is under way and every connection."""
        for one in self._sets.values():
            await one.fetched()
        for session in self._sessions.values():
            await session.close()

    def _fetching(self, is_private: bool) -> Fetch:  # noqa: FBT001 - the one thing that it is about
        session = self._sessions.get(is_private)
        if session is None:
            session = self._sessions[is_private] = open_fetching(is_private=is_private)
        return fetching(session, is_private=is_private)


def _stated(one: Consumer) -> Mapping[str, PublicKey]:
    found: dict[str, PublicKey] = {}
    pems = (*((one.public_key,) if one.public_key is not None else ()), *one.public_keys)
    for pem in pems:
        try:
            key = key_of_pem(pem)
        except ValueError as error:
            raise ConfigurationError(f"consumers.{one.client_id}.public_key: {error}") from None
        found[public_jwk(key)["kid"]] = key
    return found
