"""Sources without which nothing is disclosed, and old answers in an outage, through the whole path."""

import orjson
import pytest

from gateway.cache import MemoryCache
from gateway.pipeline import abandoned, answer
from gateway.stages.calls import Calls
from gateway.stages.fetch import Fetcher
from standards.dci.search import IdQuery
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import HOUSEHOLD, KEY, NOW, World, item, question, sandbox_agreement
from tests.fakes import StillClock, connected

DOWN = UnavailableReason.SOURCE_DOWN
EDUCATION, SOCIAL = ("education", "learner"), ("social", "group")


async def ask(failing, asked=None, *, mandatory=("education",), **changes):
    """What the school grant is told, under an agreement that makes some sources mandatory."""
    agreement = sandbox_agreement("cct-education").model_copy(update={"mandatory": mandatory, **changes})
    world = World(None, agreement, failing=dict.fromkeys(failing, DOWN))
    answered = await answer(question(asked), world.rooms)
    return answered, orjson.loads(answered.item)


@pytest.mark.parametrize("failing", [EDUCATION, SOCIAL])
async def test_when_a_mandatory_source_fails_nothing_is_disclosed(failing):
    """Its name and the reason are, and the journal holds a question without an answer."""
    answered, said = await ask([failing], mandatory=("education", "social"))

    assert said["status"] == "rjct"
    assert "data" not in said
    assert f"not obtained from {failing[0]} (source_down)" in said["status_reason_message"]
    assert "the agreement discloses nothing without it" in said["status_reason_message"]
    assert answered.entry.event == "search.unanswered"
    assert answered.entry.released == ()


@pytest.mark.parametrize("mandatory", [(), ("social",)])
async def test_without_a_source_that_is_not_mandatory_the_answer_is_partial(mandatory):
    """By default none is."""
    _, said = await ask([EDUCATION], mandatory=mandatory)

    assert said["status"] == "succ"
    assert said["data"]["hearth:sources"]["education"]["outcome"] == "unavailable"


async def test_a_mandatory_source_that_the_question_does_not_need_is_not_missing():
    """Nothing is fetched that is not needed, mandatory or not."""
    _, said = await ask([EDUCATION], item(attributes=frozenset({"given_name"})))

    assert said["status"] == "succ"


async def test_a_mandatory_source_whose_number_could_not_be_found_is_missing():
    """It could not be asked about the person, because the source of the number was out."""
    _, said = await ask([("crvs", "person")])

    assert said["status"] == "rjct"
    assert "not obtained from education (identifier_unavailable)" in said["status_reason_message"]


async def test_a_household_asked_for_by_its_number_goes_by_its_head():
    """The head is who the question is about."""
    _, said = await ask([EDUCATION], item()._replace(query=IdQuery(HOUSEHOLD)))

    assert said["status"] == "rjct"


async def test_an_old_record_is_labelled_in_the_evidence():
    """Beside the time it is from; and its registry counts as heard in part."""
    clock = StillClock(NOW)
    agreement = sandbox_agreement("cct-education").model_copy(update={"stale_if_error_s": 600.0})
    world = World(None, agreement, clock=clock)
    cache = MemoryCache(KEY, 10_000_000, clock.monotonic)
    all_connected = connected(world.registries)
    calls = Calls(all_connected, cache, clock, max_stale_s=600.0)
    rooms = world.rooms._replace(fetcher=Fetcher(all_connected, calls, clock))
    await answer(question(), rooms)
    clock.move(400)
    for name in ("education", "crvs"):
        world.registries[name].failing = dict.fromkeys(("learner", "person"), DOWN)
    said = orjson.loads((await answer(question(), rooms)).item)

    states = said["data"]["hearth:evidence"][0]["members"][2]["attributes"]
    assert states["school_enrolled"]["stale"] is True
    assert states["school_enrolled"]["cached"] is True
    assert states["school_enrolled"]["retrieved_at"].startswith("2026-09-30T12:00:00")
    assert states["birth_date"]["stale"] is True
    mother = said["data"]["hearth:evidence"][0]["members"][0]["attributes"]
    assert mother["school_enrolled"]["state"] == "unavailable", "that she was no learner then is no answer now"
    outcome = said["data"]["hearth:sources"]["education"]
    assert (outcome["outcome"], outcome["reason"]) == ("partial", "source_down")


def test_a_question_without_an_answer_leaves_who_asked_about_whom():
    """And nothing that was not told: no agreement, no plan, no digest."""
    world = World()
    entry = abandoned(question(), world.rooms)
    somebody_else = abandoned(question(item()._replace(query=IdQuery(Identifier("UIN", "1000000002")))), world.rooms)  # fmt: skip

    assert (entry.event, entry.consumer, entry.purpose) == (
        "search.abandoned",
        "cct-education",
        "enrolment_verification",
    )
    assert entry.subject
    assert entry.subject != somebody_else.subject
    assert (entry.answer_digest, entry.released, entry.members, entry.plan) == ("", (), (), "")
