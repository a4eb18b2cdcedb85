"""A programme subscribes to deaths and changes over the real sandbox, and is told once, minimised, and no longer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Sandbox
from tests.contract.dci_spec import IS_HERE, request_faults
from tests.e2e.asking_later import mortal
from tests.e2e.conftest import Country
from tests.e2e.programme import ToyProgramme, toy_programme

pytestmark = pytest.mark.e2e

DEADLINE_S = 2.0


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """A country of its own, since things happen in it."""
    folder = tmp_path_factory.mktemp("lively")
    overrides = {"messages.deadline_s": str(DEADLINE_S), "subscriptions.min_interval_s": "1"}
    with Sandbox(folder, port=0, households=60, overrides=overrides).running() as content:
        country = Country(folder, content)
        try:
            yield country
        finally:
            country.close()


@pytest.fixture
def programme(lively: Country, tmp_path: Path) -> Iterator[ToyProgramme]:
    """A programme that verifies what it is told."""
    keys = f"{lively.content['gateway']}/.well-known/jwks.json"
    with toy_programme(tmp_path, "--jwks", keys) as running:
        yield running


def wish(number: str, event: str, record_type: str, reference: str = "ref-1", **criteria: Any) -> dict[str, Any]:
    """One request for a subscription."""
    return {
        "reference_id": reference,
        "timestamp": datetime.now(UTC).isoformat(),
        "subscribe_criteria": {
            "reg_event_type": event,
            "filter_type": "idtype-value",
            "filter": {"type": "UIN", "value": number},
            "notify_record_type": record_type,
            "authorize": {"purpose": {"code": "eligibility"}},
            **criteria,
        },
    }


def subscribed(country: Country, programme: ToyProgramme, *wishes: dict[str, Any]) -> list[dict[str, Any]]:
    """Subscribe, and return the items of the answer that the programme received."""
    taken = country.client().subscribe(list(wishes), sender_uri=programme.callback("on-subscribe"))
    (answer,) = programme.received(1, 20, kind="on-subscribe", correlation_id=taken.correlation_id)
    assert answer["signature"] == "verified"
    check("crvs", "on-subscribe", answer)
    return list(answer["message"]["subscribe_response"])


def check(registry: str, path: str, received: dict[str, Any]) -> None:
    """Hold a message that arrived against the release."""
    if IS_HERE:
        message = {"header": received["header"], "message": received["message"]}
        assert request_faults(f"{registry}_api_v1.0.0.yaml", f"/registry/{path}", message) == []


def happen(country: Country, **event: Any) -> None:
    """Let something happen in the country."""
    country.http.post(f"{country.url('crvs')}/_sandbox/events", json=event).raise_for_status()


def known_at(country: Country, registry: str = "crvs") -> int:
    """How many subscriptions a registry has."""
    shown = country.http.get(f"{country.url(registry)}/_sandbox/subscriptions").raise_for_status().json()
    return len(shown["subscriptions"])


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_a_death_is_told_once_and_minimised_and_unsubscribe_ends_it_everywhere(
    lively: Country, programme: ToyProgramme
) -> None:
    """From the programme's side: subscribe, be told, ask and see the death, unsubscribe."""
    subject = lively.example("complete_household")
    (item,) = subscribed(
        lively, programme, wish(subject.value, "spdci-common:RegistryEventType:Death", "spdci-extensions-dci:Person")
    )
    assert item["status"] == "succ", item
    (subscription,) = item["subscriptions"]
    until(lambda: known_at(lively) == 1)
    lively.ask(subject)  # now it is kept, and says that the person lives

    happen(lively, event="death", UIN=subject.value)

    (told,) = programme.received(1, 20, kind="notify")
    assert told["signature"] == "verified"
    check("crvs", "notify", told)
    (event,) = told["message"]["notify_event"]
    assert event["data"]["reg_event_type"] == "spdci-common:RegistryEventType:Death"
    record = event["data"]["reg_records"]
    assert record["hearth:vital_status"] == "dead"
    assert set(record) <= {"@context", "@type", "hearth:vital_status"}  # consent has ended: last words only
    asked = lively.ask(subject)
    assert "'dead'" in str(asked["data"]["reg_records"])  # what was kept of the living person is gone

    taken = lively.client().unsubscribe([subscription["code"]], sender_uri=programme.callback("on-unsubscribe"))
    (ended,) = programme.received(1, 20, kind="on-unsubscribe", correlation_id=taken.correlation_id)
    check("crvs", "on-unsubscribe", ended)
    assert ended["message"]["subscription_status"] == [{"code": subscription["code"], "status": "unsubscribe"}]
    until(lambda: known_at(lively) == 0)
    assert len(programme.received(kind="notify")) == 1


