"""Where lists are dropped: which there are, the newest first, and one of them, to be read."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from contextlib import suppress
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.generic.files.options import FilesOptions

DONE: Final = ".done"
MOST_ENTRIES: Final = 20_000
"""Entries of a folder that are looked at; a folder with more is not one of drops."""
TOO_MANY: Final = f"more than {MOST_ENTRIES} files in the folder"
_DAY: Final = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


class PlaceError(Exception):
    """Nothing can be read where the lists are dropped; its text names no file."""


class RefusedError(PlaceError):
    """Whoever holds the lists does not let us in, or is not who it should be."""


class Entry(NamedTuple):
    """One file, as its folder tells of it."""

    name: str
    size: int
    changed: float
    """When it was last changed, in seconds since 1970."""


class Drop(NamedTuple):
    """One list that was dropped; equal while nobody changes it."""

    entry: Entry
    day: date | None
    """As of when it holds, where its name says so."""

    @property
    def at(self) -> datetime:
        """Return as of when it holds."""
        return datetime.combine(self.day, time(), UTC) if self.day else datetime.fromtimestamp(self.entry.changed, UTC)

    def order(self) -> tuple[datetime, str]:
        """Return what drops are ordered by."""
        return self.at, self.entry.name

    @property
    def as_of(self) -> str:
        """Return the same as a record states it."""
        return self.day.isoformat() if self.day else self.at.replace(microsecond=0).isoformat()


class Place(Protocol):
    """Where lists are dropped."""

    async def look(self) -> list[Entry]:
        """Return every file there, and none of its folders or links.

        Raises: PlaceError.
        """
        ...

    async def bring(self, entry: Entry) -> BinaryIO:
        """Return a file to be read in another thread, which closes it.

        Raises: PlaceError.
        """
        ...


class Folder:
    """A folder of this machine."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def look(self) -> list[Entry]:
        """Return every file there.

        Raises: PlaceError.
        """
        return await asyncio.to_thread(self._look)

    async def bring(self, entry: Entry) -> BinaryIO:
        """Return one of them, opened.

        Raises: PlaceError.
        """
        return await asyncio.to_thread(self._open, entry)

    def _look(self) -> list[Entry]:
        entries = []
        try:
            with os.scandir(self._path) as every:
                for count, one in enumerate(every, start=1):
                    if count > MOST_ENTRIES:
                        raise PlaceError(TOO_MANY)
                    with suppress(FileNotFoundError):  # cleared away between its name and its size
                        if one.is_file(follow_symlinks=False):
                            said = one.stat(follow_symlinks=False)
                            entries.append(Entry(one.name, said.st_size, said.st_mtime))
        except OSError as error:
            raise PlaceError(f"the folder cannot be read ({type(error).__name__})") from None
        return entries

    def _open(self, entry: Entry) -> BinaryIO:
        try:
            descriptor = os.open(self._path / entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise PlaceError(f"the list cannot be read ({type(error).__name__})") from None
        said = os.fstat(descriptor)
        file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(said.st_mode) or (said.st_size, said.st_mtime) != entry[1:]:
            file.close()
            raise PlaceError("the list was changed while it was opened")
        return file


def drops(entries: Iterable[Entry], options: FilesOptions) -> list[Drop]:
    """Return the lists among some files, the newest first; of those that are marked as whole, where marks are set."""
    entries = list(entries)
    names = {entry.name for entry in entries}
    found = []
    for entry in entries:
        if not fnmatchcase(entry.name, options.pattern) or entry.name.endswith(DONE):
            continue
        if options.complete == "marker" and entry.name + DONE not in names:
            continue
        day = _day(entry.name) if options.dated_name else None
        if day is not None or not options.dated_name:
            found.append(Drop(entry, day))
    return sorted(found, key=Drop.order, reverse=True)


def _day(name: str) -> date | None:
    for year, month, day in _DAY.findall(name):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None
