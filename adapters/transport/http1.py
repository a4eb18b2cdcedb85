"""HTTP/1.1 to registries: connections that stay open, one request at a time on each, hard limits.

What a call costs decides what a question costs, so this stands close to the parser (httptools): no redirects, cookies,
decompression or proxies. It does what a conversation with a registry needs, and refuses the rest. adapters/README.md
says what it saves, and why it is ours.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Self, cast
from weakref import WeakSet

import httptools

from adapters.transport.alarms import Alarms
from adapters.transport.names import Names
from adapters.transport.tls import why

IDLE_S: Final = 15.0
"""How long an unused connection is kept, in seconds; shorter than servers keep theirs."""
MAX_HEADER_BYTES: Final = 65_536
"""Most bytes of header lines of one response."""


class Origin(NamedTuple):
    """Where a connection leads."""

    host: str
    port: int
    is_tls: bool
    tls: ssl.SSLContext | None = None
    """Certificates of its own; None: the usual trust. Connections of different contexts are never shared."""


class Answer(NamedTuple):
    """A response, read whole; header names are in lower case, the values of a repeated one are joined (RFC 9110)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ConnectionFailedError(Exception):
    """There is no connection, or it broke before the response was whole."""


class MalformedResponseError(Exception):
    """What came is not an HTTP/1.1 response, or is in a form that was not asked for."""


class TooLargeError(Exception):
    """The response is larger than allowed."""


class _StaleError(Exception):
    """The connection was closed before a single byte of the response came."""


class Http1Session:
    """Connections to any number of origins. Made and closed in the running loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.alarms = Alarms()
        self._names = Names()
        self._idle: dict[Origin, deque[_Connection]] = {}
        self._open: set[_Connection] = set()
        self._tls: ssl.SSLContext | None = None
        self._dropped: WeakSet[ssl.SSLContext] = WeakSet()

    async def __aenter__(self) -> Self:
        """Return the session."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.close()

    async def exchange(self, origin: Origin, head: bytes, body: bytes, *, left_s: float, limit: int) -> Answer:
        """Send one request and return its whole response.

        head: request line and headers, each ended by CRLF, without the empty line.
        left_s: seconds for all of it, a new connection included.
        limit: most bytes of the response's body.
        Raises: TimeoutError, ConnectionFailedError, MalformedResponseError, TooLargeError.
        """
        until = time.monotonic() + left_s
        request = b"%b\r\n%b" % (head, body)
        connection = self._reusable(origin)
        if connection is not None:
            try:
                return await connection.exchange(request, until, limit)
            except _StaleError:
                pass  # the server had closed it before it saw the request: that is no answer to the request
        connection = await self._connect(origin, until)
        try:
            return await connection.exchange(request, until, limit)
        except _StaleError as error:
            raise ConnectionFailedError(str(error) or _closed_at_once(origin)) from None

    async def close(self) -> None:
        """Close every connection; whoever still waits for a response gets ConnectionFailedError."""
        self._idle.clear()
        self.alarms.stop()
        for connection in tuple(self._open):
            connection.abort()
        while self._open:  # noqa: ASYNC110 - the loop needs a turn to tell the connections that they are gone
            await asyncio.sleep(0)

    def drop(self, origin: Origin) -> None:
        """Close the unused connections to an origin; with certificates of its own, those in use when they come back."""
        if origin.tls is not None:
            self._dropped.add(origin.tls)
        for connection in self._idle.pop(origin, ()):
            connection.abort()

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    def opened(self, connection: _Connection) -> None:
        """Take note of a new connection."""
        self._open.add(connection)

    def closed(self, connection: _Connection) -> None:
        """Take note that a connection is gone."""
        self._open.discard(connection)

    def returned(self, origin: Origin, connection: _Connection) -> None:
        """Keep a connection for the next request."""
        if origin.tls is not None and origin.tls in self._dropped:
            connection.abort()
            return
        idle = self._idle.get(origin)
        if idle is None:
            idle = self._idle[origin] = deque()
        idle.append(connection)

    def _reusable(self, origin: Origin) -> _Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()  # the one used last is the likeliest to be open still
            if connection.is_usable and connection.idle_since > time.monotonic() - IDLE_S:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: Origin, until: float) -> _Connection:
        try:
            async with asyncio.timeout(until - time.monotonic()):
                *others, last = await self._names.addresses(origin.host)
                for address in others:
                    try:
                        return await self._connect_to(address, origin)
                    except ssl.SSLError:
                        raise  # who answers there is the registry, or somebody who must not be taken for it
                    except OSError:
                        continue
                return await self._connect_to(last, origin)
        except TimeoutError:
            raise TimeoutError from None
        except OSError as error:  # refused, unreachable, unknown name, or a certificate that does not hold
            raise ConnectionFailedError(why(error, is_tls=origin.is_tls)) from None

    async def _connect_to(self, address: str, origin: Origin) -> _Connection:
        tls = origin.tls
        if origin.is_tls and tls is None:
            tls = self._tls = self._tls or ssl.create_default_context()
        connection = _Connection(self, origin)
        is_made = False
        try:
            await self.loop.create_connection(
                lambda: connection,
                address,
                origin.port,
                ssl=tls if origin.is_tls else None,
                server_hostname=origin.host if origin.is_tls else None,
            )
            is_made = True
        finally:
            if not is_made:  # the faster event loop tells nobody that a connection given up on the way is gone
                connection.abort()
                self.closed(connection)
        return connection


