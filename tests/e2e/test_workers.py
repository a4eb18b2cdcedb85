"""Several processes as one gateway: one port, one journal, one set of figures; no orphans, whatever ends them."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import examine, read, sqlite_url
from gateway.journal.checkpoints import public_keys
from gateway.sandbox import Sandbox
from tests.bench.processes import children_of
from tests.e2e.conftest import Country
from tests.e2e.fetching import comes

pytestmark = pytest.mark.e2e

WORKERS = 3


class Crew(Country):
    """A sandbox whose gateway is several processes."""

    parent: int

    def workers(self) -> tuple[int, ...]:
        return children_of(self.parent)

    def anew(self, path: str) -> httpx.Response:
        """Get something over a connection of its own, so that any worker may answer."""
        return httpx.get(f"{self.content['gateway']}{path}", trust_env=False, timeout=10)

    def journal(self) -> str:
        return sqlite_url(self.folder / "journal.db")


@pytest.fixture(scope="module")
def crew(tmp_path_factory) -> Iterator[Crew]:
    """A sandbox with several workers and a copy of its journal."""
    folder = tmp_path_factory.mktemp("crew")
    settings = {"server.workers": str(WORKERS), "journal.copy_file": str(folder / "copy" / "journal.jsonl")}
    sandbox = Sandbox(folder / "sandbox", port=0, households=60, overrides=settings)
    with sandbox.running() as content:
        found = Crew(folder / "sandbox", content)
        found.parent = sandbox._children[1].pid
        try:
            yield found
        finally:
            found.close()


def serving(config: Path, address: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start a gateway of several workers, and return once it answers."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--address-file", str(address)]
    child = subprocess.Popen([*command, "--workers", "2", *more], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert comes(address.exists, 30) or child.poll() is not None
    return child


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a gateway without registries."""
    file = tmp_path / "config.yaml"
    agreements = Path(__file__).parents[2] / "policies" / "sandbox"
    settings = {
        "sandbox": True,
        "server": {"port": 0},
        "agreements": str(agreements),
        "registries": {"builtin": False},
        "stores": {"folder": str(tmp_path / "stores")},
    }
    settings["households"] = {"rules": [{"name": "registered-or-kin", "version": "1", "registered": True}]}
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(settings, stream)
    return file


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_all_workers_answer_and_take_each_other_s_tokens(crew: Crew):
    """One token, asked with over many connections: every worker answers, into one chain."""
    asked = 24
    for _ in range(asked):
        assert asked_plainly(crew).json()["message"]["search_response"][0]["status"] == "succ"

    def figures() -> dict[str, float]:
        text = crew.anew("/metrics").text
        return {w: float(n) for w, n in re.findall(r'hearth_answer_seconds_count\{worker="(\d)"\} (\S+)', text)}

    assert comes(lambda: sum(figures().values()) >= asked), "whoever is asked tells of all"
    assert len([count for count in figures().values() if count]) > 1, "more than one has answered"
    keys = public_keys([crew.folder / "keys" / "signing.pem"])
    copy = crew.folder.parent / "copy" / "journal.jsonl"
    assert comes(lambda: (examine(crew.journal(), keys, copy=copy).copied or 0) >= asked)


def test_a_worker_that_dies_is_started_anew(crew: Crew):
    """Nobody is turned away meanwhile: who came to its door waits for the next one."""
    before = crew.workers()
    assert len(before) == WORKERS
    os.kill(before[0], signal.SIGKILL)
    assert all(crew.anew("/health").status_code == 200 for _ in range(4 * WORKERS))
    assert comes(lambda: len(crew.workers()) == WORKERS and before[0] not in crew.workers())

    assert all(crew.anew("/ready").status_code == 200 for _ in range(4 * WORKERS))
    ended = [line for line in crew.log() if line["event"] == "worker_ended"]
    assert [(line["pid"], line["reason"]) for line in ended] == [(before[0], "signal SIGKILL")]


def test_a_full_disk_stops_answers_and_heals_by_itself(crew: Crew):
    """503 with a code of the standard and in /ready, for as long as files may not grow; then answers again."""
    files = crew.folder.glob("journal.db*")
    most = max(path.stat().st_size for path in files)
    for pid in crew.workers():
        limited(pid, most)
    try:
        refused = None
        for _ in range(400):  # until what has been reserved is used up
            refused = asked_plainly(crew)
            if refused.status_code != 200:
                break
        assert refused is not None
        assert refused.status_code == 503
        assert refused.json()["errors"][0]["code"] == "err.service.unavailable"
        assert "could not be recorded" in refused.json()["errors"][0]["message"]
        assert comes(lambda: crew.anew("/ready").status_code == 503)
    finally:
        for pid in crew.workers():
            limited(pid, None)
    assert comes(lambda: all(crew.anew("/ready").status_code == 200 for _ in range(4 * WORKERS))), "with nobody asking"

    assert asked_plainly(crew).status_code == 200
    assert "journal.resumed" in [entry["event"] for _, entry in read(crew.journal())]
    copy = crew.folder.parent / "copy" / "journal.jsonl"
    assert comes(lambda: crew.anew("/ready").json()["journal_copy"] == "kept")
    assert examine(crew.journal(), None, copy=copy).copied, "not one line of the copy is broken"


