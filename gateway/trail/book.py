"""The index from people to entries of the journal, and who wants to be told. Under the journal's own pseudonyms.

The index only leads to entries, which are read from the journal and looked at again; what it does not reach yet is read
from the journal's end. So a trail is whole at any moment, and an index that is lost is made anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import uuid4

import orjson
import sqlalchemy as sa

from gateway.database import add_new
from gateway.journal.search import SLACK
from gateway.journal.store import ENTRIES, Store, end_of, rows_after
from gateway.trail.notices import AccessNotice, notice_id
from gateway.trail.tables import CURSOR, NOTICES, PLACES, WATCHES, Tables, add_places
from gateway.trail.telling import QUESTIONS, UNMADE, Entry, Found

ROWS: Final = 500
"""Entries that are followed in one step."""
_NEAR: Final = 50
"""How many entries before one the other questions of its message are looked for."""


class Step(NamedTuple):
    """Entries that follow those that were followed."""

    after: int
    upto: int
    places: tuple[tuple[str, int], ...]
    notices: tuple[AccessNotice, ...]
    is_full: bool
    """There are probably more."""


class Range(NamedTuple):
    """Which part of a trail is wanted."""

    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only entries with a smaller number: the next page."""
    most: int = 50
    kinds: frozenset[str] = frozenset({"question"})


class Page(NamedTuple):
    """Entries about one person, the newest first."""

    found: tuple[Found, ...]
    before: int | None
    """Where the next page begins; None at the end."""


class _Tail(NamedTuple):
    """What stands in the journal after everything that is in the index."""

    cursor: int
    found: tuple[tuple[int, Entry], ...]
    """Entries about the person, the newest first."""
    unmade: Mapping[str, list[int]]
    """Mark of a message -> entries that say that an answer of it did not leave."""


