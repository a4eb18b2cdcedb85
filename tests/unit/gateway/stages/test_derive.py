"""Derived attributes: computed from what is known, and unknown where it matters."""

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.stages.derive import SOURCE, Deriver
from standards.attributes import AttributeDefinition, Catalogue, Derived, Entity, ValueType
from standards.errors import ConfigurationError
from standards.household import Evidence, HouseholdProfile, Member
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)
from tests.builders import CATALOGUE, NOW

DERIVER = Deriver(CATALOGUE)
ABSENT = Absent(Provenance("crvs", NOW))
DOWN = Unavailable(UnavailableReason.SOURCE_DOWN, "tax")
HELD = Withheld(WithheldReason.CONSENT_REFUSED)
UNKNOWN = Unavailable(UnavailableReason.INPUT_UNAVAILABLE, "tax")
HELD_INPUT = Withheld(WithheldReason.INPUT_WITHHELD)
NOBODY_KNOWS = Absent(Provenance(SOURCE, NOW))


def said(value: object) -> AttributeState:
    """The state for a plain value; a state stays what it is."""
    states = (Value, Absent, Withheld, Unavailable, Conflict)
    return value if isinstance(value, states) else Value(value, Provenance("crvs", NOW))


def profile(*members: dict[str, Any], unheard: tuple[str, ...] = (), **household: Any) -> HouseholdProfile:
    """A household; the first member was asked about."""
    return HouseholdProfile(
        rule="registered@1",
        subject=0,
        members=tuple(
            Member(n, {}, "", (Evidence("registered" if n else "asked"),), {k: said(v) for k, v in m.items()})
            for n, m in enumerate(members)
        ),
        attributes={k: said(v) for k, v in household.items()},
        sources={},
        unheard=unheard,
    )


def of_household(name: str, *members: dict[str, Any], **changes: Any) -> AttributeState:
    """The state of one derived attribute of the household."""
    return DERIVER.derive(profile(*members, **changes), frozenset({name}), NOW).attributes[name]


def shown(state: AttributeState) -> object:
    """A value without its origin; every other state as it is."""
    return state.value if isinstance(state, Value) else state


@pytest.mark.parametrize(
    ("birth_date", "age"),
    [
        ("1990-09-30", 36),
        ("1990-10-01", 35),
        ("2026-09-30", 0),
        (Conflict(Value("1990-09-30", Provenance("crvs", NOW)), ()), 36),
        (ABSENT, NOBODY_KNOWS),
        (DOWN, UNKNOWN),
        (HELD, HELD_INPUT),
    ],
)
def test_age_is_of_today(birth_date, age):
    """In whole years; of a conflict the settled side counts, and what is not known gives no age."""
    derived = DERIVER.derive(profile({"birth_date": birth_date}), frozenset({"age"}), NOW)

    assert shown(derived.members[0].attributes["age"]) == age


ALIVE, DEAD = {"vital_status": "alive"}, {"vital_status": "dead"}


@pytest.mark.parametrize(
    ("name", "members", "result"),
    [
        ("household_size", [ALIVE, DEAD, ALIVE], 2),
        ("household_size", [ALIVE, {"vital_status": DOWN}], UNKNOWN),
        ("household_size", [ALIVE, {"vital_status": ABSENT}], 2),
        ("household_size", [ALIVE, {"vital_status": HELD}], HELD_INPUT),
        (
            "household_income",
            [{"income_annual": 9, **ALIVE}, {"income_annual": 4, **ALIVE}, {"income_annual": 5, **DEAD}],
            13,
        ),
        ("household_income", [{"income_annual": 9, **ALIVE}, {"income_annual": ABSENT, **ALIVE}], 9),
        ("household_income", [{"income_annual": 9, **ALIVE}, {"income_annual": DOWN, **ALIVE}], UNKNOWN),
        ("total_land_ha", [{"land_area_ha": 0.1}, {"land_area_ha": 0.2}], 0.3),
        ("total_land_ha", [{"land_area_ha": 1}, {"land_area_ha": ABSENT}], 1.0),
        ("has_disabled_member", [{"is_disabled": False, **ALIVE}, {"is_disabled": True, **ALIVE}], True),
        ("has_disabled_member", [{"is_disabled": DOWN, **ALIVE}, {"is_disabled": True, **ALIVE}], True),
        ("has_disabled_member", [{"is_disabled": DOWN, **ALIVE}, {"is_disabled": False, **ALIVE}], UNKNOWN),
        ("has_disabled_member", [{"is_disabled": ABSENT, **ALIVE}, {"is_disabled": False, **ALIVE}], False),
        (
            "children_out_of_school",
            [
                {"birth_date": "2015-01-01", "school_enrolled": ABSENT, **ALIVE},
                {"birth_date": "2015-01-01", "school_enrolled": True, **ALIVE},
                {"birth_date": "1990-01-01", "school_enrolled": DOWN},
            ],
            1,
        ),
        (
            "children_out_of_school",
            [{"birth_date": "2015-01-01", "school_enrolled": DOWN, **ALIVE}],
            UNKNOWN,
        ),
        ("children_under_5", [{"birth_date": "2024-01-01", **ALIVE}, {"birth_date": DOWN, **DEAD}], 1),
    ],
)
def test_an_unknown_input_matters_only_where_the_result_hangs_on_it(name, members, result):
    """Three-valued: what is known decides if it can, and nothing unknown is taken for no."""
    assert shown(of_household(name, *members)) == result


