"""Several worker processes behind one port: started, watched, started anew, and stopped together.

The parent answers no question. It forks its workers before it has a thread or an event loop, waits for what happens,
and holds the one end of a pipe whose other end every worker watches: when the parent is gone, however it went, they go.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

import structlog

from standards.errors import ConfigurationError, InteropError

log = structlog.get_logger()

STOP_S: Final = 4.5
"""How long workers may take to end before they are killed: all is over within five seconds."""
FIRST_PAUSE_S: Final = 0.1
"""How long the first new start of a worker waits; twice as long each time that one dies young."""
LONGEST_PAUSE_S: Final = 5.0
YOUNG_S: Final = 10.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_ANSWERS: Final = b"\0"


class Place(NamedTuple):
    """What a worker is given.

    number: from 1.
    lifeline: ends when the parent is gone.
    """

    number: int
    lifeline: int
    answers: Callable[[], None]
    """To be called once it answers questions."""
    is_anew: bool
    """Whether all have answered before: it takes the place of one that has ended."""


class _Worker:
    """One worker, as the parent sees it."""

    def __init__(self, number: int, pid: int, said: int) -> None:
        self.number, self.pid, self.said = number, pid, said
        self.started = time.monotonic()
        self.answers = False
        self.words = b""


class Crew:
    """The workers of one gateway.

    work: what a worker does; called in a process of its own.
    tell: called in the parent once all answer.
    """

    def __init__(self, count: int, work: Callable[[Place], None], tell: Callable[[], None]) -> None:
        self._count, self._work, self._tell = count, work, tell
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = {}
        """Number of a worker that is to be started anew -> when."""
        self._pauses: dict[int, float] = {}
        self._selector = selectors.DefaultSelector()
        self._lifeline, self._held = os.pipe()
        self._is_stopping = False
        self._said_it = False

    def run(self, stdin: int | None) -> None:
        """Keep every worker running until SIGTERM, SIGINT, or the end of standard input.

        Raises: ConfigurationError when a worker cannot start.
        """
        with self._woken() as wakeup:
            self._selector.register(wakeup, selectors.EVENT_READ, "signal")
            if stdin is not None:
                self._selector.register(stdin, selectors.EVENT_READ, "stdin")
            try:
                self._start(1)  # alone: it makes what is not there yet, and says what is wrong
                while not self._is_stopping:
                    self._wait(wakeup, stdin)
            finally:
                self._stop()
                os.close(self._held)
                os.close(self._lifeline)
                self._selector.close()

    # -- what happens --------------------------------------------------------------------------------------

    def _wait(self, wakeup: int, stdin: int | None) -> None:
        next_start = min(self._due.values(), default=None)
        timeout = None if next_start is None else max(0.0, next_start - time.monotonic())
        for key, _ in self._selector.select(timeout):
            if key.data == "signal":
                self._is_stopping |= bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wakeup, 4096)))
            elif key.data == "stdin":
                self._is_stopping |= not os.read(key.fd, 4096)
            else:
                self._hear(key.data)
        if self._is_stopping:
            return
        self._bury()
        for number in [number for number, when in self._due.items() if when <= time.monotonic()]:
            del self._due[number]
            self._start(number)

    def _hear(self, worker: _Worker) -> None:
        words = os.read(worker.said, 65_536)
        worker.words += words
        if not words:
            self._forget(worker)
        if worker.answers or not worker.words.startswith(_ANSWERS):
            return
        worker.answers = True
        if not self._said_it:
            if worker.number == 1:
                for number in range(2, self._count + 1):
                    self._start(number)
            if sum(one.answers for one in self._workers.values()) == self._count:
                self._said_it = True
                self._tell()

    def _bury(self) -> None:
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            while worker.said >= 0:
                self._hear(worker)
            del self._workers[worker.pid]
            code = os.waitstatus_to_exitcode(status)
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            if not self._said_it:
                raise ConfigurationError(worker.words.decode(errors="replace") or f"a worker ended with {how}")
            pause = self._pauses.get(worker.number, FIRST_PAUSE_S)
            if time.monotonic() - worker.started > YOUNG_S:
                pause = FIRST_PAUSE_S
            self._pauses[worker.number] = min(2 * pause, LONGEST_PAUSE_S)
            self._due[worker.number] = time.monotonic() + pause
            with contextlib.suppress(OSError):
                said = worker.words.removeprefix(_ANSWERS).decode(errors="replace")
                log.error("worker_ended", pid=worker.pid, reason=how, detail=said)

    def _forget(self, worker: _Worker) -> None:
        self._selector.unregister(worker.said)
        os.close(worker.said)
        worker.said = -1

    # -- starting and stopping -----------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        said, saying = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # none may reach the child while it has our handlers
        try:
            pid = os.fork()
            if pid == 0:
                self._be(number, saying)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(saying)
        worker = _Worker(number, pid, said)
        self._workers[pid] = worker
        self._selector.register(said, selectors.EVENT_READ, worker)

    def _be(self, number: int, saying: int) -> NoReturn:
        """Be a worker, and end with the process."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for name in _SIGNALS:
                signal.signal(name, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._selector.close()
            os.close(self._held)
            for other in self._workers.values():
                if other.said >= 0:
                    os.close(other.said)
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
                os.dup2(nothing.fileno(), 0)
            gc.enable()
            self._work(Place(number, self._lifeline, lambda: _say(saying, _ANSWERS), self._said_it))
            code = 0
        except InteropError as error:
            _say(saying, str(error).encode())
        except BaseException as error:  # noqa: BLE001 - whatever it is, a worker never becomes a second parent
            # Only the class: an exception's text may quote a person's values.
            with contextlib.suppress(OSError):
                log.error("unexpected_error", caught=type(error).__name__, where="worker")
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _stop(self) -> None:
        """End every worker: ask, then insist."""
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        while self._workers:
            for worker in list(self._workers.values()):
                if os.waitpid(worker.pid, os.WNOHANG)[0]:
                    if worker.said >= 0:
                        self._forget(worker)
                    del self._workers[worker.pid]
                elif time.monotonic() > until:
                    os.kill(worker.pid, signal.SIGKILL)
            time.sleep(0.01)

    @contextlib.contextmanager
    def _woken(self) -> Iterator[int]:
        """Turn signals into bytes that can be waited for."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        before = {name: signal.signal(name, lambda *_: None) for name in _SIGNALS}
        woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(woken_before)
            for name, handler in before.items():
                signal.signal(name, handler)
            os.close(reading)
            os.close(writing)


def end_quietly() -> None:
    """End this process if it has not ended by itself in time."""
    time.sleep(STOP_S)
    os._exit(1)


def _say(fd: int, words: bytes) -> None:
    with contextlib.suppress(OSError):  # the parent may be gone
        os.write(fd, words)
