"""Files that a registry drops into a folder every night, each named after its day and whole when it appears."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

KEPT: Final = 3
"""How many drops lie in the folder; older ones are cleared away."""
_DROPPED_AT: Final = time(2, 30, tzinfo=UTC)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, separator: str, mark: bool) -> bytes:
    """Return a CSV file; `mark` puts the byte order mark before it that office programs write."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig" if mark else "utf-8")


class Drops:
    """The drops of one registry: the newest is what it says now."""

    def __init__(self, folder: Path, stem: str) -> None:
        """Take the folder, and how names of files begin."""
        self._folder, self._stem = folder, stem

    @property
    def newest(self) -> Path | None:
        """Return the newest drop, None when there is none."""
        return max(self._folder.glob(f"{self._stem}-*.csv"), default=None)

    def put(self, day: date, content: bytes) -> None:
        """Drop a file, and clear away the oldest."""
        path = self._folder / f"{self._stem}-{day.isoformat()}.csv"
        draft = path.with_suffix(".part")
        draft.write_bytes(content)
        at = datetime.combine(day, _DROPPED_AT).timestamp()
        os.utime(draft, (at, at))
        draft.replace(path)
        for old in sorted(self._folder.glob(f"{self._stem}-*.csv"))[:-KEPT]:
            old.unlink()

    def clear(self) -> None:
        """Take every drop away."""
        for path in self._folder.glob(f"{self._stem}-*.csv"):
            path.unlink()


def cut(content: bytes) -> bytes:
    """Return a file as an upload leaves it that broke off: in the middle of a line, and of a character at times."""
    return content[: max(1, len(content) * 3 // 5)].rstrip(b"\r\n")[:-2] + b'"\xff'


def renamed(content: bytes, names: Mapping[str, str]) -> bytes:
    """Return a file whose columns are called otherwise."""
    head, line_end, rest = content.partition(b"\r\n")
    for name, other in names.items():
        head = head.replace(name.encode(), other.encode())
    return head + line_end + rest


def emptied(_: bytes) -> bytes:
    """Return a file without a byte."""
    return b""


Spoil = Callable[[bytes], bytes]
