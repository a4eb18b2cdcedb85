"""Where the registries that are files keep them: a folder that goes with its country, however that ends.

A country that was killed could not clear up; the next one on the machine does, and knows by a lock, which goes with
the process that holds it, that nobody lives there any more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

PREFIX: Final = "poveria-"
_LOCK: Final = ".inhabited"


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Give a new folder that only its owner may read, and clear away those of countries that are gone."""
    clear_up(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        draft = folder / f"{_LOCK}.draft"
        lock = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            draft.rename(folder / _LOCK)  # so that nobody ever finds it without its lock
            yield folder
        finally:
            os.close(lock)


def clear_up(place: Path) -> None:
    """Remove the folders of countries that are gone; those of others, and whatever is no such folder, stay."""
    if fcntl is None:  # pragma: no cover - Windows
        return
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if about.st_uid != os.getuid() or folder.is_symlink():
                continue
            # One without a lock has just been made, and will have one in a moment.
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
