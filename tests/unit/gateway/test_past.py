"""Questions about a past day, through the whole path."""

from datetime import date, timedelta

import orjson
import pytest

from gateway.cache import MemoryCache
from gateway.pipeline import answer
from standards.dci.search import IdQuery
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import ASHA, HOUSEHOLD, KEY, NOW, World, family, item, question, sandbox_agreement, uin

DAY = date(2020, 6, 1)


def agreement(rule="kin@1", **changes):
    """The school grant, with what it needs for these tests."""
    stated = sandbox_agreement("cct-education")
    assert stated.household is not None
    forms = {**stated.attributes, **dict.fromkeys(NEEDED, sandbox_agreement("uct").attributes["given_name"])}
    household = stated.household.model_copy(update={"rule": rule})
    return stated.model_copy(update={"household": household, "attributes": forms, "past": True, **changes})


NEEDED = ("birth_date", "age", "marital_status", "income_annual", "employment_status", "total_land_ha", "poverty_score")
NAMES = frozenset({*NEEDED, "given_name"})


async def ask(as_of=DAY, world=None, subject=None, rule="kin@1", **changes):
    """What the programme is told, and by whom."""
    world = world or World(None, agreement(rule, **changes))
    asked = item(IdQuery(subject or uin(ASHA)), attributes=NAMES, as_of=as_of)
    answered = await answer(question(asked), world.rooms)
    return world, orjson.loads(answered.item)


def states(said):
    """The states of Asha's attributes, and of the household's."""
    (evidence,) = said["data"]["hearth:evidence"]
    return evidence["members"][0]["attributes"], evidence["attributes"]


async def test_registries_with_history_answer_as_of_the_day():
    """Each is told the day; what they say is dated by it, and so is what is computed."""
    world, said = await ask()
    own, _ = states(said)

    assert {r.as_of for one in world.registries.values() for r in one.asked} == {DAY}
    assert (own["marital_status"]["state"], own["marital_status"]["as_of"]) == ("value", "2020-06-01")
    assert (own["income_annual"]["state"], own["income_annual"]["as_of"]) == ("value", "2020-06-01")
    assert said["data"]["reg_records"][0]["member_list"][0]["hearth:age"] == 30


async def test_who_belonged_to_the_household_is_settled_for_the_day():
    """By the ages that people had then, from what civil registration says of that day."""
    _, said = await ask()

    assert len(said["data"]["reg_records"][0]["member_list"]) == 3


async def test_what_has_no_history_is_not_given_as_of_today():
    """It is unavailable, with the registry that keeps none; nor is the registry called."""
    world, said = await ask()
    own, household = states(said)

    assert own["employment_status"] == {"state": "unavailable", "reason": "not_as_of", "source": "tax"}
    assert household["poverty_score"] == {"state": "unavailable", "reason": "not_as_of", "source": "social"}
    assert household["total_land_ha"]["state"] == "unavailable"
    assert {"land", "social", "education", "health"}.isdisjoint(world.asked)


async def test_a_lesser_registry_with_history_speaks_for_one_without():
    """The platform knows names as they are now; civil registration knew them then."""
    _, said = await ask()

    assert states(said)[0]["given_name"]["source"] == "crvs"


async def test_recorded_households_have_no_history():
    """Kin are told, the list counts as incomplete, and nothing is summed over it."""
    _, said = await ask(rule="registered-or-kin@1")
    (evidence,) = said["data"]["hearth:evidence"]

    assert (evidence["complete"], evidence["unheard"]) == (False, ["social"])
    assert said["data"]["hearth:sources"]["social"] == {
        "outcome": "unavailable", "calls": 0, "cached": 0, "reason": "not_as_of",
    }  # fmt: skip
    assert evidence["attributes"]["total_land_ha"]["reason"] == "membership_incomplete"


async def test_a_household_asked_for_by_its_number_is_not_nobody():
    """Nobody could be asked, which is no answer."""
    _, said = await ask(subject=HOUSEHOLD, rule="registered-or-kin@1")

    assert said["status"] == "rjct"
    assert "social (not_as_of)" in said["status_reason_message"]


async def test_a_mandatory_registry_without_history_ends_the_question():
    """The agreement discloses nothing without its word."""
    _, said = await ask(mandatory=("tax",))

    assert said["status"] == "rjct"
    assert "tax (not_as_of)" in said["status_reason_message"]


@pytest.mark.parametrize("mandatory", [("crvs",), ("education",)])
async def test_a_mandatory_registry_with_history_or_not_needed_does_not(mandatory):
    """Civil registration answers as of the day, and the school registry is not needed."""
    _, said = await ask(mandatory=mandatory)

    assert said["status"] == "succ"


async def test_today_is_not_the_past():
    """The question is answered as any other."""
    world, said = await ask(NOW.date())

    assert states(said)[0]["employment_status"]["state"] == "value"
    assert {r.as_of for one in world.registries.values() for r in one.asked} == {None}


async def test_a_day_to_come_is_refused():
    """Nobody is asked."""
    world, said = await ask(NOW.date() + timedelta(days=1))

    assert (said["status"], said["status_reason_code"]) == ("rjct", "rjct.search_criteria.invalid")
    assert "not come yet" in said["status_reason_message"]
    assert world.asked == {}


async def test_the_past_and_today_never_share_a_record():
    """Neither serves the other from the cache."""
    world = World(None, agreement(), cache=MemoryCache(KEY, 1_000_000))
    for day in (None, DAY, date(2019, 1, 1), None):
        await ask(day, world)

    civil = [request.as_of for request in world.registries["crvs"].asked]
    assert civil.count(DAY) == civil.count(date(2019, 1, 1)) > 0
    assert civil[-1] is not None  # the last question, about today again, was served from what the first one left


async def test_an_outage_stays_an_outage():
    """A registry with history that is down is not one without."""
    world = World(family(), agreement(), failing={("tax", "taxpayer"): UnavailableReason.SOURCE_DOWN})
    _, said = await ask(world=world)
    own, _ = states(said)

    assert own["income_annual"] == {"state": "unavailable", "reason": "source_down", "source": "tax"}
    assert own["employment_status"]["reason"] == "not_as_of"


async def test_somebody_the_past_does_not_know_is_nobody():
    """As with every number that nobody knows."""
    _, said = await ask(subject=Identifier("UIN", "9999999999"))

    assert (said["status"], said["data"]["reg_records"]) == ("succ", [])


async def test_the_past_is_asked_about_only_where_it_is_agreed():
    """A former marital status is another fact than today's: it needs a right of its own, and nobody is asked without."""
    world, said = await ask(past=False)

    assert said["status"] == "rjct"
    assert "past_not_agreed" in said["status_reason_message"]
    assert not any(registry.asked for registry in world.registries.values())
