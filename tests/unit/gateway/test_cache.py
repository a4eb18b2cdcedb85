"""The brief cache in memory: what bounds it, what does not stand in it, and what leaves it by itself."""

import gc
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import GroupMember, Link
from adapters.said import Said
from gateway.cache import ENTRY_BYTES, IDENTIFIER_BYTES, MOST_BESIDE, RECORD_BYTES, SWEEP_S, MemoryCache
from gateway.ports import AnswerKey, Kept, RecordKey
from standards.identifiers import Identifier
from tests.builders import KEY, NOW, record
from tests.fakes import StillClock

NAMES = frozenset({"given_name"})
ONE_BYTES = ENTRY_BYTES + RECORD_BYTES + IDENTIFIER_BYTES
"""What a record with one number and no values counts for."""


def key(number: int) -> RecordKey:
    """What the record of one person is kept by."""
    return RecordKey("crvs", "person", Identifier("UIN", f"10000000{number:02}"))


def kept(text: str = "Asha") -> Kept:
    """A record with a name in it."""
    return Kept(record({"given_name": text}), NAMES, NOW)


def cache(max_bytes: int = 10 * (ONE_BYTES + 100), key_: bytes = KEY) -> MemoryCache:
    """A cache whose time stands still."""
    return MemoryCache(key_, max_bytes, lambda: 0.0)


async def put(into: MemoryCache, *numbers: int, text: str = "Asha", lifetime_s: float = 60) -> None:
    """Keep records of these people."""
    await into.put_many([(key(number), kept(text), lifetime_s) for number in numbers], 0)


async def has(of: MemoryCache, *numbers: int) -> list[bool]:
    """Tell of whom something is kept."""
    return [one is not None for one in (await of.get_many([(key(n), NAMES) for n in numbers])).found]


async def test_the_least_recently_used_go_first():
    """Looking at a record counts as use."""
    few = cache(2 * (ONE_BYTES + 50))
    await put(few, 1, 2)
    await has(few, 1)
    await put(few, 3)

    assert await has(few, 1, 2, 3) == [True, False, True]


async def test_a_record_larger_than_the_bound_is_not_kept():
    """Nor is anything else thrown out for good: what comes later fits again."""
    small = cache(ONE_BYTES + 50)
    await put(small, 1, text="x" * 1000)
    assert len(small) == 0
    await put(small, 2)
    assert len(small) == 1


async def test_a_bound_of_nothing_keeps_nothing():
    """Also not that nobody was found."""
    none = cache(0)
    await none.put_many([(key(1), Kept(None, frozenset(), NOW), 60)], 0)

    assert (len(none), none.size_bytes) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=200)), max_size=30))
async def test_the_size_is_never_more_than_the_bound(puts):
    """Whatever is put in, in whatever order; and an empty cache is of no size."""
    bounded = cache(3 * ONE_BYTES)
    for number, text in puts:
        await put(bounded, number, text=text)
        assert 0 <= bounded.size_bytes <= 3 * ONE_BYTES
    await bounded.clear()
    assert bounded.size_bytes == 0


async def test_what_it_has_let_go_of_takes_no_room():
    """However long its life would have been: what takes memory is within the bound, some names of it included."""
    few = cache(100_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5000):
            subject = Identifier("UIN", f"1{number:09}")
            child = Link("CHILD", {"UIN": f"2{number:09}"})
            one = Kept(record({"given_name": "Asha"}, UIN=subject.value, links=(child,)), NAMES, NOW)
            await few.put_many([(RecordKey("crvs", "person", subject), one, 86_400.0 - number)], 0)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 1.5 * few.max_bytes
    assert sum(map(len, few._ends.values())) == len(few._beside) == len(few) > 0
    assert len(few._tagged) == 2 * len(few)


async def test_a_number_that_several_records_name_leads_to_those_that_are_left():
    """As that of a father does, whose children's records go one by one; nothing is left of it with the last of them."""
    of, father = cache(10**7), Identifier("UIN", "9999999999")
    for number in range(4):
        one = Kept(record(UIN=key(number).subject.value, links=(Link("PRN", {"UIN": father.value}),)), NAMES, NOW)
        await of.put_many([(key(number), one, 60.0)], 0)
    await of.forget([key(1).subject])
    await put(of, 2)

    assert await of.forget([father]) == 2
    assert await has(of, 0, 1, 2, 3) == [False, False, True, False]
    assert len(of._tagged) == 2  # of the record that is left: its own number, and the one that `record` states


async def test_what_is_remembered_of_forgotten_people_is_bounded(monkeypatch):
    """Before the oldest that is remembered, everybody counts as forgotten: rather nothing is kept than too much."""
    monkeypatch.setattr("gateway.cache.MOST_MARKS", 3)
    of = cache()
    for number in range(5):
        await of.forget([key(number).subject])
    assert len(of._marks) == 3

    for since, is_kept in ((1, False), (2, True)):  # the oldest two marks, of generations 1 and 2, have gone
        await of.put_many([(key(0), kept(), 60.0)], since)
        assert await has(of, 0) == [is_kept]


