"""Wiring: the rooms of every lineup are made of the same parts, whichever is built first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.catalogue import Registries
from gateway.cache import MemoryCache
from gateway.registrations.states import State
from gateway.stages.under_way import Terms
from gateway.wiring import Parts, Wiring
from policies.counters import QuestionCounter
from policies.folder import AgreementFolder
from policies.ledger import SqliteLedger
from tests.builders import ASHA, CATALOGUE, KEY, KEYS, MANIFESTS, NEVER, NOW, RULES, family, uin
from tests.fakes import StillClock, connected, in_memory


def wiring(cache: MemoryCache, counters: QuestionCounter, agreements: Path) -> Wiring:
    """Everything that rooms share; what no call needs is not there."""
    stated: Any = SimpleNamespace(
        probes=SimpleNamespace(answers=1, thresholds=1, search_values=1, window_days=1),
        cache=SimpleNamespace(max_age_s=300.0, max_stale_s=0.0, late_grace_s=0.0, max_late_calls=0),
    )
    rest: Any = SimpleNamespace(handles=None, beside=lambda: None)
    return Wiring(
        Parts(
            settings=stated,
            base_url="http://gateway.test",
            keys=KEYS,
            catalogue=CATALOGUE,
            cache=cache,
            book=AgreementFolder.load(agreements, CATALOGUE, None),
            ledger=SqliteLedger.open(None, KEY),
            counter=counters,
            handles=rest,
            consents=rest,
            rules=RULES,
            linker=rest,
            probe_noticed=lambda _consumer, _attribute: None,
            now=StillClock(NOW),
        )
    )


@pytest.mark.parametrize("first", [State.SHADOW, State.LIVE])
async def test_nobody_is_forgotten_on_a_shadow_s_word(first: State, tmp_path: Path) -> None:
    """Also where the shadow was there before anything answered, as at a start."""
    cache, counters = MemoryCache(KEY, 10_000_000), QuestionCounter(f"sqlite:///{tmp_path}/c.db")
    made = wiring(cache, counters, tmp_path)
    lineups: dict[State, Registries] = {
        state: connected(in_memory(MANIFESTS.values(), family())) for state in (State.SHADOW, State.LIVE)
    }
    order = sorted(lineups, key=lambda state: state is not first)
    rooms = {state: made.rooms(lineups[state], state) for state in order}
    counters.close()
    live, shadow = rooms[State.LIVE].fetcher.calls, rooms[State.SHADOW].fetcher.calls
    await live.carry_out(live.errand(("crvs", "person"), (uin(ASHA),), frozenset(), Terms(300), NEVER))
    assert len(cache) == 1

    assert await shadow.forget([uin(ASHA)]) == 0
    assert await live.forget([uin(ASHA)]) == 1
