"""The straight path: what becomes of a question, and what the journal says about it."""

import hashlib
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from adapters.terms import WEEKDAYS, Hours, Window
from gateway.cache import MemoryCache
from gateway.pipeline import Answer, abandoned, answer
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, IdQuery, Page
from standards.filters import Comparison
from standards.identifiers import Identifier
from standards.permit import Operator
from standards.states import UnavailableReason
from tests.builders import ASHA, HOUSEHOLD, JUMA, KEY, KEYS, MANIFESTS, NEEMA, NOW, World, item, question, uin

DOWN = UnavailableReason.SOURCE_DOWN
NOBODY = Identifier("UIN", "9999999999")
ALL_DOWN = {(m.id, k.name): DOWN for m in MANIFESTS.values() for k in m.lookups}
POOR = FilterQuery(Comparison("poverty_score", Operator.LT, 30), "poverty_score lt ?")


async def ask(world: World, consumer: str = "cct-education", **changes: Any) -> Answer:
    """Ask about Asha's household, or whatever else."""
    return await answer(question(item(**changes), consumer), world.rooms)


def said(answered: Answer) -> dict[str, Any]:
    """The item as it is sent."""
    return dict(orjson.loads(answered.item))


async def consenting(*people: dict[str, str], decision: Decision = Decision.GRANTED) -> MemoryLedger:
    """A ledger in which these people decided so."""
    ledger = MemoryLedger(KEY)
    for person in people:
        await ledger.record(Consent(uin(person), "eligibility", decision, uin(person), date(2026, 1, 5)))
    return ledger


async def test_a_question_is_answered_with_one_household():
    """Every member of it, in the standard's shape, with the evidence beside it."""
    answered = await ask(World())
    told = said(answered)

    assert (told["status"], answered.status) == ("succ", "succ")
    (group,) = told["data"]["reg_records"]
    assert [m["hearth:relationship_to_head"] for m in group["member_list"]] == ["SELF", "SPS", "CHILD", "PRN"]
    assert group["member_list"][2]["hearth:enrolment"]["grade"] == 5
    assert answered.sources["crvs"].calls == 2


async def test_the_journal_says_who_asked_why_and_what_left():
    """People are pseudonyms; of the answer there is a digest, by which it can be known again."""
    answered = await ask(World(), explain=True)
    entry = answered.entry

    assert (entry.event, entry.consumer, entry.at) == ("search.answered", "cct-education", NOW)
    assert entry.purpose == "enrolment_verification"
    assert entry.agreement.startswith("cct-education-verification@")
    assert entry.subject == KEYS.pseudonym_of(uin(ASHA))
    assert {KEYS.pseudonym_of(uin(who)) for who in (ASHA, JUMA, NEEMA)} < set(entry.members)
    assert {"given_name", "school_enrolled"} <= set(entry.released)
    assert "income_annual" not in entry.released
    assert (entry.outcomes["crvs"], entry.outcomes["tax"]) == ("answered", "not_asked")
    assert "education.learner" in entry.plan
    assert entry.answer_digest == hashlib.sha256(answered.item).hexdigest()
    assert entry.transaction == KEYS.digest_of("t-1")
    assert entry.correlation == "c-1"


async def test_a_question_that_policy_denies_asks_nobody():
    """The item says what to obtain; the journal says that it was asked."""
    world = World()
    answered = await ask(world, "nobody", purpose="eligibility")

    assert answered.entry.event == "search.denied"
    assert "no_agreement" in said(answered)["status_reason_message"]
    assert world.asked == {}
    assert (answered.entry.members, answered.entry.released, answered.entry.plan) == ((), (), "")


async def test_a_purpose_that_nobody_agreed_is_not_repeated_in_the_journal():
    """Whatever was written there may be personal; equal texts have equal digests."""
    first, again, other = [
        (await ask(World(), purpose=text)).entry.purpose for text in ("Asha Moyo", "Asha Moyo", "Juma Moyo")
    ]

    assert "Asha" not in first
    assert first == again != other


