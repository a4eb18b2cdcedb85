"""Who is enrolled in which programme, as the integrated beneficiary registry has it: three programmes of one ministry.

It follows what the social registry says a household is paid. Beyond that it keeps who has left, who is suspended since
payments stopped, the dead whose pension nobody ended, and a woman with two national numbers who is enrolled by both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import between, stream
from mocks.families import TODAY, YEAR, day
from mocks.numbers import fresh
from mocks.people import Household, Person

if TYPE_CHECKING:
    from mocks.population import Population

NUMBER_TYPE: Final = "BENEFICIARY_ID"
ACTIVE, DECEASED, GRADUATED, SUSPENDED = "1", "2", "3", "4"
"""DCI codes of `enrollment_status`."""


class Programme(NamedTuple):
    """One programme; codes are those of DCI."""

    key: str
    name: str
    description: str
    type: str
    function: str
    amount: int
    """Crowns a month: for a child, or for the person."""
    since: int
    is_for_households: bool = False


CHILD_GRANT: Final = Programme(
    "CG-01",
    "Child grant",
    "Monthly cash for poor households with children",
    "1",
    "5",
    30,
    date(2015, 7, 1).toordinal(),
    is_for_households=True,
)
OLD_AGE_PENSION: Final = Programme(
    "OAP-02", "Old age pension", "Monthly cash for people from 65", "3", "1", 120, date(2010, 1, 1).toordinal()
)
DISABILITY_ALLOWANCE: Final = Programme(
    "DA-03", "Disability allowance", "Monthly cash for people with a disability", "3", "2", 90,
    date(2012, 4, 1).toordinal(),
)  # fmt: skip
PROGRAMMES: Final = {one.key: one for one in (CHILD_GRANT, OLD_AGE_PENSION, DISABILITY_ALLOWANCE)}

_LAST_PAYDAY: Final = date(2026, 9, 1)
_SUSPENDED_ON: Final = date(2026, 5, 15)
"""The day on which those without a payment since March were suspended."""
_GRADUATED: Final = 0.04
"""Share of households with children, but without the grant, that once had it."""
_PENSIONED: Final = 0.5
"""Share of the old who drew a pension when they died."""
_STILL_PAID: Final = 0.12
"""Share of these whose pension goes on, since nobody told the programme."""
_DEAD_SINCE: Final = date(2022, 1, 1)
_MINORS_FROM: Final = day(int(TODAY - 18 * YEAR) + 1)
"""Who was born from this day on is a child."""
_LATE_REPORT_DAYS: Final = 240
_BEFORE_END_DAYS: Final = 60
_LONGEST_DAYS: Final = round(9 * YEAR)


@dataclass(slots=True)
class Enrolment:
    """A person's place in one programme; `changes` say from which day on which status held."""

    programme: Programme
    household: Household
    enrolled_on: date
    amount: int
    changes: list[tuple[date, str]] = field(default_factory=list)
    paid_until: date | None = None

    def status(self, on: date) -> str:
        """Return the status on a day from enrolment on."""
        return next((status for since, status in reversed(self.changes) if since <= on), ACTIVE)

    def paydays(self, until: date, most: int) -> list[date]:
        """Return the last paydays up to a day, the newest first; somebody paid on the first of each month."""
        if self.paid_until is None:
            return []
        last = min(until, self.paid_until)
        months = (last.year * 12 + last.month - 1 - back for back in range(most))
        days = (date(month // 12, month % 12 + 1, 1) for month in months)
        return [one for one in days if one >= self.enrolled_on]


@dataclass(slots=True)
class Beneficiary:
    """One person under one national number, and the programmes they are or were in, in the order of enrolment."""

    index: int
    person: Person
    number: str
    uin: str | None
    enrolments: list[Enrolment] = field(default_factory=list)

    def newest(self, on: date) -> Enrolment | None:
        """Return the last enrolment up to a day."""
        return next((one for one in reversed(self.enrolments) if one.enrolled_on <= on), None)


def beneficiaries(population: Population) -> list[Beneficiary]:
    """Return everybody who is or was enrolled; the same population gives the same."""
    rng = stream(population.seed, "beneficiary registry")
    taken: set[str] = set()
    found: dict[tuple[int, str | None], Beneficiary] = {}
    for wish in _wishes(rng, population):
        if wish.person.birth_date.toordinal() > _latest(wish) and wish.ended is not None:
            continue
        uins = [wish.person.uin]
        if wish.programme is CHILD_GRANT and wish.person.second_uin is not None:
            uins.append(wish.person.second_uin)
        for uin in uins:
            key = (wish.person.index, uin)
            if key not in found:
                number = fresh(rng, taken, "BN-", 7)
                taken.add(number)
                found[key] = Beneficiary(len(found), wish.person, number, uin)
            found[key].enrolments.append(_enrolment(rng, wish))
    for one in found.values():
        one.enrolments.sort(key=lambda enrolment: enrolment.enrolled_on)
    return list(found.values())


class _Wish(NamedTuple):
    """An enrolment to be dated: who, in what, until when paid, and what ended it."""

    person: Person
    programme: Programme
    household: Household
    paid_until: date | None
    ended: tuple[date, str] | None = None
    children: int = 0


def _wishes(rng: Random, population: Population) -> Iterator[_Wish]:
    people = population.people
    forced = {population.casts[key].household: key for key in ("disabled_member", "double_registration")}
    for household in population.households:
        members = [people[place] for place in household.members]
        kept = list(household.programmes)
        paid = household.last_paid_on
        if household.index in forced:
            kept, paid = ["Child grant", "Disability allowance"], _LAST_PAYDAY
        stopped = None if paid is None or paid > date(2026, 4, 1) else (_SUSPENDED_ON, SUSPENDED)
        children = sum(one.birth_date >= _MINORS_FROM for one in members)
        if CHILD_GRANT.name in kept:
            yield _Wish(_carer(members), CHILD_GRANT, household, paid, stopped, children)
        elif children and household.head not in population.example_people and rng.random() < _GRADUATED:
            left = day(TODAY - between(rng, 60, 900))
            yield _Wish(_carer(members), CHILD_GRANT, household, left, (left, GRADUATED), children)
        if OLD_AGE_PENSION.name in kept:
            old = (one for one in members if one.birth_date.toordinal() <= TODAY - 65 * YEAR)
            yield from (_Wish(one, OLD_AGE_PENSION, household, paid, stopped) for one in old)
        if DISABILITY_ALLOWANCE.name in kept:
            disabled = (one for one in members if one.disability is not None)
            yield from (_Wish(one, DISABILITY_ALLOWANCE, household, paid, stopped) for one in disabled)
    yield from _of_the_dead(rng, population)


def _of_the_dead(rng: Random, population: Population) -> Iterator[_Wish]:
    """Yield the pensions of the old who died lately, some of them active still."""
    for person in population.people:
        died = person.death_date
        if died is None or died < _DEAD_SINCE or person.uin is None or person.index in population.example_people:
            continue
        if died.toordinal() - person.birth_date.toordinal() < 66 * YEAR or rng.random() >= _PENSIONED:
            continue
        household = population.households[person.household]
        reported = day(min(died.toordinal() + between(rng, 10, _LATE_REPORT_DAYS), TODAY))
        if rng.random() < _STILL_PAID:
            yield _Wish(person, OLD_AGE_PENSION, household, _LAST_PAYDAY)
        else:
            yield _Wish(person, OLD_AGE_PENSION, household, reported, (reported, DECEASED))


def _carer(members: list[Person]) -> Person:
    """Return who is paid for the children: the mother of the youngest, or else the head."""
    youngest = max(members, key=lambda one: one.birth_date)
    return next((one for one in members if one.index == youngest.mother), members[0])


def _enrolment(rng: Random, wish: _Wish) -> Enrolment:
    programme, born = wish.programme, wish.person.birth_date.toordinal()
    first = max(programme.since, born + round(65 * YEAR) if programme is OLD_AGE_PENSION else born)
    last = _latest(wish)
    # Somebody who came of age, or was born, after all others of the household were enrolled came last.
    last = max(last, first) if wish.ended is None else last
    first = max(min(first, last), last - _LONGEST_DAYS, born)
    enrolled = day(between(rng, first, max(first, last)))
    start = enrolled.replace(day=1)
    amount = programme.amount * (wish.children if programme.is_for_households else 1)
    changes = [] if wish.ended is None else [wish.ended]
    starts = start if start.toordinal() >= born else enrolled
    return Enrolment(programme, wish.household, starts, amount, changes, wish.paid_until)


def _latest(wish: _Wish) -> int:
    """Return the last day on which somebody can have been enrolled: well before what ended it, or death."""
    last = TODAY - 90 if wish.ended is None else wish.ended[0].toordinal() - _BEFORE_END_DAYS
    died = wish.person.death_date
    return last if died is None else min(last, died.toordinal() - 30)
