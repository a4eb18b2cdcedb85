"""A subscription to a death: from the request over the registry's event to one notification, and its end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.pipeline import answer
from gateway.subscriptions.questions import question_of
from policies.receipts import Decision
from standards.dci.events import STATED_BY, EventKind
from standards.dci.notified import Event, read_on_subscribe
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import ASHA, JUMA, NEEMA, NEVER, family, sandbox_agreement, uin
from tests.subscribing import CCT, EVERY_KIND, UCT, EventfulRegistry, Subscribed, death, wish


def dead(of=ASHA):
    """The family, one of whom the civil register knows to be dead."""
    truth = family()
    truth["crvs", "person"] = [
        r._replace(values={**r.values, "vital_status": "dead", "death_date": "2026-04-30"})
        if r.identifiers["UIN"] == of["UIN"]
        else r
        for r in truth["crvs", "person"]
    ]
    return truth


@pytest.fixture
def url(tmp_path):
    """A database of the test's own."""
    return f"sqlite:///{tmp_path}/subscriptions.db"


@pytest.fixture
def crvs():
    """The events of the civil register."""
    return EventfulRegistry(EventKind.DEATH, EventKind.MARRIAGE)


async def subscribed(url, crvs, truth=None, *agreements, **more):
    """A person who consents, and a programme that wants to be told of the death."""
    world = Subscribed(truth or dead(), *agreements, url=url, events={"crvs": crvs}, **more)
    await world.grant()
    (item,) = await world.subscribe()
    assert item["status"] == "succ", item
    await world.take(crvs)
    return world, item["subscriptions"][0]["code"]


async def test_an_event_is_told_once_and_minimised(url, crvs):
    """The notification holds what a question would be answered with, and nothing of what the registry sent."""
    world, code = await subscribed(url, crvs)

    await world.happen(death())
    await world.happen(death())
    await world.happen(death({"UIN": ASHA["UIN"], "DRN": "D-1"}), "national_id")

    (told,) = world.told
    (event,) = told["message"]["notify_event"]
    assert told["message"]["transaction_id"] == "txn-900"
    assert told["header"]["action"] == "notify"
    assert event["data"]["reg_event_type"] == "spdci-common:RegistryEventType:Death"
    assert event["data"]["hearth:subscription_code"] == code
    assert "RAW-NOTIFICATION" not in str(told)
    (entry,) = world.journalled("event.told")
    assert set(entry.released) == {"vital_status"}  # consent ended with the death: last words are all that is left
    assert entry.correlation == code


async def test_what_is_kept_of_the_person_goes_before_anything_is_told(url, crvs):
    """A question after the event is answered from the registries, not from what was read before it."""
    world, _ = await subscribed(url, crvs, family())
    question_ = question_of(await world.only(), UCT, "r", NEVER)
    await answer(question_, world.rooms)
    world.world.registries["crvs"].records = {"person": dead()["crvs", "person"]}
    assert b"alive" in (await answer(question_, world.rooms)).item
    words = len((await world.ledger.gone(0))[1])

    await world.subscriptions.happening.happened("crvs", death())

    assert b"dead" in (await answer(question_, world.rooms)).item
    assert uin(ASHA) in (await world.ledger.gone(words))[1]  # other processes are told too


async def test_a_withdrawal_while_it_is_recorded_silences_it(url, crvs):
    """What is ready under the old terms does not leave."""
    world, _ = await subscribed(url, crvs)

    async def withdraw(event):
        if event == "event.told":
            world.while_recording = None
            await world.grant(decision=Decision.WITHDRAWN)

    world.while_recording = withdraw
    await world.happen(death())

    assert world.told == []
    assert [e.event for e in world.entries[-3:]] == ["event.told", "search.superseded", "event.withheld"]


async def test_a_withdrawal_before_sending_silences_it(url, crvs):
    """Consent counts at the moment of sending."""
    world, _ = await subscribed(url, crvs)
    await world.subscriptions.happening.happened("crvs", death())
    await world.work.run()
    await world.grant(decision=Decision.WITHDRAWN)

    await world.settle()

    assert world.told == []
    assert len(world.journalled("event.withheld")) == 1


