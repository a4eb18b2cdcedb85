"""Acknowledged now, answered by a callback: as a programme sees it, with its receiver well, ill, dead, and elsewhere."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read, sqlite_url
from tests.e2e.asking_later import Asker, MortalSandbox, by_number, message, mortal, until
from tests.e2e.conftest import Country, settled_facts, states
from tests.e2e.programme import ToyProgramme, toy_programme
from tests.e2e.test_privacy import personal_values

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SETTINGS = {
    "delivery.first_pause_s": "0.2",
    "delivery.give_up_s": "4",
    "delivery.timeout_s": "2",
    "asynchronous.page_size": "3",
    "messages.deadline_s": "2",
}


class Scene:
    """A gateway, a programme that asks it, and what the programme receives."""

    def __init__(self, box: MortalSandbox, country: Country, programme: ToyProgramme, asker: Asker) -> None:
        self.box, self.country, self.programme, self.asker = box, country, programme, asker
        self.number = country.example("complete_household").value

    def asked(self, *questions: dict[str, Any], **header: Any) -> dict[str, Any]:
        """A message with these questions, or with one about the complete household."""
        one = by_number(self.number, "eligibility")
        sender_uri = header.pop("sender_uri", self.programme.callback("on-search"))
        return message("uct.programmes.pv", sender_uri, *(questions or (one,)), **header)

    def acknowledged(self, body: dict[str, Any]) -> str:
        """Send a message; return its correlation id."""
        response = self.asker.send(body)
        assert response.status_code == 200, response.text
        said = response.json()["message"]
        assert said["ack_status"] == "ACK"
        return str(said["correlation_id"])

    def called_back(self, correlation_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the callbacks of one message, once there are so many."""
        found = self.programme.received(at_least=count, wait_s=20, correlation_id=correlation_id)
        assert len(found) == count
        return found

    def events(self, correlation_id: str) -> list[str]:
        """What the journal says of one message."""
        entries = [entry for _, entry in read(sqlite_url(self.country.folder / "journal.db"))]
        return [entry["event"] for entry in entries if entry.get("correlation") == correlation_id]

    def deliveries(self, *words: str) -> str:
        """What `hearth delivery` prints."""
        result = CliRunner().invoke(app, ["delivery", *words, "--dir", str(self.country.folder)])
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One small country, and one programme, for all tests here."""
    folder = tmp_path_factory.mktemp("later")
    with toy_programme(folder) as programme, mortal(folder / "sandbox", SETTINGS) as (box, content):
        country = Country(folder / "sandbox", content)
        programme.trust(jwks_url=f"{content['gateway']}/.well-known/jwks.json", signatures="required")
        with Asker(content["gateway"], content["consumers"]["uct"]) as asker:
            yield Scene(box, country, programme, asker)
        country.close()


@pytest.fixture
def scene(running: Scene) -> Scene:
    """The same, with everybody well."""
    running.programme.mend()
    for registry in running.country.content["registries"]:
        running.country.mend(registry)
    running.country.forget()
    return running


def item_of(received: dict[str, Any]) -> dict[str, Any]:
    """The one item of a callback."""
    (item,) = received["message"]["search_response"]
    return dict(item)


def test_an_answer_by_callback_is_the_answer(scene: Scene):
    """Signed, under the acknowledged correlation id, and with what a synchronous answer says; journalled before."""
    body = scene.asked()
    correlation_id = scene.acknowledged(body)
    (received,) = scene.called_back(correlation_id)

    header = received["header"]
    assert received["signature"] == "verified"
    assert received["kind"] == "on-search"
    assert received["transaction_id"] == body["message"]["transaction_id"]
    assert (header["action"], header["status"], header["total_count"]) == ("on-search", "succ", 1)
    assert (header["sender_id"], header["receiver_id"]) == ("hearth.gateway", "uct.programmes.pv")
    assert received["idempotency_key"] == header["message_id"] != body["header"]["message_id"]
    assert settled_facts(item_of(received)) == settled_facts(
        scene.country.ask(scene.country.example("complete_household"))
    )
    assert until(lambda: scene.events(correlation_id) == ["search.answered", "delivery.made"])


def test_the_same_message_again_is_the_same_transaction(scene: Scene):
    """Whoever lost an acknowledgement sends the message again: the same correlation id, and one result."""
    body = scene.asked()
    first, again = scene.acknowledged(body), scene.acknowledged(body)
    scene.called_back(first)
    assert scene.acknowledged(body) == again == first

    other = scene.asked(message_id=body["header"]["message_id"])
    refused = scene.asker.send(other)
    assert refused.json()["message"]["ack_status"] == "ERR"
    assert len(scene.programme.received(correlation_id=first, wait_s=0)) == 1


@pytest.mark.parametrize(
    "sender_uri",
    [
        "http://169.254.169.254/registry/on-search",
        "https://evil.example.org/on-search",
        "http://127.0.0.1@evil.org/on-search",
        "x",
    ],
)
def test_an_address_that_is_not_registered_is_refused_at_once(scene: Scene, sender_uri: str):
    """Before anything is asked or remembered."""
    response = scene.asker.send(scene.asked(sender_uri=sender_uri))
    said = response.json()["message"]
    assert (response.status_code, said["ack_status"]) == (400, "ERR")
    assert said["error"]["code"] == "err.sender_uri.invalid"
    assert "evil" not in response.text


def test_faults_of_questions_are_told_in_the_callback(scene: Scene):
    """One that cannot be read, one that is not agreed, one that is fine: each item says what became of it."""
    unusable = by_number("1", "eligibility", "r-2", query_type="graphql")
    foreign = by_number(scene.number, "tax-fraud", "r-3")
    (received,) = scene.called_back(
        scene.acknowledged(scene.asked(by_number(scene.number, "eligibility"), unusable, foreign))
    )
    said = {
        i["reference_id"]: (i["status"], i.get("status_reason_code")) for i in received["message"]["search_response"]
    }
    assert said == {
        "r-1": ("succ", None),
        "r-2": ("rjct", "rjct.search_criteria.invalid"),
        "r-3": ("rjct", "rjct.search_criteria.invalid"),
    }
    assert (received["header"]["total_count"], received["header"]["completed_count"]) == (3, 3)


def test_a_receiver_that_fails_gets_it_again_under_the_same_key(scene: Scene):
    """One idempotency key and message id for all tries, a fresh time for each."""
    scene.programme.fault("fail", times=2, status=503)
    (received,) = scene.called_back(scene.acknowledged(scene.asked()))
    tries = [one for one in scene.programme.attempts() if one["idempotency_key"] == received["idempotency_key"]]
    assert [one["outcome"] for one in tries] == ["fail", "fail", "received"]
    assert len({one["message_id"] for one in tries}) == 1
    assert len({one["message_ts"] for one in tries}) == 3


def test_a_redirecting_receiver_gets_nothing_elsewhere(scene: Scene):
    """A redirect is a failure like any other."""
    elsewhere = scene.programme.url.replace("127.0.0.1", "localhost") + "/elsewhere/registry/on-search"
    scene.programme.fault("redirect", times=1, location=elsewhere)
    (received,) = scene.called_back(scene.acknowledged(scene.asked()))
    assert received["times"] == 1
    assert "elsewhere" not in received["path"]


def test_what_cannot_be_delivered_waits_for_an_operator(scene: Scene):
    """A dead letter: listed without anything personal, sealed on disk, tried again at an operator's word."""
    scene.programme.fault("down")
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: correlation_id in scene.deliveries("list"), 30)

    shown = scene.deliveries("show", f"{correlation_id}-1")
    assert "dead" in shown
    canaries = personal_values(scene.country.ask(scene.country.example("complete_household")), scene.number)
    assert len(canaries) > 10
    kept = [shown.encode()]
    for name in ("exchange.db", "work.db"):
        kept += [path.read_bytes() for path in scene.country.folder.glob(f"{name}*")]
    assert not [canary for canary in canaries if any(canary.encode() in content for content in kept)]
    (row,) = json.loads(scene.deliveries("list", "--json"))
    assert (row["consumer"], row["kind"], row["state"]) == ("uct", "search", "dead")

    scene.programme.mend()
    assert "1 of 1" in scene.deliveries("redeliver", f"{correlation_id}-1")
    (received,) = scene.called_back(correlation_id)
    assert item_of(received)["status"] == "succ"
    assert until(lambda: scene.events(correlation_id)[-2:] == ["delivery.failed", "delivery.made"]), scene.events(
        correlation_id
    )
    assert until(lambda: _sealed(scene.country.folder, correlation_id) == [("made", None)]), "gone once delivered"