@pytest.mark.parametrize(
    ("mother", "father", "born", "result"),
    [
        ("alive", "alive", "2015-01-01", "none"),
        ("dead", "alive", "2015-01-01", "single"),
        ("alive", "dead", "2015-01-01", "single"),
        ("dead", "dead", "2015-01-01", "double"),
        ("dead", "dead", "1990-01-01", "none"),
        ("alive", "alive", DOWN, "none"),
        (DOWN, "dead", "1990-01-01", "none"),
        (DOWN, "dead", "2015-01-01", UNKNOWN),
        ("alive", ABSENT, "2015-01-01", NOBODY_KNOWS),
    ],
)
def test_an_orphan_is_a_child_whose_parents_are_recorded_as_dead(mother, father, born, result):
    """Of one whom nobody has registered, it is not known; of the grown and of those with both, it does not matter."""
    person = {"mother_vital_status": mother, "father_vital_status": father, "birth_date": born}
    derived = DERIVER.derive(profile(person), frozenset({"orphanhood"}), NOW)

    assert shown(derived.members[0].attributes["orphanhood"]) == result


CHILD, ADULT = {"birth_date": "2015-01-01", **ALIVE}, {"birth_date": "1990-01-01", **ALIVE}


@pytest.mark.parametrize(
    ("name", "members", "result"),
    [
        ("is_child_headed", [CHILD, {**ADULT, **DEAD}], True),
        ("is_child_headed", [CHILD, {"birth_date": DOWN, **ALIVE}, ADULT], False),
        ("is_child_headed", [CHILD, {"birth_date": DOWN, **ALIVE}], UNKNOWN),
        ("is_child_headed", [{**ADULT, **DEAD}], False),
        ("orphans", [{**CHILD, "mother_vital_status": "dead", "father_vital_status": DOWN}], 1),
        ("dependency_ratio", [CHILD, ADULT, {"birth_date": "1950-01-01", **ALIVE}], 200.0),
        ("dependency_ratio", [CHILD, ADULT, ADULT, ADULT], 33.333333),
        ("elderly_over_64", [{"birth_date": "1961-09-30", **ALIVE}, {"birth_date": "1961-10-01", **ALIVE}], 1),
        ("income_per_head", [{**ADULT, "income_annual": 101}, {**CHILD, "income_annual": ABSENT}], 51),
        (
            "household_attendance_rate",
            [{**CHILD, "school_enrolled": True, "attendance_rate": rate} for rate in (90.0, 75.5)]
            + [{**ADULT, "school_enrolled": ABSENT, "attendance_rate": ABSENT}],
            82.75,
        ),
        (
            "lowest_attendance_rate",
            [{**CHILD, "school_enrolled": True, "attendance_rate": rate} for rate in (90, 75.5)],
            75.5,
        ),
    ],
)
def test_what_programmes_ask_about_households(name, members, result):
    """The dead are not counted, halves are rounded away from zero, decimals to six places."""
    assert shown(of_household(name, *members)) == result


