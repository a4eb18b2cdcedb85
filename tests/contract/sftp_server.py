"""An SFTP server over a folder, on loopback, for one test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import asyncssh

USER = "gateway"
PASSWORD = "only-here"


class Served(NamedTuple):
    """Where a server is, and how it is known."""

    port: int
    host_key: str
    """Its public key."""
    key: str
    """A private key that it lets in."""


class _Users(asyncssh.SSHServer):
    def __init__(self, key):
        self._key = key

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, username, key):
        return username == USER and key.export_public_key() == self._key.export_public_key()


@asynccontextmanager
async def sftp_server(folder, serving=asyncssh.SFTPServer):
    """Serve a folder to one user, who has a password and a key; `serving` says how it misbehaves."""
    host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")

    def rooted(channel):
        return serving(channel, chroot=str(folder).encode())

    server = await asyncssh.create_server(
        *(lambda: _Users(user), "127.0.0.1", 0), server_host_keys=[host], sftp_factory=rooted
    )
    try:
        yield Served(
            server.sockets[0].getsockname()[1],
            host.export_public_key().decode(),
            user.export_private_key().decode(),
        )
    finally:
        server.close()
        await server.wait_closed()


class Line:
    """A line to a server that can fall silent: it passes nothing on any more, and closes nothing."""

    def __init__(self):
        self.port = 0
        self.is_silent = False

    async def carry(self, reader, writer):
        """Pass on what comes."""
        try:
            with suppress(OSError):
                while piece := await reader.read(65_536):
                    if not self.is_silent:
                        writer.write(piece)
        finally:
            writer.transport.abort()


@asynccontextmanager
async def line_to(server):
    """Lead to a server by another port."""
    line = Line()
    carried: set[asyncio.Task[Any]] = set()

    async def lead(reader, writer):
        task = asyncio.current_task()
        assert task is not None
        carried.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(line.carry(reader, back), line.carry(there, writer))

    listening = await asyncio.start_server(lead, "127.0.0.1", 0)
    line.port = listening.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listening.close()
        for one in carried:
            one.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
