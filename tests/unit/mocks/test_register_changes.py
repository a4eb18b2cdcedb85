"""What happens to people later is told by the registers from then on: certificates, farms, job seekers, enrolments."""

from datetime import date

import pytest

from mocks.beneficiary import BeneficiaryRegistry
from mocks.disability import DisabilityRegistry
from mocks.employment import EmploymentRegistry
from mocks.farmer import FarmerRegistry
from mocks.population import build

LATER = date(2026, 11, 5)


@pytest.fixture
def population():
    """Return a country whose day has moved on."""
    grown = build(60, 3)
    grown.today = date(2026, 12, 1)
    return grown


def opened(kind, population):
    """Return a register, and somebody living with a number whom it does not know."""
    registry = kind(population, kind.new_credentials())
    fits = (
        one
        for one in population.people
        if one.uin and not one.second_uin and one.death_date is None and one.birth_date.year < 1990
    )
    return registry, next(one for one in fits if not registry.holds(one))


def told(registry, person, entity=None):
    """Return a person's only record."""
    kind = registry.kinds[entity or registry.default_entity]
    (one,) = kind.by_number["UIN"](person.uin)
    return kind.record(one)


def test_somebody_is_certified(population):
    """From that day on; who had a file has a new one under the same number."""
    registry, person = opened(DisabilityRegistry, population)
    registry.register(person, LATER)
    known = next(one.person for one in registry.roll.entries if one.uin and one.person is not person)
    number = registry.roll.of(known)[0].number
    registry.register(known, LATER)

    assert registry.holds(person)
    for one in (person, known):
        record = told(registry, one)
        assert (record["disability_status"], record["registration_date"][:10]) == ("0", "2026-11-05")
    assert [one.number for one in registry.roll.of(known)] == [number]


def test_somebody_begins_to_farm(population):
    """With the fields they hold, or a plot that is in no cadastre; twice is once."""
    registry, person = opened(FarmerRegistry, population)
    first, second = registry.register(person, LATER), registry.register(person, LATER)
    fields = [population.parcels[place].use for place in population.parcels_of.get(person.index, ())]

    assert first is second
    assert len(told(registry, person)["farm_details"]) == max(1, sum(use in ("cropland", "pasture") for use in fields))


def test_somebody_comes_to_seek_work(population):
    """Then leaves the register, and is reinstated when they come again."""
    registry, person = opened(EmploymentRegistry, population)
    assert not registry.change(person, "3", LATER)
    registry.enrol(person, LATER)
    assert told(registry, person)["pv:enrolment_status"] == "1"
    assert registry.change(person, "3", date(2026, 11, 20))
    assert told(registry, person, "beneficiary")["status_change_date"] == ["2026-11-20"]
    registry.enrol(person, date(2026, 11, 25))

    assert told(registry, person)["pv:enrolment_status"] == "6"
    assert told(registry, person)["registration_date"][:10] == "2026-11-05"
    assert len(registry.roll.of(person)) == 1


def test_somebody_is_enrolled_and_suspended(population):
    """In a second programme too; the newest enrolment stands beside the person."""
    registry, person = opened(BeneficiaryRegistry, population)
    assert not registry.change(person, "CG-01", "4", LATER)
    registry.enrol(person, "CG-01", LATER)
    registry.enrol(person, "DA-03", date(2026, 11, 20))
    assert registry.change(person, "CG-01", "4", date(2026, 11, 25))
    record = told(registry, person)

    standing = {one["programme_identifier"]: one["enrollment_status"] for one in record["programme_identifier"]}
    assert standing == {"CG-01": "4", "DA-03": "1"}
    assert record["enrollment_date"] == "2026-11-20"
    registry.enrol(person, "CG-01", date(2026, 11, 28))
    assert told(registry, person)["programme_identifier"][0]["enrollment_status"] == "1"
    assert told(registry, person)["programme_identifier"][0]["status_change_date"] == ["2026-11-25", "2026-11-28"]
