"""Switches: one file, taken in by everybody who follows it, and never lost when it is broken."""

import asyncio

import pytest

from gateway.suspensions import FILE, Kind, Suspension, Suspensions, follow_switches
from standards.errors import AccessDeniedError, ConfigurationError

OFF = Suspension(at="2026-11-01T00:00:00+00:00", by="anna", reason="contract ended")


def test_a_switch_is_seen_by_everybody_who_looks(tmp_path):
    """Another process takes it in, once."""
    mine, other = Suspensions(tmp_path), Suspensions(tmp_path)

    assert mine.switch(Kind.CONSUMER, "uct", OFF)
    assert (other.refresh(), other.refresh()) == (True, False)
    assert other.consumers() == {"uct": OFF}
    assert other.registries() == {}
    with pytest.raises(AccessDeniedError, match="suspended"):
        other.check("uct")
    other.check("cct")


def test_switching_twice_changes_nothing(tmp_path):
    """Who switched it off first, and why, stays on record."""
    switches = Suspensions(tmp_path)
    switches.switch(Kind.REGISTRY, "tax", OFF)

    assert not switches.switch(Kind.REGISTRY, "tax", OFF.model_copy(update={"by": "bela"}))
    assert switches.registries()["tax"].by == "anna"
    assert switches.switch(Kind.REGISTRY, "tax", None)
    assert not switches.switch(Kind.REGISTRY, "tax", None)
    assert Suspensions(tmp_path).registries() == {}


def test_a_broken_file_switches_nothing_on(tmp_path):
    """What was off stays off; at the start it is a fault of the configuration."""
    switches = Suspensions(tmp_path)
    switches.switch(Kind.CONSUMER, "uct", OFF)
    (tmp_path / FILE).write_text('{"consumer": 1}')

    with pytest.raises(ConfigurationError, match="suspended"):
        switches.refresh()
    assert "uct" in switches.consumers()
    with pytest.raises(ConfigurationError, match="suspended"):
        Suspensions(tmp_path)


async def test_following_survives_a_broken_file(tmp_path, monkeypatch):
    """The next good switch is taken in."""
    monkeypatch.setattr("gateway.suspensions.LOOK_S", 0)
    switches, taken = Suspensions(tmp_path), asyncio.Event()

    async def changed():
        taken.set()

    following = asyncio.create_task(follow_switches(switches, changed))
    (tmp_path / FILE).write_text("nonsense")
    for _ in range(100):
        await asyncio.sleep(0)
    assert not taken.is_set()
    (tmp_path / FILE).unlink()
    Suspensions(tmp_path).switch(Kind.REGISTRY, "tax", OFF)
    await asyncio.wait_for(taken.wait(), 30)
    following.cancel()

    assert "tax" in switches.registries()