def _closed_at_once(origin: Origin) -> str:
    hint = ": does it want another certificate of ours?" if origin.is_tls else ""
    return f"closed without a response{hint}"


@lru_cache(maxsize=256)
def _lower(name: bytes) -> str:
    """Return a header's name as it is looked up; registries send the same few again and again."""
    return name.decode("latin-1").lower()


class _Connection(asyncio.Protocol):
    """One connection, and the callbacks of its parser."""

    def __init__(self, session: Http1Session, origin: Origin) -> None:
        self._session, self._origin = session, origin
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._ring = self._give_up
        self._limit = 0
        self.idle_since = 0.0
        self.is_usable = True
        self._start_over()

    async def exchange(self, request: bytes, until: float, limit: int) -> Answer:
        """Send a request and return its response; afterwards the connection is idle, or closed.

        until: on the monotonic clock.
        """
        session = self._session
        self._limit = limit
        self._waiter = waiter = session.loop.create_future()
        session.alarms.set(self._ring, until)
        try:
            if self._transport is None or self._transport.is_closing():
                self._fail(_StaleError())
            else:
                self._transport.write(request)
            answer: Answer = await waiter
        except BaseException:
            if self._waiter is waiter:
                self.abort()  # also when the one who waits is cancelled: the response must not meet the next request
            raise
        finally:
            session.alarms.take_back(self._ring)
            # INVARIANT: whoever has got the connection since the response ended is not disturbed.
            if self._waiter is waiter:
                self._waiter = None
        if self.is_usable:
            # Only now: had it been given back when the response ended, the next one might already wait on it.
            self.idle_since = time.monotonic()
            session.returned(self._origin, self)
        return answer

    def _give_up(self) -> None:
        self._fail(TimeoutError())

    def abort(self) -> None:
        """Close the connection at once, whatever is under way."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    def _start_over(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = self._header_bytes = self._outside = self._status = 0
        self._is_framed = self._is_complete = self._has_begun = self._may_stay = False

    def _fail(self, error: Exception) -> None:
        self.is_usable = False
        # What came is let go of here: a connection and its parser hold each other, and so does an error what it met,
        # until the collector comes by, which may be many large answers later.
        self._body = []
        error.__traceback__ = error.__context__ = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _finish(self, *, keep: bool) -> None:
        answer = Answer(self._status, self._headers, b"".join(self._body))
        if keep and self.is_usable:
            self._start_over()
        else:
            self.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    # -- what the loop tells -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        # Not checked: the transports of the faster event loop do not derive from asyncio's class.
        self._transport = cast("asyncio.Transport", transport)
        if self.is_usable:
            self._session.opened(self)
        else:
            self._transport.abort()  # given up while it was being made

    def data_received(self, data: bytes) -> None:
        """Read a part of the response."""
        if self._waiter is None or self._waiter.done():
            self.abort()  # nobody asked for this
            return
        self._has_begun = True
        self._outside += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            known = isinstance(cause, (TooLargeError, MalformedResponseError))
            self._fail(cause if known and cause is not None else MalformedResponseError("headers"))  # type: ignore[arg-type]
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(MalformedResponseError("not HTTP/1.1"))
        else:
            if self._is_complete:
                self._finish(keep=self._may_stay)
            elif self._outside > MAX_HEADER_BYTES:
                # The parser tells of a header only when it has ended, and adds to it at ever higher cost until then.
                self._fail(TooLargeError("headers"))

    def eof_received(self) -> bool:
        """Let the transport close when the server has."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """End what is under way: with the response, if only the end of the connection could end it."""
        self.is_usable = False
        self._session.closed(self)
        if not self._has_begun:
            self._fail(_StaleError(why(error, is_tls=True) if isinstance(error, ssl.SSLError) else ""))
        elif error is None and self._status >= 200 and not self._is_framed:
            self._finish(keep=False)
        else:
            self._fail(ConnectionFailedError("closed inside the response"))

    # -- what the parser tells ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second response: one was asked for."""
        if self._is_complete:
            raise MalformedResponseError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise TooLargeError("headers")
        told, key = value.decode("latin-1"), _lower(name)
        held = self._headers.get(key)
        self._headers[key] = told if held is None else f"{held}, {told}"

    def on_headers_complete(self) -> None:
        """Learn how the body ends, and whether it may come at all."""
        self._status = self._parser.get_status_code()
        if self._status < 200:
            return
        if self._headers.get("content-encoding", "identity") != "identity":
            raise MalformedResponseError("content-encoding was not asked for")
        length = self._headers.get("content-length", "")
        bodiless = self._status in {204, 304}
        self._is_framed = bodiless or bool(length) or "chunked" in self._headers.get("transfer-encoding", "").lower()
        if length.isdigit() and int(length) > self._limit:
            raise TooLargeError("body")

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        # INVARIANT: never more than the limit and one read in memory, whatever the registry sends.
        self._size += len(body)
        if self._size > self._limit:
            raise TooLargeError("body")
        self._outside = 0
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Take note of the end; `100 Continue` and its like only come before the response."""
        if self._status < 200:
            self._headers = {}
        elif self._is_framed:
            self._is_complete = True
            self._may_stay = bool(self._parser.should_keep_alive())  # the parser knows only now
