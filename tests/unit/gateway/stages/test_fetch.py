"""Walking a plan: who is asked about whom, when, and what is made of silence."""

import asyncio

import pytest

from adapters.ports import Deadline, Record, SourceAnswer
from gateway.cache import MemoryCache
from gateway.stages.fetch import Gathered, silence
from standards.household import Outcome, SourceOutcome
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.rules import BoundaryRule
from standards.states import UnavailableReason
from tests.builders import (
    ASHA,
    BIBI,
    HOUSEHOLD,
    JUMA,
    KEY,
    KIN,
    MANIFESTS,
    NEEMA,
    NEVER,
    NOW,
    PLANNER,
    REGISTERED,
    REGISTERED_OR_KIN,
    VALUE,
    family,
    fetcher,
    permitting,
    uin,
)
from tests.fakes import InMemoryRegistry, StillClock, in_memory

DOWN = UnavailableReason.SOURCE_DOWN
LAND = frozenset({"land_area_ha"})
INCOME = frozenset({"income_annual"})
REFUSED = PersonPermit({}, {})


def registries(truth=None, **changes) -> dict[str, InMemoryRegistry]:
    """Every registry, over the family."""
    return in_memory(MANIFESTS.values(), truth or family(), **changes)


async def gather(
    of: dict[str, InMemoryRegistry],
    names: frozenset[str] = LAND,
    subject: Identifier | None = None,
    rule: BoundaryRule | None = REGISTERED_OR_KIN,
    *,
    decide=None,
    cache=None,
    clock=None,
    max_age_s: float = 3600.0,
) -> Gathered:
    """Ask about Asha, unless somebody else is named."""
    who = subject or uin(ASHA)
    return await fetcher(of, cache, clock).fetch(
        lambda _: PLANNER.plan(names, who.type, rule),
        who,
        decide or permitting(),
        max_age_s=max_age_s,
        deadline=NEVER,
        transaction_id="t-1",
    )


def subjects(registry: InMemoryRegistry) -> list[list[str]]:
    """Whom a registry was asked about, call by call."""
    return [[s.value for s in request.subjects] for request in registry.asked]


async def test_everyone_in_the_household_is_asked_about_in_one_call():
    """However many they are; somebody without the number is not asked about."""
    of = registries()
    gathered = await gather(of)

    assert [p.relationship for p in gathered.people] == ["SELF", "SPS", "CHILD", "PRN"]
    assert subjects(of["land"]) == [[ASHA["UIN"], JUMA["UIN"], NEEMA["UIN"]]]
    assert gathered.people[3].heard["land", "holdings"].reason is UnavailableReason.NO_IDENTIFIER
    assert gathered.asked == 0


async def test_registries_get_the_transaction_and_the_names_wanted():
    """And nothing more is wanted than the plan says."""
    of = registries()
    await gather(of)

    assert {(r.names, r.transaction_id) for r in of["land"].asked} == {(LAND, "t-1")}
    assert of["crvs"].asked[0].names == {"birth_date"}


async def test_a_large_household_is_asked_about_in_batches():
    """No call names more people than the manifest allows."""
    small = MANIFESTS["land"].model_copy(
        update={"lookups": tuple(k.model_copy(update={"batch": 2}) for k in MANIFESTS["land"].lookups)}
    )
    of = registries() | {"land": InMemoryRegistry(small, {"holdings": family()["land", "holdings"]})}
    gathered = await gather(of)

    assert subjects(of["land"]) == [[ASHA["UIN"], JUMA["UIN"]], [NEEMA["UIN"]]]
    assert gathered.outcomes["land"] == SourceOutcome(Outcome.ANSWERED, calls=2)


@pytest.mark.parametrize(
    "number",
    [
        Identifier("BRN", "B1988-000002"),
        Identifier("TIN", "T00000002"),
        Identifier("MEMBER_ID", JUMA["MEMBER_ID"]),
        Identifier("UIN", JUMA["UIN"]),
    ],
)
async def test_whatever_number_is_asked_by_the_household_is_the_same(number):
    """The person asked about is found in the recorded group by every number that is known by then, and stands once."""
    of = registries()
    gathered = await gather(of, LAND | {"school_enrolled"}, number)

    assert [p.relationship for p in gathered.people] == ["SPS", "SELF", "CHILD", "PRN"]
    assert gathered.people[0].heard["crvs", "person"].record is not None
    assert gathered.people[0].heard["education", "learner"].record is None
    assert gathered.people[0].heard["education", "learner"].reason is None


