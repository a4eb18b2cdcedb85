"""The journal of a gateway, as its settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.journal import CopyFile, Duties, SqlJournal

if TYPE_CHECKING:
    from gateway.keys import Keys
    from gateway.settings import Settings


def open_journal(url: str, settings: Settings, keys: Keys) -> SqlJournal:
    """Return a journal by its SQLAlchemy URL, with checkpoints and copy beside it; it is to be opened."""
    stated, folder = settings.journal, settings.stores.folder
    copy = None
    if stated.copy_file is not None:
        copy = CopyFile(stated.copy_file, max_bytes=stated.copy_max_bytes, daily=stated.copy_daily)
    duties = Duties(
        key=keys.signing,
        lock=folder / "journal.lock",
        checkpoint_file=stated.checkpoint_file or folder / "checkpoints.jsonl",
        checkpoint_entries=stated.checkpoint_entries,
        checkpoint_s=stated.checkpoint_s,
        copy=copy,
    )
    return SqlJournal(url, duties, max_waiting=stated.max_waiting, max_wait_s=stated.max_wait_s)
