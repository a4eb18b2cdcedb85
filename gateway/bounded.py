"""A connection to PostgreSQL that never waits without bound: whoever is silent for too long is hung up on.

Limits of the server's own do not help when the server, or the network before it, is what hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

import psycopg
from psycopg.errors import ConnectionTimeout

R = TypeVar("R")
REST_S: Final = 1.0
"""How long a database that was silent is left alone before one caller looks for it again."""
_LEAST_CONNECT_S: Final = 2.0
"""What libpq takes for the shortest time in which anybody connects."""


class NoAnswerError(ConnectionTimeout):
    """The database said nothing for too long; what was asked of it last may have been done or not.

    A kind of what the driver raises itself, so that a library knows it for an outage that will end.
    """


class Outage:
    """Whether a database is out. While it is, one caller at a time looks for it, and the others fail at once.

    Without that, every question and every thread would wait its own time, one after the other.
    """

    def __init__(self, limit_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._look_s, self._now = max(limit_s, _LEAST_CONNECT_S) + REST_S, now
        self._lock = threading.Lock()
        self._next_look: float | None = None
        """When somebody looks again; None while it is not out."""

    def pass_by(self) -> None:
        """Return when it is worth while to connect: it is not out, or the caller is the one who looks.

        Raises: NoAnswerError otherwise.
        """
        with self._lock:
            if self._next_look is None:
                return
            if self._now() < self._next_look:
                raise NoAnswerError("the database did not answer a moment ago")
            self._next_look = self._now() + self._look_s

    def begin(self) -> None:
        """Note that it was silent."""
        with self._lock:
            self._next_look = self._now() + REST_S

    def end(self) -> None:
        """Note that it was heard."""
        with self._lock:
            self._next_look = None

    def go_on(self) -> None:
        """Note that whoever looked was sent away: it is out as it was before."""
        if self._next_look is not None:
            self.begin()


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed once the server was silent for longer than its limit."""

    limit_s = 4.0
    outage: Outage | None = None

    def wait(self, gen: Generator[Any, Any, R], *bounds: Any, **named_bounds: Any) -> R:
        """Wait as long as the server is heard now and then. Raises: NoAnswerError when it is not."""
        return super().wait(self._heard(gen), *bounds, **named_bounds)

    def _heard(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """Pass on what the library waits for; it comes back with nothing some ten times a second."""
        until = time.monotonic() + self.limit_s
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    until = time.monotonic() + self.limit_s
                elif time.monotonic() >= until:
                    # Whatever it says later would be taken for the answer to something else.
                    self.close()
                    if self.outage is not None:
                        self.outage.begin()
                    raise NoAnswerError(f"the database was silent for {self.limit_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            said: R = end.value
            return said


def connected(limit_s: float, outage: Outage, **parameters: Any) -> BoundedConnection:
    """Return a connection that bears a limit.

    Raises: psycopg's OperationalError when there is none in time.
    """
    outage.pass_by()
    try:
        connection = BoundedConnection.connect(**parameters)
    except ConnectionTimeout:
        outage.begin()
        raise
    except psycopg.Error:
        outage.go_on()
        raise
    outage.end()
    connection.limit_s, connection.outage = limit_s, outage
    return connection
