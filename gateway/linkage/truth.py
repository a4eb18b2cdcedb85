"""Truth to learn from and to score by: people as some registries know them, and as a list without their numbers does.

One JSON line per person: `person`, `household`, `numbers`, `traits`, `members_with` (persons of the same household) and
`rows`, by registry: the number of the person's row there, and its `traits` as that registry writes them. A person is
known by what the registry named in `REFERENCE` states, where it has a row, and by the true traits otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from adapters.ports import Candidate
from gateway.linkage.features import KIN_NUMBERS
from gateway.linkage.judging import Known
from standards.errors import MalformedMessageError
from standards.identifiers import SHARED_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

REFERENCE: Final = "national_id"


class Person(NamedTuple):
    """One person, and whether a list holds a row of theirs."""

    known: Known
    rows: tuple[Mapping[str, str], ...]
    """Numbers of the person's own rows."""


class Truth(NamedTuple):
    """A population, and a list that holds some of it."""

    people: tuple[Person, ...]
    listed: tuple[Candidate, ...]
    """Every row of the list."""


def read_truth(path: Path, registry: str) -> Truth:
    """Return what a file of truth says of one registry's list.

    Raises: MalformedMessageError that names the line.
    """
    try:
        with path.open("rb") as lines:
            told = [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except OSError as error:
        raise MalformedMessageError(f"{path}: cannot be read ({type(error).__name__})") from error
    truth = truth_of(told, registry)
    if not truth.listed:
        there = sorted({name for one in told for name in one["rows"]} - {REFERENCE})
        raise MalformedMessageError(f"{path}: no row of {registry}; there are rows of {', '.join(there) or 'nobody'}")
    return truth


def truth_of(told: Iterable[Mapping[str, Any]], registry: str) -> Truth:
    """Return the truth about one registry's list, of lines that were read."""
    lines = list(told)
    numbers = {one["person"]: _own(one["numbers"]) for one in lines}
    people, listed = [], []
    for one in lines:
        relatives = [numbers[who] for who in one.get("members_with", ()) if who != one["person"] and who in numbers]
        kin: list[Any] = [found for found in relatives if found]
        rows, reference = _rows(one, registry), _rows(one, REFERENCE)
        traits = {**(reference[0].traits if reference else one["traits"]), **({KIN_NUMBERS: kin} if kin else {})}
        # The list's own numbers are what is to be found out.
        hidden = {number for row in rows for number in row.identifiers.values()}
        identifiers = {kind: number for kind, number in one["numbers"].items() if number not in hidden}
        people.append(Person(Known(identifiers, traits), tuple(row.identifiers for row in rows)))
        listed += rows
    return Truth(tuple(people), tuple(listed))


def _read(number: int, line: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(line)
        if not (isinstance(told, dict) and isinstance(told["person"], int) and isinstance(told["traits"], dict)):
            raise TypeError  # noqa: TRY301 - one place tells what is wrong with a line
        if not all(isinstance(row, dict) and isinstance(row["traits"], dict) for row in _every_row(told)):
            raise TypeError  # noqa: TRY301
        return {**told, "numbers": dict(told["numbers"]), "rows": dict(told["rows"])}
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedMessageError(
            f"line {number} of the truth: not a person with numbers, traits and rows ({type(error).__name__})"
        ) from None


def _every_row(told: Mapping[str, Any]) -> Iterator[Any]:
    for rows in told["rows"].values():
        yield from rows if isinstance(rows, list) else [rows]


def _own(numbers: Mapping[str, str]) -> dict[str, str]:
    return {kind: value for kind, value in numbers.items() if kind not in SHARED_TYPES}


def _rows(one: Mapping[str, Any], registry: str) -> list[Candidate]:
    stated = one["rows"].get(registry, [])
    return [_row(row) for row in (stated if isinstance(stated, list) else [stated])]


def _row(row: Mapping[str, Any]) -> Candidate:
    return Candidate({kind: value for kind, value in row.items() if kind != "traits"}, row["traits"])
