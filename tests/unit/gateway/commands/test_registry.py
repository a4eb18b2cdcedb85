"""`hearth registry`: what an engineer sees when she drafts, checks, probes and lists."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from adapters.catalogue import FOLDER, load_manifest
from adapters.kit import probing
from adapters.kit.changes import schema_digest
from adapters.kit.findings import Finding
from adapters.kit.report import Latency, ProbeReport
from gateway.cli import app

DECLARED = {
    "freshness": {"max_lag_h": 24},
    "hours": {"timezone": "UTC", "windows": [{"days": ["mon"], "opens": "00:00", "closes": "24:00"}]},
    "capacity": {"calls_per_s": 50},
}


def run(*words: str, said: str = "", **environment: str):
    """Run a command."""
    return CliRunner().invoke(app, ["registry", *words], input=said, env=environment)


@pytest.fixture
def folder(tmp_path):
    """Return civil registration's folder, with everything declared that gold asks for."""
    copy = shutil.copytree(FOLDER / "crvs", tmp_path / "crvs")
    yaml = YAML()
    content = yaml.load(copy / "manifest.yaml")
    yaml.dump({**content, **DECLARED}, copy / "manifest.yaml")
    return copy


@pytest.fixture
def found(folder, monkeypatch):
    """Let every probe of it find these things; return the list."""
    findings = [Finding("unknown number", True, "nobody")]

    async def made(manifest, _environment, _terms):
        return ProbeReport(
            registry=manifest.id,
            title=manifest.title,
            version=manifest.version,
            schema_digest=schema_digest(manifest),
            at=datetime.now(UTC).replace(microsecond=0),
            requests=30,
            calls=29,
            latency=Latency(p50_ms=1, p90_ms=2, p99_ms=3),
            findings=tuple(findings),
        )

    monkeypatch.setattr(probing, "probe", made)
    return findings


def test_questions_are_asked_again_until_the_answer_will_do(tmp_path):
    """With the reason; then there is a draft, and every mark in it is listed by its line."""
    answers = [
        "morse",
        "rest",
        "SHOE",
        "UIN, TIN",
        "surnam",
        "surname birth_date",
        'Office of "Pensions"',
        "",
        "Act",
        "",
    ]
    asked = run("new", str(tmp_path / "pensions"), said="\n".join(answers) + "\n")
    path = tmp_path / "pensions" / "manifest.yaml"
    manifest = load_manifest(path)

    assert asked.exit_code == 0, asked.output
    assert "no questions for morse" in asked.output
    assert "did you mean surname?" in asked.output
    assert (manifest.title, manifest.legal.basis) == ('Office of "Pensions"', "Act")
    assert manifest.lookups[0].by == ("UIN", "TIN")
    lines = path.read_text(encoding="utf-8").splitlines()
    marked = re.findall(r"manifest\.yaml:(\d+): decide: (.*)", asked.output)
    assert marked
    assert all(lines[int(at) - 1].strip() == f"# decide: {question}" for at, question in marked)


def test_nothing_is_asked_for_a_folder_that_cannot_be_made(tmp_path):
    """It is there already, or its name is no id."""
    for name, said in (("", "is there already|an id has"), ("No Id", "an id has")):
        refused = run("new", str(tmp_path / name), said="rest\n")
        assert refused.exit_code != 0
        assert re.search(said, refused.output)
        assert "What does it speak" not in refused.output


def test_a_document_that_will_not_do_is_one_line_and_no_folder(tmp_path):
    """Without a traceback."""
    source = tmp_path / "api.json"
    source.write_text('{"swagger": "2.0"}', encoding="utf-8")
    refused = run("new", str(tmp_path / "land"), "--from", str(source))

    assert refused.exit_code != 0
    assert refused.output.count("\n") == 1
    assert "convert it to OpenAPI 3 first" in refused.output
    assert not (tmp_path / "land").exists()


def test_a_number_with_a_name_of_its_own_is_said(tmp_path):
    """Otherwise nothing is known to take one, and the refusal says how to say it."""
    answer = {"200": {"content": {"application/json": {"schema": {"properties": {"codigoUnico": {"type": "string"}}}}}}}
    operation = {"parameters": [{"name": "codigoUnico", "in": "path"}], "responses": answer}
    source = tmp_path / "api.json"
    source.write_text(
        json.dumps({"openapi": "3.0.3", "paths": {"/titles/{codigoUnico}": {"get": operation}}}), encoding="utf-8"
    )
    asked = ("new", str(tmp_path / "land"), "--from", str(source))

    assert "--number personalCode=UIN" in run(*asked).output
    assert "has a type of its own, in capitals" in run(*asked, "--number", "codigoUnico=shoe").output
    assert "--number says NAME=TYPE" in run(*asked, "--number", "UIN").output
    drafted = run(*asked, "--number", "codigoUnico=UIN")
    assert drafted.exit_code == 0, drafted.output
    layout = load_manifest(tmp_path / "land" / "manifest.yaml").records["titles"]
    assert layout.identifiers["UIN"].path == "codigoUnico"


def test_the_check_says_the_tier_and_what_the_next_one_asks_for(folder):
    """On the terminal and as JSON; a probe that was kept counts."""
    said = "silver; gold asks for: a probe of this schema passed in the last 180 days"
    assert f"tier: {said}" in run("check", str(folder)).stdout
    listed = json.loads(run("check", str(folder), "--json").stdout)[str(folder)]
    assert {"what": "tier", "result": "good", "text": said, "remedy": ""} in listed


def test_a_probe_says_the_tier_that_it_leads_to_and_only_a_kept_one_counts(folder, found):
    """In every form."""
    shown = run("probe", str(folder))
    assert shown.exit_code == 0, shown.output
    assert "tier: gold; platinum asks for: " in shown.stdout
    assert "only once it is kept" in shown.stdout
    assert "30 requests, 29 responses; half within 1 ms" in shown.stdout
    assert "silver" in run("list", str(folder.parent)).stdout

    page = folder.parent / "page.html"
    kept = json.loads(run("probe", str(folder), "--save", "--html", str(page), "--json").stdout)
    assert (kept["tier"], kept["passed"]) == ("gold", True)
    assert "gold; platinum asks for" in page.read_text(encoding="utf-8")
    assert re.search(r"^crvs +dci +1\.2 +15/15 +gold", run("list", str(folder.parent)).stdout)
    assert "tier           gold" in run("show", str(folder)).stdout


def test_a_probe_that_finds_something_wrong_fails(folder, found):
    """By its exit code, and lifts nothing, kept or not."""
    found.append(Finding("batch", False, "cut", "Mend it."))
    probed = run("probe", str(folder), "--save")

    assert probed.exit_code == 1
    assert "Mend it." in probed.stdout
    assert "tier: silver; gold asks for: a probe" in probed.stdout


def test_a_page_that_cannot_be_written_is_said_in_a_line(folder, found):
    """After the probe, without a traceback."""
    refused = run("probe", str(folder), "--html", str(Path(folder) / "nowhere" / "page.html"))

    assert refused.exit_code != 0
    assert "page.html: cannot be written (FileNotFoundError)" in refused.output
    assert "Traceback" not in refused.output
