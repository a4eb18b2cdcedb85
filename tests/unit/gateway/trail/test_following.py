"""The trail of a running gateway: what is interrupted is done again, and nothing else waits for it."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path

import pytest

from adapters.catalogue import FOLDER, load_manifest
from gateway.journal import MemoryJournal
from gateway.keys import Keys, open_keys
from gateway.trail import following
from gateway.trail.disputes import Dispute, DisputeAnswer, DisputeBook, DisputeState, MemoryRoute, Seal
from gateway.trail.following import Places, Trail
from gateway.trail.notices import MemoryAccessNotices
from standards.errors import ConfigurationError, JournalError
from tests.builders import NOW, entry
from tests.unit.gateway.trail.conftest import ANNA, BEN, TAX, Desk

MANIFESTS = {"tax": load_manifest(FOLDER / "tax" / "manifest.yaml")}


def trail(desk: Desk, journal: MemoryJournal | None = None, **ports) -> Trail:
    """The trail of a process of its own."""
    places = Places(desk.trail_url, desk.url, desk.folder / "trail.lock", desk.folder / "disputes")
    return Trail(places, desk.keys, MANIFESTS, journal or MemoryJournal(), lambda: NOW, **ports)


def files(folder: Path) -> list[bytes]:
    """Everything on disk."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def state(of: Trail, dispute: Dispute) -> str:
    """How far a dispute has got."""
    found = of.disputes.find(dispute.dispute_id)
    assert found is not None
    return found.state


def disputed(of: Trail, *numbers, by=TAX):
    """A dispute that was received."""
    new = of.disputes.new(by, "portal", ("tax", "income_annual", "wrong"), NOW)
    of.disputes.keep(new, numbers or (ANNA, TAX), by)
    return new


async def test_a_dispute_is_passed_on_once_and_journalled(desk):
    """With the registry's owner and contact; also by a process that was started later."""
    route, journal = MemoryRoute(), MemoryJournal()
    first = trail(desk)
    new = disputed(first)
    await first.close()
    second = trail(desk, journal, route=route)
    await second.forward()
    await second.forward()

    (letter,) = route.sent.values()
    assert (letter.owner, letter.contact) == ("Poveria Revenue Authority", "operations@revenue.example.pv")
    assert letter.number == TAX
    assert [(e.event, e.correlation) for e in journal.entries] == [("dispute.forwarded", new.dispute_id)]
    assert state(second, new) == "forwarded"
    await second.close()


async def test_a_dispute_waits_while_its_way_is_closed(desk):
    """It stays received, and is passed on when the way is open again."""

    class Closed(MemoryRoute):
        is_open = False

        async def forward(self, letter) -> None:
            if not self.is_open:
                raise OSError("the way is closed")
            await super().forward(letter)

    route = Closed()
    waiting = trail(desk, route=route)
    new = disputed(waiting)
    with pytest.raises(OSError, match="closed"):
        await waiting.forward()
    assert state(waiting, new) == "received"

    route.is_open = True
    await waiting.forward()
    assert route.letters() == [new.dispute_id]
    await waiting.close()


async def test_a_person_s_disputes_are_found_by_each_number_and_by_nobody_else_s(desk):
    """And in no file is any number in clear."""
    mine = trail(desk)
    new = disputed(mine)
    await mine.forward()

    assert [d.dispute_id for d in mine.disputes.of([ANNA])] == [new.dispute_id]
    assert [d.dispute_id for d in mine.disputes.of([TAX, BEN])] == [new.dispute_id]
    assert mine.disputes.of([BEN]) == ()
    assert mine.disputes.number(new.dispute_id) == TAX
    await mine.close()
    letter = json.loads((desk.folder / "disputes" / f"{new.dispute_id}.json").read_bytes())
    assert letter["contact"] == "operations@revenue.example.pv"
    contents = files(desk.folder)
    assert len(contents) > 3
    assert not [c for c in contents if TAX.value.encode() in c or ANNA.value.encode() in c]


async def test_a_dispute_goes_its_way_in_order_and_loses_its_number_at_the_end(desk):
    """No state is skipped backwards, none is answered twice."""
    mine = trail(desk)
    name = disputed(mine).dispute_id
    book, open_ = mine.disputes, [DisputeState.RECEIVED, DisputeState.FORWARDED]

    assert book.move(name, open_, DisputeState.ANSWERED, NOW, answer=DisputeAnswer.CONFIRMED)
    assert not book.move(name, open_, DisputeState.ANSWERED, NOW, answer=DisputeAnswer.CORRECTED)
    assert [one.answer for one in book.all("answered")] == ["confirmed"]
    assert book.move(name, [DisputeState.ANSWERED], DisputeState.CLOSED, NOW)
    assert book.number(name) is None
    assert book.all("closed") == book.all()
    await mine.close()


