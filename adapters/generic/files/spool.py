"""Temporary files without a name, sealed with a key that is nowhere but in memory."""

from __future__ import annotations

import io
import secrets
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_CHUNK_BYTES: Final = 65_536
_SEAL_BYTES: Final = 16
_KEY_BITS: Final = 256


class Sealer:
    """Seals numbered pieces with a key of its own; a number is never used twice."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(_KEY_BITS))

    def seal(self, number: int, clear: bytes) -> bytes:
        """Return a piece as it may be stored."""
        return self._cipher.encrypt(number.to_bytes(12, "big"), clear, None)

    def open(self, number: int, sealed: bytes) -> bytes:
        """Return a piece as it was."""
        return self._cipher.decrypt(number.to_bytes(12, "big"), sealed, None)


class Spool(io.RawIOBase):
    """A file that is written once, from its begin to its end, and then read: on a disk, but for nobody else."""

    def __init__(self) -> None:
        super().__init__()
        self._file: BinaryIO = cast("BinaryIO", tempfile.TemporaryFile(prefix=secrets.token_hex(8)))  # noqa: SIM115
        self._sealer, self._waiting, self._chunks, self._read = Sealer(), bytearray(), 0, 0
        self.bytes = 0
        """How many were written."""

    def write(self, piece: ReadableBuffer) -> int:
        """Take the next piece of the file."""
        clear = bytes(piece)
        self._waiting += clear
        self.bytes += len(clear)
        while len(self._waiting) >= _CHUNK_BYTES:
            self._put(_CHUNK_BYTES)
        return len(clear)

    def rewind(self) -> BinaryIO:
        """Return the file to be read from its begin; nothing more is written."""
        if self._waiting:
            self._put(len(self._waiting))
        self._file.seek(0)
        return cast("BinaryIO", io.BufferedReader(self, _CHUNK_BYTES))

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        """Give the next bytes of the file."""
        room = memoryview(into).cast("B")
        if not self._waiting and self._read < self._chunks:
            self._waiting += self._sealer.open(self._read, self._file.read(_CHUNK_BYTES + _SEAL_BYTES))
            self._read += 1
        count = min(len(room), len(self._waiting))
        room[:count] = self._waiting[:count]
        del self._waiting[:count]
        return count

    def close(self) -> None:
        """Let go of the file; nothing of it can be read afterwards."""
        self._file.close()
        super().close()

    def _put(self, count: int) -> None:
        self._file.write(self._sealer.seal(self._chunks, bytes(self._waiting[:count])))
        del self._waiting[:count]
        self._chunks += 1