async def test_so_many_records_of_one_person_are_kept_side_by_side():
    """The oldest goes for one more; every one counts by its bytes."""
    of, sets = cache(10**7), [frozenset({f"attribute_{n}"}) for n in range(MOST_BESIDE + 1)]
    for names in sets:
        await of.put_many([(key(1), Kept(record(), names, NOW), 60.0)], 0)

    found = (await of.get_many([(key(1), names) for names in sets])).found
    assert [one is not None for one in found] == [False] + [True] * MOST_BESIDE
    assert (len(of), of.size_bytes) == (MOST_BESIDE, MOST_BESIDE * (ONE_BYTES + len("{}")))


async def test_no_number_stands_in_a_key():
    """Entries are found by a keyed digest, which nobody can make without the secret."""
    one, other = cache(), cache(key_=b"another key of thirty-two bytes..")
    for of in (one, other):
        await put(of, 1)

    one.remember(AnswerKey(Identifier("UIN", "1000000001"), ("uct",)), "told", 1, [], 60.0)
    assert not any("1000000001" in repr(name) for name in one._entries)
    assert one._entries.keys() != other._entries.keys()


async def test_nothing_is_held_past_its_life_because_nobody_asks_for_it():
    """A sweep drops what has ended, and what was kept anew in the meantime stays."""
    clock = StillClock(NOW)
    of = MemoryCache(KEY, 100_000, clock.monotonic)
    await put(of, 1, lifetime_s=10)
    await put(of, 2, lifetime_s=10)
    clock.move(5)
    await put(of, 2, lifetime_s=60)
    clock.move(5 + SWEEP_S)
    of.sweep()

    assert len(of) == 1
    assert await has(of, 1, 2) == [False, True]
    clock.move(60)
    of.sweep()
    assert (len(of), of.size_bytes) == (0, 0)
    assert not of._ends
    assert not of._beside
    assert not of._tagged


def anew(text: object) -> Any:
    """Return a value as a registry's answer gives it: no object of it is shared with anything."""
    return orjson.loads(orjson.dumps(text))