async def test_the_type_of_a_number_is_not_repeated_in_the_journal():
    """It is free text on the wire."""
    answered = await ask(World(), query=IdQuery(Identifier("Asha Moyo", "1")))

    assert "Asha" not in str(answered.entry)


async def test_a_number_nobody_knows_has_an_answer_without_records():
    """Which is a "no", because everybody who was asked answered."""
    answered = await ask(World(), query=IdQuery(NOBODY))

    assert answered.status == "succ"
    assert said(answered)["data"]["reg_records"] == []
    assert answered.entry.event == "search.answered"
    assert answered.entry.subject == KEYS.pseudonym_of(NOBODY)
    assert answered.entry.released == ()


async def test_silence_of_everybody_is_no_answer():
    """The question stays open, and the journal says so."""
    answered = await ask(World(failing=ALL_DOWN))

    assert answered.status == "rjct"
    assert "data" not in said(answered)
    assert answered.entry.event == "search.unanswered"


async def test_one_silent_registry_leaves_holes_with_a_reason():
    """And everything else as it was."""
    answered = await ask(World(failing={("education", "learner"): DOWN}))
    told = said(answered)
    neema = told["data"]["hearth:evidence"][0]["members"][2]["attributes"]

    assert neema["school_enrolled"] == {"state": "unavailable", "reason": "source_down", "source": "education"}
    assert neema["given_name"]["state"] == "value"
    assert "education" in told["status_reason_message"]
    assert answered.entry.outcomes["education"] == "unavailable"


async def test_a_question_about_one_person_finds_no_household():
    """Nobody else is asked about, and nothing of a household is in the answer."""
    world = World()
    told = said(await ask(world, query=IdQuery(uin(NEEMA)), response_entity=ResponseEntity.MEMBER))

    (record,) = told["data"]["reg_records"]
    assert record["@type"] == "Member"
    assert {s.value for r in world.registries["crvs"].asked for s in r.subjects} == {NEEMA["UIN"]}


async def test_a_household_may_be_asked_for_by_its_number():
    """The answer is about nobody in particular."""
    told = said(await ask(World(), query=IdQuery(HOUSEHOLD)))

    assert len(told["data"]["reg_records"][0]["member_list"]) == 4
    assert not any(m["asked"] for m in told["data"]["hearth:evidence"][0]["members"])


async def test_without_consent_a_member_stays_and_says_nothing():
    """Everything is withheld, and no registry is asked about that person."""
    world = World(ledger=await consenting(ASHA, NEEMA))
    told = said(await ask(world, "uct"))
    juma = told["data"]["hearth:evidence"][0]["members"][1]

    assert juma["relationship"] == "SPS"
    assert {state["state"] for state in juma["attributes"].values()} == {"withheld"}
    assert not [s for s in world.registries["tax"].asked[0].subjects if s.value == "T00000002"]


async def test_without_consent_of_the_person_asked_about_nobody_is_asked():
    """The household cannot be found, so the list is marked as incomplete, and nothing is told."""
    world = World(ledger=await consenting(ASHA, decision=Decision.REFUSED))
    answered = await ask(world, "uct")
    evidence = said(answered)["data"]["hearth:evidence"][0]

    assert world.asked == {}
    assert not evidence["complete"]
    assert {s["state"] for s in evidence["members"][0]["attributes"].values()} == {"withheld"}
    assert answered.entry.released == ()


