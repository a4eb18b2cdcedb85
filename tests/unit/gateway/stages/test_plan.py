"""Plans: whom to ask, by which number, in which order; compared as text."""

from collections.abc import Iterable
from textwrap import dedent

import pytest

from adapters.manifest import Manifest
from gateway.stages.plan import OTHER, Counts, Planner, Who
from policies.engine import readable
from standards.permit import Form, FormKind
from standards.rules import BoundaryRule, Combination
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


EVERY_PART = BoundaryRule(
    "every-part", "1", registered=True, kin=True, co_residence=True, combine=Combination.UNION, depth=2
)
CO_RESIDENCE = BoundaryRule("co-residence", "1", co_residence=True)


def forms(*names: str) -> dict[str, Form]:
    """An agreement about these attributes, as they are."""
    return dict.fromkeys(names, VALUE)


def text(agreed: dict[str, Form], by: str, rule=REGISTERED_OR_KIN) -> str:
    """The plan's steps, without those who are not asked for lack of a need."""
    lines = PLANNER.plan(readable(agreed, CATALOGUE), by, rule).text().splitlines()
    return "\n".join(line for line in lines if not _is_spared(line))


def _is_spared(line: str) -> bool:
    """Tell whether a registry is not asked for lack of a need: also one of some people only, whose names it has too."""
    is_of_some = line.startswith("- ") and line[2:].split(maxsplit=1)[0] in OF_SOME
    return is_of_some or line.endswith("nothing that may be known comes from it")


