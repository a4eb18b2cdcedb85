"""Verification: the chain, the signed checkpoints, and the copy; with public keys only, by whoever wants to know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import inspect, select

from gateway.journal.chain import GENESIS, Row, follows
from gateway.journal.checkpoints import Checkpoint, parsed, read_checkpoints
from gateway.journal.copy import copy_of
from gateway.journal.store import CHECKPOINTS, Store, all_rows
from standards.errors import JournalError


class Examined(NamedTuple):
    """What holds of a journal."""

    entries: int
    checkpoints: int
    newest: Checkpoint | None
    """The checkpoint over the most entries; those after it are held by the chain alone."""
    copied: int | None
    """Entries of the copy that were compared; None without one."""


def verify(url: str) -> int:
    """Return how many entries the journal holds, when the chain is whole.

    Raises: JournalError that names the first entry which was edited, cut or moved, or when it cannot be read.
    """
    return examine(url, None).entries


def examine(
    url: str,
    keys: Mapping[str, Ed25519PublicKey] | None,
    *,
    checkpoints: Iterable[Path] = (),
    copy: Path | None = None,
) -> Examined:
    """Compare a journal with itself, with the checkpoints in it and in files, and with its copy.

    keys: public keys of the gateway by their thumbprints; None leaves the checkpoints unread.
    Raises: JournalError that names the first entry which was edited, cut, moved or is missing, or what cannot be read.
    """
    # What lies beside the store is read before it: a journal that grows meanwhile only ever has more than they say.
    beside = [one for path in checkpoints for one in read_checkpoints(path)] if keys is not None else []
    store = Store(url)
    with closing(store), contextlib.ExitStack() as stack:
        copied = _Copied(stack.enter_context(copy_of(copy))) if copy is not None else None
        connection = stack.enter_context(store.reading())
        signed: dict[int, list[Checkpoint]] = {}
        if keys is not None:
            kept = inspect(connection).has_table(CHECKPOINTS.name)
            texts = connection.execute(select(CHECKPOINTS.c.checkpoint)).scalars().all() if kept else []
            for one in (*map(parsed, texts), *beside):
                if not one.is_signed_by(keys):
                    raise JournalError(
                        f"the checkpoint over entry {one.seq} is not signed by a key given: it was changed, or "
                        "signed with an older key, to be named with --key too"
                    )
                signed.setdefault(one.seq, []).append(one)
        rows = all_rows(connection)
        entries = _walk(rows if copied is None else copied.compared(rows), signed)
    newest = signed[max(signed)][0] if signed else None
    return Examined(entries, len(signed), newest, copied.count if copied is not None else None)


def _walk(rows: Iterable[Row], signed: Mapping[int, list[Checkpoint]]) -> int:
    seq, last, held = 0, GENESIS, 0
    for row in rows:
        seq += 1
        if row.seq != seq:
            raise JournalError(f"entry {seq} is missing: the next one there is {row.seq}")
        if not follows(row, seq, last):
            raise JournalError(f"entry {seq} was changed, or the entry before it was")
        last = row.hash
        for one in signed.get(seq, ()):
            if one.hash != last:
                raise JournalError(
                    f"entry {held + 1} or one after it up to entry {seq} was changed, and the hashes made anew: the "
                    f"checkpoint of {one.at} has another hash for entry {seq}; --copy names the entry"
                )
            held = seq
    if signed and max(signed) > seq:
        newest = signed[max(signed)][0]
        raise JournalError(f"entry {seq + 1} is missing: the checkpoint of {newest.at} has {newest.seq} entries")
    return seq


class _Copied:
    """The copy beside the store; it may begin later, where older files were carried away, and end earlier."""

    def __init__(self, copy: Iterator[Row]) -> None:
        self._copy = copy
        self.count = 0

    def compared(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the entries of the store, each after it was compared with its copy."""
        theirs = next(self._copy, None)
        begun = False
        for row in rows:
            if theirs is not None and row.seq >= theirs.seq:
                if row.seq > theirs.seq:
                    raise JournalError(f"entry {theirs.seq} is missing: the copy has it")
                if row != theirs:
                    raise JournalError(f"entry {row.seq} is not as in the copy")
                begun, self.count = True, self.count + 1
                theirs = next(self._copy, None)
            elif theirs is not None and begun:
                raise JournalError(f"entry {row.seq} is missing in the copy, which goes on with {theirs.seq}")
            yield row
        if theirs is not None:
            raise JournalError(f"entry {theirs.seq} is missing: the copy has it")
