"""A registry that misbehaves on command: bytes on loopback, and a list of all the ways in which they can be wrong."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason as Why

LIMIT: Final = 300_000
"""Largest response that the manifests of these tests accept, in bytes."""
_PART: Final = b" " * 16_384
_PAUSE_S: Final = 0.01


class Asked(NamedTuple):
    """One request, as it came."""

    head: bytes
    body: bytes


class Good(NamedTuple):
    """What a registry that behaves would answer."""

    content_type: str
    body: bytes
    headers: tuple[str, ...] = ()


class Talk(NamedTuple):
    """What a behaviour has at hand."""

    asked: Asked
    good: Good
    """The right answer to it."""
    elsewhere: str
    """Address of a server that nobody may be led to."""
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send bytes."""
        self.writer.write(b"".join(parts))
        await self.writer.drain()


Behaviour = Callable[[Talk], Awaitable[None]]


class Server:
    """What a server saw: how many connections, which requests."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[Asked] = []
        self.address = ""


@asynccontextmanager
async def serving(
    behaviour: Behaviour, good: Callable[[Asked], Good] = lambda _: Good("", b""), elsewhere: str = ""
) -> AsyncIterator[Server]:
    """Yield a server that answers every request by a behaviour; it ends with the block, whatever it was about to send."""
    server, tasks = Server(), set[asyncio.Task[None]]()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = Asked(head, await reader.readexactly(_length(head)))
                server.requests.append(asked)
                await behaviour(Talk(asked, good(asked), elsewhere, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listener = await asyncio.start_server(converse, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{port_of(listener)}"
    try:
        yield server
    finally:
        listener.close()
        under_way = tuple(tasks)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def closed_port() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def port_of(listener: asyncio.Server) -> int:
    """Return on which port a server listens."""
    return int(listener.sockets[0].getsockname()[1])


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def response(status: int, good: Good, *headers: str, length: int | None = None) -> bytes:
    """Return a whole response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {good.content_type}", *good.headers, *headers]
    lines.append(f"Content-Length: {len(good.body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + good.body


# -- ways to misbehave -----------------------------------------------------------------------------------------------


async def well(talk: Talk) -> None:
    """Answer as it should."""
    await talk.send(response(200, talk.good))


async def hang_up(talk: Talk) -> None:
    """Close without a word."""
    talk.writer.close()


async def reset(talk: Talk) -> None:
    """Break the connection hard."""
    own = talk.writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.writer.transport.abort()


async def break_off(talk: Talk) -> None:
    """Close in the middle of the answer."""
    await talk.send(response(200, talk.good)[: -len(talk.good.body) // 2])
    talk.writer.close()


async def say_nothing(talk: Talk) -> None:
    """Keep the connection, and never answer."""
    await asyncio.Event().wait()


async def drip(talk: Talk) -> None:
    """Answer byte by byte, and never come to an end."""
    await talk.send(response(200, talk.good._replace(body=b""), length=LIMIT))
    while True:
        await talk.send(b" ")
        await asyncio.sleep(_PAUSE_S)


async def drip_headers(talk: Talk) -> None:
    """Never come to the answer for headers."""
    await talk.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        await talk.send(b"a")
        await asyncio.sleep(_PAUSE_S)


async def without_end(talk: Talk) -> None:
    """Send chunk after chunk."""
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await talk.send(b"%x\r\n" % len(_PART), _PART, b"\r\n")


async def without_length(talk: Talk) -> None:
    """Send on and on, without a word of how much it will be."""
    await talk.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        await talk.send(_PART)


async def huge(talk: Talk) -> None:
    """Announce ten gigabytes, and begin."""
    await talk.send(response(200, talk.good._replace(body=b""), length=10_000_000_000))
    while True:
        await talk.send(_PART)


async def headers_without_end(talk: Talk) -> None:
    """Send header after header."""
    await talk.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await talk.send(b"X-A: b\r\n" * 1000)


def status(number: int, *headers: str) -> Behaviour:
    """Answer with a status, and a page that quotes whom it was asked about."""

    async def behave(talk: Talk) -> None:
        page = Good("text/html", b"<h1>2000000014 Asha Moyo</h1>")
        await talk.send(response(number, page, *headers))

    return behave


def redirect(number: int) -> Behaviour:
    """Lead elsewhere."""

    async def behave(talk: Talk) -> None:
        await talk.send(response(number, Good("text/html", b""), f"Location: {talk.elsewhere}/meta-data"))

    return behave


def body(content: bytes, content_type: str | None = None) -> Behaviour:
    """Answer 200 with something else."""

    async def behave(talk: Talk) -> None:
        good = talk.good._replace(body=content, content_type=content_type or talk.good.content_type)
        await talk.send(response(200, good))

    return behave


def encoded(encoding: str, encode: Callable[[bytes], bytes]) -> Behaviour:
    """Answer in a content coding that was not asked for."""

    async def behave(talk: Talk) -> None:
        good = talk.good._replace(body=encode(talk.good.body))
        await talk.send(response(200, good, f"Content-Encoding: {encoding}"))

    return behave


def raw(template: bytes) -> Behaviour:
    """Answer with these bytes; `%b` stands for the right body, `%d` before it for its length."""

    async def behave(talk: Talk) -> None:
        good = talk.good.body
        await talk.send(
            template.replace(b"%d", str(len(good)).encode()).replace(b"%x", b"%x" % len(good)).replace(b"%b", good)
        )
        talk.writer.close()

    return behave


BOMB: Final = gzip.compress(bytes(2_000_000))
"""Two kilobytes that stand for two megabytes."""


class Ending(NamedTuple):
    """How a question has to end: the error, and what the answer says about it."""

    error: type[SourceError]
    reason: Why


DOWN: Final = Ending(SourceUnavailableError, Why.SOURCE_DOWN)
TIMEOUT: Final = Ending(SourceUnavailableError, Why.SOURCE_TIMEOUT)
BUSY: Final = Ending(SourceUnavailableError, Why.SOURCE_BUSY)
REFUSED: Final = Ending(SourceRefusedError, Why.SOURCE_REFUSED)
CONTRACT: Final = Ending(SourceContractError, Why.SOURCE_CONTRACT)

SHORT: Final = frozenset({"says nothing", "drips", "drips headers"})
"""Faults that only the deadline ends."""
FAULTS: Final[dict[str, tuple[Behaviour, Ending]]] = {
    "hangs up": (hang_up, DOWN),
    "resets": (reset, DOWN),
    "breaks off": (break_off, DOWN),
    "says nothing": (say_nothing, TIMEOUT),
    "drips": (drip, TIMEOUT),
    "drips headers": (drip_headers, TIMEOUT),
    "chunks without end": (without_end, CONTRACT),
    "a body without length or end": (without_length, CONTRACT),
    "ten gigabytes": (huge, CONTRACT),
    "headers without end": (headers_without_end, CONTRACT),
    "an empty body": (body(b""), CONTRACT),
    "white space": (body(b" \r\n "), CONTRACT),
    "a half token": (body(b'{"a'), CONTRACT),
    "a half tag": (body(b"<a><b"), CONTRACT),
    "no text at all": (body(bytes(range(256)) * 40), CONTRACT),
    "a login page": (body(b"<!DOCTYPE html><html><form action='/login'>Asha</form></html>", "text/html"), CONTRACT),
    "null": (body(b"null", "application/json"), CONTRACT),
    "an empty object": (body(b"{}", "application/json"), CONTRACT),
    "an empty list": (body(b"[]", "application/json"), CONTRACT),
    "another object": (body(b'{"status": "ok", "data": [{"Asha": "Moyo"}]}', "application/json"), CONTRACT),
    "another document": (body(b"<a xmlns='urn:x'><b>Asha</b></a>", "text/xml"), CONTRACT),
    "gzip": (encoded("gzip", gzip.compress), CONTRACT),
    "deflate": (encoded("deflate", zlib.compress), CONTRACT),
    "brotli": (encoded("br", bytes), CONTRACT),
    "gzip twice": (encoded("gzip, gzip", gzip.compress), CONTRACT),
    "a bomb": (encoded("gzip", lambda _: BOMB), CONTRACT),
    "a bomb that is not announced": (body(BOMB), CONTRACT),
    "two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: 3\r\n\r\n%b"), CONTRACT),
    "a length and chunks": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"),
        CONTRACT,
    ),
    "a length below zero": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n%b"), CONTRACT),
    "a length in words": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n%b"), CONTRACT),
    "a chunk below zero": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n%b\r\n0\r\n\r\n"),
        CONTRACT,
    ),
    "a chunk of more than there is": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n%b\r\n0\r\n\r\n"),
        CONTRACT,
    ),
    "chunks without their last": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n"), DOWN),
    "fewer bytes than announced": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n%b"), DOWN),
    "a header without colon": (raw(b"HTTP/1.1 200 OK\r\nContent-Length %d\r\n\r\n%b"), CONTRACT),
    "a space before the colon": (raw(b"HTTP/1.1 200 OK\r\nContent-Length : %d\r\n\r\n%b"), CONTRACT),
    "a header over two lines": (raw(b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: %d\r\n\r\n%b"), CONTRACT),
    "a zero byte in a header": (raw(b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: %d\r\n\r\n%b"), CONTRACT),
    "no status": (raw(b"%b"), CONTRACT),
    "a status of four digits": (raw(b"HTTP/1.1 2000 OK\r\nContent-Length: %d\r\n\r\n%b"), CONTRACT),
    "another protocol": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), CONTRACT),
    "HTTP/2": (raw(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), CONTRACT),
    "another protocol from here": (
        raw(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n%b"),
        CONTRACT,
    ),
    "a half answer of no length": (raw(b"HTTP/1.1 200 OK\r\n\r\n{"), CONTRACT),
    "two answers at once": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%bHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"),
        CONTRACT,
    ),
    **{f"redirects with {number}": (redirect(number), CONTRACT) for number in (300, 301, 302, 303, 304, 305, 307, 308)},
    **{f"status {number}": (status(number), REFUSED) for number in (401, 403)},
    **{
        f"status {number}": (status(number), CONTRACT)
        for number in (400, 402, 404, 405, 406, 410, 413, 415, 418, 422, 451)
    },
    "status 407": (status(407, "Proxy-Authenticate: Basic"), CONTRACT),
    "status 408": (status(408), TIMEOUT),
    "status 429": (status(429), BUSY),
    **{f"status {number}": (status(number), DOWN) for number in (500, 501, 502, 503, 504, 507, 599)},
    "asks for peace with 429": (status(429, "Retry-After: 7"), BUSY),
    "asks for peace with 503": (status(503, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"), DOWN),
    "asks for nonsense": (status(503, "Retry-After: -5 Asha"), DOWN),
}
"""What a registry over HTTP does -> how the question ends, whatever protocol stands above."""
