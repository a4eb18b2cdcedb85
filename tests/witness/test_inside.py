"""What runs inside the tests' own process is witnessed too."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from mocks.country import open_country
from mocks.population import build
from tests.contract.trusting import asking, message
from tests.witness.inside import watching

pytestmark = pytest.mark.contract


def seen(folder: Path) -> set[tuple[str, str]]:
    """Who said something, and where."""
    lines = [
        json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return {(line["who"], line["path"]) for line in lines}


async def test_gateways_are_seen(tmp_path: Path):
    """What they answer, and nothing else that is served."""
    with watching(tmp_path):
        async with asking(tmp_path) as gate:
            await gate.post(message())
            await gate.keys()

    assert seen(tmp_path) == {("gateway", "/registry/sync/search")}


async def test_registries_are_seen(tmp_path: Path):
    """Those that speak the standard; before any fault is put on what they say."""
    with watching(tmp_path):
        async with open_country(build(12, 1)) as served, aiohttp.ClientSession() as client:
            url = f"{served['crvs'].url}/registry/sync/search"
            async with client.post(url, json={}) as response:
                assert response.status >= 400

    assert seen(tmp_path) == {("mock", "/registry/sync/search")}