async def test_a_withdrawal_counts_for_the_next_question_whatever_is_kept():
    """What registries said is kept before minimisation, and decided on anew each time."""
    ledger = await consenting(ASHA, JUMA, NEEMA)
    world = World(ledger=ledger, cache=MemoryCache(KEY, 10_000_000, NOW.timestamp))
    before = said(await ask(world, "uct"))["data"]["reg_records"][0]["member_list"]
    await ledger.record(Consent(uin(JUMA), "eligibility", Decision.REFUSED, uin(JUMA), date(2026, 9, 30)))
    after = said(await ask(world, "uct"))["data"]["reg_records"][0]["member_list"]

    assert "demographic_info" in before[1]
    assert "demographic_info" not in after[1]
    assert after[0] == before[0]


async def test_an_agreement_that_has_ended_denies():
    """On the day after its last one."""
    world = World()
    world.clock.move(timedelta(days=1000).total_seconds())
    answered = await ask(world)

    assert answered.entry.event == "search.denied"
    assert "agreement_not_in_force" in said(answered)["status_reason_message"]


async def test_the_only_purpose_need_not_be_named():
    """And another one is denied."""
    assert (await ask(World(), purpose=None)).entry.event == "search.answered"
    assert (await ask(World(), purpose="eligibility")).entry.event == "search.denied"


async def test_the_plan_is_told_to_who_asks_for_it():
    """Only then."""
    assert "education.learner" in said(await ask(World(), explain=True))["data"]["hearth:plan"]
    assert "hearth:plan" not in said(await ask(World()))["data"]


async def test_a_search_is_answered_household_by_household():
    """Each with the consent of its own people, and under the agreement's right to search."""
    world = World(ledger=await consenting(ASHA, JUMA, NEEMA))
    answered = await ask(world, "uct", query=POOR, page=Page(5))
    told = said(answered)

    assert len(told["data"]["reg_records"]) == 1
    assert told["pagination"] == {"page_size": 5, "page_number": 1, "total_count": 1}
    assert answered.entry.subject == ""
    assert answered.entry.plan.startswith("search social by poverty_score")


async def test_a_search_that_is_not_agreed_is_denied():
    """Before any registry is searched."""
    world = World()
    answered = await ask(world, query=POOR)

    assert answered.entry.event == "search.denied"
    assert world.registries["social"].searched == []


async def test_a_search_that_cannot_be_put_to_a_registry_is_rejected():
    """The item carries the standard's code for it."""
    odd = FilterQuery(Comparison("age", Operator.GT, 60), "age gt ?")
    answered = await ask(World(), "uct", query=odd)

    assert answered.entry.event == "search.rejected"
    assert said(answered)["status_reason_code"] == "rjct.filter.invalid"


async def test_a_search_at_a_silent_registry_is_not_answered_with_nothing():
    """The question stays open."""
    answered = await ask(World(failing={("social", "group"): DOWN}), "uct", query=POOR)

    assert answered.entry.event == "search.unanswered"


@pytest.mark.parametrize(
    ("consumer", "query"), [("uct", POOR), ("cct-education", IdQuery(NOBODY))], ids=["a search", "a number"]
)
async def test_a_question_to_registries_that_are_closed_says_when_to_ask_again(consumer, query):
    """Outside the hours that they declare, nothing is broken and nobody has to be called."""
    nights = Hours(timezone="UTC", windows=(Window(days=WEEKDAYS, opens="01:00", closes="05:00"),))
    closed = [m.model_copy(update={"hours": nights}) for m in MANIFESTS.values()]
    answered = await ask(World(failing=ALL_DOWN, manifests=closed), consumer, query=query)

    message = said(answered)["status_reason_message"]
    assert "(source_closed)" in message
    assert message.endswith("ask again after 2026-10-01T01:00:00+00:00")


@pytest.mark.parametrize("consumer", ["uct", "nobody"])
def test_a_question_whose_consumer_hung_up_is_journalled(consumer):
    """Registries may have been asked about the person, though no answer left."""
    entry = abandoned(question(item(), consumer), World().rooms)

    assert (entry.event, entry.consumer) == ("search.abandoned", consumer)
    assert entry.subject == KEYS.pseudonym_of(uin(ASHA))
    assert entry.released == ()
