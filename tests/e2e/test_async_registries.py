"""A registry that answers by callback: before its acknowledgement, in pages, twice, forged, or never."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from adapters.catalogue import find_manifests
from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country, settled_facts, states
from tests.e2e.fetching import comes
from tests.e2e.test_evidence import hearth

pytestmark = pytest.mark.e2e

DEADLINE_S = 2.0
TRUST = {"answers": "optional", "jwks_path": "/.well-known/jwks.json"}
CALLBACK = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}


def manifests(folder: Path, limits: dict[str, Any], **options: Any) -> Path:
    """Put every manifest into a folder, with other limits and options for civil registration."""
    for path in find_manifests():
        shutil.copytree(path.parent, folder / path.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    file, yaml = folder / "crvs" / "manifest.yaml", YAML(typ="safe", pure=True)
    content = yaml.load(file.read_text(encoding="utf-8"))
    content["dci"] |= options
    content["limits"] |= limits
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    return folder


def opened(folder: Path, workers: int = 1, limits: dict[str, Any] | None = None, **options: Any) -> Iterator[Country]:
    """A small country in which civil registration is asked asynchronously."""
    registries = manifests(
        folder / "registries", limits or {}, mode="async", **({"callback": CALLBACK, "trust": TRUST} | options)
    )
    overrides = {
        "messages.deadline_s": str(DEADLINE_S),
        "registries.builtin": "false",
        "registries.folders": f"[{registries}]",
        "server.workers": str(workers),
    }
    sandbox = Sandbox(folder / "sandbox", port=0, households=60, overrides=overrides)
    with sandbox.running() as content:
        country = Country(folder / "sandbox", content)
        try:
            yield country
        finally:
            country.close()


@pytest.fixture(scope="module")
def asynchronous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """One such country for all tests of this file that need no other."""
    yield from opened(tmp_path_factory.mktemp("async"))


@pytest.fixture
def country(asynchronous: Country) -> Iterator[Country]:
    """The country with nothing remembered, and a registry that behaves."""
    well_behaved(asynchronous)
    yield asynchronous
    well_behaved(asynchronous)


def well_behaved(country: Country) -> None:
    """Let civil registration call back as it should, and forget everything."""
    country.http.delete(f"{country.url('crvs')}/_sandbox/callbacks").raise_for_status()
    country.mend("crvs")
    country.forget()
    country.reset_calls()


def manner(country: Country, **stated: Any) -> None:
    """Let civil registration call back in another manner."""
    country.http.put(f"{country.url('crvs')}/_sandbox/callbacks", json=stated).raise_for_status()


def sent(country: Country) -> list[int | None]:
    """With what status the gateway answered each callback of civil registration."""
    shown = country.http.get(f"{country.url('crvs')}/_sandbox/callbacks").raise_for_status().json()
    return [one["status"] for one in shown["sent"]]


def was_called_back(country: Country) -> bool:
    """Whether civil registration has called back about everything it was asked."""
    shown = country.http.get(f"{country.url('crvs')}/_sandbox/callbacks").raise_for_status().json()
    return bool(shown["sent"]) and not shown["under_way"]


def from_civil(item: dict[str, Any]) -> list[str]:
    """What became of everything that civil registration has the last word on."""
    return [state["state"] for (_, name), state in states(item).items() if name in {"vital_status", "birth_date"}]


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"when": "before"},
        {"page_size": 1},
        {"page_size": 1, "order": "reversed"},
        {"copies": 3},
        {"when": "before", "page_size": 1, "order": "reversed", "copies": 2},
        {"ack": "text", "content_type": "text/plain"},
        {"delay_ms": 300},
    ],
    ids=lambda stated: " ".join(f"{name}={value}" for name, value in stated.items()) or "good",
)
def test_an_answer_is_the_same_however_it_arrives(country: Country, stated: dict[str, Any]):
    """Early, late, in pages, turned round, repeated, in plain text: the facts of the household do not change."""
    plain = country.ask("complete_household")
    country.forget()
    manner(country, **stated)
    item = country.ask("complete_household")

    assert set(from_civil(plain)) == {"value"}
    assert settled_facts(item) == settled_facts(plain)
    assert set(sent(country)) == {200}


def reasons(item: dict[str, Any]) -> set[str]:
    """Why what civil registration was to say is not there."""
    found = states(item)
    return {state.get("reason", state["state"]) for (_, name), state in found.items() if name == "vital_status"}


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"when": "never"}, "source_timeout"),
        ({"bearer": "wrong"}, "source_timeout"),
        ({"bearer": "none"}, "source_timeout"),
        ({"body": "stranger"}, "source_timeout"),
        ({"ack": "nack"}, "source_contract"),
        ({"ack": "err"}, "source_down"),
    ],
    ids=str,
)
def test_what_does_not_arrive_is_a_hole_and_never_nobody(country: Country, stated: dict[str, Any], reason: str):
    """No callback, a forged one, a question that was not taken: unknown with a reason, by the deadline."""
    manner(country, **stated)
    start = time.monotonic()
    item = country.ask("complete_household")

    assert time.monotonic() - start < DEADLINE_S + 1
    assert item["status"] == "succ"
    assert reasons(item) <= {reason, "not_asked", "source_down"}
    assert reason in {state.get("reason") for state in states(item).values()}
    assert 200 not in sent(country) or stated.get("ack") in {"nack", "err"}


def test_nobody_can_answer_in_the_name_of_a_registry(country: Country):
    """Without its token nothing is taken, whatever it says and whomever it names; no address opens by guessing."""
    address = country.content["gateway"]
    body = {"header": {"sender_id": "crvs"}, "message": {"correlation_id": "c", "search_response": []}}
    for path, headers, status in (
        ("/registry/on-search", {}, 401),
        ("/registry/notify", {"Authorization": "Bearer guessed"}, 401),
        ("/crvs/registry/on-search", {}, 401),
        ("/callbacks/crvs.guessed/registry/on-search", {}, 404),
        ("/callbacks/guessed/registry/notify", {}, 404),
    ):
        answer = country.http.post(f"{address}{path}", json=body, headers=headers)

        assert answer.status_code == status
        assert answer.json()["message"]["ack_status"] == "ERR"


def test_tokens_that_end_are_renewed_meanwhile(country: Country):
    """A registry forgets the tokens that it issued; the next question brings a new one along."""
    country.http.delete(f"{country.url('crvs')}/_sandbox/tokens").raise_for_status()

    assert set(from_civil(country.ask("complete_household"))) == {"value"}


def test_a_registry_that_never_calls_is_asked_for_its_answer(tmp_path: Path):
    """By transaction status, as often as the manifest says; nothing comes to the door."""
    for country in opened(tmp_path, poll_s=0.05):
        manner(country, when="never")
        item = country.ask("complete_household")

        assert set(from_civil(item)) == {"value"}
        assert not [line for line in country.log() if "on-search" in line.get("path_template", "")]


def test_a_callback_may_reach_another_process_than_the_question(tmp_path: Path):
    """Two workers share the port; whichever a callback comes to, the question is answered, and nothing stays."""
    for country in opened(tmp_path, workers=2):
        for name in ("complete_household", "widow", "complete_household"):
            country.forget()
            assert set(from_civil(country.ask(name))) <= {"value", "absent"}
        processes = {line["pid"] for line in country.log() if line["event"] == "gateway_open"}
        with sqlite3.connect(country.folder / "callbacks.db") as file:
            left = file.execute("SELECT (SELECT count(*) FROM expected) + (SELECT count(*) FROM arrived)").fetchone()

        assert len(processes) == 2
        assert set(sent(country)) == {200}
        assert left == (0,)


def test_a_late_callback_serves_the_next_question(tmp_path: Path):
    """Where the manifest keeps late answers; the question itself has its hole, in time."""
    for country in opened(tmp_path, limits={"timeout_s": 6.0, "retries": 0, "keep_late": True}):
        manner(country, delay_ms=int(DEADLINE_S * 1000) + 200)
        late = country.ask("complete_household")
        assert comes(partial(was_called_back, country))
        manner(country)
        item = country.ask("complete_household")

        assert "source_timeout" in {state.get("reason") for state in states(late).values()}
        assert set(from_civil(item)) == {"value"}
        assert item["data"]["hearth:sources"]["crvs"]["cached"] >= 1


def test_evidence_says_which_answers_a_registry_signed(country: Country, tmp_path: Path):
    """By whose key, in which form, verified when; of the registries that do not sign, nothing of the kind."""
    country.http.put(f"{country.url('crvs')}/_sandbox/signing", json={"form": "detached"}).raise_for_status()
    subject = country.example("complete_household")
    purpose = country.content["consumers"]["uct"]["purposes"][0]
    answer = country.client().ask([subject], purpose=purpose)
    country.http.put(f"{country.url('crvs')}/_sandbox/signing", json={"form": "none"}).raise_for_status()
    key = country.http.get(f"{country.url('crvs')}/.well-known/jwks.json").raise_for_status().json()["keys"][0]["kid"]
    keys, pack = tmp_path / "jwks.json", tmp_path / "pack.json"
    keys.write_bytes(country.http.get(f"{country.content['gateway']}/.well-known/jwks.json").content)
    correlation = answer["message"]["correlation_id"]
    hearth("evidence", "pack", "--dir", country.folder, "--out", pack, "--correlation", correlation)
    entry = json.loads(json.loads(pack.read_text(encoding="utf-8"))["journal"]["entry"])
    told = hearth("evidence", "verify", pack, "--keys", keys)

    signed = {digest: one["form"] for digest, one in entry["signed"].items() if one["key"] == key}
    assert set(signed) == set(entry["sources"]["crvs.person"])
    assert set(signed.values()) == {"detached"}
    assert set(entry["signed"]) == set(signed)
    assert "(detached), as was verified at" in " ".join(told.split())
