"""The HTTP/1.1 conversation with a registry, against a server that says byte for byte what it is told."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from adapters.transport.http1 import (
    MAX_HEADER_BYTES,
    ConnectionFailedError,
    Http1Session,
    MalformedResponseError,
    Origin,
    TooLargeError,
)

pytestmark = pytest.mark.contract

HEAD = b"GET /x HTTP/1.1\r\nHost: registry\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.closed = asyncio.Event()


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[tuple[Server, Origin, Http1Session]]:
    """Serve with `talk` for every connection; give the server's notes, its origin and a session."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            server.closed.set()

    listener = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    session = Http1Session()
    port = listener.sockets[0].getsockname()[1]
    try:
        yield server, Origin("127.0.0.1", port, False), session
    finally:
        await session.close()
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*responses: bytes, close: bool = False) -> Talk:
    """Answer the requests of a connection with these bytes, one after the other."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in responses:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            await writer.drain()
        if not close:
            await reader.read()

    return talk


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""
    while not holds():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


async def ask(session: Http1Session, origin: Origin, *, left_s: float = 5, limit: int = 1000):
    """Send the request."""
    return await session.exchange(origin, HEAD, b"", left_s=left_s, limit=limit)


async def test_a_connection_serves_one_request_after_the_other():
    """Two requests, one connection."""
    async with serving(saying(OK, OK)) as (server, origin, session):
        first, second = await ask(session, origin), await ask(session, origin)

        assert (first.status, first.body, first.headers["content-type"]) == (200, b"hi", "text/plain")
        assert second.body == b"hi"
        assert server.connections == 1


async def test_requests_at_the_same_time_have_a_connection_each():
    """Nobody waits behind another's response."""
    async with serving(saying(OK, OK)) as (server, origin, session):
        answers = await asyncio.gather(*(ask(session, origin) for _ in range(5)))

        assert [a.body for a in answers] == [b"hi"] * 5
        assert server.connections == 5


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ],
)
async def test_framings_of_a_body(response):
    """Chunks, and interim responses before the response."""
    async with serving(saying(response, response)) as (server, origin, session):
        assert (await ask(session, origin)).body == b"hi"
        assert (await ask(session, origin)).body == b"hi"
        assert server.connections == 1


async def test_a_body_may_end_with_the_connection():
    """HTTP/1.0 manners: no length, the end is the end."""
    async with serving(saying(b"HTTP/1.1 200 OK\r\n\r\nhi", close=True)) as (_, origin, session):
        assert (await ask(session, origin)).body == b"hi"
        assert session.connections == 0


async def test_a_response_without_body():
    """204 has none, and the connection stays open."""
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n", OK)) as (server, origin, session):
        assert (await ask(session, origin)).status == 204
        assert (await ask(session, origin)).body == b"hi"
        assert server.connections == 1


async def test_connection_close_is_obeyed():
    """What the server will close is not used again."""
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with serving(saying(closing, close=True)) as (server, origin, session):
        await ask(session, origin)
        await ask(session, origin)

        assert server.connections == 2


