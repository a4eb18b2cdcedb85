"""Work in memory, for tests: done as the port says, and gone with the process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from gateway.ports import Again, Handler
from gateway.work.tries import pause_s

log = structlog.get_logger()


class MemoryWork:
    """Every piece of work is a task of its own."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._waiting: dict[str, tuple[str, bytes, float]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._busy: set[str] = set()
        self._is_open = False

    def handle(self, kind: str, handler: Handler) -> None:
        """Name who does work of a kind."""
        self._handlers[kind] = handler

    async def open(self) -> None:
        """Begin to work."""
        self._is_open = True
        waiting, self._waiting = self._waiting, {}
        for waits, (kind, content, after_s) in waiting.items():
            self._begin(kind, waits, content, after_s)

    async def start(self, kind: str, id: str, content: Mapping[str, Any], *, after_s: float = 0) -> None:
        """Take work, unless work with that id waits or is being done."""
        written = orjson.dumps(content)  # kept as text, so that a handler cannot change what is kept
        if not self._is_open:
            self._waiting.setdefault(id, (kind, written, after_s))
        elif id not in self._tasks:
            self._begin(kind, id, written, after_s)

    async def cancel(self, id: str) -> None:
        """Let work be that has not begun."""
        self._waiting.pop(id, None)
        if id in self._busy:
            self._cancelled.add(id)
        elif id in self._tasks:
            self._tasks.pop(id).cancel()

    async def close(self) -> None:
        """Stop working."""
        self._is_open = False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    def _begin(self, kind: str, id: str, content: bytes, after_s: float) -> None:
        task = self._tasks[id] = asyncio.create_task(self._do(kind, id, content, after_s))
        task.add_done_callback(lambda done: self._tasks.pop(id) if self._tasks.get(id) is done else None)

    async def _do(self, kind: str, id: str, content: bytes, after_s: float) -> None:
        tries = 0
        while True:
            await asyncio.sleep(after_s)
            self._busy.add(id)
            try:
                said = await self._handlers[kind](id, orjson.loads(content), tries)
            except Exception as error:  # noqa: BLE001 - whatever it was, the work is not done
                log.error("work_failed", where=kind, caught=type(error).__name__)
                said = Again(pause_s(tries))
            finally:
                self._busy.discard(id)
            if said is None or id in self._cancelled:
                self._cancelled.discard(id)
                return
            after_s, tries = said.after_s, tries + 1
