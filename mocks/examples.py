"""The named examples: eleven households settled on purpose, so that every country, however small, has each of them.

Their people are spared all troubles but the one they stand for, and nobody of them has kin elsewhere.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mocks.chance import pick
from mocks.clinics import chart
from mocks.employment_files import example_subject
from mocks.estates import parcel
from mocks.families import TODAY, YEAR, Country, some_place
from mocks.homes import ordered
from mocks.livelihoods import EMPLOYERS
from mocks.newcomers import couple, keep_alive, part_by_death
from mocks.people import Disability, Parcel, TaxFile
from mocks.places import LOCALITIES
from mocks.schooling import enrolled

if TYPE_CHECKING:
    from mocks.population import Population
    from mocks.troubles import Troubles


class Cast(NamedTuple):
    """The people of one example: `members` from the head on, and the one it is about, who may be dead."""

    members: list[int]
    subject: int
    household: int = -1
    """Known once the households are numbered."""


class _Family(NamedTuple):
    """Ages of husband, wife and children, whose part is the subject, and what the example shows."""

    husband: float
    wife: float
    children: tuple[float, ...]
    subject: str  # husband | wife | youngest
    note: str


_FAMILIES: Final = {
    "complete_household": _Family(
        41.3, 37.6, (13.9, 9.4, 4.6), "husband",
        "Two parents and three children, whole and up to date in every registry; everybody consents. Ask for the head.",
    ),
    "widow": _Family(
        57.2, 52.4, (19.3, 15.2, 11.7), "wife",
        "A widow with three children; civil registration has her husband's death. Ask for the widow.",
    ),
    "lactating_mother": _Family(
        29.5, 26.2, (5.3, 0.5), "wife",
        "A mother who breastfeeds a child of six months; the health registry knows. Ask for the mother.",
    ),
    "disabled_member": _Family(
        47.1, 43.8, (17.2, 12.5), "wife",
        "A woman with a severe walking disability, recorded in the social registry. Ask for her.",
    ),
    "no_number": _Family(
        36.4, 32.7, (8.3, 3.8), "grandmother",
        "A grandmother in her son's household whom no civil office ever gave a number: only the social registry's "
        "member number finds her.",
    ),
    "dead_and_alive": _Family(
        61.5, 58.1, (27.3, 22.4), "husband",
        "A man who died, says civil registration; national ID has him alive, the social registry still lists him in "
        "his widow's household. Ask by his number or by the household.",
    ),
    "refused_consent": _Family(
        44.2, 40.9, (16.3, 10.8), "husband",
        "A man who refused consent altogether; his wife and children are granted. Ask for him or for the household.",
    ),
    "refused_health": _Family(
        39.8, 36.1, (12.2, 7.3), "husband",
        "A man who keeps the health registry out and lets the other registries answer. Ask for him.",
    ),
    "double_registration": _Family(
        38.3, 34.6, (11.4, 6.6), "wife",
        "A woman registered twice at national ID, under the number given and under `second_uin`. Ask by either.",
    ),
    "drifting_spelling": _Family(
        50.7, 46.3, (18.4, 14.1), "husband",
        "A man whose surname national ID, tax, education and health spell otherwise than civil registration does. "
        "Ask for him.",
    ),
    "unregistered_birth": _Family(
        33.6, 28.9, (7.2, 2.4), "youngest",
        "A child of two whose birth nobody registered: civil registration and national ID know nothing of it. "
        "Ask by its member number or by the household.",
    ),
}  # fmt: skip
KEYS: Final = tuple(_FAMILIES)
_SECOND_NOTES: Final = {
    "disabled_adult": "The same woman at the disability registry: certified, with details and support, some of it "
    "needed still. Ask for her.",
    "farmer": "The head of the complete household at the farmer registry: one field, as large as the cadastre says. "
    "Ask for him.",
    "job_seeker": "A man on the job seekers' register whose last job ended; the employment services know his history. "
    "Ask for him.",
    "two_programmes": "A woman in two programmes of the beneficiary registry, the child grant for her household and "
    "the disability allowance for herself. Ask for her.",
    "enrolled_twice": "The woman with two national numbers, who draws the child grant under each of them. "
    "Ask by either.",
}
"""Examples of the registries that came later; their people are those of the families above."""
DRIFTED_AT: Final = ("national_id", "tax", "education", "health")
"""Registries that misspell the surname of the drifting example."""

_DIED_DAYS_AGO: Final = 900
_DIED_LATELY_DAYS_AGO: Final = 120
_CANNOT_WALK: Final = Disability("MOB_SS", "4")
REFUSALS: Final = {"refused_consent": "all", "refused_health": "health"}
"""What the subject of an example refuses."""


def settle_examples(country: Country, rng: Random) -> dict[str, Cast]:
    """Add the households of the examples; each is one household."""
    return {key: _settle(country, rng, family) for key, family in _FAMILIES.items()}


def _settle(country: Country, rng: Random, family: _Family) -> Cast:
    place = some_place(rng)
    husband, wife, *children = people = couple(country, place, family[:2], family.children)
    for person in people:
        keep_alive(country, person)
    roles = {"husband": husband, "wife": wife, "youngest": children[-1]}
    if family.subject == "grandmother":
        roles["grandmother"] = grandmother = country.newcomer("female", TODAY - round(66.2 * YEAR), place)
        keep_alive(country, grandmother)
        country.people[husband].mother = grandmother
        country.people[husband].surname = country.people[grandmother].surname
        for child in children:
            country.people[child].surname = country.people[husband].surname
        country.people[grandmother].children.append(husband)
        people.append(grandmother)
    if family in (_FAMILIES["widow"], _FAMILIES["dead_and_alive"]):
        lately = family is _FAMILIES["dead_and_alive"]
        country.dead_on(husband, TODAY - (_DIED_LATELY_DAYS_AGO if lately else _DIED_DAYS_AGO))
        part_by_death(country, wife, husband)
        people.remove(husband)
    return Cast(ordered(country, people[0], people), roles[family.subject])


def people_of(country: Country, casts: dict[str, Cast]) -> set[int]:
    """Return everybody in the examples, with their dead."""
    found = {m for cast in casts.values() for m in (*cast.members, cast.subject)}
    return found | {marriage.spouse for m in found for marriage in country.people[m].marriages}


def furnish(country: Country, casts: dict[str, Cast], rng: Random) -> list[Parcel]:
    """Give the examples the lives their notes promise, and return the land of the complete household."""
    people = country.people
    for cast in casts.values():
        for member in cast.members:
            person = people[member]
            person.disability = None
            if person.chart is None and member not in country.numberless:
                person.chart = chart(rng, country, person, 0.6)
    people[casts["disabled_member"].subject].disability = _CANNOT_WALK
    people[casts["drifting_spelling"].subject].tax = _wages(rng, 21_400)
    return _complete(country, casts["complete_household"], rng)


def _complete(country: Country, cast: Cast, rng: Random) -> list[Parcel]:
    father, mother, eldest, second, _ = cast.members
    people, home = country.people, LOCALITIES[country.place[father]]
    people[father].tax, people[mother].tax = _wages(rng, 18_400), _wages(rng, 9_600)
    for child in (eldest, second):
        people[child].schooling = enrolled(rng, people[child], home)
    return [
        parcel(rng, [father, mother], home, "cropland", "1", TODAY - 4000),
        parcel(rng, [father], home, "residential", "1", TODAY - 3100),
    ]


def _wages(rng: Random, income: int) -> TaxFile:
    return TaxFile("active", income, 0, max(0, (income - 12_000) // 10), False, "4", "5", pick(rng, EMPLOYERS))


def afflict(casts: dict[str, Cast], troubles: Troubles) -> None:
    """Let happen to the examples the one trouble that each stands for, as far as chance decides it elsewhere."""
    troubles.unregistered_births.add(casts["unregistered_birth"].subject)
    dead = casts["dead_and_alive"]
    troubles.alive_at_national_id.add(dead.subject)
    troubles.stale_members[dead.household] = [*dead.members, dead.subject]


def examples(population: Population) -> dict[str, dict[str, Any]]:
    """Return the named examples: a note and the numbers to ask by."""
    casts = population.casts
    subjects = {key: cast.subject for key, cast in casts.items()} | {
        "disabled_adult": casts["disabled_member"].subject,
        "farmer": casts["complete_household"].subject,
        "job_seeker": example_subject(population),
        "two_programmes": casts["disabled_member"].subject,
        "enrolled_twice": casts["double_registration"].subject,
    }
    notes = {key: family.note for key, family in _FAMILIES.items()} | _SECOND_NOTES
    return {key: _described(population, notes[key], subject) for key, subject in subjects.items()}


def _described(population: Population, note: str, subject: int) -> dict[str, Any]:
    person = population.people[subject]
    numbers = {"UIN": person.uin, "MEMBER_ID": person.member_id if person.uin is None else None}
    numbers["HOUSEHOLD_ID"] = population.registered_ids(person.household)[0]
    described = {"note": note, "identifiers": {kind: number for kind, number in numbers.items() if number}}
    return described if person.second_uin is None else described | {"second_uin": person.second_uin}
