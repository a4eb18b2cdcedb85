"""The oracle: whoever holds what, in whatever order and batches it arrives, the profile is that of one truth.

The truth is computed here, in one pass over everything that every source holds, by someone who knows nothing of plans,
waves, batches and caches.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.manifest import Manifest
from adapters.ports import GroupMember, Record
from gateway.cache import MemoryCache
from gateway.stages.compose import Composer
from gateway.stages.derive import Deriver
from gateway.stages.plan import Planner
from standards.household import HouseholdProfile
from standards.identifiers import Identifier
from standards.states import Absent, AttributeState, Conflict, Unavailable, UnavailableReason, Value
from tests.builders import CATALOGUE, KEY, NEVER, NOW, REGISTERED, fetcher, lookup, permitting, small_manifest
from tests.fakes import in_memory

DERIVER = Deriver(CATALOGUE)
BASE = ("given_name", "birth_date", "vital_status", "income_annual", "is_disabled", "land_area_ha", "email")
DERIVED = ("household_size", "children_under_18", "household_income", "total_land_ha", "has_disabled_member")
FRESHER_AFTER = {"email": 365}
GROUP, NUMBERS = "groups", "numbers"
"""The source that knows who belongs together, and the one that knows everybody's TIN."""
SEEDS = st.integers(0, 2**32 - 1)


class World(NamedTuple):
    """Who holds what: people by their place, sources by their id."""

    size: int
    ranks: Mapping[str, Mapping[str, int]]
    """Source -> attribute that it holds -> rank."""
    by: Mapping[str, str]
    """Source -> identifier type by which it is asked."""
    tins: frozenset[int]
    """Who has a TIN."""
    words: Mapping[tuple[str, int], Mapping[str, object]]
    """Source and person -> what it says; no entry: it holds nobody by that number."""
    days: Mapping[tuple[str, int], str | None]
    """Source and person -> as of when the record holds."""
    manifests: tuple[Manifest, ...]
    turns: Mapping[str, int]


def value_of(name: str, person: int, chance: Random) -> object:
    """What a source may say: mostly the truth, else something of its own."""
    own = Random(f"{name}{person}") if chance.random() < 0.7 else chance
    match name:
        case "given_name":
            return own.choice(["Asha", "ASHA ", "Ásha", "Neema", "Juma"])
        case "birth_date":
            return (date(1950, 1, 1) + timedelta(days=own.randrange(27_000))).isoformat()
        case "vital_status":
            return own.choice(["alive", "alive", "dead"])
        case "income_annual":
            return own.randrange(20_000)
        case "land_area_ha":
            return own.choice([0.1, 0.2, 1.25, 3.0])
        case "email":
            return [f"{own.choice('abcdef')}@example.pv"]
        case _:
            return own.random() < 0.3


def world_of(chance: Random) -> World:
    """Split the data of a few people over a few sources in any way."""
    size = chance.randrange(1, 6)
    sources = [f"source_{letter}" for letter in "abcd"[: chance.randrange(1, 5)]]
    ranks = {}
    for name in BASE:
        order = chance.sample(range(1, 10), len(sources))
        ranks[name] = {s: rank for s, rank in zip(sources, order, strict=True) if chance.random() < 0.75}
    held = {s: {name: of[s] for name, of in ranks.items() if s in of} for s in sources}
    by = {s: chance.choice(["UIN", "UIN", "TIN"]) for s in sources}
    words, days = {}, {}
    for s in sources:
        for person in range(size):
            if chance.random() < 0.8:
                said = [name for name in held[s] if chance.random() < 0.8]
                words[s, person] = {name: value_of(name, person, chance) for name in said}
                day = NOW.date() - timedelta(days=chance.randrange(1500))
                days[s, person] = chance.choice([None, day.isoformat(), day.isoformat(), f"{day}T10:00:00Z"])
    lookups = {s: lookup(by=[by[s]], attributes=tuple(held[s]), batch=chance.randrange(1, 6)) for s in sources}
    groups = lookup("group", ["UIN"], entity="group", members=True, identifiers=("HOUSEHOLD_ID",))
    numbers = lookup("identity", ["UIN"], identifiers=("TIN",), batch=chance.randrange(1, 6))
    manifests = [
        small_manifest(GROUP, groups),
        small_manifest(NUMBERS, numbers),
        *(small_manifest(s, lookups[s], authority=held[s]) for s in sources if held[s]),
    ]
    chance.shuffle(manifests)
    tins = frozenset(p for p in range(size) if chance.random() < 0.7)
    turns = {m.id: chance.randrange(12) for m in manifests}
    return World(size, held, by, tins, words, days, tuple(manifests), turns)


# -- what Hearth makes of it


