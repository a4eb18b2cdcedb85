"""The keeper: beside the writers, it signs checkpoints and keeps the copy; one of all processes at a time.

It reads what is committed, so writing an entry costs nothing more, and a sink that is slow or full holds nobody up: it
is caught up from the store when it takes lines again.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.journal.checkpoints import Checkpoint, checkpoint, parsed, read_checkpoints
from gateway.journal.copy import CopyFile
from gateway.journal.store import CHECKPOINTS, Store, end_of, hash_at, rows_after
from gateway.journal.turns import Turns
from standards.errors import JournalError

log = structlog.get_logger()

LOOK_S: Final = 0.5
"""How often it looks for new entries."""
_TURN_S: Final = 1.0
"""How long it waits at the end for the keeper of another process."""
_ROWS: Final = 500


class Duties(NamedTuple):
    """What a keeper does.

    checkpoint_file: every checkpoint as one line, beside the store's own table.
    checkpoint_entries, checkpoint_s: a checkpoint is due after so many entries, or so many seconds with a new one.
    copy: the second sink, if there is one.
    lock: file by which the processes on one machine settle who keeps.
    """

    key: Ed25519PrivateKey
    lock: Path
    checkpoint_file: Path
    checkpoint_entries: int = 1000
    checkpoint_s: float = 60.0
    copy: CopyFile | None = None


class Keeper:
    """One keeper; a thread of its own from `start` to `stop`."""

    def __init__(self, url: str, duties: Duties, now: Callable[[], datetime]) -> None:
        self._store, self._duties, self._now = Store(url), duties, now
        self._stopping = threading.Event()
        self.key = duties.key
        """What checkpoints are signed with; another key may take its place while this runs."""
        self._thread = threading.Thread(target=self._run, name="journal-keeper", daemon=True)
        self._turns = Turns(duties.lock)
        self._has_turn = False
        self._seen: tuple[int, str] | None = None
        """End of the chain when it was looked at last."""
        self._signed = 0
        self._due = 0.0
        self._copied: int | None = None
        """Number of the newest entry in the copy; None when that is to be looked up in it."""
        self.trouble: str | None = None
        """Why the copy or the checkpoints are behind, or None."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Sign and copy what is left, and end."""
        self._stopping.set()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self._look(is_last=False)
        until = time.monotonic() + _TURN_S
        while not self._look(is_last=True) and time.monotonic() < until:
            time.sleep(0.02)
        self._turns.close()

    def _look(self, *, is_last: bool) -> bool:
        """Do what is due; tell whether it was this keeper's turn."""
        trouble = None
        try:
            if not self._is_keeper():
                return False
            is_new = self._check_in(is_last=is_last)
            self._copy()
            if is_new:
                self._store.settle()
        except JournalError as error:
            trouble = str(error)
        except (SQLAlchemyError, OSError) as error:
            trouble = f"{type(error).__name__}{f': {error.strerror}' if isinstance(error, OSError) else ''}"
            self._store.forget_connections()
        if trouble is not None and self.trouble is None:
            with contextlib.suppress(OSError):
                log.error("journal_keeping_failed", reason=trouble)
        self.trouble = trouble
        return True

    def _is_keeper(self) -> bool:
        if not self._has_turn and self._turns.take():
            self._take_over()
            self._has_turn = True
        return self._has_turn

    def _take_over(self) -> None:
        """Find out where the keeper before this one has got to."""
        duties = self._duties
        with self._store.reading() as connection:
            newest = connection.execute(
                select(CHECKPOINTS.c.checkpoint).order_by(CHECKPOINTS.c.seq.desc()).limit(1)
            ).scalar()
        known = [parsed(newest)] if newest is not None else []
        if duties.checkpoint_file.exists():
            known += list(read_checkpoints(duties.checkpoint_file))[-1:]
        last = max(known, default=None)
        self._signed = last.seq if last else 0
        self._seen = (last.seq, last.hash) if last else None
        self._due = time.monotonic() + duties.checkpoint_s
        self._copied = None

    # -- checkpoints ---------------------------------------------------------------------------------------

    def _check_in(self, *, is_last: bool) -> bool:
        """Sign a checkpoint when one is due, and write it where it is kept; tell whether there were new entries.

        Raises: JournalError when what was seen before has changed: nothing is signed then.
        """
        with self._store.reading() as connection:
            seq, last = end_of(connection)
            was = hash_at(connection, self._seen[0]) if self._seen is not None and self._seen[0] else None
        if self._seen is not None and self._seen[0] and was != self._seen[1]:
            # INVARIANT: nobody puts his name to a journal that is not the one he has seen before.
            raise JournalError(f"entry {self._seen[0]} was changed or removed: run `hearth journal verify`")
        is_new = self._seen != (seq, last)
        self._seen = (seq, last)
        is_due = seq - self._signed >= self._duties.checkpoint_entries or time.monotonic() >= self._due or is_last
        if seq > self._signed and is_due:
            self._sign(checkpoint(seq, last, self._now(), self.key))
        if is_due:
            self._due = time.monotonic() + self._duties.checkpoint_s
            self._write_down()
        return is_new

    def _sign(self, one: Checkpoint) -> None:
        with contextlib.suppress(IntegrityError), self._store.writing() as connection:  # another machine was first
            connection.execute(insert(CHECKPOINTS), [{"seq": one.seq, "checkpoint": one.text()}])
        self._signed = one.seq

    def _write_down(self) -> None:
        """Append to the file every checkpoint of the store that it lacks."""
        path = self._duties.checkpoint_file
        path.parent.mkdir(parents=True, exist_ok=True)
        have = max((one.seq for one in read_checkpoints(path)), default=0) if path.exists() else 0
        with self._store.reading() as connection:
            missing = connection.execute(
                select(CHECKPOINTS.c.checkpoint).where(CHECKPOINTS.c.seq > have).order_by(CHECKPOINTS.c.seq)
            ).scalars()
            lines = [f"{text}\n".encode() for text in missing]
        if not lines:
            return
        with path.open("a+b") as file:
            file.seek(0)
            if (whole := file.read().rfind(b"\n") + 1) < file.tell():  # a crash left half a line
                file.truncate(whole)
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())

    # -- the copy ------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        """Append to the copy every entry that it lacks."""
        copy = self._duties.copy
        if copy is None:
            return
        # INVARIANT: after a failure the copy itself says what it holds, never what was thought to be in it.
        copied, self._copied = self._copied, None
        if copied is None:
            copied, _ = copy.end()
        while True:
            with self._store.reading() as connection:
                rows = rows_after(connection, copied, _ROWS)
            if not rows:
                break
            copy.append(rows)
            copied = rows[-1].seq
        self._copied = copied