OF_SOME = frozenset({"beneficiary", "disability", "employment", "farmer"})
"""Registries of some people only."""
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
        1 crvs.person by UIN|BRN for the person asked about: birth_date, vital_status
        2 national_id.identity by UIN|TIN for everyone in the household: vital_status, TIN
        3 tax.taxpayer by TIN for everyone in the household after 2: income_annual
        4 crvs.person by UIN|BRN for everyone in the household: vital_status"""),
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
    "kin round by round, and who lives at the same address": (
        forms("total_land_ha"), "UIN", EVERY_PART, """\
        by UIN, household every-part@1
        1 social.group by UIN|MEMBER_ID for the person asked about: who belongs to it
        2 crvs.person by UIN|BRN for the person asked about: birth_date, vital_status
        3 crvs.person by UIN|BRN for kin found on the way after 2: birth_date, vital_status
        4 national_id.entry by UIN|BRN for the person asked about: DWELLING_KEY
        5 national_id.residents by DWELLING_KEY for the person asked about after 4: who belongs to it
        6 land.holdings by UIN for everyone in the household: land_area_ha"""),
    "who lives at the same address, starting from a taxpayer": (
        forms("total_land_ha"), "TIN", CO_RESIDENCE, """\
        by TIN, household co-residence@1
        1 national_id.identity by UIN|TIN for the person asked about: UIN
        2 national_id.entry by UIN|BRN for the person asked about after 1: DWELLING_KEY
        3 national_id.residents by DWELLING_KEY for the person asked about after 2: who belongs to it
        4 land.holdings by UIN for everyone in the household: land_area_ha"""),
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


# -- what things cost


CHEAP = {"latency_ms": 50, "load": 1, "sensitivity": 1, "freshness_days": 0}


def way_to_c(id: str, attributes=(), **cost) -> Manifest:
    """A registry that finds the number C of whoever has a number A."""
    return small_manifest(id, lookup(by=["A"], identifiers=("C",), attributes=attributes), cost=cost)


def households_of(id: str, *, holds=(), **cost) -> Manifest:
    """A registry of households, asked by the number A of somebody in it."""
    asked = lookup("group", ["HOUSEHOLD_ID", "A"], entity="group", members=True, attributes=holds)
    return small_manifest(id, asked, cost=cost)


FACTS = small_manifest("facts", lookup(by=["C"], attributes=("given_name",)))
FACTS_A = small_manifest("facts", lookup(by=["A"], attributes=("given_name",)))

COSTS = {
    "latency decides between two ways to a number": (
        [way_to_c("alpha", latency_ms=500), way_to_c("beta"), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "so does what a call means to the registry": (
        [way_to_c("alpha", load=5), way_to_c("beta"), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "so does what the registry learns by being asked": (
        [way_to_c("alpha", sensitivity=4), way_to_c("beta"), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "so does how old its records are": (
        [way_to_c("alpha", freshness_days=3000), way_to_c("beta"), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "of equal ways the name decides, not the order of the manifests": (
        [way_to_c("beta"), way_to_c("alpha"), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 alpha.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - beta not asked: a cheaper way leads to the same number"""),
    "a registry that is down is gone around, whatever the detour costs": (
        [way_to_c("alpha"), way_to_c("beta", latency_ms=5000, load=5, sensitivity=4), FACTS], {"given_name"}, "A", None, {"alpha"}, """\
        by A, household not asked for
        1 beta.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "a registry that is down is gone through where nothing else leads there": (
        [way_to_c("alpha"), FACTS], {"given_name"}, "A", None, {"alpha"}, """\
        by A, household not asked for
        1 alpha.person by A for the person asked about: C
        2 facts.person by C for the person asked about after 1: given_name"""),
    "two cheap calls are better than telling the clinic": (
        [way_to_c("clinic", sensitivity=4, latency_ms=500, load=5), small_manifest("one", lookup(by=["A"], identifiers=("B",)), cost=CHEAP), small_manifest("two", lookup(by=["B"], identifiers=("C",)), cost=CHEAP), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 one.person by A for the person asked about: B
        2 two.person by B for the person asked about after 1: C
        3 facts.person by C for the person asked about after 2: given_name
        - clinic not asked: a cheaper way leads to the same number"""),
    "three hops, where that is the only way": (
        [small_manifest("one", lookup(by=["A"], identifiers=("B",))), small_manifest("two", lookup(by=["B"], identifiers=("D",))), small_manifest("three", lookup(by=["D"], identifiers=("C",))), FACTS], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 one.person by A for the person asked about: B
        2 two.person by B for the person asked about after 1: D
        3 three.person by D for the person asked about after 2: C
        4 facts.person by C for the person asked about after 3: given_name"""),
    "a lookup that is made anyway costs nothing more": (
        [way_to_c("alpha", **CHEAP), small_manifest("beta", lookup(by=["A"], identifiers=("C",), attributes=("sex",))), FACTS], {"given_name", "sex"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: sex, C
        2 facts.person by C for the person asked about after 1: given_name
        - alpha not asked: a cheaper way leads to the same number"""),
    "authority comes before cost": (
        [small_manifest("best", lookup(by=["A"], attributes=("given_name",)), authority={"given_name": 1}, cost={"latency_ms": 5000}), small_manifest("near", lookup(by=["A"], attributes=("given_name",)), authority={"given_name": 2}, cost=CHEAP)], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 best.person by A for the person asked about: given_name
        - near not asked: a more authoritative registry holds what is needed"""),
    "of equal authorities the cheaper one is asked": (
        [small_manifest("alpha", lookup(by=["A"], attributes=("given_name",)), cost={"latency_ms": 900}), small_manifest("beta", lookup(by=["A"], attributes=("given_name",)))], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        1 beta.person by A for the person asked about: given_name
        - alpha not asked: a registry of the same authority is asked at less cost"""),
    "of equal authorities the one that is asked anyway, though it is dearer": (
        [small_manifest("alpha", lookup(by=["A"], attributes=("given_name", "surname")), cost={"latency_ms": 900}, authority={"given_name": 1}), small_manifest("beta", lookup(by=["A"], attributes=("surname",)))], {"given_name", "surname"}, "A", None, set(), """\
        by A, household not asked for
        1 alpha.person by A for the person asked about: given_name, surname
        - beta not asked: a registry of the same authority is asked at less cost"""),
    "of two registers of households the cheaper one, when both hold what is wanted": (
        [households_of("alpha", latency_ms=900), households_of("beta"), FACTS_A], {"given_name"}, "A", REGISTERED, set(), """\
        by A, household registered@1
        1 beta.group by A for the person asked about: who belongs to it
        2 facts.person by A for everyone in the household: given_name"""),
    "and the one that holds what is wanted, though it is dearer": (
        [households_of("alpha", latency_ms=900, holds=("poverty_score",)), households_of("beta"), FACTS_A], {"given_name", "poverty_score"}, "A", REGISTERED, set(), """\
        by A, household registered@1
        1 alpha.group by A for the person asked about: poverty_score
        2 facts.person by A for everyone in the household: given_name"""),
    "no registry at all": (
        [], {"given_name"}, "A", REGISTERED, set(), """\
        by number of another kind, household registered@1"""),
    "numbers that lead in a circle lead nowhere": (
        [small_manifest("one", lookup(by=["B"], identifiers=("D",))), small_manifest("two", lookup(by=["D"], identifiers=("B",))), small_manifest("facts", lookup(by=["B"], attributes=("given_name",))), small_manifest("other", lookup(by=["A"], attributes=("sex",)))], {"given_name"}, "A", None, set(), """\
        by A, household not asked for
        - facts not asked: it cannot be asked, starting from a A"""),
}  # fmt: skip


