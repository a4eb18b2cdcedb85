"""What people learned and which children are in school, by age, generation and the standing of the household."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from mocks.chance import Knots, between, curve
from mocks.families import day
from mocks.people import Person, Schooling
from mocks.places import Locality

SCHOOL_YEAR: Final = 2026
TERM_DAYS: Final = 60
"""School days of the last term; attendance is a percentage of them."""

# Share of children in school by age at the start of the school year, for the lowest and the highest standing.
_ENROLLED_LOW: Final[Knots] = ((4, 0.25), (6, 0.9), (11, 0.88), (14, 0.66), (17, 0.3), (20, 0.02), (24, 0.0))
_ENROLLED_HIGH: Final[Knots] = ((4, 0.85), (6, 0.995), (14, 0.98), (17, 0.93), (19, 0.65), (24, 0.2))

# Highest level of grown people as cumulative shares of ISCED 0 to 8, by generation; what is left never went to school.
_LEVELS: Final = (
    (1950, ("1", "2", "3", "6"), (0.32, 0.4, 0.44, 0.46)),
    (1975, ("1", "2", "3", "4", "6", "7"), (0.42, 0.58, 0.7, 0.73, 0.77, 0.78)),
    (1991, ("1", "2", "3", "4", "6", "7", "8"), (0.36, 0.6, 0.8, 0.85, 0.92, 0.935, 0.94)),
    (9999, ("1", "2", "3", "4", "5", "6", "7"), (0.26, 0.52, 0.82, 0.87, 0.91, 0.965, 0.98)),
)


def schooling(rng: Random, person: Person, home: Locality, standing: float) -> Schooling | None:
    """Return a person's school history; None for those who never went to school."""
    age = SCHOOL_YEAR - person.birth_date.year - (person.birth_date.month > 6)
    if age < 4 or (person.death_date is not None and person.death_date.year - person.birth_date.year < 8):
        return None
    share = curve(_ENROLLED_LOW, age) * (1 - standing) + curve(_ENROLLED_HIGH, age) * standing
    if age <= 23 and person.death_date is None and rng.random() < share:
        return enrolled(rng, person, home)
    if age < 18:
        return _left_early(rng, age)
    return _grown(rng, person.birth_date.year, standing)


def enrolled(rng: Random, person: Person, home: Locality) -> Schooling:
    """Put a child or student into the school and grade of their age, a year or two behind for those who repeated."""
    age = SCHOOL_YEAR - person.birth_date.year - (person.birth_date.month > 6)
    behind = 0 if age < 8 or age > 18 else (rng.random() < 0.25) + (rng.random() < 0.08)
    grade = max(0, age - 5 - behind)
    if grade == 0:
        level, school = "0", f"{home.name} Kindergarten"
    elif grade <= 6:
        level, school = "1", f"{home.name} Primary"
    elif grade <= 9:
        level, school = "2", f"{home.name} Junior Secondary"
    elif grade <= 12:
        level, school = "3", f"{home.name} Secondary"
    else:
        level = "6" if rng.random() < 0.6 else "5" if rng.random() < 0.5 else "4"
        grade -= 12
        school = "University of Poveria" if level == "6" else f"{home.district} Technical College"
    start = date(SCHOOL_YEAR, 1, 12).toordinal()
    enrolled_on = day(start + (0 if rng.random() < 0.85 else between(rng, 1, 40)))
    present = TERM_DAYS - int(rng.random() * rng.random() * 34)
    attendance = round(100 * present / TERM_DAYS, 1)
    return Schooling(level, True, school, grade, enrolled_on, attendance, rng.random() < 0.06)


def _left_early(rng: Random, age: int) -> Schooling | None:
    """Return what a child out of school attained, if it ever went."""
    if age <= 6 or rng.random() < 0.25:
        return None
    return Schooling("2" if age >= 15 and rng.random() < 0.4 else "1" if age >= 8 else "0")


def _grown(rng: Random, birth_year: int, standing: float) -> Schooling | None:
    # Four of five follow the standing of their family in part, one of five makes their own way.
    place = rng.random() * 0.6 + standing * 0.4 if rng.random() < 0.8 else rng.random()
    levels, shares = next((levels, shares) for limit, levels, shares in _LEVELS if birth_year < limit)
    unschooled = 1 - shares[-1]
    if place < unschooled:
        return None
    return Schooling(next(level for level, share in zip(levels, shares, strict=True) if place - unschooled <= share))
