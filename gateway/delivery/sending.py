"""Sending: one try to hand a message to a consumer, over a connection to an address that was checked.

A name is looked up once, at the moment of connecting; every answer is checked, and the connection goes to what was
checked. So a name that first shows a public address and then a private one leads nowhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, Protocol

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.delivery.where import ip_literal, is_public

_READ: Final = 65_536
"""Most of a receiver's answer that is read, in bytes."""
_ACCEPTED: Final = frozenset({200, 202})
LONGEST_WAIT_S: Final = 86_400.0


class Said(NamedTuple):
    """What came of one try."""

    is_accepted: bool
    reason: str
    """Why not: `timeout`, `status_503`...; gateway/README.md lists them. Never a word of the receiver's."""
    retry_after_s: float | None = None


class Sender(Protocol):
    """Hands one message over."""

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, pool: str, is_private: bool) -> Said:
        """Try once."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class PublicResolver(AbstractResolver):
    """Looks names up, and gives only those of their addresses that may be connected to."""

    def __init__(self, *, is_private: bool) -> None:
        self._is_private = is_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises: ForbiddenAddressError when one of them is private.
        """
        found = await self.look_up(host, port, family)
        if not self._is_private and not all(
            (ip := ip_literal(str(one["host"]))) is not None and is_public(ip) for one in found
        ):
            # INVARIANT: one private answer among public ones is an attack, or a mistake as bad: nothing is connected.
            raise ForbiddenAddressError(f"{len(found)} addresses, not all of them public")
        return found

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        """Return whatever the system says."""
        infos = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(where[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, where in infos
        ]

    async def close(self) -> None:
        """Hold nothing."""


class ForbiddenAddressError(OSError):
    """A name led to an address that nothing may be sent to."""


class HttpSender:
    """Sends over HTTP; one pool of connections for each consumer.

    timeout_s: for the whole of one try.
    """

    def __init__(self, timeout_s: float, resolver: type[PublicResolver] = PublicResolver) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._resolver = resolver
        self._sessions: dict[tuple[str, bool], aiohttp.ClientSession] = {}

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, pool: str, is_private: bool) -> Said:
        """Try once.

        pool: whose connections are used; nobody's are lent to another.
        is_private: the receiver is registered with a private address.
        """
        host = URL(url).host or ""
        if not is_private and (ip := ip_literal(host)) is not None and not is_public(ip):
            return Said(False, "address_forbidden")
        session = self._session(pool, is_private=is_private)
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                if response.status not in _ACCEPTED:
                    waits = _retry_after(response.headers.get("Retry-After"))
                    return Said(False, f"status_{response.status}", waits)
                return _acknowledged(await response.content.read(_READ))
        except TimeoutError:
            return Said(False, "timeout")
        except aiohttp.ClientError as error:
            if _has(error, ForbiddenAddressError):
                return Said(False, "address_forbidden")
            return Said(False, _NAMES.get(type(error), "no_connection"))
        except (ForbiddenAddressError, OSError, ValueError) as error:
            return Said(False, "address_forbidden" if isinstance(error, ForbiddenAddressError) else "no_connection")

    async def close(self) -> None:
        """Let go of every connection."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def _session(self, pool: str, *, is_private: bool) -> aiohttp.ClientSession:
        key = pool, is_private
        if key not in self._sessions:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver(is_private=is_private), use_dns_cache=False, limit=64, keepalive_timeout=30
            )
            self._sessions[key] = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._sessions[key]


_NAMES: Final[Mapping[type[Exception], str]] = {
    aiohttp.ClientConnectorCertificateError: "certificate",
    aiohttp.ClientConnectorSSLError: "certificate",
    aiohttp.ServerDisconnectedError: "no_answer",
    aiohttp.ClientOSError: "no_answer",
}


def _acknowledged(body: bytes) -> Said:
    """Read an acknowledgement: with `ERR` the receiver took nothing; whatever else it says, it has the message."""
    try:
        said: Any = orjson.loads(body)
        status = said["message"]["ack_status"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Said(True, "")
    is_refused = isinstance(status, str) and status.upper() == "ERR"
    return Said(False, "not_acknowledged") if is_refused else Said(True, "")


def _retry_after(stated: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header, within a day; None where it says nothing that can be read."""
    if stated is None:
        return None
    text = stated.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        return None
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_WAIT_S)


def _has(error: BaseException, kind: type[BaseException]) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
