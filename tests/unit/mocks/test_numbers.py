"""Numbers: well formed, unique, given to whom they belong."""

import re
from random import Random

import pytest

from mocks.numbers import fresh
from mocks.places import LOCALITIES, REGIONS
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country

SHAPES = {
    "uin": r"[1-9]\d{9}",
    "second_uin": r"[1-9]\d{9}",
    "brn": r"B(19|20)\d\d-\d{6}",
    "drn": r"D(19|20)\d\d-\d{6}",
    "tin": r"T\d{8}",
    "learner_number": r"L\d{7}",
    "patient_number": r"PT\d{7}",
    "member_id": r"SM\d{7}",
    "phone": r"\+999\d{9}",
    "email": r"[a-z.]+\d+@mail\.example",
    "language": r"eng|qa[a-d]",
}


@pytest.mark.parametrize("field", SHAPES)
def test_numbers_are_well_formed(field):
    """Every number has the shape its registry promises."""
    values = [value for p in country().people if (value := getattr(p, field)) is not None]

    assert values
    assert [v for v in values if not re.fullmatch(SHAPES[field], v)] == []


@pytest.mark.parametrize("field", ["uin", "brn", "drn", "tin", "learner_number", "patient_number", "member_id"])
def test_numbers_are_unique(field):
    """No two people bear one number."""
    values = [value for p in country().people if (value := getattr(p, field)) is not None]

    assert len(values) == len(set(values))


def test_second_numbers_are_nobody_elses():
    """The second number of a double registration is no first number."""
    people = country(1500).people
    second = {p.second_uin for p in people if p.second_uin}

    assert second
    assert second.isdisjoint({p.uin for p in people})


def test_numbers_tell_the_year():
    """Birth, death and marriage numbers carry the year of the event."""
    for person in country().people:
        assert person.brn is None or person.brn[1:5] == str(person.birth_date.year)
        died = person.death_date
        assert (person.drn or "")[1:5] == ("" if died is None else str(died.year))
        assert all(not m.mrn or re.fullmatch(rf"M{m.start.year}-\d{{6}}", m.mrn) for m in person.marriages)


def test_marriages_are_found_by_number():
    """The index of marriages leads to wife and husband, who both bear the number."""
    population = country()

    for number, (wife, husband) in population.marriages_by_mrn.items():
        assert population.people[wife].sex == "female"
        for one, other in ((wife, husband), (husband, wife)):
            assert any(m.mrn == number and m.spouse == other for m in population.people[one].marriages)


def test_numbers_follow_from_lives():
    """Tax file, chart, death and schooling bring their number, and nothing else does."""
    for person in country().people:
        assert (person.tin is None) == (person.tax is None)
        assert (person.patient_number is None) == (person.chart is None)
        assert (person.drn is None) == (person.death_date is None)
        if person.learner_number is not None:
            assert person.schooling is not None
            assert person.birth_date.year > 1990
        elif person.schooling is not None and person.birth_date.year > 1990:
            assert person.index in _numberless(country())


def test_household_numbers_are_well_formed():
    """Registered households have one or two HOUSEHOLD_IDs that lead back to them, the others none."""
    population = country()
    for household in population.households:
        ids = population.registered_ids(household.index)
        assert (not ids) == (household.household_id is None)
        assert all(re.fullmatch(r"HH-\d{6}", number) for number in ids)
        assert all(population.households_by_id[number] == [household.index] for number in ids)

    assert len(population.households_by_id) == sum(
        len(population.registered_ids(h.index)) for h in population.households
    )


def test_parcel_numbers_are_unique():
    """Each parcel has a number of its own."""
    numbers = [parcel.parcel_id for parcel in country().parcels]

    assert len(numbers) == len(set(numbers))
    assert all(re.fullmatch(r"P-\d{6}", number) for number in numbers)


def test_fresh_numbers_avoid_those_taken():
    """A number is drawn again until it is free."""
    taken = {f"X{n}" for n in range(1, 9)}

    assert fresh(Random(1), taken, "X", 1) == "X9"


def test_addresses_use_the_codes_of_the_country():
    """Regions are PV-1 to PV-4, districts lie in their region, localities have one name each."""
    assert [region.code for region in REGIONS] == ["PV-1", "PV-2", "PV-3", "PV-4"]
    assert len({place.name for place in LOCALITIES}) == len(LOCALITIES)
    for household in country().households:
        assert re.fullmatch(r"PV-[1-4]", household.address.region)
        assert re.fullmatch(household.address.region + r"\d\d", household.address.district)


def test_enough_people_are_known_to_have_been_born():
    """All who were ever registered have a date of registration between birth and the reference date."""
    for person in country().people:
        assert (person.brn is None) == (person.birth_registered_on is None)
        if person.birth_registered_on is not None:
            assert person.birth_date <= person.birth_registered_on <= REFERENCE_DATE


def _numberless(population):
    return {
        p.index
        for p in population.people
        if p.uin is None and p.brn is None and (REFERENCE_DATE - p.birth_date).days >= 6574
    }
