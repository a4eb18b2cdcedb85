"""What chance brings on one day: how many of each event, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import pick
from mocks.vital_events import ImpossibleEventError, are_kin

if TYPE_CHECKING:
    from mocks.happenings import Happened, Happenings
    from mocks.people import Person

TRIES: Final = 30
"""How many people chance tries before it gives up for a day: not everybody can bear, marry or move."""
_YEAR: Final = 365.25


class Rate(NamedTuple):
    """How often an event happens to one of a thousand living people in a year."""

    kind: str
    per_thousand: float


RATES: Final = (
    Rate("birth", 30.0),
    Rate("death", 8.0),
    Rate("marriage", 8.0),
    Rate("divorce", 1.0),
    Rate("move", 12.0),
    Rate("relocation", 6.0),
    Rate("enrolment", 10.0),
    Rate("enrolment_change", 5.0),
)


def one_day(happenings: Happenings, rates: Sequence[Rate] = RATES) -> list[Happened]:
    """Let everything happen that chance brings on the present day of the country."""
    happened: list[Happened] = []
    for rate in rates:
        living = happenings.alive()
        for _ in range(_count(happenings.rng, len(living) * rate.per_thousand / 1000 / _YEAR)):
            one = _happen(happenings, rate.kind, living)
            happened += [] if one is None else [one]
    return happened


def _count(rng: Random, mean: float) -> int:
    """Return a whole number with this mean."""
    return int(mean) + (rng.random() < mean - int(mean))


def _happen(happenings: Happenings, kind: str, living: Sequence[Person]) -> Happened | None:
    for _ in range(TRIES):
        person = pick(happenings.rng, living)
        try:
            return _BY_KIND[kind](happenings, person, living)
        except ImpossibleEventError:
            continue
    return None


def _death(happenings: Happenings, person: Person, living: Sequence[Person]) -> Happened:
    age = _age(person, happenings.population.today)
    if happenings.rng.random() > (0.02 if age < 50 else age / 100):
        raise ImpossibleEventError("chance spares most of the young")
    return happenings.death(person)


def _marriage(happenings: Happenings, person: Person, living: Sequence[Person]) -> Happened:
    other = pick(happenings.rng, living)
    today = happenings.population.today
    if abs(_age(person, today) - _age(other, today)) > 12 or are_kin(person, other):
        raise ImpossibleEventError("these two do not fit")
    happened = happenings.marriage(person, other)
    wife, husband = (person, other) if person.sex == "female" else (other, person)
    if wife.household != husband.household and len(happenings.population.households[wife.household].members) > 1:
        happenings.move(wife, husband.household)
    return happened


def _move(happenings: Happenings, person: Person, living: Sequence[Person]) -> Happened:
    if _age(person, happenings.population.today) < 18 or person.spouse_on(happenings.population.today) is not None:
        raise ImpossibleEventError("children and the married stay")
    kin = [one for one in (person.mother, person.father, *person.children) if one is not None]
    homes = {happenings.population.people[one].household for one in kin} - {person.household}
    if not homes:
        raise ImpossibleEventError("nobody to move in with")
    return happenings.move(person, min(homes))


def _enrolment(happenings: Happenings, person: Person, living: Sequence[Person]) -> Happened:
    age = _age(person, happenings.population.today)
    if person.uin is None or age < 18:
        raise ImpossibleEventError("only grown people with a number are enrolled")
    programme = "OAP-02" if age >= 65 else "DA-03" if person.disability is not None else "CG-01"
    home = happenings.population.households[person.household]
    if home.poverty_score >= 48:
        raise ImpossibleEventError("not poor enough")
    return happenings.enrolment(person, "beneficiary", programme)


def _enrolment_change(happenings: Happenings, person: Person, living: Sequence[Person]) -> Happened:
    office = happenings.one_called("beneficiary")
    held = [enrolment for one in office.roll.of(person) for enrolment in one.enrolments]
    if not held:
        raise ImpossibleEventError("not enrolled")
    programme = held[0].programme.key
    status = "4" if held[0].status(happenings.population.today) == "1" else "1"
    return happenings.enrolment_change(person, "beneficiary", programme, status)


def _age(person: Person, today: date) -> float:
    return (today - person.birth_date).days / _YEAR


_BY_KIND: Final[dict[str, Callable[[Happenings, Person, Sequence[Person]], Happened]]] = {
    "birth": lambda happenings, person, _: happenings.birth(person),
    "death": _death,
    "marriage": _marriage,
    "divorce": lambda happenings, person, _: happenings.divorce(person),
    "move": _move,
    "relocation": lambda happenings, person, _: happenings.relocation(person),
    "enrolment": _enrolment,
    "enrolment_change": _enrolment_change,
}
