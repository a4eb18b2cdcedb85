"""What the DCI registries do later: asynchronous search, subscriptions, transaction status, in every manner."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio

from mocks.country import open_country
from mocks.dci import DciRegistry
from mocks.population import build
from mocks.programme.application import open_programme
from mocks.programme.faults import Fault
from mocks.programme.receiving import Programme
from standards.signing import keys_of_jwks, verify
from tests.contract.asking import by_number
from tests.contract.dci_spec import needs_dci_spec
from tests.contract.later import FILES, Registry

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registries():
    """Every DCI registry of a country, and one programme that they call back."""
    programme = Programme(signatures="optional")
    async with (
        open_country(build(60, 11)) as served,
        open_programme(programme) as address,
        aiohttp.ClientSession() as client,
    ):
        yield {
            name: await Registry(client, one, programme, address).open()
            for name, one in served.items()
            if isinstance(one.registry, DciRegistry)
        }


@pytest.fixture
def crvs(registries):
    """Civil registration, in its good manner, and a programme that has received nothing."""
    registries["crvs"].programme.inbox.forget()
    registries["crvs"].mock.later.manners.clear()
    registries["crvs"].mock.signer.form = "none"
    return registries["crvs"]


def correlation(ack):
    """Return the correlation of an ACK."""
    assert ack["message"]["ack_status"] == "ACK"
    return ack["message"]["correlation_id"]


def people(crvs, count):
    """Return criteria for some people whom civil registration knows."""
    known = [one for one in crvs.mock.population.people if one.uin and one.brn][:count]
    return [by_number("UIN", one.uin) for one in known]


def sexes(page_size):
    """Return criteria that many people meet."""
    first = {"attribute_name": "sex", "operator": "eq", "attribute_value": "female"}
    entry = {"seq_num": 1, "expression1": first}
    return {"query_type": "predicate", "query": [entry], "pagination": {"page_size": page_size}}


async def test_every_dci_registry_answers_later(registries):
    """None is left out of what follows."""
    assert registries.keys() <= FILES.keys()
    assert {"crvs", "social"} <= registries.keys()


@pytest.mark.parametrize("name", FILES)
async def test_a_search_is_answered_later(registries, name):
    """An ACK first, then one callback with its correlation id and what a search at once would have told."""
    if name not in registries:
        pytest.skip("the country has no such registry")
    registry = registries[name]
    registry.programme.inbox.forget()
    known = next(one for one in registry.mock.population.people if one.uin and registry.mock.holds(one))
    kind = registry.mock.kinds[registry.mock.default_entity]
    ack = await registry.search(by_number("UIN", known.uin) | {"reg_record_type": kind.record_type})

    (callback,) = await registry.callbacks("on-search", correlation_id=correlation(ack))

    (item,) = callback.message["search_response"]
    assert (item["status"], item["pagination"]["total_count"]) == ("succ", 1)
    assert callback.header["receiver_id"] == "programme.pv"


async def test_a_callback_carries_the_registry_s_token(crvs):
    """The bearer is the credential CALLBACK_TOKEN; a wrong one and none are sent when told so."""
    seen = []
    for bearer in ("right", "wrong", "none"):
        ack = await crvs.search(*people(crvs, 1), manner={"bearer": bearer})
        (callback,) = await crvs.callbacks("on-search", correlation_id=correlation(ack))
        seen.append(callback.bearer)

    assert seen == [crvs.mock.credentials["CALLBACK_TOKEN"], "wrong", None]


async def test_pages_come_in_any_order(crvs):
    """Everything found comes in callbacks of one correlation id, the last page first when told so; refusals once."""
    unusable = {"query_type": "idtype-value", "query": {"type": "SHOE_SIZE", "value": "1"}}
    ack = await crvs.search(sexes(10), *people(crvs, 1), unusable, manner={"page_size": 25, "order": "reversed"})
    first = await crvs.callbacks("on-search", 1, correlation_id=correlation(ack))
    total = first[0].message["search_response"][0]["pagination"]["total_count"]

    pages = await crvs.callbacks("on-search", -(-total // 25), correlation_id=correlation(ack))

    shown = [page.message["search_response"][0] for page in pages]
    assert [one["pagination"]["page_number"] for one in shown] == list(range(len(pages), 0, -1))
    assert sum(len(one["data"]["reg_records"]) for one in shown) == total
    assert [len(page.message["search_response"]) for page in pages] == [1] * (len(pages) - 1) + [3]


async def test_a_callback_may_come_before_its_ack_and_twice(crvs):
    """When the ACK arrives the callback has been received, as often as told."""
    ack = await crvs.search(*people(crvs, 2), manner={"when": "before", "copies": 2})

    (callback,) = crvs.programme.inbox.received(correlation_id=correlation(ack))
    assert (callback.times, callback.differs) == (2, False)


async def test_a_lost_callback_is_told_by_a_status_enquiry(crvs):
    """The result of a search whose callback never came is there for who asks, at once or later."""
    ack = await crvs.search(*people(crvs, 2), manner={"when": "never"})
    enquiry = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id"}
    enquiry |= {"attribute_value": correlation(ack), "locale": "eng"}

    told = await crvs.send("sync/txn/status", {"txnstatus_request": enquiry})
    again = await crvs.send("txn/status", {"txnstatus_request": enquiry})

    inner = told["message"]["txnstatus_response"]["txn_status"]
    assert inner["correlation_id"] == correlation(ack)
    assert [item["status"] for item in inner["search_response"]] == ["succ", "succ"]
    (later,) = await crvs.callbacks("txn/on-status", correlation_id=correlation(again))
    assert later.message["txnstatus_response"]["txn_status"] == inner
    assert crvs.programme.inbox.received(kind="on-search") == []


async def test_a_search_under_way_is_pending(crvs):
    """Until the callback is due a status enquiry hears `pdng`; a reference nobody gave is refused."""
    await crvs.search(*people(crvs, 2), manner={"delay_ms": 600_000})
    enquiry = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "reference_id_list", "locale": "eng"}

    told = await crvs.send("sync/txn/status", {"txnstatus_request": enquiry | {"attribute_value": ["ref-1"]}})
    unknown = await crvs.send("sync/txn/status", {"txnstatus_request": enquiry | {"attribute_value": ["ref-9"]}})

    (item,) = told["message"]["txnstatus_response"]["txn_status"]["search_response"]
    assert (item["reference_id"], item["status"]) == ("ref-1", "pdng")
    assert (unknown["header"]["status"], told["header"]["status"]) == ("rjct", "succ")


@pytest.mark.parametrize(
    ("manner", "status", "said"),
    [
        ({"ack": "accepted"}, 202, "ACK"),
        ({"ack": "text"}, 200, "ACK"),
        ({"ack": "nack"}, 200, "NACK"),
        ({"ack": "err"}, 503, "ERR"),
    ],
)
async def test_an_ack_can_take_other_forms(crvs, manner, status, said):
    """202, plain text, NACK and ERR; the last two are followed by nothing."""
    before = crvs.mock.later.callbacks.under_way
    ack = await crvs.search(*people(crvs, 1), manner=manner, status=status)

    assert ack["message"]["ack_status"] == said
    if said == "ACK":
        await crvs.callbacks("on-search", correlation_id=correlation(ack))
    else:
        assert crvs.mock.later.callbacks.under_way == before


@pytest.mark.parametrize(
    ("body", "outcome"), [("malformed", "refused"), ("wrong_schema", "refused"), ("stranger", "received")]
)
async def test_a_callback_can_be_spoiled(crvs, body, outcome):
    """Half of its JSON, members of other names, or the ids of another message."""
    ack = await crvs.search(*people(crvs, 1), manner={"body": body})

    (attempt,) = await crvs.programme.inbox.wait_for_attempts(1, 10)

    assert attempt.outcome == outcome
    assert crvs.programme.inbox.received(correlation_id=correlation(ack)) == []


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"sender_uri": ""}, "err.sender_uri.invalid"),
        ({"action": "subscribe"}, "err.request.bad"),
        ({"total_count": 7}, "err.request.bad"),
        ({"message_ts": "yesterday"}, "err.request.bad"),
    ],
)
async def test_an_unusable_message_is_refused_at_once(crvs, header, code):
    """With an ACK object that says ERR and a code of the standard, and HTTP 400."""
    ack = await crvs.search(*people(crvs, 1), status=400, **header)

    assert (ack["message"]["ack_status"], ack["message"]["error"]["code"]) == ("ERR", code)


async def test_a_callback_is_tried_until_it_arrives(crvs):
    """A programme that fails twice gets it at the third attempt, once."""
    crvs.programme.faults.store(Fault("fail", times=2))
    ack = await crvs.search(*people(crvs, 1))

    (callback,) = await crvs.callbacks("on-search", correlation_id=correlation(ack))

    assert callback.times == 1
    assert [one.outcome for one in crvs.programme.inbox.attempts] == ["fail", "fail", "received"]


def codes_of(callback):
    """Return the codes of the subscriptions that a callback tells."""
    return [one["code"] for item in callback.message["subscribe_response"] for one in item["subscriptions"]]


async def test_a_subscription_is_taken_shown_and_ended(crvs):
    """Subscribing gives a code, unsubscribing takes it back, and a second time there is nothing to take."""
    person = next(one for one in crvs.mock.population.people if one.uin and one.brn and not one.drn)
    wanted = {"type": "UIN", "value": person.uin}
    ack = await crvs.subscribe("spdci-common:RegistryEventType:Death", wanted, "spdci-extensions-dci:Person")
    (taken,) = await crvs.callbacks("on-subscribe", correlation_id=correlation(ack))
    (code,) = codes_of(taken)

    again = await crvs.subscribe("death", wanted, "spdci-extensions-dci:Person")
    (refused,) = await crvs.callbacks("on-subscribe", correlation_id=correlation(again))
    ends = [
        await crvs.send("unsubscribe", {"timestamp": taken.at, "subscription_codes": [one]})
        for one in (code, code, "nobody's")
    ]

    (item,) = refused.message["subscribe_response"]
    assert item["status_reason_code"] == "rjct.event.already_subscribed"
    told = [(await crvs.callbacks("on-unsubscribe", correlation_id=correlation(end)))[0].message for end in ends]
    assert [one["status"] for one in told] == ["succ", "rjct", "rjct"]
    assert told[0]["subscription_status"] == [{"code": code, "status": "unsubscribe"}]
    assert [one.get("status_reason_code") for one in told[1:]] == [
        "rjct.event.already_unsubscribed",
        "rjct.subscription_code.invalid",
    ]
    assert crvs.mock.later.subscriptions.all == []


@pytest.mark.parametrize(
    ("event", "filter_", "code"),
    [
        ("spdci-common:RegistryEventType:Harvest", {"type": "UIN", "value": "1"}, "rjct.notify_types.invalid"),
        ("Death", {"type": "SHOE_SIZE", "value": "1"}, "rjct.person_id.invalid"),
        ("Death", {"type": "UIN", "value": ""}, "rjct.person_id.invalid"),
    ],
)
async def test_an_unusable_subscription_is_refused_later(crvs, event, filter_, code):
    """The callback's item says why."""
    ack = await crvs.subscribe(event, filter_, "spdci-extensions-dci:Person")
    (callback,) = await crvs.callbacks("on-subscribe", correlation_id=correlation(ack))

    (item,) = callback.message["subscribe_response"]
    assert (item["status"], item["status_reason_code"]) == ("rjct", code)
    assert callback.header["status"] == "rjct"


