"""The second sink: a copy of the journal as JSON lines, on another disk or in a folder that is carried away.

    {"seq":1,"previous":"0000...","hash":"9f3c...","entry":{...}}

in the order of the chain, without gaps, and durable when `append` returns. A file that is full, or of a day that has
passed, is renamed after the number of its first entry (`journal-000000000001.jsonl`) and a new one is begun.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from gateway.journal.chain import GENESIS, Row
from standards.errors import JournalError

_LAST: Final = 65_536
"""How much of a file's end is read first, in search of its last line."""


def line_of(row: Row) -> bytes:
    """Return an entry as a line; its text stands in it as it is, so that its hash can be taken again."""
    return f'{{"seq":{row.seq},"previous":"{row.previous}","hash":"{row.hash}","entry":{row.entry}}}\n'.encode()


def row_of(line: bytes) -> Row:
    """Return the entry of a line.

    Raises: JournalError when it is none.
    """
    try:
        said = orjson.loads(line)
        text = line[line.index(b'"entry":') + 8 : line.rindex(b"}")].decode()
        return Row(int(said["seq"]), text, str(said["previous"]), str(said["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError("the copy holds a line that is no entry of a journal") from error


class CopyFile:
    """The copy, for one writer at a time: who may write is settled by the caller's lock.

    max_bytes: size at which a file is put aside; 0 never.
    daily: whether one is begun every day, UTC.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0, daily: bool = False) -> None:
        self.path, self._max_bytes, self._daily = path, max_bytes, daily

    def end(self) -> tuple[int, str]:
        """Return number and hash of the newest entry in it, and cut off a line that a crash left unfinished.

        Raises: OSError, JournalError.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(_whole(file))
        for path in reversed(files_of(self.path)):
            if path.stat().st_size:
                last = row_of(_last_line(path))
                return last.seq, last.hash
        return 0, GENESIS

    def append(self, rows: Sequence[Row]) -> None:
        """Write entries; they are durable when this returns.

        Raises: OSError; then nothing of them is left behind, unless the disk refuses that too: ask `end` what is there.
        """
        self._put_aside()
        is_new = not self.path.exists() or not self.path.stat().st_size
        # Without a buffer: after a write that failed half-way, closing the file would write what was left in it, and
        # that is the rest of a line whose beginning has just been cut off.
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                _write(file, b"".join(map(line_of, rows)))
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(before)
                    os.fsync(file.fileno())
                raise
        if is_new:
            _sync_folder(self.path.parent)

    def _put_aside(self) -> None:
        if not self.path.exists():
            return
        about = self.path.stat()
        if not about.st_size:
            return
        written = datetime.fromtimestamp(about.st_mtime, UTC).date()
        is_full = self._max_bytes and about.st_size >= self._max_bytes
        if is_full or (self._daily and written < datetime.now(UTC).date()):
            first = row_of(_first_line(self.path)).seq
            self.path.rename(self.path.with_name(f"{self.path.stem}-{first:012d}{self.path.suffix}"))
            _sync_folder(self.path.parent)


def files_of(path: Path) -> list[Path]:
    """Return the files of a copy, the oldest first."""
    aside = sorted(path.parent.glob(f"{path.stem}-{'[0-9]' * 12}{path.suffix}"))
    return [*aside, *([path] if path.exists() else [])]


@contextlib.contextmanager
def copy_of(path: Path) -> Iterator[Iterator[Row]]:
    """Give the entries of a copy as it is now, over all its files; a last line that is not whole is passed over.

    Raises: JournalError when it cannot be read.
    """
    with contextlib.ExitStack() as closing:
        try:
            streams = _opened(path, closing)
        except OSError as error:
            raise JournalError(f"{path}: cannot be read ({error.strerror})") from error
        if not streams:
            raise JournalError(f"{path}: there is no copy of a journal")
        sized = [(stream, _whole(stream)) for stream in streams]
        yield (row for stream, size in sized for row in _rows(stream, size))


def _opened(path: Path, closing: contextlib.ExitStack) -> list[BinaryIO]:
    """Return the files of a copy as they stood at one moment: while they are opened, the writer may put one aside."""
    while True:
        with contextlib.ExitStack() as these:
            files = files_of(path)
            try:
                streams: list[BinaryIO] = [these.enter_context(file.open("rb")) for file in files]
                is_one_moment = files == files_of(path) and all(map(_is_same, streams, files))
            except FileNotFoundError:
                continue
            if is_one_moment:
                closing.push(these.pop_all())
                return streams


def _is_same(stream: BinaryIO, file: Path) -> bool:
    return os.fstat(stream.fileno()).st_ino == file.stat().st_ino


def _rows(stream: BinaryIO, size: int) -> Iterator[Row]:
    for at, line in enumerate(_lines(stream, size), start=1):
        try:
            yield row_of(line)
        except JournalError as error:
            raise JournalError(f"{stream.name}, line {at}: {error}") from None


def _lines(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while stream.tell() < size:
        line = stream.readline()
        if not line.endswith(b"\n"):
            return  # a writer whose disk is full has taken back what stood here when its size was looked at
        yield line


def _write(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _whole(file: BinaryIO) -> int:
    """Return how many bytes of a file are whole lines; it is read from its start afterwards."""
    start = file.seek(0, os.SEEK_END)
    while start > 0:
        start = max(0, start - _LAST)
        file.seek(start)
        if (end := file.read(_LAST).rfind(b"\n")) >= 0:
            file.seek(0)
            return start + end + 1
    return 0


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline()


def _last_line(path: Path) -> bytes:
    """Return the last line of a file of whole lines."""
    with path.open("rb") as file:
        size, wanted = path.stat().st_size, _LAST
        while True:
            file.seek(max(0, size - wanted))
            lines = file.read().splitlines(keepends=True)
            if len(lines) > 1 or wanted >= size:
                return lines[-1]
            wanted *= 4


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
