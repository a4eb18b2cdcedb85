"""Rate limits: how often one consumer may ask, and one group of addresses may try to become one."""

from __future__ import annotations

import ipaddress
import time
from typing import Final

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.settings import Consumer, Limits
from standards.errors import TooManyRequestsError

_GROUPS: Final = {4: 24, 6: 56}
"""IP version -> length of the prefix that counts as one sender: what one customer of a network usually has."""


class _Counts(MemoryStorage):
    """The library's counts in memory, for one thread: its own start another one every hundredth of a second to sweep.

    sweep_s: how often counts that have ended are let go of.
    """

    def __init__(self, sweep_s: float) -> None:
        super().__init__()
        self._sweep_s, self._sweep_at = sweep_s, 0.0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; see `MemoryStorage`."""
        now = time.time()
        if now >= self._sweep_at:
            self._sweep_at = now + self._sweep_s
            for ended in [name for name, until in self.expirations.items() if until <= now]:
                self.clear(ended)
        count = self.storage[key] = self.get(key) + amount
        self.expirations.setdefault(key, now + expiry)
        return count


class Limiting:
    """Counts in this process; several workers have a count each (gateway/README.md, several processes)."""

    def __init__(self, settings: Limits) -> None:
        self._settings = settings
        self._limiter = SlidingWindowCounterRateLimiter(_Counts(settings.window_s))
        self._own: dict[int, RateLimitItemPerSecond] = {}

    def check(self, consumer: Consumer) -> None:
        """Count a request of a consumer.

        Raises: TooManyRequestsError when it was one too many.
        """
        self._hit(consumer.requests or self._settings.requests, "consumer", consumer.client_id)

    def check_login(self, address: str | None) -> None:
        """Count a request for a token.

        Raises: TooManyRequestsError when it was one too many.
        """
        self._hit(self._settings.logins, "login", group_of(address))

    def count_stranger(self, address: str | None) -> None:
        """Count a token that was refused.

        Raises: TooManyRequestsError when it was one too many of its group of addresses.
        """
        self._hit(self._settings.unauthenticated, "refused", group_of(address))

    def _hit(self, count: int, kind: str, name: str) -> None:
        item = self._item(count)
        if not self._limiter.hit(item, kind, name):
            raise self._refused(item, kind, name)

    def _item(self, count: int) -> RateLimitItemPerSecond:
        found = self._own.get(count)
        if found is None:
            found = self._own[count] = RateLimitItemPerSecond(count, self._settings.window_s)
        return found

    def _refused(self, item: RateLimitItemPerSecond, kind: str, name: str) -> TooManyRequestsError:
        wait_s = max(1.0, self._limiter.get_window_stats(item, kind, name).reset_time - time.time())
        return TooManyRequestsError("asked too often: try again when Retry-After has passed", retry_after_s=wait_s)


def group_of(address: str | None) -> str:
    """Return the group of addresses that an address counts with."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    ip = mapped or ip
    return str(ipaddress.ip_network((ip, _GROUPS[ip.version]), strict=False))
