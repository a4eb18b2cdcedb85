"""When a practice server ends: on SIGTERM, on Ctrl-C, or when whoever started it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading


def stop_signal(*, until_stdin_closes: bool) -> asyncio.Event:
    """Return an event that is set when the running loop's server must end."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stop.set)
    if until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    return stop


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not through sys.stdin: its lock, held by a thread that waits, would break the interpreter's exit.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
        loop.call_soon_threadsafe(stop.set)
