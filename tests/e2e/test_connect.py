"""A ministry's engineer follows the guide literally: for each protocol, from its text to an answered question."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.client import Credentials, HearthClient
from gateway.sandbox import Sandbox
from gateway.tokens import hashed
from standards.identifiers import identifier
from tests.e2e.stand_ins import KNOWN, stand_ins

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "adapters" / "README.md").read_text(encoding="utf-8")
FILES = re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
SPOKEN = {
    name.partition("/")[0]: re.findall(r"^speaks: (\w+)", text, re.MULTILINE)[0]
    for name, text in FILES
    if name.endswith("/manifest.yaml")
}
"""Every registry of the guide -> what it speaks."""
EXPECTED: dict[str, dict[str, Any]] = {
    "pensions": {"pension_monthly": 120, "pension_start_date": "2019-02-01"},
    "dwellings": {"home_rooms": 3, "home_has_electricity": True},
    "payroll": {"employer_name": "Ministry of Works", "income_employment": 3600},
    "maternity": {"is_pregnant": True, "visits_12m": 1},
    "fields": {"land_area_ha": 1.25, "land_parcel_count": 1},
    "contributions": {"contribution_months_12m": 11},
    "vouchers": {"input_voucher": True, "farmer_cooperative": "Hill Growers"},
    "births": {"given_name": "Asha", "birth_date": "1990-02-01"},
}
"""What the stand-ins say of those whom they know, in the catalogue's words."""
SECRET = "a secret of the programme"


