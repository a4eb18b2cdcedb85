"""`python -m mocks.programme`, and a country whose clock runs: how they start, what they write, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date

import httpx
import pytest

from mocks.population import REFERENCE_DATE
from tests.e2e.programme import ROOT, toy_programme

pytestmark = pytest.mark.contract
NOTIFY = {
    "header": {
        "message_id": "m-1",
        "message_ts": "2026-03-04T09:15:00+00:00",
        "action": "notify",
        "status": "succ",
        "sender_id": "hearth",
    },
    "message": {"transaction_id": "t-1", "notify_event": [{}]},
}


def test_the_programme_runs_on_its_own(tmp_path, monkeypatch):
    """It names its address in a file, receives, fails as told, and takes the file away when it ends."""
    monkeypatch.delenv("HEARTH_WITNESS", raising=False)  # what it is sent here is no message of a gateway
    card = tmp_path / "programme.json"
    with toy_programme(tmp_path, "--signatures", "optional") as programme:
        assert json.loads(card.read_bytes())["url"] == programme.url
        programme.fault("fail", times=1, kinds=["notify"])
        statuses = [
            httpx.post(programme.callback("notify"), json=NOTIFY, headers={"Idempotency-Key": "k-1"}).status_code
            for _ in range(3)
        ]
        (kept,) = programme.received(at_least=1, kind="notify", idempotency_key="k-1")
        outcomes = [one["outcome"] for one in programme.attempts(at_least=3)]
        programme.trust(signatures="required")
        unsigned = httpx.post(programme.callback("notify"), json=NOTIFY).status_code
        programme.forget()
        left = programme.received(wait_s=0)

    assert statuses == [503, 200, 200]
    assert outcomes == ["fail", "received", "repeated"]
    assert (kept["times"], unsigned, left) == (2, 401, [])
    assert not card.exists()


def test_the_programme_ends_with_whoever_started_it(tmp_path):
    """Standard input closes, and it is gone; a port that is taken is said in words."""
    command = [sys.executable, "-m", "mocks.programme", "--dir", str(tmp_path), "--until-stdin-closes"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().split()[-1].decode()
        taken = subprocess.run(
            [*command[:3], "--dir", str(tmp_path / "other"), "--port", url.rpartition(":")[2]],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=60,
        )
        process.stdin.close()
        assert process.wait(30) == 0

    assert taken.returncode == 1
    assert taken.stderr.startswith(b"the programme cannot open")


def test_days_pass_by_themselves_when_told_at_the_start(tmp_path):
    """`--day-every` starts the clock with the country; it ends while the clock runs."""
    command = [sys.executable, "-m", "mocks", "--dir", str(tmp_path), "--households", "40", "--day-every", "0.05"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        end = time.monotonic() + 60
        while not (tmp_path / "country.json").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        url = json.loads((tmp_path / "country.json").read_bytes())["registries"]["land"]["url"]
        today = REFERENCE_DATE
        while (today - REFERENCE_DATE).days < 2:
            assert time.monotonic() < end
            today = date.fromisoformat(httpx.get(f"{url}/_sandbox/clock").json()["today"])
        process.terminate()
        assert process.wait(30) == 0