SHAPES = {
    "nobody": lambda _: None,
    "a number only": lambda n: record(UIN=f"1{n:09}", as_of=f"2026-01-01T00:00:{n}Z"),
    "a person": lambda n: record(
        anew({"given_name": "Asha", "surname": "Moyo", "sex": "female", "birth_date": "1990-02-01"}),
        UIN=f"1{n:09}",
        BRN=f"B{n}",
        as_of=f"2026-01-01T00:00:{n}Z",
    ),
    "many values": lambda n: record(anew({f"attribute_{k}": k * 1.5 for k in range(30)}), UIN=f"1{n:09}"),
    "lists": lambda n: record(anew({"crops": ["maize", "beans", "sorghum", "millet"]}), UIN=f"1{n:09}"),
    "long text": lambda n: record(anew({"text": "x" * 5000}), UIN=f"1{n:09}"),
    "a household": lambda n: record(
        HOUSEHOLD_ID=f"HH-{n}",
        members=tuple(GroupMember("CHILD", anew({"UIN": f"{k}{n:09}", "MEMBER_ID": f"M{k}{n}"})) for k in range(6)),
    ),
    "a second number": lambda n: record(UIN=f"1{n:09}", duplicates=(anew({"UIN": f"3{n:09}", "BRN": f"B{n}"}),)),
    "next of kin": lambda n: record(
        UIN=f"1{n:09}",
        links=tuple(Link("CHILD", anew({"UIN": f"{k}{n:09}", "BRN": f"B{k}{n}"}), f"2014-06-0{k}") for k in range(5)),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_estimate_is_close_to_what_the_interpreter_takes(shape):
    """Between three quarters and one and a half of what tracemalloc counts, for whatever registries send."""
    of, count = MemoryCache(KEY, 10**9), 1000
    names = frozenset({"given_name"})
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for n in range(count):
            subject = Identifier("UIN", f"2{n:09}")
            kept = Kept(SHAPES[shape](n), names, NOW, (Said(n.to_bytes(32, "big")),))
            await of.put_many([(RecordKey("crvs", "person", subject), kept, 60.0)], 0)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 0.75 < of.size_bytes / (after - before) < 1.5, (of.size_bytes // count, (after - before) // count)


ASHA, JUMA = (RecordKey("crvs", "person", Identifier("UIN", f"100000000{n}")) for n in (1, 2))


class Shelf:
    """A cache with two records, and an answer that rests on them."""

    def __init__(self, max_bytes: int = 10_000_000) -> None:
        self.clock = StillClock(NOW)
        self.cache = MemoryCache(KEY, max_bytes, self.clock.monotonic)
        self.kept = {key: Kept(record({"given_name": "x"}, UIN=key.subject.value), NAMES, NOW) for key in (ASHA, JUMA)}

    async def fill(self, *, lifetime_s: float = 60.0, size: int = 1000, records_s: float = 60.0) -> None:
        generation = (await self.cache.get_many([])).generation
        await self.cache.put_many([(key, kept, records_s) for key, kept in self.kept.items()], generation)
        self.cache.remember(ANSWER, "told", size, list(self.kept.items()), lifetime_s)

    def said(self) -> object:
        return self.cache.recall(ANSWER)


ANSWER = AnswerKey(ASHA.subject, ("uct",))


async def test_an_answer_is_kept_beside_the_records_it_rests_on():
    """It counts as bytes and not as a record, and nobody finds it as one."""
    shelf = Shelf()
    await shelf.fill()
    with_answer = shelf.cache.size_bytes
    await shelf.cache.clear()

    assert len(shelf.cache) == shelf.cache.size_bytes == 0
    assert shelf.said() is None
    await shelf.fill()
    assert (shelf.said(), len(shelf.cache), shelf.cache.size_bytes) == ("told", 2, with_answer)
    assert shelf.cache.recall(ANSWER._replace(question=("other",))) is None


@pytest.mark.parametrize("how", ["forgotten", "replaced", "past its life", "past its record's life", "crowded out"])
async def test_an_answer_falls_with_any_record_it_rests_on(how):
    """Whatever the record falls by; and nothing of the answer stays behind."""
    shelf = Shelf()
    await shelf.fill(lifetime_s=30.0 if how == "past its life" else 600.0)
    if how == "forgotten":
        await shelf.cache.forget([JUMA.subject])
    elif how == "replaced":
        await shelf.cache.put_many([(JUMA, shelf.kept[JUMA]._replace(retrieved_at=NOW), 60.0)], 0)
    elif how.startswith("past"):
        shelf.clock.move(45.0 if how == "past its life" else 61.0)
    else:
        shelf.cache.max_bytes = shelf.cache.size_bytes - 1
        await shelf.cache.put_many([], 0)

    assert shelf.said() is None
    assert shelf.cache.size_bytes < 3000
    assert not shelf.cache._resting


async def test_an_answer_stays_when_a_record_for_other_attributes_comes_beside():
    """Another programme has asked for these; a record that leaves nothing of the one it rests on ends it."""
    shelf = Shelf()
    await shelf.fill()
    other = shelf.kept[JUMA]._replace(names=frozenset({"birth_date"}))
    await shelf.cache.put_many([(JUMA, other, 60.0)], 0)
    assert shelf.said() == "told"

    await shelf.cache.put_many([(JUMA, other._replace(names=NAMES | other.names), 60.0)], 0)
    assert shelf.said() is None
    assert len(shelf.cache) == 2


async def test_an_answer_that_rests_on_what_is_gone_is_not_kept():
    """Somebody was forgotten, or asked about anew, while it was composed."""
    shelf = Shelf()
    await shelf.fill()
    await shelf.cache.forget([ASHA.subject])
    shelf.cache.remember(ANSWER, "told", 1000, list(shelf.kept.items()), 60.0)

    assert shelf.said() is None


async def test_the_records_of_an_answer_in_use_are_not_the_first_to_go():
    """Else a household that everybody asks about would be fetched again and again when memory is short."""
    shelf = Shelf()
    await shelf.fill()
    idle = RecordKey("crvs", "person", Identifier("UIN", "1000000003"))
    await shelf.cache.put_many([(idle, shelf.kept[ASHA], 60.0)], 0)
    shelf.clock.move(2.0)

    assert shelf.said() == "told"
    shelf.cache.max_bytes = shelf.cache.size_bytes - 1
    await shelf.cache.put_many([], 0)
    assert shelf.said() == "told"
    assert (await shelf.cache.get_many([(idle, NAMES)])).found == [None]


async def test_sweeping_drops_answers_past_their_life():
    """Nobody has to ask for them."""
    shelf = Shelf()
    await shelf.fill(lifetime_s=1.0)
    before = shelf.cache.size_bytes
    shelf.clock.move(30.0)
    shelf.cache.sweep()

    assert len(shelf.cache) == 2
    assert shelf.cache.size_bytes == before - 1000


async def test_a_sweep_that_comes_late_finds_answers_fallen_with_their_records():
    """Both are past their lives by then, the answer for longer."""
    shelf = Shelf()
    await shelf.fill(lifetime_s=1.0)
    shelf.clock.move(100.0)
    shelf.cache.sweep()

    assert (len(shelf.cache), shelf.cache.size_bytes) == (0, 0)
    assert not shelf.cache._ends
