"""Pulses: whether the database servers that the stores lie on answer, asked anew whenever somebody wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_engine

if TYPE_CHECKING:
    from gateway.settings import Stores

WAIT_S: Final = 2.0
"""How long an answer is waited for: whoever asks does so every few seconds."""


class Pulse:
    """Whether one server answers; with a connection and a thread of its own, whatever holds up the others."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pulse")
        self._look: asyncio.Future[bool] | None = None

    async def beats(self) -> bool:
        """Tell whether it answers soon enough; those who ask at once share one look."""
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().run_in_executor(self._thread, self._asked)
        await asyncio.wait({self._look}, timeout=WAIT_S)
        return self._look.done() and self._look.result()

    def close(self) -> None:
        """Let go of the server."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()

    def _asked(self) -> bool:
        try:
            with self._engine.connect() as connection:
                return connection.exec_driver_sql("SELECT 1").scalar() == 1
        except SQLAlchemyError:
            return False


class Pulses:
    """The servers of the stores; stores in files have none."""

    def __init__(self, stores: Stores) -> None:
        stated = {name: str(value) for name, value in stores if name.endswith("_url") or name == "replay"}
        self._urls = {name: url for name, url in stated.items() if url.startswith("postgresql")}
        self._pulses = {url: Pulse(url) for url in set(self._urls.values())}

    async def beats(self) -> Mapping[str, bool]:
        """Tell of each store that lies on a server, by its setting, whether that answers."""
        found = dict(zip(self._pulses, await asyncio.gather(*(p.beats() for p in self._pulses.values())), strict=True))
        return {name: found[url] for name, url in sorted(self._urls.items())}

    def close(self) -> None:
        """Let go of every server."""
        for pulse in self._pulses.values():
            pulse.close()
