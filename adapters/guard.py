"""One guard per registry: deadline, retry, circuit breaker, limit of calls in flight, timeout per try."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from interlock import CircuitBreaker, CircuitOpenError, Config, State
from interlock.protocols import CoreEventListener
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_any
from tenacity.stop import stop_base
from tenacity.wait import wait_random_exponential

from adapters.ports import SearchableAdapter
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interlock import Clock

    from adapters.manifest import Limits
    from adapters.ports import (
        Deadline,
        Fetch,
        RegistryAdapter,
        SearchAnswer,
        SearchFetch,
        SourceAnswer,
    )

T = TypeVar("T")
Ask = TypeVar("Ask")

_LOG: Final = structlog.stdlib.get_logger(__name__)
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5
_SHORTEST_TRY_S: Final = 0.02
"""A try shorter than this is not worth starting."""
_NEVER_SLOW_S: Final = 1e9
"""Slowness alone never opens the breaker: the timeout of a try already bounds it."""


class CircuitOpen(SourceUnavailableError):  # noqa: N818 - it names a state the caller may look for
    """The registry failed so often that it is left alone for a while; nothing was sent."""

    def __init__(self, source_id: str) -> None:
        super().__init__(source_id, UnavailableReason.SOURCE_DOWN, "circuit open")


class _SaysNothing(BaseException):
    """Carries an error past the breaker that tells nothing about the registry's health.

    The breaker takes whatever is no `Exception` for an interruption: it gives the probe's place back and
    counts neither a success nor a failure.
    """

    def __init__(self, error: SourceError) -> None:
        super().__init__()
        self.error = error


class _Availability:
    """Which outcomes count as failures of availability: an answer we cannot use is still an answer."""

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:
        return isinstance(exception, SourceUnavailableError)


class _Outages(CoreEventListener):
    """Logs an outage once when it starts and once when it ends."""

    def on_state_change(self, *, name: str, old: State, new: State) -> None:
        if new is State.OPEN and old is State.CLOSED:
            _LOG.warning("source_unavailable", source=name)
        elif new is State.CLOSED and old is State.HALF_OPEN:
            _LOG.info("source_available", source=name)


class Guarded:
    """An adapter that is never asked too often, too long or in vain; a RegistryAdapter itself.

    clock: of the breaker, for tests.
    """

    def __init__(self, adapter: RegistryAdapter, limits: Limits, *, clock: Clock | None = None) -> None:
        self.manifest = adapter.manifest
        self._adapter, self._limits = adapter, limits
        self._source_id = adapter.manifest.id
        self._places = asyncio.Semaphore(limits.max_in_flight)
        self._breaker = CircuitBreaker(
            name=self._source_id,
            # So many failures in a row: the window is as long as the run that opens, and all of it must fail.
            config=Config(
                window_size=limits.breaker_failures,
                minimum_number_of_calls=limits.breaker_failures,
                failure_rate_threshold=1.0,
                wait_duration_in_open=limits.breaker_open_s,
                permitted_calls_in_half_open=1,
                slow_call_duration_threshold=_NEVER_SLOW_S,
            ),
            clock=clock,
            classifier=_Availability(),
            listener=_Outages(),
        )

    @property
    def is_open(self) -> bool:
        """Whether the circuit breaker keeps calls away from the registry right now."""
        return self._breaker.state in (State.OPEN, State.FORCED_OPEN)

    def reset(self) -> None:
        """Close the circuit breaker and forget the failures it has counted."""
        self._breaker.reset()

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
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
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
        try:
            return await self._breaker.call_async(self._in_place, call, request, deadline)
        except CircuitOpenError:
            raise CircuitOpen(self._source_id) from None
        except _SaysNothing as passed:
            raise passed.error from None

    async def _in_place(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Wait for one of the places, then ask."""
        try:
            if self._places.locked():
                async with asyncio.timeout(deadline.left_s()):
                    await self._places.acquire()
            else:
                await self._places.acquire()
        except TimeoutError:
            busy = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_BUSY, "too many calls in flight")
            raise _SaysNothing(busy) from None
        try:
            return await self._ask(call, request, deadline)
        finally:
            self._places.release()

    async def _ask(self, call: Callable[[Ask, Deadline], Awaitable[T]], request: Ask, deadline: Deadline) -> T:
        """Ask once, for as long as one try may take; whatever goes wrong becomes a SourceError."""
        by = deadline.earlier(self._limits.timeout_s)
        left_s = by.left_s()
        try:
            async with asyncio.timeout(left_s):
                return await call(request, by)
        except SourceError as error:
            if error.reason is UnavailableReason.SOURCE_TIMEOUT and self._was_cut_short(left_s):
                raise _SaysNothing(error) from None
            raise
        except TimeoutError:
            late = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_TIMEOUT)
            if self._was_cut_short(left_s):
                raise _SaysNothing(late) from None
            raise late from None
        except Exception as error:  # noqa: BLE001 - an adapter's defect must not take the other registries along
            # Its text could hold what the registry sent, so only the name of its class is kept.
            raise SourceContractError(self._source_id, type(error).__name__) from None

    def _was_cut_short(self, given_s: float) -> bool:
        """Whether the asker's own deadline left a try too little time to blame the registry for silence."""
        return given_s < self._limits.timeout_s / 2


class _NoTimeLeft(stop_base):
    """Stops when the pause before the next try would use up what the deadline leaves."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._deadline.left_s() <= retry_state.upcoming_sleep + _SHORTEST_TRY_S