def records(world: World) -> dict[tuple[str, str], list[Record]]:
    """Everything that the registries hold, by source and lookup."""
    people = [{"UIN": f"1{p}", **({"TIN": f"T{p}"} if p in world.tins else {})} for p in range(world.size)]
    held: dict[tuple[str, str], list[Record]] = {
        (GROUP, "group"): [
            Record(
                {"HOUSEHOLD_ID": "HH-1"},
                {},
                members=tuple(GroupMember("" if p else "SELF", {"UIN": f"1{p}"}) for p in range(world.size)),
            )
        ],
        (NUMBERS, "identity"): [Record(numbers, {}) for numbers in people],
    }
    for (source, p), said in world.words.items():
        # Everybody's own number is in each source; a source asked by TIN holds nobody without one.
        numbers = {world.by[source]: people[p].get(world.by[source], f"none {p}")}
        held.setdefault((source, "person"), []).append(Record(numbers, said, world.days[source, p]))
    return held


def hearth(
    world: World,
    names: Collection[str],
    *,
    asked: int = 0,
    cache: MemoryCache | None = None,
    failing: Iterable[str] = (),
) -> HouseholdProfile | None:
    """The profile that the stages compose; None when nobody could be heard at all."""
    planner = Planner(world.manifests, CATALOGUE)
    derived = [n for n in names if CATALOGUE[n].derived]
    plan = planner.plan(frozenset({n for n in names if n not in derived} | bases(derived)), "UIN", REGISTERED)
    down = {
        (m.id, k.name): UnavailableReason.SOURCE_DOWN for m in world.manifests if m.id in failing for k in m.lookups
    }
    registries = in_memory(world.manifests, records(world), failing=down, turns=world.turns)

    async def answered() -> HouseholdProfile | None:
        gathered = await fetcher(registries, cache).fetch(
            lambda _: plan,
            Identifier("UIN", f"1{asked}"),
            permitting(),
            max_age_s=600,
            deadline=NEVER,
            transaction_id="t",
        )
        if gathered.is_silence:
            return None
        return Composer(world.manifests, CATALOGUE, DERIVER).compose(plan, gathered, frozenset(names), NOW)

    return asyncio.run(answered())


def bases(names: Iterable[str]) -> set[str]:
    """What derived attributes are made of."""
    found = set()
    for name in names:
        derived = CATALOGUE[name].derived
        found |= bases(derived.inputs) if derived else {name}
    return found


# -- the truth


def truth(world: World, names: Collection[str]) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Everybody's attributes and those of the household, as told by `shown`."""
    wanted = {n for n in names if n in BASE} | bases(n for n in names if n in DERIVED)
    asked = {min(able)[1] for name in wanted if (able := [(r[name], s) for s, r in world.ranks.items() if name in r])}
    people = [{name: one_truth(world, name, person, asked) for name in wanted} for person in range(world.size)]
    return people, {name: household_truth(name, people) for name in names if name in DERIVED}


def one_truth(world: World, name: str, person: int, asked: Collection[str]) -> object:
    """One attribute of one person: the word of the most authoritative source among those that were asked."""
    claims, heard, has_answer = [], False, False
    for _, source in sorted((r[name], s) for s, r in world.ranks.items() if name in r and s in asked):
        heard = True
        if world.by[source] == "TIN" and person not in world.tins:
            continue
        has_answer = True
        said = world.words.get((source, person), {})
        if name in said:
            day = world.days[source, person]
            claims.append((said[name], date.fromisoformat(day[:10]) if day else None))
    if not claims:
        return "absent" if has_answer else "no_identifier" if heard else "no_source"
    best, best_day = claims[0]
    for value, held in claims[1:]:
        if name in FRESHER_AFTER and held and best_day and held - best_day >= timedelta(days=FRESHER_AFTER[name]):
            best, best_day = value, held
    others = [value for value, _ in claims if meaning(name, value) != meaning(name, best)]
    return ("conflict", best, others) if others else ("value", best)


def meaning(name: str, value: Any) -> object:
    """Names are the same in any case, with any spaces and accents."""
    return value.replace("Á", "A").strip().lower() if name == "given_name" else value


def household_truth(name: str, people: list[dict[str, object]]) -> object:
    """One derived attribute, over what is known of everybody; "unknown" where it hangs on what is not."""

    def of(person: dict[str, object], attribute: str, absent: object = None) -> object:
        state = person[attribute]
        return state[1] if isinstance(state, tuple) else absent if state == "absent" and absent is not None else None

    if name == "total_land_ha":
        areas: list[Any] = [of(p, "land_area_ha", 0.0) for p in people]
        return "unknown" if None in areas else ("value", round(sum(areas), 6))
    lives = [{"alive": True, "dead": False}.get(str(of(p, "vital_status", "alive"))) for p in people]
    if name == "household_size":
        return "unknown" if None in lives else ("value", sum(map(bool, lives)))
    if name == "household_income":
        incomes: list[Any] = [
            0 if alive is False else of(p, "income_annual", 0) for p, alive in zip(people, lives, strict=True)
        ]
        return "unknown" if None in lives or None in incomes else ("value", sum(incomes))
    facts = [child(p) if name == "children_under_18" else of(p, "is_disabled", False) for p in people]
    both = [False if False in (a, f) else None if None in (a, f) else True for a, f in zip(lives, facts, strict=True)]
    if name == "has_disabled_member":
        return ("value", True) if True in both else "unknown" if None in both else ("value", False)
    return "unknown" if None in both else ("value", sum(map(bool, both)))