async def test_a_suspended_programme_is_told_nothing(url, crvs):
    """Switched off means nothing leaves, not even what waits."""
    world, _ = await subscribed(url, crvs)
    await world.subscriptions.happening.happened("crvs", death())
    await world.work.run()
    world.suspended.add("uct")

    await world.settle()

    assert world.told == []


async def test_a_death_that_the_registries_do_not_bear_out_is_not_told(url, crvs):
    """A registry's word alone makes nobody dead: it waits until the record says so."""
    world, _ = await subscribed(url, crvs, family())

    await world.happen(death())
    assert world.told == []
    assert len(world.deliveries.waiting) == 1

    world.world.registries["crvs"].records = {"person": dead()["crvs", "person"]}
    await world.settle()
    assert len(world.told) == 1


async def test_an_outage_keeps_a_death_waiting_where_another_registry_was_heard(url, crvs):
    """The person is named by a number of the social registry, which answers; the civil register is down just then."""
    crvs.identifier_types = ("UIN", "MEMBER_ID")
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()
    await world.subscribe(wish(filter={"type": "MEMBER_ID", "value": ASHA["MEMBER_ID"]}))
    world.world.registries["crvs"].failing = {"person": UnavailableReason.SOURCE_DOWN}

    await world.happen(death())
    assert world.told == []
    assert world.journalled("event.withheld") == []

    world.world.registries["crvs"].failing = {}
    world.clock.move(700)
    await world.settle()
    assert len(world.told) == 1


async def test_unsubscribe_ends_it_everywhere(url, crvs):
    """The registry is told, nothing of the person stays, and a later event tells nobody."""
    world, code = await subscribed(url, crvs)

    payload = await world.unsubscribe(code)
    await world.let_go(crvs)

    assert payload["status"] == "succ"
    assert payload["subscription_status"] == [{"code": code, "status": "unsubscribe"}]
    assert crvs.ended == ["THEIRS-1"]
    assert await world.subscriptions.upstream.all() == []
    await world.happen(death())
    assert world.told == []
    again = await world.unsubscribe(code, correlation="c-3")
    assert (again["status"], again["status_reason_code"]) == ("rjct", "rjct.event.already_unsubscribed")


async def test_two_programmes_share_one_subscription_at_the_registry(url, crvs):
    """The last of them to leave ends it."""
    cct = sandbox_agreement("cct-education")
    cct = cct.model_copy(update={"events": EVERY_KIND, "attributes": {**cct.attributes, "vital_status": "value"}})
    uct = sandbox_agreement("uct").model_copy(update={"events": EVERY_KIND})
    world, code = await subscribed(url, crvs, None, uct, cct)
    (item,) = await world.subscribe(wish(authorize=None), consumer=CCT, correlation="c-5")
    assert item["status"] == "succ", item
    assert len(crvs.wishes) == 1

    await world.unsubscribe(code)
    assert crvs.ended == []
    await world.unsubscribe(item["subscriptions"][0]["code"], consumer=CCT, correlation="c-6")
    assert crvs.ended == ["THEIRS-1"]


async def test_a_programme_whose_agreement_tells_nothing_of_it_is_refused(url, crvs):
    """The right to events of a kind is not enough: one of the attributes that state it must be agreed."""
    world, _ = await subscribed(url, crvs)

    (item,) = await world.subscribe(wish(authorize=None), consumer=CCT, correlation="c-5")

    assert (item["status"], item["status_reason_code"]) == ("rjct", "rjct.notify_types.invalid")


async def test_no_registry_is_asked_without_the_consent_of_the_person(url, crvs):
    """The subscription is kept, and the registry hears of it when the person has agreed."""
    world = Subscribed(dead(), url=url, events={"crvs": crvs}, review_s=10)
    (item,) = await world.subscribe()
    assert item["status"] == "succ"
    assert crvs.wishes == []

    await world.grant()
    world.clock.move(11)
    await world.settle()

    assert [w.subject for w in crvs.wishes] == [uin(ASHA)]


