"""Calls: nobody is asked about twice at once, who leaves takes nobody along, and late answers are not thrown away."""

import asyncio
from datetime import date, timedelta
from typing import cast

import pytest

from adapters.catalogue import Registries, Registry
from adapters.manifest import Limits
from adapters.ports import Deadline, SourceAnswer
from adapters.terms import WEEKDAYS, Hours, Window
from adapters.transport.guard import Guarded
from gateway.cache import MemoryCache
from gateway.stages.calls import Calls, Counts, Terms
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import KEY, NEVER, NOW, lookup, record, small_manifest
from tests.fakes import StillClock

ASHA, JUMA, NEEMA = (Identifier("UIN", f"100000000{n}") for n in (1, 2, 3))
LAND = ("land", "person")
AREA, BOTH = frozenset({"land_area_ha"}), frozenset({"land_area_ha", "land_parcel_count"})
TERMS = Terms(max_age_s=3600.0)
DOWN, TIMEOUT = UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT
SHORT_S = 0.03
NOBODY = frozenset({JUMA})
"""Of whom the registry holds nothing."""


class HeldRegistry:
    """A registry that answers when it is told to."""

    def __init__(self, **changes):
        lookups = (lookup(batch=changes.pop("batch", 50), attributes=sorted(BOTH)),)
        self.manifest = small_manifest("land", *lookups, **changes)
        self.asked = []
        self.open = asyncio.Event()
        self.failing = None
        self.cancelled = 0

    async def fetch(self, request, deadline):
        self.asked.append(request)
        try:
            async with asyncio.timeout(min(deadline.left_s(), 60)):
                await self.open.wait()
        except TimeoutError:
            raise SourceUnavailableError("land", TIMEOUT) from None
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failing is not None:
            raise self.failing
        values = {"land_area_ha": 1.25, "land_parcel_count": 1}
        said = record({n: values[n] for n in request.names})
        return SourceAnswer({s: None if s in NOBODY else said._replace(identifiers={"UIN": s.value}) for s in request.subjects})  # fmt: skip


class Country:
    """One registry, the calls to it, and time that stands still for the cache."""

    def __init__(self, *, is_open=False, max_late=4, late_grace_s=60.0, max_age_s=3600.0, **changes):
        self.clock = StillClock(NOW)
        self.registry = HeldRegistry(**changes)
        if is_open:
            self.registry.open.set()
        self.cache = MemoryCache(KEY, 10_000_000, self.clock.monotonic)
        self.calls = Calls(
            Registries([Registry(self.registry.manifest, cast("Guarded", self.registry))]),
            self.cache,
            self.clock,
            max_age_s=max_age_s,
            max_stale_s=3600.0,
            late_grace_s=late_grace_s,
            max_late=max_late,
        )

    async def ask(self, *subjects, names=AREA, terms=TERMS, deadline=NEVER):
        errand = self.calls.errand(LAND, subjects, names, terms, deadline, "t-1")
        await self.calls.carry_out(errand)
        if errand.defect is not None:
            raise errand.defect
        return errand

    def start(self, *subjects, **more):
        return asyncio.create_task(self.ask(*subjects, **more))

    @property
    def asked(self):
        return [[s.value[-1] for s in request.subjects] for request in self.registry.asked]

    @property
    def counts(self) -> Counts:
        return self.calls.counts()["land"]


