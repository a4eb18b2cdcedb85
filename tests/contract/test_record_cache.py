"""What every RecordCache does: the one in memory, and one that holds sealed bytes."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ports import GroupMember, Link
from adapters.said import Said, Signed
from gateway.cache import MARK_S, MemoryCache
from gateway.ports import Kept, RecordKey
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import KEY, NOW, record
from tests.contract.sealed_cache import SealedCache
from tests.fakes import StillClock

pytestmark = pytest.mark.contract

ASHA, JUMA = Identifier("UIN", "1000000001"), Identifier("UIN", "1000000002")
NAMES = frozenset({"given_name"})
ASHAS_TIN, GROUP = Identifier("TIN", "T00000001"), Identifier("HOUSEHOLD_ID", "HH-000001")


@pytest.fixture
def clock():
    """Time that stands still."""
    return StillClock(NOW)


@pytest.fixture(params=["in memory", "sealed"])
def cache(request, clock):
    """Each implementation, empty."""
    if request.param == "sealed":
        return SealedCache(KEY, clock.monotonic)
    return MemoryCache(KEY, 10_000_000, clock.monotonic)


def key(subject: Identifier = ASHA, source: str = "crvs", lookup: str = "person") -> RecordKey:
    """What a record is kept by."""
    return RecordKey(source, lookup, subject)


def kept(**numbers) -> Kept:
    """A record that states these numbers for its subject."""
    return Kept(record({"given_name": "Asha"}, **numbers), NAMES, NOW)


async def put(cache, *entries, lifetime_s=60.0, since=None):
    """Keep some entries, as if they had been asked for just now."""
    generation = (await cache.get_many([])).generation if since is None else since
    await cache.put_many([(k, v, lifetime_s) for k, v in entries], generation)


async def look(cache, *keys, names=NAMES) -> list[Kept | None]:
    """Return what is kept that serves a question for these names."""
    return list((await cache.get_many([(k, names) for k in keys])).found)


async def has(cache, *keys) -> list[bool]:
    """Tell what is kept."""
    return [one is not None for one in await look(cache, *keys)]


async def test_what_is_kept_comes_back_whole(cache):
    """Every field of a record, and that nobody is held by a number."""
    whole = record(
        {"given_name": "Asha", "land_area_ha": 1.25, "crops": ["maize"], "is_disabled": False, "school_name": None},
        UIN=ASHA.value,
        as_of="2026-01-01",
        links=(Link("CHILD", {"UIN": "1000000003"}, "2014-06-01"),),
        members=(GroupMember("SELF", {"UIN": ASHA.value}),),
        unusable={"marital_status": UnavailableReason.UNMAPPED_CODE},
        duplicates=({"HOUSEHOLD_ID": "HH-000002"},),
    )
    names = frozenset({"given_name", "marital_status"})
    said = (Said(b"\1" * 32), Said(b"\2" * 32, Signed("kid", "jws", "2026-11-21T10:00:00+00:00")))
    await put(cache, (key(), Kept(whole, names, NOW, said)), (key(JUMA), Kept(None, names, NOW)))

    assert await look(cache, key(JUMA), key(), key(GROUP), names=names) == [
        Kept(None, names, NOW),
        Kept(whole, names, NOW, said),
        None,
    ]


async def test_a_record_is_kept_for_its_source_its_lookup_and_its_number(cache):
    """None of them serves in another's place."""
    await put(cache, (key(), kept(UIN=ASHA.value)))

    others = key(JUMA), key(source="land"), key(lookup="other"), key(Identifier("BRN", ASHA.value))
    assert await has(cache, key(), *others) == [True, False, False, False, False]


async def test_each_record_has_its_own_life(cache, clock):
    """It ends exactly when its seconds are over."""
    await put(cache, (key(), kept(UIN=ASHA.value)), lifetime_s=60)
    await put(cache, (key(JUMA), kept(UIN=JUMA.value)), lifetime_s=10)
    clock.move(10)
    assert await has(cache, key(), key(JUMA)) == [True, False]
    clock.move(50)
    assert await has(cache, key()) == [False]