async def test_a_withdrawal_ends_the_subscription_at_the_registry(url, crvs):
    """Nobody may be told any more, so the registry is not asked to tell any more."""
    world, _ = await subscribed(url, crvs, None, review_s=10)

    await world.grant(decision=Decision.WITHDRAWN)
    world.clock.move(11)
    await world.settle()

    assert crvs.ended == ["THEIRS-1"]


BY_BIRTH = {"type": "BRN", "value": "B1990-000001"}


async def test_consent_counts_under_whatever_number_it_was_given(url, crvs):
    """A subscription by birth registration number rests on the consent that stands under the national number."""
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()

    (item,) = await world.subscribe(wish(filter=BY_BIRTH))

    assert item["status"] == "succ"
    assert [w.subject for w in crvs.wishes] == [Identifier(**BY_BIRTH)]


async def test_nothing_is_asked_while_it_is_not_known_who_has_decided(url, crvs):
    """The registry that knows the person's other number is down: later."""
    world = Subscribed(dead(), url=url, events={"crvs": crvs}, review_s=10)
    await world.grant()
    for registry in world.world.registries.values():
        registry.failing = dict.fromkeys(registry.records, UnavailableReason.SOURCE_DOWN)
    await world.subscribe(wish(filter=BY_BIRTH))
    assert crvs.wishes == []

    for registry in world.world.registries.values():
        registry.failing = {}
    world.clock.move(11)
    await world.settle()
    assert len(crvs.wishes) == 1


async def test_a_registry_is_asked_anew_now_and_then(url, crvs):
    """It may have lost the wish; while it has not, its code stays."""
    world, _ = await subscribed(url, crvs, None, renew_s=100)
    world.clock.move(50)
    await world.settle()
    assert len(crvs.wishes) == 1

    world.clock.move(60)
    await world.settle()
    assert len(crvs.wishes) == 2
    await world.take(crvs, code="THEIRS-2")
    world.clock.move(50)
    await world.settle()
    assert len(crvs.wishes) == 2


async def test_a_registry_that_is_down_is_asked_again(url, crvs):
    """Neither the wish nor its end is lost."""
    crvs.is_down = True
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()
    (item,) = await world.subscribe()
    crvs.is_down = False
    world.clock.move(60)
    await world.settle()
    assert len(crvs.wishes) == 1
    await world.take(crvs)

    crvs.is_down = True
    await world.unsubscribe(item["subscriptions"][0]["code"])
    crvs.is_down = False
    world.clock.move(60)
    await world.settle()
    assert crvs.ended == ["THEIRS-1"]


async def test_the_code_that_comes_after_the_end_is_ended(url, crvs):
    """A programme may leave before the registry has said by which code it knows the subscription."""
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()
    (item,) = await world.subscribe()
    await world.unsubscribe(item["subscriptions"][0]["code"])
    assert crvs.ended == []

    await world.take(crvs)

    assert crvs.ended == ["THEIRS-1"]


