"""Clinic histories: visits, vaccines, pregnancy and breastfeeding as births tell, insurance, disability."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from random import Random
from typing import Final

from mocks.chance import Knots, between, curve, pick
from mocks.families import TODAY, YEAR, Country, day
from mocks.people import Chart, Disability, Dose, Household, Person

BREASTFEEDS_DAYS: Final = 548
"""A woman whose youngest living child is no older (18 months) is taken to breastfeed it."""
CHILDBEARING: Final = (15, 50)
"""Ages, from and below, at which clinics note pregnancy and breastfeeding."""

# CVX code and the age in days at which the dose is due (expanded programme on immunisation, as countries vary it).
_SCHEDULE: Final = (
    ("19", 1), ("02", 42), ("198", 42), ("133", 42), ("119", 42), ("02", 70), ("198", 70), ("133", 70), ("119", 70),
    ("02", 98), ("198", 98), ("133", 98), ("03", 274), ("37", 280), ("03", 548),
)  # fmt: skip
_HPV: Final = "165"
_TETANUS: Final = "09"
_VACCINES_SINCE: Final = 1995
"""Births from this year on have their doses in the clinics' computers."""
VACCINES: Final = {
    "19": "BCG", "02": "OPV", "198": "DTP-hepB-Hib Pentavalent", "133": "Pneumococcal conjugate PCV 13",
    "119": "Rotavirus, monovalent", "03": "MMR", "37": "Yellow fever", "165": "HPV9", "09": "Td (adult)",
}  # fmt: skip
"""Names of the vaccines by CVX code."""

_PATIENT: Final[Knots] = ((0, 0.97), (5, 0.9), (16, 0.62), (40, 0.6), (70, 0.8))
_PATIENT_YOUNG_WOMAN: Final = 0.85
_VISITS: Final[Knots] = ((0, 6), (3, 4), (15, 2), (50, 3), (80, 7))
"""Visits over the last three years by age, in the mean."""
_DISABLED: Final[Knots] = ((0, 0.008), (10, 0.018), (40, 0.036), (60, 0.1), (80, 0.28))
_LIMITATIONS: Final = ("MOB_SS", "MOB_SS", "VIS_SS", "VIS_SS", "HEAR_SS", "COG_SS", "SC_SS", "COM_SS")

_POOR: Final = 28
"""Households below this poverty score may belong to the community fund."""
NATIONAL_SCHEME: Final = "National Health Insurance"
COMMUNITY_SCHEME: Final = "Community Health Fund"
SENIORS_SCHEME: Final = "Seniors' Medical Scheme"


def disability(rng: Random, age: float) -> Disability | None:
    """Return a recognised disability for about one in twenty-five people, the old more often."""
    if rng.random() >= curve(_DISABLED, age):
        return None
    return Disability(pick(rng, _LIMITATIONS), "3" if rng.random() < 0.75 else "4")


@cache
def dose(vaccine: str, given: int) -> Dose:
    """Return a dose given on a day: one object for all who had it that day, since doses outnumber people."""
    return Dose(vaccine, day(given))


def is_patient(rng: Random, person: Person, age: float, *, mother: bool) -> bool:
    """Draw whether a person was ever seen at a clinic; women with a new or expected child nearly always were."""
    share = curve(_PATIENT, age)
    if person.sex == "female" and CHILDBEARING[0] <= age < CHILDBEARING[1]:
        share = 0.97 if mother else _PATIENT_YOUNG_WOMAN
    return rng.random() < share


def chart(rng: Random, country: Country, person: Person, standing: float) -> Chart:
    """Return the clinic history of a patient; insurance is added per household."""
    index, born = person.index, country.born[person.index]
    until = min(TODAY, country.dies[index])
    age = (until - born) / YEAR
    seen = [until - int(rng.random() * min(3 * YEAR, until - born)) for _ in range(_count(rng, curve(_VISITS, age)))]
    doses = _doses(rng, person, born, until, 0.72 + 0.26 * standing)
    chart = Chart(doses=[dose(vaccine, given) for vaccine, given in doses])
    seen += [given for _, given in doses if given > until - 3 * YEAR]
    alive_woman = person.sex == "female" and person.death_date is None
    if alive_woman and CHILDBEARING[0] <= age < CHILDBEARING[1]:
        chart.pregnant = index in country.expecting
        chart.lactating = is_lactating(country, person)
        if chart.pregnant or chart.lactating:
            given = TODAY - between(rng, 5, 160)
            seen.append(given)
            if rng.random() < 0.6:
                chart.doses.append(dose(_TETANUS, given))
    chart.visits = [day(visit) for visit in sorted(set(seen or [until - int(rng.random() * (until - born) * 0.9)]))]
    return chart


def is_lactating(country: Country, person: Person) -> bool:
    """Tell whether a woman bore a child in the last eighteen months that lives."""
    return any(country.born[c] > TODAY - BREASTFEEDS_DAYS and country.alive(c) for c in person.children)


def _doses(rng: Random, person: Person, born: int, until: int, reached: float) -> list[tuple[str, int]]:
    if person.birth_date.year < _VACCINES_SINCE:
        return []
    doses = []
    for vaccine, due in _SCHEDULE:
        given = born + due + int(rng.random() * rng.random() * 60)
        if given > until:
            break
        # Rotavirus and pneumococcal vaccines came later, as everywhere.
        if rng.random() < reached and (vaccine not in ("119", "133") or person.birth_date.year >= 2013):
            doses.append((vaccine, given))
    hpv = born + 3700 + int(rng.random() * 400)
    if person.sex == "female" and person.birth_date.year >= 2005 and hpv <= until and rng.random() < reached - 0.1:
        doses.append((_HPV, hpv))
    return doses


def _count(rng: Random, mean: float) -> int:
    return int((rng.random() + rng.random()) * mean + 0.5)


def insure(rng: Random, people: Sequence[Person], household: Household) -> None:
    """Insure patients of a household: through formal work with dependants, by age, or as poor."""
    earners = [m for m in household.members if _insured_by_work(rng, people[m])]
    covered = set(earners)
    for earner in earners:
        covered.update(m.spouse for m in people[earner].marriages if m.end is None)
        covered.update(c for c in people[earner].children if _minor(people[c]))
    community = household.poverty_score < _POOR and rng.random() < 0.4
    # A policy ends with a quarter; the first of these ended already, and the registry says so.
    until = date(2026, 6, 30) if rng.random() < 0.05 else pick(rng, (date(2026, 12, 31), date(2027, 3, 31)))
    for member in household.members:
        person = people[member]
        if person.chart is None:
            continue
        if member in covered:
            scheme = NATIONAL_SCHEME
        elif person.birth_date.year <= 1961 and rng.random() < 0.45:
            scheme = SENIORS_SCHEME
        elif community:
            scheme = COMMUNITY_SCHEME
        else:
            continue
        person.chart.scheme, person.chart.insured_until = scheme, until


def _insured_by_work(rng: Random, person: Person) -> bool:
    if person.tax is None or person.tax.status != "active":
        return False
    return rng.random() < (0.96 if person.tax.employment_income else 0.4)


def _minor(person: Person) -> bool:
    return person.birth_date > date(2008, 9, 30)