async def test_a_household_number_leads_to_the_people_recorded():
    """Nobody of them was asked about, and the head comes first."""
    of = registries()
    gathered = await gather(of, LAND | {"poverty_score"}, HOUSEHOLD)

    assert gathered.asked is None
    assert [p.relationship for p in gathered.people] == ["SELF", "SPS", "CHILD", "PRN"]
    assert [r.names for r in of["social"].asked] == [frozenset(), {"poverty_score"}]
    assert not of["crvs"].asked


async def test_a_household_number_under_a_rule_of_kin_leads_to_the_head_s_kin():
    """The group only tells who the head is."""
    of = registries()
    gathered = await gather(of, LAND, HOUSEHOLD, KIN)

    assert [dict(p.identifiers).get("UIN") for p in gathered.people] == [ASHA["UIN"], JUMA["UIN"], NEEMA["UIN"]]
    assert gathered.unheard == ()


async def test_where_nothing_is_recorded_kin_are_asked_about():
    """Under both rules together, when the social registry knows no group."""
    truth = family() | {("social", "group"): []}
    gathered = await gather(registries(truth), INCOME)

    assert [p.relationship for p in gathered.people] == ["SELF", "SPS", "CHILD"]
    assert gathered.people[1].heard["tax", "taxpayer"].record is not None


async def test_a_number_that_a_registry_says_does_not_exist_means_no_record():
    """Where the manifest says so: whoever has no taxpayer number is no taxpayer."""
    gathered = await gather(registries(), INCOME)
    child = gathered.people[2].heard["tax", "taxpayer"]

    assert child.record is None
    assert child.reason is None
    assert child.provenance.source_id == "national_id"


async def test_a_number_whose_registry_is_silent_is_not_taken_for_missing():
    """The number may exist, so what hangs on it is unavailable; the grandmother is known to have none."""
    of = registries(failing={("national_id", "identity"): DOWN})
    gathered = await gather(of, INCOME)

    reasons = [p.heard["tax", "taxpayer"].reason for p in gathered.people]
    assert reasons == [UnavailableReason.IDENTIFIER_UNAVAILABLE] * 3 + [UnavailableReason.NO_IDENTIFIER]
    assert not of["tax"].asked


async def test_a_list_is_asked_by_the_number_that_all_its_lines_state():
    """A pensioner without a member number is paid under the number of another registry: where it is out, nobody knows."""
    paid = Record({"BENEFICIARY_ID": "BN1"}, {"payment_last_date": "2026-08-31"})
    truth = family() | {
        ("beneficiary", "enrolments"): [Record({"UIN": ASHA["UIN"], "BENEFICIARY_ID": "BN1"}, {})],
        ("payments", "payments"): [paid],
    }
    names = frozenset({"payment_last_date"})
    key = ("payments", "payments")

    asha, juma, *_ = (await gather(registries(truth), names)).people
    assert asha.heard[key].record == paid
    assert (juma.heard[key].record, juma.heard[key].reason) == (None, None)

    asha, *_ = (await gather(registries(truth, failing={("beneficiary", "enrolments"): DOWN}), names)).people
    assert asha.heard[key].reason is UnavailableReason.IDENTIFIER_UNAVAILABLE


async def test_a_silent_first_stretch_leaves_no_number_known_to_be_missing():
    """The national number that civil registration would have stated may exist."""
    of = registries(failing={("crvs", "person"): DOWN})
    gathered = await gather(of, LAND, Identifier("BRN", "B1990-000001"))

    assert gathered.people[0].heard["land", "holdings"].reason is UnavailableReason.IDENTIFIER_UNAVAILABLE
    assert gathered.unheard == ("social", "crvs")