def test_a_birth_is_told_to_whom_the_mother_let_be_told(lively: Country, programme: ToyProgramme) -> None:
    """The registry tells of the child; what is told is about the mother, whom the programme named."""
    mother = lively.example("disabled_member")
    (item,) = subscribed(lively, programme, wish(mother.value, "live_birth", "spdci-extensions-dci:Person"))
    assert item["status"] == "succ", item
    until(lambda: known_at(lively) >= 1)

    happen(lively, event="birth", UIN=mother.value)

    (told,) = programme.received(1, 20, kind="notify")
    (event,) = told["message"]["notify_event"]
    assert event["data"]["reg_event_type"] == "spdci-common:RegistryEventType:LiveBirth"
    assert {"identifier_type": "UIN", "identifier_value": mother.value} in event["data"]["reg_records"]["identifier"]
    check("crvs", "notify", told)
    (subscription,) = item["subscriptions"]
    lively.client().unsubscribe([subscription["code"]], sender_uri=programme.callback("on-unsubscribe"))
    programme.received(1, 20, kind="on-unsubscribe")


def test_a_household_that_is_watched_tells_of_a_change(lively: Country, programme: ToyProgramme) -> None:
    """No registry has an event for it: the gateway looks, and keeps fingerprints only."""
    subject = lively.example("lactating_mother")
    (item,) = subscribed(lively, programme, wish(subject.value, "change", "Group"))
    assert item["status"] == "succ", item
    (subscription,) = item["subscriptions"]
    until(lambda: journalled(lively, "subscription.looked") >= 3)
    assert programme.received(kind="notify") == []

    happen(lively, event="relocation", UIN=subject.value)

    (told,) = programme.received(1, 30, kind="notify")
    (event,) = told["message"]["notify_event"]
    assert event["data"]["reg_type"] == "ns:hearth:RegistryType:VirtualHousehold"
    assert event["data"]["hearth:subscription_code"] == subscription["code"]
    check("crvs", "notify", told)

    lively.client().unsubscribe([subscription["code"]], sender_uri=programme.callback("on-unsubscribe"))
    programme.received(1, 20, kind="on-unsubscribe")
    assert len(programme.received(kind="notify")) == 1


def test_a_request_that_is_refused_says_why_and_its_status_can_be_asked(
    lively: Country, programme: ToyProgramme
) -> None:
    """One of two is taken; the other's reason is the standard's, in the callback and in the status."""
    subject = lively.example("widow")
    taken = lively.client().subscribe(
        [
            wish(subject.value, "Marriage", "spdci-extensions-dci:Person", "ref-1"),
            wish(subject.value, "adoption", "spdci-extensions-dci:Person", "ref-2"),
        ],
        sender_uri=programme.callback("on-subscribe"),
    )
    (answer,) = programme.received(1, 20, kind="on-subscribe", correlation_id=taken.correlation_id)

    items = answer["message"]["subscribe_response"]
    assert [item["status"] for item in items] == ["succ", "rjct"]
    assert items[1]["status_reason_code"] == "rjct.notify_types.invalid"
    status = lively.client().status(taken.correlation_id, "subscribe")
    told = status["txn_status"]["subscribe_response"]
    assert [item["status"] for item in told] == ["succ", "rjct"]


def journalled(country: Country, event: str) -> int:
    """How many entries of a kind the journal holds."""
    with closing(sqlite3.connect(country.folder / "journal.db")) as journal:
        rows = journal.execute("SELECT entry FROM journal").fetchall()
    return sum(f'"{event}"' in str(row[0]) for row in rows)


def test_a_gateway_that_is_killed_still_tells_once(tmp_path: Path) -> None:
    """Killed after the event and before anybody could be told: the notification comes after the restart, once."""
    settings = {"messages.deadline_s": str(DEADLINE_S)}
    with mortal(tmp_path / "mortal", settings) as (sandbox, content), toy_programme(tmp_path / "p") as programme:
        country = Country(tmp_path / "mortal", content)
        programme.trust(jwks_url=f"{content['gateway']}/.well-known/jwks.json", signatures="required")
        subject = country.example("complete_household")
        event, record = "spdci-common:RegistryEventType:Death", "spdci-extensions-dci:Person"
        (item,) = subscribed(country, programme, wish(subject.value, event, record))
        assert item["status"] == "succ", item
        until(lambda: known_at(country) == 1)
        programme.fault("down", kinds=["notify"])

        happen(country, event="death", UIN=subject.value)
        programme.attempts(2, 20)
        sandbox.kill()
        programme.mend()
        sandbox.revive()

        (told,) = programme.received(1, 40, kind="notify")
        assert told["times"] == 1
        country.close()