def test_revoked_means_revoked_for_what_waits(scene: Scene):
    """An answer that waits while its agreement is narrowed leaves under the new terms, or not at all."""
    scene.programme.fault("fail", times=3, status=503)
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: "search.answered" in scene.events(correlation_id))
    _in_force(scene.country.folder, "9.0", is_narrowed=True)
    try:
        (received,) = scene.called_back(correlation_id)
        assert item_of(received)["status"] == "rjct", "the purpose is not agreed any more"
        assert "data" not in item_of(received)
        assert until(lambda: scene.events(correlation_id)[-1] == "delivery.made")
        assert scene.events(correlation_id) == [
            "search.answered",
            "search.superseded",
            "search.denied",
            "delivery.made",
        ]
    finally:
        _in_force(scene.country.folder, "9.1", is_narrowed=False)
        assert until(
            lambda: scene.asker.send(scene.asked(), "/registry/sync/search").json()["header"]["status"] == "succ"
        )


def test_after_a_restart_what_waits_is_given_anew(scene: Scene):
    """Nobody can tell any more what it rested on, so it is not sent as it is."""
    scene.programme.fault("fail", status=503)
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: "search.answered" in scene.events(correlation_id))
    scene.box.kill()
    scene.programme.mend()
    scene.box.revive()
    (received,) = scene.called_back(correlation_id)
    assert item_of(received)["status"] == "succ"
    assert until(lambda: scene.events(correlation_id)[-1] == "delivery.made")
    assert scene.events(correlation_id)[-3:] == ["search.superseded", "search.answered", "delivery.made"]