async def settle():
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def hang_up(task):
    """Cancel a question and wait until it has gone."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whom_another_question_asks_about_is_not_asked_about_again():
    """The second question asks only about those whom the first one did not name; both hear about everybody."""
    country = Country()
    first = country.start(ASHA, JUMA)
    await settle()
    second = country.start(ASHA, NEEMA)
    await settle()
    country.registry.open.set()

    assert (await first).heard.keys() == {ASHA, JUMA}
    said = await second
    assert said.heard[ASHA].record == (await first).heard[ASHA].record
    assert said.heard[NEEMA].record is not None
    assert country.asked == [["1", "2"], ["3"]]
    assert ((await first).calls, said.calls, country.counts.joined) == (1, 1, 1)
    assert not country.calls.under_way


async def test_a_question_for_more_does_not_wait_for_one_for_less():
    """One for less hears no more than it asked for."""
    country = Country()
    tasks = [country.start(ASHA, names=names) for names in (AREA, BOTH, AREA)]
    await settle()
    country.registry.open.set()
    less, more, joined = [(await task).heard[ASHA].record.values.keys() for task in tasks]

    assert (less, more, joined) == (AREA, BOTH, AREA)
    assert [r.names for r in country.registry.asked] == [AREA, BOTH]


async def test_a_leader_that_leaves_cancels_nobody_else_s_call():
    """Nor does a follower; the last one to leave takes the call along, and nothing stays behind."""
    country = Country()
    leader, follower = country.start(ASHA), country.start(ASHA)
    await settle()
    await hang_up(leader)
    await settle()
    third = country.start(ASHA)
    await settle()
    await hang_up(follower)
    assert (country.registry.cancelled, len(country.asked)) == (0, 1)

    await hang_up(third)
    await settle()
    assert (country.registry.cancelled, country.calls.under_way) == (1, 0)


async def test_nobody_waits_for_a_call_that_was_given_up():
    """A question right after the hang-up asks anew."""
    country = Country()
    await settle()
    first = country.start(ASHA)
    await settle()
    first.cancel()
    second = country.start(ASHA)
    await settle()
    country.registry.open.set()

    assert (await second).heard[ASHA].record is not None
    assert len(country.asked) == 2


async def test_a_follower_with_more_time_is_not_served_the_leader_s_timeout():
    """The leader had little time; the follower asks again itself."""
    country = Country()
    leader = country.start(ASHA, deadline=Deadline.after(SHORT_S * 2))
    await settle()
    follower = country.start(ASHA)
    assert (await leader).heard[ASHA].reason is TIMEOUT
    await settle()
    country.registry.open.set()

    assert (await follower).heard[ASHA].record is not None
    assert len(country.asked) == 2


async def test_a_follower_with_less_time_leaves_at_its_own_deadline():
    """The leader's call goes on."""
    country = Country()
    leader = country.start(ASHA)
    await settle()
    assert (await country.ask(ASHA, deadline=Deadline.after(SHORT_S))).failed is TIMEOUT
    country.registry.open.set()

    assert (await leader).heard[ASHA].record is not None


async def test_a_failure_is_everybody_s_who_waits():
    """And it is not kept: the next question asks again."""
    country = Country()
    country.registry.failing = SourceUnavailableError("land", DOWN)
    tasks = [country.start(ASHA), country.start(ASHA)]
    await settle()
    country.registry.open.set()

    assert [(await task).heard[ASHA].reason for task in tasks] == [DOWN, DOWN]
    country.registry.failing = None
    assert (await country.ask(ASHA)).heard[ASHA].record is not None


NIGHTS = Hours(timezone="UTC", windows=(Window(days=WEEKDAYS, opens="00:00", closes="05:00"),))
"""Of a registry that is open at night only; NOW is a day."""


@pytest.mark.parametrize(
    ("error", "hours", "reason", "until"),
    [
        (SourceUnavailableError("land", DOWN), NIGHTS, UnavailableReason.SOURCE_CLOSED, True),
        (SourceUnavailableError("land", TIMEOUT), NIGHTS, UnavailableReason.SOURCE_CLOSED, True),
        (SourceUnavailableError("land", DOWN), None, DOWN, False),
        (SourceUnavailableError("land", UnavailableReason.SOURCE_BUSY), NIGHTS, UnavailableReason.SOURCE_BUSY, False),
        (SourceRefusedError("land"), NIGHTS, UnavailableReason.SOURCE_REFUSED, False),
    ],
)
async def test_silence_outside_its_hours_says_when_a_registry_opens(error, hours, reason, until):
    """One that answers then, be it with an error, is not closed."""
    country = Country(is_open=True, hours=hours)
    country.registry.failing = error

    heard = (await country.ask(ASHA)).heard[ASHA]

    assert heard.reason is reason
    tomorrow = (NOW + timedelta(days=1)).date()
    assert heard.until == (f"{tomorrow}T00:00:00+00:00" if until else None)


