"""Rehearsals: what leaves of one, when a registry is switched off meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.api.native.rehearsals import _told
from gateway.journal import MemoryJournal
from gateway.ports import JournalEntry
from gateway.suspensions import Kind, Suspension, Suspensions
from standards.states import UnavailableReason
from tests.builders import World, question, sandbox_agreement

OFF = Suspension(at="2026-09-30T12:00:00+00:00", by="operator:ann", reason="a leak")


async def test_nothing_leaves_of_a_registry_that_was_switched_off_meanwhile(tmp_path: Path) -> None:
    """Whatever it said before: the question is rehearsed anew without it, and the journal has both."""
    world, suspensions = World(), Suspensions(tmp_path)

    class Journal(MemoryJournal):
        async def record(self, entries: Sequence[JournalEntry]) -> None:
            if suspensions.switch(Kind.REGISTRY, "education", OFF):
                world.registries["education"].failing = {"learner": UnavailableReason.SOURCE_SUSPENDED}
            await super().record(entries)

    journal = Journal()
    gateway: Any = SimpleNamespace(
        rooms=world.rooms, suspensions=suspensions, journal=journal, keys=world.rooms.keys, settings=None
    )
    told = await _told(gateway, sandbox_agreement("cct-education"), question(), "ann")

    states = [one["state"] for one in told["told"] if one["attribute"] == "school_enrolled"]
    assert states == [{"unavailable": "source_suspended"}] * 3 + [{"unavailable": "no_identifier"}]
    outcomes = [entry.outcomes["education"] for entry in journal.entries]
    assert outcomes == ["answered", "unavailable"]