async def test_nobody_is_asked_about_without_a_permit():
    """A member without one stays a member, and no registry hears of the number."""
    of = registries()
    gathered = await gather(of, decide=permitting(**{JUMA["UIN"]: REFUSED}))

    assert len(gathered.people) == 4
    assert subjects(of["land"]) == [[ASHA["UIN"], NEEMA["UIN"]]]
    assert gathered.people[1].heard == {}


async def test_a_refused_source_is_not_asked_about_that_person():
    """The other sources are."""
    of = registries()
    no_land = PersonPermit({"land_area_ha": VALUE}, {}, refused_sources=frozenset({"land"}))
    await gather(of, decide=permitting(**{JUMA["UIN"]: no_land}))

    assert subjects(of["land"]) == [[ASHA["UIN"], NEEMA["UIN"]]]


async def test_those_who_keep_back_different_things_are_asked_about_at_once():
    """In a message each, of which none waits for another: the last one has as much time as the first."""
    of = registries()
    of["crvs"].turns = 5
    plain, open_, most = of["crvs"].fetch, [], []

    async def counted(request, deadline):
        open_.append(request)
        most.append(len(open_))
        try:
            return await plain(request, deadline)
        finally:
            open_.remove(request)

    of["crvs"].fetch = counted  # type: ignore[method-assign]
    names = frozenset({"vital_status", "birth_place"})
    keeps = {
        number["UIN"]: PersonPermit({"vital_status": VALUE}, {}, refused_attributes={"crvs": frozenset({name})})
        for number, name in ((JUMA, "vital_status"), (NEEMA, "birth_place"))
    }
    await gather(of, names, rule=REGISTERED, decide=permitting(**keeps))

    asked = {s.value: names - r.names for r in of["crvs"].asked for s in r.subjects}
    assert asked == {ASHA["UIN"]: set(), JUMA["UIN"]: {"vital_status"}, NEEMA["UIN"]: {"birth_place"}}
    assert max(most) == 3


async def test_who_keeps_back_everything_wanted_is_not_asked_about():
    """Not even by a lookup that tells of kin, where no rule asks for them."""
    of = registries()
    keeps = PersonPermit({"given_name": VALUE}, {}, refused_attributes={"crvs": frozenset({"birth_place"})})
    await gather(of, frozenset({"birth_place"}), rule=REGISTERED, decide=permitting(**{JUMA["UIN"]: keeps}))

    assert subjects(of["crvs"]) == [[ASHA["UIN"], NEEMA["UIN"]]]


async def test_a_person_without_a_permit_stands_alone_and_nobody_is_asked():
    """The registries that would say who else there is are named, so that one is not taken for all."""
    of = registries()
    gathered = await gather(of, decide=permitting(REFUSED))

    assert not any(r.asked for r in of.values())
    assert [p.relationship for p in gathered.people] == [""]
    assert set(gathered.unheard) == {"social", "crvs"}


async def test_who_refuses_the_social_registry_is_not_taken_for_living_alone():
    """Kin stand in for the recorded group, and the list is marked as incomplete."""
    no_social = PersonPermit({"land_area_ha": VALUE}, {}, refused_sources=frozenset({"social"}))
    of = registries()
    gathered = await gather(of, decide=permitting(**{ASHA["UIN"]: no_social}))

    assert not of["social"].asked
    assert gathered.unheard == ("social",)
    assert [p.relationship for p in gathered.people] == ["", "", ""]


async def test_facts_of_a_household_wait_for_the_permit_of_its_head():
    """Without it, only who belongs to it was learned."""
    of = registries()
    await gather(of, frozenset({"poverty_score"}), HOUSEHOLD, REGISTERED, decide=permitting(REFUSED))

    assert [r.names for r in of["social"].asked] == [frozenset()]


async def test_a_failing_registry_stops_nobody_else():
    """What it was asked for has a reason, and so does its outcome."""
    of = registries(failing={("land", "holdings"): UnavailableReason.SOURCE_TIMEOUT})
    gathered = await gather(of, LAND | INCOME)

    assert gathered.people[0].heard["land", "holdings"].reason is UnavailableReason.SOURCE_TIMEOUT
    assert gathered.people[0].heard["tax", "taxpayer"].record is not None
    assert gathered.outcomes["land"] == SourceOutcome(Outcome.UNAVAILABLE, 1, 0, UnavailableReason.SOURCE_TIMEOUT)
    assert gathered.outcomes["health"] == SourceOutcome(Outcome.NOT_ASKED)
    assert not gathered.is_silence


