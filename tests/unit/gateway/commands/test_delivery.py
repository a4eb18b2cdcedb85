"""`hearth delivery`: what operators see of what waits, and what they may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.delivery.database import Database
from gateway.delivery.outbox import Outbox
from gateway.journal import read, sqlite_url
from gateway.keys import open_keys
from gateway.work.seal import Seal

CANARY = "Asha Moyo 1000000001"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Stores with a dead letter to each of two consumers, and one that waits."""
    keys = open_keys(tmp_path / "keys")
    database = Database(sqlite_url(tmp_path / "exchange.db"))
    outbox = Outbox(database, Seal(keys.derived("deliveries")), lambda: datetime.now(UTC), "me", 1.0)
    for name, consumer in (("d-1", "uct"), ("d-2", "other"), ("d-3", "uct")):
        content = {"name": CANARY}
        await outbox.put(outbox.written(name, consumer, "search", f"c-{name}", 60, f"https://x.org/{CANARY}", content))
    for name in ("d-1", "d-2"):
        await outbox.dead(name, "status_503")
    database.close()
    return tmp_path


@pytest.fixture
def command(folder: Path) -> Iterator[object]:
    """The command, with its folder; whatever it prints is held against the canary."""

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, ["delivery", *words, "--dir", str(folder)])
        assert "Asha" not in result.output
        return result

    return run  # type: ignore[return-value]


def test_dead_letters_are_listed(command):
    """Who, what, why; others only when asked for."""
    assert [row["id"] for row in json.loads(command("list", "--json").output)] == ["d-1", "d-2"]
    assert "status_503" in command("list").output
    assert [row["id"] for row in json.loads(command("list", "--json", "--consumer", "uct").output)] == ["d-1"]
    assert [row["id"] for row in json.loads(command("list", "--json", "--state", "waiting").output)] == ["d-3"]
    assert len(json.loads(command("list", "--json", "--state", "all").output)) == 3
    assert command("list", "--state", "nonsense").exit_code == 2


def test_one_is_shown(command):
    """By its id; an unknown one is an error."""
    assert "uct" in command("show", "d-1").output
    assert command("show", "nobody").exit_code == 1


def test_dead_letters_are_tried_again(command, folder: Path):
    """Those named, or all of a consumer; each journalled, what is not dead is left as it is."""
    assert command("redeliver").exit_code == 2
    assert command("redeliver", "d-1", "--consumer", "uct").exit_code == 2
    assert "1 of 1" in command("redeliver", "d-1").output
    assert "1 of 1" in command("redeliver", "--consumer", "other").output
    assert command("redeliver", "d-1", "d-3").exit_code == 1
    assert json.loads(command("list", "--json").output) == []
    assert len(json.loads(command("list", "--json", "--state", "waiting").output)) == 3
    noted = [entry for _, entry in read(sqlite_url(folder / "journal.db"))]
    assert [entry["event"] for entry in noted] == ["delivery.redelivered"] * 2


def test_where_there_is_no_gateway(tmp_path: Path):
    """Nothing is made by looking."""
    result = CliRunner().invoke(app, ["delivery", "list", "--dir", str(tmp_path / "nothing")])
    assert result.exit_code == 1
    assert "no gateway keeps its stores" in result.output
    assert not (tmp_path / "nothing").exists()
