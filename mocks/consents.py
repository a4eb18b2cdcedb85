"""What people consent to: the lines of consents.jsonl that a practice gateway starts with.

The programme `uct` needs consent for `eligibility`; `enrolment_verification` rests on law and needs none. Every living
person with a number has a line of their own for `eligibility`, and so have the grown who died after they were asked;
a parent, or else another grown relative, decides for a child.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from mocks.chance import fraction
from mocks.families import TODAY, YEAR, day
from mocks.people import Person

if TYPE_CHECKING:
    from datetime import date

    from mocks.population import Population

REFUSES_ALL: Final = 0.01
"""Share of adults who refuse every registry."""
REFUSES_HEALTH: Final = 0.02
"""Share of adults who refuse the health registry only."""
PURPOSE: Final = "eligibility"
UNTIL: Final = "2027-12-31"
_ASKED_FROM: Final = TODAY - 268
"""The 5th of January 2026: the day the programme began to ask."""
_ADULT: Final = round(18 * YEAR)


def consents(population: Population) -> Iterator[dict[str, Any]]:
    """Yield the lines: one a person, and the same again for the second number of a double registration.

    Whoever refuses the health registry only says so after a grant, on the same day.
    """
    for person in population.people:
        subject = number_of(person)
        decider = person.index if _decided_before_death(person) else guardian_of(population, person)
        if subject is None or decider is None or (person.death_date is not None and decider != person.index):
            continue
        refusal = refused_by(population, decider)
        last_day = TODAY - 8 if person.death_date is None else person.death_date.toordinal() - 1
        turn = fraction(population.seed, "consent day", decider)
        given_on = day(_ASKED_FROM + int((last_day - _ASKED_FROM) * turn))
        line: dict[str, Any] = {
            "subject": subject,
            "purpose": PURPOSE,
            "decision": "refused" if refusal == "all" else "granted",
            "sources": None,
            "given_by": number_of(population.people[decider]),
            "given_on": given_on.isoformat(),
            "until": UNTIL,
            "capacity": "self" if decider == person.index else "guardian",
        }
        if decider != person.index:
            line["majority_on"] = _majority(person.birth_date).isoformat()
            if decider in {person.mother, person.father}:
                line["relation"] = "PRN"
        said = [line]
        if refusal == "health":
            said.append(line | {"decision": "refused", "sources": ["health"]})
        yield from said
        if person.second_uin is not None:
            second = {"type": "UIN", "value": person.second_uin}
            own = {"given_by": second} if decider == person.index else {}
            yield from (one | {"subject": second, **own} for one in said)


def refused_by(population: Population, adult: int) -> str | None:
    """Tell what an adult refuses, for themselves and for the children they decide for: `all`, `health` or None."""
    if adult in population.example_people:
        return population.example_refusals.get(adult)
    draw = fraction(population.seed, "consent", adult)
    return "all" if draw < REFUSES_ALL else "health" if draw < REFUSES_ALL + REFUSES_HEALTH else None


def number_of(person: Person) -> dict[str, str] | None:
    """Return the number a person is best known by: UIN, else BRN, else MEMBER_ID."""
    for kind, value in (("UIN", person.uin), ("BRN", person.brn), ("MEMBER_ID", person.member_id)):
        if value is not None:
            return {"type": kind, "value": value}
    return None


def guardian_of(population: Population, person: Person) -> int | None:
    """Return who decides for a person: the adult themselves; for a child a parent, else a grown relative it lives with.

    A child without either has nobody who may consent for it.
    """
    if _adult(person):
        return person.index
    parents = [p for p in (person.mother, person.father) if p is not None]
    grandparents = [
        g for p in parents for g in (population.people[p].mother, population.people[p].father) if g is not None
    ]
    housemates = population.households[person.household].members
    for candidate in (*parents, *housemates, *grandparents):
        other = population.people[candidate]
        if _adult(other) and number_of(other) is not None:
            return candidate
    return None


def _decided_before_death(person: Person) -> bool:
    """Tell whether somebody grown lived long enough to be asked, and died since: what was decided still stands."""
    return (
        person.death_date is not None
        and person.death_date.toordinal() > _ASKED_FROM
        and person.birth_date.toordinal() <= _ASKED_FROM - _ADULT
    )


def _majority(birth_date: date) -> date:
    """Return the 18th birthday; the 1st of March for who was born on a 29th of February."""
    try:
        return birth_date.replace(year=birth_date.year + 18)
    except ValueError:
        return birth_date.replace(year=birth_date.year + 18, month=3, day=1)


def _adult(person: Person) -> bool:
    return person.death_date is None and person.birth_date.toordinal() <= TODAY - _ADULT
