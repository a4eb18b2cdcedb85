"""Plans: whom to ask, by which number, in which order; compared as text."""

from textwrap import dedent

import pytest

from gateway.stages.plan import OTHER, Planner, Who
from policies.engine import readable
from standards.permit import Form
from tests.builders import (
    CATALOGUE,
    KIN,
    MANIFESTS,
    PLANNER,
    REGISTERED,
    REGISTERED_OR_KIN,
    lookup,
    sandbox_agreement,
    small_manifest,
)
from tests.unit.policies.builders import VALUE

UCT, CCT = (dict(sandbox_agreement(name).forms) for name in ("uct", "cct-education"))


def forms(*names: str) -> dict[str, Form]:
    """An agreement about these attributes, as they are."""
    return dict.fromkeys(names, VALUE)


def text(agreed: dict[str, Form], by: str, rule=REGISTERED_OR_KIN) -> str:
    """The plan's steps, without those who are not asked for lack of a need."""
    lines = PLANNER.plan(readable(agreed, CATALOGUE), by, rule).text().splitlines()
    return "\n".join(line for line in lines if not line.endswith("nothing that may be known comes from it"))


REST_OF_UCT = """\
national_id.identity by UIN|TIN for everyone in the household: address_line, birth_date, given_name, locality, region_code, sex, sub_region_code, surname, vital_status, TIN
crvs.person by UIN|BRN for everyone in the household: birth_date, given_name, marital_status, sex, surname, vital_status
tax.taxpayer by TIN for everyone in the household after {national_id}: employment_status, income_annual
health.patient by UIN for everyone in the household: PATIENT_NUMBER
health.chart by PATIENT_NUMBER for everyone in the household after {patient}: insured, is_lactating, is_pregnant
social.member by MEMBER_ID|UIN for everyone in the household: address_line, birth_date, given_name, is_disabled, locality, marital_status, region_code, sex, sub_region_code, surname
land.holdings by UIN for everyone in the household: land_area_ha, land_parcel_count"""
OF_GROUP = "benefit_programmes, dwelling_type, has_electricity, poverty_score, registered_size, water_source"
OF_CRVS = "birth_date, given_name, marital_status, sex, surname, vital_status"
OF_ID = "address_line, birth_date, given_name, locality, region_code, sex, sub_region_code, surname, vital_status"
OF_MEMBER = "address_line, birth_date, given_name, is_disabled, locality, marital_status, region_code, sex, sub_region_code, surname"
UCT_STARTS = {
    "UIN": f"""\
        1 social.group by UIN|MEMBER_ID for the person asked about: {OF_GROUP}
        2 crvs.person by UIN|BRN for the person asked about: {OF_CRVS}""",
    "BRN": f"""\
        1 crvs.person by UIN|BRN for the person asked about: {OF_CRVS}, UIN
        2 social.group by UIN|MEMBER_ID for the person asked about after 1: {OF_GROUP}""",
    "TIN": f"""\
        1 national_id.identity by UIN|TIN for the person asked about: {OF_ID}, UIN
        2 social.group by UIN|MEMBER_ID for the person asked about after 1: {OF_GROUP}
        3 crvs.person by UIN|BRN for the person asked about after 1: {OF_CRVS}""",
    "MEMBER_ID": f"""\
        1 social.group by UIN|MEMBER_ID for the person asked about: {OF_GROUP}
        2 social.member by MEMBER_ID|UIN for the person asked about: {OF_MEMBER}, UIN
        3 crvs.person by UIN|BRN for the person asked about after 2: {OF_CRVS}""",
    "LEARNER_NUMBER": f"""\
        1 education.learner by LEARNER_NUMBER|BRN for the person asked about: BRN
        2 crvs.person by UIN|BRN for the person asked about after 1: {OF_CRVS}, UIN
        3 social.group by UIN|MEMBER_ID for the person asked about after 2: {OF_GROUP}""",
    "HOUSEHOLD_ID": f"""\
        1 social.group by HOUSEHOLD_ID for the household: who belongs to it
        2 social.group by HOUSEHOLD_ID for the household after 1: {OF_GROUP}""",
}


@pytest.mark.parametrize("by", UCT_STARTS)
def test_every_number_leads_to_the_household_and_then_to_everybody_in_it(by):
    """The first stretch depends on the number asked by; the second is the same for everyone, one call a registry."""
    first = dedent(UCT_STARTS[by]).splitlines()
    begin = len(first) + 1
    rest = REST_OF_UCT.format(national_id=begin, patient=begin + 3).splitlines()
    numbered = [f"{number} {line}" for number, line in enumerate(rest, start=begin)]

    assert text(UCT, by).splitlines() == [f"by {by}, household registered-or-kin@1", *first, *numbered]


