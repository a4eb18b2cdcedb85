"""The file of the keys for pseudonyms: made on the first start, shared by every process, re-read when it changes."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.keys import write_private
from policies.handles import HandleRing
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

    from policies.handles import Handles

FILE: Final = "handles.json"


class HandleFile:
    """The keys for pseudonyms of one gateway."""

    def __init__(self, folder: Path) -> None:
        """Read the file in the folder of keys, and make it if it is not there.

        Raises: ConfigurationError when it cannot be used.
        """
        self._path = folder / FILE
        with suppress(FileExistsError):
            if not self._path.exists():
                _create(self._path, HandleRing.first().dump())
        self._stamp, self._ring = self._read()

    def handles(self, consumer_id: str, on: date) -> Handles:
        """Return what makes the handles of one programme on a day."""
        return self._ring.handles(consumer_id, on)

    def refresh(self) -> bool:
        """Take in a changed file; True when it has. A file that cannot be read changes nothing.

        Raises: ConfigurationError when it has changed and cannot be used; the keys stay as they were.
        """
        with suppress(OSError):
            if _stamp(self._path) == self._stamp:
                return False
            self._stamp, self._ring = self._read()
            return True
        return False

    def rotate(self, on: date, keep_days: int) -> str:
        """Make a new key that counts from a day on, keep older ones for so many days, and return the new one's id."""
        ring = self._ring.rotated(on, keep_days)
        write_private(self._path, ring.dump())
        self._stamp, self._ring = self._read()
        return self._ring.keys[-1].id

    def _read(self) -> tuple[tuple[int, int], HandleRing]:
        stamp = _stamp(self._path)
        try:
            return stamp, HandleRing.parse(self._path.read_bytes())
        except ConfigurationError as wrong:
            self._stamp = stamp  # said once
            raise ConfigurationError(f"{self._path.name}: {wrong}") from None


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_ino


def _create(path: Path, content: bytes) -> None:
    """Write a private file whole, unless there is one: of two processes that start at once, one writes it."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(made, content)
    try:
        os.link(made, path)
    finally:
        made.unlink()
