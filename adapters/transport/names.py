"""Names of hosts: at most one look-up of a name at a time, each in a thread of its own.

Event loops look names up in a few threads for everybody (asyncio in those of its executor, uvloop in libuv's four), and
a look-up that has begun cannot be given up: one name whose servers are silent would hold up all others.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Names:
    """What names stand for, asked anew each time; for one event loop. No more threads than names are under way."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of a host, the preferred one first; of an address, itself.

        Raises: OSError when the name is not known, or nobody could be asked.
        """
        if _is_address(host):
            return (host,)
        asked = self._under_way.get(host)
        if asked is None:
            asked = look_up(host)
            self._under_way[host] = asked
            asked.add_done_callback(lambda _: self._under_way.pop(host))
        # INVARIANT: who leaves cancels nobody, be it the one who asked first.
        return await asyncio.shield(asked)


def look_up(host: str) -> asyncio.Future[Sequence[str]]:
    """Ask the system for the addresses of a name; whoever no longer waits is not told."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Sequence[str]] = loop.create_future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            tell = partial(told.set_result, tuple(dict.fromkeys(str(at[0]) for *_, at in found)))
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for it
            tell = partial(told.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(tell)

    # A daemon: the end of the process must not wait for a silent server.
    Thread(target=ask, name="name", daemon=True).start()
    return told


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