@pytest.mark.parametrize("form", ["keyed", "jws", "detached"])
async def test_a_registry_signs_in_each_form(crvs, form):
    """Answers at once and callbacks verify by the key it publishes, also by the gateway's own reading."""
    jwks = await signing(crvs, form)
    enquiry = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "locale": "eng"}

    ack = await crvs.search(*people(crvs, 1))
    (callback,) = await crvs.callbacks("on-search", correlation_id=correlation(ack))
    answer = await crvs.send("sync/txn/status", {"txnstatus_request": enquiry | {"attribute_value": correlation(ack)}})

    assert callback.signature == "verified"
    verified = verify(answer, keys_of_jwks(jwks), now=datetime.now(UTC))
    assert verified.key_id == jwks["keys"][0]["kid"]


async def test_a_registry_can_sign_wrongly_and_take_another_key(crvs):
    """A wrong signature does not verify; after a rotation the old key is not published any longer."""
    old = await signing(crvs, "wrong")
    await crvs.search(*people(crvs, 1))
    (attempt,) = await crvs.programme.inbox.wait_for_attempts(1, 10)
    new = await signing(crvs, "keyed", rotate=True)

    assert attempt.reason == "the signature does not fit header and message"
    assert old["keys"][0]["kid"] != new["keys"][0]["kid"]