async def test_too_little_time_outside_its_hours_is_closed_too():
    """The question's own deadline ends it."""
    errand = await Country(hours=NIGHTS).ask(ASHA, deadline=Deadline.after(SHORT_S))

    assert errand.heard[ASHA].reason is errand.failed is UnavailableReason.SOURCE_CLOSED


async def test_a_registry_that_answers_outside_its_hours_is_heard():
    """Hours are no ban."""
    errand = await Country(is_open=True, hours=NIGHTS).ask(ASHA)

    assert errand.heard[ASHA].record is not None


async def test_a_defect_is_raised_at_everybody_who_waits():
    """It is not taken for an outage."""
    country = Country()
    country.registry.failing = ZeroDivisionError()
    tasks = [country.start(ASHA), country.start(ASHA)]
    await settle()
    country.registry.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(r) for r in results] == [ZeroDivisionError, ZeroDivisionError]


async def test_every_batch_is_waited_for_by_whom_it_serves():
    """Somebody in a full batch of another question need not be asked about, whoever else is in it."""
    country = Country(batch=2)
    first = country.start(ASHA, JUMA, NEEMA)
    await settle()
    second = country.start(NEEMA)
    await settle()
    country.registry.open.set()

    assert (await second).heard[NEEMA].record is not None
    assert len((await first).heard) == 3
    assert country.asked == [["1", "2"], ["3"]]


async def test_a_past_day_is_neither_kept_nor_shared():
    """What was so then is no answer to what is so now."""
    country = Country()
    past = country.start(ASHA, terms=TERMS._replace(as_of=date(2025, 1, 1)))
    await settle()
    now = country.start(ASHA)
    await settle()
    country.registry.open.set()
    await asyncio.gather(past, now)

    assert [r.as_of for r in country.registry.asked] == [date(2025, 1, 1), None]
    await country.ask(ASHA, terms=TERMS._replace(as_of=date(2025, 1, 1)))
    assert len(country.asked) == 3


# -- late answers


async def test_a_late_answer_serves_the_next_question():
    """Where the manifest keeps late answers, a call goes on after the deadline of the last question that waited."""
    country = Country(limits=Limits(keep_late=True))
    late = await country.ask(ASHA, deadline=Deadline.after(SHORT_S))
    assert (late.heard[ASHA].reason, country.calls.under_way, country.counts.late) == (TIMEOUT, 1, 1)
    country.registry.open.set()
    await settle()

    said = await country.ask(ASHA)
    assert said.heard[ASHA].provenance.cached
    assert (len(country.asked), country.calls.under_way) == (1, 0)


async def test_a_question_may_wait_for_a_late_call_and_leave_it_again():
    """The call stays what it was: one that goes on for the cache."""
    country = Country(limits=Limits(keep_late=True))
    await country.ask(ASHA, deadline=Deadline.after(SHORT_S))
    second = country.start(ASHA)
    await settle()
    await hang_up(second)
    third = country.start(ASHA)
    await settle()
    country.registry.open.set()

    assert (await third).heard[ASHA].record is not None
    assert len(country.asked) == 1


async def test_elsewhere_a_late_call_is_given_up():
    """The registry hears nothing of it any more."""
    country = Country()
    await country.ask(ASHA, deadline=Deadline.after(SHORT_S))
    await settle()

    assert country.calls.under_way == 0


async def test_a_hang_up_keeps_no_call_alive():
    """Only a deadline does."""
    country = Country(limits=Limits(keep_late=True))
    task = country.start(ASHA)
    await settle()
    await hang_up(task)
    await settle()

    assert (country.registry.cancelled, country.calls.under_way) == (1, 0)


