"""`python -m mocks.truth`: who is who in the practice country, to score by what a gateway found out.

Nobody but a test reads it: it says of every person all numbers, the traits as they truly are, and under which number
and how badly the farmers' list has them. One line of JSON per person:

    {"person": 12, "household": 3, "numbers": {"UIN": "...", ...}, "traits": {"given_name": "...", "surname": "...",
     "sex": "female", "birth_date": "1990-02-01", "locality": "Lake Town"},
     "rows": {"national_id": {"UIN": "...", "traits": {as that platform states them}},
              "farmers_list": {"LIST_NO": "FL-000123", "traits": {as the list writes them}}}, "members_with": [12, 13]}

`members_with` are the people of the same household, the person included; of the dead it is empty.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from mocks.beneficiary_enrolments import beneficiaries
from mocks.disability_files import disability_files
from mocks.employment_files import seeker_files
from mocks.farmer_holdings import holdings
from mocks.farmers_list_entries import NOISE, NUMBER_TYPE, ListEntry, entries
from mocks.population import Population, build

if TYPE_CHECKING:
    from mocks.people import Person


def truth(population: Population, noise: str = "default") -> Iterator[dict[str, Any]]:
    """Yield a line for every person, dead or alive, in the order of the population.

    noise: how badly lists are kept, one of `NOISE`.
    """
    listed = {one.person.index: one for one in entries(population, noise)}
    given = _given_by_registers(population)
    for person in population.people:
        home = population.households[person.household]
        entry = listed.get(person.index)
        numbers = _numbers(population, person) | given.get(person.index, {})
        rows: dict[str, Any] = {}
        if person.uin is not None:
            rows["national_id"] = {"UIN": person.uin, "traits": _as_identified(population, person)}
        if entry is not None:
            numbers[NUMBER_TYPE] = entry.number
            rows["farmers_list"] = {"LIST_NO": entry.number, "traits": _as_listed(entry)}
        yield {
            "person": person.index,
            "household": home.index,
            "numbers": numbers,
            "traits": {
                "given_name": person.given_name,
                "second_name": person.second_name,
                "surname": person.surname,
                "sex": person.sex,
                "birth_date": person.birth_date.isoformat(),
                "birth_place": person.birth_place,
                "locality": home.address.locality,
                "sub_region_code": home.address.district,
                "region_code": home.address.region,
                "vital_status": "alive" if person.death_date is None else "dead",
            },
            "rows": rows,
            "members_with": [] if person.death_date is not None else list(home.members),
        }


def _numbers(population: Population, person: Person) -> dict[str, str]:
    registered = person.index in population.registered_members(person.household)
    household = population.registered_ids(person.household)[:1] if registered else ()
    stated = {
        "UIN": person.uin,
        "BRN": person.brn,
        "DRN": person.drn,
        "TIN": person.tin,
        "LEARNER_NUMBER": person.learner_number,
        "PATIENT_NUMBER": person.patient_number,
        "MEMBER_ID": person.member_id,
        "HOUSEHOLD_ID": household[0] if household else None,
    }
    return {type_: number for type_, number in stated.items() if number is not None}


def _given_by_registers(population: Population) -> Mapping[int, dict[str, str]]:
    """Return the numbers that single registers gave, by person; the first where one gave two."""
    registers = (
        ("PWD_ID", disability_files(population)),
        ("BENEFICIARY_ID", beneficiaries(population)),
        ("FARMER_ID", holdings(population)),
        ("JOB_SEEKER_ID", seeker_files(population)),
    )
    found: dict[int, dict[str, str]] = {}
    for type_, rows in registers:
        for one in rows:
            found.setdefault(one.person.index, {}).setdefault(type_, one.number)
    return found


def _as_identified(population: Population, person: Person) -> dict[str, Any]:
    given, second, surname = population.spelling("national_id", person.index)
    address = population.households[person.household].address
    return {
        "given_name": given,
        "second_name": second,
        "surname": surname,
        "sex": person.sex,
        "birth_date": person.birth_date.isoformat(),
        "locality": address.locality,
        "sub_region_code": address.district,
        "region_code": address.region,
    }


def _as_listed(entry: ListEntry) -> dict[str, Any]:
    return {
        "given_name": entry.given_name,
        "second_name": entry.second_name,
        "surname": entry.surname,
        "sex": entry.sex,
        "birth_date": entry.birth_date.isoformat(),
        "locality": entry.village,
        "sub_region_code": entry.district,
        "region_code": entry.region,
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the truth; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mocks.truth", description="Tell who is who in Poveria.")
    parser.add_argument("--households", type=int, default=2000, help="how many households live there")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other people")
    parser.add_argument("--noise", choices=sorted(NOISE), default="default", help="how badly lists are kept")
    parser.add_argument("--file", type=Path, help="where it goes; standard output when left out")
    options = parser.parse_args(arguments)
    try:
        population = build(options.households, options.seed)
    except ValueError as problem:
        parser.error(str(problem))
    if options.file is None:
        _write(population, options.noise, sys.stdout.buffer)
        return 0
    try:
        with options.file.open("wb") as stream:
            _write(population, options.noise, stream)
    except OSError as problem:
        parser.error(f"{options.file} cannot be written: {problem.strerror}")
    return 0


def _write(population: Population, noise: str, stream: IO[bytes]) -> None:
    for line in truth(population, noise):
        stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    sys.exit(main())
