"""The way to a registry that is a list: the newest good drop, replaced whole, never mixed with another."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import structlog

from adapters.generic.files.index import Index, StoppedError
from adapters.generic.files.place import Drop, PlaceError, RefusedError, drops
from adapters.generic.files.rows import DropError, rows
from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.generic.files.index import Key, Keys
    from adapters.generic.files.options import FilesOptions
    from adapters.generic.files.place import Place
    from adapters.ports import Deadline

_LOG: Final = structlog.stdlib.get_logger(__name__)
_SOON_S: Final = 1.0
"""Seconds until the next look while there is no list at all, or one is still being written."""
_LOOKED_AT: Final = 5
"""Drops that are tried, the newest first, until one is good."""


class Rows(NamedTuple):
    """What a list holds under some keys."""

    of_keys: list[list[tuple[int, dict[str, Any]]]]
    """For each key its rows, each with its place in the list."""
    as_of: str | None


class ListState(NamedTuple):
    """How a registry that is a list stands, for its operators."""

    rows: int | None
    """Of the list that is asked; None while there is none."""
    as_of: str | None
    age_h: float | None
    trouble: str | None
    """Why a newer drop is not used, or nothing can be looked at; None when all is well."""


class FilesWay(Protocol):
    """The way to one list."""

    async def find(self, keys: Sequence[Key], most: int, deadline: Deadline) -> Rows:
        """Return what one drop holds under some keys, at most so many rows for each.

        Raises: SourceError.
        """
        ...


class Contents(NamedTuple):
    """What of a list is kept, and by what it is found."""

    columns: tuple[str, ...]
    keys: Keys


class Drops:
    """The drops of one registry.

    clock: seconds since 1970, for tests.
    """

    def __init__(
        self,
        source_id: str,
        place: Place,
        options: FilesOptions,
        contents: Contents,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source_id, self._place, self._options = source_id, place, options
        self._contents, self._clock = contents, clock
        self._current: tuple[Drop, Index] | None = None
        self._refused: dict[Drop, str] = {}
        self._failure: SourceError | None = None
        self._looking: asyncio.Task[None] | None = None
        self._next_look = 0.0
        self._stopping = Event()
        # One thread asks, so that nothing asks a list that has been let go; another builds the next one meanwhile.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix=f"list-{source_id}")
        self._building = ThreadPoolExecutor(1, thread_name_prefix=f"drop-{source_id}")

    async def find(self, keys: Sequence[Key], most: int, deadline: Deadline) -> Rows:
        """Return what one drop holds under some keys, at most so many rows for each.

        Raises: SourceError.
        """
        self._look_if_due()
        if self._current is None and self._looking is not None:
            await asyncio.wait({self._looking}, timeout=deadline.left_s())
        drop, index = self._usable()
        # INVARIANT: whatever is asked in one call is read of one drop: it is let go in the thread that reads it, and
        # so never before this call, which stands in its queue from here on.
        asked = asyncio.get_running_loop().run_in_executor(self._asking, index.find, keys, most)
        try:
            async with asyncio.timeout(deadline.left_s()):
                return Rows(await asked, drop.as_of)
        except TimeoutError:
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_TIMEOUT) from None

    async def look(self) -> ListState:
        """Look for a newer drop now, take it if it is good, and return how the list stands then."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)
        return self.state()

    def state(self) -> ListState:
        """Return how the list stands."""
        trouble = next(iter(self._refused.values()), None) or (self._failure.detail if self._failure else None)
        if self._current is None:
            return ListState(None, None, None, trouble or "no list has been read yet")
        drop, index = self._current
        return ListState(index.rows, drop.as_of, self._age_h(drop), trouble)

    async def close(self) -> None:
        """Let go of the list, and stop the building of another."""
        self._stopping.set()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        current, self._current = self._current, None
        if current is not None:
            self._asking.submit(current[1].close)
        for threads in (self._building, self._asking):
            await asyncio.to_thread(threads.shutdown, wait=True)

    def _usable(self) -> tuple[Drop, Index]:
        if self._current is None:
            if self._looking is not None and not self._looking.done():
                late = UnavailableReason.SOURCE_TIMEOUT
                raise SourceUnavailableError(self._source_id, late, "the list is still being read")
            refused = next(iter(self._refused.values()), None)
            if refused is not None:
                raise SourceContractError(self._source_id, refused)
            nothing = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_DOWN, "no list has been dropped")
            raise self._failure or nothing
        if self._age_h(self._current[0]) > self._options.max_age_h:
            # INVARIANT: a list that is too old to be believed says nothing about anybody.
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_DOWN, "the list is too old")
        return self._current

    def _age_h(self, drop: Drop) -> float:
        return max(0.0, self._clock() - drop.at.timestamp()) / 3600

    def _look_if_due(self) -> None:
        is_looking = self._looking is not None and not self._looking.done()
        if not is_looking and not self._stopping.is_set() and time.monotonic() >= self._next_look:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Take the newest drop that is whole and good; a bad one never replaces the one that is there."""
        is_settled = True
        try:
            found = drops(await self._place.look(), self._options)[:_LOOKED_AT]
            self._failure = None
            self._refused = {drop: why for drop, why in self._refused.items() if drop in found}
            serving = self._current[0] if self._current else None
            for drop in found:
                if drop == serving:
                    break
                if drop in self._refused:
                    continue
                is_settled = await self._take(drop)
                if is_settled and drop not in self._refused:
                    break
        except RefusedError as error:
            self._failure = SourceRefusedError(self._source_id, str(error))
        except PlaceError as error:
            self._failure = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_DOWN, str(error))
        finally:
            pause_s = self._options.look_s
            is_waited_for = self._current is None or not is_settled
            self._next_look = time.monotonic() + (min(pause_s, _SOON_S) if is_waited_for else pause_s)

    async def _take(self, drop: Drop) -> bool:
        """Build the index of a drop and let it serve; return whether the drop stood still meanwhile."""
        options = self._options
        if options.complete == "still":
            await asyncio.sleep(options.settle_s)
            if drop.entry not in await self._place.look():
                return False
        index = Index(self._contents.columns)
        try:
            await self._build(index, drop)
            await self._check_still(drop)
        except (DropError, SourceContractError) as error:
            index.close()
            said = error.detail if isinstance(error, SourceContractError) else str(error)
            self._refused[drop] = said
            _LOG.warning("list_refused", source=self._source_id, reason=said)
            return True
        except BaseException:
            index.close()
            raise
        before, self._current = self._current, (drop, index)
        if before is not None:
            self._asking.submit(before[1].close)
        _LOG.info("list_replaced", source=self._source_id)
        return True

    async def _check_still(self, drop: Drop) -> None:
        """Refuse a drop that is another file by now, or none: part of either may have been read."""
        if drop.entry not in await self._place.look():
            raise PlaceError("the list was changed while it was read")

    async def _build(self, index: Index, drop: Drop) -> None:
        if drop.entry.size > self._options.max_bytes:
            raise DropError(f"larger than {self._options.max_bytes} bytes")
        file = await self._place.bring(drop.entry)
        stopping = Event()

        def build() -> None:
            with file, closing(rows(file, self._options, self._contents.columns)) as read:
                index.fill(read, self._contents.keys, lambda: stopping.is_set() or self._stopping.is_set())

        built = asyncio.get_running_loop().run_in_executor(self._building, build)
        try:
            await asyncio.shield(built)
        except asyncio.CancelledError:
            stopping.set()
            await asyncio.gather(built, return_exceptions=True)
            raise
        except StoppedError:
            raise PlaceError("stopped") from None