async def test_late_calls_are_bounded_in_number_and_time():
    """One more than allowed is given up; those that go on end with the grace."""
    country = Country(limits=Limits(keep_late=True), max_late=1, late_grace_s=SHORT_S)
    await asyncio.gather(*(country.ask(s, deadline=Deadline.after(SHORT_S)) for s in (ASHA, JUMA)))
    await settle()
    assert (country.registry.cancelled, country.counts.late) == (1, 1)

    (task,) = country.calls._tasks
    await task
    assert country.calls.under_way == 0
    assert not country.calls._late


async def test_closing_ends_what_is_late():
    """And waits until it has ended."""
    country = Country(limits=Limits(keep_late=True))
    await country.ask(ASHA, deadline=Deadline.after(SHORT_S))
    await country.calls.close()

    assert (country.registry.cancelled, country.calls.under_way) == (1, 0)


# -- the brief cache


async def test_that_nobody_is_held_has_a_shorter_life():
    """A record of the same age is still served."""
    country = Country(is_open=True, negative_cache_s=10)
    await country.ask(ASHA, JUMA)
    country.clock.move(9)
    assert (await country.ask(ASHA, JUMA)).cached == 2
    country.clock.move(2)

    said = await country.ask(ASHA, JUMA)
    assert (said.cached, country.asked) == (1, [["1", "2"], ["2"]])
    assert (country.counts.hits, country.counts.misses) == (3, 3)


@pytest.mark.parametrize(
    ("changes", "terms"),
    [({"cache_s": 60}, TERMS), ({"max_age_s": 60}, TERMS), ({}, Terms(60.0))],
    ids=["manifest", "gateway", "agreement"],
)
async def test_the_shortest_life_counts(changes, terms):
    """Of manifest, gateway and agreement."""
    country = Country(is_open=True, **changes)
    await country.ask(ASHA, terms=terms)
    country.clock.move(59)
    assert (await country.ask(ASHA, terms=terms)).cached == 1
    country.clock.move(2)
    assert (await country.ask(ASHA, terms=terms)).cached == 0


async def test_a_forgotten_person_is_asked_about_anew():
    """Nor does a question wait for a call made before, whose answer is given to its own question and not kept."""
    country = Country()
    before = country.start(ASHA)
    await settle()
    await country.calls.forget([ASHA])
    after = country.start(ASHA)
    await settle()
    assert len(country.asked) == 2
    country.registry.open.set()

    assert (await before).heard[ASHA].record is not None
    assert (await after).heard[ASHA].record is not None
    await country.calls.forget([ASHA])
    assert (await country.ask(ASHA)).cached == 0


async def test_what_was_asked_before_a_person_was_forgotten_is_not_kept():
    """Although its answer comes afterwards."""
    country = Country()
    before = country.start(ASHA)
    await settle()
    await country.calls.forget([ASHA])
    country.registry.open.set()
    await before

    assert len(country.cache) == 0


async def test_nothing_that_was_under_way_fills_a_cleared_cache():
    """Calls that went on for the cache alone are given up."""
    country = Country(limits=Limits(keep_late=True))
    await country.ask(ASHA, deadline=Deadline.after(SHORT_S))
    other = country.start(JUMA)
    await settle()
    await country.calls.clear()
    country.registry.open.set()
    await other

    assert (country.registry.cancelled, len(country.cache)) == (1, 0)


# -- old answers in an outage

STALE = Terms(max_age_s=60.0, stale_if_error_s=600.0)


async def old_answer(failing, *, terms=STALE, asked=STALE, seconds=120.0):
    """What is said of Asha and Juma, asked about once and again after some time, when the registry fails."""
    country = Country(is_open=True)
    await country.ask(ASHA, JUMA, terms=asked)
    country.clock.move(seconds)
    country.registry.failing = failing
    return await country.ask(ASHA, JUMA, terms=terms), country


async def test_where_the_agreement_allows_it_an_old_record_stands_in_labelled():
    """With the time it is from; that somebody was not held then is no answer now."""
    said, country = await old_answer(SourceUnavailableError("land", DOWN))

    provenance = said.heard[ASHA].provenance
    assert (provenance.cached, provenance.stale, provenance.retrieved_at) == (True, True, NOW)
    assert said.heard[JUMA].reason is DOWN
    assert (said.failed, said.has_answered, said.cached, country.counts.stale) == (DOWN, True, 1, 1)