async def test_a_refusal_at_the_registry_is_made_up_for_by_looking(url, crvs):
    """The programme is told all the same, only later."""
    world = Subscribed(family(), url=url, events={"crvs": crvs})
    await world.grant()
    await world.subscribe()
    answer = {"reference_id": crvs.wishes[0].reference_id, "status": "rjct"}
    said = {"transaction_id": crvs.wishes[0].transaction_id, "subscribe_response": [answer]}
    await world.subscriptions.asking.answered("crvs", read_on_subscribe(said))
    await world.settle()

    world.world.registries["crvs"].records = {"person": dead()["crvs", "person"]}
    world.clock.move(601)
    await world.settle()

    assert len(world.told) == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wish(), "rjct.event.already_subscribed"),
        (wish(reg_event_type="SEARCH"), "rjct.notify_types.invalid"),
        (wish(reg_type="ns:org:RegistryType:FR"), "rjct.notify_types.invalid"),
        (wish(filter={"type": "HOUSEHOLD_ID", "value": "HH-1"}), "rjct.person_id.invalid"),
        (wish(filter={"type": "UIN"}), "rjct.person_id.invalid"),
        (wish(filter_type="graphql"), "rjct.notify_details.invalid"),
        (wish(notify_record_type="Farmer"), "rjct.notify_details.invalid"),
        (wish(frequency={"frequency": "now and then"}), "rjct.notify_details.invalid"),
        (wish(authorize={"purpose": {"code": "curiosity"}}), "rjct.notify_types.invalid"),
        (wish() | {"timestamp": "2026-03-04T09:15:00"}, "rjct.timestamp.invalid"),
        (wish("r" * 100), "rjct.reference_id.invalid"),
    ],
)
async def test_a_request_that_cannot_be_taken_says_why(url, crvs, asked, code):
    """In the code that the standard has for it."""
    world, _ = await subscribed(url, crvs)

    (item,) = await world.subscribe(asked, correlation="c-7")

    assert (item["status"], item["status_reason_code"]) == ("rjct", code)


async def test_a_programme_has_so_many_subscriptions_and_no_more(url, crvs):
    """The bound is on those that are open."""
    world, code = await subscribed(url, crvs, None, max_per_consumer=1)
    juma = wish(filter={"type": "UIN", "value": JUMA["UIN"]})
    (item,) = await world.subscribe(juma, correlation="c-7")
    assert item["status_reason_code"] == "rjct.notify_details.invalid"

    await world.unsubscribe(code)
    (item,) = await world.subscribe(juma, correlation="c-8")
    assert item["status"] == "succ"


async def test_nobody_ends_the_subscription_of_another(url, crvs):
    """Nor learns more than that it is not theirs."""
    world, code = await subscribed(url, crvs)

    payload = await world.unsubscribe(code, "sub-unknown", consumer=CCT)

    assert (payload["status"], payload["status_reason_code"]) == ("rjct", "rjct.requester.invalid")
    assert payload["subscription_status"] == []
    assert await world.subscriptions.store.find(code) is not None


async def test_a_subscription_ends_at_its_end_time(url, crvs):
    """And the registry is told."""
    frequency = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-10-01T00:00:00Z", "frequency": "real-time"}
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()
    await world.subscribe(wish(frequency=frequency))
    await world.take(crvs)

    world.clock.move(13 * 3600)
    await world.settle()

    assert await world.subscriptions.store.open_codes() == []
    assert crvs.ended == ["THEIRS-1"]


async def test_a_schedule_gathers_until_its_moment(url, crvs):
    """What happens in between is told then, once."""
    frequency = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-10-01T00:00:00Z", "frequency": "daily"}
    world = Subscribed(dead(), url=url, events={"crvs": crvs})
    await world.grant()
    await world.subscribe(wish(frequency=frequency))
    await world.take(crvs)

    await world.happen(death())
    assert world.told == []
    await world.happen(death())
    world.clock.move(12 * 3600)
    await world.settle()

    assert len(world.told) == 1


async def test_the_same_message_worked_on_twice_leads_to_one_subscription(url, crvs):
    """Work is done at least once."""
    world, code = await subscribed(url, crvs)

    (item,) = await world.subscribe()

    assert item["subscriptions"][0]["code"] == code
    assert len(crvs.wishes) == 1


