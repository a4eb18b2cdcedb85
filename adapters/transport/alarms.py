"""Alarms: many moments by which something must have ended, and one timer of the event loop for all of them.

Nearly every call ends in time, so setting an alarm and taking it back must cost next to nothing: both are an entry in
a table. The timer stands at the earliest moment it has been told of, and when it rings looks for what is overdue.
"""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_GRAIN_S: Final = 0.001
"""Timers of the faster event loop count milliseconds, and may ring a part of one early."""


class Alarms:
    """What is called when it was not taken back in time; for one event loop at a time.

    An alarm is a callable that takes nothing; the same one is set once at a time.
    """

    def __init__(self) -> None:
        self._due: dict[Callable[[], object], float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    def set(self, ring: Callable[[], object], at: float) -> None:
        """Call `ring` at a moment on the monotonic clock."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.stop()  # what another loop was waiting for ended with it
        self._due[ring] = at
        if at < self._timer_at:
            self._start(loop, at)

    def take_back(self, ring: Callable[[], object]) -> None:
        """Let an alarm not ring; nothing happens when it has."""
        self._due.pop(ring, None)

    def stop(self) -> None:
        """Let none ring any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, inf

    def _start(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._timer_at = loop, at
        self._timer = loop.call_later(at - time.monotonic(), self._look)

    def _look(self) -> None:
        self._timer, self._timer_at = None, inf
        now = time.monotonic() + _GRAIN_S
        for ring in [ring for ring, at in self._due.items() if at <= now]:
            del self._due[ring]
            ring()
        if self._due:
            self._start(asyncio.get_running_loop(), min(self._due.values()))


class TimeLimit:
    """What `asyncio.timeout` does, on alarms: the block is cancelled at a moment, and raises TimeoutError then."""

    __slots__ = ("_alarms", "_at", "_cancelled_before", "_has_rung", "_task")

    def __init__(self, alarms: Alarms, at: float) -> None:
        self._alarms, self._at, self._has_rung = alarms, at, False

    def __call__(self) -> None:
        """Cancel the block; the alarm."""
        self._has_rung = True
        self._task.cancel()

    def __enter__(self) -> None:
        """Set the alarm."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only a task can wait
        self._task, self._cancelled_before = task, task.cancelling()
        self._alarms.set(self, self._at)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the alarm back; after it rang, the cancelling.

        Raises: TimeoutError when the block was cancelled by the alarm, and by nobody else.
        """
        self._alarms.take_back(self)
        if self._has_rung and self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error