def test_a_sealed_number_opens_for_its_dispute_only(keys: Keys, tmp_path):
    """Not for another one, and not with another key; and it looks different every time."""
    seal = Seal(keys)

    assert seal.of(TAX, "a") != seal.of(TAX, "a")
    assert seal.open(seal.of(TAX, "a"), "a") == TAX
    with pytest.raises(ConfigurationError):
        seal.open(seal.of(TAX, "a"), "b")
    with pytest.raises(ConfigurationError):
        Seal(open_keys(tmp_path / "other")).open(seal.of(TAX, "a"), "a")


async def test_a_closed_dispute_is_not_passed_on(desk):
    """Nor is one of a registry that is connected no more."""
    route = MemoryRoute()
    mine = trail(desk, route=route)
    name = disputed(mine).dispute_id
    mine.disputes.move(name, [DisputeState.RECEIVED], DisputeState.CLOSED, NOW)
    gone = mine.disputes.new(TAX, "portal", ("land", "land_parcel_count", "wrong"), NOW)
    mine.disputes.keep(gone, [TAX], TAX)
    await mine.forward()

    assert route.letters() == []
    await mine.close()


class _Slow(MemoryAccessNotices):
    """A sink that fails first, and then takes what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open, self.was_asked = False, asyncio.Event()
        self.has_taken = asyncio.Event()

    async def owe(self, notices) -> None:
        if notices and not self.is_open:
            self.was_asked.set()
            raise OSError
        await super().owe(notices)
        if notices:
            self.has_taken.set()


async def test_it_follows_by_itself_and_tries_again(desk, monkeypatch):
    """A sink that fails holds up nobody, is named as trouble, and gets everything when it is there again."""
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    sink = _Slow()
    running = trail(desk, sink=sink)
    running.book.watch(desk.names(ANNA), "portal")
    running.open()
    await desk.write(entry(subject=desk.keys.pseudonym_of(ANNA), correlation="m"))
    await asyncio.wait_for(sink.was_asked.wait(), 5)
    await asyncio.sleep(0)
    assert running.book.cursor() == 0
    sink.is_open = True
    await asyncio.wait_for(sink.has_taken.wait(), 5)
    await running.close()

    assert [notice.correlation for notice in sink.owed.values()] == ["m"]


class _FullDisk:
    """A log whose disk is full."""

    def error(self, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")


async def test_it_goes_on_when_the_log_cannot_be_written_either(desk, monkeypatch):
    """A full disk holds both: notices are made up for when there is room again."""
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    monkeypatch.setattr(following, "log", _FullDisk())
    sink = _Slow()
    running = trail(desk, sink=sink)
    running.book.watch(desk.names(ANNA), "portal")
    running.open()
    await desk.write(entry(subject=desk.keys.pseudonym_of(ANNA), correlation="m"))
    await asyncio.wait_for(sink.was_asked.wait(), 5)
    sink.is_open = True
    await asyncio.wait_for(sink.has_taken.wait(), 5)
    await running.close()


async def test_one_process_of_a_machine_follows(desk, monkeypatch):
    """The other one takes over when the first one has ended."""
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    first, second = _Slow(), _Slow()
    first.is_open = second.is_open = True
    one, two = trail(desk, sink=first), trail(desk, sink=second)
    one.book.watch(desk.names(ANNA), "portal")
    one.open()
    await desk.write(entry(subject=desk.keys.pseudonym_of(ANNA), correlation="m"))
    await asyncio.wait_for(first.has_taken.wait(), 5)
    two.open()
    await desk.write(entry(subject=desk.keys.pseudonym_of(ANNA), correlation="n"))
    first.has_taken.clear()
    await asyncio.wait_for(first.has_taken.wait(), 5)
    await one.close()
    await desk.write(entry(subject=desk.keys.pseudonym_of(ANNA), correlation="o"))
    await asyncio.wait_for(second.has_taken.wait(), 5)
    await two.close()

    assert {n.correlation for n in first.owed.values()} == {"m", "n"}
    assert "o" in {n.correlation for n in second.owed.values()}


def test_a_trail_that_cannot_be_kept_is_said_at_the_start(desk):
    """With the setting."""
    places = Places("nothing://", desk.url, desk.folder / "trail.lock", desk.folder)
    with pytest.raises(ConfigurationError, match=r"stores\.trail_url"):
        Trail(places, desk.keys, MANIFESTS, MemoryJournal(), lambda: NOW)


def test_a_database_that_is_gone_is_said(desk):
    """As an error of ours, without what the library says."""
    book = DisputeBook(desk.engine, desk.keys)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE dispute")
    with pytest.raises(JournalError, match="cannot be read"):
        book.all()
