"""Lives: school, work, land, health and poverty agree with who people are."""

from datetime import date, timedelta
from statistics import mean

import pytest

from mocks.clinics import VACCINES
from mocks.population import REFERENCE_DATE
from tests.unit.mocks.countries import country

EIGHTEEN_MONTHS = timedelta(days=548)


@pytest.fixture(scope="module")
def population():
    """Return a country with enough people for shares."""
    return country(1500)


@pytest.fixture(scope="module")
def living(population):
    """Return its living people."""
    return [p for p in population.people if p.death_date is None]


def age(person, on=REFERENCE_DATE):
    """Return the age in years."""
    return (on - person.birth_date).days / 365.25


def share(hits):
    """Return the share of true values."""
    return mean(map(bool, hits))


def test_pupils_are_of_school_age(living):
    """Whoever is in school is from three to twenty-four years old, in a grade that fits."""
    pupils = [p for p in living if p.schooling is not None and p.schooling.enrolled]

    assert pupils
    for person in pupils:
        school = person.schooling
        assert 3.5 <= age(person) <= 24.5
        assert school.school
        assert date(2026, 1, 12) <= school.enrolled_on <= REFERENCE_DATE
        assert 0 < school.attendance <= 100
        assert round(school.attendance * 60 / 100) / 60 * 100 == pytest.approx(school.attendance, abs=0.05)
        if school.level in ("0", "1", "2", "3"):
            lowest, highest = {"0": (0, 0), "1": (1, 6), "2": (7, 9), "3": (10, 12)}[school.level]
            assert lowest <= school.grade <= highest
            assert school.grade <= age(person) - 4


def test_most_children_are_in_school(living):
    """Nine of ten children of primary age are enrolled, fewer in secondary age, the dead never."""
    primary = [p for p in living if 7 <= age(p) < 12]
    secondary = [p for p in living if 15 <= age(p) < 18]

    assert 0.85 < share(p.schooling is not None and p.schooling.enrolled for p in primary) < 0.99
    assert 0.5 < share(p.schooling is not None and p.schooling.enrolled for p in secondary) < 0.9
    assert not any(p.schooling and p.schooling.enrolled for p in country(1500).people if p.death_date)


def test_only_grown_people_pay_tax(living):
    """Tax files belong to people from eighteen up, who are not in school."""
    for person in living:
        if person.tax is not None:
            assert age(person) >= 18
            assert person.schooling is None or not person.schooling.enrolled
            assert person.tax.status in ("active", "dormant")
            assert person.tax.tax_paid <= person.tax.employment_income + person.tax.business_income
            assert person.tax.employment_status in "124568"
            assert (person.tax.employer is not None) == (person.tax.employment_income > 0)


def test_about_a_third_of_the_grown_has_a_tax_file(living):
    """Formal work is for some, the better schooled more often."""
    grown = [p for p in living if 25 <= age(p) < 60]
    schooled = [p for p in grown if p.schooling is not None and p.schooling.level >= "4"]

    assert 0.2 < share(p.tax for p in grown) < 0.5
    assert share(p.tax for p in schooled) > 0.55


def test_the_poor_mostly_have_no_tax_file(population):
    """In the poorest fifth few have a file, in the richest most homes have one."""
    ranked = sorted(population.households, key=lambda h: h.poverty_score)
    fifth = len(ranked) // 5

    def with_file(households):
        return share(any(population.people[m].tax for m in h.members) for h in households)

    assert with_file(ranked[:fifth]) < 0.25
    assert with_file(ranked[-fifth:]) > 0.7


