"""The dialects that a practice registry can be told to speak: what it then demands, and what it then says."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from mocks.country import open_country
from mocks.population import build
from mocks.programme.application import open_programme
from mocks.programme.receiving import Programme
from mocks.speaking import DIALECTS
from tests.contract.asking import NOW
from tests.contract.dci_spec import needs_dci_spec
from tests.contract.later import Registry

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]


class Speaker(Registry):
    """Civil registration in a dialect."""

    async def speak(self, name):
        async with self.client.put(f"{self.url}/_sandbox/dialect", json={"name": name}) as response:
            assert response.status == (200 if name in DIALECTS else 422)

    async def ask(self, path, message, token=None, **manner):
        """Post a message as it stands; returns the status and the answer."""
        headers = {"Authorization": f"Bearer {token or self.token}", "X-Sandbox-Callbacks": json.dumps(manner)}
        async with self.client.post(f"{self.url}{path}", json=message, headers=headers) as response:
            body = await response.read()
            return response.status, json.loads(body) if response.content_type != "text/plain" else body

    def message(self, *queries, reg_type="ns:org:RegistryType:Civil", transaction_id="t-1", locale="eng", **criteria):
        """Return a search for numbers of people."""
        items = [
            {
                "reference_id": f"ref-{place}",
                "timestamp": NOW,
                "search_criteria": {
                    "reg_type": reg_type,
                    "query_type": "idtype-value",
                    "query": {"type": type_, "value": value},
                    **criteria,
                },
                "locale": locale,
            }
            for place, (type_, value) in enumerate(queries)
        ]
        header = {
            "version": "1.0.0",
            "message_id": "m-1",
            "message_ts": NOW,
            "action": "search",
            "sender_id": "hearth.pv",
            "receiver_id": "crvs.pv",
            "sender_uri": f"{self.address}/registry/on-search",
            "total_count": len(items),
        }
        return {"header": header, "message": {"transaction_id": transaction_id, "search_request": items}}

    def living(self):
        return next(p for p in self.mock.population.people if p.uin and p.brn and not p.drn)

    def dead(self):
        return next(p for p in self.mock.population.people if p.uin and p.brn and p.drn)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened():
    """Civil registration of a country, and the programme that it calls back."""
    programme = Programme(signatures="optional")
    async with (
        open_country(build(60, 11)) as served,
        open_programme(programme) as address,
        aiohttp.ClientSession() as client,
    ):
        speaker = Speaker(client, served["crvs"], programme, address)
        await speaker.open()
        yield speaker


@pytest_asyncio.fixture(loop_scope="module")
async def crvs(opened):
    """It speaks the release again afterwards, and has called nobody back."""
    opened.programme.inbox.forget()
    yield opened
    await opened.speak("g4")


def only(answer):
    """Return the one record of an answer of one item."""
    (item,) = answer["message"]["search_response"]
    (record,) = item["data"]["reg_records"]
    return record


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_dialect_is_served_at_its_own_paths_only(crvs, name):
    """Somebody who asks at the path of another dialect hears 404."""
    await crvs.speak(name)
    own = DIALECTS[name].path("sync/search", "crvs")
    for other in {one.path("sync/search", "crvs") for one in DIALECTS.values()}:
        status, _ = await crvs.ask(other, {})
        assert (status == 404) == (other != own)


async def test_an_unknown_dialect_is_refused(crvs):
    """The registry goes on as before."""
    await crvs.speak("esperanto")

    status, _ = await crvs.ask("/registry/sync/search", crvs.message(("UIN", crvs.living().uin)))
    assert status == 200


@pytest.mark.parametrize(("name", "namespace"), [("g2", "ns:org:"), ("g3", "spdci-common:")])
async def test_older_generations_demand_an_event(crvs, name, namespace):
    """Without `reg_event_type` nothing is answered; with it the answer repeats it."""
    await crvs.speak(name)
    event = f"{namespace}RegistryEventType:LiveBirth"
    question = crvs.message(("UIN", crvs.living().uin), reg_event_type=event)

    refused, _ = await crvs.ask("/registry/sync/search", crvs.message(("UIN", crvs.living().uin)))
    status, answer = await crvs.ask("/registry/sync/search", question)

    assert (refused, status) == (400, 200)
    (item,) = answer["message"]["search_response"]
    assert item["data"]["reg_event_type"] == event
    assert isinstance(item["data"]["reg_records"], dict if name == "g2" else list)


async def test_g2_has_no_data_for_nobody(crvs):
    """An empty hit is an item without data."""
    await crvs.speak("g2")
    question = crvs.message(("UIN", "0000000000"), reg_event_type="ns:org:RegistryEventType:Death")

    _, answer = await crvs.ask("/registry/sync/search", question)

    (item,) = answer["message"]["search_response"]
    assert ("data" in item, item["pagination"]["total_count"]) == (False, 0)


async def test_opencrvs_2024(crvs):
    """Its own register types, camelCase people, nothing about who is not found, ids repeated, numbered errors."""
    await crvs.speak("opencrvs-2024")
    living = crvs.living()
    question = crvs.message(("NID", living.uin), ("NID", "0000000000"), reg_type="ocrvs:registry_type:birth")

    status, answer = await crvs.ask("/registry/sync/search", question)
    refused, error = await crvs.ask("/registry/sync/search", crvs.message(("NID", living.uin)))
    unknown, wrong = await crvs.ask("/registry/sync/search", question, token="wrong")

    assert status == 200
    assert answer["header"]["message_id"] == "m-1"
    assert (answer["header"]["sender_id"], answer["header"]["receiver_id"]) == ("hearth.pv", "crvs.pv")
    record = only(answer)
    assert record["birthDate"] == living.birth_date.isoformat()
    assert {"name": "NID", "identifier": living.uin} in record["identifier"]
    assert answer["message"]["search_response"][0]["data"]["reg_record_type"] == "person"
    assert (refused, type(error["error"]["code"])) == (400, int)
    assert (unknown, type(wrong["error"]["code"])) == (401, int)


async def test_opencrvs_2024_calls_back_without_a_token(crvs):
    """The ACK comes with 202; the callback has neither JSON's content type nor an Authorization."""
    await crvs.speak("opencrvs-2024")
    question = crvs.message(("NID", crvs.living().uin), reg_type="ocrvs:registry_type:birth")

    status, ack = await crvs.ask("/registry/search", question)

    assert (status, ack["message"]["ack_status"]) == (202, "ACK")
    (callback,) = await crvs.programme.inbox.wait_for(1, 10)
    assert (callback.bearer, callback.correlation_id) == (None, ack["message"]["correlation_id"])