SMALL = {
    "education is found by birth registration numbers, and tax, land and health are not asked": (
        CCT, "UIN", REGISTERED_OR_KIN, """\
        by UIN, household registered-or-kin@1
        1 social.group by UIN|MEMBER_ID for the person asked about: who belongs to it
        2 crvs.person by UIN|BRN for the person asked about: birth_date, given_name, sex, surname, vital_status
        3 crvs.person by UIN|BRN for everyone in the household: birth_date, given_name, sex, surname, vital_status, BRN
        4 education.learner by LEARNER_NUMBER|BRN for everyone in the household after 3: attendance_rate, education_level, school_enrolled, school_grade, school_name, school_year
        5 national_id.identity by UIN|TIN for everyone in the household: birth_date, given_name, sex, surname, vital_status"""),
    "a learner's own number finds the learner": (
        CCT, "LEARNER_NUMBER", REGISTERED_OR_KIN, """\
        by LEARNER_NUMBER, household registered-or-kin@1
        1 education.learner by LEARNER_NUMBER|BRN for the person asked about: attendance_rate, education_level, school_enrolled, school_grade, school_name, school_year, BRN
        2 crvs.person by UIN|BRN for the person asked about after 1: birth_date, given_name, sex, surname, vital_status, UIN
        3 social.group by UIN|MEMBER_ID for the person asked about after 2: who belongs to it
        4 crvs.person by UIN|BRN for everyone in the household: birth_date, given_name, sex, surname, vital_status, BRN
        5 education.learner by LEARNER_NUMBER|BRN for everyone in the household after 4: attendance_rate, education_level, school_enrolled, school_grade, school_name, school_year
        6 national_id.identity by UIN|TIN for everyone in the household: birth_date, given_name, sex, surname, vital_status"""),
    "the person alone needs no household": (
        forms("land_area_ha"), "UIN", None, """\
        by UIN, household not asked for
        1 land.holdings by UIN for the person asked about: land_area_ha"""),
    "the person alone, by a number that the registry does not take": (
        forms("land_area_ha"), "TIN", None, """\
        by TIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: UIN
        2 land.holdings by UIN for the person asked about after 1: land_area_ha"""),
    "land alone: two registries for who belongs together, one for the land": (
        forms("total_land_ha"), "UIN", REGISTERED_OR_KIN, """\
        by UIN, household registered-or-kin@1
        1 social.group by UIN|MEMBER_ID for the person asked about: who belongs to it
        2 crvs.person by UIN|BRN for the person asked about: birth_date
        3 land.holdings by UIN for everyone in the household: land_area_ha"""),
    "kin only: the social registry is not asked": (
        forms("household_income"), "BRN", KIN, """\
        by BRN, household kin@1
        1 crvs.person by UIN|BRN for the person asked about: birth_date
        2 national_id.identity by UIN|TIN for everyone in the household: TIN
        3 tax.taxpayer by TIN for everyone in the household after 2: income_annual"""),
    "registered only: nobody's family is looked up": (
        forms("school_enrolled"), "UIN", REGISTERED, """\
        by UIN, household registered@1
        1 social.group by UIN|MEMBER_ID for the person asked about: who belongs to it
        2 crvs.person by UIN|BRN for everyone in the household: BRN
        3 education.learner by LEARNER_NUMBER|BRN for everyone in the household after 2: school_enrolled"""),
    "a recorded household needs no kin": (
        forms("total_land_ha"), "HOUSEHOLD_ID", REGISTERED_OR_KIN, """\
        by HOUSEHOLD_ID, household registered-or-kin@1
        1 social.group by HOUSEHOLD_ID for the household: who belongs to it
        2 land.holdings by UIN for everyone in the household: land_area_ha"""),
    "kin of a recorded household's head, when the rule knows only kin": (
        forms("total_land_ha"), "HOUSEHOLD_ID", KIN, """\
        by HOUSEHOLD_ID, household kin@1
        1 social.group by HOUSEHOLD_ID for the household: who belongs to it
        2 crvs.person by UIN|BRN for the person asked about: birth_date
        3 land.holdings by UIN for everyone in the household: land_area_ha"""),
    "nothing but a fact of the household": (
        forms("poverty_score"), "UIN", None, """\
        by UIN, household not asked for
        1 social.group by UIN|MEMBER_ID for the person asked about: poverty_score"""),
    "everybody's number is looked up for everybody, though the person asked about was asked about before": (
        forms("brn"), "UIN", KIN, """\
        by UIN, household kin@1
        1 crvs.person by UIN|BRN for the person asked about: birth_date
        2 crvs.person by UIN|BRN for everyone in the household: BRN"""),
    "a number that nobody is asked by": (
        forms("land_area_ha", "insured"), "PATIENT_NUMBER", REGISTERED_OR_KIN, """\
        by PATIENT_NUMBER, household registered-or-kin@1
        1 health.chart by PATIENT_NUMBER for everyone in the household: insured
        - land not asked: it cannot be asked, starting from a PATIENT_NUMBER"""),
}  # fmt: skip