def test_scores_span_the_scale(population):
    """Poverty scores lie between 0 and 100 and spread over most of it."""
    scores = sorted(h.poverty_score for h in population.households)

    assert scores[0] >= 0
    assert scores[-1] <= 100
    assert 25 < scores[len(scores) // 2] < 60
    assert scores[-1] - scores[0] > 60


def test_land_is_held_by_people_who_could_be_entered(population):
    """Holders have a national number, were grown when the land was entered, and hold it once."""
    for parcel in population.parcels:
        holders = [population.people[h] for h in parcel.holders]
        assert holders
        assert len(set(parcel.holders)) == len(holders)
        assert all(h.uin for h in holders)
        assert all(age(h, parcel.registered_on) > 17.9 for h in holders)
        assert parcel.area_ha > 0
        assert parcel.value > 0
        assert parcel.tenure in "12345"
        assert parcel.use in ("cropland", "pasture", "residential", "forest")
        assert 20 < parcel.longitude < 26
        assert -9 < parcel.latitude < -4


def test_land_is_inherited(population):
    """Inherited land is held by a widow or children of someone who died before it was entered for them."""
    inherited = [p for p in population.parcels if p.tenure == "5"]

    assert len(inherited) > 50
    assert any(len(p.holders) > 2 for p in inherited)
    for parcel in inherited:
        heirs = [population.people[h] for h in parcel.holders]
        dead = {
            kin
            for h in heirs
            for kin in (h.father, *(m.spouse for m in h.marriages))
            if kin is not None
            and (died := population.people[kin].death_date) is not None
            and died < parcel.registered_on
        }
        assert dead


def test_some_land_still_stands_in_the_name_of_the_dead(population):
    """A few parcels were never transferred."""
    late = [p for p in population.parcels if all(population.people[h].death_date is not None for h in p.holders)]

    assert 0 < len(late) < 0.1 * len(population.parcels)


def test_mothers_breastfeed_their_living_infants(living, population):
    """A patient is lactating exactly when a living child of hers is younger than eighteen months."""
    for person in living:
        if person.chart is None:
            continue
        infants = [
            c
            for c in person.children
            if population.people[c].death_date is None
            and REFERENCE_DATE - population.people[c].birth_date < EIGHTEEN_MONTHS
        ]
        childbearing = person.sex == "female" and 15 <= age(person) < 50
        assert person.chart.lactating == (childbearing and bool(infants))


def test_some_women_are_pregnant(living, population):
    """Pregnant women are of the age, and none gave birth within the last two months."""
    pregnant = [p for p in living if p.chart is not None and p.chart.pregnant]

    assert len(pregnant) > 20
    for person in pregnant:
        assert person.sex == "female"
        assert 17 < age(person) < 46
        assert all((REFERENCE_DATE - population.people[c].birth_date).days > 60 for c in person.children)


def test_doses_fit_the_age(living):
    """Vaccines are given in order of the schedule, never before they are due, HPV to girls only."""
    due = {"19": 1, "02": 42, "198": 42, "133": 42, "119": 42, "03": 274, "37": 280, "165": 3700, "09": 5400}
    for person in living:
        if person.chart is None:
            continue
        assert person.chart.visits == sorted(set(person.chart.visits))
        assert person.chart.visits
        for dose in person.chart.doses:
            assert dose.vaccine in VACCINES
            assert (dose.given_on - person.birth_date).days >= due[dose.vaccine]
            assert dose.vaccine not in ("165", "09") or person.sex == "female"


def test_most_small_children_are_vaccinated(living):
    """Children of one to five who are patients mostly had their measles dose."""
    small = [p for p in living if 1.2 < age(p) < 5 and p.chart is not None]

    assert 0.7 < share(any(d.vaccine == "03" for d in p.chart.doses) for p in small) < 0.98


def test_insurance_follows_work(living, population):
    """Employees who are patients are mostly insured; some policies have run out; the insured have an end date."""
    patients = [p for p in living if p.chart is not None]
    employees = [p for p in patients if p.tax is not None and p.tax.employment_income > 0]

    assert share(p.chart.scheme == "National Health Insurance" for p in employees) > 0.9
    assert all((p.chart.scheme is None) == (p.chart.insured_until is None) for p in patients)
    assert 0.005 < share(p.chart.insured_until and p.chart.insured_until <= REFERENCE_DATE for p in patients) < 0.06
    assert 0.25 < share(p.chart.scheme for p in patients) < 0.7


def test_one_in_twentyfive_has_a_disability(living):
    """About four of a hundred have a recognised disability, the old more often."""
    assert 0.03 < share(p.disability for p in living) < 0.055
    assert share(p.disability for p in living if age(p) >= 65) > 0.1
    assert {p.disability.severity for p in living if p.disability} <= {"2", "3", "4"}


def test_benefits_reach_the_poor(population):
    """Programmes pay to registered households of low scores, in this year."""
    paid = [h for h in population.households if h.programmes]

    assert 0.1 < len(paid) / len(population.households) < 0.5
    assert all(h.household_id and h.last_paid_on.year == 2026 for h in paid)
    assert all(h.poverty_score < 60 for h in paid)
    assert all(h.last_paid_on is None for h in population.households if not h.programmes)


def test_homes_are_described_in_the_social_registrys_words(population):
    """Dwellings, water and rooms use the codes agreed."""
    for household in population.households:
        assert household.dwelling in ("brick", "mud", "iron_sheet", "temporary")
        assert household.water in ("piped", "borehole", "well", "surface")
        assert 1 <= household.rooms <= 9
