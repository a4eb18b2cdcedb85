"""Synthetic households for the bench: every number holds its household's five digits, so that bytes can be swapped.

Nothing is drawn or stored: the sixth member of household 123 has the same numbers and values in every run. All
registries agree on them, and everybody is known everywhere.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MARK: Final = "@@@@@"
"""Stands for the five digits of a household in everything that is rendered in advance."""
MOST_HOUSEHOLDS: Final = 100_000
MOST_MEMBERS: Final = 20

_GIVEN: Final = ("Biruk", "Eldana", "Markos", "Ruthine", "Bereket", "Selam", "Tomas", "Amina", "Dawit", "Liya")
_SECOND: Final = ("Yonasse", "Meron", "Zerihun", "Eldana", "Hailu")


class Member(NamedTuple):
    """One member of every household, by place in it: a head, a spouse, then children."""

    place: int
    uin: str
    brn: str
    tin: str | None
    member_id: str
    patient_number: str
    learner_number: str
    given_name: str
    second_name: str
    surname: str
    sex: str
    birth_date: str
    relationship: str

    @property
    def is_adult(self) -> bool:
        """Tell whether it is the head or the spouse."""
        return self.place < 2


def member(place: int, household: str = MARK) -> Member:
    """Return a member; without a household's digits, as the template of that member in all households."""
    adult = place < 2
    year = (1985, 1989)[place] if adult else 2024 - (place * 3) % 15
    return Member(
        place=place,
        uin=f"2{household}{place:02d}00",
        brn=f"B{1980 + place}-0{household}",
        tin=f"T{household}{place:02d}0" if adult else None,
        member_id=f"SM{household}{place:02d}",
        patient_number=f"PT{household}{place:02d}",
        learner_number=f"L{household}{place:02d}",
        given_name=_GIVEN[place % len(_GIVEN)],
        second_name=_SECOND[place % len(_SECOND)],
        surname="Demissar" if place == 1 else "Mammoy",
        sex="male" if place % 2 == 0 else "female",
        birth_date=f"{year}-{1 + place % 12:02d}-{10 + place % 18:02d}",
        relationship=("SELF", "SPS")[place] if adult else "CHILD",
    )


def digits(household: int) -> str:
    """Return the five digits by which a household's numbers are told apart."""
    return f"{household:05d}"


def household_id(household: str = MARK) -> str:
    """Return a household's number at the social registry."""
    return f"HH-0{household}"


def located(number: str) -> tuple[str, int]:
    """Return whose number it is: the household's digits, and the place in it.

    Raises: ValueError for a number of no form above.
    """
    if number[:1] == "2" and len(number) == 10:
        return number[1:6], int(number[6:8])
    if number[:2] in {"SM", "PT"}:
        return number[2:7], int(number[7:9])
    if number[:1] == "T" or (number[:1] == "L" and len(number) == 8):
        return number[1:6], int(number[6:8])
    if number[:1] == "B":
        return number[7:12], int(number[1:5]) - 1980
    if number[:3] == "HH-":
        return number[4:9], 0
    raise ValueError("a number of no registry of the bench")
