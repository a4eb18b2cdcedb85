"""Families: kin ties mirror each other and agree with the dates of lives."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country

COUNTRIES = [(50, 1), (50, 2), (400, 7)]


@pytest.fixture(params=COUNTRIES, ids=str)
def population(request):
    """Return small and middling countries."""
    return country(*request.param)


def test_children_and_parents_mirror(population):
    """A person is among the children of both recorded parents, and only of them."""
    people = population.people
    for person in people:
        assert all(person.index in (people[c].mother, people[c].father) for c in person.children)
        assert len(set(person.children)) == len(person.children)
        for parent, sex in ((person.mother, "female"), (person.father, "male")):
            assert parent is None or (person.index in people[parent].children and people[parent].sex == sex)


def test_marriages_mirror(population):
    """Both spouses tell the same of their marriage."""
    people = population.people
    for person in people:
        for marriage in person.marriages:
            other = [m for m in people[marriage.spouse].marriages if m.spouse == person.index]
            assert [(m.start, m.end, m.mrn, m.ended_by) for m in other] == [
                (marriage.start, marriage.end, marriage.mrn, marriage.ended_by)
            ]
            assert people[marriage.spouse].sex != person.sex
            assert (marriage.end is None) == (marriage.ended_by is None)


def test_nobody_is_married_twice_at_once(population):
    """A marriage ends before the next begins, and with the life of either spouse."""
    for person in population.people:
        marriages = sorted(person.marriages, key=lambda m: m.start)
        for earlier, later in pairwise(marriages):
            assert earlier.end is not None
            assert earlier.end <= later.start
        for marriage in marriages:
            deaths = [d for d in (person.death_date, population.people[marriage.spouse].death_date) if d]
            if marriage.ended_by == "death":
                assert marriage.end == min(deaths)
            elif marriage.end is None:
                assert not deaths


def test_parents_are_old_enough(population):
    """Parents are at least sixteen years older than their children, mothers at most fifty."""
    people = population.people
    for person in people:
        for parent in (person.mother, person.father):
            assert parent is None or (person.birth_date - people[parent].birth_date).days > 16 * 365
        if person.mother is not None:
            assert (person.birth_date - people[person.mother].birth_date).days < 50 * 366


def test_the_dead_bear_no_children(population):
    """A mother lives on the day of birth; a father died at most nine months before it."""
    people = population.people
    for person in people:
        mother = None if person.mother is None else people[person.mother].death_date
        father = None if person.father is None else people[person.father].death_date
        assert mother is None or person.birth_date <= mother
        assert father is None or person.birth_date <= father + timedelta(days=280)


def test_siblings_are_twins_or_months_apart(population):
    """Two children of a mother have one birthday or a pregnancy between them."""
    people = population.people
    for mother in people:
        if mother.sex == "female":
            births = sorted(people[c].birth_date for c in mother.children)
            gaps = [(later - earlier).days for earlier, later in pairwise(births)]
            assert all(gap == 0 or gap > 230 for gap in gaps)


def test_nobody_marries_near_kin(population):
    """Spouses share no parent and are not each other's."""
    for person in population.people:
        own = {person.mother, person.father} - {None}
        for marriage in person.marriages:
            spouse = population.people[marriage.spouse]
            assert not own & {spouse.mother, spouse.father}
            assert marriage.spouse not in own


def test_families_are_of_every_kind():
    """There are divorces, widows, second marriages, single mothers, twins, orphans and three generations in a home."""
    population = country(1500)
    people = population.people
    ended = Counter(m.ended_by for p in people for m in p.marriages)
    codes = Counter(code for h in population.households for code in h.relationship.values())
    twins = Counter((p.mother, p.birth_date) for p in people if p.mother is not None)
    child_headed = [h for h in population.households if (REFERENCE_DATE - people[h.head].birth_date).days < 18 * 365]

    assert ended["divorce"] > 20
    assert ended["death"] > 100
    assert sum(len(p.marriages) > 1 for p in people) > 20
    assert sum(p.mother is not None and p.father is None for p in people) > 20
    assert 2 in twins.values()
    assert 0 < len(child_headed) < 30
    assert {"SELF", "SPS", "CHILD", "PRN", "SIB", "GRNDCHILD", "NEPHEW", "INLAW"} <= set(codes)
    assert codes["GRNDCHILD"] > 50


def test_kin_lives_in_other_households():
    """Ties of parents and children lead from most households to another."""
    population = country()
    linked = {
        h.index
        for h in population.households
        for m in h.members
        for c in population.people[m].children
        if population.people[c].death_date is None and population.people[c].household != h.index
    }

    assert len(linked) > 60


def test_relationships_to_the_head_agree_with_the_ties(population):
    """The codes for spouse, child, parent and grandchild say what the kin ties say."""
    people = population.people
    for household in population.households:
        head = people[household.head]
        spouse = head.spouse_on(REFERENCE_DATE)
        assert household.relationship[head.index] == "SELF"
        for member in household.members:
            person, code = people[member], household.relationship[member]
            parents = {person.mother, person.father} - {None}
            assert (code == "CHILD") == (
                member not in (head.index, spouse)
                and member not in (head.mother, head.father)
                and bool({head.index, spouse} & parents)
            )
            assert (code == "PRN") == (member in (head.mother, head.father))
            assert code != "SPS" or member == spouse
            if code == "GRNDCHILD":
                grandparents = {g for p in parents for g in (people[p].mother, people[p].father)}
                assert {head.index, spouse} & grandparents