class TrailBook(Tables):
    """Index and wishes in one database, beside a journal."""

    def __init__(self, engine: sa.Engine, journal: Store) -> None:
        super().__init__(engine, "the trail")
        self._journal = journal

    # -- following the journal -------------------------------------------------------------------------------

    def step(self) -> Step:
        """Read the next entries, and find out who is in them and who is to be told. Nothing is changed.

        Raises: JournalError when the journal or the trail cannot be read.
        """
        with self._journal.reading() as connection:
            end = end_of(connection)[0]
            after = self.cursor()
            if after > end:  # another journal than the one that was followed: begin anew
                self._begin_anew()
                after = 0
            rows = rows_after(connection, after, ROWS) if end > after else []
        entries = [(row.seq, orjson.loads(row.entry)) for row in rows]
        places = {(name, seq) for seq, entry in entries for name in _names(entry)}
        upto = rows[-1].seq if rows else after
        return Step(after, upto, tuple(sorted(places)), self._owed(entries), len(rows) == ROWS)

    def advance(self, step: Step) -> bool:
        """Keep what a step found; tell whether nobody else had done so before."""
        if step.upto == step.after:
            return True
        with self._writing() as connection:
            moved = connection.execute(
                sa.update(CURSOR).where(CURSOR.c.id == 1, CURSOR.c.seq == step.after).values(seq=step.upto)
            )
            if moved.rowcount and step.places:
                add_places(self._engine, connection, step.places)
        return bool(moved.rowcount)

    def cursor(self) -> int:
        """Return up to which entry the journal was followed."""
        with self._reading() as connection:
            seq = connection.execute(sa.select(CURSOR.c.seq)).scalar()
        if seq is None:
            with self._writing() as connection:
                connection.execute(add_new(self._engine, CURSOR), [{"id": 1, "seq": 0}])
        return seq or 0

    def _begin_anew(self) -> None:
        with self._writing() as connection:
            connection.execute(sa.delete(PLACES))
            connection.execute(sa.update(WATCHES).values(since=0))
            connection.execute(sa.update(CURSOR).values(seq=0))

    def _owed(self, entries: Sequence[tuple[int, Entry]]) -> tuple[AccessNotice, ...]:
        asked = [(seq, entry) for seq, entry in entries if entry["event"] in QUESTIONS]
        people = {name for _, entry in asked for name in _names(entry)}
        watches: dict[str, list[Any]] = {}
        with self._reading() as connection:
            if not people or connection.execute(sa.select(WATCHES.c.person).limit(1)).first() is None:
                return ()
            for some in _chunks(sorted(people)):
                for row in connection.execute(sa.select(WATCHES).where(WATCHES.c.person.in_(some))):
                    watches.setdefault(row.person, []).append(row)
        owed: dict[str, AccessNotice] = {}
        for seq, entry in asked:
            for watch in chain.from_iterable(watches.get(name, ()) for name in _names(entry)):
                if seq > watch.since:
                    notice = AccessNotice(watch.watch_id, watch.client_id, seq, entry["correlation"])
                    # One answer may name a person under several numbers: the same notice, which is told once.
                    owed.setdefault(notice.notice_id, notice)
        return tuple(owed.values())

    # -- reading a trail -------------------------------------------------------------------------------------

    def find(self, names: Collection[str], wanted: Range) -> Page:
        """Return a page of what the journal says of a person.

        names: the pseudonyms of the person's numbers.
        Raises: JournalError when the journal cannot be read.
        """
        found: list[Found] = []
        with self._journal.reading() as connection:
            tail = self._tail(connection, frozenset(names))
            for seq, entry in self._newest_first(connection, frozenset(names), tail, wanted.before):
                at = datetime.fromisoformat(entry["at"])
                if wanted.since is not None and at < wanted.since - SLACK:
                    break
                if not _is_wanted(entry, at, wanted):
                    continue
                told = self._found(connection, seq, entry, tail)
                if told is not None:
                    found.append(told)
                if len(found) > wanted.most:
                    return Page(tuple(found[: wanted.most]), found[wanted.most - 1].seq)
        return Page(tuple(found), None)

    def answer(self, names: Collection[str], seq: int, correlation: str) -> tuple[Found, ...]:
        """Return the questions about a person in one message, of which `seq` is the first; in their order."""
        mine = sa.and_(PLACES.c.person.in_(sorted(names)), PLACES.c.seq >= seq)
        with self._journal.reading() as connection:
            tail = self._tail(connection, frozenset(names))
            with self._reading() as index:
                places = sa.select(PLACES.c.seq).where(mine).distinct().order_by(PLACES.c.seq).limit(_NEAR)
                seqs = list(index.execute(places).scalars())
            texts = sa.select(ENTRIES.c.seq, ENTRIES.c.entry).where(ENTRIES.c.seq.in_(seqs)).order_by(ENTRIES.c.seq)
            read = [(row.seq, orjson.loads(row.entry)) for row in connection.execute(texts)]
            found = (
                self._found(connection, place, entry, tail)
                for place, entry in sorted({**dict(read), **dict(tail.found)}.items())
                if entry.get("correlation") == correlation and entry["event"] in QUESTIONS
            )
            return tuple(one for one in found if one is not None)

    def period(self) -> tuple[str | None, str | None]:
        """Return the times of the oldest and the newest entry of the journal."""
        with self._journal.reading() as connection:
            ends = [
                connection.execute(sa.select(ENTRIES.c.entry).order_by(order).limit(1)).scalar()
                for order in (ENTRIES.c.seq, ENTRIES.c.seq.desc())
            ]
        first, last = (orjson.loads(text)["at"] if text is not None else None for text in ends)
        return first, last

    def _tail(self, connection: sa.Connection, names: frozenset[str]) -> _Tail:
        """Return what the index does not reach yet."""
        # Read before the index is: what is added to it meanwhile stands behind this cursor, and is in the tail.
        cursor = self.cursor()
        found, unmade = [], defaultdict(list)
        for seq, entry in _after(connection, cursor):
            if names & _names(entry):
                found.append((seq, entry))
            for mark in _marks(entry):
                unmade[mark].append(seq)
        return _Tail(cursor, tuple(reversed(found)), unmade)

    def _newest_first(
        self, connection: sa.Connection, names: frozenset[str], tail: _Tail, before: int | None
    ) -> Iterator[tuple[int, Entry]]:
        yield from ((seq, entry) for seq, entry in tail.found if before is None or seq < before)
        upto = tail.cursor + 1 if before is None else min(tail.cursor + 1, before)
        while seqs := self._places(names, upto):
            texts = connection.execute(
                sa.select(ENTRIES.c.seq, ENTRIES.c.entry).where(ENTRIES.c.seq.in_(seqs)).order_by(ENTRIES.c.seq.desc())
            )
            # INVARIANT: nobody finds what is somebody else's; the entry decides, not the index.
            read = [(row.seq, orjson.loads(row.entry)) for row in texts]
            yield from ((seq, entry) for seq, entry in read if names & _names(entry))
            upto = seqs[-1]

    def _places(self, names: Collection[str], upto: int) -> list[int]:
        wanted = (
            sa.select(PLACES.c.seq)
            .where(PLACES.c.person.in_(sorted(names)), PLACES.c.seq < upto)
            .distinct()
            .order_by(PLACES.c.seq.desc())
            .limit(100)
        )
        with self._reading() as connection:
            return list(connection.execute(wanted).scalars())

    def _found(self, connection: sa.Connection, seq: int, entry: Entry, tail: _Tail) -> Found | None:
        """Return an entry with what became of the answer; None for one that only says so of another."""
        event, correlation = entry["event"], entry.get("correlation", "")
        if event in UNMADE - QUESTIONS:
            return None
        if event not in {"search.answered", "search.abandoned", "event.told"}:
            return Found(seq, entry)
        family = self._of_correlation(connection, correlation, seq, tail)
        if event == "search.abandoned":
            is_told = any(e["event"] == "search.answered" and e["subject"] == entry["subject"] for _, e in family)
            return None if is_told else Found(seq, entry)
        return Found(seq, entry, is_given=not _is_unmade(seq, entry, family))

    def _of_correlation(
        self, connection: sa.Connection, correlation: str, seq: int, tail: _Tail
    ) -> list[tuple[int, Entry]]:
        """Return the entries of one message around one of them, if any answer of it did not leave."""
        mark = _mark(correlation)
        unmade = [*self._places([mark], tail.cursor + 1), *tail.unmade.get(mark, ())]
        if not unmade:
            return []
        rows = connection.execute(
            sa.select(ENTRIES.c.seq, ENTRIES.c.entry)
            .where(ENTRIES.c.seq >= min(seq, *unmade) - _NEAR, ENTRIES.c.seq <= max(seq, *unmade))
            .order_by(ENTRIES.c.seq)
        )
        read = ((row.seq, orjson.loads(row.entry)) for row in rows)
        return [(s, entry) for s, entry in read if entry.get("correlation") == correlation]

    # -- wishes ----------------------------------------------------------------------------------------------

    def watch(self, names: Collection[str], client_id: str) -> str:
        """Keep that somebody wants to be told from now on, and return the name of that wish; the same for each number.

        Raises: JournalError when that could not be kept.
        """
        with self._journal.reading() as journal:
            since = end_of(journal)[0]
        mine = sa.and_(WATCHES.c.person.in_(sorted(names)), WATCHES.c.client_id == client_id)
        with self._writing() as connection:
            known = sorted(set(connection.execute(sa.select(WATCHES.c.watch_id).where(mine)).scalars()))
            watch_id = known[0] if known else uuid4().hex
            if others := known[1:]:  # two wishes turn out to be one person's
                self._join(connection, others, watch_id)
            rows = [{"person": n, "client_id": client_id, "watch_id": watch_id, "since": since} for n in sorted(names)]
            connection.execute(add_new(self._engine, WATCHES), rows)
        return watch_id

    def _join(self, connection: sa.Connection, others: Sequence[str], watch_id: str) -> None:
        # INVARIANT: one notice for each answer and person: what was owed under either wish is owed once.
        connection.execute(sa.update(WATCHES).where(WATCHES.c.watch_id.in_(others)).values(watch_id=watch_id))
        rows = connection.execute(sa.select(NOTICES).where(NOTICES.c.watch_id.in_(others))).mappings().all()
        joined = [{**row, "watch_id": watch_id, "notice_id": notice_id(watch_id, row["correlation"])} for row in rows]
        if joined:
            connection.execute(add_new(self._engine, NOTICES), joined)
            connection.execute(sa.delete(NOTICES).where(NOTICES.c.watch_id.in_(others)))

    def unwatch(self, names: Collection[str], client_id: str) -> bool:
        """End a person's wish, with every notice that was still to be told; tell whether there was one."""
        mine = sa.and_(WATCHES.c.person.in_(sorted(names)), WATCHES.c.client_id == client_id)
        with self._writing() as connection:
            known = sorted(set(connection.execute(sa.select(WATCHES.c.watch_id).where(mine)).scalars()))
            for table in (WATCHES, NOTICES):
                connection.execute(sa.delete(table).where(table.c.watch_id.in_(known)))
        return bool(known)

    def watchers(self, watch_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return wish -> the pseudonyms of its person."""
        found: dict[str, set[str]] = {}
        with self._reading() as connection:
            for some in _chunks(sorted(watch_ids)):
                for row in connection.execute(sa.select(WATCHES).where(WATCHES.c.watch_id.in_(some))):
                    found.setdefault(row.watch_id, set()).add(row.person)
        return {watch_id: frozenset(people) for watch_id, people in found.items()}


def _names(entry: Entry) -> frozenset[str]:
    """Return what an entry is found by: its people, and the message whose answer did not leave."""
    people = {entry["subject"], *entry.get("members", ())} - {""}
    return frozenset(people) | _marks(entry)


def _marks(entry: Entry) -> frozenset[str]:
    return frozenset({_mark(entry["correlation"])}) if entry["event"] in UNMADE else frozenset()


def _mark(correlation: str) -> str:
    return f"c:{correlation}"[:64]


def _is_wanted(entry: Entry, at: datetime, wanted: Range) -> bool:
    kind = "question" if entry["event"] in QUESTIONS | UNMADE else "record"
    return (
        kind in wanted.kinds
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at < wanted.until)
    )


def _is_unmade(seq: int, entry: Entry, family: Sequence[tuple[int, Entry]]) -> bool:
    """Tell whether an answer did not leave.

    Where it cannot be told which of several alike questions of a message it was, both count as given: whoever reads a
    trail is rather told too much than too little.
    """
    alike = [(s, e) for s, e in family if e["subject"] == entry["subject"]]
    if any(e["event"] == "search.withheld" and e["at"] == entry["at"] and e["plan"] == entry["plan"] for _, e in alike):
        return True
    if any(e["event"] == "search.abandoned" and s > seq for s, e in alike):
        return True
    replaced = [s for s, e in alike if e["event"] == "search.superseded"]
    upto = min((s for s in replaced if s > seq), default=None)
    if upto is None:
        return False
    after = max((s for s in replaced if s < seq), default=0)
    return len([s for s, e in alike if after < s < upto and e["event"] in {"search.answered", "event.told"}]) == 1


def _after(connection: sa.Connection, seq: int) -> Iterator[tuple[int, Entry]]:
    while rows := rows_after(connection, seq, ROWS):
        yield from ((row.seq, orjson.loads(row.entry)) for row in rows)
        seq = rows[-1].seq


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Databases bound the number of parameters of one statement."""
    for start in range(0, len(names), ROWS):
        yield names[start : start + ROWS]
