"""The named examples: there in every country, and true to their notes."""

import pytest

from mocks.population import REFERENCE_DATE, consents, examples
from tests.unit.mocks.countries import country

KEYS = {
    "complete_household",
    "widow",
    "lactating_mother",
    "disabled_member",
    "no_number",
    "dead_and_alive",
    "refused_consent",
    "refused_health",
    "double_registration",
    "drifting_spelling",
    "unregistered_birth",
}
LATER_KEYS = {
    "disabled_adult": "disabled_member",
    "farmer": "complete_household",
    "two_programmes": "disabled_member",
    "enrolled_twice": "double_registration",
    "job_seeker": None,
}
"""Examples whose people are those of another one."""
COUNTRIES = [(50, seed) for seed in range(1, 6)] + [(12, 1), (400, 7)]


@pytest.fixture(params=COUNTRIES, ids=str)
def population(request):
    """Return countries of several sizes and seeds."""
    return country(*request.param)


def asked(population, key):
    """Return the person an example's number leads to."""
    numbers = examples(population)[key]["identifiers"]
    kind = "UIN" if "UIN" in numbers else "MEMBER_ID"
    return population.people[population.by_number[kind][numbers[kind]]]


def home(population, key):
    """Return the household an example's number leads to."""
    (place,) = population.households_by_id[examples(population)[key]["identifiers"]["HOUSEHOLD_ID"]]
    return population.households[place]


def decisions(population, person):
    """Return what stands in the consent lines under a person's numbers."""
    numbers = {person.uin, person.brn, person.member_id}
    return [(c["decision"], c["sources"]) for c in consents(population) if c["subject"]["value"] in numbers]


def test_every_example_exists(population):
    """Each key has a note and numbers that are found, in a household registered once."""
    found = examples(population)

    assert set(found) == KEYS | LATER_KEYS.keys()
    for key, example in found.items():
        assert example["note"]
        assert asked(population, key).household == home(population, key).index
        assert len(population.registered_ids(home(population, key).index)) == 1


def test_later_examples_are_people_of_the_others(population):
    """Whom the later registers know something of; each is reached by a national number."""
    for key, other in LATER_KEYS.items():
        assert asked(population, key).uin
        assert asked(population, key).index in population.example_people
        if other is not None:
            assert asked(population, key) is asked(population, other)
    assert examples(population)["enrolled_twice"]["second_uin"] == asked(population, "enrolled_twice").second_uin


def test_examples_have_no_other_troubles(population):
    """Names, addresses, lists and numbers of the examples are right, but for the trouble each stands for."""
    for key in KEYS:
        household = home(population, key)
        assert population.registered_address(household.index) == household.address
        assert (population.registered_members(household.index) == household.members) == (key != "dead_and_alive")
        for member in household.members:
            person = population.people[member]
            subject = member == asked(population, key).index
            name = (person.given_name, person.second_name, person.surname)
            for registry in ("crvs", "social", "national_id", "tax", "education", "health"):
                drifts = (
                    key == "drifting_spelling" and subject and registry in ("national_id", "tax", "education", "health")
                )
                assert (population.spelling(registry, member) != name) == drifts
            if not (subject and key in ("no_number", "unregistered_birth")):
                assert person.uin
                assert population.in_crvs(member)
            assert (person.second_uin is not None) == (subject and key == "double_registration")
            assert population.learner_brn(member) == person.brn
            assert population.registered_households(member) == (household.index,)


