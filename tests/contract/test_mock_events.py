"""Events in the practice country: one truth changes, every registry knows, and subscribers are told."""

from __future__ import annotations

import aiohttp
import pytest
import pytest_asyncio

from mocks.country import open_country
from mocks.dci import DciRegistry
from mocks.population import REFERENCE_DATE, build
from mocks.programme.application import open_programme
from mocks.programme.receiving import Programme
from tests.contract.asking import by_number
from tests.contract.dci_spec import needs_dci_spec
from tests.contract.later import Registry

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]
PERSON = "spdci-extensions-dci:Person"
CIVIL = "spdci-common:RegistryEventType:"


class Events:
    """A country in which things happen, and its DCI registries."""

    def __init__(self, registries, client):
        self.registries, self.client = registries, client
        self.crvs = registries["crvs"]
        self.population = self.crvs.mock.population
        self.used = set()

    async def post(self, path, http=200, at="crvs", **body):
        async with self.client.post(f"{self.registries[at].url}/_sandbox/{path}", json=body) as response:
            answer = await response.json()
            assert response.status == http, answer
        return answer

    async def happen(self, event, person, http=200, **more):
        return await self.post("events", http, event=event, UIN=person.uin, **more)

    def person(self, fits):
        """Return somebody whom no test has had before."""
        found = next(
            one
            for one in self.population.people
            if one.uin and one.brn and one.death_date is None and one.index not in self.used and fits(one)
        )
        self.used.add(found.index)
        return found

    def age(self, person):
        return (self.population.today - person.birth_date).days / 365.25

    async def records(self, name, type_, value, **criteria):
        registry = self.registries[name]
        registry.programme.inbox.forget()
        await registry.search(by_number(type_, value) | criteria)
        (callback,) = await registry.callbacks("on-search")
        (item,) = callback.message["search_response"]
        return item["data"]["reg_records"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened():
    """A country of some size, its registries, and a programme."""
    programme = Programme(signatures="optional")
    async with (
        open_country(build(150, 3)) as served,
        open_programme(programme) as address,
        aiohttp.ClientSession() as client,
    ):
        registries = {
            name: await Registry(client, one, programme, address).open()
            for name, one in served.items()
            if isinstance(one.registry, DciRegistry)
        }
        yield Events(registries, client)


@pytest_asyncio.fixture(loop_scope="module")
async def country(opened):
    """The country, and a programme that has received nothing."""
    opened.crvs.programme.inbox.forget()
    return opened


def anybody(one):
    """Fit whoever it is."""
    return True


async def subscribed(registry, event, person, record_type):
    """Subscribe to an event of a person; returns the transaction."""
    ack = await registry.subscribe(event, {"type": "UIN", "value": person.uin}, record_type)
    (taken,) = await registry.callbacks("on-subscribe", correlation_id=ack["message"]["correlation_id"])
    assert taken.message["subscribe_response"][0]["status"] == "succ"
    return taken.transaction_id


async def test_a_death_is_known_everywhere_and_told_to_who_asked(country):
    """Civil registration tells its subscribers once, with one record; its own answers and the social registry agree."""
    person = country.person(
        lambda one: country.population.registered_members(one.household)[1:2] == [one.index] and country.age(one) > 20
    )
    transaction = await subscribed(country.crvs, CIVIL + "Death", person, PERSON)
    other = country.person(anybody)
    await subscribed(country.crvs, CIVIL + "Death", other, PERSON)

    happened = await country.happen("death", person)

    assert happened["told"]["crvs"] == 1
    (told,) = await country.crvs.callbacks("notify")
    (event,) = told.message["notify_event"]
    assert (told.transaction_id, event["data"]["reg_event_type"]) == (transaction, CIVIL + "Death")
    assert event["data"]["reg_records"]["death_date"] == country.population.today.isoformat()
    (record,) = await country.records("crvs", "DRN", happened["person"]["DRN"])
    assert record["pv:vital_status"] == "dead"
    household = country.population.households[person.household].household_id
    (group,) = await country.records("social", "HOUSEHOLD_ID", household, reg_record_type="Group")
    listed = {one["identifier_value"] for member in group["member_list"] for one in member["member_identifier"]}
    assert person.uin not in listed


async def test_nobody_dies_twice(country):
    """A second death is impossible, and says so."""
    person = country.person(lambda one: len(country.population.households[one.household].members) > 1)
    await country.happen("death", person)

    await country.happen("death", person, http=409)


async def test_a_birth_is_told_to_who_follows_the_mother(country):
    """The child has its numbers at once, is in both registers, and both tell of it."""
    mother = country.person(
        lambda one: (
            one.sex == "female"
            and 20 < country.age(one) < 45
            and one.index in country.population.registered_members(one.household)
            and all(country.age(country.population.people[child]) > 1 for child in one.children)
        )
    )
    await subscribed(country.crvs, CIVIL + "LiveBirth", mother, PERSON)
    await subscribed(country.registries["social"], "NewHouseHoldMember", mother, "Group")

    happened = await country.happen("birth", mother)

    assert (happened["told"]["crvs"], happened["told"]["social"]) == (1, 1)
    brn = happened["person"]["BRN"]
    told = await country.crvs.programme.inbox.wait_for(2, 10, kind="notify")
    records = {one.header["sender_id"]: one.message["notify_event"][0]["data"]["reg_records"] for one in told}
    child, group = records["crvs.registries.pv"], records["social.registries.pv"]
    assert {"identifier_type": "BRN", "identifier_value": brn} in child["identifier"]
    assert group["group_size"] == len(country.population.households[mother.household].members)
    (record,) = await country.records("crvs", "BRN", brn)
    assert mother.uin in {record[name]["identifier_value"] for name in record if name.startswith("parent")}


async def test_a_marriage_and_its_divorce(country):
    """Both are told to who follows either spouse; the marital status follows."""
    woman, man = (
        country.person(
            lambda one, sex=sex: one.sex == sex and one.spouse_on(country.population.today) is None
            and 20 < country.age(one) < 60
        )
        for sex in ("female", "male")
    )  # fmt: skip
    for event in ("Marriage", "Divorce"):
        await subscribed(country.crvs, CIVIL + event, man, PERSON)
    country.crvs.programme.inbox.forget()

    await country.happen("marriage", woman, spouse={"UIN": man.uin})
    await country.crvs.callbacks("notify")
    (married,) = await country.records("crvs", "UIN", woman.uin)
    await country.happen("divorce", woman)
    await country.crvs.callbacks("notify", 1)
    (divorced,) = await country.records("crvs", "UIN", man.uin)

    assert (married["marital_status"], divorced["marital_status"]) == ("M", "D")
    await country.happen("marriage", woman, spouse={"UIN": woman.uin}, http=409)


async def test_moving_makes_a_new_member(country):
    """Who moves in is a new member of the household; the old one no longer lists them."""
    person = country.person(
        lambda one: country.population.registered_members(one.household)[2:3] == [one.index] and country.age(one) > 12
    )
    host = country.person(
        lambda one: (
            one.household != person.household
            and one.index in country.population.registered_members(one.household)
            and len(country.population.registered_ids(one.household)) == 1
        )
    )
    transaction = await subscribed(country.registries["social"], "NewHouseHoldMember", person, "Member")

    happened = await country.happen("move", person, to={"UIN": host.uin})

    assert happened["told"] == {"social": 1}
    (told,) = await country.registries["social"].callbacks("notify")
    assert told.transaction_id == transaction
    (group,) = await country.records("social", "UIN", person.uin, reg_record_type="Group")
    assert host.uin in {one["identifier_value"] for m in group["member_list"] for one in m["member_identifier"]}


@pytest.mark.parametrize(
    ("name", "event", "command", "record_type"),
    [
        ("beneficiary", "enrollement", "enrolment", "Beneficiary"),
        ("beneficiary", "enrollement_status_change", "enrolment_change", "Beneficiary"),
        ("employment", "enrolment", "enrolment", "Member"),
        ("employment", "enrolment_status_change", "enrolment_change", "Member"),
        ("disability", "REGISTER", "registration", "spdci-extensions-dci:DisabledPerson"),
        ("farmer", "REGISTER", "registration", "spdci-extensions-dci:Farmer"),
    ],
)
async def test_every_registry_tells_its_own_events(country, name, event, command, record_type):
    """In its own spelling, with a record of its own kind."""
    registry = country.registries[name]
    is_first = command == "registration"
    person = country.person(lambda one: 25 < country.age(one) < 60 and not (is_first and registry.mock.holds(one)))
    if command == "enrolment_change":
        await country.happen("enrolment", person, registry=name)
    await subscribed(registry, event, person, record_type)

    happened = await country.happen(command, person, registry=name, status="4")

    assert happened["told"] == {name: 1}
    (told,) = await registry.callbacks("notify")
    data = told.message["notify_event"][0]["data"]
    assert data["reg_event_type"] == event
    assert person.uin in str(data["reg_records"])


async def test_a_household_registers(country):
    """A household that the social registry did not know is found there afterwards."""
    stranger = country.person(lambda one: country.population.households[one.household].household_id is None)

    await country.happen("registration", stranger)

    (group,) = await country.records("social", "UIN", stranger.uin, reg_record_type="Group")
    assert group["group_size"] == len(country.population.households[stranger.household].members)
    await country.happen("registration", stranger, http=409)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"event": "dance", "UIN": "somebody"}, 422),
        ({"event": "death"}, 422),
        ({"event": "death", "UIN": "0000000000"}, 404),
        ({"event": "enrolment", "UIN": "somebody", "registry": "weather"}, 409),
        ({"event": "enrolment", "UIN": "somebody", "programme": "XX"}, 409),
    ],
)
async def test_an_impossible_command_says_why(country, body, status):
    """Without changing anything."""
    person = country.person(anybody)
    before = len(country.population.people)
    answer = await country.post(
        "events", status, **{name: person.uin if value == "somebody" else value for name, value in body.items()}
    )

    assert answer["error"]
    assert len(country.population.people) == before


