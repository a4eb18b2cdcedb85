"""Signing, copying, verifying and searching are the same wherever the journal lies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.journal import CopyFile, Duties, SqlJournal, examine, sqlite_url
from gateway.journal.checkpoints import key_id
from gateway.journal.search import Terms, search
from gateway.keys import open_keys
from standards.errors import JournalError
from standards.identifiers import identifier
from tests.builders import NOW, entry
from tests.databases import postgresql

pytestmark = pytest.mark.contract

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY.public_key()): KEY.public_key()}


class Place(NamedTuple):
    """Where a journal lies, and what is kept beside it."""

    url: str
    duties: Duties

    def run(self, statement: str) -> None:
        """Do what somebody with access to the database could do."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request, tmp_path) -> AsyncIterator[Place]:
    """A journal of six entries in each database, signed and copied."""
    here = nullcontext(sqlite_url(tmp_path / "journal.db")) if request.param == "sqlite" else postgresql()
    keys = open_keys(tmp_path / "keys")
    duties = Duties(KEY, tmp_path / "lock", tmp_path / "checkpoints.jsonl", copy=CopyFile(tmp_path / "journal.jsonl"))
    with here as url:
        journal = SqlJournal(url, duties)
        journal.open()
        for number in range(6):
            subject = keys.pseudonym_of(identifier("UIN", f"{number % 2}" * 10))
            await journal.record([entry(correlation=f"{number}", subject=subject, members=())])
        journal.close()
        yield Place(url, duties)


def test_what_was_signed_and_copied_holds(place):
    """At the end of a process everything is, with the newest entry."""
    found = examine(
        place.url,
        KEYS,
        checkpoints=[place.duties.checkpoint_file],
        copy=place.duties.checkpoint_file.parent / "journal.jsonl",
    )

    assert (found.entries, found.copied) == (6, 6)
    assert found.newest is not None
    assert found.newest.seq == 6


def test_a_lost_tail_shows(place):
    """Also in a database of another make."""
    place.run("DELETE FROM journal WHERE seq > 4")

    with pytest.raises(JournalError, match="entry 5 is missing"):
        examine(place.url, KEYS)


def test_an_edit_shows(place):
    """Text is kept to the byte."""
    place.run("UPDATE journal SET entry = replace(entry, 'crvs', 'land') WHERE seq = 3")

    with pytest.raises(JournalError, match="entry 3 was changed"):
        examine(place.url, None)


def test_people_are_found_by_their_pseudonym(place, tmp_path):
    """And the search is the next entry of the chain."""
    terms = Terms(subject=identifier("UIN", "1" * 10), consumer="uct")
    page = search(place.url, terms, open_keys(tmp_path / "keys"), by="auditor", now=NOW, before=None, most=2)

    assert [said["correlation"] for _, said in page.found] == ["5", "3"]
    assert page.before == 4
    assert examine(place.url, KEYS).entries == 7


async def test_a_journal_in_use_can_be_verified(place):
    """What is written, signed and copied while somebody verifies is not taken for missing."""
    duties = place.duties._replace(checkpoint_entries=1)
    journal = SqlJournal(place.url, duties)
    journal.open()
    copy, done = duties.checkpoint_file.parent / "journal.jsonl", asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            await journal.record([entry(correlation=f"{n}") for n in range(50)])

    writing = asyncio.create_task(write())
    try:
        counts: list[int] = []
        while len(counts) < 5 or counts[-1] < (counts[0] + 100):
            found = await asyncio.to_thread(examine, place.url, KEYS, checkpoints=[duties.checkpoint_file], copy=copy)
            counts.append(found.copied or 0)
    finally:
        done.set()
        await writing
        await asyncio.to_thread(journal.close)
