"""Proof: that one entry stands in a journal at its place, shown without showing the entries around it.

The entry's text, the hash before it, the digests of the entries after it up to a signed checkpoint, and the checkpoint:
who has these and the public key makes the hashes anew, and comes out at the one that the gateway has put its name to.

    {"seq": 7, "previous": "5d0c...", "entry": "{...}", "after": ["9f3c...", ...], "checkpoint": {...}}
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.journal.chain import GENESIS, Row, digest_of, follows, linked
from gateway.journal.checkpoints import Checkpoint, checkpoint, parsed
from gateway.journal.store import CHECKPOINTS, ENTRIES, PATIENCE_S, Store, hash_at, rows_after
from standards.errors import JournalError

FATES: Final = frozenset({"search.superseded", "search.abandoned", "search.withheld"})
"""What may have become of an answer after its entry was written: it did not leave."""
_PAGE: Final = 500


class Proof(NamedTuple):
    """One entry and what holds it in its place."""

    seq: int
    previous: str
    entry: str
    after: tuple[str, ...]
    """Of every entry after it, up to the checkpoint, the digest; of those that tell its fate, the text."""
    checkpoint: Checkpoint

    def stated(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**self._asdict(), "after": list(self.after), "checkpoint": self.checkpoint._asdict()}

    def fates(self) -> list[dict[str, Any]]:
        """Return the later entries that are shown because they tell what became of the answer."""
        return [orjson.loads(one) for one in self.after if one.startswith("{")]


def read_proof(stated: Mapping[str, Any]) -> Proof:
    """Return the proof that JSON states.

    Raises: JournalError when it states none.
    """
    try:
        seq, previous, entry, after = (stated[name] for name in ("seq", "previous", "entry", "after"))
        one = parsed(orjson.dumps(stated["checkpoint"]))
        is_whole = isinstance(seq, int) and all(isinstance(text, str) for text in (previous, entry, *after))
        if not is_whole or set(stated) != set(Proof._fields) or not isinstance(orjson.loads(entry), dict):
            raise ValueError  # noqa: TRY301 - one message for every wrong shape
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError("this is no proof of a journal's entry") from error
    return Proof(seq, previous, entry, tuple(after), one)


def check(proof: Proof, keys: Mapping[str, Ed25519PublicKey]) -> None:
    """Return when the entry stands where the proof says, by the word of one of these keys.

    Raises: JournalError that says what does not hold.
    """
    if not proof.checkpoint.is_signed_by(keys):
        raise JournalError("its checkpoint is not signed by a key given")
    last = linked(proof.seq, proof.previous, digest_of(proof.entry))
    for seq, one in enumerate(proof.after, start=proof.seq + 1):
        last = linked(seq, last, digest_of(one) if one.startswith("{") else one)
    if proof.checkpoint.seq != proof.seq + len(proof.after):
        raise JournalError(
            f"{len(proof.after)} entries are said to follow it, and its checkpoint is over entry {proof.checkpoint.seq}"
        )
    if last != proof.checkpoint.hash:
        raise JournalError("entry, place or what follows it is not what was signed in its checkpoint")


class Prover:
    """Takes proofs out of a journal.

    key: the gateway's own, for a checkpoint where none covers an entry yet.
    """

    def __init__(self, url: str, key: Ed25519PrivateKey) -> None:
        self._store, self._key = Store(url, patience_s=PATIENCE_S), key

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def numbers_of(self, correlation: str) -> list[int]:
        """Return the entries of the answers that were given under a correlation; of refusals where there is none.

        Raises: JournalError when there is no such entry.
        """
        stated = f'"correlation":{orjson.dumps(correlation).decode()}'
        with self._store.reading() as connection:
            within = func.strpos if connection.dialect.name == "postgresql" else func.instr
            found = connection.execute(
                select(ENTRIES.c.seq, ENTRIES.c.entry)
                .where(within(ENTRIES.c.entry, stated) > 0)
                .order_by(ENTRIES.c.seq)
            ).all()
        events = {row.seq: orjson.loads(row.entry)["event"] for row in found}
        answered = [seq for seq, event in events.items() if event == "search.answered"]
        asked = answered or [s for s, event in events.items() if event.startswith("search.") and event not in FATES]
        if not asked:
            raise JournalError("no question with that correlation stands in the journal")
        return asked

    def add(self, text: str) -> None:
        """Append an entry.

        Raises: JournalError when it may not be durable.
        """
        self._store.append([text])

    def entry_at(self, seq: int) -> Row:
        """Return one entry as it is kept.

        Raises: JournalError when there is none.
        """
        with self._store.reading() as connection:
            entry = next(iter(rows_after(connection, seq - 1, 1)), None)
        if entry is None or entry.seq != seq:
            raise JournalError(f"there is no entry {seq}")
        return entry

    def prove(self, seq: int, now: datetime) -> Proof:
        """Return the proof of an entry; a checkpoint is signed where none is over it yet.

        Raises: JournalError when there is no such entry, or when the chain does not hold.
        """
        entry = self.entry_at(seq)
        with self._store.reading() as connection:
            last_told = self._last_told(connection, entry)
            covering = _covering(connection, last_told)
        if covering is None:
            covering = self._signed(last_told, now)
        told, last = orjson.loads(entry.entry), entry.previous
        after: list[str] = []
        with self._store.reading() as connection:
            for expected, row in enumerate(_rows(connection, seq - 1, covering.seq), start=seq):
                last = _linked(row, expected, last)
                after.append(row.entry if _is_fate(row, told) else digest_of(row.entry))
        if last != covering.hash:
            raise JournalError(
                f"the checkpoint over entry {covering.seq} has another hash: run `hearth journal verify`"
            )
        return Proof(seq, entry.previous, entry.entry, tuple(after[1:]), covering)

    def _last_told(self, connection: Connection, entry: Row) -> int:
        """Return the newest entry that tells what became of an answer; the answer's own where none does."""
        told = orjson.loads(entry.entry)
        if told.get("event") != "search.answered":
            return entry.seq
        within = func.strpos if connection.dialect.name == "postgresql" else func.instr
        stated = f'"correlation":{orjson.dumps(told["correlation"]).decode()}'
        rows = connection.execute(
            select(ENTRIES).where(ENTRIES.c.seq > entry.seq, within(ENTRIES.c.entry, stated) > 0)
        ).all()
        return max([entry.seq, *(one.seq for one in (Row(*row) for row in rows) if _is_fate(one, told))])

    def _signed(self, seq: int, now: datetime) -> Checkpoint:
        """Sign a checkpoint over the newest entry, once everything since the last one is found to hold."""
        with self._store.reading() as connection:
            newest = connection.execute(select(func.max(CHECKPOINTS.c.seq))).scalar() or 0
            before = parsed(_text_at(connection, newest)) if newest else None
            end, last = newest, before.hash if before is not None else GENESIS
            # INVARIANT: nobody puts his name to a journal that is not the one that was signed before.
            if newest and hash_at(connection, newest) != last:
                raise JournalError(f"entry {newest} is not as it was signed: run `hearth journal verify`")
            for row in _rows(connection, newest, None):
                end, last = end + 1, _linked(row, end + 1, last)
        if end < seq:
            raise JournalError(f"entry {seq} is not there any more: run `hearth journal verify`")
        one = checkpoint(end, last, now, self._key)
        with contextlib.suppress(IntegrityError), self._store.writing() as connection:  # the gateway was first
            connection.execute(insert(CHECKPOINTS), [{"seq": one.seq, "checkpoint": one.text()}])
        with self._store.reading() as connection:
            return _covering(connection, seq) or one


