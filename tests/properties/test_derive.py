"""Derived attributes are never wrong: what is unknown may turn out to be anything."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stages.derive import Deriver
from standards.attributes import Catalogue, Entity, ValueType
from standards.codes import CodeDirectories
from standards.household import Evidence, HouseholdProfile, Member
from standards.states import Absent, AttributeState, Conflict, Provenance, Unavailable, UnavailableReason, Value
from tests.builders import CATALOGUE, NOW

DERIVER = Deriver(CATALOGUE)
SAID = Provenance("crvs", NOW)
ABSENT = Absent(SAID)
UNKNOWN = Unavailable(UnavailableReason.SOURCE_DOWN, "crvs")
SEEDS = st.integers(0, 2**32 - 1)
"""One draw a household: thousands of small ones would take longer than what is tested."""


def bases(catalogue: Catalogue, name: str) -> set[str]:
    """What a derived attribute is made of, down to what sources state."""
    derived = catalogue[name].derived
    return {name} if derived is None else {base for part in derived.inputs for base in bases(catalogue, part)}


def value_of(name: str, chance: Random) -> object:
    """A value that a source could state."""
    definition = CATALOGUE[name]
    match definition.type:
        case ValueType.DATE:
            return (
                NOW.date() - timedelta(days=chance.choice([chance.randrange(7000), chance.randrange(32000)]))
            ).isoformat()
        case ValueType.INTEGER:
            return chance.randrange(12)
        case ValueType.MONEY:
            return chance.randrange(40_000)
        case ValueType.DECIMAL:
            return chance.choice([chance.randrange(100), chance.uniform(0, 100)])
        case ValueType.BOOLEAN:
            return chance.random() < 0.5
        case _:
            return chance.choice(sorted(CodeDirectories.load().codes(definition.codes or "")))


def state_of(name: str, chance: Random) -> AttributeState:
    """What may be known of an attribute once everybody has spoken."""
    if chance.random() < 0.2:
        return ABSENT
    value = Value(value_of(name, chance), SAID)
    return Conflict(value, (value,)) if chance.random() < 0.1 else value


def person_of(names: Sequence[str], chance: Random) -> dict[str, AttributeState]:
    """Somebody of whom everything is known."""
    return {name: state_of(name, chance) for name in names}


def profile(members: list[dict[str, AttributeState]], household: dict[str, AttributeState], *unheard: str):
    """A household whose first member was asked about."""
    people = tuple(
        Member(n, {}, "", (Evidence("registered" if n else "asked"),), attributes)
        for n, attributes in enumerate(members)
    )
    return HouseholdProfile("registered@1", 0, people, household, {}, unheard)


def results(name: str, of: HouseholdProfile) -> list[AttributeState]:
    """What is derived: of everybody, or of the household."""
    derived = DERIVER.derive(of, frozenset({name}), NOW)
    if CATALOGUE[name].entity is Entity.HOUSEHOLD:
        return [derived.attributes[name]]
    return [member.attributes[name] for member in derived.members]


def known(state: AttributeState) -> object:
    """The value that a state tells; None for "there is no such value"."""
    return state.value if isinstance(state, Value) else None


@pytest.mark.parametrize("name", CATALOGUE.derived_order)
@settings(max_examples=80)
@given(SEEDS)
def test_a_result_is_unknown_or_the_same_for_everything_that_the_unknown_may_turn_out_to_be(name, seed):
    """Whatever inputs and people are unknown, no completion of them gives another result."""
    chance = Random(seed)
    inputs = sorted(bases(CATALOGUE, name))
    of_person = [n for n in inputs if CATALOGUE[n].entity is Entity.PERSON]
    of_household = [n for n in inputs if CATALOGUE[n].entity is Entity.HOUSEHOLD]
    share = chance.choice([0.1, 0.3, 0.6])

    def hidden(states: Mapping[str, AttributeState]) -> dict[str, AttributeState]:
        return {n: UNKNOWN if chance.random() < share else s for n, s in states.items()}

    def completed(states: Mapping[str, AttributeState]) -> dict[str, AttributeState]:
        return {n: state_of(n, chance) if s is UNKNOWN else s for n, s in states.items()}

    # Who was not asked about may belong to an uncertain household or not, and others may.
    is_open = CATALOGUE[name].entity is Entity.HOUSEHOLD and chance.random() < 0.3
    partly = [hidden(person_of(of_person, chance)) for _ in range(chance.randrange(1, 5))]
    household = hidden(person_of(of_household, chance))

    told = results(name, profile(partly, household, *(["social"] if is_open else [])))

    for _ in range(6):
        others = [person_of(of_person, chance) for _ in range(chance.randrange(4))] if is_open else partly[1:]
        people = [completed(one) for one in (partly[0], *others)]
        truth = results(name, profile(people, completed(household)))
        assert all(
            known(said) == known(true)
            for said, true in zip(told, truth, strict=True)
            if isinstance(said, Value | Absent)
        )


@settings(max_examples=60)
@given(SEEDS)
def test_what_everybody_has_said_is_computed_as_one_would_by_hand(seed):
    """The counts and sums agree with plain Python over the same people."""
    chance = Random(seed)
    people: list[dict[str, Any]] = [
        {
            "age": chance.randrange(90),
            "vital_status": chance.choice(["alive", "alive", "dead", None]),
            "income_annual": chance.choice([None, chance.randrange(30_000)]),
        }
        for _ in range(chance.randrange(1, 6))
    ]
    members: list[dict[str, AttributeState]] = [
        {
            "birth_date": Value(f"{NOW.year - one['age']}-01-01", SAID),
            **{n: ABSENT if one[n] is None else Value(one[n], SAID) for n in ("vital_status", "income_annual")},
        }
        for one in people
    ]
    counts = ("household_size", "children_under_5", "elderly_over_64", "dependency_ratio", "is_child_headed")
    names = frozenset((*counts, "household_income", "income_per_head"))
    derived = DERIVER.derive(profile(members, {}), names, NOW).attributes
    found = {name: known(derived[name]) for name in names}

    living = [one for one in people if one["vital_status"] != "dead"]
    income = sum(one["income_annual"] or 0 for one in living)
    working = sum(15 <= one["age"] <= 64 for one in living)
    assert found == {
        "household_size": len(living),
        "children_under_5": sum(one["age"] < 5 for one in living),
        "elderly_over_64": sum(one["age"] > 64 for one in living),
        "dependency_ratio": pytest.approx(100 * (len(living) - working) / working, abs=1e-6) if working else None,
        "is_child_headed": bool(living) and all(one["age"] < 18 for one in living),
        "household_income": income,
        "income_per_head": (2 * income + len(living)) // (2 * len(living)) if living else 0,
    }
