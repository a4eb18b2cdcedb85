"""Search for auditors: who asked about whom, for what, when. Every search is an entry itself.

People are looked for by their keyed pseudonym; nobody without the gateway's pseudonym key can look for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, func, select

from gateway.journal.chain import Note, entry_text
from gateway.journal.store import ENTRIES, PATIENCE_S, Store
from gateway.keys import Keys
from standards.errors import JournalError
from standards.identifiers import Identifier

SLACK: Final = timedelta(days=1)
"""Entries stand in the order in which they were written, which is nearly that of their times; never so far from it."""
_PAGE: Final = 500


class Terms(NamedTuple):
    """What is looked for; None is anything."""

    consumer: str | None = None
    purpose: str | None = None
    since: datetime | None = None
    """From this moment on."""
    until: datetime | None = None
    """Before this moment."""
    subject: Identifier | None = None
    """Somebody who was asked about, or whose record was part of the answer."""


class Page(NamedTuple):
    """Entries found, the newest first."""

    found: list[tuple[int, dict[str, Any]]]
    before: int | None
    """Where the next page begins; None at the end."""


def search(url: str, terms: Terms, keys: Keys, *, by: str, now: datetime, before: int | None, most: int) -> Page:
    """Return a page of entries, after the search itself was entered into the journal.

    by: who searches: the account on the machine.
    before: only entries with a smaller number; `Page.before` of the page before.
    Raises: JournalError when the journal cannot be read, or the search not be recorded: then nothing is told.
    """
    pseudonym = keys.pseudonym_of(terms.subject) if terms.subject is not None else None
    store = Store(url, patience_s=PATIENCE_S)
    try:
        with store.reading() as connection:
            found = []
            for seq, entry in _matching(connection, terms, pseudonym, before):
                found.append((seq, entry))
                if len(found) > most:
                    break
        # INVARIANT: what cannot be recorded is not answered, to auditors neither.
        try:
            store.append([entry_text(_note(terms, pseudonym, keys, found, by=by, now=now, before=before, most=most))])
        except JournalError as error:
            raise JournalError(f"the search could not be recorded: {error}") from error
    finally:
        store.close()
    return Page(found[:most], found[most - 1][0] if len(found) > most else None)


def _matching(
    connection: Connection, terms: Terms, pseudonym: str | None, before: int | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    within = func.strpos if connection.dialect.name == "postgresql" else func.instr
    wanted = select(ENTRIES.c.seq, ENTRIES.c.entry).order_by(ENTRIES.c.seq.desc()).limit(_PAGE)
    # Entries are canonical JSON, so what matches holds these very texts; the database passes over the rest.
    for name, value in (("consumer", terms.consumer), ("purpose", terms.purpose)):
        if value is not None:
            wanted = wanted.where(within(ENTRIES.c.entry, f'"{name}":{orjson.dumps(value).decode()}') > 0)
    if pseudonym is not None:
        wanted = wanted.where(within(ENTRIES.c.entry, f'"{pseudonym}"') > 0)
    while page := connection.execute(wanted if before is None else wanted.where(ENTRIES.c.seq < before)).all():
        for seq, text in page:
            entry = orjson.loads(text)
            at = datetime.fromisoformat(entry["at"])
            if terms.since is not None and at < terms.since - SLACK:
                return
            if _matches(entry, at, terms, pseudonym):
                yield seq, entry
        before = page[-1].seq


def _matches(entry: Mapping[str, Any], at: datetime, terms: Terms, pseudonym: str | None) -> bool:
    return (
        (terms.consumer is None or entry.get("consumer") == terms.consumer)
        and (terms.purpose is None or entry.get("purpose") == terms.purpose)
        and (terms.since is None or at >= terms.since)
        and (terms.until is None or at < terms.until)
        and (pseudonym is None or pseudonym == entry["subject"] or pseudonym in entry.get("members", ()))
    )


def _note(
    terms: Terms,
    pseudonym: str | None,
    keys: Keys,
    found: list[tuple[int, dict[str, Any]]],
    *,
    by: str,
    now: datetime,
    before: int | None,
    most: int,
) -> Note:
    detail = {"found": str(min(len(found), most))}
    for name in ("consumer", "purpose"):
        if (value := getattr(terms, name)) is not None:
            # What the journal does not hold may be anything, a person's name too.
            detail[name] = value if found else f"unknown: {keys.digest_of(value)}"
    for name, moment in (("since", terms.since), ("until", terms.until)):
        if moment is not None:
            detail[name] = moment.isoformat()
    if terms.subject is not None:
        detail["subject_type"] = terms.subject.type
    if before is not None:
        detail["before"] = str(before)
    return Note(now, "journal.searched", by, pseudonym or "", detail)
