"""What manifests refer to as `env:NAME`: a variable of the process, else a file NAME in the folder of secrets.

A new registry needs no restart: its address and credentials are put into the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

Stamp = tuple[tuple[str, int, int, int], ...]
"""Name, time, size and inode of every file."""


class Secrets(Mapping[str, str]):
    """The environment of manifests. Read anew at every look; nothing of it is kept."""

    def __init__(self, environment: Mapping[str, str], folder: Path | None) -> None:
        self._environment, self._folder = environment, folder

    def __getitem__(self, name: str) -> str:
        if self._environment.get(name, "").strip():
            return self._environment[name]
        path = self._path(name)
        if path is not None:
            with suppress(OSError, UnicodeDecodeError):
                return path.read_text(encoding="utf-8").rstrip("\r\n")
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._environment, *(name for name, *_ in self.stamp())))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def stamp(self) -> Stamp:
        """Return what is another once a file of the folder is another."""
        if self._folder is None:
            return ()
        found = []
        with suppress(OSError):
            for path in sorted(self._folder.iterdir()):
                with suppress(OSError):
                    stat = path.stat()
                    found.append((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

    def _path(self, name: str) -> Path | None:
        if self._folder is None or not name.isidentifier():
            return None
        path = self._folder / name
        return path if path.is_file() else None
