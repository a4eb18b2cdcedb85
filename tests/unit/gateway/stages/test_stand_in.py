"""A lesser registry's word where a better one is silent: asked for only then, labelled, and nothing concluded from it."""

from math import ceil
from typing import NamedTuple

import pytest

from adapters.catalogue import Registries, Registry
from adapters.manifest import Manifest
from adapters.ports import GroupMember, Record
from adapters.terms import WEEKDAYS, Hours, Window
from adapters.transport.guard import Guarded
from gateway.stages.compose import Composer
from gateway.stages.derive import Deriver
from gateway.stages.plan import SILENCE, Planner
from gateway.wiring import silent_now
from standards.household import HouseholdProfile, Outcome
from standards.permit import PersonPermit
from standards.rules import BoundaryRule
from standards.states import AttributeState, Conflict, Unavailable, UnavailableReason, Value
from tests.builders import (
    ASHA,
    CATALOGUE,
    JUMA,
    MANIFESTS,
    NEVER,
    NOW,
    REGISTERED,
    VALUE,
    Truth,
    family,
    fetcher,
    lookup,
    permitting,
    small_manifest,
    uin,
)
from tests.fakes import InMemoryRegistry, in_memory

DOWN = UnavailableReason.SOURCE_DOWN
NATIONAL_ID, CRVS, SOCIAL = ("national_id", "identity"), ("crvs", "person"), ("social", "member")


class Asked(NamedTuple):
    """What became of a question, and how often each registry was called for it."""

    profile: HouseholdProfile
    calls: dict[str, int]

    def state(self, name: str, of: int = 0) -> AttributeState:
        """One attribute of one member; by default of the person asked about."""
        return self.profile.members[of].attributes[name]


async def ask(
    *names: str,
    failing: dict[tuple[str, str], UnavailableReason] | None = None,
    truth: Truth | None = None,
    manifests: list[Manifest] | None = None,
    rule: BoundaryRule | None = None,
    permit: PersonPermit | None = None,
    derived: str = "",
) -> Asked:
    """Ask about Asha."""
    connected = manifests or list(MANIFESTS.values())
    registries = in_memory(connected, truth or family(), failing=failing)
    plan = Planner(connected, CATALOGUE).plan(frozenset(names), "UIN", rule)
    gathered = await fetcher(registries).fetch(
        lambda _: plan,
        uin(ASHA),
        permitting(permit),
        max_age_s=3600.0,
        deadline=NEVER,
        transaction_id="t-1",
    )
    composer = Composer(connected, CATALOGUE, Deriver(CATALOGUE))
    profile = composer.compose(plan, gathered, frozenset({*names, derived} - {""}), NOW)
    return Asked(profile, {id_: len(r.asked) for id_, r in registries.items() if r.asked})


def changed(source: tuple[str, str], **values: object) -> Truth:
    """The family, with something else said about Asha by one registry."""
    truth = family()
    truth[source] = [
        r._replace(values={**r.values, **values}) if r.identifiers.get("UIN") == ASHA["UIN"] else r
        for r in truth[source]
    ]
    return truth


async def test_while_the_better_registry_is_heard_nobody_else_is_asked():
    """A step that stands in is not taken, and its registry counts as not asked."""
    asked = await ask("given_name")

    assert asked.calls == {"national_id": 1}
    assert asked.profile.sources["crvs"].outcome is Outcome.NOT_ASKED
    told = asked.state("given_name")
    assert isinstance(told, Value)
    assert told.value == "Asha"
    assert not told.provenance.stand_in


@pytest.mark.parametrize("reason", sorted(SILENCE - {UnavailableReason.IDENTIFIER_UNAVAILABLE}))
async def test_a_silent_registry_is_stood_in_for(reason):
    """With the value, its own source, and the label."""
    asked = await ask("given_name", failing={NATIONAL_ID: reason})
    state = asked.state("given_name")

    assert asked.calls == {"national_id": 1, "crvs": 1}
    assert isinstance(state, Value)
    assert (state.value, state.provenance.source_id, state.provenance.stand_in) == ("Asha", "crvs", True)
    assert asked.profile.sources["national_id"].outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("reason", sorted(set(UnavailableReason) - SILENCE - {UnavailableReason.NO_IDENTIFIER}))
