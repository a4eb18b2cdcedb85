"""Lean registries: `python -m tests.bench.registries --file F` serves every dialect of the bench from one process.

A bare protocol on the event loop, so that the registries are never what is measured. Once all of them listen, their
addresses and credentials are written to the file. They stop when standard input ends.

`GET /_bench` on any of their ports tells what was asked since the last `DELETE /_bench`, and how long answers took;
`PUT /_bench?delay_ms=10&members=5` changes how long they wait before an answer, and how many people a household has.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import uvloop

from tests.bench.dialects import Country

NAMES: Final = ("crvs", "social", "national_id", "tax", "land", "education", "health")
_SPARED: Final = ("disability", "farmer", "beneficiary", "employment")
_ELSEWHERE: Final = {
    "HEARTH_HOUSING_URL": "http://127.0.0.1:9",
    "HEARTH_HOUSING_TOKEN": "bench",
    "HEARTH_SOCIAL_INSURANCE_URL": "sqlite:////nowhere/fund.db",
    "HEARTH_PAYMENTS_URL": "file:///nowhere/payments",
    "HEARTH_FARMERS_LIST_URL": "sftp://127.0.0.1:9/",
    "HEARTH_FARMERS_LIST_USER": "bench",
    "HEARTH_FARMERS_LIST_PASSWORD": "bench",
    "HEARTH_FARMERS_LIST_HOST_KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJMlpRFvNcDZIpiqvKmpPHvTCIg4dCL8tB2CPPBHSEiV",
}
"""Registered too, and asked by none of the bench's questions; nobody is there."""
_CREDENTIALS: Final[dict[str, tuple[str, ...]]] = {
    "crvs": ("CLIENT_ID", "CLIENT_SECRET"),
    "social": ("CLIENT_ID", "CLIENT_SECRET"),
    "national_id": ("KEY",),
    "tax": ("USER", "PASSWORD"),
    "land": (),
    "education": ("KEY",),
    "health": ("TOKEN",),
}


class Service:
    """What all registries share: the country, the delay, the counters."""

    def __init__(self) -> None:
        self.country = Country()
        self.delay_s = 0.0
        self.calls: dict[str, int] = {}
        self.connections = 0
        self.took_s = 0.0

    def answer(self, registry: str, method: str, path: str, body: bytes) -> tuple[float, bytes]:
        """Return how long to wait, and the whole response."""
        if path.startswith("/_bench"):
            return 0.0, _response(self._control(method, path), "application/json")
        operation, content, type_ = self.country.answer(registry, path, body)
        if operation == "token":
            return 0.0, _response(content, type_)
        self.calls[operation] = self.calls.get(operation, 0) + 1
        return self.delay_s, _response(content, type_)

    def _control(self, method: str, path: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(path.partition("?")[2]).items()}
        if method == "PUT":
            self.delay_s = float(asked.get("delay_ms", self.delay_s * 1000)) / 1000
            self.country.members = int(asked.get("members", self.country.members))
        told = {"calls": dict(self.calls), "connections": self.connections, "took_s": self.took_s}
        if method == "DELETE":
            self.calls.clear()
            self.took_s, self.connections = 0.0, 0
        return orjson.dumps(told)


def _response(content: bytes, type_: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        type_.encode(),
        len(content),
        content,
    )


class Connection(asyncio.Protocol):
    """One connection to one registry; requests follow one another."""

    def __init__(self, registry: str, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._registry, self._service, self._loop = registry, service, loop
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._service.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            stop = end + 4 + length
            if len(self._received) < stop:
                if b"100-continue" in head:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self._received = self._received[end + 4 : stop], self._received[stop:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            self._answer(method, path, body)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        start = time.perf_counter()
        delay_s, answer = self._service.answer(self._registry, method, path, body)
        if delay_s:
            self._loop.call_later(delay_s, self._write, answer, start)
        else:
            self._write(answer, start)

    def _write(self, answer: bytes, start: float) -> None:
        self._transport.write(answer)
        self._service.took_s += time.perf_counter() - start


def environment(addresses: dict[str, str]) -> dict[str, str]:
    """Return the variables that the manifests read."""
    found = {}
    for name, address in addresses.items():
        found[f"HEARTH_{name.upper()}_URL"] = address
        for credential in _CREDENTIALS.get(name, ()):
            found[f"HEARTH_{name.upper()}_{credential}"] = "bench"
    # Connected like the others, and asked by none of the bench's questions.
    for name in _SPARED:
        found[f"HEARTH_{name.upper()}_URL"] = addresses["crvs"]
    found |= _ELSEWHERE
    for name in ("crvs", "social", *_SPARED):
        for credential in ("CLIENT_ID", "CLIENT_SECRET", "CALLBACK_TOKEN"):
            found[f"HEARTH_{name.upper()}_{credential}"] = "bench"
    return found


async def serve(file: Path, further: int) -> None:
    """Listen, say where, and stay until standard input ends."""
    loop, service = asyncio.get_running_loop(), Service()
    addresses = {}
    for name in (*NAMES, *(f"facts{number:02d}" for number in range(further))):
        server = await loop.create_server(
            lambda name=name: Connection(name, service, loop), "127.0.0.1", 0, backlog=4096
        )
        addresses[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    partial = file.with_suffix(".partial")
    partial.write_bytes(orjson.dumps({"addresses": addresses, "environment": environment(addresses)}))
    partial.replace(file)
    await asyncio.to_thread(_until_stdin_ends)


def _until_stdin_ends() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--further", type=int, default=0)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.file, arguments.further))
