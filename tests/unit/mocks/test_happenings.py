"""What happens later changes one truth, the same for the same seed, and nothing happens by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mocks.beneficiary import BeneficiaryRegistry
from mocks.chance import fraction
from mocks.clock import Clock
from mocks.crvs import CrvsRegistry
from mocks.happenings import LATE_DAYS, Happenings
from mocks.national_id import NationalIdRegistry
from mocks.population import REFERENCE_DATE, build
from mocks.social import SocialRegistry
from mocks.troubles import RATES
from mocks.vital_events import ImpossibleEventError

KINDS = (CrvsRegistry, SocialRegistry, NationalIdRegistry, BeneficiaryRegistry)


def country(households=120, seed=4):
    """Return a small country with some registries, in which things can happen."""
    population = build(households, seed)
    happenings = Happenings(population)
    for kind in KINDS:
        happenings.join(kind(population, kind.new_credentials()))
    return happenings


def age(happenings, person):
    """Return a person's age on the country's day."""
    return (happenings.population.today - person.birth_date).days / 365.25


def living(happenings, fits):
    """Return the first of the living who fits."""
    return next(one for one in happenings.alive() if fits(one))


def home_of(happenings, person):
    """Return the household a person lives in."""
    return happenings.population.households[person.household]


def test_nothing_happens_by_itself():
    """A country with a clock that nobody turns stays as it was grown."""
    grown, again = build(120, 4), country().population

    assert again.people == grown.people
    assert again.households == grown.households
    assert again.by_number == grown.by_number
    assert again.today == REFERENCE_DATE


def test_the_same_seed_brings_the_same_days():
    """Event for event, number for number."""
    one, other = country(), country()
    Clock(one).pass_days(400)
    Clock(other).pass_days(400)

    assert [happened.event for happened in one.history] == [happened.event for happened in other.history]
    assert one.population.people == other.population.people


def test_after_years_the_truth_still_holds_together():
    """Households, marriages, families and numbers agree with each other."""
    happenings = country()
    Clock(happenings).pass_days(3 * 365)
    population = happenings.population
    people = population.people

    assert {happened.event.kind for happened in happenings.history} >= {"birth", "death", "marriage", "move"}
    for home in population.households:
        assert len(set(home.members)) == len(home.members) > 0
        assert len(home.members) == 1 or all(people[one].death_date is None for one in home.members)
        assert home.relationship[home.head] == "SELF" or people[home.head].death_date is not None
        assert set(home.members) <= home.relationship.keys()
    for person in people:
        if person.death_date is None:
            assert person.index in home_of(happenings, person).members
        for marriage in person.marriages:
            theirs = people[marriage.spouse].marriages
            assert (marriage.start, marriage.end) in {(m.start, m.end) for m in theirs if m.spouse == person.index}
        for parent in (person.mother, person.father):
            assert parent is None or person.index in people[parent].children
        assert person.uin is None or population.by_number["UIN"][person.uin] == person.index
        assert person.brn is None or population.by_number["BRN"][person.brn] == person.index


def test_chance_leaves_the_examples_alone():
    """The households that documents name stay as they are described, as far as nobody commands otherwise."""
    happenings = country()
    examples = happenings.population.example_people
    before = {place: happenings.population.people[place].death_date for place in examples}
    Clock(happenings).pass_days(3 * 365)

    assert {place: happenings.population.people[place].death_date for place in examples} == before


def test_the_spouse_leads_a_household_whose_head_has_died():
    """The marriage ends by death, and everybody is something else to the new head."""
    happenings = country()
    head = living(
        happenings,
        lambda one: (
            home_of(happenings, one).head == one.index
            and one.spouse_on(REFERENCE_DATE) in home_of(happenings, one).members
        ),
    )
    spouse, home = head.spouse_on(REFERENCE_DATE), home_of(happenings, head)

    happenings.death(head)

    assert (home.head, home.relationship[home.head]) == (spouse, "SELF")
    assert head.index not in home.members
    assert head.marriages[-1].ended_by == "death"
    assert head.drn is not None


def late(happenings, label, rate):
    """Return somebody living whose death one registry will learn of late."""
    seed = happenings.population.seed
    return living(
        happenings,
        lambda one: (
            one.uin and fraction(seed, f"late: {label}", one.index) < rate and len(home_of(happenings, one).members) > 1
        ),
    )


def test_national_id_learns_of_some_deaths_late():
    """For some weeks it takes the dead to be alive; then it knows."""
    happenings = country()
    person = late(happenings, "alive at national id", RATES.alive_at_national_id)

    happenings.death(person)
    at_once = happenings.population.national_id_alive(person.index)
    for _ in range(LATE_DAYS[1]):
        happenings.next_day()

    assert at_once
    assert not happenings.population.national_id_alive(person.index)


def test_the_tax_authority_learns_of_some_deaths_late():
    """The file of the dead stays active for some weeks."""
    happenings = country(400)
    seed = happenings.population.seed
    person = living(
        happenings,
        lambda one: one.tax and fraction(seed, "late: on tax rolls", one.index) < RATES.dead_on_tax_rolls,
    )

    happenings.death(person)
    at_once = happenings.population.on_tax_rolls_though_dead(person.index)
    for _ in range(LATE_DAYS[1]):
        happenings.next_day()

    assert at_once
    assert not happenings.population.on_tax_rolls_though_dead(person.index)


def test_the_social_registry_learns_of_some_moves_late():
    """It keeps the old address for some weeks; others have the new one at once."""
    happenings = country(400)
    seed, population = happenings.population.seed, happenings.population
    is_late, is_prompt = (
        living(
            happenings,
            lambda one, late=late: (
                home_of(happenings, one).household_id is not None
                and (fraction(seed, "late: relocation", one.index) < RATES.stale_address) is late
                and population.registered_address(one.household) == home_of(happenings, one).address
            ),
        )
        for late in (True, False)
    )
    old = home_of(happenings, is_late).address

    for one in (is_late, is_prompt):
        happenings.relocation(one)
    at_once = [population.registered_address(one.household) for one in (is_late, is_prompt)]
    for _ in range(LATE_DAYS[1]):
        happenings.next_day()

    assert at_once == [old, home_of(happenings, is_prompt).address]
    assert population.registered_address(is_late.household) == home_of(happenings, is_late).address != old


def test_national_id_counts_residents_where_they_live_now():
    """The dead and those who moved away are no residents; who moved in and the newborn are."""
    happenings = country()
    office = happenings.one_called("national_id")
    Clock(happenings).pass_days(3 * 365)

    moved = [one.event for one in happenings.history if one.event.kind in ("move", "birth", "death")]
    assert {event.kind for event in moved} == {"move", "birth", "death"}
    for event in moved:
        person = happenings.population.people[event.person]
        is_resident = person in office._residents[person.household]
        assert is_resident == (person.uin is not None and happenings.population.national_id_alive(person.index))
        elsewhere = event.details.get("from")
        assert elsewhere is None or elsewhere == person.household or person not in office._residents[elsewhere]


def test_a_death_ends_benefits():
    """Every active enrolment of the dead becomes that of a deceased, at once or late."""
    happenings = country()
    office = happenings.one_called("beneficiary")
    person = living(happenings, lambda one: one.uin and age(happenings, one) > 30)
    happenings.enrolment(person, "beneficiary", "CG-01")

    happenings.death(person)
    for _ in range(LATE_DAYS[1]):
        happenings.next_day()

    (entry,) = office.roll.of(person)
    assert {one.status(happenings.population.today) for one in entry.enrolments} == {"2"}


def test_a_newborn_has_its_numbers_and_its_family():
    """A registered birth gives both numbers, a place in the household and a line in the parents' records."""
    happenings = country()
    mother = living(
        happenings,
        lambda one: (
            one.sex == "female"
            and 20 < age(happenings, one) < 40
            and one.spouse_on(REFERENCE_DATE) is not None
            and all(age(happenings, happenings.population.people[child]) > 1 for child in one.children)
        ),
    )
    happened = happenings.birth(mother)

    child = happenings.population.people[happened.event.person]
    assert child.uin
    assert child.brn
    assert (child.mother, child.father) == (mother.index, mother.spouse_on(REFERENCE_DATE))
    assert child.index in home_of(happenings, mother).members
    assert home_of(happenings, mother).relationship[child.index] in {"CHILD", "GRNDCHILD", "NEPHEW", "EXT", "INLAW"}
    with pytest.raises(ImpossibleEventError, match="nine months"):
        happenings.birth(mother)


