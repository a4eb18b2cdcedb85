"""Where: the address of a callback, only ever one that the consumer is registered with.

`sender_uri` is written by whoever sends a message. Taken as it is, it would let anybody make this gateway call
anything that it can reach.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from standards.dci.codes import ErrorCode
from standards.errors import ConfigurationError, RequestError

if TYPE_CHECKING:
    from gateway.settings import Consumer

_PORTS: Final = {"https": 443, "http": 80}
_ANY_PORT: Final = "*"
_LONGEST: Final = 2000


class Callback(StrEnum):
    """What a consumer is called back with: the path below `/registry/`."""

    ON_SEARCH = "on-search"
    ON_SUBSCRIBE = "on-subscribe"
    ON_UNSUBSCRIBE = "on-unsubscribe"
    NOTIFY = "notify"
    TXN_ON_STATUS = "txn/on-status"


class Origin(NamedTuple):
    """Scheme, host and port; port None stands for any."""

    scheme: str
    host: str
    port: int | None


def address(consumer: Consumer, callback: Callback, sender_uri: str | None) -> str:
    """Return where a consumer is to be called back.

    sender_uri: what its message says; where it says nothing, its registered address counts. It is taken as it stands
        when its path ends in that of the callback, or has a part that begins with `on-`; else the path is added.
        Notifications go to the registered address first, and only then to that of the message, with its last part
        replaced.
    Raises: RequestError `err.sender_uri.invalid` when there is none, or one it is not registered with.
    """
    is_notice = callback is Callback.NOTIFY
    stated = (consumer.callback_url or sender_uri) if is_notice else (sender_uri or consumer.callback_url)
    if not stated:
        raise _refused("no sender_uri, and no address is registered for callbacks: send one, or have it registered")
    parts = checked(stated, consumer)
    path = parts.path.rstrip("/")
    if path.endswith(f"/{callback}"):
        pass
    elif is_notice and not consumer.callback_url and path:
        path = f"{path.rpartition('/')[0]}/{callback}"
    elif is_notice or not any(part.startswith("on-") for part in path.split("/")):
        path = f"{path}/registry/{callback}"
    return parts._replace(path=path, fragment="").geturl()


def checked(url: str, consumer: Consumer) -> SplitResult:
    """Return the parts of an address that a consumer is registered with.

    Raises: RequestError `err.sender_uri.invalid` for every other one.
    """
    if len(url) > _LONGEST or not url.isascii() or any(c.isspace() or ord(c) < 32 or c == "\\" for c in url):
        raise _refused("sender_uri is no address of printable ASCII characters, or a very long one")
    try:
        parts = urlsplit(url)
        origin = Origin(parts.scheme, _plain(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0))
    except ValueError:
        raise _refused("sender_uri is not an address") from None
    if parts.scheme not in _PORTS or not origin.host:
        raise _refused("sender_uri must be an https address with a host")
    # INVARIANT: a callback goes to hosts from onboarding only; no name and password, which would hide the real host.
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused("sender_uri must not hold a name or a password")
    if not any(_fits(origin, known) for known in registered(consumer)):
        raise _refused("sender_uri is not at a host that is registered for this consumer: have it registered")
    literal = ip_literal(origin.host)
    if literal is not None and not is_public(literal) and not consumer.private_callbacks:
        raise _refused("sender_uri is an address inside a private network, and none is registered for this consumer")
    return parts


def registered(consumer: Consumer) -> tuple[Origin, ...]:
    """Return what a consumer may be called back at.

    Raises: ConfigurationError for a registration that is no address.
    """
    stated = (*consumer.callback_hosts, *((consumer.callback_url,) if consumer.callback_url else ()))
    return tuple(origin_of(one, consumer.client_id) for one in stated)


def origin_of(stated: str, client_id: str) -> Origin:
    """Return a registered host: `host`, `host:port` (both https), or a whole address; port `*` stands for any.

    Raises: ConfigurationError when it is none of these.
    """
    text = stated if "://" in stated else f"https://{stated}"
    any_port = f":{_ANY_PORT}" in text
    try:
        parts = urlsplit(text.replace(f":{_ANY_PORT}", "", 1))
        host, port = _plain(parts.hostname or ""), parts.port
    except ValueError:
        raise _unregistrable(client_id) from None
    if not host or parts.scheme not in _PORTS or "@" in parts.netloc:
        raise _unregistrable(client_id)
    return Origin(parts.scheme, host, None if any_port else port or _PORTS[parts.scheme])


def is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is one of the open internet: no private, loopback, link-local or metadata address."""
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address in the clothes of an IPv6 one: mapped, 6to4, Teredo, NAT64, compatible.
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64 or ip in _COMPATIBLE:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inner):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified) and ip not in _METADATA


_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"))
)
"""Where clouds tell machines about themselves, their passwords included."""


def ip_literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _fits(origin: Origin, known: Origin) -> bool:
    return origin[:2] == known[:2] and known.port in {None, origin.port}


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _unregistrable(client_id: str) -> ConfigurationError:
    return ConfigurationError(
        f"consumers.{client_id}: callback_url and callback_hosts are https or http addresses, or names of hosts"
    )


def _refused(message: str) -> RequestError:
    return RequestError(message, reason_code=ErrorCode.SENDER_URI_INVALID)