def _covering(connection: Connection, seq: int) -> Checkpoint | None:
    """Return the first checkpoint that is over an entry; None when there is none yet."""
    wanted = select(CHECKPOINTS.c.checkpoint).where(CHECKPOINTS.c.seq >= seq).order_by(CHECKPOINTS.c.seq).limit(1)
    text = connection.execute(wanted).scalar()
    return parsed(text) if text is not None else None


def _text_at(connection: Connection, seq: int) -> str:
    return str(connection.execute(select(CHECKPOINTS.c.checkpoint).where(CHECKPOINTS.c.seq == seq)).scalar())


def _rows(connection: Connection, after: int, until: int | None) -> Iterator[Row]:
    """Yield the entries after one, up to another; None is the end."""
    while page := rows_after(connection, after, _PAGE):
        for row in page:
            if until is not None and row.seq > until:
                return
            yield row
        after = page[-1].seq


def _linked(row: Row, seq: int, last: str) -> str:
    """Return the hash of the entry that comes next.

    Raises: JournalError when it is another one.
    """
    if not follows(row, seq, last):
        raise JournalError(f"entry {seq} was changed or moved: run `hearth journal verify`")
    return row.hash


def _is_fate(row: Row, of: Mapping[str, Any]) -> bool:
    """Tell whether an entry says that the answer of another one did not leave."""
    if '"event":"search.' not in row.entry:
        return False
    told = orjson.loads(row.entry)
    same = all(told.get(name) == of.get(name) for name in ("correlation", "subject", "consumer"))
    return same and told["event"] in FATES
