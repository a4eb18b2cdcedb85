"""One use of a connection, which its asker may leave at any moment: it is ended behind them, in bounded time."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

_STOPPING_S: Final = 2.0
"""How long a database is given to end what it was told to end."""


class Use(Generic[T]):
    """A connection from opening to giving back, in a task of its own.

    talk: what is said over it.
    """

    def __init__(
        self, engine: AsyncEngine, talk: Callable[[AsyncConnection], Awaitable[T]], *, is_sqlite: bool
    ) -> None:
        self._is_sqlite, self._is_left = is_sqlite, False
        self._raw: Any = None
        """The driver's connection, once there is one."""
        self._stopping: asyncio.Future[None] | None = None
        self.work = asyncio.ensure_future(self._run(engine, talk))

    async def _run(self, engine: AsyncEngine, talk: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        connection = await engine.connect()
        try:
            if self._is_left:
                raise asyncio.CancelledError  # which the driver had kept to itself
            self._raw = (await connection.get_raw_connection()).driver_connection
            try:
                return await talk(connection)
            finally:
                if self._stopping is not None:
                    # INVARIANT: what ends this statement never ends one of whoever has the connection next.
                    await self._stopping
        finally:
            await connection.close()

    def stop(self) -> None:
        """End a statement that nobody waits for any more, in the database itself, and do not wait for that.

        The connection stays good; it is given up when the database says nothing.
        """
        if self.work.done():
            return
        self._is_left = True
        if self._raw is None:
            # A file opens in a moment, and its driver would lose a connection that it is half through opening.
            if not self._is_sqlite:
                self.work.cancel()
        else:
            self._stopping = asyncio.ensure_future(self._tell())
        timer = asyncio.get_running_loop().call_later(_STOPPING_S, self._insist)
        self.work.add_done_callback(lambda _: timer.cancel())

    async def _tell(self) -> None:
        with suppress(Exception):  # whatever it says: nobody hears it
            await (self._raw.interrupt() if self._is_sqlite else self._raw.cancel_safe(timeout=_STOPPING_S))

    def _insist(self) -> None:
        if self._is_sqlite or self._raw is None:
            self.stop()  # it was between two statements, or two steps of connecting, and went on
        elif not self.work.done():
            # The driver, cancelled, would wait for the server for seconds once more; of a line that is cut it knows.
            with suppress(OSError, ValueError), socket.socket(fileno=os.dup(self._raw.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
