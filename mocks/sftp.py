"""A house where files can be fetched by SFTP: one folder, nothing but reading, a host key that clients pin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NoReturn

import asyncssh

from mocks.registry import same

if TYPE_CHECKING:
    from pathlib import Path

HOST: Final = "127.0.0.1"
_KIND: Final = "ssh-ed25519"
_LOGIN_S: Final = 10
_ACE4_READ_DATA: Final = 0x1
_ACE4_READ_ATTRIBUTES: Final = 0x80
_READING: Final = _ACE4_READ_DATA | _ACE4_READ_ATTRIBUTES


class SftpHouse:
    """One server for one user, who has a password and a key."""

    def __init__(self, user: str, password: str) -> None:
        """Make the keys; nothing is open yet."""
        self.user, self.password = user, password
        self._own, self._other, client = (asyncssh.generate_private_key(_KIND) for _ in range(3))
        self.host_key = self._own.export_public_key().decode().strip()
        """The line by which clients know this server."""
        self.client_key = client.export_private_key().decode()
        """A private key that opens it, as the password does."""
        self.authorised = asyncssh.import_authorized_keys(client.export_public_key().decode())
        self.opened = 0
        """How many files were opened so far."""
        self.is_down = False
        self.delay_s = 0.0
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def open(self, folder: Path, port: int) -> str:
        """Serve a folder; returns the address of its root."""
        self._acceptor = await asyncssh.listen(
            HOST,
            port,
            server_host_keys=[self._own],
            server_factory=lambda: _Door(self),
            sftp_factory=lambda channel: _Shelf(channel, self, folder),
            allow_scp=False,
            agent_forwarding=False,
            login_timeout=_LOGIN_S,
            encoding=None,
        )
        return f"sftp://{HOST}:{self._acceptor.get_port()}"

    def misbehave(self, mode: str, delay_s: float) -> None:
        """Be down, slow, or a stranger, from now on and for who is connected already."""
        match mode:
            case "down":
                self.is_down = True
            case "slow":
                self.delay_s = delay_s
            case _:
                self._show_key(self._other)
        self._drop_all()

    def behave(self) -> None:
        """Behave again."""
        self.is_down, self.delay_s = False, 0.0
        self._show_key(self._own)
        self._drop_all()

    async def close(self) -> None:
        """Let everybody go and listen no longer."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._drop_all()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def joined(self, connection: asyncssh.SSHServerConnection) -> None:
        """Take note of a connection, or cut it where the house is down."""
        if self.is_down:
            connection.abort()
        else:
            self._connections.add(connection)

    def left(self, connection: asyncssh.SSHServerConnection | None) -> None:
        """Forget a connection."""
        self._connections -= {connection} if connection is not None else set()

    def _show_key(self, key: asyncssh.SSHKey) -> None:
        if self._acceptor is not None:
            self._acceptor.update(server_host_keys=[key])

    def _drop_all(self) -> None:
        for connection in tuple(self._connections):
            connection.abort()


class _Door(asyncssh.SSHServer):
    """Who may come in: by password or by key; no shell, no forwarding."""

    def __init__(self, house: SftpHouse) -> None:
        self._house = house
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._house.joined(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.left(self._connection)

    def begin_auth(self, username: str) -> bool:
        if self._connection is not None and username == self._house.user:
            self._connection.set_authorized_keys(self._house.authorised)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return same(username, self._house.user) and same(password, self._house.password)


class _Shelf(asyncssh.SFTPServer):
    """One folder, to be read only."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], house: SftpHouse, folder: Path) -> None:
        super().__init__(channel, chroot=str(folder).encode())
        self._house = house

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        await self._open_for(reading=pflags == asyncssh.FXF_READ)
        return super().open(path, pflags, attrs)

    async def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        await self._open_for(reading=not desired_access & ~_READING)
        return super().open56(path, desired_access, flags, attrs)

    async def _open_for(self, *, reading: bool) -> None:
        if not reading:
            _refused()
        self._house.opened += 1
        await asyncio.sleep(self._house.delay_s)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        _refused()

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refused()

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refused()

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        _refused()

    def remove(self, path: bytes) -> None:
        _refused()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refused()

    def rmdir(self, path: bytes) -> None:
        _refused()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        _refused()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        _refused()

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        _refused()

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        _refused()


def _refused(*_: Any) -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("this folder is only for reading")