def test_of_nobody_there_is_no_ratio_and_no_mean():
    """A household without anybody of working age, or in school, has none, which is known."""
    ratio = of_household("dependency_ratio", CHILD)
    mean = of_household("household_attendance_rate", {**CHILD, "school_enrolled": False, "attendance_rate": ABSENT})

    assert isinstance(ratio, Absent)
    assert isinstance(mean, Absent)


def test_it_may_be_computed_for_another_day():
    """Age is then that of the day."""
    person = profile({"birth_date": "1990-06-02"})
    derived = DERIVER.derive(person, frozenset({"age"}), NOW, date(2020, 6, 1))

    assert shown(derived.members[0].attributes["age"]) == 29


def test_one_derived_attribute_may_feed_another():
    """Inputs come first, and are computed though nobody asked for them."""
    derived = DERIVER.derive(
        profile({"income_annual": 100, **ALIVE}, {"income_annual": 50, **ALIVE}), frozenset({"income_per_head"}), NOW
    )

    assert shown(derived.attributes["income_per_head"]) == 75


def test_nobody_to_share_with_is_no_division():
    """A household of the dead alone has no income per head."""
    assert shown(of_household("income_per_head", {"income_annual": 100, **DEAD})) == 0


@pytest.mark.parametrize("name", ["household_size", "household_income", "total_land_ha"])
def test_a_list_that_may_be_incomplete_gives_no_total(name):
    """Whoever is missing would change it."""
    member = {"income_annual": 1, "land_area_ha": 1.0, **ALIVE}
    assert of_household(name, member, unheard=("social",)) == Unavailable(
        UnavailableReason.MEMBERSHIP_INCOMPLETE, "social"
    )


@pytest.mark.parametrize(
    ("asked", "other", "result"),
    [(True, False, True), (False, True, None), (False, False, None)],
)
def test_of_an_uncertain_list_only_the_person_asked_about_is_certain(asked, other, result):
    """Kin that stand in for a silent social registry may not be what it has recorded: "there is one" needs one who is."""
    state = of_household(
        "has_disabled_member", {"is_disabled": asked, **ALIVE}, {"is_disabled": other, **ALIVE}, unheard=("social",)
    )

    incomplete = Unavailable(UnavailableReason.MEMBERSHIP_INCOMPLETE, "social")
    assert shown(state) == (incomplete if result is None else result)


def test_a_computed_value_is_as_old_as_its_oldest_input():
    """And says what it was computed from, and whether any of it was kept."""
    old = Provenance("tax", NOW - timedelta(hours=1), "2025-01-01", cached=True)
    new = Provenance("tax", NOW, "2026-01-01")
    state = of_household("total_land_ha", {"land_area_ha": Value(1.0, old)}, {"land_area_ha": Value(2.0, new)})

    assert isinstance(state, Value)
    assert state.provenance == Provenance(
        SOURCE, NOW - timedelta(hours=1), "2025-01-01", cached=True, derived_from=("land_area_ha",)
    )


def test_only_what_is_asked_for_is_computed():
    """And its inputs."""
    derived = DERIVER.derive(profile({"birth_date": "1990-01-01"}), frozenset({"age"}), NOW)

    assert derived.attributes == {}
    assert derived.members[0].attributes.keys() == {"birth_date", "age"}


def test_an_expression_that_does_not_compile_is_found_at_start():
    """Its name is told, so that the catalogue can be mended."""
    broken = AttributeDefinition(
        "odd", "Odd", Entity.PERSON, ValueType.INTEGER, None, None, 1, "hearth:odd", (), Derived((), "1 +", {})
    )
    with pytest.raises(ConfigurationError, match="odd"):
        Deriver(Catalogue([broken]))


def test_a_fact_of_the_household_with_no_people_in_it_is_not_unknown_for_lack_of_members():
    """An input of the household itself is enough."""
    catalogue = Catalogue(
        [
            AttributeDefinition("rooms", "R", Entity.HOUSEHOLD, ValueType.INTEGER, None, None, 1, "rooms"),
            AttributeDefinition(
                "many", "M", Entity.HOUSEHOLD, ValueType.BOOLEAN, None, None, 1, "many", (),
                Derived(("rooms",), "rooms > 3", {}),
            ),
        ]
    )  # fmt: skip
    derived = Deriver(catalogue).derive(profile({}, rooms=4, unheard=("social",)), frozenset({"many"}), NOW)

    assert shown(derived.attributes["many"]) is True