async def signing(crvs, form, **more):
    """Let the registry sign from now on, and the programme verify; returns the published keys."""
    async with crvs.client.put(f"{crvs.url}/_sandbox/signing", json={"form": form, **more}) as response:
        assert response.status == 200
    crvs.programme.gateway_keys.use(f"{crvs.url}/.well-known/jwks.json")
    async with crvs.client.get(f"{crvs.url}/.well-known/jwks.json") as response:
        return await response.json()


async def test_what_is_one_sender_s_is_not_another_s(crvs):
    """Nobody hears of others' transactions, or ends others' subscriptions."""
    ack = await crvs.search(*people(crvs, 1))
    enquiry = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "locale": "eng"}
    wanted = {"type": "UIN", "value": people(crvs, 1)[0]["query"]["value"]}
    taken_ack = await crvs.subscribe("Marriage", wanted, "spdci-extensions-dci:Person")
    (taken,) = await crvs.callbacks("on-subscribe", correlation_id=correlation(taken_ack))

    told = await crvs.send(
        "sync/txn/status",
        {"txnstatus_request": enquiry | {"attribute_value": correlation(ack)}},
        sender_id="somebody.else",
    )
    end = await crvs.send(
        "unsubscribe", {"timestamp": taken.at, "subscription_codes": codes_of(taken)}, sender_id="somebody.else"
    )

    assert told["header"]["status"] == "rjct"
    (ended,) = await crvs.callbacks("on-unsubscribe", correlation_id=correlation(end))
    assert ended.message["status_reason_code"] == "rjct.subscription_code.invalid"
    assert len(crvs.mock.later.subscriptions.all) == 1
