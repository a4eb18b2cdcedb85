"""Recall: an answer is given again while everything it rests on stands, and never a moment longer."""

from datetime import date
from typing import Any

import orjson
import pytest

from gateway.cache import MemoryCache
from gateway.pipeline import Answer, answer
from gateway.stages.recall import Recall
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.dci.codes import ResponseEntity
from standards.dci.search import IdQuery
from tests.builders import ASHA, HOUSEHOLD, JUMA, KEY, NEEMA, NOW, World, item, question, sandbox_agreement, uin
from tests.fakes import StillClock

EVERYBODY = (ASHA, JUMA, NEEMA)


class Desk:
    """A gateway over memory, at which the same question is asked again and again."""

    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        self.clock = StillClock(NOW)
        self.cache = MemoryCache(KEY, 10_000_000, self.clock.monotonic)
        self.ledger = ledger or MemoryLedger(KEY)
        self.world = World(cache=self.cache, clock=self.clock, ledger=self.ledger)

    @property
    def recalled(self) -> int:
        return self.world.rooms.recall.recalled

    async def ask(self, consumer: str = "cct-education", **changes: Any) -> Answer:
        asked = question(item(**changes), consumer)
        return await answer(asked, self.world.rooms)

    async def warm(self, consumer: str = "cct-education", **changes: Any) -> Answer:
        """Ask until the answer is composed from what is kept: the next one is given again."""
        await self.ask(consumer, **changes)
        return await self.ask(consumer, **changes)


def told(answered: Answer) -> dict[str, Any]:
    """The item as it is sent, without its reference and its time."""
    said = dict(orjson.loads(answered.item))
    return {name: value for name, value in said.items() if name not in {"reference_id", "timestamp"}}


async def grant(ledger: MemoryLedger, decision: Decision = Decision.GRANTED, *people: dict[str, str]) -> None:
    """Let people decide about eligibility."""
    for person in people or EVERYBODY:
        await ledger.record(Consent(uin(person), "eligibility", decision, uin(person), date(2026, 1, 5)))


async def test_the_third_answer_is_the_second_one_again():
    """Under its own reference, time and journal entry; no registry is asked, and nothing is composed."""
    desk = Desk()
    second = await desk.warm()
    asked = desk.world.asked
    desk.clock.move(7.0)
    third = await desk.ask(reference_id="r-2")
    said = orjson.loads(third.item)

    assert (desk.recalled, desk.world.asked) == (1, asked)
    assert told(third) == told(second)
    assert (said["reference_id"], said["timestamp"][17:19]) == ("r-2", f"{desk.clock().second:02d}")
    assert third.entry.answer_digest != second.entry.answer_digest
    assert third.entry._replace(answer_digest="", at=NOW) == second.entry._replace(answer_digest="", at=NOW)
    assert third.sources == second.sources


async def test_when_a_question_says_that_consent_was_noted_does_not_matter():
    """Client kits write the present moment there; what counts is in the ledger."""
    desk = Desk()
    for second in range(3):
        await desk.ask(consent={"ts": f"2026-09-30T12:00:0{second}Z", "purpose": {"code": "enrolment_verification"}})

    assert desk.recalled == 1


async def test_only_what_was_kept_alone_is_given_again():
    """The first answer says that its records were just asked for; that is not true of a later one."""
    desk = Desk()
    first = await desk.ask()
    second = await desk.ask()

    assert desk.recalled == 0
    assert told(first) != told(second)
    assert (b'"cached":true' in first.item, b'"cached":true' in second.item) == (False, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"query": IdQuery(uin(JUMA))},
        {"attributes": frozenset({"given_name"})},
        {"response_entity": ResponseEntity.MEMBER},
        {"explain": True},
        {"as_of": NOW.date()},
        {"consent": {"hearth:proof": "a.b.c"}},
        {"query": IdQuery(HOUSEHOLD)},
    ],
)
async def test_another_question_is_another_answer(changes):
    """Whatever it differs by."""
    desk = Desk()
    await desk.warm()
    await desk.ask(**changes)

    assert desk.recalled == 0


async def test_one_programme_never_gets_the_answer_of_another():
    """Though both ask about the same people, and both answers are remembered."""
    desk = Desk()
    await grant(desk.ledger)
    mine = await desk.warm("uct")
    theirs = await desk.warm("cct-education")
    again = await desk.ask("uct")

    assert desk.recalled == 1
    assert told(again) == told(mine) != told(theirs)


async def test_a_withdrawal_ends_an_answer_at_once():
    """Whoever of the household withdraws: the next answer is composed anew."""
    desk = Desk()
    await grant(desk.ledger)
    before = await desk.warm("uct")
    await grant(desk.ledger, Decision.REFUSED, NEEMA)
    after = await desk.ask("uct")

    assert desk.recalled == 0
    assert told(after) != told(before)
    assert b"consent_refused" in after.item


async def test_a_narrowed_agreement_ends_an_answer_though_its_version_is_the_same():
    """The permit itself is compared, not its name."""
    desk = Desk()
    await desk.warm()
    agreed = sandbox_agreement("cct-education")
    forms = {name: form for name, form in agreed.attributes.items() if name != "given_name"}
    narrowed = World(
        None, agreed.model_copy(update={"attributes": forms}), cache=desk.cache, clock=desk.clock, ledger=desk.ledger
    )
    said = await answer(question(), narrowed.rooms._replace(recall=desk.world.rooms.recall))

    assert desk.recalled == 0
    assert b'"given_name"' not in said.item


async def test_forgetting_a_member_ends_the_answers_about_the_household():
    """And what is asked after it comes from the registries."""
    desk = Desk()
    await desk.warm()
    await desk.world.rooms.fetcher.calls.forget([uin(NEEMA)])
    await desk.ask()

    assert desk.recalled == 0


async def test_an_answer_lives_no_longer_than_its_records_may_serve():
    """The next moment it is composed of newer ones; and a new day is another question."""
    desk = Desk()
    await desk.warm()
    desk.clock.move(3600.0 * 24)
    await desk.ask()

    assert desk.recalled == 0


async def test_an_answer_planned_around_a_silent_registry_is_not_given_once_it_is_heard_again():
    """Nor the other way round."""
    desk = Desk()
    await desk.warm()
    rooms = desk.world.rooms
    planner = type("Planner", (), {"silent": lambda _: frozenset({"tax"}), "__getattr__": lambda _, n: getattr(rooms.planner, n)})()  # fmt: skip
    await answer(question(), rooms._replace(planner=planner))

    assert desk.recalled == 0


async def test_an_answer_of_other_registries_is_not_given_again():
    """Of a canary, for example: each lineup remembers its own."""
    desk = Desk()
    await desk.warm()
    rooms = desk.world.rooms
    other = rooms._replace(recall=Recall(desk.cache, "crvs 9.0"))
    await answer(question(), other)

    assert (other.recall.recalled, rooms.recall.recalled) == (0, 0)
    await answer(question(), other)
    await answer(question(), rooms)
    assert (other.recall.recalled, rooms.recall.recalled) == (1, 1)
