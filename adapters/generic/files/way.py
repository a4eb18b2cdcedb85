"""The way to a registry that is a list: the newest good drop, replaced whole, never mixed with another."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import structlog

from adapters.generic.files.errors import DropError
from adapters.generic.files.index import Index, StoppedError
from adapters.generic.files.place import Drop, PlaceError, RefusedError, drops
from adapters.generic.files.rows import rows
from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from adapters.generic.files.index import Key, Keys
    from adapters.generic.files.options import FilesOptions
    from adapters.generic.files.place import Place
    from adapters.ports import Deadline

_LOG: Final = structlog.stdlib.get_logger(__name__)
_SOON_S: Final = 1.0
"""Seconds until the next look while there is no list at all, or one is still being written."""
_AHEAD: Final = "of a time that has not come, by more than max_ahead_h"
_LEAST_S: Final = 0.05
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE}
_NO_ROOM_SQLITE: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}
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
    refused_as_of: str | None = None
    """As of when that newer drop holds; None where there is none."""


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
    plain: Callable[[dict[str, Any]], dict[str, Any]]
    """Makes a row whose numbers are written as Hearth writes them."""
    nameless: Mapping[str, int] = {}
    """Lookup -> how many rows may state no number there; none, where it is not named."""

    def fill(self, index: Index, read: Iterable[dict[str, Any]], is_stopped: Callable[[], bool]) -> None:
        """Take all rows of a drop into an index.

        Raises: StoppedError, DropError, and whatever reading the rows raises; the index is of no use then.
        """
        index.fill(map(self.plain, read), self.keys, is_stopped)
        for lookup, count in index.nameless.items():
            if count > (most := self.nameless.get(lookup, 0)):
                # INVARIANT: nobody is missing by mistake: who stands in a list without a number is found by none.
                raise DropError(
                    f"{count} rows state no number for `{lookup}`, and {most} may: whoever they are of would seem not "
                    f"to be held; complete them, or raise `files.lookups.{lookup}.rows_without_number`"
                )


class _Failure(NamedTuple):
    """Why nothing can be looked at."""

    detail: str
    error: Callable[[], SourceError]
    """Makes the error anew for every question: one that is raised again and again keeps all who have raised it."""


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
        self._failure: _Failure | None = None
        self._looking: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
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

    def begin(self, is_off: Callable[[], bool]) -> None:
        """Look for drops from now on, whether somebody asks or not; nothing waits for it.

        is_off: tells whether the registry is switched off, and so left alone.
        """
        if self._following is None and not self._stopping.is_set():
            self._following = asyncio.create_task(self._follow(is_off))

    async def look(self) -> ListState:
        """Look for a newer drop now, take it if it is good, and return how the list stands then."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)
        return self.state()

    def state(self) -> ListState:
        """Return how the list stands."""
        refused = self._newest_refused()
        trouble = self._refused[refused] if refused else self._failure.detail if self._failure else None
        refused_as_of = refused.as_of if refused else None
        if self._current is None:
            return ListState(None, None, None, trouble or "no list has been read yet", refused_as_of)
        drop, index = self._current
        return ListState(index.rows, drop.as_of, self._age_h(drop), trouble, refused_as_of)

    async def close(self) -> None:
        """Let go of the list, and stop the building of another."""
        self._stopping.set()
        for task in (self._following, self._looking):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
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
            refused = self._newest_refused()
            if refused is not None:
                raise SourceContractError(self._source_id, self._refused[refused])
            nothing = SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_DOWN, "no list has been dropped")
            raise self._failure.error() if self._failure else nothing
        if self._age_h(self._current[0]) > self._options.max_age_h:
            # INVARIANT: a list that is too old to be believed says nothing about anybody.
            raise SourceUnavailableError(self._source_id, UnavailableReason.SOURCE_DOWN, "the list is too old")
        return self._current

    def _age_h(self, drop: Drop) -> float:
        return max(0.0, self._clock() - drop.at.timestamp()) / 3600

    def _newest_refused(self) -> Drop | None:
        """Return the newest drop that was refused, unless a newer one serves."""
        newest = max(self._refused, key=Drop.order, default=None)
        is_past = newest is not None and self._current is not None and newest.order() < self._current[0].order()
        return None if is_past else newest

    async def _follow(self, is_off: Callable[[], bool]) -> None:
        while True:
            if is_off():
                await asyncio.sleep(min(self._options.look_s, _SOON_S))
                continue
            await self.look()
            await asyncio.sleep(max(_LEAST_S, self._next_look - time.monotonic()))

    def _is_ahead(self, drop: Drop) -> bool:
        return drop.at.timestamp() > self._clock() + 3600 * self._options.max_ahead_h

    def _look_if_due(self) -> None:
        is_looking = self._looking is not None and not self._looking.done()
        if not is_looking and not self._stopping.is_set() and time.monotonic() >= self._next_look:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Take the newest drop that is whole and good; a bad one never replaces the one that is there."""
        is_settled, before = True, self._failure
        try:
            every = drops(await self._place.look(), self._options)
            self._failure = None
            # One of a day that is far off would hold off all others until then.
            ahead = [drop for drop in every if self._is_ahead(drop)]
            found = [drop for drop in every if drop not in ahead][:_LOOKED_AT]
            self._refused = {
                drop: why for drop, why in self._refused.items() if drop in (ahead if why == _AHEAD else found)
            }
            for drop in ahead[:_LOOKED_AT]:
                if drop not in self._refused:
                    self._refuse(drop, _AHEAD)
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
            self._failure = _Failure(str(error), partial(SourceRefusedError, self._source_id, str(error)))
        except PlaceError as error:
            down = partial(SourceUnavailableError, self._source_id, UnavailableReason.SOURCE_DOWN, str(error))
            self._failure = _Failure(str(error), down)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, it is looked at again later
            name = type(error).__name__
            self._failure = _Failure(name, partial(SourceContractError, self._source_id, name))
        finally:
            self._tell(before)
            pause_s = self._options.look_s
            is_waited_for = self._current is None or not is_settled
            self._next_look = time.monotonic() + (min(pause_s, _SOON_S) if is_waited_for else pause_s)

    def _tell(self, before: _Failure | None) -> None:
        """Log an outage of the place once when it begins, and once when it ends."""
        if self._failure is not None and (before is None or before.detail != self._failure.detail):
            _LOG.warning("list_out_of_reach", source=self._source_id, reason=self._failure.detail)
        elif self._failure is None and before is not None:
            _LOG.info("list_in_reach", source=self._source_id)

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
        except (PlaceError, asyncio.CancelledError):
            index.close()
            raise
        except DropError as error:
            index.close()
            return self._refuse(drop, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a list holds, it must not keep others from being read
            index.close()
            if _has_no_room(error):
                raise PlaceError(f"this machine has no room to read the list ({type(error).__name__})") from None
            return self._refuse(drop, getattr(error, "detail", "") or type(error).__name__)
        before, self._current = self._current, (drop, index)
        if before is not None:
            self._asking.submit(before[1].close)
        nameless = "".join(f", {count} without a number for {name}" for name, count in index.nameless.items())
        _LOG.info("list_replaced", source=self._source_id, detail=f"{index.rows} rows as of {drop.as_of}{nameless}")
        return True

    def _refuse(self, drop: Drop, why: str) -> bool:
        self._refused[drop] = why
        _LOG.warning("list_refused", source=self._source_id, detail=f"as of {drop.as_of}", reason=why)
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
                self._contents.fill(index, read, lambda: stopping.is_set() or self._stopping.is_set())

        built = asyncio.get_running_loop().run_in_executor(self._building, build)
        try:
            await asyncio.shield(built)
        except asyncio.CancelledError:
            stopping.set()
            await asyncio.gather(built, return_exceptions=True)
            raise
        except StoppedError:
            raise PlaceError("stopped") from None


def _has_no_room(error: Exception) -> bool:
    """Tell whether something is for want of room on this machine, and so no fault of the list."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ROOM_SQLITE
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _NO_ROOM)
