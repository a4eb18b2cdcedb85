"""What a probe learns of the way itself: encryption, certificate, clock, and whether strangers are let in."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from adapters.kit.findings import Finding
from adapters.transport.client import base_address, open_session
from adapters.transport.http1 import ConnectionFailedError, MalformedResponseError, Origin, TooLargeError
from adapters.transport.tls import context, why

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from adapters.manifest import Manifest

_SOON: Final = timedelta(days=30)
_SKEW_S: Final = 5.0
_WAIT_S: Final = 5.0


async def transport_findings(manifest: Manifest, environment: Mapping[str, str]) -> list[Finding]:
    """Return what is found of encryption and clock at the registry's address."""
    parts = urlsplit(base_address(manifest, environment))
    stated = manifest.connection.tls
    # As the gateway itself connects: with the authorities and the certificate that the manifest names.
    own = context(manifest.id, stated, lambda name: environment.get(name.removeprefix("env:"), "")) if stated else None
    return [*await _encryption(parts, own), await _clock(parts, own)]


async def _encryption(parts: SplitResult, own: ssl.SSLContext | None) -> list[Finding]:
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https":
        if _is_local(host):
            return [Finding("encryption", None, "plain HTTP within this machine")]
        return [Finding("encryption", False, "plain HTTP", "Serve it by HTTPS, with TLS 1.2 or 1.3.")]
    try:
        async with asyncio.timeout(_WAIT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=own or ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        remedy = "Use a certificate for the name in the address, of an authority that the gateway trusts or that "
        remedy += "`connection.tls.authorities` names."
        return [Finding("encryption", False, why(error, is_tls=True), remedy)]
    except ssl.SSLError as error:
        remedy = "Switch on TLS 1.2 or 1.3; where it wants a certificate of ours, name it in `connection.tls`."
        return [Finding("encryption", False, why(error, is_tls=True), remedy)]
    except (OSError, TimeoutError) as error:
        text = f"no TLS connection ({type(error).__name__})"
        return [Finding("encryption", False, text, "Open the port, or correct the address.")]
    spoken = writer.get_extra_info("ssl_object")
    version, certificate = spoken.version() or "", spoken.getpeercert() or {}
    writer.close()
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    is_soon = end - datetime.now(UTC) < _SOON
    return [
        Finding("encryption", True, version),
        Finding("certificate", not is_soon, f"ends {end:%Y-%m-%d}", "Renew it now; have it renewed by itself."),
    ]


async def _clock(parts: SplitResult, own: ssl.SSLContext | None) -> Finding:
    """Return how far the registry's clock is off: signatures, tokens and `as of` rest on it."""
    is_tls = parts.scheme == "https"
    origin = Origin(parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls, own if is_tls else None)
    head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n".encode()
    try:
        async with open_session() as session:
            answer = await session.exchange(origin, head, b"", left_s=_WAIT_S, limit=1_000_000)
    except (TimeoutError, ConnectionFailedError, MalformedResponseError, TooLargeError) as error:
        return Finding("clock", None, f"not read ({type(error).__name__})")
    try:
        said = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return Finding("clock", None, "no Date in its responses")
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    off_s = (said - datetime.now(UTC)).total_seconds()
    remedy = "Keep the clock by NTP: signatures, tokens and dates of records rest on it."
    return Finding("clock", abs(off_s) <= _SKEW_S, f"{abs(off_s):.0f} s off", remedy)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
