"""Consents: one decision a person, given by whoever may give it."""

from collections import Counter
from datetime import date
from itertools import pairwise

import orjson
import pytest

from mocks.consents import guardian_of
from mocks.population import REFERENCE_DATE, consents
from policies.lines import read_lines
from tests.unit.mocks.countries import country


@pytest.fixture(scope="module")
def population():
    """Return a country with enough adults for shares."""
    return country(1500)


@pytest.fixture(scope="module")
def lines(population):
    """Return its lines."""
    return list(consents(population))


def person_of(population, number):
    """Return the person a number leads to."""
    return population.people[population.by_number[number["type"]][number["value"]]]


def is_adult(person):
    """Tell whether a person is of age on the reference date."""
    return (REFERENCE_DATE - person.birth_date).days >= 6574


def test_a_line_has_what_the_gateway_reads(lines):
    """Exactly the agreed members, with dates that hold on the reference date."""
    for line in lines:
        members = {"subject", "purpose", "decision", "sources", "given_by", "given_on", "until", "capacity"}
        assert members <= set(line) <= members | {"majority_on", "relation"}
        assert (line["capacity"] == "guardian") == ("majority_on" in line)
        assert line["purpose"] == "eligibility"
        assert line["decision"] in ("granted", "refused")
        assert line["sources"] in (None, ["health"])
        assert date(2026, 1, 5) <= date.fromisoformat(line["given_on"]) <= REFERENCE_DATE
        assert date.fromisoformat(line["until"]) > REFERENCE_DATE


def test_each_living_person_with_a_number_has_decided(population, lines):
    """Children without a grown relative have none, and of the dead only those have one who decided before."""
    whole = [line for line in lines if line["sources"] is None]
    subjects = Counter((line["subject"]["type"], line["subject"]["value"]) for line in whole)
    people = [person_of(population, line["subject"]) for line in whole]
    expected = {
        p.index
        for p in population.people
        if p.death_date is None and (p.uin or p.brn or p.member_id) and guardian_of(population, p) is not None
    }

    assert set(subjects.values()) == {1}
    assert {p.index for p in people if p.death_date is None} == expected
    assert all(p.death_date >= date(2026, 1, 5) and is_adult(p) for p in people if p.death_date is not None)
    assert len(people) - len({p.index for p in people}) == sum(p.second_uin is not None for p in population.people)


def test_nearly_everybody_can_consent(population, lines):
    """Only a few have no number or nobody who may decide for them."""
    living = sum(p.death_date is None for p in population.people)

    assert sum(line["sources"] is None for line in lines) > 0.97 * living


def test_adults_decide_for_themselves_and_parents_for_children(population, lines):
    """A child's line is given by a living adult, its parent where one lives."""
    for line in lines:
        person, giver = person_of(population, line["subject"]), person_of(population, line["given_by"])
        assert is_adult(giver)
        assert giver.death_date is None or giver.death_date.isoformat() > line["given_on"]
        if is_adult(person):
            assert giver is person
        elif giver.index not in (person.mother, person.father):
            parents = [population.people[p] for p in (person.mother, person.father) if p is not None]
            assert all(p.death_date is not None or not (p.uin or p.brn or p.member_id) for p in parents)


def test_few_refuse(population, lines):
    """About one adult in a hundred refuses all registries, two the health registry only."""
    own = [line for line in lines if is_adult(person_of(population, line["subject"]))]
    wholly = sum(line["decision"] == "refused" and line["sources"] is None for line in own)
    health = sum(line["sources"] == ["health"] for line in own)

    assert 0.004 < wholly / len(own) < 0.018
    assert 0.011 < health / len(own) < 0.032
    assert all(line["decision"] == "refused" for line in own if line["sources"])


def test_a_registry_is_refused_out_of_a_grant(lines):
    """Whoever refuses one registry has granted the purpose before, in the same breath."""
    for before, line in pairwise(lines):
        if line["sources"]:
            assert before == line | {"decision": "granted", "sources": None}


def test_a_ledger_takes_every_line(lines):
    """Whoever has two numbers decides under both, and nobody else under either."""
    assert len(read_lines(map(orjson.dumps, lines))) == len(lines)
