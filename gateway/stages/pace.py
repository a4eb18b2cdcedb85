"""Pace: answers leave at even times, so that how long one took does not tell what was done for it.

A person who keeps something back costs fewer calls than one of whom nothing is known there. The calls are not made up
for: nothing is fetched without a permit. The answer waits instead for the next whole multiple of a time that the
agreement states.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Holds answers back until an even time.

    clock: seconds that only grow. sleep: waits for seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep

    def start(self) -> float:
        """Return the moment at which a question came."""
        return self._clock()

    async def until_even(self, started: float, even_time_s: float) -> None:
        """Wait for the next whole multiple of a time since a moment; at 0, for nothing."""
        if even_time_s > 0:
            taken = self._clock() - started
            await self._sleep(max(1, math.ceil(taken / even_time_s)) * even_time_s - taken)