async def test_a_registry_that_was_heard_is_not_stood_in_for(reason):
    """One that answers wrongly, or refuses, is no reason to listen to another."""
    asked = await ask("given_name", failing={NATIONAL_ID: reason})

    assert asked.state("given_name") == Unavailable(reason, "national_id")
    assert "crvs" not in asked.calls


async def test_a_closed_registry_is_stood_in_for_where_it_may_be_and_says_when_it_opens():
    """Closed at noon; what nobody stands in for is a hole with the hour at which to ask again."""
    nights = Hours(timezone="UTC", windows=(Window(days=WEEKDAYS, opens="01:00", closes="05:00"),))
    manifests = [
        m.model_copy(update={"hours": nights}) if m.id in {"national_id", "crvs"} else m for m in MANIFESTS.values()
    ]
    failing = {NATIONAL_ID: DOWN, CRVS: DOWN}

    named = await ask("given_name", failing={NATIONAL_ID: DOWN}, manifests=manifests)
    alive = await ask("vital_status", failing=failing, manifests=manifests)

    state = named.state("given_name")
    assert isinstance(state, Value)
    assert (state.provenance.source_id, state.provenance.stand_in) == ("crvs", True)
    opens = "2026-10-01T01:00:00+00:00"
    assert alive.state("vital_status") == Unavailable(UnavailableReason.SOURCE_CLOSED, "crvs", opens)
    assert alive.profile.sources["crvs"].reason is UnavailableReason.SOURCE_CLOSED


def test_closed_and_failing_registries_are_gone_round():
    """By their hours, at the moment of the question."""
    nights = Hours(timezone="UTC", windows=(Window(days=WEEKDAYS, opens="01:00", closes="05:00"),))
    manifests = [m.model_copy(update={"hours": nights if m.id == "tax" else None}) for m in MANIFESTS.values()]
    registries = Registries(Registry(m, Guarded(InMemoryRegistry(m, {}), m.limits)) for m in manifests)

    assert silent_now(registries, NOW) == {"tax"}
    registries["land"].guarded.is_suspended = True
    assert silent_now(registries, NOW.replace(hour=2)) == {"land"}


async def test_what_nobody_stands_in_for_stays_unknown():
    """The national ID platform knows who is dead, too; its word does not stand in."""
    asked = await ask("vital_status", "given_name", failing={CRVS: DOWN})

    assert asked.calls == {"crvs": 1, "national_id": 1}
    assert asked.state("vital_status") == Unavailable(DOWN, "crvs")
    assert isinstance(asked.state("given_name"), Value)


async def test_who_was_asked_anyway_stands_in_without_another_call():
    """The corroboration that came along is at hand."""
    asked = await ask("birth_date", "locality", failing={CRVS: DOWN})
    state = asked.state("birth_date")

    assert asked.calls == {"crvs": 1, "national_id": 1}
    assert isinstance(state, Value)
    assert (state.value, state.provenance.source_id, state.provenance.stand_in) == ("1990-02-01", "national_id", True)


async def test_the_best_of_several_stand_ins_is_shown_and_the_others_beside_it():
    """By rank; who differs is kept as evidence."""
    truth = changed(SOCIAL, given_name="Asa")
    asked = await ask("given_name", "vital_status", "is_disabled", failing={NATIONAL_ID: DOWN}, truth=truth)
    state = asked.state("given_name")

    assert isinstance(state, Conflict)
    assert (state.settled.value, state.settled.provenance.source_id) == ("Asha", "crvs")
    assert [(c.value, c.provenance.source_id) for c in state.differing] == [("Asa", "social")]


async def test_that_a_stand_in_has_nothing_is_no_answer():
    """An outage is never a "no": without a value to show, it stays unknown."""
    truth = family()
    truth[CRVS] = []
    asked = await ask("given_name", failing={NATIONAL_ID: DOWN}, truth=truth)

    assert asked.calls == {"national_id": 1, "crvs": 1}
    assert asked.state("given_name") == Unavailable(DOWN, "national_id")


async def test_nothing_is_derived_from_a_stand_in():
    """An age from a lesser register's date of birth could turn a yes into a no; it is unknown instead."""
    truth = changed(NATIONAL_ID, birth_date="2001-01-01")
    asked = await ask("birth_date", failing={CRVS: DOWN}, truth=truth, derived="age")
    state = asked.state("birth_date")

    assert isinstance(state, Value)
    assert state.value == "2001-01-01"
    assert asked.state("age") == Unavailable(UnavailableReason.INPUT_UNAVAILABLE, "crvs")


