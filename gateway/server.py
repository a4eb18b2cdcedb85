"""Serve: run one gateway process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from gateway.api.app import application
from gateway.bootstrap import Gateway
from gateway.settings import Settings
from gateway.telemetry import open_log
from standards.errors import ConfigurationError

STOP_S = 3.0
"""How long questions under way may take to end after the signal to stop, in seconds."""


def serve(settings: Settings, address_file: Path | None = None, *, until_stdin_closes: bool = False) -> None:
    """Run a gateway until SIGTERM or SIGINT.

    address_file: written once the gateway answers, with its base address; for starters that let it choose its port.
    until_stdin_closes: stop as well when standard input ends, that is, when the starter is gone.
    Raises: ConfigurationError or JournalError when the gateway cannot do its work.
    """
    os.umask(0o077)  # journal, ledger, log: nobody else on the machine reads what is written here
    stream = open_log(settings.log.file, settings.log.level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, address_file, until_stdin_closes=until_stdin_closes))
    finally:
        stream.flush()


async def _serve(settings: Settings, address_file: Path | None, *, until_stdin_closes: bool) -> None:
    listener = listen(settings.server.host, settings.server.port)
    host, port = listener.getsockname()[:2]
    base_url = settings.server.public_url or f"http://{host}:{port}"
    runner = web.AppRunner(
        application(Gateway(settings, base_url)),
        access_log=None,
        shutdown_timeout=STOP_S,
        handler_cancellation=True,  # who hangs up is not answered, and registries are not asked for nobody
    )
    await runner.setup()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    if until_stdin_closes:
        _stop_with_stdin(asyncio.get_running_loop(), stop)
    try:
        await web.SockSite(runner, listener).start()
        gc.collect()
        gc.freeze()  # what is wired now lives as long as the process: the collector need not look at it again
        gc.set_threshold(100_000, 50, 50)  # a question makes thousands of objects and no cycles worth a look each time
        if address_file is not None:
            partial = address_file.with_suffix(f".{os.getpid()}")
            partial.write_text(base_url, encoding="utf-8")
            partial.replace(address_file)
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_with_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # unbuffered: a buffered read would block the interpreter's end
            pass
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the faster event loop where it is installed; None for the standard one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises: ConfigurationError when the address cannot be had, for example because another process listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"server.host, server.port: cannot listen on {host}:{port} ({error.strerror})"
        ) from error
    listener.setblocking(False)
    return listener