async def test_a_registry_that_fails_now_and_then_is_heard_in_part():
    """One lookup answered, the other did not."""
    of = registries(failing={("social", "member"): DOWN})
    gathered = await gather(of, frozenset({"is_disabled"}))

    assert gathered.outcomes["social"] == SourceOutcome(Outcome.PARTIAL, 2, 0, DOWN)


async def test_a_registry_that_leaves_somebody_out_breaks_its_promise():
    """Silence about one subject is a fault of the registry, and takes no other registry along."""

    class Forgetful(InMemoryRegistry):
        async def fetch(self, request, deadline):
            answer = await super().fetch(request, deadline)
            return SourceAnswer(dict(list(answer.records.items())[1:]))

    of = registries() | {"land": Forgetful(MANIFESTS["land"], {"holdings": []})}
    gathered = await gather(of, LAND | INCOME)

    assert {p.heard["land", "holdings"].reason for p in gathered.people[:3]} == {UnavailableReason.SOURCE_CONTRACT}
    assert gathered.people[0].heard["tax", "taxpayer"].record is not None


async def test_silence_of_everybody_is_told_as_such():
    """Nothing at all is known then; the error names all who did not answer."""
    every = {(m.id, k.name): DOWN for m in MANIFESTS.values() for k in m.lookups}
    gathered = await gather(registries(failing=every))

    assert gathered.is_silence
    assert not gathered.is_nobody
    error = silence(gathered)
    assert (error.source_id, error.reason, error.until) == ("crvs, land, social", DOWN, None)


@pytest.mark.parametrize("subject", [Identifier("UIN", "9999999999"), Identifier("HOUSEHOLD_ID", "HH-999999")])
async def test_a_number_nobody_knows_is_nobody(subject):
    """Every registry answered, and none knows it."""
    gathered = await gather(registries(), LAND, subject)

    assert gathered.is_nobody
    assert not gathered.is_silence


async def test_a_number_is_nobody_s_only_when_everybody_answered():
    """While one registry is silent, it might know the person."""
    gathered = await gather(registries(failing={("land", "holdings"): DOWN}), LAND, Identifier("UIN", "9999999999"))

    assert not gathered.is_nobody
    assert not gathered.is_silence


async def test_a_step_starts_as_soon_as_what_it_waits_for_has_ended():
    """Tax is asked while land, slower than national ID, still ponders: there is no barrier between waves."""
    of = registries(turns={"land": 50})
    order: list[str] = []
    for registry in of.values():
        registry.fetch = _noting(registry, order)  # type: ignore[method-assign]
    await gather(of, LAND | INCOME)

    assert order.index("tax ended") < order.index("land ended")


def _noting(registry, order):
    plain = registry.fetch

    async def fetch(request, deadline):
        answer = await plain(request, deadline)
        order.append(f"{registry.manifest.id} ended")
        return answer

    return fetch


async def test_a_wave_leaves_time_for_the_waves_behind_it():
    """A registry gets no more of the time that is left than its share."""
    of = registries()
    given: dict[str, Deadline] = {}
    for id_, registry in of.items():
        registry.fetch = _timed(registry, id_, given)  # type: ignore[method-assign]
    whole = Deadline.after(1000.0)
    plan = PLANNER.plan(INCOME, "UIN", REGISTERED)
    await fetcher(of).fetch(
        lambda _: plan, uin(ASHA), permitting(), max_age_s=0.0, deadline=whole, transaction_id="t-1"
    )

    left = whole.left_s()
    assert given["social"].left_s() < left / 2.9
    assert given["national_id"].left_s() < left / 1.9
    assert given["tax"].at <= whole.at


def _timed(registry, id_, given):
    plain = registry.fetch

    async def fetch(request, deadline):
        given[id_] = deadline
        return await plain(request, deadline)

    return fetch


# -- the brief cache