async def test_the_newest_record_counts(cache):
    """What was kept before under the same key is gone."""
    await put(cache, (key(), kept(UIN=ASHA.value)))
    await put(cache, (key(), Kept(None, frozenset(), NOW)))

    assert await look(cache, key()) == [Kept(None, frozenset(), NOW)]


async def test_forgetting_follows_a_person_from_number_to_number(cache):
    """The tax record is kept under another number than the one given, and the national record states both."""
    await put(
        cache,
        (key(source="national_id"), kept(UIN=ASHA.value, TIN=ASHAS_TIN.value)),
        (key(ASHAS_TIN, "tax"), kept(TIN=ASHAS_TIN.value)),
        (key(source="land"), Kept(None, frozenset(), NOW)),
        (key(JUMA), kept(UIN=JUMA.value)),
    )

    assert await cache.forget([ASHA]) == 3
    assert await has(cache, key(source="national_id"), key(ASHAS_TIN, "tax"), key(source="land")) == [False] * 3
    assert await has(cache, key(JUMA)) == [True]


async def test_forgetting_a_person_forgets_the_households_that_name_it_and_not_its_members(cache):
    """Whoever shares a household with somebody is somebody else."""
    group = record(
        HOUSEHOLD_ID=GROUP.value,
        members=(GroupMember("SELF", {"UIN": ASHA.value}), GroupMember("SPS", {"UIN": JUMA.value})),
    )
    by_number, by_juma = key(GROUP, "social", "group"), key(JUMA, "social", "group")
    await put(cache, (by_number, Kept(group, NAMES, NOW)), (by_juma, Kept(group, NAMES, NOW)))
    await put(cache, (key(JUMA), kept(UIN=JUMA.value, HOUSEHOLD_ID=GROUP.value)))

    await cache.forget([ASHA])
    assert await has(cache, by_number, by_juma, key(JUMA)) == [False, False, True]


NAMING: dict[str, dict[str, Any]] = {
    "member": {"members": (GroupMember("SPS", {"UIN": ASHA.value}),)},
    "kin": {"links": (Link("SPS", {"UIN": ASHA.value}, "1990-01-01"),)},
    "second number": {"duplicates": ({"UIN": ASHA.value},)},
}
"""The ways in which a record of somebody else's number may name a person."""


@pytest.mark.parametrize("way", NAMING)
async def test_forgetting_a_person_forgets_every_record_that_names_it(cache, way):
    """A birth date of kin stands in it, for example; and one that was under way then is not kept either."""
    naming = Kept(record(UIN=JUMA.value, **NAMING[way]), NAMES, NOW)
    before = (await cache.get_many([])).generation
    await put(cache, (key(JUMA), naming), (key(JUMA, "tax"), Kept(None, NAMES, NOW)))

    # Whoever has two numbers is one person, by the registry's word; kin is somebody else.
    assert await cache.forget([ASHA]) == (2 if way == "second number" else 1)
    assert await has(cache, key(JUMA), key(JUMA, "tax")) == [False, way != "second number"]
    await put(cache, (key(JUMA), naming), since=before)
    assert await has(cache, key(JUMA)) == [False]


def wide(*names: str) -> Kept:
    """A record that was asked for these attributes."""
    return Kept(record(dict.fromkeys(names, "x"), UIN=ASHA.value), frozenset(names), NOW)


async def test_records_asked_for_other_attributes_are_kept_side_by_side(cache):
    """Each serves the questions whose names it covers; where several do, the newest."""
    first, second = wide("given_name", "birth_date"), wide("given_name", "sex")
    await put(cache, (key(), first))
    await put(cache, (key(), second))

    assert [await look(cache, key(), names=frozenset(names)) for names in (
        {"birth_date"}, {"sex"}, {"given_name"}, {"birth_date", "sex"}, {"surname"}
    )] == [[first], [second], [second], [None], [None]]  # fmt: skip
    assert await cache.clear() == 2


async def test_a_record_takes_the_place_of_those_it_leaves_nothing_of(cache):
    """One for less comes beside one for more."""
    less, other, more = wide("sex"), wide("surname"), wide("given_name", "sex")
    for one in (less, other, more):
        await put(cache, (key(), one))
    assert await look(cache, key(), names=less.names) == [more]

    await put(cache, (key(), less))
    assert [await look(cache, key(), names=one.names) for one in (less, other, more)] == [[less], [other], [more]]
    assert await cache.clear() == 3


