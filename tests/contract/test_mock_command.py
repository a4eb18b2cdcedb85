"""`python -m mocks`: the file it writes, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp
import pytest

from tests.contract import asking
from tests.contract.poveria import LYING, NAMES, SPOKEN

pytestmark = pytest.mark.contract
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(tmp_path):
    """Return a function that starts `python -m mocks` and waits for its file; all are ended afterwards."""
    return lambda *arguments: _start(tmp_path, *arguments)


async def _start(folder: Path, *arguments: str):
    command = [sys.executable, "-m", "mocks", "--dir", str(folder), "--households", "40", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    while not (folder / "country.json").exists():
        assert process.returncode is None
        await asyncio.sleep(0.05)
    return process, json.loads((folder / "country.json").read_bytes())


async def test_the_command_publishes_the_country_and_stops_when_told(started, tmp_path):
    """`country.json` names the registries that answer; SIGTERM ends it also while slow answers hang."""
    process, card = await started()
    try:
        assert list(card["registries"]) == [*NAMES, *LYING]
        lying = {name: Path(unquote(urlsplit(card["registries"][name]["url"]).path)) for name in LYING[:2]}
        assert all(path.exists() for path in lying.values())
        for name, one in card["registries"].items():
            assert (one["speaks"], one["reg_type"]) == SPOKEN[name]
            assert one["env"][f"HEARTH_{name.upper()}_URL"] == one.get("security_server", one["url"])
        assert "complete_household" in card["examples"]
        assert card["consents"] == str(tmp_path / "consents.jsonl")
        ledger = (tmp_path / "consents.jsonl").read_text(encoding="utf-8").splitlines()
        assert {"subject", "purpose", "decision"} <= json.loads(ledger[0]).keys()

        land = card["registries"]["land"]["url"]
        async with aiohttp.ClientSession() as client:
            async with client.put(f"{land}/_sandbox/faults", json={"mode": "slow", "delay_ms": 600_000}) as stored:
                assert stored.status == 200
            hanging = [asyncio.ensure_future(client.get(f"{land}{asking.ask_land(['1']).path}")) for _ in range(3)]
            while True:
                async with client.get(f"{land}/_sandbox/calls") as shown:
                    if (await shown.json())["total"] == 3:
                        break
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(outcome, aiohttp.ClientError) for outcome in outcomes)
        assert not (tmp_path / "country.json").exists()
        assert not any(path.exists() for path in lying.values())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_command_ends_with_whoever_started_it(started):
    """With the flag, the end of standard input is the end."""
    process, _ = await started("--until-stdin-closes")
    try:
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
