"""Asking later, polling and subscribing: the same over the synchronous and the asynchronous client."""

import asyncio
import inspect

import httpx
import orjson
import pytest
import respx

from gateway.client import AsyncHearthClient, Credentials, HearthClient, RefusedError, UnreachableError, is_open
from gateway.kit import messages
from standards.identifiers import Identifier

BASE = "http://gateway.test"
CREDENTIALS = Credentials("uct", "a secret", "uct.programmes.pv")
SUBJECT = Identifier("UIN", "2904417738")
ACK = {"message": {"ack_status": "ACK", "timestamp": "2026-11-01T00:00:00+00:00", "correlation_id": "c-1"}}


def told(status: str) -> dict[str, object]:
    """An answer to the question what became of a message."""
    became = {"transaction_id": "t-1", "correlation_id": "c-1", "search_response": [{"status": status}]}
    return {
        "header": {"status": "succ"},
        "message": {"txnstatus_response": {"txn_type": "search", "txn_status": became}},
    }


@pytest.fixture(params=["synchronous", "asynchronous"])
def talk(request):
    """Call a method of either client by its name."""
    kinds = {"synchronous": HearthClient, "asynchronous": AsyncHearthClient}
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        router.post("/oauth2/client/token").respond(json={"access_token": "t-1"})

        def call(method, *args, **more):
            async def run():
                client = kinds[request.param](BASE, CREDENTIALS, require_signature=False)
                try:
                    said = getattr(client, method)(*args, **more)
                    return await said if inspect.isawaitable(said) else said
                finally:
                    closed = client.close()
                    if inspect.isawaitable(closed):
                        await closed

            return asyncio.run(run())

        call.router = router  # type: ignore[attr-defined]
        yield call


def test_a_question_for_later_names_its_correlation(talk):
    """It says where the answer is to go, and returns by which names it will be known."""
    asked = talk.router.post("/registry/search").respond(json=ACK)
    known = talk(
        "later", [messages.by_number(SUBJECT, "eligibility")], sender_uri="https://uct.test/registry/on-search"
    )
    sent = orjson.loads(asked.calls[0].request.content)

    assert sent["header"]["sender_uri"] == "https://uct.test/registry/on-search"
    assert (known.correlation_id, known.transaction_id) == ("c-1", sent["message"]["transaction_id"])
    assert known.message_id == sent["header"]["message_id"]


@pytest.mark.parametrize("status", [200, 400])
def test_a_message_that_is_not_taken_says_why(talk, status):
    """Whatever the HTTP status of the acknowledgement is."""
    error = {"code": "err.sender_uri.invalid", "message": "register the host"}
    talk.router.post("/registry/search").respond(
        status, json={"message": {"ack_status": "ERR", "correlation_id": "c-2", "error": error}}
    )
    with pytest.raises(RefusedError, match="register the host") as refused:
        talk("later", [messages.by_number(SUBJECT, "eligibility")])

    assert refused.value.reason_code == "err.sender_uri.invalid"


def test_waiting_polls_until_the_message_is_finished(talk, monkeypatch):
    """Received and pending are not; each question is about the correlation."""
    monkeypatch.setattr("gateway.client.PAUSE_S", 0)
    polled = talk.router.post("/registry/sync/txn/status")
    polled.side_effect = [httpx.Response(200, json=told(status)) for status in ("rcvd", "pdng", "succ")]

    assert not is_open(talk("wait", "c-1"))
    asked = [orjson.loads(call.request.content)["message"]["txnstatus_request"] for call in polled.calls]
    assert [one["attribute_value"] for one in asked] == ["c-1"] * 3


def test_waiting_ends(talk, monkeypatch):
    """A message that is never finished is told as such."""
    monkeypatch.setattr("gateway.client.PAUSE_S", 0)
    talk.router.post("/registry/sync/txn/status").respond(json=told("pdng"))
    with pytest.raises(TimeoutError):
        talk("wait", "c-1", within_s=0.05)


def test_subscribing_and_ending_it(talk):
    """Both are acknowledged."""
    subscribed = talk.router.post("/registry/subscribe").respond(json=ACK)
    ended = talk.router.post("/registry/unsubscribe").respond(json=ACK)
    talk("subscribe", [messages.subscription("spdci-common:RegistryEventType:Death", SUBJECT, "eligibility")])
    talk("unsubscribe", ["s-1"])
    criteria = orjson.loads(subscribed.calls[0].request.content)["message"]["subscribe_request"][0][
        "subscribe_criteria"
    ]

    assert criteria["filter"] == {"type": "UIN", "value": SUBJECT.value}
    assert orjson.loads(ended.calls[0].request.content)["message"]["subscription_codes"] == ["s-1"]


def test_being_told_to_wait_says_for_how_long(talk):
    """The seconds of Retry-After."""
    body = {"errors": [{"code": "err.request.too_many_requests", "message": "slower"}]}
    talk.router.post("/registry/search").respond(429, json=body, headers={"Retry-After": "7"})
    with pytest.raises(RefusedError) as refused:
        talk("later", [messages.by_number(SUBJECT, "eligibility")])

    assert refused.value.retry_after_s == 7.0


def test_a_gateway_that_is_gone_is_unreachable(talk):
    """No address and no value is in the error but the gateway's own."""
    talk.router.post("/registry/search").mock(side_effect=httpx.ConnectError("no"))
    with pytest.raises(UnreachableError, match=r"gateway\.test"):
        talk("later", [messages.by_number(SUBJECT, "eligibility")])