def test_a_search_comes_in_pages(scene: Scene):
    """More than a page: one callback for each, under one correlation id, each whole in itself; together everybody once."""
    poor = {
        "type": "ns:org:QueryType:expression",
        "value": {"expression": {"collection": "Group", "query": {"poverty_score": {"$lt": 40}}}},
    }
    question = by_number(
        "",
        "eligibility",
        query_type="expression",
        query=poor,
        response_entity="Group",
    )
    question["search_criteria"]["hearth:attributes"] = ["household_id", "poverty_score"]
    correlation_id = scene.acknowledged(scene.asked(question))
    first = scene.programme.received(at_least=1, wait_s=20, correlation_id=correlation_id)[0]
    total = item_of(first)["pagination"]["total_count"]
    assert total > 3, "more than one page"
    pages = scene.called_back(correlation_id, -(-total // 3))
    items = sorted((item_of(page) for page in pages), key=lambda item: int(item["pagination"]["page_number"]))
    assert [item["pagination"] for item in items] == [
        {"page_size": 3, "page_number": number, "total_count": total} for number in range(1, len(pages) + 1)
    ]
    found = [r["group_identifier"][0]["identifier_value"] for item in items for r in item["data"]["reg_records"]]
    assert len(found) == len(set(found)) == total
    for item in items:
        assert len(item["data"]["hearth:evidence"]) == len(item["data"]["reg_records"])


def test_what_became_of_it_can_be_asked(scene: Scene):
    """Pending while it is worked on, then what became of each item; another programme learns nothing."""
    scene.country.fault("tax", mode="slow", delay_ms=1500)
    body = scene.asked()
    correlation_id = scene.acknowledged(body)

    def status(asker: Asker, sender_id: str) -> dict[str, Any]:
        asking = message(sender_id, None, action="txn-status", total_count=1)
        asking["message"] = {
            "transaction_id": "s-1",
            "txnstatus_request": {
                "reference_id": "s-1",
                "txn_type": "search",
                "attribute_type": "correlation_id",
                "attribute_value": correlation_id,
            },
        }
        answer = asker.send(asking, "/registry/sync/txn/status").json()["message"]
        return dict(answer["txnstatus_response"]["txn_status"]["search_response"][0])

    assert status(scene.asker, "uct.programmes.pv")["status"] in {"rcvd", "pdng"}
    scene.called_back(correlation_id)
    assert until(lambda: status(scene.asker, "uct.programmes.pv")["status"] == "succ")
    content = scene.country.content
    with Asker(content["gateway"], content["consumers"]["cct-education"]) as other:
        assert status(other, "cct-education.programmes.pv")["status_reason_code"] == "rjct.reference_id.invalid"


def test_answer_now_the_rest_by_callback(scene: Scene):
    """The partial answer at the deadline names who is missing; the callback brings the whole once that one is heard."""
    scene.country.fault("tax", mode="down")
    body = scene.asked(action="search")
    body["message"]["hearth:callback_rest"] = True
    response = scene.asker.send(body, "/registry/sync/search")
    assert response.status_code == 200
    (now,) = response.json()["message"]["search_response"]
    assert "tax" in now["status_reason_message"]
    assert response.headers["Hearth-Rest"] == "callback"
    time.sleep(1.5)
    assert scene.programme.received(correlation_id=response.json()["message"]["correlation_id"], wait_s=0) == []
    scene.country.mend("tax")
    (received,) = scene.called_back(response.json()["message"]["correlation_id"])
    assert "status_reason_message" not in item_of(received), "nobody is missing"

    body = scene.asked()
    body["message"]["hearth:callback_rest"] = True
    whole = scene.asker.send(body, "/registry/sync/search")
    assert whole.headers["Hearth-Rest"] == "none"


def test_a_consumer_that_is_switched_off_gets_nothing(scene: Scene):
    """What waits for it is purged; others are not concerned."""
    scene.programme.fault("fail", status=503)
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: "search.answered" in scene.events(correlation_id))
    words = ["--dir", str(scene.country.folder)]
    assert CliRunner().invoke(app, ["suspend", "consumer", "uct", "--reason", "test", *words]).exit_code == 0
    try:
        time.sleep(1)
        scene.programme.mend()
        assert until(lambda: scene.events(correlation_id)[-1] == "delivery.dropped"), scene.events(correlation_id)
        assert scene.programme.received(correlation_id=correlation_id, wait_s=0) == []
        assert _sealed(scene.country.folder, correlation_id) == []
    finally:
        _on_again(scene, "resume", "consumer", "uct")


@pytest.mark.parametrize(
    ("off", "on"),
    [
        pytest.param(("suspend", "registry"), ("resume", "registry"), id="by the operator's switch"),
        pytest.param(("registry", "suspend"), ("registry", "resume"), id="by its owner's order"),
    ],
)
def test_nothing_a_suspended_registry_said_leaves_with_what_waits(scene: Scene, off, on):
    """What waits is given anew without it, and nothing of the old answer lies in the queue, not even sealed."""
    scene.programme.fault("fail", status=503)
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: "search.answered" in scene.events(correlation_id))
    words = ["--dir", str(scene.country.folder)]
    assert CliRunner().invoke(app, [*off, "crvs", "--reason", "test", *words]).exit_code == 0
    try:
        assert until(lambda: any(_suspended(scene)))  # it has a second to notice the switch
        scene.programme.mend()
        (received,) = scene.called_back(correlation_id)
        told = [state for state in states(item_of(received)).values() if state["state"] == "value"]
        assert told, "others are told"
        assert not [state for state in told if state.get("source") == "crvs"]
        assert "search.superseded" in scene.events(correlation_id)
        assert until(lambda: _sealed(scene.country.folder, correlation_id) == [("made", None)])
    finally:
        _on_again(scene, *on, "crvs")