async def test_a_registry_that_answers_is_preferred_to_what_is_old():
    """Nothing is stale then."""
    said, country = await old_answer(None)

    assert not said.heard[ASHA].provenance.stale
    assert len(country.asked) == 2


@pytest.mark.parametrize("error", [SourceRefusedError("land"), SourceContractError("land")])
async def test_a_registry_that_refuses_or_breaks_its_promise_is_not_out(error):
    """Then nothing old stands in."""
    said, _ = await old_answer(error)

    assert said.heard[ASHA].record is None
    assert said.heard[ASHA].reason is error.reason


@pytest.mark.parametrize(
    ("terms", "asked", "seconds"),
    [(Terms(60.0), STALE, 120), (STALE, Terms(60.0), 120), (STALE, STALE, 661)],
    ids=["not allowed here", "not kept for it", "too old"],
)
async def test_nothing_old_stands_in_otherwise(terms, asked, seconds):
    """The agreement decides, of the question that is answered and of the one for which it was kept."""
    said, _ = await old_answer(SourceUnavailableError("land", DOWN), terms=terms, asked=asked, seconds=seconds)

    assert said.heard[ASHA].reason is DOWN


async def test_an_old_record_stands_in_for_one_that_comes_too_late():
    """A deadline is an outage like any other."""
    country = Country(is_open=True, limits=Limits(keep_late=True))
    await country.ask(ASHA, terms=STALE)
    country.clock.move(120)
    country.registry.open.clear()

    assert (await country.ask(ASHA, terms=STALE, deadline=Deadline.after(SHORT_S))).heard[ASHA].provenance.stale
    await country.calls.close()


async def test_calls_over_other_registries_share_what_is_the_same():
    """A registry that stays keeps its calls under way; whoever is forgotten here is forgotten there."""
    country = Country()
    other = country.calls.over(Registries([Registry(country.registry.manifest, cast("Guarded", country.registry))]))
    first = country.start(ASHA)
    second = asyncio.create_task(other.carry_out(errand := other.errand(LAND, [ASHA], AREA, TERMS, NEVER, "t-2")))
    await settle()
    assert country.asked == [["1"]]
    assert other.under_way == country.calls.under_way == 1
    await other.forget([ASHA])
    country.start(ASHA)
    await settle()
    assert country.asked == [["1"], ["1"]]
    country.registry.open.set()
    await asyncio.gather(first, second)
    assert errand.heard[ASHA].record is not None


@pytest.mark.parametrize("change", [{"version": "9.0"}, {"title": "The same version, in a file of the folders"}])
async def test_calls_by_another_manifest_share_nothing_that_is_kept(change):
    """What one mapped does not serve the other, though a canary may bear the version that a file was given since."""
    country = Country(is_open=True)
    await country.ask(ASHA)
    newer = HeldRegistry()
    newer.manifest = newer.manifest.model_copy(update=change)
    newer.open.set()
    other = country.calls.over(Registries([Registry(newer.manifest, cast("Guarded", newer))]))
    await other.carry_out(errand := other.errand(LAND, [ASHA], AREA, TERMS, NEVER, "t-2"))
    assert (len(newer.asked), errand.cached) == (1, 0)
    await country.ask(ASHA)
    await other.carry_out(other.errand(LAND, [ASHA], AREA, TERMS, NEVER, "t-3"))

    assert (country.asked, len(newer.asked)) == ([["1"]], 1)


async def test_nobody_is_forgotten_on_the_word_of_a_shadow():
    """It may say of anybody that they have died; what is kept for the answers stays."""
    country = Country(is_open=True)
    await country.ask(ASHA)
    beside = country.calls.over(
        Registries([Registry(country.registry.manifest, cast("Guarded", country.registry))]), is_beside=True
    )

    assert await beside.forget([ASHA]) == 0
    await country.ask(ASHA)
    assert country.asked == [["1"]]
    assert await country.calls.forget([ASHA]) == 1
