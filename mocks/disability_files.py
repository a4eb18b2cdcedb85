"""What the disability registry has made of disability in Poveria: who is assessed, with what result, and who is not.

Most of the disabled are registered and approved; some wait for a decision, some have let their certificate expire,
some were never assessed at all. A few hold an expired certificate for what has healed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import between, pick, stream
from mocks.families import TODAY, YEAR
from mocks.numbers import fresh
from mocks.people import Disability, Person
from mocks.relations import relationship

if TYPE_CHECKING:
    from mocks.population import Population

NUMBER_TYPE: Final = "PWD_ID"
APPROVED, PENDING, EXPIRED = "0", "1", "2"
"""DCI codes of `disability_status`."""
NEEDED, RECEIVED = "0", "1"
"""DCI codes of the status of a support."""

NEVER_ASSESSED: Final = 0.15
"""Share of the disabled who are not in the registry; of those without a national number it is half."""
_NEVER_ASSESSED_NUMBERLESS: Final = 0.5
_PENDING: Final = 0.1
_EXPIRED: Final = 0.13
_HEALED: Final = 0.003
"""Share of other adults with a certificate that ran out."""
_SINCE: Final = date(2008, 3, 1).toordinal()
_VALID: Final = round(4 * YEAR)

_IMPAIRMENTS: Final = {"VIS_SS": "1", "HEAR_SS": "2", "MOB_SS": "3", "COG_SS": "4", "COM_SS": "5", "SC_SS": "6"}
"""Impairment by Washington Group domain."""
_BY_AGE: Final = ((18, "1", "2223344"), (60, "2", "2223455678"), (200, "3", "8882"))
"""Below which age at onset, its code, and the causes that are usual then."""


class Support(NamedTuple):
    """One support a person needs or has; `kind` is the member of DisabilitySupport it stands in."""

    kind: str
    type: str
    status: str
    intensity: str | None = None


@dataclass(frozen=True, slots=True)
class DisabilityFile:
    """One person's file; codes are those of DCI."""

    index: int
    person: Person
    number: str
    truth: Disability
    impairment: str
    impairment_level: str
    status_level: str
    cause: str
    onset: str
    registered_on: date
    decided_on: date | None
    expires_on: date | None
    supports: tuple[Support, ...]
    caregiver: Person | None
    relationship: str | None
    """What the caregiver is to the person."""
    transport: str
    housing: str

    @property
    def uin(self) -> str | None:
        """Return the national number."""
        return self.person.uin

    def assessed_on(self, on: date) -> date | None:
        """Return the last assessment up to a day; while somebody stays approved, one follows every four years."""
        if self.decided_on is None or self.decided_on > on:
            return None
        if self.expires_on is not None:
            return self.decided_on
        first = self.decided_on.toordinal()
        return date.fromordinal(first + (on.toordinal() - first) // _VALID * _VALID)

    def due_on(self, on: date) -> date | None:
        """Return when the assessment that holds on a day runs out, None before the first."""
        last = self.assessed_on(on)
        return None if last is None else date.fromordinal(last.toordinal() + _VALID)

    def status(self, on: date) -> str:
        """Return how the file stood on a day from its registration on."""
        if self.decided_on is None or self.decided_on > on:
            return PENDING
        return EXPIRED if self.expires_on is not None and self.expires_on <= on else APPROVED

    def touched(self, on: date) -> date:
        """Return when the file was last changed, up to a day."""
        steps = (self.registered_on, self.assessed_on(on), self.expires_on)
        return max(step for step in steps if step is not None and step <= on)


class _Course(NamedTuple):
    """The days of a file: registered, decided, expired."""

    registered: int
    decided: int | None
    expires: int | None


_NEWLY_TOLD: Final = Disability("MOB_SS", "3")
_OF_EXAMPLE: Final = (
    Support("human_assistance", "mobility", RECEIVED, "2"),
    Support("assistive_technology", "1", NEEDED),
    Support("medical_care", "maintenance_medicine", RECEIVED),
)
"""The support of the example's disabled woman."""


def disability_files(population: Population) -> list[DisabilityFile]:
    """Return all files, in the order of the population; the same population gives the same files."""
    rng = stream(population.seed, "disability registry")
    subject = population.casts["disabled_member"].subject
    taken: set[str] = set()
    files: list[DisabilityFile] = []
    for person in population.people:
        if person.death_date is not None:
            continue
        truth, course = person.disability, None
        if person.index == subject:
            course = _Course(TODAY - 1900, TODAY - 1830, None)
        elif truth is not None:
            course = _course(rng, person)
        elif person.index not in population.example_people and person.birth_date.year < 2000 and rng.random() < _HEALED:
            truth = Disability(pick(rng, ("MOB_SS", "VIS_SS", "HEAR_SS")), "2")
            decided = TODAY - _VALID - between(rng, 100, 1500)
            course = _Course(decided - 60, decided, decided + _VALID)
        if truth is None or course is None:
            continue
        number = fresh(rng, taken, "PWD-", 6)
        taken.add(number)
        files.append(_file(rng, population, len(files), person, truth, number, course))
    return files


def certified(rng: Random, population: Population, index: int, person: Person, number: str, on: date) -> DisabilityFile:
    """Return the file of somebody who is certified on a day; a disability nobody knew of is one of walking."""
    truth = person.disability or _NEWLY_TOLD
    return _file(rng, population, index, person, truth, number, _Course(on.toordinal(), on.toordinal(), None))


def _course(rng: Random, person: Person) -> _Course | None:
    """Return how a disabled person fared at the registry, or None when they never came."""
    never = NEVER_ASSESSED if person.uin is not None else _NEVER_ASSESSED_NUMBERLESS
    draw = rng.random()
    if draw < never:
        return None
    born = person.birth_date.toordinal()
    draw = (draw - never) / (1 - never)
    if draw < _PENDING:
        return _Course(max(born, TODAY - between(rng, 5, 200)), None, None)
    if draw < _PENDING + _EXPIRED and born < TODAY - _VALID - 800:
        decided = TODAY - _VALID - between(rng, 20, 600)
        return _Course(decided - between(rng, 20, 160), decided, decided + _VALID)
    registered = between(rng, min(max(born, _SINCE), TODAY - 60), TODAY - 50)
    return _Course(registered, min(registered + between(rng, 20, 160), TODAY - 3), None)


def _file(
    rng: Random,
    population: Population,
    index: int,
    person: Person,
    truth: Disability,
    number: str,
    course: _Course,
) -> DisabilityFile:
    severe = truth.severity == "4"
    impairment = _IMPAIRMENTS[truth.limitation]
    onset, cause = _origin(rng, person, course.registered)
    supports = _supports(rng, impairment, severe=severe) if truth.severity != "2" else ()
    if person.index == population.casts["disabled_member"].subject:
        onset, cause, supports = "2", "4", _OF_EXAMPLE
    helped = any(support.kind == "human_assistance" for support in supports)
    caregiver, tie = _caregiver(population, person) if helped else (None, None)
    walks = impairment != "3"
    return DisabilityFile(
        index=index,
        person=person,
        number=number,
        truth=truth,
        impairment=impairment,
        impairment_level={"2": "1", "3": "3", "4": "4"}[truth.severity],
        status_level="1" if severe else {"2": "4", "3": pick(rng, "233")}[truth.severity],
        cause=cause,
        onset=onset,
        registered_on=date.fromordinal(course.registered),
        decided_on=None if course.decided is None else date.fromordinal(course.decided),
        expires_on=None if course.expires is None else date.fromordinal(course.expires),
        supports=supports,
        caregiver=caregiver,
        relationship=tie,
        transport="0" if walks and not severe else pick(rng, "112"),
        housing="2" if caregiver is not None and tie in ("CHILD", "PRN") else "1",
    )


def _origin(rng: Random, person: Person, registered: int) -> tuple[str, str]:
    """Return the codes of when and why it began, before the person was registered."""
    draw = rng.random()
    if draw < 0.25:
        return "0", "0" if draw < 0.15 else "1"
    age = rng.random() * (registered - person.birth_date.toordinal()) / YEAR
    return next((onset, pick(rng, causes)) for below, onset, causes in _BY_AGE if age < below)


def _supports(rng: Random, impairment: str, *, severe: bool) -> tuple[Support, ...]:
    found: list[Support] = []
    helping = {"1": "mobility", "2": "communication", "3": "mobility", "5": "communication"}
    if severe or rng.random() < 0.4:
        often = pick(rng, "112" if severe else "234")
        found.append(Support("human_assistance", helping.get(impairment, "decision_making"), _status(rng), often))
    device = {"2": "3", "3": "1", "5": "2"}.get(impairment)
    if device is not None and (severe or rng.random() < 0.6):
        found.append(Support("assistive_technology", device, _status(rng)))
    if impairment == "3" and rng.random() < 0.25:
        found.append(Support("housing_support", "home_adaptation", _status(rng)))
    if rng.random() < (0.7 if impairment in "46" else 0.2):
        care = "constant_healthcare" if severe and rng.random() < 0.3 else "maintenance_medicine"
        found.append(Support("medical_care", care, _status(rng)))
    if impairment == "1" and rng.random() < 0.1:
        found.append(Support("animal_assistance", "service_dog", _status(rng)))
    return tuple(found)


def _status(rng: Random) -> str:
    return RECEIVED if rng.random() < 0.6 else NEEDED


def _caregiver(population: Population, person: Person) -> tuple[Person | None, str | None]:
    """Return the grown person of the household who is nearest, and what they are to the person."""
    people = population.people
    near: dict[str, Person] = {}
    for place in population.households[person.household].members:
        other = people[place]
        if place != person.index and other.birth_date.toordinal() < TODAY - 18 * YEAR:
            near.setdefault(relationship(people, person.index, place), other)
    return next(((near[tie], tie) for tie in ("SPS", "PRN", "CHILD", "SIB", *near) if tie in near), (None, None))
