"""A circuit breaker: after so many failures in a row nobody passes for a while, then one call at a time, as a probe.

Beside it another one, for those in a hurry alone: silence that an asker has cut short is no failure.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = structlog.stdlib.get_logger(__name__)


_CLEARLY_MORE: Final = 1.1
"""Who can wait for so many times as long as others did may hear what they did not."""


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
    def is_closed(self) -> bool:
        """Whether it lets everybody pass."""
        return self._open_until is None

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


class HurryBreaker:
    """Open towards those in a hurry: who can hardly wait longer than so many others, in a row, have waited in vain.

    A registry that is merely slower than they can wait is not blamed: whoever has clearly more time passes.

    name: of what it stands before, for the log.
    failures: in a row, until it opens.
    open_s: how long it stays open before one passes who can wait as long as they did, in seconds; and as long again
        before anybody does.
    clock: monotonic, in seconds.
    """

    def __init__(self, name: str, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._most, self._open_s, self._clock = name, failures, open_s, clock
        self._waited_s: list[float] = []
        """How long the most patient of the run waited, at most so many as open it; ascending."""
        self._open_until = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether it lets everybody pass."""
        return len(self._waited_s) < self._most

    @property
    def has_counted(self) -> bool:
        """Whether anything is remembered that an answer could refute."""
        return bool(self._waited_s)

    def enter(self, left_s: float) -> None:
        """Let a call pass that can wait for so long.

        Raises: OpenError when it may not.
        """
        if self.is_closed or left_s > self._waited_s[0] * _CLEARLY_MORE:
            return
        now = self._clock()
        if now < self._open_until:
            raise OpenError
        if self._is_as_patient(left_s):
            # It finds out for all. It need not tell: the next one passes after another pause in any case.
            self._open_until = now + self._open_s
            return
        # INVARIANT: who asks too hurriedly to learn anything neither takes the place of a better probe nor waits for
        # one that never comes.
        if now < self._open_until + self._open_s:
            raise OpenError
        self.reset()

    def waited(self, for_s: float) -> None:
        """Count a call that has waited for so long in vain."""
        was_closed = self.is_closed
        insort(self._waited_s, max(for_s, 0.0))
        del self._waited_s[: -self._most]
        if not self.is_closed and (was_closed or self._is_as_patient(for_s)):
            self._open_until = self._clock() + self._open_s
        if was_closed and not self.is_closed:
            _LOG.warning("circuit_opened", source=self._name, detail=f"for calls of up to {self._waited_s[0]:.2f} s")

    def _is_as_patient(self, wait_s: float) -> bool:
        return wait_s * _CLEARLY_MORE >= self._waited_s[0]

    def heard(self, after_s: float) -> None:
        """Forget whoever waited longer than an answer took; one that came later still tells nothing of them."""
        was_closed = self.is_closed
        del self._waited_s[bisect_left(self._waited_s, after_s) :]
        if self.is_closed and not was_closed:
            _LOG.info("circuit_closed", source=self._name, detail="for calls in a hurry")

    def reset(self) -> None:
        """Let everybody pass, whatever has been counted."""
        self._waited_s.clear()