def test_what_cannot_be_is_refused():
    """Men do not bear, children do not marry, kin do not marry, the last of a household stays."""
    happenings = country()
    people = happenings.population.people
    man = living(happenings, lambda one: one.sex == "male" and age(happenings, one) > 20)
    child = living(happenings, lambda one: age(happenings, one) < 10 and one.mother is not None)
    alone = living(happenings, lambda one: len(home_of(happenings, one).members) == 1)
    unwed = [one for one in happenings.alive() if age(happenings, one) > 18 and not one.spouse_on(REFERENCE_DATE)]
    sister, brother = next(
        (one, other)
        for one in unwed
        for other in unwed
        if one.sex == "female" and other.sex == "male" and one.mother is not None and one.mother == other.mother
    )
    orders = (
        lambda: happenings.birth(man),
        lambda: happenings.marriage(child, man),
        lambda: happenings.marriage(sister, brother),
        lambda: happenings.divorce(child),
        lambda: happenings.move(alone, people[child.index].household),
        lambda: happenings.move(man, man.household),
        lambda: happenings.enrolment(man, "beneficiary", "XX-99"),
        lambda: happenings.enrolment(man, "weather", ""),
        lambda: happenings.registration(man, "crvs"),
    )

    for order in orders:
        with pytest.raises(ImpossibleEventError):
            order()
    assert happenings.history == []


def test_a_day_is_a_day():
    """The country's clock counts in days from the reference date."""
    happenings = country()
    Clock(happenings, day=lambda _: []).pass_days(3)

    assert happenings.population.today == REFERENCE_DATE + timedelta(days=3)
    assert happenings.history == []
