"""Plans: every registry down in turn has its alternate; those of some people as well as those of everybody."""

from textwrap import dedent

import pytest

from gateway.stages.plan import Planner
from tests.builders import CATALOGUE, MANIFESTS, lookup, small_manifest
from tests.unit.gateway.stages.test_plan import RESERVES

OF_SOME = {
    "beneficiary": (
        "benefit_enrolments", "BENEFICIARY_ID", """\
        by BENEFICIARY_ID, household not asked for
        1 beneficiary.enrolments by UIN|BENEFICIARY_ID for the person asked about: benefit_enrolments
        2 reserve.person by BENEFICIARY_ID for the person asked about, if 1 is silent: benefit_enrolments"""),
    "disability": (
        "disability_level", "UIN", """\
        by UIN, household not asked for
        1 disability.assessment by UIN|PWD_ID for the person asked about: disability_level
        2 reserve.person by UIN for the person asked about, if 1 is silent: disability_level"""),
    "employment": (
        "unemployment_reason", "UIN", """\
        by UIN, household not asked for
        1 employment.job_seeker by UIN|JOB_SEEKER_ID for the person asked about: unemployment_reason
        2 reserve.person by UIN for the person asked about, if 1 is silent: unemployment_reason"""),
    "farmer": (
        "farm_type", "UIN", """\
        by UIN, household not asked for
        1 farmer.farmer by UIN|FARMER_ID for the person asked about: farm_type
        2 reserve.person by UIN for the person asked about, if 1 is silent: farm_type"""),
    "housing": (
        "home_roof", "UIN", """\
        by UIN, household not asked for
        1 housing.dwelling by UIN for the person asked about: home_roof
        2 reserve.person by UIN for the person asked about, if 1 is silent: home_roof"""),
    "payments": (
        "payment_channel", "BENEFICIARY_ID", """\
        by BENEFICIARY_ID, household not asked for
        1 payments.payments by BENEFICIARY_ID for the person asked about: payment_channel
        2 reserve.person by BENEFICIARY_ID for the person asked about, if 1 is silent: payment_channel"""),
    "social_insurance": (
        "pension_type", "TIN", """\
        by TIN, household not asked for
        1 social_insurance.account by TIN|UIN for the person asked about: pension_type
        2 reserve.person by TIN for the person asked about, if 1 is silent: pension_type"""),
}  # fmt: skip
BY_TRAITS = {id_ for id_, m in MANIFESTS.items() if any(k.by_traits for k in m.lookups)}
"""Registries that people are looked up in by what is known of them, not by a number."""


@pytest.mark.parametrize("down", OF_SOME)
def test_each_registry_of_some_people_has_its_alternate(down):
    """It keeps its step while it is known to be down, so that its silence is told, and another one follows."""
    name, by, expected = OF_SOME[down]
    reserve = small_manifest("reserve", lookup(by=[by], attributes=(name,)), stands_in_for=(name,))

    plan = Planner([*MANIFESTS.values(), reserve], CATALOGUE).plan(frozenset({name}), by, None, frozenset({down}))

    assert [line for line in plan.text().splitlines() if not line.startswith("- ")] == dedent(expected).splitlines()


def test_no_registry_is_left_out():
    """A registry that is added has its reserve shown here, or with those of everybody.

    But for those without numbers: a reserve that takes one is asked in the first place, since that is surer.
    """
    assert MANIFESTS.keys() - BY_TRAITS == RESERVES.keys() | OF_SOME.keys()
    assert len(BY_TRAITS) == 1