def planned(manifests: Iterable[Manifest], reads: set[str], by: str, rule: BoundaryRule | None, down: set[str]) -> str:
    """The plan's steps over some registries, without those who are not asked for lack of a need."""
    plan = Planner(manifests, CATALOGUE).plan(frozenset(reads), by, rule, frozenset(down))
    lines = plan.text().splitlines()
    return "\n".join(line for line in lines if not _is_spared(line))


@pytest.mark.parametrize("why", COSTS)
def test_the_cheapest_way_is_walked(why):
    """Costs are added up along the way; authority is not for sale."""
    manifests, reads, by, rule, down, expected = COSTS[why]

    assert planned(manifests, reads, by, rule, down) == dedent(expected)


@pytest.mark.parametrize("why", COSTS)
def test_the_order_of_the_manifests_decides_nothing(why):
    """The same registries in another order make the same plan."""
    manifests, reads, by, rule, down, expected = COSTS[why]

    assert planned(list(reversed(manifests)), reads, by, rule, down) == dedent(expected)


# -- when a registry is silent


BUILT_IN = list(MANIFESTS.values())
BEST = small_manifest("best", lookup(by=["A"], attributes=("given_name",)), authority={"given_name": 1})
BEST_WITH_NUMBERS = small_manifest(
    "best", lookup(by=["A"], identifiers=("C",), attributes=("given_name", "sex")), authority={"given_name": 1}
)
SECOND = small_manifest("second", lookup(by=["C"], attributes=("given_name",)), stands_in_for=("given_name",))