async def test_days_pass_on_command_at_any_registry(country):
    """Two years bring births, deaths and marriages, and every registry still answers about everybody."""
    start = country.population.today
    answer = await country.post("clock", at="social", days=730)

    kinds = {one["event"] for one in answer["happened"]}
    assert (country.population.today - start).days == 730
    assert {"birth", "death", "marriage", "relocation", "enrolment"} <= kinds
    newborn = next(one["person"] for one in answer["happened"] if one["event"] == "birth")
    (record,) = await country.records("crvs", "UIN", newborn["UIN"])
    assert record["birth_date"] > REFERENCE_DATE.isoformat()
    for name, registry in country.registries.items():
        for kind in registry.mock.kinds.values():
            assert all(kind.record(one) is not None for one in kind.everybody()), name


async def test_the_clock_runs_by_itself_until_stopped(country):
    """Told to, a day passes every so often; stopped, none does."""
    start = country.population.today
    await country.post("clock", every_s=0.05)
    while (country.population.today - start).days < 2:
        async with country.client.get(f"{country.crvs.url}/_sandbox/clock") as response:
            assert (await response.json())["every_s"] == 0.05
    stopped = await country.post("clock", every_s=None)

    assert stopped["every_s"] is None
    await country.post("clock", 422, days=-1)
    await country.post("clock", 422, every_s=0)