async def ask_twice(clock: StillClock, seconds: float, first=LAND, second=LAND, **changes):
    """The registries after two questions, and the second answer."""
    of, cache = registries(), MemoryCache(KEY, 10_000_000, clock.monotonic)
    await gather(of, first, cache=cache, clock=clock)
    for registry in of.values():
        registry.asked.clear()
    clock.move(seconds)
    return of, await gather(of, second, cache=cache, clock=clock, **changes)


async def test_a_kept_record_spares_the_registry():
    """It says since when it is known, and that it was kept."""
    of, gathered = await ask_twice(StillClock(NOW), 20)

    assert not any(r.asked for r in of.values())
    provenance = gathered.people[0].heard["land", "holdings"].provenance
    assert (provenance.cached, provenance.retrieved_at) == (True, NOW)
    assert gathered.outcomes["land"] == SourceOutcome(Outcome.ANSWERED, 0, 3)


async def test_that_somebody_is_unknown_is_kept_too():
    """Juma holds no land, and the cadastre need not say so twice."""
    _, gathered = await ask_twice(StillClock(NOW), 20)

    assert gathered.people[1].heard["land", "holdings"].record is None
    assert gathered.people[1].heard["land", "holdings"].provenance.cached


@pytest.mark.parametrize(("seconds", "max_age_s"), [(301, 3600), (61, 60)])
async def test_a_record_older_than_a_question_takes_does_not_serve_it(seconds, max_age_s):
    """The gateway's own bound counts as well as the agreement's."""
    of, _ = await ask_twice(StillClock(NOW), seconds, max_age_s=max_age_s)

    assert of["land"].asked


async def test_a_record_asked_for_less_serves_no_question_for_more():
    """Otherwise what was not asked for would look absent."""
    of, gathered = await ask_twice(StillClock(NOW), 1, second=LAND | {"land_parcel_count"})

    assert of["land"].asked
    assert gathered.people[0].heard["land", "holdings"].record == Record(
        {"UIN": ASHA["UIN"]}, {"land_area_ha": 1.25, "land_parcel_count": 1}, "2024-01-01T00:00:00Z"
    )


async def test_a_record_asked_for_more_gives_only_what_is_asked_now():
    """A question learns the same, whether the cache was filled by itself or by a wider one."""
    of, gathered = await ask_twice(StillClock(NOW), 1, first=LAND | {"land_parcel_count"})

    assert not of["land"].asked
    record = gathered.people[0].heard["land", "holdings"].record
    assert record is not None
    assert record.values == {"land_area_ha": 1.25}


async def test_a_failure_is_not_kept():
    """The next question asks again."""
    clock = StillClock(NOW)
    cache = MemoryCache(KEY, 10_000_000, clock.monotonic)
    await gather(registries(failing={("land", "holdings"): DOWN}), cache=cache, clock=clock)
    gathered = await gather(registries(), cache=cache, clock=clock)

    assert gathered.people[0].heard["land", "holdings"].record is not None


async def test_a_kept_record_is_not_given_about_somebody_without_a_permit():
    """The permit comes first, the cache second."""
    _, gathered = await ask_twice(StillClock(NOW), 1, decide=permitting(**{JUMA["UIN"]: REFUSED}))

    assert gathered.people[1].heard == {}


async def test_people_are_decided_on_once_each():
    """The person asked about first, then whoever was found, with the numbers known by then."""
    asked: list[list[str]] = []

    async def decide(people):
        asked.append([p.get("UIN", p.get("MEMBER_ID", "")) for p in people])
        return [PersonPermit({"land_area_ha": VALUE}, {}) for _ in people]

    await gather(registries(), decide=decide)

    assert asked == [[ASHA["UIN"]], [JUMA["UIN"], NEEMA["UIN"], BIBI["MEMBER_ID"]]]


async def test_a_question_that_is_given_up_leaves_no_call_behind():
    """Cancelling the walk cancels the calls on their way."""
    of, begun = registries(), asyncio.Event()

    async def never_ending(request, deadline):
        begun.set()
        await asyncio.Event().wait()

    of["land"].fetch = never_ending  # type: ignore[method-assign]
    task = asyncio.ensure_future(gather(of))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {t for t in asyncio.all_tasks() if t is not asyncio.current_task()} == set()