STAND_INS = {
    "names: civil registration stands in for the national ID platform": (
        BUILT_IN, {"given_name", "surname"}, "UIN", None, set(), """\
        by UIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: given_name, surname
        2 crvs.person by UIN|BRN for the person asked about, if 1 is silent: given_name, surname
        - social not asked: a more authoritative registry holds what is needed"""),
    "addresses: the social registry does": (
        BUILT_IN, {"locality"}, "UIN", None, set(), """\
        by UIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: locality
        2 social.member by MEMBER_ID|UIN for the person asked about, if 1 is silent: locality"""),
    "dates of birth: the national ID platform stands in for civil registration": (
        BUILT_IN, {"birth_date"}, "UIN", None, set(), """\
        by UIN, household not asked for
        1 crvs.person by UIN|BRN for the person asked about: birth_date
        2 national_id.identity by UIN|TIN for the person asked about, if 1 is silent: birth_date
        - social not asked: a more authoritative registry holds what is needed"""),
    "names and addresses: each has its own": (
        BUILT_IN, {"given_name", "locality"}, "UIN", REGISTERED, set(), """\
        by UIN, household registered@1
        1 social.group by UIN|MEMBER_ID for the person asked about: who belongs to it
        2 national_id.identity by UIN|TIN for everyone in the household: given_name, locality
        3 crvs.person by UIN|BRN for everyone in the household, if 2 is silent: given_name
        4 social.member by MEMBER_ID|UIN for everyone in the household, if 2 is silent: locality"""),
    "a registry known to be down stands in for nobody": (
        BUILT_IN, {"given_name"}, "UIN", None, {"crvs"}, """\
        by UIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: given_name
        2 social.member by MEMBER_ID|UIN for the person asked about, if 1 is silent: given_name
        - crvs not asked: a more authoritative registry holds what is needed"""),
    "nobody stands in for life and death": (
        BUILT_IN, {"vital_status", "marital_status"}, "UIN", None, {"crvs"}, """\
        by UIN, household not asked for
        1 crvs.person by UIN|BRN for the person asked about: marital_status, vital_status
        - national_id not asked: a more authoritative registry holds what is needed
        - social not asked: a more authoritative registry holds what is needed"""),
    "who is asked anyway needs no further step to stand in": (
        BUILT_IN, {"birth_date", "locality"}, "UIN", None, set(), """\
        by UIN, household not asked for
        1 crvs.person by UIN|BRN for the person asked about: birth_date
        2 national_id.identity by UIN|TIN for the person asked about: birth_date, locality
        3 social.member by MEMBER_ID|UIN for the person asked about, if 2 is silent: locality"""),
    "a stand-in finds no number of its own, and not by the silent registry": (
        BUILT_IN, {"given_name"}, "TIN", None, set(), """\
        by TIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: given_name
        - crvs not asked: a more authoritative registry holds what is needed
        - social not asked: a more authoritative registry holds what is needed"""),
    "civil registration is asked anyway, for a number: it stands in without a step of its own": (
        BUILT_IN, {"given_name"}, "BRN", None, set(), """\
        by BRN, household not asked for
        1 crvs.person by UIN|BRN for the person asked about: given_name, UIN
        2 national_id.identity by UIN|TIN for the person asked about after 1: given_name
        - social not asked: a more authoritative registry holds what is needed"""),
    "a stand-in takes a number that another step states": (
        [BEST, way_to_c("numbers", ("sex",)), SECOND], {"given_name", "sex"}, "A", None, set(), """\
        by A, household not asked for
        1 best.person by A for the person asked about: given_name
        2 numbers.person by A for the person asked about: sex, C
        3 second.person by C for the person asked about after 2, if 1 is silent: given_name"""),
    "but none that only the silent registry states": (
        [BEST_WITH_NUMBERS, SECOND], {"given_name", "sex"}, "A", None, set(), """\
        by A, household not asked for
        1 best.person by A for the person asked about: given_name, sex
        - second not asked: a more authoritative registry holds what is needed"""),
    "one registry stands in for two others": (
        [BEST, small_manifest("born", lookup(by=["A"], attributes=("birth_date",)), authority={"birth_date": 1}), small_manifest("second", lookup(by=["A"], attributes=("birth_date", "given_name")), stands_in_for=("birth_date", "given_name"))], {"given_name", "birth_date"}, "A", None, set(), """\
        by A, household not asked for
        1 born.person by A for the person asked about: birth_date
        2 best.person by A for the person asked about: given_name
        3 second.person by A for the person asked about, if 1 is silent: birth_date; if 2 is silent: given_name"""),
}  # fmt: skip


@pytest.mark.parametrize("why", STAND_INS)
def test_a_lesser_registry_stands_in_where_it_may(why):
    """Its step is taken only when the better one is silent, and names no more than it may stand in for."""
    manifests, reads, by, rule, down, expected = STAND_INS[why]

    assert planned(manifests, reads, by, rule, down) == dedent(expected)


RESERVES = {
    "crvs": (
        "birth_date", "UIN", """\
        by UIN, household not asked for
        1 crvs.person by UIN|BRN for the person asked about: birth_date
        2 national_id.identity by UIN|TIN for the person asked about, if 1 is silent: birth_date
        - reserve not asked: a more authoritative registry holds what is needed
        - social not asked: a more authoritative registry holds what is needed"""),
    "education": (
        "school_enrolled", "BRN", """\
        by BRN, household not asked for
        1 education.learner by LEARNER_NUMBER|BRN for the person asked about: school_enrolled
        2 reserve.person by BRN for the person asked about, if 1 is silent: school_enrolled"""),
    "health": (
        "insured", "UIN", """\
        by UIN, household not asked for
        1 health.patient by UIN for the person asked about: PATIENT_NUMBER
        2 health.chart by PATIENT_NUMBER for the person asked about after 1: insured
        3 reserve.person by UIN for the person asked about, if 2 is silent: insured"""),
    "land": (
        "land_area_ha", "UIN", """\
        by UIN, household not asked for
        1 land.holdings by UIN for the person asked about: land_area_ha
        2 reserve.person by UIN for the person asked about, if 1 is silent: land_area_ha"""),
    "national_id": (
        "nationality", "UIN", """\
        by UIN, household not asked for
        1 national_id.identity by UIN|TIN for the person asked about: nationality
        2 reserve.person by UIN for the person asked about, if 1 is silent: nationality"""),
    "social": (
        "is_disabled", "UIN", """\
        by UIN, household not asked for
        1 social.member by MEMBER_ID|UIN for the person asked about: is_disabled
        2 reserve.person by UIN for the person asked about, if 1 is silent: is_disabled"""),
    "tax": (
        "income_annual", "TIN", """\
        by TIN, household not asked for
        1 tax.taxpayer by TIN for the person asked about: income_annual
        2 reserve.person by TIN for the person asked about, if 1 is silent: income_annual"""),
}  # fmt: skip