@pytest.mark.parametrize("why", SMALL)
def test_a_plan_asks_for_what_is_needed_and_for_nothing_else(why):
    """A registry from which nothing permitted comes, and that no number needs, has no step."""
    agreed, by, rule, expected = SMALL[why]

    assert text(agreed, by, rule) == dedent(expected)


def test_a_plan_says_why_a_registry_is_not_asked():
    """Not needed, or outranked: every registry without a step has its reason."""
    plan = PLANNER.plan(frozenset({"given_name"}), "UIN", None)

    assert [s.key for s in plan.steps] == [("national_id", "identity")]
    assert plan.not_asked.keys() == MANIFESTS.keys() - {"national_id"}
    assert plan.not_asked["crvs"] == "a more authoritative registry holds what is needed"
    assert plan.not_asked["tax"] == "nothing that may be known comes from it"


def test_an_attribute_nobody_holds_is_unreachable():
    """It has no step, and is named, so that the answer can say so."""
    planner = Planner([m for m in MANIFESTS.values() if m.id != "land"], CATALOGUE)
    plan = planner.plan(frozenset({"land_area_ha", "birth_date"}), "UIN", None)

    assert plan.unreachable == {"land_area_ha"}
    assert {s.source_id for s in plan.steps} == {"crvs"}


def test_a_type_that_no_registry_knows_is_not_repeated():
    """A consumer may write anything for a type, and plans are journalled: its text stands nowhere in the plan."""
    plan = PLANNER.plan(frozenset({"given_name"}), "Asha Moyo", REGISTERED)

    assert plan.asked_by == OTHER
    assert "Asha" not in plan.text()
    assert plan.steps == ()


def test_a_call_made_anyway_brings_its_corroboration_along():
    """A lesser registry is not asked for a name, but states it when it is asked for something else."""
    wanted = frozenset({"given_name", "birth_place"})
    plan = PLANNER.plan(wanted, "UIN", None)

    assert {s.key: s.names for s in plan.steps} == {
        ("crvs", "person"): wanted,
        ("national_id", "identity"): {"given_name"},
    }


def test_steps_know_from_where_they_may_take_numbers():
    """A step for everyone may use what the first stretch stated; within a stretch only what it waits for counts."""
    plan = PLANNER.plan(frozenset({"income_annual"}), "BRN", KIN)

    assert plan.earlier == (
        (),
        (("crvs", "person"),),
        (("crvs", "person"), ("national_id", "identity")),
    )


def test_every_step_knows_how_many_waves_wait_for_it():
    """What is left of the time is shared with them."""
    plan = PLANNER.plan(frozenset({"income_annual", "land_area_ha"}), "UIN", REGISTERED_OR_KIN)

    assert dict(zip((s.source_id for s in plan.steps), plan.waves_behind, strict=True)) == {
        "social": 2,
        "crvs": 2,
        "national_id": 1,
        "tax": 0,
        "land": 0,
    }


def test_one_plan_serves_every_question_of_a_shape():
    """It names no person, so it is made once."""
    wanted = frozenset({"given_name"})

    assert PLANNER.plan(wanted, "UIN", KIN) is PLANNER.plan(wanted, "UIN", KIN)
    assert PLANNER.plan(wanted, "UIN", KIN) is not PLANNER.plan(wanted, "UIN", None)


def test_the_fewest_lookups_lead_to_a_number():
    """Of two ways to the number that a registry takes, the shorter one is walked."""
    manifests = [
        small_manifest("alpha", lookup("first", ["A"], identifiers=("B",))),
        small_manifest("beta", lookup("second", ["B"], identifiers=("C",))),
        small_manifest("gamma", lookup("direct", ["A"], identifiers=("C",))),
        small_manifest("omega", lookup("facts", ["C"], attributes=("given_name",))),
    ]
    plan = Planner(manifests, CATALOGUE).plan(frozenset({"given_name"}), "A", None)

    assert [s.source_id for s in plan.steps] == ["gamma", "omega"]
    assert plan.steps[1].after == (1,)


def test_holders_name_every_registry_of_an_attribute():
    """Numbers count too: whoever states one holds it."""
    holders = PLANNER.holders()

    assert holders["given_name"] == {"crvs", "national_id", "social"}
    assert holders["uin"] == {"crvs", "national_id", "social"}
    assert holders["household_id"] == {"social"}
    assert "age" not in holders


def test_a_household_number_first_learns_only_who_belongs_to_it():
    """Facts of the household wait for the permit of somebody in it."""
    first, second = PLANNER.plan(frozenset({"poverty_score"}), "HOUSEHOLD_ID", REGISTERED).steps

    assert (first.who, first.names) == (Who.GROUP, frozenset())
    assert (second.names, second.after) == ({"poverty_score"}, (1,))