def test_the_complete_household_is_complete(population):
    """Two parents with tax files and land, three children, the eldest in school; all patients, all consenting."""
    household = home(population, "complete_household")
    father, mother, *children = (population.people[m] for m in household.members)

    assert father is asked(population, "complete_household")
    assert [household.relationship[m] for m in household.members] == ["SELF", "SPS", "CHILD", "CHILD", "CHILD"]
    assert father.children == mother.children == [c.index for c in children]
    assert father.spouse_on(REFERENCE_DATE) == mother.index
    assert all(p.mother is None and p.father is None for p in (father, mother))
    assert father.tin
    assert mother.tin
    assert father.tax.employment_income > 0
    assert population.parcels_of[father.index]
    assert population.parcels_of[mother.index]
    assert children[0].birth_date < children[1].birth_date < children[2].birth_date
    assert children[0].schooling.enrolled
    assert children[0].learner_number
    assert children[0].brn
    for person in (father, mother, *children):
        assert person.uin
        assert person.brn
        assert person.patient_number
        assert person.member_id
        assert person.death_date is None
        assert decisions(population, person) == [("granted", None)]


def test_the_widow_lost_her_husband(population):
    """She lives, he died, and civil registration has both marriage and death."""
    widow = asked(population, "widow")
    (marriage,) = widow.marriages

    assert widow.spouse_on(REFERENCE_DATE) is None
    assert marriage.ended_by == "death"
    assert population.people[marriage.spouse].drn
    assert not population.national_id_alive(marriage.spouse)
    assert len(home(population, "widow").members) == 4


def test_the_mother_is_lactating(population):
    """Her chart says so, and the infant lives with her."""
    mother = asked(population, "lactating_mother")

    assert mother.chart.lactating
    assert not mother.chart.pregnant
    assert mother.children[-1] in home(population, "lactating_mother").members


def test_the_disabled_member_is_recorded(population):
    """She and nobody else in her household has a disability."""
    woman = asked(population, "disabled_member")
    disabled = [m for m in home(population, "disabled_member").members if population.people[m].disability]

    assert disabled == [woman.index]
    assert woman.disability.severity == "4"


def test_the_numberless_has_a_member_number_only(population):
    """A grandmother whom only the social registry knows."""
    person = asked(population, "no_number")

    assert set(examples(population)["no_number"]["identifiers"]) == {"MEMBER_ID", "HOUSEHOLD_ID"}
    assert (person.uin, person.brn, person.tin, person.learner_number, person.patient_number) == (None,) * 5
    assert home(population, "no_number").relationship[person.index] == "PRN"


def test_the_dead_man_is_alive_at_national_id(population):
    """He has a death number, national ID thinks he lives, and the social registry still lists him with his widow."""
    person = asked(population, "dead_and_alive")
    household = home(population, "dead_and_alive")

    assert person.drn
    assert population.national_id_alive(person.index)
    assert person.index not in household.members
    assert person.index in population.registered_members(household.index)
    assert household.relationship[person.index] == "SPS"


def test_who_refused_has_refused(population):
    """One man refuses all, one the health registry; their wives and children are granted."""
    said = {"refused_consent": [("refused", None)], "refused_health": [("granted", None), ("refused", ["health"])]}
    for key, decided in said.items():
        person = asked(population, key)
        assert decisions(population, person) == decided
        for member in home(population, key).members:
            if member != person.index:
                assert decisions(population, population.people[member]) == [("granted", None)]


def test_the_double_registration_has_two_numbers(population):
    """Both numbers lead to her, and her consent stands under both."""
    example = examples(population)["double_registration"]
    second = example["second_uin"]

    assert population.by_number["UIN"][second] == asked(population, "double_registration").index
    assert {c["subject"]["value"] for c in consents(population)} >= {second, example["identifiers"]["UIN"]}


def test_the_drifting_man_is_known_to_the_registries(population):
    """He has the numbers by which the registries that misspell him are asked."""
    person = asked(population, "drifting_spelling")

    assert person.tin
    assert person.patient_number
    assert population.spelling("tax", person.index)[2] != person.surname


def test_the_unregistered_child_has_a_member_number_only(population):
    """No birth number, no national number; the parents are known."""
    child = asked(population, "unregistered_birth")

    assert not population.in_crvs(child.index)
    assert child.uin is None
    assert population.people[child.mother].uin
    assert child.index in population.registered_members(child.household)