@pytest.mark.parametrize("down", RESERVES)
def test_each_registry_in_turn_has_its_alternate(down):
    """With that registry known to be down, it keeps its step, so that its silence is told, and another one follows."""
    name, by, expected = RESERVES[down]
    reserve = small_manifest("reserve", lookup(by=[by], attributes=(name,)), stands_in_for=(name,))

    assert planned([*BUILT_IN, reserve], {name}, by, None, {down}) == dedent(expected)


@pytest.mark.parametrize("registry", MANIFESTS)
def test_what_is_down_changes_no_authority(registry):
    """Every attribute is still wanted of the same registry, whichever is down."""
    reads = readable(UCT | CCT, CATALOGUE)
    whole = PLANNER.plan(reads, "UIN", REGISTERED_OR_KIN)
    without = PLANNER.plan(reads, "UIN", REGISTERED_OR_KIN, frozenset({registry}))

    assert without.unreachable == whole.unreachable
    assert {s.key: s.names for s in without.steps} == {s.key: s.names for s in whole.steps}


# -- why


def test_every_choice_is_explained():
    """One sentence for each step, each way to a number, and each registry that is down."""
    reads = frozenset({"given_name", "birth_date", "income_annual", "poverty_score"})
    plan = PLANNER.plan(reads, "UIN", REGISTERED, frozenset({"crvs"}))

    assert plan.explain() == dedent("""\
        # 1 social.group names the members of the household by registered@1; holds poverty_score
        # 2 crvs.person has the best word on birth_date of those that can be asked (rank 1; national_id has rank 2, social has rank 3, beneficiary has rank 4, disability has rank 4, employment has rank 4, farmer has rank 4); states given_name as well, since it is asked anyway
        # 3 national_id.identity has the best word on given_name of those that can be asked (rank 1; crvs has rank 2, social has rank 3, beneficiary has rank 4, disability has rank 4, employment has rank 4, farmer has rank 4); gives TIN; states birth_date as well, since it is asked anyway
        # 4 tax.taxpayer alone holds income_annual
        # TIN of everyone in the household comes from national_id.identity: asked anyway, it costs nothing more
        # national_id.entry is asked only if nobody is known by that UIN to 1: it issues these numbers, and knows whether somebody has two
        # crvs is known to be down: no way leads through it where another does""")
    assert plan.explained() == f"{plan.text()}\n{plan.explain()}"


def test_what_a_rule_needs_is_explained():
    """What it reads itself, and what is read beside it."""
    plan = PLANNER.plan(frozenset({"birth_date", "sex"}), "UIN", KIN)

    assert plan.why[0] == (
        "1 crvs.person names the next of kin of the household by kin@1, reading birth_date; "
        "states sex as well, since it is asked anyway"
    )


def test_a_dearer_way_is_named_with_its_price():
    """And one that leads through a registry which is down, as what it is."""
    planner = Planner([way_to_c("alpha", load=5), way_to_c("beta"), FACTS], CATALOGUE)
    reads = frozenset({"given_name"})

    assert planner.plan(reads, "A", None).why[-1] == (
        "C of the person asked about comes from beta.person, at 400 ms: alpha.person costs 550 ms"
    )
    assert planner.plan(reads, "A", None, frozenset({"beta"})).why[-2:] == (
        (
            "C of the person asked about comes from alpha.person, at 550 ms: "
            "beta.person costs what nothing is worth while it is down"
        ),
        "beta is known to be down: no way leads through it where another does",
    )


def test_what_cannot_be_asked_for_is_explained():
    """By the number that is lacking, or by nobody holding it."""
    planner = Planner([m for m in BUILT_IN if m.id != "tax"], CATALOGUE)

    assert planner.plan(frozenset({"land_area_ha", "income_annual"}), "PATIENT_NUMBER", None).why == (
        "income_annual cannot be asked for: no connected registry holds it",
        "land_area_ha cannot be asked for: land takes UIN, and nothing leads there from a PATIENT_NUMBER",
    )


