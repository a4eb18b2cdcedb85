"""One sandbox for all end-to-end tests: a small country, a short deadline, a clean slate for every test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.client import Credentials, HearthClient
from gateway.sandbox import Sandbox
from standards.identifiers import Identifier, identifier
from tests.contract.dci_spec import IS_HERE
from tests.e2e.checked import CheckedClient
from tests.witness.judging import faults

HOUSEHOLDS = 250
DEADLINE_S = 2.0


class Country:
    """A running sandbox as its users see it: the sandbox file and HTTP."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        self.folder, self.content = folder, content
        self.http = httpx.Client(trust_env=False, timeout=30)
        self._tokens: dict[str, str] = {}
        self._clients = {
            name: CheckedClient(content["gateway"], Credentials.from_sandbox(consumer))
            for name, consumer in content["consumers"].items()
        }

    def client(self, programme: str = "uct") -> HearthClient:
        return self._clients[programme]

    def token(self, programme: str = "uct") -> str:
        """An access token of a programme, for requests that its client does not make."""
        if programme not in self._tokens:
            consumer, url = self.content["consumers"][programme], f"{self.content['gateway']}/oauth2/client/token"
            form = Credentials.from_sandbox(consumer).token_form(url)
            self._tokens[programme] = self.http.post(url, data=form).raise_for_status().json()["access_token"]
        return self._tokens[programme]

    def example(self, name: str, type_: str = "UIN") -> Identifier:
        return identifier(type_, self.content["examples"][name]["identifiers"][type_])

    def ask(self, subject: Identifier | str, programme: str = "uct", **more: Any) -> dict[str, Any]:
        """Ask about one household; return the one item of the answer."""
        if isinstance(subject, str):
            subject = self.example(subject)
        purpose = self.content["consumers"][programme]["purposes"][0]
        answer = self.client(programme).ask([subject], purpose=purpose, **more)
        (item,) = answer["message"]["search_response"]
        return dict(item)

    def forget(self) -> None:
        self.http.delete(f"{self.content['gateway']}/_sandbox/cache").raise_for_status()

    def fault(self, registry: str, **fault: Any) -> None:
        self.http.put(f"{self.controls(registry)}/_sandbox/faults", json=fault).raise_for_status()

    def mend(self, registry: str) -> None:
        self.http.delete(f"{self.controls(registry)}/_sandbox/faults").raise_for_status()

    def calls(self, registry: str) -> dict[str, Any]:
        return dict(self.http.get(f"{self.controls(registry)}/_sandbox/calls").raise_for_status().json())

    def reset_calls(self) -> None:
        for registry in self.content["registries"]:
            self.http.delete(f"{self.controls(registry)}/_sandbox/calls").raise_for_status()

    def url(self, registry: str) -> str:
        return str(self.content["registries"][registry]["url"])

    def controls(self, registry: str) -> str:
        """Where a registry is told to misbehave: its address, or its office's where it is not asked over HTTP."""
        return str(self.content["registries"][registry].get("controls", self.url(registry)))

    def log(self) -> list[dict[str, Any]]:
        lines = (self.folder / "gateway.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        self.http.close()
        for client in self._clients.values():
            client.close()


WITNESS = Path(__file__).parents[1] / "witness"


@pytest.fixture(scope="session", autouse=True)
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every message that a process emits while these tests run is valid by the release of its type."""
    folder = tmp_path_factory.mktemp("witness")
    before = {name: os.environ.get(name) for name in ("HEARTH_WITNESS", "PYTHONPATH")}
    path = os.pathsep.join(filter(None, (str(WITNESS), before["PYTHONPATH"])))
    os.environ.update({"HEARTH_WITNESS": str(folder), "PYTHONPATH": path})
    yield
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value
    assert not IS_HERE or list(islice(faults(folder), 20)) == []


@pytest.fixture(scope="session")
def running(witnessed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """A sandbox for the whole session."""
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox = Sandbox(folder, port=0, households=HOUSEHOLDS, overrides={"messages.deadline_s": str(DEADLINE_S)})
    with sandbox.running() as content:
        country = Country(folder, content)
        try:
            yield country
        finally:
            country.close()


@pytest.fixture
def country(running: Country) -> Iterator[Country]:
    """The sandbox with nothing remembered, no faults and counters at zero."""
    for registry in running.content["registries"]:
        running.mend(registry)
    running.forget()
    running.reset_calls()
    yield running
    for registry in running.content["registries"]:
        running.mend(registry)


def question_about(who: Identifier) -> dict[str, Any]:
    """An item of the cash transfer, to be sent again and again as it is."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    criteria = {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "query_type": "idtype-value",
        "query": {"type": who.type, "value": who.value},
        "consent": {"@type": "Consent", "ts": now, "purpose": {"code": "eligibility"}},
    }
    return {"reference_id": "r-1", "timestamp": now, "search_criteria": criteria}


def states(item: dict[str, Any], record: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every state of one answered household: (whose, attribute) -> state."""
    evidence = item["data"]["hearth:evidence"][record]
    found = {("household", name): state for name, state in evidence.get("attributes", {}).items()}
    for member in evidence["members"]:
        found.update({(str(member["member"]), name): state for name, state in member["attributes"].items()})
    return found


def settled_facts(item: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Return what a household's answer says, without when it was asked: (whose, attribute) -> (state, value)."""
    from gateway.show import Values

    record, values = item["data"]["reg_records"][0], Values()
    known = {"household": values.of(record)}
    known |= {str(number): values.of(member) for number, member in enumerate(record.get("member_list", [record]))}
    return {
        (who, name): (state["state"], known[who].get(name), state.get("source"))
        for (who, name), state in states(item).items()
    }
