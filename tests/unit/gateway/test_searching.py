"""Through the whole path: neither being found nor an explanation tells what a person keeps back."""

from datetime import date

import orjson
import pytest

from gateway.pipeline import Answer, answer
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, IdQuery
from standards.filters import Comparison, Every, Filter
from standards.household import Outcome
from standards.permit import Operator
from tests.builders import ASHA, HOUSEHOLD, JUMA, KEY, KEYS, NEEMA, World, item, question, sandbox_agreement, uin

POOR = Comparison("poverty_score", Operator.LT, 30)
BORN_BEFORE_1989 = Comparison("birth_date", Operator.LT, "1989-01-01")


async def deciding(*refusals: tuple[dict[str, str], frozenset[str] | None]) -> MemoryLedger:
    """A ledger in which everybody with a number consents, but for these refusals."""
    ledger = MemoryLedger(KEY)
    for person in (ASHA, JUMA, NEEMA):
        for number in ("UIN", "MEMBER_ID"):
            me = uin(person)._replace(type=number, value=person[number])
            await ledger.record(Consent(me, "eligibility", Decision.GRANTED, me, date(2026, 1, 2)))
            for refusing, sources in refusals:
                if refusing is person:
                    refusal = Consent(me, "eligibility", Decision.REFUSED, me, date(2026, 1, 3), sources)
                    await ledger.record(refusal)
    return ledger


async def search(ledger: MemoryLedger, filter: Filter, entity: ResponseEntity, **changes) -> tuple[Answer, int, int]:
    """Search as the cash transfer; the answer, how many records it shows, and how many it says there are."""
    world = World(ledger=ledger)
    asked = item(FilterQuery(filter, ""), response_entity=entity, purpose="eligibility", **changes)
    answered = await answer(question(asked, "uct"), world.rooms)
    said = orjson.loads(answered.item)
    assert said["status"] == "succ", said
    return answered, len(said["data"]["reg_records"]), said["pagination"]["total_count"]


@pytest.mark.parametrize("attributes", [None, frozenset({"given_name"})])
@pytest.mark.parametrize("sources", [None, frozenset({"social"})])
async def test_who_keeps_back_what_is_searched_by_is_not_found(attributes, sources):
    """Otherwise a filter on a birth date would tell it bit by bit; the total tells nothing either.

    The grandmother, who has decided nothing, is not found at any time.
    """
    granted, refused = await deciding(), await deciding((JUMA, sources))
    _, *before = await search(granted, BORN_BEFORE_1989, ResponseEntity.MEMBER, attributes=attributes)
    _, *after = await search(refused, BORN_BEFORE_1989, ResponseEntity.MEMBER, attributes=attributes)

    assert before == [1, 1]
    assert after == [0, 0]


@pytest.mark.parametrize("asked_about", [BORN_BEFORE_1989, Comparison("birth_date", Operator.LT, "1800-01-01")])
async def test_an_answer_rests_on_the_registry_that_was_searched(asked_about):
    """Also where nothing else of it is told, or nobody is found: switched off meanwhile, it is not heard."""
    answered, *_ = await search(
        await deciding(), asked_about, ResponseEntity.MEMBER, attributes=frozenset({"given_name"})
    )

    assert answered.sources["social"].outcome in {Outcome.ANSWERED, Outcome.PARTIAL}


async def test_a_household_is_not_found_by_what_its_head_keeps_back():
    """Nobody in it is named, and the journal still tells that the registries were asked."""
    _, shown, total = await search(await deciding(), POOR, ResponseEntity.GROUP)
    assert (shown, total) == (1, 1)

    answered, shown, total = await search(await deciding((ASHA, None)), POOR, ResponseEntity.GROUP)
    assert (shown, total) == (0, 0)
    assert KEYS.pseudonym_of(uin(ASHA)) in answered.entry.members
    assert answered.entry.released == ()


def numbered(person: dict[str, str]) -> Comparison:
    """Somebody in the household has this number."""
    return Comparison("uin", Operator.IN, (person["UIN"],))


async def test_what_is_checked_afterwards_is_checked_on_what_may_be_told():
    """A household is not found by the number of a member who keeps it back, though a registry states it."""
    granted, refused = await deciding(), await deciding((JUMA, None))
    _, before, _ = await search(granted, Every((POOR, numbered(JUMA))), ResponseEntity.GROUP)
    _, after, _ = await search(refused, Every((POOR, numbered(JUMA))), ResponseEntity.GROUP)
    _, by_another, _ = await search(refused, Every((POOR, numbered(ASHA))), ResponseEntity.GROUP)

    assert (before, after, by_another) == (1, 0, 1)


async def test_the_total_is_the_same_whoever_is_looked_for_besides():
    """Else the difference of two totals would tell whether the first condition holds of a hidden household."""
    refused = await deciding((ASHA, None))
    nobody = {"UIN": "9999999999"}
    totals = [
        (await search(refused, Every((POOR, numbered(person))), ResponseEntity.GROUP))[1:]
        for person in (ASHA, JUMA, nobody)
    ]

    assert totals == [(0, 0)] * 3


async def test_a_refusal_of_something_else_hides_nobody():
    """Who keeps the clinics out is still found by age."""
    ledger = await deciding((JUMA, frozenset({"health"})))
    _, shown, total = await search(ledger, BORN_BEFORE_1989, ResponseEntity.MEMBER)

    assert (shown, total) == (1, 1)


async def test_an_explanation_hides_what_the_agreement_hides():
    """Where withheld looks like absent, the plan of a refused question is the plan of a granted one."""
    hiding = sandbox_agreement("uct").model_copy(update={"hide_withheld": True})
    asked = item(IdQuery(HOUSEHOLD), purpose="eligibility", explain=True)

    async def plan(ledger: MemoryLedger) -> str:
        answered = await answer(question(asked, "uct"), World(None, hiding, ledger=ledger).rooms)
        return str(orjson.loads(answered.item)["data"]["hearth:plan"])

    assert await plan(await deciding((ASHA, None))) == await plan(await deciding())
