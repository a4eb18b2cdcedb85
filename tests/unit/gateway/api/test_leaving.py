"""Before an answer leaves: recorded, and still under the terms that hold."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from gateway.api.dci.search import recorded, still_holds
from gateway.pipeline import answer
from gateway.stages.decide import Decisions
from gateway.suspensions import Kind, Suspension, Suspensions
from policies.agreement import Agreement
from policies.book import AgreementSet
from standards.household import Outcome
from tests.builders import CATALOGUE, NOW, PLANNER, World, question, sandbox_agreement
from tests.unit.gateway.stages.test_terms import ChangingBook


class NarrowingJournal:
    """Keeps entries, and narrows the agreement while it writes the first of them."""

    def __init__(self, narrow):
        self.written, self._narrow = [], narrow

    async def record(self, entries):
        self.written.append([entry.event for entry in entries])
        if len(self.written) == 1:
            self._narrow()


def world():
    """A world whose agreement can change, and the agreement."""
    known = sandbox_agreement("cct-education")
    book, made = ChangingBook(known), World()
    decisions = Decisions(book, made.ledger, CATALOGUE, PLANNER.holders())
    made.rooms = made.rooms._replace(decisions=decisions)
    return made, book, known


async def leaving(narrow_to):
    """Answer one question while the agreement changes; return what leaves and what was recorded."""
    made, book, known = world()

    def narrow():
        book.current = AgreementSet([known, *narrow_to(known)])

    journal = NarrowingJournal(narrow)
    gateway: Any = SimpleNamespace(rooms=made.rooms, journal=journal, suspensions=Suspensions(Path("nowhere")))
    asked = question()
    (left,) = await recorded(gateway, [asked], [await answer(asked, made.rooms)])
    return left, journal.written


async def left_while_off(folder, registry):
    """Answer one question whose registries were heard, while one registry is switched off; return what leaves."""
    suspensions = Suspensions(folder)
    suspensions.switch(Kind.REGISTRY, registry, Suspension(at="now", by="anna", reason="a test"))
    made, _, _ = world()
    journal = NarrowingJournal(lambda: None)
    gateway: Any = SimpleNamespace(rooms=made.rooms, journal=journal, suspensions=suspensions)
    asked = question()
    given = await answer(asked, made.rooms)
    return given, gateway, journal, asked


async def test_an_answer_does_not_rest_on_a_registry_that_was_not_asked(tmp_path):
    """It leaves though that one is off, and is not given anew for ever."""
    given, gateway, journal, asked = await left_while_off(tmp_path, "tax")
    assert given.sources["tax"].outcome is Outcome.NOT_ASKED

    assert await still_holds(gateway, given)
    assert await recorded(gateway, [asked], [given]) == [given]
    assert journal.written == [["search.answered"]]


async def test_an_answer_rests_on_a_registry_that_was_heard(tmp_path):
    """Whatever it said may not leave once it is off."""
    given, gateway, _, _ = await left_while_off(tmp_path, "education")
    assert given.sources["education"].outcome is Outcome.ANSWERED

    assert not await still_holds(gateway, given)


def later(known, **changes):
    """A successor that holds today."""
    return Agreement.model_validate(known.model_dump() | {"version": "1.1", "start": NOW.date()} | changes)


async def test_an_answer_under_terms_that_still_hold_leaves_as_it_is():
    """One entry, one answer."""
    left, written = await leaving(lambda _: [])

    assert written == [["search.answered"]]
    assert left.status == "succ"


async def test_an_answer_under_narrowed_terms_never_leaves():
    """It is given anew under what holds now, and the journal says that the first one did not leave."""
    left, written = await leaving(lambda known: [later(known, attributes={"given_name": "value"})])

    assert written == [["search.answered"], ["search.superseded", "search.answered"]]
    assert left.entry.agreement.endswith("@1.1")
    assert left.entry.released == ("given_name",)
    assert b"school_enrolled" not in left.item


async def test_an_answer_under_an_ended_agreement_becomes_a_denial():
    """Nothing of what was composed is in it."""
    left, written = await leaving(lambda known: [later(known, end=NOW.date().replace(day=1), start=known.start)])

    assert written == [["search.answered"], ["search.superseded", "search.denied"]]
    assert "agreement_not_in_force" in orjson.loads(left.item)["status_reason_message"]
    assert b"reg_records" not in left.item
