"""Walking beside: after the answer, under the same permits, a few at a time; only counts come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from adapters.catalogue import Registries
from gateway.journal import MemoryJournal
from gateway.pipeline import answer
from gateway.registrations.lineups import Lineup
from gateway.registrations.shadowing import Shadows
from gateway.registrations.states import State
from gateway.registrations.store import ShadowCount
from gateway.stages.rooms import Beside
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.states import UnavailableReason
from tests.builders import ASHA, CATALOGUE, MANIFESTS, World, question, uin
from tests.fakes import InMemoryRegistry, connected
from tests.unit.gateway.stages.test_recall import EVERYBODY


async def decide(world: World, person: dict[str, str], decision: Decision) -> None:
    """Let somebody decide about the cash transfer."""
    assert isinstance(world.ledger, MemoryLedger)
    await world.ledger.record(Consent(uin(person), "eligibility", decision, uin(person), date(2026, 1, 5)))


async def comes(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


class Counts:
    """Takes the counts."""

    def __init__(self) -> None:
        self.kept: list[ShadowCount] = []

    async def add_shadowed(self, counts: Any) -> None:
        self.kept += counts


class Desk:
    """A world that answers, and another one in which civil registration is in shadow."""

    def __init__(self, world: World | None = None, shadow: World | None = None, most: int = 2) -> None:
        self.world, self.shadow, self.journal, self.counts = (
            world or World(),
            shadow or World(),
            MemoryJournal(),
            Counts(),
        )
        registries: dict[str, InMemoryRegistry] = self.shadow.registries
        lineup = Lineup(State.SHADOW, connected(registries), self.shadow.rooms, frozenset({"crvs"}))
        self.lineup: Lineup | None = lineup
        store: Any = self.counts
        self.shadows = Shadows(
            lambda: self.lineup, store, self.journal, CATALOGUE, self.world.clock, deadline_s=5, most=most
        )

    async def ask(self, **changes: Any) -> Beside:
        """Answer a question; return what a shadow is given of it."""
        given = await answer(question(**changes), self.world.rooms._replace(is_shadowed=True))
        assert given.status == "succ"
        assert given.beside is not None
        return given.beside

    async def walked(self, count: int) -> None:
        """Wait until so many were walked beside."""
        await comes(lambda: self.shadows.walked >= count and not self.shadows._tasks)
        await self.shadows.keep_counts()

    def outcomes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.counts.kept:
            assert (one.registry, one.version) == ("crvs", MANIFESTS["crvs"].version)
            found[one.outcome] = found.get(one.outcome, 0) + one.times
        return found


async def test_the_same_question_is_walked_beside_and_counted() -> None:
    """A shadow that says the same agrees in everything; the journal says who was read about, and that nothing left."""
    desk = Desk()
    beside = await desk.ask()
    desk.shadows.offer(beside)
    assert desk.shadow.asked == {}
    await desk.walked(1)

    assert desk.outcomes().keys() == {"agree"}
    (entry,) = desk.journal.entries
    assert (entry.event, entry.released, set(entry.outcomes)) == ("search.shadowed", (), {"crvs"})
    assert entry.members
    assert not desk.shadows._counts


async def test_where_no_shadow_is_nothing_is_kept_for_one() -> None:
    """An answer carries nothing more than before."""
    given = await answer(question(), World().rooms)

    assert given.beside is None


async def test_nobody_is_asked_about_without_a_permit() -> None:
    """Who has refused civil registration since the answer is not asked about there, in the shadow either."""
    desk = Desk()
    for person in EVERYBODY:
        await decide(desk.world, person, Decision.GRANTED)
        await decide(desk.shadow, person, Decision.GRANTED if person is not ASHA else Decision.REFUSED)
    beside = await desk.ask(consumer="uct")
    desk.shadows.offer(beside)
    await desk.walked(1)

    def about(world: World) -> set[str]:
        return {subject.value for one in world.registries["crvs"].asked for subject in one.subjects}

    assert ASHA["UIN"] in about(desk.world)
    assert ASHA["UIN"] not in about(desk.shadow)


async def test_further_ones_are_dropped_while_too_many_are_under_way() -> None:
    """A shadow costs the answers nothing."""
    desk = Desk(most=1)
    beside = await desk.ask()
    for _ in range(5):
        desk.shadows.offer(beside)
    await desk.walked(1)

    assert (desk.shadows.walked, desk.shadows.dropped, len(desk.journal.entries)) == (1, 4, 1)
    desk.lineup = None
    desk.shadows.offer(beside)
    assert desk.shadows.walked == 1


async def test_a_shadow_that_fails_disturbs_nobody() -> None:
    """Its failures are counted, and what breaks it is logged."""
    down = World(failing={("crvs", "person"): UnavailableReason.SOURCE_DOWN})
    desk = Desk(shadow=down)
    desk.shadows.offer(await desk.ask())
    await desk.walked(1)
    assert desk.outcomes().keys() == {"failed"}
    (entry,) = desk.journal.entries
    assert (entry.event, entry.released, entry.subject != "") == ("search.shadowed", (), True)

    broken = Desk()
    beside = await broken.ask()
    broken.lineup = Lineup(State.SHADOW, Registries(()), None, frozenset())  # type: ignore[arg-type] # broken
    broken.shadows.offer(beside)
    await comes(lambda: not broken.shadows._places)
    assert broken.shadows.walked == 0
    await broken.shadows.close()


@pytest.mark.parametrize("share", [0.05, 0.25, 0.6])
def test_the_declared_share_of_transactions_goes_to_the_canary(share: float) -> None:
    """Within five standard deviations, and always the same ones."""
    rooms, other = World().rooms, World().rooms
    with_canary = rooms._replace(canaries=((share, other),))
    names = [f"transaction {number}" for number in range(4_000)]
    chosen = [with_canary.chosen(name) is other for name in names]

    assert abs(sum(chosen) / len(names) - share) < 5 * (share * (1 - share) / len(names)) ** 0.5
    assert [with_canary.chosen(name) is other for name in names] == chosen
    assert rooms.chosen(names[0]) is rooms


def test_a_larger_share_keeps_those_of_the_smaller_one() -> None:
    """Whoever was answered by the canary stays with it while it grows."""
    rooms, other = World().rooms, World().rooms
    names = [f"transaction {number}" for number in range(500)]
    small, large = (
        {name for name in names if rooms._replace(canaries=((share, other),)).chosen(name) is other}
        for share in (0.1, 0.4)
    )

    assert small < large


async def test_what_hangs_in_a_shadow_holds_its_place_and_nothing_else() -> None:
    """Questions are answered as before, further ones are not walked, and the end of the gateway ends it."""
    hanging = asyncio.Event()
    shadow = World()

    async def hangs(*_: Any) -> Any:
        hanging.set()
        await asyncio.Event().wait()

    shadow.registries["crvs"].fetch = hangs  # type: ignore[method-assign,assignment]
    desk = Desk(shadow=shadow, most=1)
    beside = await desk.ask()
    desk.shadows.offer(beside)
    await hanging.wait()
    for _ in range(10):
        desk.shadows.offer(await desk.ask())

    assert (desk.shadows.walked, desk.shadows.dropped, len(desk.shadows._tasks)) == (0, 10, 1)
    await desk.shadows.close()
    assert (desk.shadows._places, desk.journal.entries, desk.counts.kept) == (0, [], [])


async def test_what_was_about_to_be_walked_is_not_begun_after_the_end() -> None:
    """Nothing is asked by a gateway that closes."""
    desk = Desk()
    desk.shadows.offer(await desk.ask())
    await desk.shadows.close()

    assert (desk.shadows._places, desk.shadows._tasks, desk.shadow.asked) == (0, set(), {})
