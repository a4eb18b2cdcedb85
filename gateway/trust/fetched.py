"""Public keys that others publish: fetched, kept, fetched anew beside the questions; outages leave the last good copy.

Addresses are those of the settings, never of a message. Fetching follows no redirect, and goes to the open internet
only, unless the address is registered as one of a private network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog

from gateway.delivery.sending import PublicResolver
from gateway.delivery.where import ip_literal, is_public
from standards.errors import ConfigurationError
from standards.signing import PublicKey, keys_of_jwks

log = structlog.get_logger()

TIMEOUT_S: Final = 3.0
MAX_BYTES: Final = 256_000
Fetch = Callable[[str], Awaitable[bytes]]


class KeySet:
    """The keys of one address.

    fetch: returns what an address says.
    max_age_s: age at which it is asked again, in the background.
    refetch_s: least time between two fetches for the sake of a key that is not known.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        *,
        max_age_s: float,
        refetch_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url, self._fetch, self._now = url, fetch, now
        self._max_age_s, self._refetch_s = max_age_s, refetch_s
        self.signing: Mapping[str, PublicKey] = {}
        self.encryption: Mapping[str, PublicKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._under_way: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin to fetch in the background when the copy is old, or there is none."""
        now = self._now()
        if now - self._fetched_at >= self._max_age_s and now - self._tried_at >= min(self._refetch_s, self._max_age_s):
            self._begin()

    def want(self, kid: str | None) -> bool:
        """Tell whether a signing key is known; if it is not, begin to fetch, at most so often.

        kid: None asks whether there is any.
        """
        self.look()
        if self._has(kid):
            return True
        if self._under_way is None and self._now() - self._tried_at >= self._refetch_s:
            self._begin()
        return False

    async def knows(self, kid: str | None) -> bool:
        """Tell whether a signing key is known, after one fetch if it is not; rate-limited, so it may be false.

        kid: None asks whether there is any.
        """
        if self.want(kid):
            return True
        if self._under_way is not None:
            # Whoever hangs up does not end what others wait for.
            await asyncio.shield(self._under_way)
        return self._has(kid)

    async def fetched(self) -> None:
        """Wait for the fetch that is under way, if one is."""
        if self._under_way is not None:
            await asyncio.shield(self._under_way)

    def _has(self, kid: str | None) -> bool:
        return bool(self.signing) if kid is None else kid in self.signing

    def _begin(self) -> None:
        if self._under_way is None:
            self._tried_at = self._now()
            self._under_way = asyncio.create_task(self._take())
            self._under_way.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._under_way = None

    async def _take(self) -> None:
        where = urlsplit(self.url).hostname or ""
        try:
            document = orjson.loads(await self._fetch(self.url))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, ConfigurationError) as error:
            # INVARIANT: the last good copy stays: an outage of a key server silences nobody who is known.
            log.warning("keys_not_fetched", source=where, reason=type(error).__name__)
            return
        signing, encryption = keys_of_jwks(document), keys_of_jwks(document, use="enc")
        if not signing and not encryption:
            log.warning("keys_not_fetched", source=where, reason="no_usable_key")
            return
        self.signing, self.encryption = signing, encryption
        self._fetched_at = self._now()


def open_fetching(*, is_private: bool) -> aiohttp.ClientSession:
    """Return a session for key sets; the address that was checked is the one that is connected to."""
    connector = aiohttp.TCPConnector(resolver=PublicResolver(is_private=is_private), use_dns_cache=False, limit=8)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def fetching(session: aiohttp.ClientSession, *, is_private: bool) -> Fetch:
    """Return what fetches an address with a session.

    is_private: addresses of a private network are taken, and http.
    """

    async def fetch(url: str) -> bytes:
        check_address(url, is_private=is_private)
        async with session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as response:
            if response.status != 200:
                raise aiohttp.ClientError
            content = bytearray()
            async for chunk in response.content.iter_chunked(16_384):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise aiohttp.ClientError
            return bytes(content)

    return fetch


def check_address(url: str, *, is_private: bool) -> None:
    """See that an address may be fetched at all.

    Raises: ConfigurationError for one that is not https, or that is written as an address inside a network.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", urlsplit("")
    literal = ip_literal(host)
    if not host or parts.scheme not in {"https", "http"} or parts.username is not None:
        raise ConfigurationError("jwks_url is not an https address")
    if not is_private and (parts.scheme != "https" or (literal is not None and not is_public(literal))):
        raise ConfigurationError(
            "jwks_url is not a public https address: set private_network for one of your own network"
        )
