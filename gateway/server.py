"""Serve: run the gateway until it is told to stop; one process, or several that share its port (`workers.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.api.app import application
from gateway.api.health import refresh
from gateway.bootstrap import Gateway
from gateway.settings import Settings
from gateway.telemetry import open_log
from gateway.work import preload
from gateway.worker_metrics import SharedMetrics, clear
from gateway.workers import Crew, Place, end_quietly
from standards.errors import ConfigurationError

SWITCH_S: Final = 0.0005
"""How long a thread may keep the interpreter from others, in seconds. Every answer waits for the journal's thread, and
that takes several turns for one commit: with the usual 5 ms for each, the median answer waited longer for it."""
STOP_S: Final = 3.0
"""How long questions under way may take to end after the signal to stop, in seconds."""
_METRICS: Final = "workers"
"""Folder of the workers' figures, below the folder of the stores."""


def serve(
    settings: Settings,
    address_file: Path | None = None,
    *,
    until_stdin_closes: bool = False,
    workers: int | None = None,
) -> None:
    """Run a gateway until SIGTERM or SIGINT.

    address_file: written once the gateway answers, with its base address; for starters that let it choose its port.
    until_stdin_closes: stop as well when standard input ends, that is, when the starter is gone.
    workers: in place of the setting `server.workers`.
    Raises: ConfigurationError or JournalError when the gateway cannot do its work.
    """
    os.umask(0o077)  # journal, ledger, log: nobody else on the machine reads what is written here
    stream = open_log(settings.log.file, settings.log.level)
    count = workers or settings.server.workers
    # What processes share is chosen by how many there are.
    settings = settings.model_copy(update={"server": settings.server.model_copy(update={"workers": count})})
    try:
        if count > 1:
            _serve_together(settings, count, address_file, until_stdin_closes=until_stdin_closes)
            return
        listener = listen(settings.server.host, settings.server.port)
        base_url = _base_url(settings, listener)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            tell = functools.partial(_write_address, address_file, base_url)
            runner.run(_serve(settings, listener, base_url, tell, sys.stdin.fileno() if until_stdin_closes else None))
    finally:
        stream.flush()


def _serve_together(settings: Settings, count: int, address_file: Path | None, *, until_stdin_closes: bool) -> None:
    """Run several processes that share the port, and start one that has died anew."""
    folder = settings.stores.folder / _METRICS
    try:
        clear(folder)
    except OSError as error:
        raise ConfigurationError(f"stores.folder: {error.filename}: {error.strerror}") from error
    listeners = listen_together(settings.server.host, settings.server.port, count)
    base_url = _base_url(settings, listeners[0])

    def work(place: Place) -> None:
        for other in (one for number, one in enumerate(listeners, 1) if number != place.number):
            other.close()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            mine = listeners[place.number - 1]
            runner.run(_serve(settings, mine, base_url, place.answers, place.lifeline, worker=(place, folder)))

    preload()
    gc.collect()
    gc.freeze()  # what is imported is shared by all, as long as nobody touches it
    crew = Crew(count, work, functools.partial(_write_address, address_file, base_url))
    try:
        crew.run(sys.stdin.fileno() if until_stdin_closes else None)
    finally:
        for listener in listeners:
            listener.close()


async def _serve(
    settings: Settings,
    listener: socket.socket,
    base_url: str,
    tell: Callable[[], None],
    lifeline: int | None,
    worker: tuple[Place, Path] | None = None,
) -> None:
    """Serve on a socket until a signal to stop, or until the other end of the lifeline closes.

    tell: called once questions are answered.
    worker: the place of this worker and the folder of all workers' figures, where it is one of several.
    """
    place = worker[0] if worker is not None else None
    gateway = Gateway(
        settings,
        base_url,
        worker=place.number if place is not None else 0,
        is_anew=place is not None and place.is_anew,
    )
    runner = web.AppRunner(
        application(gateway),
        access_log=None,
        shutdown_timeout=STOP_S,
        handler_cancellation=True,  # who hangs up is not answered, and registries are not asked for nobody
    )
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if lifeline is not None:
        _stop_at_the_end_of(lifeline, loop, stop, is_worker=worker is not None)
    writing: asyncio.Task[None] | None = None
    try:
        leave_port_free(listener)
        await web.SockSite(runner, listener).start()
        if worker is not None:
            shared = SharedMetrics(
                gateway.metrics.registry, worker[1], worker[0].number, functools.partial(refresh, gateway)
            )
            gateway.metrics.published = CollectorRegistry()
            gateway.metrics.published.register(shared)
            writing = asyncio.create_task(shared.keep_writing())
        gc.collect()
        gc.freeze()  # what is wired now lives as long as the process: the collector need not look at it again
        sys.setswitchinterval(SWITCH_S)
        gc.set_threshold(100_000, 50, 50)  # a question makes thousands of objects and no cycles worth a look each time
        tell()
        await stop.wait()
        # What waits for a silent database is not waited for: whatever was promised is durable, or was refused.
        threading.Thread(target=end_quietly, name="end", daemon=True).start()
    finally:
        if writing is not None:
            writing.cancel()
        await runner.cleanup()


def _stop_at_the_end_of(fd: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event, *, is_worker: bool) -> None:
    def wait() -> None:
        while os.read(fd, 4096):  # unbuffered: a buffered read would block the interpreter's end
            pass
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(stop.set)
        if is_worker:
            end_quietly()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def _write_address(file: Path | None, base_url: str) -> None:
    if file is not None:
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(base_url, encoding="utf-8")
        partial.replace(file)


def _base_url(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return settings.server.public_url or f"http://{host}:{port}"


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
    listener = _socket(host)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(listener, host, port)
    return listener


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Return so many sockets on one address, among which the system shares out connections.

    A socket outlives its worker: what is connected to it meanwhile waits for the next one.
    Raises: ConfigurationError when the address cannot be had.
    """
    # Sockets that share an address do not notice somebody else's: one that does not share looks first.
    with contextlib.closing(listen(host, port)) as first:
        first.listen(1)
        port = first.getsockname()[1]
    listeners = []
    for _ in range(count):
        listener = _socket(host)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(listener, host, port)
        listeners.append(listener)
    return listeners


def leave_port_free(listener: socket.socket) -> None:
    """Let connections that linger after the end not keep the next gateway from the port; called just before it listens.

    Not sooner: of two gateways that start at once, one must see that the other has the port.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)


def _bind(listener: socket.socket, host: str, port: int) -> None:
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"server.host, server.port: cannot listen on {host}:{port} ({error.strerror})"
        ) from error
    listener.setblocking(False)
