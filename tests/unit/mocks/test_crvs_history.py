"""Civil registration as of a past day: computed from the dates of the events."""

from datetime import date, timedelta

import pytest

from mocks.crvs import CrvsRegistry, marital_status
from mocks.dci_query import RefusedItemError
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country

POPULATION = country()
REGISTRY = CrvsRegistry(POPULATION, {"CLIENT_ID": "c", "CLIENT_SECRET": "s"})
KIND = REGISTRY.kinds["person"]
DAY = timedelta(days=1)


def on(person, day):
    """What the register tells of somebody on a day."""
    assert KIND.record_on is not None
    return KIND.record_on(person, day)


def found(person, day):
    """The records of one item that asks about a day."""
    criteria = {"query_type": "idtype-value", "query": {"type": "BRN", "value": person.brn}, "pv:as_of": day}
    stated = {"reference_id": "r", "timestamp": "2026-01-01T00:00:00+00:00", "search_criteria": criteria}
    (outcome,) = REGISTRY.outcomes([stated])
    return (
        outcome if isinstance(outcome, RefusedItemError) else REGISTRY._item(stated, outcome, "")["data"]["reg_records"]
    )


def registered(fits):
    """The first person whose birth was registered and who fits."""
    return next(one for one in POPULATION.people if REGISTRY.holds(one) and fits(one))


def test_today_is_the_last_of_the_past_days():
    """Of everybody, the record as of the country's own day is the record."""
    assert all(on(one, REFERENCE_DATE) == KIND.record(one) for one in KIND.everybody())


def test_nobody_is_known_before_being_born():
    """Neither by the number, nor among the children of a parent."""
    child = registered(lambda one: one.mother is not None and REGISTRY.holds(POPULATION.people[one.mother]))
    mother = POPULATION.people[child.mother]
    born = child.birth_date

    def children(day):
        told = on(mother, day)["pv:children"]
        return {n["identifier_value"] for one in told for n in one["identifier"] if n["identifier_type"] == "BRN"}

    assert found(child, (born - DAY).isoformat()) == []
    assert len(found(child, born.isoformat())) == 1
    assert child.brn not in children(born - DAY)
    assert child.brn in children(born)


def test_the_dead_were_alive_until_they_died():
    """With spouse, and without date or number of the death; so they are in the records of their children."""
    dead = registered(
        lambda one: (
            one.death_date
            and one.marriages
            and any(m.ended_by == "death" and m.end == one.death_date for m in one.marriages)
        )
    )
    before, after = on(dead, dead.death_date - DAY), on(dead, dead.death_date)

    assert (before["pv:vital_status"], after["pv:vital_status"]) == ("alive", "dead")
    assert "death_date" not in before
    assert "DRN" not in {one["identifier_type"] for one in before["identifier"]}
    assert "pv:spouse" not in after
    assert marital_status(dead, dead.death_date - DAY) == marital_status(dead, dead.death_date) == "M"
    widowed = POPULATION.people[next(m.spouse for m in dead.marriages if m.end == dead.death_date)]
    assert marital_status(widowed, dead.death_date - DAY) == "M"
    assert marital_status(widowed, dead.death_date) == "W"


def test_a_parents_death_shows_from_its_day_on():
    """On the record of the child."""
    child = registered(
        lambda one: (
            one.mother is not None
            and REGISTRY.holds(mother := POPULATION.people[one.mother])
            and mother.death_date is not None
            and mother.death_date > one.birth_date
        )
    )
    died = POPULATION.people[child.mother].death_date

    assert on(child, died - DAY)["pv:parent1_vital_status"] == "alive"
    assert on(child, died)["pv:parent1_vital_status"] == "dead"


def test_a_marriage_counts_from_its_day_to_its_end():
    """Before it nobody was married, after a divorce both are divorced."""
    parted = registered(lambda one: len(one.marriages) == 1 and one.marriages[0].ended_by == "divorce")
    (marriage,) = parted.marriages
    assert marriage.end is not None

    told = [on(parted, day) for day in (marriage.start - DAY, marriage.start, marriage.end - DAY, marriage.end)]

    assert [one["marital_status"] for one in told] == ["S", "M", "M", "D"]
    assert [len(one["marriage_date"]) for one in told] == [0, 1, 1, 1]
    assert [len(one["divorce_date"]) for one in told] == [0, 0, 0, 1]
    assert ["pv:spouse" in one for one in told] == [False, True, True, False]


@pytest.mark.parametrize("day", ["yesterday", "2024-02-30", 20240101, (date(2026, 10, 1)).isoformat()])
def test_only_a_past_day_is_a_day(day):
    """Anything else is refused, the days to come included."""
    outcome = found(registered(lambda _: True), day)

    assert isinstance(outcome, RefusedItemError)
    assert outcome.code == "rjct.search_criteria.invalid"
