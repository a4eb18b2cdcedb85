"""The oracle for questions that meet: they share calls, records and failures, and each is told the one truth."""

import asyncio
from random import Random

from hypothesis import given, settings

from gateway.cache import MemoryCache
from gateway.stages.compose import Composer
from gateway.stages.plan import Planner
from standards.errors import SourceUnavailableError
from standards.household import HouseholdProfile
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import CATALOGUE, KEY, NEVER, NOW, REGISTERED, fetcher, permitting
from tests.fakes import InMemoryRegistry, in_memory
from tests.properties.test_oracle import (
    BASE,
    DERIVED,
    DERIVER,
    SEEDS,
    World,
    bases,
    check,
    check_what_is_told,
    records,
    world_of,
)

Asked = tuple[list[str], int, int]
"""Attributes, the person asked about, and how many turns of others pass before the question comes."""


class Unsteady(InMemoryRegistry):
    """A registry that fails now and then: a share of its calls."""

    def __init__(self, of: InMemoryRegistry, chance: Random, share: float) -> None:
        super().__init__(of.manifest, of.records, turns=of.turns)
        self.chance, self.share = chance, share

    def _fail(self, lookup: str) -> None:
        if self.chance.random() < self.share:
            raise SourceUnavailableError(self.manifest.id, UnavailableReason.SOURCE_DOWN)


def questions(world: World, chance: Random) -> list[Asked]:
    """A few questions about one household, by whichever of its people, for whatever."""
    return [
        (chance.sample((*BASE, *DERIVED), chance.randrange(1, 12)), chance.randrange(world.size), chance.randrange(30))
        for _ in range(chance.randrange(2, 7))
    ]


def together(
    world: World, asked: list[Asked], chance: Random, share: float
) -> tuple[list[HouseholdProfile | None], int]:
    """What each question is told when all are asked of one gateway; how many calls were shared.

    share: of the calls that fail.
    """
    steady = in_memory(world.manifests, records(world), turns=world.turns)
    registries = {id_: Unsteady(registry, chance, share) for id_, registry in steady.items()}
    planner, composer = Planner(world.manifests, CATALOGUE), Composer(world.manifests, CATALOGUE, DERIVER)
    over = fetcher(registries, MemoryCache(KEY, 10_000_000 if chance.random() < 0.5 else 0))

    async def one(names: list[str], person: int, turns: int) -> HouseholdProfile | None:
        for _ in range(turns):
            await asyncio.sleep(0)
        derived = [n for n in names if CATALOGUE[n].derived]
        plan = planner.plan(frozenset({n for n in names if n not in derived} | bases(derived)), "UIN", REGISTERED)
        gathered = await over.fetch(
            lambda _: plan,
            Identifier("UIN", f"1{person}"),
            permitting(),
            max_age_s=600,
            deadline=NEVER,
            transaction_id="t",
        )
        if gathered.is_silence:
            return None
        return composer.compose(plan, gathered, frozenset(names), NOW)

    async def everybody() -> list[HouseholdProfile | None]:
        return await asyncio.gather(*(one(*question) for question in asked))

    told = asyncio.run(everybody())
    return told, sum(counts.joined for counts in over.calls.counts().values())


@settings(max_examples=200)
@given(SEEDS)
def test_whoever_shares_a_call_is_told_the_truth(seed):
    """Asked by whichever member, for more or for less than those who ask at the same time."""
    chance = Random(seed)
    world = world_of(chance)
    asked = questions(world, chance)

    told, _ = together(world, asked, chance, share=0.0)

    for profile, (names, person, _) in zip(told, asked, strict=True):
        assert profile is not None
        check(profile, world, names, person)


@settings(max_examples=200)
@given(SEEDS)
def test_a_shared_failure_makes_holes_and_nothing_else(seed):
    """Calls fail now and then: whoever waits for one has its hole declared, and whatever is told is the truth."""
    chance = Random(seed)
    world = world_of(chance)
    asked = questions(world, chance)

    told, _ = together(world, asked, chance, share=0.3)

    for profile, (names, *_) in zip(told, asked, strict=True):
        if profile is not None:
            check_what_is_told(profile, world, names)


def test_questions_do_share_calls():
    """Otherwise the properties above would show nothing."""
    shared = 0
    for seed in range(20):
        chance = Random(seed)
        world = world_of(chance)
        shared += together(world, questions(world, chance), chance, share=0.0)[1]

    assert shared > 20