def limited(pid: int, size: int | None) -> None:
    """Let files of a process grow no larger than so much, or without bound."""
    most = resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


def asked_plainly(crew: Crew) -> httpx.Response:
    """Ask, and return whatever comes back."""
    client = crew.client()
    subject = crew.example("complete_household")
    item = {
        "reference_id": "r-1",
        "timestamp": "2026-01-01T00:00:00Z",
        "search_criteria": {
            "reg_type": "ns:org:RegistryType:Social",
            "reg_record_type": "spdci-ns:DRI:RecordType:Group",
            "query_type": "idtype-value",
            "query": {"type": subject.type, "value": subject.value},
            "authorize": {"purpose": {"code": crew.content["consumers"]["uct"]["purposes"][0]}},
        },
    }
    return httpx.post(
        f"{crew.content['gateway']}/registry/sync/search",
        json=client.message([item]),
        headers={"Authorization": f"Bearer {crew.token()}"},
        trust_env=False,
        timeout=30,
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "stdin", signal.SIGKILL])
def test_all_end_with_their_parent(config, tmp_path, how):
    """Within five seconds, also when the parent had no time to say so; the address file came when all answered."""
    address = tmp_path / "address"
    child = serving(config, address, *(["--until-stdin-closes"] if how == "stdin" else []))
    try:
        workers = children_of(child.pid)
        assert len(workers) == 2
        base_url = address.read_text(encoding="utf-8")
        assert httpx.get(f"{base_url}/health", trust_env=False).status_code == 200
        start = time.monotonic()
        if how == "stdin":
            assert child.stdin is not None
            child.stdin.close()
        else:
            child.send_signal(how)
        child.wait(timeout=10)
        assert comes(lambda: all(map(gone, workers)), 5)
        assert time.monotonic() - start < 5
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stderr):
            if pipe is not None:
                pipe.close()
    if how != signal.SIGKILL:
        assert child.returncode == 0


def test_workers_that_cannot_start_say_why_in_one_line(config, tmp_path):
    """Once, not once for each; and an address that somebody else has is noticed, although workers share theirs."""
    first = serving(config, tmp_path / "address")
    try:
        port = (tmp_path / "address").read_text(encoding="utf-8").rpartition(":")[2]
        environment = {**os.environ, "HEARTH__SERVER__PORT": port}
        taken = again(config, environment)
        broken = again(config, {**os.environ, "HEARTH__STORES__JOURNAL_URL": "sqlite:////nowhere/at/all.db"})
    finally:
        first.terminate()
        first.communicate(timeout=10)

    assert (taken.returncode, broken.returncode) == (1, 1)
    assert "in use" in taken.stderr
    assert "the journal cannot be opened" in broken.stderr
    assert len(taken.stderr.splitlines()) == 1
    assert len([line for line in broken.stderr.splitlines() if not line.startswith("{")]) == 1


def again(config: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a gateway that cannot start."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--workers", "2"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_auditors_search_and_leave_a_trace(crew: Crew):
    """`hearth journal search` finds whom was asked about, in pages; `verify` proves it all with the public key alone."""
    asked_plainly(crew)
    number = crew.example("complete_household").value
    jwks = crew.folder.parent / "jwks.json"
    jwks.write_text(crew.anew("/.well-known/jwks.json").text, encoding="utf-8")

    def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway", "journal", *arguments, "--dir", str(crew.folder)]
        return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=60, check=False)

    found = run("search", "--consumer", "uct", "--subject", "-", "--most", "1", "--json", stdin=f"UIN={number}\n")
    shown = run("search", "--subject", f"UIN={number}")
    wrong = run("search", "--subject", number)
    verified = run("verify", "--key", str(jwks), "--copy", str(crew.folder.parent / "copy" / "journal.jsonl"))

    assert found.returncode == 0, found.stderr
    first = json.loads(found.stdout.splitlines()[0])
    assert first["consumer"] == "uct"
    assert first["event"] == "search.answered"
    assert "journal.searched" in shown.stdout
    assert wrong.returncode == 2
    assert number not in wrong.stderr + found.stdout + shown.stdout
    assert "TYPE=VALUE" in wrong.stderr
    assert verified.returncode == 0, verified.stderr
    assert "the chain is whole" in verified.stdout
    assert "as in the copy" in verified.stdout


def test_every_worker_follows_the_registrations_by_itself(crew):
    """Within a second of its owner's word no worker asks the registry any more, whichever of them took the order."""

    def everywhere(holds) -> None:
        end = time.monotonic() + 1.0
        while time.monotonic() < end and not all(holds(crew.anew("/ready").json()) for _ in range(4 * WORKERS)):
            pass
        assert all(holds(crew.anew("/ready").json()) for _ in range(10 * WORKERS))

    def hearth(*words: str) -> None:
        ran = CliRunner().invoke(app, ["registry", *words, "--dir", str(crew.folder)])
        assert ran.exit_code == 0, ran.stderr

    hearth("suspend", "land", "--reason", "a test")
    everywhere(lambda ready: ready["suspended"]["registries"] == ["land"])
    hearth("resume", "land")
    everywhere(lambda ready: ready["suspended"]["registries"] == [])