async def test_a_change_of_what_may_be_told_is_found_by_looking(url):
    """The first look makes the baseline, an outage is no change, and nothing is kept of what was seen."""
    world = Subscribed(family(), url=url)
    await world.grant()
    (item,) = await world.subscribe(wish(kind=EventKind.CHANGE, notify_record_type="Group"))
    assert item["status"] == "succ", item
    assert world.told == []

    world.clock.move(601)
    await world.settle()
    assert world.told == []

    failing = dict.fromkeys(("person",), UnavailableReason.SOURCE_DOWN)
    world.world.registries["crvs"].failing = failing
    world.clock.move(601)
    await world.settle()
    assert world.told == []

    world.world.registries["crvs"].failing = {}
    moved = family()
    moved["social", "group"] = [
        r._replace(values={**r.values, "dwelling_type": "brick"}) for r in moved["social", "group"]
    ]
    cast("Any", world.world.registries["social"].records)["group"] = moved["social", "group"]
    world.clock.move(601)
    await world.settle()

    (told,) = world.told
    (event,) = told["message"]["notify_event"]
    assert event["data"]["reg_type"] == "ns:hearth:RegistryType:VirtualHousehold"
    assert "brick" in str(event["data"]["reg_records"])
    world.clock.move(601)
    await world.settle()
    assert len(world.told) == 1


async def test_work_that_is_done_twice_looks_no_more_often(url):
    """A process that is killed over a look, or over the subscription, does its work again: one row of looks stays."""
    world = Subscribed(family(), url=url)
    await world.grant()
    await world.subscribe(wish(kind=EventKind.CHANGE, notify_record_type="Group"))
    subscription = await world.only()
    world.clock.move(1)
    await world.subscriptions.watching.begin(subscription)
    await world.subscriptions.watching._look("again", {"code": subscription.code, "goes_on": True}, 0)
    before = len(world.journalled("subscription.looked"))

    for _ in range(3):
        world.clock.move(601)
        await world.settle()

    assert len(world.journalled("subscription.looked")) == before + 3


async def test_looks_are_no_more_frequent_than_agreed(url):
    """Whatever the subscription says."""
    frequency = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-10-01T00:00:00Z", "frequency": "* * * * * ? *"}
    world = Subscribed(family(), url=url)
    await world.grant()
    await world.subscribe(wish(kind=EventKind.CHANGE, notify_record_type="Group", frequency=frequency))

    for _ in range(10):
        world.clock.move(60)
        await world.settle()

    assert len(world.journalled("subscription.looked")) == 2


async def test_nothing_of_a_person_lies_in_the_store_in_clear(url, crvs, tmp_path):
    """Numbers are digests, or sealed; after the end nothing leads to anybody."""
    world, code = await subscribed(url, crvs)
    await world.happen(death())
    world.subscriptions.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("subscriptions.db*"))

    for secret in (ASHA["UIN"], "THEIRS-1", "txn-900", "2026-04-30"):
        assert secret.encode() not in raw
    assert code.encode() in raw


async def test_a_birth_is_told_to_who_may_know_the_size_of_the_household(url, crvs):
    """The parent's record alone does not tell it, so the right to such an attribute decides."""
    registry = EventfulRegistry(EventKind.LIVE_BIRTH)
    terms = sandbox_agreement("uct").model_copy(update={"events": EVERY_KIND})
    less = {n: f for n, f in terms.attributes.items() if n not in STATED_BY[EventKind.LIVE_BIRTH]}
    for agreed, status in ((terms, "succ"), (terms.model_copy(update={"attributes": less}), "rjct")):
        world = Subscribed(family(), agreed, url=f"{url}-{status}", events={"crvs": registry})
        await world.grant()
        (item,) = await world.subscribe(wish(kind=EventKind.LIVE_BIRTH))
        assert item["status"] == status
        await world.happen(Event(EventKind.LIVE_BIRTH, frozenset({uin(NEEMA)}), frozenset({uin(ASHA)}), "2026-09-01"))
        assert len(world.told) == (1 if status == "succ" else 0)


async def test_who_subscribes_again_while_it_ends_is_subscribed_again(url, crvs):
    """The registry first confirms the end, and is then asked anew."""
    world, code = await subscribed(url, crvs)
    await world.unsubscribe(code)
    (item,) = await world.subscribe(correlation="c-9")
    assert item["status"] == "succ"
    assert len(crvs.wishes) == 1

    await world.let_go(crvs)

    assert len(crvs.wishes) == 2
