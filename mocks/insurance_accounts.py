"""Who is insured with the social insurance fund, for which months somebody paid, and who draws a pension from it.

Employers report wages under the taxpayer number; the national number came later and was never entered for everybody.
Who changed employers may have two accounts. Some pensions of the dead run on until the fund hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final

from mocks.chance import between, pick, stream
from mocks.families import TODAY, YEAR, day
from mocks.livelihoods import EMPLOYERS
from mocks.people import Person

if TYPE_CHECKING:
    from mocks.population import Population

CONTRIBUTING, LAPSED, RETIRED, CLOSED = "A", "L", "R", "X"
"""The fund's words for how an account stands."""
OLD_AGE, INVALIDITY, SURVIVOR = "OA", "IV", "SV"
"""The fund's words for pensions."""
MONTHS: Final = 24
"""How many months back the fund keeps single contributions within reach."""
FUND_SINCE: Final = date(1996, 1, 1)

_INSURED: Final = 0.92
"""Share of the employed whose employer pays."""
_ON_THEIR_OWN: Final = 0.3
"""Share of those who earn in their own business and pay for themselves."""
_OF_THE_OLD: Final = 0.55
"""Share of taxpayers from 62 up who draw an old age pension."""
_OF_THE_DISABLED: Final = 0.4
_OF_THE_BEREAVED: Final = 0.35
"""Share of those who lost a spouse with a tax file before 65."""
_UIN_NEVER_ENTERED: Final = 0.18
_SECOND_ACCOUNT: Final = 0.05
_GAPS: Final = 0.2
"""Share of those insured who have months nobody paid for."""
_RUNS_ON: Final = 0.15
"""Share of the pensioners who died lately whose pension the fund still pays."""
_DEAD_SINCE: Final = date(2023, 1, 1)


@dataclass(slots=True)
class Pension:
    """A pension as granted; it runs while it has no end."""

    kind: str
    monthly: int
    """Hundredths of a crown."""
    starts: date
    ends: date | None = None


@dataclass(slots=True)
class Account:
    """One account; one person may have two."""

    number: str
    person: Person
    tin: str | None
    uin: str | None
    state: str
    since: date
    changed_on: date
    months: list[tuple[date, str, int]] = field(default_factory=list)
    """First day of the month, who paid, and the wage in hundredths of a crown."""
    pension: Pension | None = None


def months_back(last: date, count: int) -> Iterator[date]:
    """Yield the first days of so many months, from that of a day on backwards."""
    number = last.year * 12 + last.month - 1
    for month in range(number, number - count, -1):
        yield date(month // 12, month % 12 + 1, 1)


def accounts(population: Population) -> list[Account]:
    """Return all accounts, in the order of the population; the same population gives the same."""
    rng = stream(population.seed, "social insurance")
    subject = population.casts["complete_household"].subject
    found: list[Account] = []
    for person in population.people:
        for account in _of(rng, population, person, is_example=person.index == subject):
            account.number = f"SI{len(found) + 1:07d}"
            found.append(account)
    return found


def _of(rng: Random, population: Population, person: Person, *, is_example: bool) -> Iterator[Account]:
    age = (TODAY - person.birth_date.toordinal()) / YEAR
    if (person.uin is None and person.tin is None) or age < 18:
        return
    if person.death_date is not None:
        yield from _of_the_dead(rng, person)
        return
    tax = person.tax
    paid_in = tax is not None and tax.employment_income > 0 and (is_example or rng.random() < _INSURED)
    on_their_own = tax is not None and tax.business_income > 0 and rng.random() < _ON_THEIR_OWN
    if paid_in or on_their_own:
        yield from _working(rng, person, is_example=is_example)
    elif tax is not None and age >= 62 and rng.random() < _OF_THE_OLD:
        yield _drawing(rng, person, OLD_AGE, max(TODAY - round((age - 60) * YEAR), FUND_SINCE.toordinal()))
    elif person.disability is not None and age < 60 and rng.random() < _OF_THE_DISABLED:
        yield _drawing(rng, person, INVALIDITY, TODAY - between(rng, 100, 3000))
    elif (left := _bereaved_on(population, person)) is not None and rng.random() < _OF_THE_BEREAVED:
        yield _drawing(rng, person, SURVIVOR, min(left.toordinal() + between(rng, 20, 200), TODAY))
    elif tax is not None and rng.random() < 0.3:
        yield _account(rng, person, LAPSED, TODAY - between(rng, 1000, 4000), TODAY - between(rng, 400, 900))


def _working(rng: Random, person: Person, *, is_example: bool) -> Iterator[Account]:
    tax = person.tax
    if tax is None:
        return
    adult = person.birth_date.toordinal() + round(18 * YEAR)
    since = between(rng, max(adult, FUND_SINCE.toordinal()), max(adult, TODAY - 60))
    wage = (tax.employment_income or tax.business_income) * 100 // 12
    kept = list(months_back(date(2026, 8, 1), MONTHS))
    kept = [month for month in kept if month.toordinal() >= since - 31]
    if not is_example and rng.random() < _GAPS:
        start = between(rng, 0, max(0, len(kept) - 1))
        del kept[start : start + between(rng, 1, 9)]
    changed = kept[0] if kept else day(since)
    employer = tax.employer or "SELF"
    twice = not is_example and len(kept) > 8 and rng.random() < _SECOND_ACCOUNT
    split = between(rng, 3, len(kept) - 3) if twice else len(kept)
    own_uin = is_example or rng.random() >= _UIN_NEVER_ENTERED
    first = _account(rng, person, CONTRIBUTING, since, changed.toordinal(), own_uin=own_uin)
    first.months = [(month, employer, wage) for month in kept[:split]]
    yield first
    if twice:
        before = _account(rng, person, LAPSED, since, kept[split].toordinal(), own_uin=own_uin)
        former = pick(rng, EMPLOYERS)
        before.months = [(month, former, wage * 9 // 10) for month in kept[split:]]
        yield before


def _drawing(rng: Random, person: Person, kind: str, starts: int) -> Account:
    account = _account(rng, person, RETIRED, max(starts - between(rng, 300, 4000), FUND_SINCE.toordinal()), starts)
    monthly = (9_000 if kind == SURVIVOR else 14_000) + 100 * between(rng, 0, 260)
    account.pension = Pension(kind, monthly, day(starts).replace(day=1))
    return account


def _of_the_dead(rng: Random, person: Person) -> Iterator[Account]:
    died = person.death_date
    if died is None or died < _DEAD_SINCE or person.tax is None or rng.random() >= 0.5:
        return
    account = _drawing(rng, person, OLD_AGE, max(died.toordinal() - between(rng, 200, 3000), FUND_SINCE.toordinal()))
    if account.pension is not None and rng.random() >= _RUNS_ON:
        account.state, account.changed_on = CLOSED, died
        account.pension.ends = died
    yield account


def _account(
    rng: Random, person: Person, state: str, since: int, changed: int, *, own_uin: bool | None = None
) -> Account:
    entered = rng.random() >= _UIN_NEVER_ENTERED if own_uin is None else own_uin
    uin = person.uin if entered or person.tin is None else None
    return Account("", person, person.tin, uin, state, day(since), day(max(since, changed)))


def _bereaved_on(population: Population, person: Person) -> date | None:
    ended = [one for one in person.marriages if one.ended_by == "death" and one.end is not None]
    lost = [one.end for one in ended if population.people[one.spouse].tax is not None]
    return max((end for end in lost if end is not None), default=None)
