"""Wrong answers on purpose: how each fault looks on the wire."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

import orjson
from aiohttp import web

from mocks.faults import Fault, FaultBox

BLOCK_BYTES: Final = 64 * 1024


class FloodParts(NamedTuple):
    """An answer that is far too long: how it opens, what it repeats, how it closes."""

    opening: bytes
    filler: bytes
    closing: bytes


class Spoiler(Protocol):
    """What a fault needs to know about a registry's answers."""

    @property
    def media_type(self) -> str:
        """Return the content type of a good answer."""

    def spoiled(self, body: bytes) -> bytes:
        """Return a good body in another shape than promised."""

    def huge_parts(self) -> FloodParts:
        """Return the parts of an answer that is far too long."""


async def serve(
    fault: Fault, request: web.Request, answer: web.Response, spoiler: Spoiler, box: FaultBox
) -> web.StreamResponse:
    """Give the answer the way the fault wants it given."""
    good = bytes(answer.body) if isinstance(answer.body, (bytes, bytearray)) else b""
    # Bad bodies come under the content type of good ones, whatever the answer would have been.
    named = answer.headers.get("Content-Type") if answer.status < 400 else None
    headers = {"Content-Type": named or spoiler.media_type}
    match fault.mode:
        case "down":
            _drop(request)
        case "slow":
            await box.wait(fault.delay_ms / 1000, gone=lambda: _has_left(request))
            if box.closing:
                _drop(request)
        case "status":
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.Response(status=fault.status, headers=after, text="the registry is out of order")
        case "reset":
            return await _cut_off(request, good, headers)
        case "empty":
            return web.Response(body=b"", headers=headers)
        case "malformed":
            # Half of a document never parses: what it opens first it closes last.
            return web.Response(body=good[: len(good) // 2] or b"{<", headers=headers)
        case "wrong_schema" if answer.status < 400:
            return web.Response(body=spoiler.spoiled(good), headers=headers)
        case "huge":
            return await _flood(request, fault.bytes, headers, spoiler.huge_parts(), box)
    return answer


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _drop(request: web.Request) -> None:
    """End the connection at once, with a reset instead of an orderly close."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def _cut_off(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """Promise the whole body, send half of it, and drop the connection."""
    promised = max(len(body), 2)
    response = web.StreamResponse(headers=headers)
    response.content_length = promised
    await response.prepare(request)
    await response.write((body or b"{ ")[: promised // 2])
    # The half must be on its way first: a reset throws away what has not been sent.
    await asyncio.sleep(0.02)
    _drop(request)
    return response


async def _flood(
    request: web.Request, size: int, headers: Mapping[str, str], parts: FloodParts, box: FaultBox
) -> web.StreamResponse:
    """Send a body of at least `size` bytes, block by block, while anybody listens."""
    block = parts.filler * max(1, BLOCK_BYTES // len(parts.filler))
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    try:
        with box.endless(request.transport):
            await response.prepare(request)
            await response.write(parts.opening)
            for _ in range(0, size, len(block)):
                await response.write(block)
            await response.write(parts.closing)
    except ConnectionError:
        pass  # The client has heard enough, or the server stops.
    return response


def flood_parts(media_type: str) -> FloodParts:
    """Return the parts of a plausible endless answer in JSON or XML."""
    if "xml" in media_type:
        filler = b"<Record><Name>" + b"A" * 986 + b"</Name></Record>"
        return FloodParts(b'<?xml version="1.0" encoding="utf-8"?><Envelope>', filler, b"</Envelope>")
    return FloodParts(b'{"records":[', b'{"name":"' + b"A" * 1012 + b'"},', b"{}]}")


def renamed(body: bytes, media_type: str, names: Mapping[str, str]) -> bytes:
    """Return a JSON or XML document with its members or elements renamed wherever they occur."""
    if "xml" in media_type:
        pattern = rb"(</?(?:\w+:)?)(" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?=[\s/>])"
        return re.sub(pattern, lambda found: found[1] + names[found[2].decode()].encode(), body)
    return orjson.dumps(_renamed(orjson.loads(body), names))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(name, name): _renamed(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value