async def test_nobody_stands_in_whom_the_person_refused():
    """The permit of each person counts for every step."""
    permit = PersonPermit({"given_name": VALUE}, {}, frozenset({"crvs"}))
    asked = await ask("given_name", failing={NATIONAL_ID: DOWN}, permit=permit)

    assert asked.calls == {"national_id": 1}
    assert asked.state("given_name") == Unavailable(DOWN, "national_id")


async def test_only_those_are_asked_about_for_whom_it_was_silent():
    """A registry that fails for one batch is stood in for there, and nowhere else."""
    small = MANIFESTS["national_id"]
    small = small.model_copy(update={"lookups": tuple(k.model_copy(update={"batch": 1}) for k in small.lookups)})
    manifests = [small if m.id == small.id else m for m in MANIFESTS.values()]
    registries = in_memory(manifests, family())
    plain = registries["national_id"].fetch

    async def fails_for_juma(request, deadline):
        registries["national_id"].failing = {"identity": DOWN} if uin(JUMA) in request.subjects else {}
        return await plain(request, deadline)

    registries["national_id"].fetch = fails_for_juma  # type: ignore[method-assign]
    plan = Planner(manifests, CATALOGUE).plan(frozenset({"given_name"}), "UIN", REGISTERED)
    await fetcher(registries).fetch(
        lambda _: plan, uin(ASHA), permitting(), max_age_s=3600.0, deadline=NEVER, transaction_id="t-1"
    )

    assert [request.subjects for request in registries["crvs"].asked] == [(uin(JUMA),)]


async def test_a_stand_in_for_two_is_asked_for_what_is_missing_only():
    """What the registry that was heard has said is not asked for again."""
    held = {"best": "given_name", "born": "birth_date"}
    manifests = [small_manifest(id_, lookup(attributes=(name,)), authority={name: 1}) for id_, name in held.items()]
    both = lookup(attributes=("birth_date", "given_name"))
    manifests.append(small_manifest("second", both, stands_in_for=("birth_date", "given_name")))
    names = {"given_name": "Asha", "birth_date": "1990-02-01"}
    truth: Truth = {(m.id, "person"): [Record({"UIN": ASHA["UIN"]}, names)] for m in manifests}
    plan = Planner(manifests, CATALOGUE).plan(frozenset(names), "UIN", None)

    for silent, wanted in (({"born"}, ["birth_date"]), ({"born", "best"}, ["birth_date", "given_name"])):
        registries = in_memory(manifests, truth, failing={(id_, "person"): DOWN for id_ in silent})
        await fetcher(registries).fetch(
            lambda _: plan, uin(ASHA), permitting(), max_age_s=0, deadline=NEVER, transaction_id="t-1"
        )

        assert [sorted(request.names) for request in registries["second"].asked] == [wanted]


@pytest.mark.parametrize("members", [1, 99, 100, 101, 120])
async def test_a_crowd_is_asked_about_in_as_many_calls_as_the_batch_size_takes(members):
    """120 members at 50 a call are three calls, whatever the plan says, which knows no numbers of people."""
    numbers = [f"20000{n:05}" for n in range(members)]
    truth: Truth = {
        ("social", "group"): [
            Record(
                {"HOUSEHOLD_ID": "HH-9"},
                {},
                members=tuple(GroupMember("SELF" if n == numbers[0] else "OTH", {"UIN": n}) for n in numbers),
            )
        ],
        ("land", "holdings"): [Record({"UIN": n}, {"land_area_ha": 1.0}) for n in numbers],
    }
    rule = REGISTERED._replace(max_members=1000)
    registries = in_memory(MANIFESTS.values(), truth)
    plan = Planner(MANIFESTS.values(), CATALOGUE).plan(frozenset({"land_area_ha"}), "UIN", rule)
    await fetcher(registries).fetch(
        lambda _: plan,
        uin({"UIN": numbers[0]}),
        permitting(),
        max_age_s=3600.0,
        deadline=NEVER,
        transaction_id="t-1",
    )
    calls = [request.subjects for request in registries["land"].asked]

    assert len(calls) == ceil(members / MANIFESTS["land"].lookup("holdings").batch)
    assert sorted(s.value for subjects in calls for s in subjects) == numbers
