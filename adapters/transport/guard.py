"""One guard per registry: deadline, retry, breaker, calls in flight and per second, timeout per try, second calls."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_any
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_random_exponential

from adapters.ports import Deadline, LinkableAdapter, SearchableAdapter
from adapters.transport.alarms import Alarms, TimeLimit
from adapters.transport.breaker import Breaker, HurryBreaker, OpenError
from standards.errors import SourceContractError, SourceError, SourceSuspendedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.manifest import Limits
    from adapters.ports import (
        Fetch,
        RegistryAdapter,
        SearchAnswer,
        SearchFetch,
        SourceAnswer,
        TraitAnswer,
        TraitFetch,
    )

T = TypeVar("T")
Ask = TypeVar("Ask")

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5
_SHORTEST_TRY_S: Final = 0.02
"""A try shorter than this is not worth starting."""
_LONGEST_HOLD_S: Final = 60.0
"""A registry that asks to be left alone for longer is tried again after this: the header may be wrong."""


class CircuitOpen(SourceUnavailableError):  # noqa: N818 - it names a state the caller may look for
    """The registry failed so often that it is left alone for a while; nothing was sent."""

    def __init__(
        self, source_id: str, reason: UnavailableReason = UnavailableReason.SOURCE_DOWN, detail: str = "circuit open"
    ) -> None:
        super().__init__(source_id, reason, detail)


class _SaysNothing(Exception):  # noqa: N818 - it is about an error, and never leaves this file
    """Carries an error past the breaker that tells nothing about the registry's health."""

    def __init__(self, error: SourceError) -> None:
        super().__init__()
        self.error = error


