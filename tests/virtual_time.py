"""A world without waiting: an event loop whose clock jumps to what happens next, and connections in memory.

Whatever runs on it takes no time but what it waits for, so that a test can judge moments exactly on any machine, and an
hour of silence costs nothing. Nothing here opens a socket; threads are not waited for.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar, cast
from unittest import mock

from adapters.transport import names

T = TypeVar("T")

_FULL_BYTES: Final = 256 * 1024
"""So much may be under way on a connection before its sender is told to wait."""
_NEXT_S: Final = 1e-9
"""What is sent at one moment arrives in order."""
_TURN_S: Final = 2e-9
"""What a turn of the loop takes; timers may ring earlier by half of it, and whoever looks then must not look for ever."""

Serve = Callable[[], asyncio.BaseProtocol]


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Return what a coroutine returns; until then, this loop's time is the time of everybody who asks for it."""
    loop = VirtualLoop()
    with (
        mock.patch.object(time, "monotonic", loop.time),
        mock.patch.object(names, "look_up", loop.look_up),
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        return runner.run(main(loop))


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits.

    hosts: name -> what answers a connection there; None where nothing ever comes back.
    delay_s: how long everything is on its way, in either direction.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_Jumping(self))
        self.hosts: dict[str, Serve | None] = {}
        self.delay_s = 0.01
        self.wires: set[Wire] = set()
        """Ends of connections that are open."""

    def time(self) -> float:
        """Return the moment, in seconds."""
        return self.now

    def look_up(self, host: str) -> asyncio.Future[Sequence[str]]:
        """Let every name stand for itself, without a thread."""
        told: asyncio.Future[Sequence[str]] = self.create_future()
        told.set_result((host,))
        return told

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Connect to one of the hosts; who is not among them refuses."""
        await asyncio.sleep(self.delay_s)
        if host not in self.hosts:
            raise ConnectionRefusedError
        serve = self.hosts[host]
        if serve is None:
            await self.create_future()
            raise AssertionError("nothing comes back")
        here, there = Wire(self, host), Wire(self, "")
        here.other, there.other = there, here
        for wire, protocol in ((there, serve()), (here, protocol_factory())):
            wire.set_protocol(protocol)
            protocol.connection_made(wire)
        return here, here.get_protocol()

    def cut(self, host: str) -> None:
        """End every connection to a host from its side, as if it had been restarted."""
        for wire in [wire for wire in self.wires if wire.leads_to == host]:
            wire.other.abort()


class _Jumping(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        assert ready or timeout is not None, "everybody waits, and nothing is going to happen"
        self._loop.now += _TURN_S if ready else max(timeout or 0.0, _TURN_S)
        return ready


class Wire(asyncio.Transport):
    """One end of a connection in memory."""

    other: Wire

    def __init__(self, loop: VirtualLoop, leads_to: str) -> None:
        super().__init__()
        self.leads_to = leads_to
        """Host that it was opened to; empty at the host's own end."""
        self._loop = loop
        self._protocol = cast("asyncio.Protocol", None)
        self._is_closing = self._is_lost = self._is_full = False
        self._held: list[tuple[Callable[..., None], Any]] | None = None
        """What has arrived while reading paused; None while it does not."""
        self._under_way = 0
        self._last = 0.0
        loop.wires.add(self)

    # -- what its owner does with it -----------------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._is_closing

    def write(self, data: Any) -> None:
        if self._is_closing or not data:
            return
        self._under_way += len(data)
        self._send(self.other._came, bytes(data))
        if self._under_way > _FULL_BYTES and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self._under_way

    def pause_reading(self) -> None:
        self._held = self._held or []

    def resume_reading(self) -> None:
        held, self._held = self._held or [], None
        for come, what in held:
            come(what)

    def is_reading(self) -> bool:
        return self._held is None

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(ConnectionResetError())

    # -- what happens to it --------------------------------------------------------------------------------

    def _send(self, come: Callable[..., None], what: object) -> None:
        self._last = max(self._last + _NEXT_S, self._loop.now + self._loop.delay_s)
        self._loop.call_at(self._last, come, what)

    def _end(self, error: Exception | None) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._send(self.other._ended, error)
            self._loop.call_soon(self._lose, None)

    def _came(self, data: bytes) -> None:
        self.other._arrived(len(data))
        if self._held is not None:
            self._held.append((self._came_late, data))
        elif not self._is_closing:
            self._protocol.data_received(data)

    def _came_late(self, data: bytes) -> None:
        if not self._is_closing:
            self._protocol.data_received(data)

    def _arrived(self, size: int) -> None:
        self._under_way -= size
        if self._is_full and not self._under_way:
            self._is_full = False
            if not self._is_lost:
                self._protocol.resume_writing()

    def _ended(self, error: Exception | None) -> None:
        if self._held is not None and error is None:
            self._held.append((self._ended, None))
        elif error is not None:
            self._lose(error)
        elif not self._is_closing and not self._protocol.eof_received():
            self.close()

    def _lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_closing = self._is_lost = True
            self._loop.wires.discard(self)
            self._protocol.connection_lost(error)


class Rogue(asyncio.Protocol):
    """A server that says what it likes to whoever asks.

    script: what it does: (seconds to wait, bytes to send); bytes of None end the connection, and an endless script
        goes on until the other side has left.
    """

    def __init__(self, script: Callable[[], Any]) -> None:
        self._script = script
        self._transport: asyncio.Transport | None = None
        self._steps: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._steps is None:
            self._steps = iter(self._script())
            self._go_on(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def _go_on(self, sent: bytes | None) -> None:
        if self._transport is None:
            return
        if sent is None:
            self._transport.close()
            return
        self._transport.write(sent)
        for wait_s, then in self._steps:
            asyncio.get_running_loop().call_later(wait_s, self._go_on, then)
            return


def endless(opening: bytes, wait_s: float, part: bytes) -> Callable[[], Any]:
    """Return a script that says one thing first, and another one over and over, at this distance in seconds."""

    def script() -> Any:
        yield 0.0, opening
        while True:
            yield wait_s, part

    return script


ROGUES: Final[Mapping[str, Callable[[], Any] | None]] = {
    "unreachable": None,
    "silent": lambda: (),
    "half-open": lambda: [(0.0, None)],
    "dripping status": endless(b"H", 0.05, b"T"),
    "dripping headers": endless(b"HTTP/1.1 200 OK\r\n", 0.05, b"X-A: b\r\n"),
    "dripping body": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{", 0.05, b" "),
    "dripping chunks": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0.05, b"1\r\n \r\n"),
    "interim for ever": endless(b"", 0.05, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless header": endless(b"HTTP/1.1 200 OK\r\nX-A: ", 0.001, b"a" * 65_536),
    "endless body": endless(b"HTTP/1.1 200 OK\r\n\r\n", 0.001, b"a" * 65_536),
    "garbage": lambda: [(0.0, b"\x16\x03\x01\x00\x7f" * 50)],
    "half a status": lambda: [(0.0, b"HTTP/1.1 20"), (0.01, None)],
    "another protocol": lambda: [(0.0, b"220 mail.example.org ESMTP\r\n")],
}
"""Name -> script of a server that is none; None where nothing ever comes back."""


def rogue(script: Callable[[], Any] | None) -> Serve | None:
    """Return what answers a connection with a script."""
    return None if script is None else lambda: Rogue(script)
