"""The simulated clock: days pass on command, or by themselves every so many seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mocks.daily import one_day

if TYPE_CHECKING:
    from mocks.happenings import Happened, Happenings


class Clock:
    """The clock of one country; it stands still until told otherwise."""

    def __init__(self, happenings: Happenings, day: Callable[[Happenings], list[Happened]] = one_day) -> None:
        """Take whose days pass, and what a day brings."""
        self.happenings = happenings
        self.every_s: float | None = None
        self._day = day
        self._task: asyncio.Task[None] | None = None

    def pass_days(self, days: int) -> list[Happened]:
        """Let days pass, and return what happened."""
        happened: list[Happened] = []
        for _ in range(days):
            self.happenings.next_day()
            happened += self._day(self.happenings)
        if days:
            self.happenings.publish()
        return happened

    async def run(self, every_s: float | None) -> None:
        """Let a day pass every so many seconds from now on; None stops the clock."""
        await self.stop()
        self.every_s = every_s
        if every_s is not None:
            self._task = asyncio.get_running_loop().create_task(self._tick(every_s))

    async def stop(self) -> None:
        """Stop the clock."""
        self.every_s = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _tick(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            self.pass_days(1)