async def test_opencrvs_1_9_tells_what_an_event_shows(crvs):
    """A birth record says nothing of a death; a death record is of the dead only; the header counts records."""
    await crvs.speak("opencrvs-1.9")
    numbers = [("UIN", crvs.dead().uin), ("UIN", crvs.living().uin)]

    _, births = await crvs.ask("/registry/sync/search", crvs.message(*numbers, reg_event_type="birth"))
    _, deaths = await crvs.ask("/registry/sync/search", crvs.message(*numbers, reg_event_type="death"))
    refused, _ = await crvs.ask("/registry/sync/search", crvs.message(*numbers))

    assert births["header"]["total_count"] == 2
    assert not any("death_date" in item["data"]["reg_records"][0] for item in births["message"]["search_response"])
    assert only(deaths)["death_date"] == crvs.dead().death_date.isoformat()
    assert (deaths["header"]["total_count"], refused) == (1, 400)


async def test_openspp_demands_a_signature(crvs):
    """Without one it answers 401 with a code of its own; it tells the older values."""
    await crvs.speak("openspp2")
    question = crvs.message(("UIN", crvs.living().uin), reg_type="CRVS")
    signed = deepcopy(question) | {"signature": 'namespace="dci", kidId="a|b|ed25519"'}

    refused, error = await crvs.ask("/dci_api/v1/registry/sync/search", question)
    status, answer = await crvs.ask("/dci_api/v1/registry/sync/search", signed)

    assert (refused, error["errors"][0]["code"], status) == (401, "err.auth.missing_header", 200)
    assert answer["message"]["search_response"][0]["data"]["reg_type"] == "CRVS"


