"""How far a conversation is followed that does not come to its point: on a clock that jumps, over connections in memory."""

from __future__ import annotations

import asyncio

import pytest

from adapters.transport.http1 import (
    MAX_HEADER_BYTES,
    Answer,
    Http1Session,
    MalformedResponseError,
    Origin,
    TooLargeError,
)
from tests.virtual_time import VirtualLoop, endless, rogue, run

HEAD = b"GET /x HTTP/1.1\r\nHost: registry\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = 1_000_000
PART_S = 0.001


def exchange(script):
    """Send a request to a server with a script; the answer, or what was raised, and how long it took."""

    async def main(loop: VirtualLoop):
        loop.hosts["registry"] = rogue(script)
        start = loop.now
        async with Http1Session() as session:
            try:
                said: Answer | Exception = await session.exchange(
                    Origin("registry", 80, False), HEAD, b"", left_s=60, limit=LIMIT
                )
            except (TooLargeError, MalformedResponseError) as error:
                said = error
            took_s = loop.now - start
            await asyncio.sleep(0)
            assert session.connections == 0
        return said, took_s

    return run(main)


@pytest.mark.parametrize(
    ("opening", "part"),
    [
        (b"HTTP/1.1 200 ", b"O" * 1000),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 125),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
        (CHUNKED + b"1", b"0" * 1000),
        (CHUNKED + b"1;a=", b"a" * 1000),
        (CHUNKED + b"0\r\nX-A: ", b"a" * 1000),
    ],
    ids=["status", "header", "name", "headers", "interim", "size", "extension", "trailer"],
)
def test_what_is_no_body_is_read_no_further_than_headers_may_be_long(opening, part):
    """However it is spread over reads: the parser tells of a line only at its end, and that never comes."""
    said, took_s = exchange(endless(opening, PART_S, part))

    assert isinstance(said, Exception)
    assert took_s < (2 * MAX_HEADER_BYTES / 1000 + 100) * PART_S


def test_a_body_in_small_chunks_may_have_more_around_it_than_headers_may_be_long():
    """Only what comes without a byte of the body counts."""
    chunks = b"1\r\na\r\n" * 1000
    script = [(0.0, CHUNKED), *[(PART_S, chunks)] * 100, (PART_S, b"0\r\nConnection: close\r\n\r\n"), (PART_S, None)]
    assert len(chunks) * 100 > 2 * MAX_HEADER_BYTES

    said, _ = exchange(lambda: script)

    assert said.body == b"a" * 100_000
