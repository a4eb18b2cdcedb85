"""Laws of subscriptions: told once, whatever the order; never more than an answer; never what nobody saw change."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ports import Record
from gateway.pipeline import answer
from gateway.subscriptions.questions import question_of
from policies.receipts import Consent, Decision
from standards.dci.events import STATED_BY, EventKind
from standards.states import UnavailableReason
from tests.builders import ASHA, JUMA, NEEMA, NEVER, Truth, family, sandbox_agreement, uin
from tests.subscribing import EVERY_KIND, UCT, EventfulRegistry, Subscribed, death, wish

PEOPLE = {"asha": ASHA, "juma": JUMA, "neema": NEEMA}
MANY = settings(max_examples=40, deadline=None)


def mourning() -> Truth:
    """The family, all of whom the civil register knows to be dead."""
    truth = family()
    truth["crvs", "person"] = [
        r._replace(values={**r.values, "vital_status": "dead", "death_date": "2026-04-30"})
        for r in truth["crvs", "person"]
    ]
    return truth


def run(what: Callable[[str], Awaitable[None]]) -> None:
    """Do something with a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(what(f"sqlite:///{folder}/s.db"))  # type: ignore[arg-type]


async def subscribed(url: str, truth: Truth, *agreements: Any, who: Any = PEOPLE) -> Subscribed:
    """Subscriptions to the deaths of people who have agreed."""
    crvs = EventfulRegistry(EventKind.DEATH)
    world = Subscribed(truth, *agreements, url=url, events={"crvs": crvs})
    for name in who:
        await world.grant(PEOPLE[name])
    asked = [wish(name, filter={"type": "UIN", "value": PEOPLE[name]["UIN"]}) for name in who]
    items = await world.subscribe(*asked)
    assert [item["status"] for item in items] == ["succ"] * len(asked), items
    return world


TOLD = st.lists(
    st.tuples(
        st.sampled_from(sorted(PEOPLE)), st.sampled_from(["crvs", "national_id"]), st.sampled_from(["UIN", "both"])
    ),
    min_size=1,
    max_size=8,
)


@given(TOLD, st.booleans())
@MANY
def test_each_event_is_told_once_in_whatever_order_and_however_often_it_comes(told, at_once):
    """Two registries, one that repeats itself, further numbers, deliveries in between: one notification each."""

    async def check(url: str) -> None:
        world = await subscribed(url, mourning())
        for who, source, numbers in told:
            named = {"UIN": PEOPLE[who]["UIN"]} if numbers == "UIN" else PEOPLE[who]
            event = death(named)
            await world.subscriptions.happening.happened(source, event)
            if not at_once:
                await world.settle()
        await world.settle()

        transactions = [event["reference_id"] for one in world.told for event in one["message"]["notify_event"]]
        assert len(transactions) == len({who for who, *_ in told})
        assert len(set(transactions)) == len(transactions)

    run(check)


KEPT_BACK = st.fixed_dictionaries(
    {
        "agreed": st.sets(st.sampled_from(["vital_status", "given_name", "uin", "sex", "birth_date"]), min_size=1),
        "decision": st.sampled_from([Decision.GRANTED, Decision.REFUSED, None]),
        "sources": st.sampled_from([None, frozenset({"crvs"}), frozenset({"tax"})]),
        "basis": st.sampled_from(["consent", "public_task"]),
    }
)


@given(KEPT_BACK)
@MANY
def test_a_notification_is_never_more_than_an_answer(case):
    """The record is that of an answer to the same question; where the answer could not tell the event, nothing is."""

    async def check(url: str) -> None:
        terms = sandbox_agreement("uct")
        purposes = {name: one.model_copy(update={"legal_basis": case["basis"]}) for name, one in terms.purposes.items()}
        attributes = {name: terms.attributes[name] for name in terms.attributes if name in case["agreed"]}
        agreed = terms.model_copy(update={"events": EVERY_KIND, "attributes": attributes, "purposes": purposes})
        world = Subscribed(mourning(), agreed, url=url, events={"crvs": EventfulRegistry(EventKind.DEATH)})
        await world.grant()
        (item,) = await world.subscribe()
        if "vital_status" not in case["agreed"]:
            assert item["status_reason_code"] == "rjct.notify_types.invalid"
            return
        if case["decision"] is not None:
            later = Consent(
                uin(ASHA), "eligibility", case["decision"], uin(ASHA), world.clock().date(), sources=case["sources"]
            )
            await world.ledger.record(later)

        await world.happen(death())

        subscription = await world.only()
        given_ = await answer(question_of(subscription, UCT, "r", NEVER), world.rooms)
        asked = orjson.loads(given_.item)
        knows = not STATED_BY[EventKind.DEATH].isdisjoint(given_.entry.released)
        assert len(world.told) == (1 if knows else 0)
        assert len(world.journalled("event.told")) == len(world.told)
        if world.told:
            (event,) = world.told[0]["message"]["notify_event"]
            assert event["data"]["reg_records"] == asked["data"]["reg_records"][0]
            assert set(world.journalled("event.told")[0].released) <= case["agreed"]
            assert "RAW-NOTIFICATION" not in str(world.told)

    run(check)


@given(st.lists(st.sampled_from(["event", "withdraw", "deliver"]), min_size=2, max_size=6))
@MANY
def test_nothing_leaves_after_a_withdrawal(steps):
    """Whenever it comes: before the event, between event and sending, between two events."""

    async def check(url: str) -> None:
        world = await subscribed(url, mourning(), who=["asha"])
        withdrawn, left = False, 0
        for day, step in enumerate(steps, start=10):
            if step == "withdraw":
                await world.grant(decision=Decision.WITHDRAWN)
                withdrawn, left = True, len(world.told)
            elif step == "event":
                await world.subscriptions.happening.happened("crvs", death(on=f"2026-04-{day}"))
                await world.work.run()
            else:
                await world.deliveries.deliver()
        await world.settle()
        if withdrawn:
            assert len(world.told) == left

    run(check)


def moved(truth: Truth) -> Truth:
    """The family in another dwelling."""
    truth["social", "group"] = [
        Record(**{**r._asdict(), "values": {**r.values, "dwelling_type": "brick"}}) for r in truth["social", "group"]
    ]
    return truth


OUT = st.sets(st.sampled_from(["crvs", "national_id", "tax", "land", "social", "health"]))


@given(st.lists(OUT, min_size=1, max_size=4), st.booleans())
@MANY
def test_an_outage_is_never_a_change_and_never_hides_one_for_good(outages, is_changed):
    """Whatever could not be heard at any look: a change is told once everything is heard again, and only then one."""

    async def check(url: str) -> None:
        world = Subscribed(family(), url=url)
        await world.grant()
        (item,) = await world.subscribe(wish(kind=EventKind.CHANGE, notify_record_type="Group"))
        assert item["status"] == "succ"
        for out in outages:
            for id_, registry in world.world.registries.items():
                every = dict.fromkeys((k.name for k in registry.manifest.lookups), UnavailableReason.SOURCE_DOWN)
                registry.failing = every if id_ in out else {}
            world.clock.move(601)
            await world.settle()
            assert world.told == []
        for registry in world.world.registries.values():
            registry.failing = {}
        if is_changed:
            cast("Any", world.world.registries["social"].records)["group"] = moved(family())["social", "group"]
        world.clock.move(601)
        await world.settle()
        world.clock.move(601)
        await world.settle()
        assert len(world.told) == (1 if is_changed else 0)

    run(check)