def child(person: dict[str, object]) -> bool | None:
    """Tell whether somebody is under eighteen, if the birth date is known."""
    state = person["birth_date"]
    if not isinstance(state, tuple):
        return None
    born = date.fromisoformat(state[1])
    return (NOW.year - 18, NOW.month, NOW.day) < (born.year, born.month, born.day)


# -- both beside each other


def shown(state: AttributeState) -> object:
    """A state as the truth tells it."""
    match state:
        case Value(value):
            return "value", value
        case Conflict(best, differing):
            return "conflict", best.value, [claim.value for claim in differing]
        case Absent():
            return "absent"
        case Unavailable(reason):
            return str(reason)
    return "withheld"


def is_hole(state: AttributeState) -> bool:
    """Tell whether it is declared that something was not obtained."""
    return isinstance(state, Unavailable)


def check(profile: HouseholdProfile, world: World, names: Collection[str], asked: int = 0) -> None:
    """The whole profile is that of the truth."""
    people, household = truth(world, names)
    assert [m.identifiers["UIN"] for m in profile.members] == [f"1{p}" for p in order(world, asked)]
    for member, person in zip(profile.members, order(world, asked), strict=True):
        told = {n: shown(s) for n, s in member.attributes.items() if n in BASE}
        assert told == people[person]
    for name, true in household.items():
        told_of = profile.attributes[name]
        assert shown(told_of) == true or (true == "unknown" and not isinstance(told_of, Value))


def order(world: World, asked: int) -> list[int]:
    """The person asked about comes first, the others as they are recorded."""
    return [asked, *(p for p in range(world.size) if p != asked)]


@settings(max_examples=500)
@given(SEEDS)
def test_the_profile_is_that_of_one_truth(seed):
    """For any split over sources, ranks, overlaps, batches, order of arrival and state of the cache."""
    chance = Random(seed)
    world = world_of(chance)
    names = chance.sample((*BASE, *DERIVED), chance.randrange(1, 12))
    asked = chance.randrange(world.size)
    cache = MemoryCache(KEY, 10_000_000)

    match chance.choice(["cold", "warm", "partly warm"]):
        case "warm":
            hearth(world, names, asked=asked, cache=cache)
        case "partly warm":
            hearth(world, chance.sample((*BASE, *DERIVED), 3), asked=chance.randrange(world.size), cache=cache)
    profile = hearth(
        world._replace(turns={s: chance.randrange(12) for s in world.turns}), names, asked=asked, cache=cache
    )

    assert profile is not None
    check(profile, world, names, asked)


@settings(max_examples=500)
@given(SEEDS)
def test_failures_make_holes_and_nothing_else(seed):
    """With any sources down and any cache, whatever is told is the truth, and the rest is declared as not obtained."""
    chance = Random(seed)
    world = world_of(chance)
    names = chance.sample((*BASE, *DERIVED), chance.randrange(1, 12))
    failing = [m.id for m in world.manifests if chance.random() < 0.4]
    cache = MemoryCache(KEY, 10_000_000)
    if chance.random() < 0.4:
        hearth(world, chance.sample((*BASE, *DERIVED), 3), cache=cache)

    profile = hearth(world, names, cache=cache, failing=failing)

    if profile is not None:
        check_what_is_told(profile, world, names)


def check_what_is_told(profile: HouseholdProfile, world: World, names: list[str]) -> None:
    """Whatever a profile tells is the truth, and whoever is left out was not heard of."""
    people, household = truth(world, names)
    for member in profile.members:
        person = int(member.identifiers["UIN"][1:])
        for name, state in member.attributes.items():
            if name in BASE and not is_hole(state):
                assert same_but_for_evidence(shown(state), people[person][name])
    is_whole = len(profile.members) == world.size
    assert is_whole or profile.unheard
    for name, true in household.items():
        state = profile.attributes[name]
        assert not isinstance(state, Value) or shown(state) == true


def same_but_for_evidence(told: object, true: object) -> bool:
    """Tell whether two states settle the same; a claim that lost may come from a source that is down."""
    if isinstance(told, tuple) and isinstance(true, tuple):
        return told[1] == true[1] and all(claim in true[2] for claim in (told[2] if len(told) > 2 else []))
    return told == true