async def test_openg2p_answers_as_search_and_never_calls_back(crvs):
    """Its action stays `search`, its languages have two letters, and a schema error is 422."""
    await crvs.speak("openg2p-2026")
    nested = {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": crvs.living().uin}}
    question = crvs.message(("UIN", ""), reg_type="Individual", locale="en", query=nested)

    status, answer = await crvs.ask("/dci/sync/search", question)
    refused, _ = await crvs.ask("/dci/sync/search", crvs.message(("UIN", "1"), locale="eng"))
    accepted, _ = await crvs.ask("/dci/async/search", question)

    assert (status, answer["header"]["action"], refused, accepted) == (200, "search", 422, 200)
    assert only(answer)["identifier"][0]["identifier_value"] == crvs.living().uin
    assert answer["message"]["search_response"][0]["data"]["reg_type"] == "Individual"
    assert crvs.mock.later.callbacks.under_way == 0


async def test_openimis_keeps_records_elsewhere(crvs):
    """`query_type` is `sync`, the header says `success`, and records lie under `registry_data`."""
    await crvs.speak("openimis")
    question = crvs.message(("UIN", crvs.living().uin), query_type="sync")

    status, answer = await crvs.ask("/api/api_dci/registry/sync/search", question)
    refused, _ = await crvs.ask("/api/api_dci/registry/sync/search", crvs.message(("UIN", "1")))

    assert (status, answer["header"]["status"], refused) == (200, "success", 400)
    assert len(answer["message"]["search_response"][0]["registry_data"]["data"]) == 1


async def test_mockups_answer_without_an_envelope(crvs):
    """Their transactions are numbers, their acknowledgement says that a search is pending."""
    await crvs.speak("spdci-mockups")
    question = crvs.message(("UIN", crvs.living().uin), transaction_id=77)

    status, answer = await crvs.ask("/crvs/sync/search", question)
    _, pending = await crvs.ask("/crvs/search", question)
    refused, _ = await crvs.ask("/crvs/sync/search", crvs.message(("UIN", "1")))

    assert (status, answer["transaction_id"], "header" in answer, refused) == (200, 77, False, 400)
    assert "status" not in answer["search_response"][0]
    assert pending["search_response"] == {"status": "pending"}
    await _called_back(crvs, 77)


async def _called_back(crvs, transaction_id):
    attempts = await crvs.programme.inbox.wait_for_attempts(1, 10)
    assert attempts
    (callback,) = await crvs.programme.inbox.wait_for(1, 10)
    assert callback.message["transaction_id"] == transaction_id


# The toy programme takes no header that says `success`.
@pytest.mark.parametrize("name", [name for name in DIALECTS if name not in ("openg2p-2026", "openimis")])
async def test_a_subscription_is_told_in_every_dialect(crvs, name):
    """Taken in the dialect's words, and an event arrives in them."""
    await crvs.speak(name)
    person = next(
        p for p in crvs.mock.population.people
        if p.uin and p.brn and not p.death_date and len(crvs.mock.population.households[p.household].members) > 1
    )  # fmt: skip
    criteria: dict[str, Any] = {
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "death",
        "notify_record_type": "Person",
    }
    criteria |= {"filter_type": "idtype-value", "filter": {"type": "UIN", "value": person.uin}}
    message = crvs.message(transaction_id=81)
    message["header"] |= {
        "action": "subscribe",
        "total_count": 1,
        "sender_uri": f"{crvs.address}/registry/on-subscribe",
    }
    message["signature"] = 'namespace="dci", kidId="a|b|ed25519"'
    item = {"reference_id": "r", "timestamp": NOW, "subscribe_criteria": criteria, "locale": "eng"}
    message["message"] = {"transaction_id": 81 if name == "spdci-mockups" else "81", "subscribe_request": [item]}

    status, _ = await crvs.ask(DIALECTS[name].path("subscribe", "crvs"), message)
    assert status == DIALECTS[name].ack_status
    await crvs.programme.inbox.wait_for(1, 10, kind="on-subscribe")
    async with crvs.client.post(f"{crvs.url}/_sandbox/events", json={"event": "death", "UIN": person.uin}) as response:
        assert (await response.json())["told"] == {"crvs": 1}

    (told,) = await crvs.programme.inbox.wait_for(1, 10, kind="notify")
    (event,) = told.message["notify_event"]
    code = event["data"]["reg_event_type"]
    assert code == {"g2": "ns:org:RegistryEventType:Death", "openspp2": "DEATH"}.get(
        name, "spdci-common:RegistryEventType:Death"
    )


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("part", ["search_criteria", "query", "query_type", "reference_id"])
async def test_half_a_question_is_answered_in_every_dialect(crvs, name, part):
    """Refused or answered, and never a failure of the registry itself."""
    await crvs.speak(name)
    reg_type = "ocrvs:registry_type:birth" if name == "opencrvs-2024" else "ns:org:RegistryType:Civil"
    event = "birth" if name == "opencrvs-1.9" else "ns:org:RegistryEventType:Death"
    message = crvs.message(("UIN", "1"), ("UIN", "2"), reg_type=reg_type, reg_event_type=event)
    message["signature"] = 'namespace="dci", kidId="a|b|ed25519"'
    if name == "spdci-mockups":
        message["message"]["transaction_id"] = 7
    item = message["message"]["search_request"][0]
    item.pop(part, None)
    item.get("search_criteria", {}).pop(part, None)

    for operation in ("sync/search", "search"):
        status, _ = await crvs.ask(DIALECTS[name].path(operation, "crvs"), message)
        assert status in (200, 202, 400, 422)
