"""A circuit breaker: after so many failures in a row nobody passes for a while, then one call at a time, as a probe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = structlog.stdlib.get_logger(__name__)


class OpenError(Exception):
    """The breaker lets nobody pass right now."""


class Breaker:
    """Closed, open, or half open while a probe is under way.

    Whoever passes says afterwards what became of it, exactly once, with the era in which it passed: `succeeded`,
    `failed`, or `said_nothing`. What comes from an era that is over changes nothing.

    name: of what it stands before, for the log.
    failures: in a row, until it opens.
    open_s: how long it stays open before a probe passes, in seconds.
    clock: monotonic, in seconds.
    """

    def __init__(self, name: str, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._most, self._open_s, self._clock = name, failures, open_s, clock
        self._in_a_row = 0
        self._era = 0
        self._open_until: float | None = None
        self._is_probed = False

    @property
    def is_open(self) -> bool:
        """Whether it keeps calls away; not while a probe is under way."""
        return self._open_until is not None and not self._is_probed

    def enter(self) -> int:
        """Return the era in which a call passes.

        Raises: OpenError when it may not.
        """
        if self._open_until is not None:
            # INVARIANT: of all that come while it is half open, one passes.
            if self._is_probed or self._clock() < self._open_until:
                raise OpenError
            self._is_probed = True
        return self._era

    def succeeded(self, era: int) -> None:
        """End the run of failures; a probe closes the breaker."""
        if era != self._era:
            return
        self._in_a_row = 0
        if self._open_until is not None:
            self.reset()
            _LOG.info("circuit_closed", source=self._name)

    def failed(self, era: int) -> None:
        """Count a failure; the last one of a run opens the breaker, and so does that of a probe."""
        if era != self._era:
            return
        self._in_a_row += 1
        if self._open_until is None:
            if self._in_a_row < self._most:
                return
            _LOG.warning("circuit_opened", source=self._name)
        self._era += 1
        self._open_until, self._is_probed = self._clock() + self._open_s, False

    def said_nothing(self, era: int) -> None:
        """Give a probe's place back: nothing was learned."""
        if era == self._era:
            self._is_probed = False

    def reset(self) -> None:
        """Close it, whatever has been counted."""
        self._era += 1
        self._in_a_row, self._open_until, self._is_probed = 0, None, False
