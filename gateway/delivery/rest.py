"""Rest: a consumer that cannot be reached is left alone for a while, so that thousands of tries do not find out.

It is a matter of each of its hosts: one that is gone does not hold up what is to go to another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from gateway.delivery.sending import Said
from gateway.work.tries import pause_s

log = structlog.get_logger()

FIRST_S: Final = 0.25
LONGEST_S: Final = 60.0
FREE: Final = 3
"""So many failures in a row are taken for chance."""


class Rest:
    """Which consumers are left alone, at which host, and how long.

    clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], int] = {}
        self._until: dict[tuple[str, str], float] = {}

    def begins(self, consumer_id: str, said: Said, host: str = "") -> None:
        """Note that a consumer did not take a message, and why."""
        where = consumer_id, host
        failures = self._failures[where] = self._failures.get(where, 0) + 1
        rest = pause_s(failures - FREE, FIRST_S, LONGEST_S) if failures > FREE else 0.0
        self._until[where] = self._clock() + max(rest, min(said.retry_after_s or 0.0, LONGEST_S))
        if failures == FREE + 1:
            log.warning("consumer_not_reached", consumer=consumer_id, reason=said.reason)

    def ends(self, consumer_id: str, host: str = "") -> None:
        """Note that a consumer takes messages."""
        where = consumer_id, host
        if self._failures.pop(where, 0) > FREE:
            log.info("consumer_reached", consumer=consumer_id)
        self._until.pop(where, None)

    def left_s(self, consumer_id: str, host: str = "") -> float:
        """Return how long a consumer is still left alone."""
        return max(0.0, self._until.get((consumer_id, host), 0.0) - self._clock())