async def test_that_nobody_is_held_by_a_number_is_true_whatever_was_asked(cache):
    """It takes the place of every record; and any record takes its place."""
    nobody, some = Kept(None, frozenset({"sex"}), NOW), wide("given_name")
    for one in (wide("given_name", "sex"), some, nobody):
        await put(cache, (key(), one))
    assert await look(cache, key(), names=frozenset({"surname", "given_name"})) == [nobody]

    await put(cache, (key(), some))
    assert [await look(cache, key(), names=names) for names in (some.names, nobody.names)] == [[some], [None]]
    assert await cache.clear() == 1


async def test_records_side_by_side_end_each_at_their_time_and_are_forgotten_together(cache, clock):
    """What is left serves again when the newer one has ended."""
    older, newer = wide("given_name", "birth_date"), wide("given_name")
    await put(cache, (key(), older))
    await put(cache, (key(), newer), lifetime_s=10.0)
    clock.move(10)
    assert await look(cache, key()) == [older]

    await put(cache, (key(), newer))
    assert await cache.forget([ASHA]) == 2
    assert await look(cache, key()) == [None]


async def test_what_was_under_way_when_somebody_was_forgotten_is_not_kept(cache):
    """It may have been read before the reason to forget; what is asked for afterwards is kept, and others' always."""
    before = (await cache.get_many([])).generation
    await cache.forget([ASHA])
    await put(cache, (key(), kept(UIN=ASHA.value)), (key(JUMA), kept(UIN=JUMA.value)), since=before)
    assert await has(cache, key(), key(JUMA)) == [False, True]

    await put(cache, (key(), kept(UIN=ASHA.value)))
    assert await has(cache, key()) == [True]


async def test_what_was_under_way_under_another_number_is_not_kept_either(cache):
    """The record that arrives states the number that was forgotten."""
    before = (await cache.get_many([])).generation
    await cache.forget([ASHA])
    await put(cache, (key(ASHAS_TIN, "national_id"), kept(TIN=ASHAS_TIN.value, UIN=ASHA.value)), since=before)

    assert await has(cache, key(ASHAS_TIN, "national_id")) == [False]


async def test_what_was_under_way_when_everything_was_dropped_is_not_kept(cache):
    """An empty cache stays empty until somebody asks anew."""
    await put(cache, (key(), kept(UIN=ASHA.value)))
    before = (await cache.get_many([])).generation

    assert await cache.clear() == 1
    await put(cache, (key(), kept(UIN=ASHA.value)), since=before)
    assert await has(cache, key()) == [False]


async def test_forgetting_nobody_drops_nothing(cache):
    """Somebody of whom nothing is kept, and an empty list."""
    await put(cache, (key(), kept(UIN=ASHA.value)))

    assert (await cache.forget([JUMA]), await cache.forget([])) == (0, 0)
    assert await has(cache, key()) == [True]


async def test_marks_of_forgotten_people_do_not_pile_up(clock):
    """In memory they go when no call can be under way any more that began before."""
    cache = MemoryCache(KEY, 10_000_000, clock.monotonic)
    await cache.forget([ASHA])
    clock.move(MARK_S)
    await cache.forget([JUMA])

    assert len(cache._marks) == 1


async def test_the_far_side_sees_neither_numbers_nor_values(clock):
    """Names, tags and contents are digests or sealed."""
    cache = SealedCache(KEY, clock.monotonic)
    await put(cache, (key(), kept(UIN=ASHA.value)))

    seen = repr((cache.far, cache.beside, cache.own, cache.named, cache.tags_of))
    assert ASHA.value not in seen
    assert "Asha" not in seen


async def test_what_one_version_mapped_never_serves_another(cache):
    """Two versions of one registry may be asked side by side; whoever is forgotten is forgotten in both."""
    old, new = key()._replace(edition="1.2"), key()._replace(edition="1.3")
    await put(cache, (old, kept(UIN=ASHA.value)))
    assert await has(cache, old, new, key()) == [True, False, False]
    await put(cache, (new, kept(UIN=ASHA.value)))

    await cache.forget([ASHA])
    assert await has(cache, old, new) == [False, False]
