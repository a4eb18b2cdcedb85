"""Lists on an SFTP server: known by its pinned key, asked for what there is, and for one file at a time."""

from __future__ import annotations

import asyncio
import os
import posixpath
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

import asyncssh

from adapters.generic.files.place import MOST_ENTRIES, TOO_MANY, Entry, PlaceError, RefusedError
from adapters.generic.files.spool import Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_PIECE_BYTES: Final = 262_144
_LONGEST_S: Final = 1800.0
"""How long a list may take to be fetched."""
_SILENT_S: Final = 60.0
"""How long the next piece of it may take."""


class Access(NamedTuple):
    """How an SFTP server and we know each other."""

    host: str
    port: int
    folder: str
    user: str
    host_keys: str
    """Its public keys, one a line, as `ssh-keyscan` writes them."""
    key: str | None = None
    """Our private key."""
    password: str | None = None


class SftpFolder:
    """A folder of an SFTP server.

    Raises: ValueError, saying which, when a key is none.
    """

    def __init__(self, access: Access, *, timeout_s: float, most_bytes: int) -> None:
        self._access, self._timeout_s, self._most_bytes = access, timeout_s, most_bytes
        try:
            lines = [line for line in access.host_keys.splitlines() if line.strip() and not line.startswith("#")]
            self._host_keys = [asyncssh.import_public_key(_without_host(line)) for line in lines]
        except asyncssh.KeyImportError:
            raise ValueError("`sftp.host_key` is no public key: write `ssh-ed25519 AAAA...`") from None
        if not self._host_keys:
            raise ValueError("`sftp.host_key` holds no key")
        try:
            self._keys = [asyncssh.import_private_key(access.key)] if access.key else []
        except asyncssh.KeyImportError:
            raise ValueError("`sftp.key` is no private key, or one with a passphrase") from None

    async def look(self) -> list[Entry]:
        """Return every file there.

        Raises: PlaceError.
        """
        async with self._connected() as connection:
            with _cut_after(connection, self._timeout_s):
                return await self._entries(await connection.start_sftp_client())

    async def _entries(self, session: asyncssh.SFTPClient) -> list[Entry]:
        entries, count = list[Entry](), 0
        async for one in session.scandir(os.fsencode(self._access.folder)):
            count += 1
            if count > MOST_ENTRIES:
                raise PlaceError(TOO_MANY)
            attrs, name = one.attrs, os.fsdecode(one.filename)
            if attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and "/" not in name:
                entries.append(Entry(name, attrs.size or 0, float(attrs.mtime or 0)))
        return entries

    async def bring(self, entry: Entry) -> BinaryIO:
        """Return one of them, fetched whole into a sealed file without a name.

        Raises: PlaceError.
        """
        spool = await asyncio.to_thread(Spool)
        try:
            async with self._connected() as connection:
                with _cut_after(connection, _LONGEST_S):
                    await self._fetch(connection, entry, spool)
            self._check_size(spool.bytes, entry)
            return spool.rewind()
        except BaseException:
            spool.close()
            raise

    async def _fetch(self, connection: asyncssh.SSHClientConnection, entry: Entry, spool: Spool) -> None:
        with _cut_after(connection, self._timeout_s):
            session = await connection.start_sftp_client()
        with _cut_after(connection, _SILENT_S):
            file = await session.open(os.fsencode(posixpath.join(self._access.folder, entry.name)), "rb")
        while spool.bytes <= min(self._most_bytes, entry.size):
            with _cut_after(connection, _SILENT_S):
                piece = cast("bytes", await file.read(_PIECE_BYTES))
            if not piece:
                break
            try:
                await asyncio.to_thread(spool.write, piece)
            except OSError as error:
                raise PlaceError(f"this machine has no room to read the list ({type(error).__name__})") from None

    def _check_size(self, count: int, entry: Entry) -> None:
        if count != entry.size:
            raise PlaceError("the list is shorter or longer than it was said to be")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        access = self._access
        try:
            async with asyncssh.connect(
                access.host,
                access.port,
                # INVARIANT: nobody is talked to but whoever holds the pinned key; nothing of this machine's
                # own user, its agent, keys or settings, is offered to anybody.
                known_hosts=(self._host_keys, [], []),
                username=access.user,
                password=access.password,
                client_keys=self._keys or None,
                agent_path=None,
                config=None,
                connect_timeout=self._timeout_s,
                login_timeout=self._timeout_s,
            ) as connection:
                yield connection
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            raise RefusedError("the server does not show the pinned host key") from None
        except (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied):
            raise RefusedError("the server does not let us in") from None
        except asyncssh.SFTPNoSuchFile:
            raise PlaceError("the folder or the list is not there") from None
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise PlaceError(f"the server cannot be reached ({type(error).__name__})") from None


@contextmanager
def _cut_after(connection: asyncssh.SSHClientConnection, longest_s: float) -> Iterator[None]:
    """Cut a connection after so long: a server that hangs answers no closing either, of a file or of a session."""
    cut = asyncio.get_running_loop().call_later(longest_s, connection.abort)
    try:
        yield
    finally:
        cut.cancel()


def _without_host(line: str) -> str:
    words = line.split()
    return " ".join(words[1:] if len(words) > 2 and not words[0].startswith(("ssh-", "ecdsa-", "sk-")) else words)
