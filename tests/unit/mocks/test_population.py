"""The population as a whole: repeatable, complete, and the right size."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mocks.population import REFERENCE_DATE, build
from tests.unit.mocks.countries import country, digest

ROOT = Path(__file__).parents[3]


def test_the_same_numbers_give_the_same_country():
    """Two countries grown from the same households and seed agree in all that registries see."""
    assert digest(build(60, 3)) == digest(build(60, 3))


def test_another_seed_gives_another_country():
    """The seed decides who lives in the country."""
    assert digest(build(60, 3)) != digest(build(60, 4))


def test_a_country_does_not_depend_on_the_process():
    """Neither the hash seed of a process nor its time zone changes a country."""
    program = (
        "from tests.unit.mocks.countries import digest\nfrom mocks.population import build\nprint(digest(build(60, 3)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": zone},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }

    assert told == {digest(build(60, 3))}


@pytest.mark.parametrize("households", [12, 50, 400])
def test_a_country_has_exactly_the_households_asked_for(households):
    """Growing families never decide how many households there are."""
    assert len(country(households).households) == households


@pytest.mark.parametrize("households", [0, 11, 300_001])
def test_impossible_sizes_are_refused(households):
    """Too few households for the examples, or too many for the numbers, are an error at once."""
    with pytest.raises(ValueError, match="households"):
        build(households)


def test_indices_are_places():
    """A person's and a household's index is its place in the list."""
    population = country()

    assert [p.index for p in population.people] == list(range(len(population.people)))
    assert [h.index for h in population.households] == list(range(len(population.households)))


def test_every_living_person_lives_in_one_household():
    """Households hold each of the living once, and none of the dead."""
    population = country()
    housed = [(member, h.index) for h in population.households for member in h.members]

    assert len(housed) == len({member for member, _ in housed})
    assert {m for m, _ in housed} == {p.index for p in population.people if p.death_date is None}
    assert all(population.people[member].household == household for member, household in housed)


def test_the_dead_belong_to_a_household_too():
    """The dead are counted to a household that exists, and in the main to one where near kin of theirs lives."""
    population = country()
    dead = [p for p in population.people if p.death_date is not None]
    kin = sum(
        any(
            near in population.households[p.household].members
            for near in (*p.children, *(m.spouse for m in p.marriages), p.mother, p.father)
        )
        for p in dead
    )

    assert all(0 <= p.household < len(population.households) for p in dead)
    assert kin > 0.5 * len(dead)


def test_households_are_of_a_likely_size():
    """A household has about 4.7 living members in the mean."""
    population = country(1000)
    living = sum(len(h.members) for h in population.households)

    assert 4.3 < living / 1000 < 5.1


def test_all_generations_are_there():
    """Children, grown people and the old live in the country, in the shares of a young one."""
    ages = [(REFERENCE_DATE - p.birth_date).days / 365.25 for p in country(1000).people if p.death_date is None]

    assert 0.35 < sum(age < 18 for age in ages) / len(ages) < 0.55
    assert 0.03 < sum(age >= 65 for age in ages) / len(ages) < 0.1
    assert max(ages) < 106
    assert sum(age < 1 for age in ages) > 0


def test_nothing_happens_after_the_reference_date():
    """No birth, wedding, death, visit, dose, purchase or update lies in the future."""
    population = country()
    days: list[date | None] = []
    for person in population.people:
        days += [person.birth_date, person.death_date, person.birth_registered_on, person.updated_on]
        days += [d for m in person.marriages for d in (m.start, m.end)]
        if person.chart is not None:
            days += [*person.chart.visits, *(dose.given_on for dose in person.chart.doses)]
    days += [parcel.registered_on for parcel in population.parcels]
    days += [d for h in population.households for d in (h.registered_on, h.last_paid_on)]

    assert max(d for d in days if d is not None) <= REFERENCE_DATE


def test_nothing_happens_to_a_person_before_birth_or_after_death():
    """All that is recorded of a person lies within their life."""
    for person in country().people:
        days = [person.birth_registered_on, *(m.start for m in person.marriages)]
        if person.chart is not None:
            days += [*person.chart.visits, *(dose.given_on for dose in person.chart.doses)]
        known = [d for d in days if d is not None]
        assert min(known, default=person.birth_date) >= person.birth_date
        assert person.death_date is None or max(known, default=person.birth_date) <= person.death_date


def test_the_registry_index_leads_to_the_right_people():
    """Each number in the index is borne by the person it leads to, and each number borne is in it."""
    population = country()
    fields = {
        "UIN": "uin",
        "BRN": "brn",
        "DRN": "drn",
        "TIN": "tin",
        "LEARNER_NUMBER": "learner_number",
        "PATIENT_NUMBER": "patient_number",
        "MEMBER_ID": "member_id",
    }
    borne = {
        kind: {value: p.index for p in population.people if (value := getattr(p, name)) is not None}
        for kind, name in fields.items()
    }
    borne["UIN"] |= {p.second_uin: p.index for p in population.people if p.second_uin is not None}

    assert population.by_number == borne


def test_parcels_are_found_by_holder():
    """`parcels_of` is the other side of the holders of parcels."""
    population = country()

    assert {(place, holder) for place, parcel in enumerate(population.parcels) for holder in parcel.holders} == {
        (place, holder) for holder, places in population.parcels_of.items() for place in places
    }
