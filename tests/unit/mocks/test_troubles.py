"""Troubles: each strikes about as often as its table says, and only whom it can."""

import math

import pytest

from mocks.population import REFERENCE_DATE
from mocks.troubles import RATES
from tests.unit.mocks.countries import country

REGISTRIES = ("crvs", "social", "national_id", "tax", "education", "health")


@pytest.fixture(scope="module")
def population():
    """Return a country large enough for rare troubles."""
    return country(1500)


def of(share, hit, total):
    """Tell whether `hit` of `total` is a likely outcome at a rate: four standard deviations at most."""
    return abs(hit - share * total) <= 4 * math.sqrt(total * share * (1 - share)) + 1


def adults(population):
    """Return the living from eighteen up who are no one's example."""
    return [
        p
        for p in population.people
        if p.death_date is None
        and (REFERENCE_DATE - p.birth_date).days >= 6576
        and p.index not in population.example_people
    ]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_spellings_drift(population, registry):
    """Each registry spells about three of a hundred names its own way, always the same way."""
    others = [p for p in population.people if p.index not in population.example_people]
    drifted = [p for p in others if population.spelling(registry, p.index) != (p.given_name, p.second_name, p.surname)]

    assert of(RATES.drifting_spelling, len(drifted), len(others))
    assert all(all(population.spelling(registry, p.index)[::2]) for p in drifted)
    assert population.spelling(registry, drifted[0].index) == population.spelling(registry, drifted[0].index)


def test_registries_drift_apart(population):
    """Registries err on different people."""
    wrong = {
        registry: {
            p.index
            for p in population.people
            if population.spelling(registry, p.index) != (p.given_name, p.second_name, p.surname)
        }
        for registry in ("crvs", "tax")
    }

    assert len(wrong["crvs"] & wrong["tax"]) < 0.2 * len(wrong["crvs"])


def test_some_births_are_never_registered(population):
    """About four of a hundred children have no BRN; some older ones have a UIN all the same."""
    children = [
        p
        for p in population.people
        if p.death_date is None
        and (REFERENCE_DATE - p.birth_date).days < 6574
        and p.index not in population.example_people
    ]
    unregistered = [p for p in children if not population.in_crvs(p.index)]

    assert of(RATES.unregistered_birth, len(unregistered), len(children))
    assert any(p.uin for p in unregistered)
    assert not all(p.uin for p in unregistered)
    assert all(p.brn is None for p in unregistered)


def test_some_people_have_no_number(population):
    """About two of a hundred adults are known to the social registry only, and by its number only."""
    without = [p for p in adults(population) if p.uin is None]

    assert 0.012 < len(without) / len(adults(population)) < 0.03
    for person in without:
        assert (person.brn, person.tin, person.learner_number, person.patient_number) == (None,) * 4
        assert (person.member_id is None) == (not population.registered_households(person.index))
        assert all(not m.mrn for m in person.marriages)


def test_registers_name_every_spouse(population):
    """Only the numberless, who married each other, have marriages without a number."""
    for person in population.people:
        for marriage in person.marriages:
            spouse = population.people[marriage.spouse]
            assert bool(marriage.mrn) == (person.brn is not None) == (spouse.brn is not None)


def test_some_dead_live_on_at_national_id(population):
    """About eight of a hundred dead are alive at national ID; the living always are."""
    dead = [
        p
        for p in population.people
        if p.death_date is not None and p.uin is not None and p.index not in population.example_people
    ]

    assert of(RATES.alive_at_national_id, sum(population.national_id_alive(p.index) for p in dead), len(dead))
    assert all(population.national_id_alive(p.index) for p in population.people if p.death_date is None)


def test_some_dead_stay_on_the_tax_rolls(population):
    """Some dead have an active file; the others' are closed."""
    dead = [p for p in population.people if p.death_date is not None and p.tax is not None]
    on_rolls = [p for p in dead if population.on_tax_rolls_though_dead(p.index)]

    assert of(RATES.dead_on_tax_rolls, len(on_rolls), len(dead))
    assert all((p.tax.status == "active") == (p in on_rolls) for p in dead)
    assert not any(population.on_tax_rolls_though_dead(p.index) for p in population.people if p.death_date is None)


def test_some_people_are_registered_twice_at_national_id(population):
    """About three adults of a thousand have a second UIN that finds them as well."""
    twice = [p for p in adults(population) if p.second_uin]

    assert of(RATES.double_registration, len(twice), len(adults(population)))
    assert all(population.by_number["UIN"][p.second_uin] == p.index for p in twice)


def test_some_learners_have_no_birth_number_at_school(population):
    """The education registry lacks the BRN of a few learners who have one."""
    learners = [p for p in population.people if p.learner_number and p.brn and p.uin]
    lost = [p for p in learners if population.learner_brn(p.index) is None]

    assert of(RATES.learner_without_brn, len(lost), len(learners))
    assert all(population.learner_brn(p.index) == p.brn for p in learners if p not in lost)


def test_some_households_are_not_registered(population):
    """About an eighth of the households is unknown to the social registry, and has no members there."""
    unknown = [h for h in population.households if h.household_id is None]

    assert of(RATES.unregistered_household, len(unknown), len(population.households) - len(population.casts))
    for household in unknown:
        assert population.registered_ids(household.index) == ()
        assert population.registered_members(household.index) == []
        assert household.programmes == []
        assert household.registered_on is None


def test_some_households_are_registered_twice(population):
    """A few households have two numbers."""
    registered = [ids for h in population.households if (ids := population.registered_ids(h.index))]
    twice = [ids for ids in registered if len(ids) == 2]

    assert twice
    assert of(RATES.registered_twice, len(twice), len(registered))


def test_some_addresses_are_stale(population):
    """About six of a hundred registered households live elsewhere than the social registry says."""
    registered = [h for h in population.households if h.household_id]
    moved = [h for h in registered if population.registered_address(h.index) != h.address]

    assert of(RATES.stale_address, len(moved), len(registered))


def test_some_lists_of_members_are_stale(population):
    """Some lists miss the newborn, others keep who moved out or died; the head is always first and right."""
    people, missing, gone, dead = population.people, 0, 0, 0
    for household in population.households:
        listed = population.registered_members(household.index)
        if not listed:
            continue
        assert listed[0] == household.head
        assert all(people[m].member_id and household.relationship[m] for m in listed)
        assert all(household.index in population.registered_households(m) for m in listed)
        missing += listed != household.members and set(listed) < set(household.members)
        gone += any(people[m].death_date is None and m not in household.members for m in listed)
        dead += any(people[m].death_date is not None for m in listed)

    assert missing > 3
    assert gone > 3
    assert dead >= 1
    assert missing + gone + dead < 1.5 * RATES.stale_membership * len(population.households)


def test_a_person_may_be_listed_in_two_households(population):
    """Who moved out is listed in the old and the new household, where both are registered."""
    counts = [len(population.registered_households(p.index)) for p in population.people]

    assert max(counts) == 2
    assert all(p.member_id is not None for p, count in zip(population.people, counts, strict=True) if count)