# -- plans kept


def test_a_plan_is_compiled_once_for_an_agreement():
    """Whatever a question may vary makes another plan; the same question finds the one that is there."""
    planner = Planner(BUILT_IN, CATALOGUE)
    agreed = ("uct", "1.0")
    first = planner.plan_agreed(agreed, forms("given_name"), "UIN", None)

    assert planner.plan_agreed(agreed, forms("given_name"), "UIN", None) is first
    assert planner.counts == Counts(compiled=1, reused=1, dropped=0, kept=1)
    for other in (
        (("uct", "1.1"), forms("given_name"), "UIN", None),
        (agreed, forms("given_name", "sex"), "UIN", None),
        (agreed, forms("given_name"), "TIN", None),
        (agreed, forms("given_name"), "UIN", KIN),
        (agreed, forms("given_name"), "UIN", None, frozenset({"crvs"})),
    ):
        planner.plan_agreed(*other)
    assert planner.counts == Counts(compiled=6, reused=1, dropped=0, kept=6)


def test_an_agreement_changed_without_a_new_version_gets_a_new_plan():
    """What may be read goes by the agreement as it is now, not as it was when the plan was made."""
    planner, agreed = Planner(BUILT_IN, CATALOGUE), ("uct", "1.0")
    coarse = {"address_line": Form(FormKind.GENERALISED, to="region")}
    planner.plan_agreed(agreed, forms("address_line"), "UIN", None)

    assert planner.plan_agreed(agreed, coarse, "UIN", None).reads == {"region_code"}
    assert planner.plan_agreed(agreed, forms("address_line"), "UIN", None).reads == {"address_line"}
    assert planner.counts.reused == 0


def test_the_plans_least_used_of_late_make_room():
    """Consumers choose their attributes, so the number of plans kept has a bound."""
    planner = Planner(BUILT_IN, CATALOGUE, kept_at_most=2)
    one, two, three = (frozenset({name}) for name in ("given_name", "surname", "sex"))
    kept = planner.plan(one, "UIN", None)
    planner.plan(two, "UIN", None)
    assert planner.plan(one, "UIN", None) is kept
    planner.plan(three, "UIN", None)

    assert planner.plan(one, "UIN", None) is kept
    assert planner.counts == Counts(compiled=3, reused=2, dropped=1, kept=2)


def test_who_is_silent_is_asked_when_a_question_starts():
    """The planner passes on what the guards know."""
    silent = [frozenset({"tax"}), frozenset[str]()]
    planner = Planner(BUILT_IN, CATALOGUE, lambda: silent.pop(0))

    assert planner.silent() == {"tax"}
    assert planner.silent() == set()


def test_a_plan_says_why_a_registry_is_not_asked():
    """Not needed, or outranked: every registry without a step has its reason."""
    plan = PLANNER.plan(frozenset({"nationality", "given_name"}), "TIN", None)

    assert [s.key for s in plan.steps] == [("national_id", "identity")]
    assert plan.not_asked.keys() == MANIFESTS.keys() - {"national_id"}
    assert plan.not_asked["crvs"] == "a more authoritative registry holds what is needed"
    assert plan.not_asked["tax"] == "nothing that may be known comes from it"


def test_an_attribute_nobody_holds_is_unreachable():
    """It has no step, and is named, so that the answer can say so."""
    planner = Planner([m for m in MANIFESTS.values() if m.id != "land"], CATALOGUE)
    plan = planner.plan(frozenset({"land_area_ha", "vital_status"}), "UIN", None)

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

    assert holders["given_name"] == {"crvs", "national_id", "social"} | OF_SOME
    assert holders["uin"] == {"crvs", "national_id", "social"} | OF_SOME
    assert holders["household_id"] == {"social"}
    assert "age" not in holders


def test_a_household_number_first_learns_only_who_belongs_to_it():
    """Facts of the household wait for the permit of somebody in it."""
    first, second = PLANNER.plan(frozenset({"poverty_score"}), "HOUSEHOLD_ID", REGISTERED).steps

    assert (first.who, first.names) == (Who.GROUP, frozenset())
    assert second.names == {"poverty_score"}
    assert second.after == (1,)