async def test_a_connection_is_given_on_only_when_its_asker_has_its_response():
    """Many short requests at once over few connections: everybody gets an answer, nobody waits for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)

    async def again(session: Http1Session, origin: Origin) -> int:
        return sum([(await ask(session, origin)).status for _ in range(20)])

    async with serving(talk) as (_, origin, session):
        assert await asyncio.gather(*(again(session, origin) for _ in range(20))) == [20 * 200] * 20


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced():
    """A request that met a closed connection is sent again on a new one, once."""
    async with serving(saying(OK, close=True)) as (server, origin, session):
        await ask(session, origin)
        await server.closed.wait()

        assert (await ask(session, origin)).body == b"hi"
        assert server.connections == 2


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"", ConnectionFailedError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", ConnectionFailedError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", ConnectionFailedError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ConnectionFailedError),
        (b"SMTP ready\r\n\r\n", MalformedResponseError),
        (OK + OK, MalformedResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", MalformedResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", MalformedResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n", MalformedResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", TooLargeError),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, TooLargeError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEADER_BYTES + 1) + b"\r\n\r\n", TooLargeError),
    ],
)
async def test_whatever_is_not_a_whole_response_is_an_error(response, error):
    """Truncated, malformed, compressed, doubled or oversized: never a body, and the connection is given up."""
    async with serving(saying(response, close=True)) as (_, origin, session):
        with pytest.raises(error):
            await ask(session, origin)
        await until(lambda: not session.connections)


async def test_the_deadline_holds_and_frees_the_connection():
    """A silent server is left when the time is over."""
    async with serving(saying(b"HTTP/1.1 200 OK\r\n", close=False)) as (_, origin, session):
        with pytest.raises(TimeoutError):
            await ask(session, origin, left_s=0.05)
        await until(lambda: not session.connections)


async def test_cancelling_gives_the_connection_up():
    """The response of a request that nobody waits for never meets the next one."""
    async with serving(saying(b"", OK)) as (server, origin, session):
        asking = asyncio.create_task(ask(session, origin))
        await until(lambda: bool(server.connections))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: not session.connections)
        with pytest.raises(ConnectionFailedError):
            await ask(session, Origin("127.0.0.1", 1, False))


async def test_nobody_listening_is_a_failed_connection():
    """Refused is not an answer."""
    async with serving(saying(OK)) as (_, origin, session):
        with pytest.raises(ConnectionFailedError):
            await ask(session, origin._replace(port=1))


async def test_a_certificate_that_does_not_hold_is_a_failed_connection():
    """TLS is verified: a server that does not speak it, or not for this name, is not talked to."""
    async with serving(saying(OK, close=True)) as (_, origin, session):
        with pytest.raises((ConnectionFailedError, TimeoutError)):
            await ask(session, origin._replace(is_tls=True), left_s=1)


async def test_closing_ends_what_is_under_way():
    """Shutting down leaves nobody waiting."""
    async with serving(saying(b"")) as (server, origin, session):
        asking = asyncio.create_task(ask(session, origin))
        await until(lambda: bool(server.connections))
        await session.close()
        with pytest.raises(ConnectionFailedError):
            await asking


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_connection_handed_on_before_its_reader_resumes(is_cancelled, monkeypatch):
    """The next request may take a connection between the end of a response and the moment its reader resumes."""
    async with serving(saying(OK, OK)) as (_, origin, session):
        following: list[asyncio.Future[Any]] = []
        keep = session.returned

        def keep_and_ask_again(*args: Any) -> None:
            keep(*args)
            if not following:  # this task is ready before the reader of the first response is
                following.append(asyncio.ensure_future(ask(session, origin)))
                if is_cancelled:
                    first.cancel()

        monkeypatch.setattr(session, "returned", keep_and_ask_again)
        first = asyncio.ensure_future(ask(session, origin))
        await asyncio.wait([first])
        async with asyncio.timeout(2):
            second = await following[0]

        assert first.cancelled() == is_cancelled
        assert second.body == b"hi"


def test_it_works_on_the_faster_loop():
    """The gateway runs on uvloop where that is installed; its transports are other classes."""
    uvloop = pytest.importorskip("uvloop")

    async def talk() -> int:
        async with serving(saying(OK, OK)) as (server, origin, session):
            await ask(session, origin)
            await ask(session, origin)
            return server.connections

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == 1


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["standard", "uvloop"])
def test_a_slow_name_holds_up_no_other_registry(monkeypatch, loop_factory):
    """Its look-up cannot be given up when whoever asked leaves; others have a thread of their own, and every address."""
    goes_on = threading.Event()

    def getaddrinfo(host, *_, **__):
        if host == "slow.example":
            goes_on.wait()
        # At the first address of the other one, nobody listens.
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]

    async def talk():
        async with serving(saying(OK)) as (_, origin, session):
            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            slow = origin._replace(host="slow.example")
            silent = [asyncio.create_task(ask(session, slow, left_s=0.01)) for _ in range(40)]
            late = await asyncio.gather(*silent, return_exceptions=True)
            answer = await ask(session, origin._replace(host="other.example"))
            return late, answer

    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            late, answer = runner.run(talk())
    finally:
        goes_on.set()

    assert {type(error) for error in late} == {TimeoutError}
    assert answer.body == b"hi"


async def test_a_name_that_nobody_knows_is_a_failed_connection(monkeypatch):
    """The error says so, and not which name."""

    def getaddrinfo(host, *_, **__):
        raise socket.gaierror(socket.EAI_NONAME, host)

    async with serving(saying(OK)) as (_, origin, session):
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        with pytest.raises(ConnectionFailedError, match=r"^gaierror$"):
            await ask(session, origin._replace(host="unknown.example"))


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["standard", "uvloop"])
def test_a_connection_given_up_while_it_is_made_leaves_nothing(loop_factory):
    """At whichever moment its asker leaves; and the session can be closed at once."""

    async def leave_at_every_moment(silent):
        async with Http1Session() as session:
            origin = Origin("127.0.0.1", silent.getsockname()[1], is_tls=False)
            head = b"GET / HTTP/1.1\r\nHost: registry\r\n"
            for turns in range(12):
                asking = asyncio.create_task(session.exchange(origin, head, b"", left_s=30, limit=1000))
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            with pytest.raises(TimeoutError):
                await session.exchange(origin, head, b"", left_s=0, limit=1000)
            async with asyncio.timeout(5):
                while session.connections:  # noqa: ASYNC110 - connections close in the loop's own time
                    await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0)) as silent, asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(leave_at_every_moment(silent))


async def test_a_response_that_is_too_large_is_let_go_of_at_once():
    """No circle of references keeps it until the collector comes by."""

    async def flood(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"40000\r\n" + b"x" * 0x40000 + b"\r\n")

    gc.collect()
    gc.disable()
    try:
        async with serving(flood) as (_, origin, session):
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(10):
                with pytest.raises(TooLargeError):
                    await session.exchange(origin, HEAD, b"", left_s=5, limit=200_000)
            after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()

    assert after - before < 1_000_000