@pytest.mark.parametrize(
    ("filter_type", "filter_"),
    [
        (
            "predicate",
            [{"seq_num": 1, "expression1": {"attribute_name": "sex", "operator": "eq", "attribute_value": "female"}}],
        ),
        (
            "expression",
            {
                "type": "ns:org:QueryType:expression",
                "value": {"expression": {"collection": "Person", "query": {"sex": "female"}}},
            },
        ),
    ],
)
async def test_a_subscription_may_be_to_many(country, filter_type, filter_):
    """Whoever fits its predicate or expression is told of, and nobody else."""
    ack = await country.crvs.subscribe(CIVIL + "Death", filter_, PERSON, filter_type=filter_type)
    (taken,) = await country.crvs.callbacks("on-subscribe", correlation_id=ack["message"]["correlation_id"])
    (code,) = [one["code"] for one in taken.message["subscribe_response"][0]["subscriptions"]]
    woman, man = (
        country.person(
            lambda one, sex=sex: one.sex == sex and len(country.population.households[one.household].members) > 1
        )
        for sex in ("female", "male")
    )

    told = [(await country.happen("death", one))["told"].get("crvs", 0) for one in (woman, man)]

    assert told == [1, 0]
    country.crvs.programme.inbox.forget()
    await country.crvs.send("unsubscribe", {"timestamp": taken.at, "subscription_codes": [code]})
    await country.crvs.callbacks("on-unsubscribe")


async def test_who_ended_a_subscription_hears_no_more(country):
    """Not of the next event either."""
    person = country.person(lambda one: len(country.population.households[one.household].members) > 1)
    transaction = await subscribed(country.crvs, CIVIL + "Death", person, PERSON)
    code = next(one.code for one in country.crvs.mock.later.subscriptions.all if one.transaction_id == transaction)
    await country.crvs.send("unsubscribe", {"timestamp": "2026-09-30T08:00:00+00:00", "subscription_codes": [code]})

    assert (await country.happen("death", person))["told"].get("crvs", 0) == 0
