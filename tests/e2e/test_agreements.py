"""Agreements while a gateway of two processes runs: approved, narrowed, widened, counted, in answers as programmes see them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.cli import app
from gateway.client import Credentials, HearthClient, RefusedError, rehearse_sandbox
from gateway.journal import read, sqlite_url
from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country, states

pytestmark = pytest.mark.e2e

PRACTICE = Path(__file__).parents[2] / "policies" / "sandbox"
PATIENCE_S = 10.0
"""Longest wait for what takes a second at most on a machine that has nothing else to do."""


class ChangingCountry(Country):
    """A country whose agreements change, so that no answer is held against a schema read before."""

    def client(self, programme: str = "uct") -> HearthClient:
        """A client that checks nothing but the envelope."""
        credentials = Credentials.from_sandbox(self.content["consumers"][programme])
        return self._plain.setdefault(programme, HearthClient(self.content["gateway"], credentials))

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        super().__init__(folder, content)
        self._plain: dict[str, HearthClient] = {}

    def close(self) -> None:
        """Close every connection."""
        super().close()
        for client in self._plain.values():
            client.close()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """A sandbox of two gateway processes in which widening needs two signatures."""
    folder = tmp_path_factory.mktemp("strict")
    overrides = {"agreements.require_approval": "true", "server.workers": "2", "messages.deadline_s": "8"}
    with Sandbox(folder, port=0, households=60, overrides=overrides).running() as content:
        country = ChangingCountry(folder, content)
        try:
            yield country
        finally:
            country.close()


def becomes(is_so: Callable[[], bool]) -> None:
    """Wait until something is so in a row of looks, since one of two processes answers each."""
    until, row = time.monotonic() + PATIENCE_S, 0
    while row < 12:
        row = row + 1 if is_so() else 0
        assert time.monotonic() < until, "it did not become so"


def file_of(country: Country, name: str) -> Path:
    """Where an agreement lies."""
    return country.folder / "agreements" / f"{name}.yaml"


def successor(country: Country, version: str, name: str = "uct", **changes: Any) -> Path:
    """Write the next version of an agreement, moved in whole."""
    yaml = YAML(typ="safe", pure=True)
    stated = yaml.load(file_of(country, name)) | {"version": version} | changes
    path = file_of(country, f"{name}-{version}")
    with path.with_suffix(".partial").open("w", encoding="utf-8") as stream:
        yaml.dump(stated, stream)
    path.with_suffix(".partial").rename(path)
    return path


def approve(country: Country, path: Path, *who: str) -> None:
    """Have operators sign a file."""
    for name in who:
        operator = country.content["operators"][name]
        words = ["agreement", "approve", str(path), "--as", operator["name"], "--key", operator["signing_key"]]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output


def said(country: Country, programme: str = "uct") -> str:
    """What a programme is told: `succ`, or why not."""
    item = country.ask("complete_household", programme)
    return str(item.get("status_reason_message") or item["status"])


def told_names(item: dict[str, Any]) -> set[str]:
    """Names of everything that an answer tells or withholds."""
    return {name for (_, name), _state in states(item).items()}


def not_in_force(country: Country) -> list[tuple[str, str]]:
    """What `/ready` says is not in force: file and reason."""
    ready = country.http.get(f"{country.content['gateway']}/ready").json()
    return [(one["file"], one["reason"]) for one in ready["agreements"]["not_in_force"]]


def test_the_life_of_an_agreement(strict: Country):
    """From waiting for signatures to narrowed, in the order in which it happens."""
    # Nobody has signed: the gateway runs, says so, and answers nobody.
    assert said(strict).startswith("no_agreement")
    assert not_in_force(strict) == [
        (f"{name}.yaml", "unapproved") for name in ("cct-education", "disability-allowance", "rural-support", "uct")
    ]

    # Signed by both, it is in force in both processes, without a restart.
    approve(strict, file_of(strict, "uct"), "author")
    approve(strict, file_of(strict, "cct-education"), "author", "approver")
    approve(strict, file_of(strict, "disability-allowance"), "author", "approver")
    approve(strict, file_of(strict, "rural-support"), "author", "approver")
    becomes(lambda: said(strict, "cct-education") == "succ")
    assert said(strict).startswith("no_agreement")
    approve(strict, file_of(strict, "uct"), "approver")
    becomes(lambda: said(strict) == "succ")

    # Widening waits, and a bad file changes nothing.
    wider = successor(strict, "1.1", retention_days=4000)
    broken = file_of(strict, "broken")
    broken.write_text("id: [", encoding="utf-8")
    becomes(lambda: not_in_force(strict) == [("broken.yaml", "unreadable"), (wider.name, "unapproved")])
    assert said(strict) == "succ"
    broken.unlink()

    # Narrowing acts at once, in both processes.
    successor(strict, "1.2", attributes={"given_name": "value", "uin": {"form": "pseudonym"}}, search=None)
    becomes(lambda: told_names(strict.ask("complete_household")) == {"given_name", "uin"})


def test_an_answer_being_worked_on_does_not_leave_under_old_terms(strict: Country):
    """A registry is slow, and the agreement is narrowed meanwhile."""
    approve(strict, file_of(strict, "cct-education"), "author", "approver")
    becomes(lambda: said(strict, "cct-education") == "succ")
    strict.reset_calls()
    strict.fault("education", mode="slow", delay_ms=3000, times=1)
    answers: list[dict[str, Any]] = []
    # A household that neither process has been asked about.
    asking = threading.Thread(target=lambda: answers.append(strict.ask("refused_health", "cct-education")))
    asking.start()
    until = time.monotonic() + PATIENCE_S
    while not strict.calls("education")["total"]:
        assert time.monotonic() < until
    successor(strict, "1.1", "cct-education", attributes={"given_name": "value"})
    asking.join(PATIENCE_S)
    strict.mend("education")

    (item,) = answers
    assert told_names(item) == {"given_name"}
    events = [entry["event"] for _, entry in read(sqlite_url(strict.folder / "journal.db"), newest=10)]
    assert "search.superseded" in events


def test_a_quota_is_one_for_both_processes(strict: Country):
    """Whichever answers, the questions of the day are counted together."""
    approve(strict, file_of(strict, "uct"), "author", "approver")
    stated = YAML(typ="safe", pure=True).load(file_of(strict, "uct"))["purposes"]
    stated["eligibility"]["quota"] = {"per_day": 5}
    successor(strict, "2.0", purposes=stated, attributes={"given_name": "value"}, search=None)
    becomes_limited = [said(strict) for _ in range(30)]

    refused = [text for text in becomes_limited if text.startswith("quota_used_up")]
    assert refused, becomes_limited
    assert all("ask again from" in text for text in refused)
    # From the first refusal on, no process gives out another one.
    first = becomes_limited.index(refused[0])
    assert all(text.startswith("quota_used_up") for text in becomes_limited[first:])


def test_a_draft_is_rehearsed_by_an_operator_and_by_nobody_else(strict: Country):
    """Field by field with a reason for each hole, whatever is in force; journalled, and nothing left."""
    subject = strict.example("refused_health")
    words = ["agreement", "rehearse", str(PRACTICE / "uct.yaml"), "--dir", str(strict.folder), "--household-of"]
    result = CliRunner().invoke(app, [*words, subject.value, "--attribute", "given_name", "--attribute", "insured"])

    assert result.exit_code == 0, result.output
    assert "insured                  withheld: consent_refused: the person has refused" in result.output
    assert 'given_name               "' in result.output
    found = [entry for _, entry in read(sqlite_url(strict.folder / "journal.db"), newest=5)]
    (entry,) = [entry for entry in found if entry["event"] == "search.rehearsed"]
    assert (entry["consumer"], entry["agreement"], entry["released"]) == ("operator:author", "uct-eligibility@1.0", [])
    assert subject.value not in str(entry)

    denied = CliRunner().invoke(app, [*words, subject.value, "--purpose", "marketing"])
    assert denied.exit_code == 1
    assert "denied: purpose_not_agreed" in denied.output
    operators = strict.content["operators"]
    forged = {"operators": {"author": operators["author"] | {"signing_key": operators["approver"]["signing_key"]}}}
    for content in (forged, {"operators": {"author": operators["author"] | {"name": "stranger"}}}):
        with pytest.raises(RefusedError, match="401"):
            rehearse_sandbox(
                {**strict.content, **content}, "author", "id: x", {"subject": {"type": "UIN", "value": "1"}}
            )
    with pytest.raises(RefusedError, match="400"):
        rehearse_sandbox(strict.content, "author", "id: x", {"subject": {"type": "UIN", "value": "1"}})
