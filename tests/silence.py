"""A way to a database that can go silent: connections stay open and are even accepted, and nothing comes through."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

import sqlalchemy as sa


class Line:
    """A proxy on a free port of this machine.

    url: of the database behind it; `Line.url` is the way over the proxy, with short limits.
    """

    def __init__(self, url: str, limit_s: int = 1) -> None:
        behind = sa.make_url(url)
        self._behind = (behind.host or "127.0.0.1", behind.port or 5432)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._ways: dict[socket.socket, socket.socket] = {}
        self._looking = selectors.DefaultSelector()
        self._looking.register(self._door, selectors.EVENT_READ)
        self._waker, self._woken = socket.socketpair()
        self._looking.register(self._woken, selectors.EVENT_READ)
        self._is_silent = self._is_over = False
        over = behind.set(host="127.0.0.1", port=self._door.getsockname()[1])
        self.url = over.update_query_dict({"connect_timeout": str(limit_s)}).render_as_string(hide_password=False)
        self._thread = threading.Thread(target=self._run, name="line")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._waker.send(b"!")
        self._thread.join()
        for one in (*self._ways, self._door, self._waker, self._woken):
            one.close()
        self._looking.close()

    def go_silent(self) -> None:
        """Let nothing through from now on, in either direction."""
        self._is_silent = True

    def resume(self) -> None:
        """Let everything through again, what came meanwhile included."""
        self._is_silent = False
        self._waker.send(b"!")

    def _run(self) -> None:
        while not self._is_over:
            # Silent, it looks at nothing at all: the kernel goes on accepting and acknowledging, as it does for a
            # process that hangs.
            if self._is_silent:
                self._woken.recv(1)
                continue
            for key, _ in self._looking.select():
                if key.fileobj is self._woken:
                    self._woken.recv(1)
                elif self._is_silent:
                    break
                elif key.fileobj is self._door:
                    self._accept()
                else:
                    self._pass(key.fileobj)

    def _accept(self) -> None:
        here, _ = self._door.accept()
        there = socket.create_connection(self._behind)
        for one, other in ((here, there), (there, here)):
            self._ways[one] = other
            self._looking.register(one, selectors.EVENT_READ)

    def _pass(self, one: object) -> None:
        assert isinstance(one, socket.socket)
        if (other := self._ways.get(one)) is None:  # its other end was closed in this very round
            return
        with contextlib.suppress(OSError):
            if piece := one.recv(65536):
                other.sendall(piece)
                return
        for end in (one, other):
            self._looking.unregister(end)
            del self._ways[end]
            end.close()