def test_dead_letters_of_a_consumer_that_is_switched_off_are_purged(scene: Scene):
    """Nobody tries them any more, and still nothing is left of them; the journal knows."""
    scene.programme.fault("down")
    correlation_id = scene.acknowledged(scene.asked())
    assert until(lambda: _states(scene.country.folder, correlation_id) == ["dead"], 30)
    words = ["--dir", str(scene.country.folder)]
    assert CliRunner().invoke(app, ["suspend", "consumer", "uct", "--reason", "test", *words]).exit_code == 0
    try:
        assert until(lambda: _states(scene.country.folder, correlation_id) == [])
        assert until(lambda: scene.events(correlation_id)[-1] == "delivery.dropped")
    finally:
        _on_again(scene, "resume", "consumer", "uct")


def _on_again(scene: Scene, *what: str) -> None:
    """Switch something on, and wait until the gateway has taken that in."""
    words = [*what, "--dir", str(scene.country.folder)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert until(lambda: not any(_suspended(scene)))


def _suspended(scene: Scene) -> list[list[str]]:
    """Who is switched off, as the gateway sees it."""
    ready = f"{scene.country.content['gateway']}/ready"
    return list(scene.country.http.get(ready).json()["suspended"].values())


def _states(folder: Path, correlation_id: str) -> list[str]:
    return [state for state, _ in _sealed(folder, correlation_id)]


def _sealed(folder: Path, correlation_id: str) -> list[tuple[str, bytes | None]]:
    with sqlite3.connect(f"file:{folder / 'exchange.db'}?mode=ro", uri=True) as exchange:
        wanted = "SELECT state, sealed FROM delivery WHERE correlation_id = ?"
        return exchange.execute(wanted, (correlation_id,)).fetchall()


def _in_force(folder: Path, version: str, *, is_narrowed: bool) -> None:
    """Put a version of the agreement into force; a narrowed one has nothing of the former purpose."""
    yaml = YAML(typ="safe", pure=True)
    stated = yaml.load(folder / "agreements" / "uct.yaml")
    purposes = {"other": next(iter(stated["purposes"].values()))} if is_narrowed else stated["purposes"]
    partial = folder / "agreements" / f"uct-{version}.partial"
    with partial.open("w", encoding="utf-8") as stream:
        yaml.dump(stated | {"version": version, "purposes": purposes}, stream)
    partial.rename(folder / "agreements" / f"uct-{version}.yaml")