class Desk(NamedTuple):
    """Where the engineer works."""

    registries: Path
    environment: Mapping[str, str]
    client: HearthClient
    gateway: str

    def run(self, *words: str) -> Result:
        """Run `hearth registry`."""
        return CliRunner().invoke(app, ["registry", *words], env=dict(self.environment))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The files of the guide, what they connect, and a gateway that was told the folder."""
    folder = tmp_path_factory.mktemp("connect")
    registries = folder / "registries"
    for name, text in FILES:
        path = registries / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in SPOKEN:
        if name != "pensions":  # "for all the examples of this guide it is the same"
            shutil.copyfile(registries / "pensions" / "readiness.yaml", registries / name / "readiness.yaml")
    credentials = Credentials("office", SECRET, "office.example", None)
    with (
        stand_ins(folder) as environment,
        gateway(folder, registries, environment) as address,
        HearthClient(address, credentials) as client,
    ):
        yield Desk(registries, environment, client, address)


@contextmanager
def gateway(folder: Path, registries: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a gateway over a folder of registries, and nothing else; give its address."""
    agreements = folder / "agreements"
    agreements.mkdir()
    attributes = {name: "value" for said in EXPECTED.values() for name in said}
    agreement = {
        "id": "office-eligibility",
        "version": "1.0",
        "consumer": {"id": "office", "title": "Office", "client_id": "office", "sender_id": "office.example"},
        "title": "What the office may know",
        "start": "2026-01-01",
        "end": "2099-12-31",
        "purposes": {"eligibility": {"title": "Decide", "legal_basis": "public_task", "reference": "Act, section 1"}},
        "household": {"rule": "registered@1"},
        "attributes": attributes,
        "max_age_s": 604800,
        "retention_days": 1,
    }
    with (agreements / "office.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(agreement, stream)
    settings = {
        "sandbox": True,
        "server": {"port": 0},
        "agreements": {"folder": str(agreements), "require_approval": False},
        "registries": {"builtin": False, "folders": [str(registries)]},
        "stores": {"folder": str(folder / "stores")},
        "households": {"rules": [{"name": "registered", "version": "1", "registered": True}]},
        "consumers": [{"client_id": "office", "sender_id": "office.example", "secret_hash": hashed(SECRET)}],
    }
    config, address = folder / "config.yaml", folder / "address"
    with config.open("w", encoding="utf-8") as stream:
        YAML().dump(settings, stream)
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--address-file", str(address)]
    with (folder / "gateway.out").open("wb") as output:
        child = subprocess.Popen(
            [*command, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
        )
    try:
        until = time.monotonic() + 60
        while not address.exists():
            assert child.poll() is None, (folder / "gateway.out").read_text(encoding="utf-8")[-2000:]
            assert time.monotonic() < until
            time.sleep(0.05)
        yield address.read_text(encoding="utf-8").strip()
    finally:
        child.communicate(timeout=30)


def test_the_guide_has_an_example_of_every_protocol():
    """And this test knows what each of them says."""
    from adapters.manifest import Protocol

    assert set(SPOKEN.values()) == {one.value for one in Protocol}
    assert SPOKEN.keys() == EXPECTED.keys()


@pytest.mark.parametrize("registry", EXPECTED)
def test_the_example_passes_its_check(desk: Desk, registry: str):
    """Manifest, readiness, examples, and a call about nobody: nothing is wrong, and nothing was left out."""
    checked = desk.run("check", str(desk.registries / registry))

    assert checked.exit_code == 0, checked.stdout
    assert "--" not in re.findall(r"^(\S+)", checked.stdout, re.MULTILINE), checked.stdout


@pytest.mark.parametrize("registry", EXPECTED)
def test_the_example_passes_its_probe(desk: Desk, registry: str, tmp_path: Path):
    """Politely asked; the report holds nobody's number or name, and can be filed."""
    numbers, page = tmp_path / "numbers", tmp_path / "report.html"
    numbers.write_text("".join(f"UIN {number}\n" for number in KNOWN), encoding="utf-8")

    probed = desk.run(
        "probe", str(desk.registries / registry), "--numbers", str(numbers), "--per-s", "200", "--calls", "5",
        "--html", str(page), "--json",
    )  # fmt: skip

    assert probed.exit_code == 0, probed.stdout
    report = json.loads(probed.stdout)
    told = {one["what"]: one["result"] for one in report["findings"]}
    assert told["unknown number"] == told["malformed numbers"] == told["batch"] == told["pages"] == "good"
    assert told["at once"] == told["other people"] == "good"
    assert report["passed"] is True
    assert report["latency"]["p50_ms"] > 0
    everything = probed.stdout + page.read_text(encoding="utf-8")
    assert not any(secret in everything for secret in (*KNOWN, "Asha", "Hill Growers", "Ministry of Works"))
    assert "<script" not in everything


@pytest.mark.parametrize("registry", EXPECTED)
def test_a_question_is_answered_by_what_the_guide_connected(desk: Desk, registry: str):
    """Through the gateway, in the catalogue's words, with its source; and nobody is nobody."""
    answer = desk.client.lookup(
        identifier("UIN", KNOWN[0]), purpose="eligibility", attributes=list(EXPECTED[registry]), person_only=True
    )

    states = answer["person"]["attributes"]
    assert {name: states[name].get("value") for name in EXPECTED[registry]} == EXPECTED[registry]
    assert {states[name]["source"] for name in EXPECTED[registry]} == {registry}


def test_the_gateway_says_what_is_connected(desk: Desk):
    """To every client: with tier, readiness and state; to nobody without a token."""
    listed = {one["id"]: one for one in desk.client.registries()}

    assert listed.keys() == EXPECTED.keys()
    assert {one["tier"] for one in listed.values()} == {"silver"}
    assert {one["state"] for one in listed.values()} == {"live"}
    assert listed["pensions"]["freshness_h"] == 24
    assert listed["pensions"]["readiness"]["minimal"] == "exempt"
    assert httpx.get(f"{desk.gateway}/v1/registries", trust_env=False).status_code == 401


def test_a_registry_that_breaks_its_promises_does_not_pass(desk: Desk, tmp_path: Path):
    """A wrong number in the manifest, a registry that is not there, credentials that are none: each is said."""
    folder = shutil.copytree(desk.registries / "pensions", tmp_path / "pensions")
    wrong = {**desk.environment, "HEARTH_PENSIONS_KEY": "none"}
    refused = Desk(desk.registries, wrong, desk.client, "").run("check", str(folder))
    assert refused.exit_code == 1
    assert "source_refused" in refused.stdout

    gone = {**desk.environment, "HEARTH_PENSIONS_URL": "http://127.0.0.1:9"}
    probed = Desk(desk.registries, gone, desk.client, "").run("probe", str(folder))
    assert probed.exit_code == 1
    assert "source_down" in probed.stdout


def test_a_version_is_approved_and_brought_live_by_the_guide(desk: Desk, tmp_path, monkeypatch):
    """The commands of the guide, one by one, in a sandbox that knows nothing of the registry but its variables."""
    (block,) = re.findall(r"^```console\n(hearth registry submit .*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    commands = [one for line in block.splitlines() for one in line.split(" && ")]
    shutil.copytree(desk.registries, tmp_path / "registries")
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    with Sandbox(tmp_path / ".hearth", port=0, households=30).running():
        for command in commands:
            ran = CliRunner().invoke(app, shlex.split(command)[1:])
            assert ran.exit_code == 0, (command, ran.stderr)
        ran = CliRunner().invoke(app, ["registry", "list", "--gateway", "--json"])

    assert len(commands) == 6
    (listed,) = (one for one in json.loads(ran.stdout) if one["id"] == "pensions")
    assert (listed["version"], listed["state"]) == ("1.0", "live")
