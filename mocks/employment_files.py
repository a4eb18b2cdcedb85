"""Who is on the job seekers' register, since when, how they stand there, and what they worked before.

People without a job register more often than not; some have found one since and the register has not noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import between, pick, stream
from mocks.families import TODAY, YEAR, day
from mocks.livelihoods import EMPLOYERS
from mocks.numbers import fresh
from mocks.people import Person

if TYPE_CHECKING:
    from mocks.population import Population

NUMBER_TYPE: Final = "JOB_SEEKER_ID"
ACTIVE, DECEASED, EXITED, SUSPENDED, INACTIVE, REINSTATED, AWAITING_RENEWAL = "1", "2", "3", "4", "5", "6", "7"
"""DCI codes of the employment services' `EnrolmentStatus`."""
WORDS: Final = {
    ACTIVE: "Active",
    DECEASED: "Deceased",
    SUSPENDED: "Suspended",
    INACTIVE: "Inactive",
    REINSTATED: "Reinstated",
    AWAITING_RENEWAL: "Awaiting Renewal",
    # The release has no word for those who left the register for good.
    EXITED: "Inactive",
}
"""How `sync/check-enrollment` says a status."""
SEEKING: Final = frozenset({ACTIVE, REINSTATED, AWAITING_RENEWAL})

_REGISTERED: Final = 0.16
"""Share of those without formal work who are on the register."""
_FOUND_WORK: Final = 0.04
"""Share of those in formal work who were on it within the last years."""
_UNNOTICED: Final = 0.15
"""Share of these whom the register still has as seeking."""
_JOBS: Final = {
    "1": "Supervisor", "2": "Technician", "3": "Assistant", "4": "Clerk", "5": "Shop assistant", "6": "Farm worker",
    "7": "Mason", "8": "Machine operator", "9": "Labourer",
}  # fmt: skip
"""What people of an ISCO-08 major group call their job."""
_YEAR: Final = 365


class Job(NamedTuple):
    """One job held; it goes on while it has no last day."""

    title: str
    employer: str
    type: str  # DCI EmploymentType
    started_on: date
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class SeekerFile:
    """One person's file; codes are those of DCI."""

    index: int
    person: Person
    number: str
    status: str
    changed_on: date | None
    registered_on: date
    occupation: str
    jobs: tuple[Job, ...]
    reason: str | None
    """Why they have no work, None for those who have."""

    @property
    def uin(self) -> str | None:
        """Return the national number."""
        return self.person.uin

    @property
    def employment_status(self) -> str:
        """Return the DCI code: employed or not, as far as the register knows."""
        return "1" if self.reason is None else "2"


def seeker_files(population: Population) -> list[SeekerFile]:
    """Return all files, in the order of the population; the same population gives the same files."""
    rng = stream(population.seed, "employment registry")
    subject = example_subject(population)
    taken: set[str] = set()
    found: list[SeekerFile] = []
    for person in population.people:
        age = (TODAY - person.birth_date.toordinal()) / YEAR
        schooled = person.schooling is not None and person.schooling.enrolled
        if person.death_date is not None or person.uin is None or not 17 <= age < 63 or schooled:
            continue
        works = person.tax is not None and person.tax.employment_income + person.tax.business_income > 0
        chosen = rng.random() < (_FOUND_WORK if works else _REGISTERED)
        is_subject = person.index == subject
        if not is_subject and (not chosen or person.index in population.example_people):
            continue
        number = fresh(rng, taken, "JS-", 6)
        taken.add(number)
        found.append(_file(rng, len(found), person, number, works=works and not is_subject, is_subject=is_subject))
    return found


def registered(rng: Random, index: int, person: Person, number: str, on: date) -> SeekerFile:
    """Return the file of somebody who comes to seek work on a day."""
    adult = person.birth_date.toordinal() + round(17 * YEAR)
    occupation = person.tax.occupation if person.tax is not None else pick(rng, "56799")
    jobs = _jobs(rng, person, occupation, adult, on.toordinal())
    reason = _reason(rng, person, worked=bool(jobs))
    return SeekerFile(index, person, number, ACTIVE, None, on, occupation, jobs, reason)


def example_subject(population: Population) -> int:
    """Return who is the example's job seeker: the husband of the family with the unregistered birth, or of another.

    The first is taken who has no income that the tax authority knows of.
    """
    keys = ("unregistered_birth", "lactating_mother", "double_registration", "refused_health", "no_number")
    heads = [population.casts[key].members[0] for key in keys]
    files = ((head, population.people[head].tax) for head in heads)
    idle = (head for head, tax in files if tax is None or tax.employment_income + tax.business_income == 0)
    return next(idle, heads[0])


def _file(rng: Random, index: int, person: Person, number: str, *, works: bool, is_subject: bool) -> SeekerFile:
    adult = person.birth_date.toordinal() + round(17 * YEAR)
    registered = between(rng, max(adult, TODAY - 2 * _YEAR), TODAY - 10)
    noticed = works and rng.random() >= _UNNOTICED
    status = ACTIVE if is_subject else pick(rng, "3335") if noticed else pick(rng, "1111111111456777")
    changed = None if status == ACTIVE else day(between(rng, registered, TODAY - 1))
    occupation = person.tax.occupation if person.tax is not None else pick(rng, "56799")
    jobs = _jobs(rng, person, occupation, adult, registered)
    if is_subject and not jobs:
        ended = day(registered - 20)
        jobs = (Job(_JOBS[occupation], EMPLOYERS[5], "2", day(registered - 20 - 2 * _YEAR), ended),)
    if noticed and changed is not None:
        employer = (person.tax.employer if person.tax is not None else None) or "Own business"
        jobs = (Job(_JOBS[occupation], employer, "1", changed, None), *jobs)
    return SeekerFile(
        index=index,
        person=person,
        number=number,
        status=status,
        changed_on=changed,
        registered_on=day(registered),
        occupation=occupation,
        jobs=jobs,
        reason=None if noticed else "2" if is_subject else _reason(rng, person, worked=bool(jobs)),
    )


def _jobs(rng: Random, person: Person, occupation: str, adult: int, registered: int) -> tuple[Job, ...]:
    """Return the jobs before registration, the last first."""
    jobs: list[Job] = []
    ended = registered - between(rng, 5, 120)
    while ended - adult > 200 and len(jobs) < 3 and rng.random() < 0.7:
        started = max(adult, ended - between(rng, 90, 5 * _YEAR))
        jobs.append(Job(_JOBS[occupation], pick(rng, EMPLOYERS), pick(rng, "1122334"), day(started), day(ended)))
        ended = started - between(rng, 20, 600)
    return tuple(jobs)


def _reason(rng: Random, person: Person, *, worked: bool) -> str:
    if person.disability is not None and rng.random() < 0.6:
        return "4"
    return pick(rng, "11122238" if worked else "3335588")