class Guarded:
    """An adapter that is never asked too often, too long or in vain; a RegistryAdapter itself.

    clock: of the breaker, for tests.
    """

    def __init__(
        self, adapter: RegistryAdapter, limits: Limits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.manifest = adapter.manifest
        self._adapter, self._limits = adapter, limits
        self._source_id = adapter.manifest.id
        self._places = asyncio.Semaphore(limits.max_in_flight)
        self._pace = AsyncLimiter(*_bucket(limits.pace_per_s)) if limits.pace_per_s is not None else None
        self._hedge_after_s = limits.hedge_after_ms / 1000 if limits.hedge_after_ms is not None else None
        self._held_until = 0.0
        self.is_suspended = False
        """Switched off: nobody asks it, and what it says to those who have asked is not heard."""
        self.hedged = 0
        """Second calls made so far because the first one was slow."""
        counting = (self._source_id, limits.breaker_failures, limits.breaker_open_s, clock)
        self._breaker, self._hurry = Breaker(*counting), HurryBreaker(*counting)
        self._alarms = Alarms()

    @property
    def is_open(self) -> bool:
        """Whether all calls are kept away from the registry right now, by its circuit breaker or because it is off."""
        return self.is_suspended or self._breaker.is_open

    def reset(self) -> None:
        """Close the circuit breaker, forget the failures it has counted, and until when to leave the registry alone."""
        self._breaker.reset()
        self._hurry.reset()
        self._held_until = 0.0

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask as the adapter does, within the limits.

        Raises: SourceError, and nothing else but cancellation.
        """
        return await self._within_limits(self._adapter.fetch, request, deadline)

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Search as the adapter does, within the limits.

        Raises: SourceError, and nothing else but cancellation.
        """
        if not isinstance(self._adapter, SearchableAdapter):
            raise SourceContractError(self._source_id, "this registry offers no search")
        return await self._within_limits(self._adapter.search, request, deadline)

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        """Look for people as the adapter does, within the limits.

        Raises: SourceError, and nothing else but cancellation.
        """
        if not isinstance(self._adapter, LinkableAdapter):
            raise SourceContractError(self._source_id, "this registry cannot be asked by traits")
        return await self._within_limits(self._adapter.candidates, request, deadline)

    async def ask(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Ask the registry something else than for records, within the same limits.

        Raises: SourceError, and nothing else but cancellation.
        """
        return await self._within_limits(call, request, deadline)

    async def _within_limits(
        self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline
    ) -> T:
        try:
            return await self._try(call, request, deadline)
        except SourceUnavailableError as error:
            if not self._limits.retries or isinstance(error, CircuitOpen):
                raise
            first = error
        # The machinery of retrying is entered only now: it costs several times what a guarded call costs.
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=stop_any(stop_after_attempt(1 + self._limits.retries), _NoTimeLeft(deadline)),
            wait=_Pause(wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S), self._hold_s),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise first
                return await self._try(call, request, deadline)
        raise first  # not reached: tenacity raises the last error itself

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, SourceUnavailableError) and not isinstance(error, CircuitOpen) and not self.is_open

    async def _try(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Ask once, if the breaker lets it pass, and tell the breaker what became of it."""
        if self.is_suspended:
            raise SourceSuspendedError(self._source_id)
        if self._held_until and self._hold_s() > 0:
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_BUSY, "asked to be left alone")
        if not self._hurry.is_closed:
            self._enter_in_a_hurry(deadline)
        breaker = self._breaker
        try:
            era = breaker.enter()
        except OpenError:
            raise CircuitOpen(self._source_id) from None
        tell = breaker.said_nothing  # so it stays for whoever is cancelled
        try:
            answer = await self._in_place(call, request, deadline)
            tell = breaker.succeeded
            # INVARIANT: nothing is told from a registry after it was switched off, whenever it was asked.
            if self.is_suspended:
                raise SourceSuspendedError(self._source_id)
            return answer
        except _SaysNothing as passed:
            raise passed.error from None
        except SourceUnavailableError as error:
            tell = breaker.failed
            if error.retry_after_s is not None:
                self._held_until = time.monotonic() + min(error.retry_after_s, _LONGEST_HOLD_S)
            raise
        except SourceError:
            tell = breaker.succeeded  # an answer that cannot be used is still an answer
            raise
        finally:
            tell(era)

    def _enter_in_a_hurry(self, deadline: Deadline) -> None:
        try:
            self._hurry.enter(min(deadline.left_s(), self._limits.timeout_s))
        except OpenError:
            late = UnavailableReason.SOURCE_TIMEOUT
            error = CircuitOpen(self._source_id, late, "others have waited as long in vain")
            error.was_hurried = True  # who joined this call with more time is let through
            raise error from None

    def _hold_s(self) -> float:
        """Return for how many seconds the registry still wants to be left alone."""
        return max(0.0, self._held_until - time.monotonic())

    async def _in_place(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Wait for one of the places and for the pace, then ask."""
        places, pace = self._places, self._pace
        if places.locked():
            await self._wait(places, deadline, "too many calls in flight")
        else:
            await places.acquire()
        try:
            if pace is not None:
                if pace.has_capacity():
                    await pace.acquire()
                else:
                    await self._wait(pace, deadline, "too many calls a second")
            return await self._ask(call, request, deadline)
        finally:
            places.release()

    async def _wait(self, limit: asyncio.Semaphore | AsyncLimiter, deadline: Deadline, why: str) -> None:
        """Return when a limit lets one more call pass; a wait beyond the deadline says nothing about the registry."""
        try:
            async with asyncio.timeout(deadline.left_s()):
                await limit.acquire()
        except TimeoutError:
            busy = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_BUSY, why)
            raise _SaysNothing(busy) from None

    async def _ask(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Ask once, for as long as one try may take; whatever goes wrong becomes a SourceError."""
        start = time.monotonic()
        by = min(deadline, Deadline(start + self._limits.timeout_s))
        try:
            with TimeLimit(self._alarms, by.at):
                if self._hedge_after_s is None:
                    answer = await call(request, by)
                else:
                    answer = await self._hedge(call, request, by, self._hedge_after_s)
            if self._hurry.has_counted:
                self._hurry.heard(time.monotonic() - start)
            return answer
        except SourceUnavailableError as error:
            if error.reason is UnavailableReason.SOURCE_TIMEOUT:
                self._excuse(error, by.at - start)
            raise
        except SourceError:
            self._hurry.heard(time.monotonic() - start)
            raise
        except TimeoutError:
            late = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_TIMEOUT)
            self._excuse(late, by.at - start)
            raise late from None
        except Exception as error:  # noqa: BLE001 - an adapter's defect must not take the other registries along
            # Its text could hold what the registry sent, so only the name of its class is kept.
            raise SourceContractError(self._source_id, type(error).__name__) from None

    async def _hedge(
        self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, by: Deadline, after_s: float
    ) -> T:
        """Ask, and once more when nothing has come for a while; the first good answer wins, the other is given up.

        The second call is made only if the limits have room for it right now.
        """
        tasks = [asyncio.ensure_future(call(request, by))]
        has_second_place = False
        try:
            done, _ = await asyncio.wait(tasks, timeout=after_s)
            if not done and self._may_ask_again():
                await self._places.acquire()
                has_second_place = True
                if self._pace is not None:
                    await self._pace.acquire()
                self.hedged += 1
                tasks.append(asyncio.ensure_future(call(request, by)))
            under_way, error = set(tasks), None
            while under_way:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:  # both, when they end in one turn of the loop
                    error = task.exception()
                    if error is None:
                        return task.result()
            assert error is not None  # noqa: S101 - there is a first call, and it has failed
            raise error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if has_second_place:
                self._places.release()

    def _may_ask_again(self) -> bool:
        """Whether the limits have room for a second call right now; a probe is one call."""
        has_room = not self._places.locked() and (self._pace is None or self._pace.has_capacity())
        return has_room and self._breaker.is_closed and self._hurry.is_closed

    def _excuse(self, silence: SourceUnavailableError, given_s: float) -> None:
        """Count a silence among those in a hurry only, if the asker's own deadline left the try too little time.

        Raises: _SaysNothing then.
        """
        if given_s < self._limits.timeout_s / 2:
            self._hurry.waited(given_s)
            raise _SaysNothing(silence) from None


def _bucket(pace_per_s: float) -> tuple[float, float]:
    """Return how many calls in how many seconds: a second's worth of them, and at least one."""
    return (pace_per_s, 1.0) if pace_per_s >= 1 else (1.0, 1 / pace_per_s)


class _Pause(wait_base):
    """Waits as long as another wait would, and at least for as long as the registry asked to be left alone."""

    def __init__(self, usual: wait_base, hold_s: Callable[[], float]) -> None:
        self._usual, self._hold_s = usual, hold_s

    def __call__(self, retry_state: RetryCallState) -> float:
        hold_s = self._hold_s()
        return self._usual(retry_state) + hold_s if hold_s else self._usual(retry_state)


class _NoTimeLeft(stop_base):
    """Stops when the pause before the next try would use up what the deadline leaves."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __call__(self, retry_state: RetryCallState) -> bool:
        if self._deadline.left_s() > retry_state.upcoming_sleep + _SHORTEST_TRY_S:
            return False
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        if isinstance(error, SourceUnavailableError):
            error.was_hurried = True
        return True
