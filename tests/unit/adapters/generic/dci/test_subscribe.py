"""Subscriptions at registries: what is asked in which words, and what an acknowledgement is worth."""

from __future__ import annotations

import orjson
import pytest

from adapters.generic.dci.dialects import Dialect
from adapters.generic.dci.subscribe import DciEvents
from adapters.manifest import Limits
from adapters.ports import Deadline, EventWish, Response
from adapters.transport.guard import Guarded
from standards.dci.events import EventKind
from standards.errors import ConfigurationError, SourceContractError, SourceError, SourceUnavailableError
from tests.fakes import InMemoryClient, ScriptedAdapter
from tests.unit.adapters.generic.dci.dialects import ASHA, answer, dialect_manifest

LONG = Deadline.after(3600)
CALLBACK = {"auth": "bearer", "token": "env:PROBE_TOKEN"}
ACK = answer({"message": {"ack_status": "ACK", "correlation_id": "c-1"}})
WISH = EventWish(EventKind.DEATH, ASHA, "txn-1", "ref-1")


def events_of(*answers, place="https://hearth.example", lookup=None, **options):
    """Return the events of a registry, and its client."""
    manifest = dialect_manifest(lookup, **({"callback": CALLBACK, "events": ("death",)} | options))
    client = InMemoryClient(answers)
    guarded = Guarded(ScriptedAdapter(manifest), Limits(retries=0, breaker_failures=2))
    return DciEvents(manifest, client, guarded, None, place, new_id=lambda: "m"), client


async def test_a_wish_says_who_and_what_and_where_to_call_back():
    """In the words of the registry's type."""
    events, client = events_of(ACK)

    assert await events.subscribe(WISH, LONG) == "c-1"
    [sent] = client.sent
    body = orjson.loads(sent.body)
    [request] = body["message"]["subscribe_request"]
    assert sent.path == "/registry/subscribe"
    assert body["header"]["action"] == "subscribe"
    assert body["header"]["sender_uri"] == "https://hearth.example/registry/on-subscribe"
    assert body["message"]["transaction_id"] == "txn-1"
    assert request["reference_id"] == "ref-1"
    assert request["subscribe_criteria"] == {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "spdci-common:RegistryEventType:Death",
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": ASHA.value},
        "notify_record_type": "Person",
    }


async def test_a_registry_may_have_its_own_words():
    """For an event, and for a type of number."""
    events, client = events_of(
        ACK, lookup={"identifier_types": {"UIN": "NID"}}, event_words={"death": "DEATH"}, preset="openspp2"
    )
    await events.subscribe(WISH, LONG)
    criteria = orjson.loads(client.sent[0].body)["message"]["subscribe_request"][0]["subscribe_criteria"]

    assert client.sent[0].path == "/dci_api/v1/registry/subscribe"
    assert (criteria["reg_event_type"], criteria["filter"]["type"]) == ("DEATH", "NID")


@pytest.mark.parametrize("misspelt", [False, True])
async def test_subscriptions_are_ended_by_their_codes(misspelt):
    """A registry of an older generation looks for them under the name that its file misspells."""
    events, client = events_of(ACK, quirks=Dialect(misspelt=misspelt))
    await events.unsubscribe(["S-1", "S-2"], "txn-2", LONG)
    body = orjson.loads(client.sent[0].body)

    assert client.sent[0].path == "/registry/unsubscribe"
    assert body["header"]["sender_uri"].endswith("/registry/on-unsubscribe")
    assert body["message"]["subscription_codes"] == ["S-1", "S-2"]
    assert body["message"].get("sunscription_codes") == (["S-1", "S-2"] if misspelt else None)
    assert ("timesstamp" in body["message"]) == misspelt


async def test_a_handle_is_not_always_told():
    """Without one, callbacks are known by the transaction."""
    events, _ = events_of(answer({"message": {"ack_status": "ACK"}}))

    assert await events.subscribe(WISH, LONG) is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer({"message": {"ack_status": "NACK", "correlation_id": "c"}}), SourceContractError),
        (answer({"errors": [{"code": "err.service.unavailable"}]}), SourceUnavailableError),
        (Response(500, "", b""), SourceUnavailableError),
    ],
)
async def test_a_wish_that_is_not_taken_is_an_error(given, error):
    """By the registry's own word."""
    events, _ = events_of(given)
    with pytest.raises(error):
        await events.subscribe(WISH, LONG)


async def test_a_registry_that_is_down_is_left_alone():
    """Wishes go through its guard like questions."""
    events, client = events_of(*[Response(503, "", b"")] * 9)
    for _ in range(5):
        with pytest.raises(SourceError):
            await events.subscribe(WISH, LONG)

    assert len(client.sent) == 2


def test_an_event_without_a_word_is_found_at_start():
    """The operator reads what to write."""
    with pytest.raises(ConfigurationError, match="event_words"):
        events_of(events=("enrolment",))


def test_subscriptions_are_taken_by_numbers_of_persons():
    """Or by those that the manifest names."""
    assert events_of()[0].identifier_types == ("UIN",)
    assert events_of(event_identifiers=("BRN",))[0].identifier_types == ("BRN",)
