"""Identifier types of people and households: normal forms, wire aliases, and masking for humans.

The type of an identifier is an open string on the wire (DCI); the ones below are those Hearth knows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

UIN: Final = "UIN"
"""National identification number."""
BRN: Final = "BRN"
"""Birth registration number."""
MRN: Final = "MRN"
"""Marriage registration number."""
DRN: Final = "DRN"
"""Death registration number."""
TIN: Final = "TIN"
"""Taxpayer identification number."""
LEARNER_NUMBER: Final = "LEARNER_NUMBER"
"""Number of a learner at the education registry."""
PATIENT_NUMBER: Final = "PATIENT_NUMBER"
"""Number of a patient at the health registry."""
MEMBER_ID: Final = "MEMBER_ID"
"""Number of a person inside the social registry; people without any other number have one."""
PWD_ID: Final = "PWD_ID"  # noqa: S105 - a person with a disability, and no password
"""Number of a person at the disability registry."""
FARMER_ID: Final = "FARMER_ID"
"""Number of a farmer at the farmer registry."""
BENEFICIARY_ID: Final = "BENEFICIARY_ID"
"""Number of a person at the integrated beneficiary registry."""
JOB_SEEKER_ID: Final = "JOB_SEEKER_ID"
"""Number of a person at the employment services."""
FARMER_LIST_NO: Final = "FARMER_LIST_NO"
"""Number of a line of the list that agricultural extension officers keep; nobody else knows it."""
HOUSEHOLD_ID: Final = "HOUSEHOLD_ID"
"""Number of a household at the social registry."""

DWELLING_KEY: Final = "DWELLING_KEY"
"""Key of a dwelling at the national ID platform: of a place, never of a person."""

PERSON_TYPES: Final = (
    *(UIN, BRN, DRN, MRN, TIN, LEARNER_NUMBER, PATIENT_NUMBER, MEMBER_ID),
    *(PWD_ID, FARMER_ID, BENEFICIARY_ID, JOB_SEEKER_ID, FARMER_LIST_NO),
)
GROUP_TYPES: Final = (HOUSEHOLD_ID,)
PLACE_TYPES: Final = (DWELLING_KEY,)
SHARED_TYPES: Final = frozenset({MRN, *GROUP_TYPES, *PLACE_TYPES})
"""Types of which one number stands for several people, so that sharing one makes nobody the same person."""

_ALIASES: Final = {
    "NID": UIN,
    "NIN": UIN,
    "NATIONALID": UIN,
    "NATIONALIDNUMBER": UIN,
    "UNIQUEIDNUMBER": UIN,
    "LEARNERID": LEARNER_NUMBER,
    "PATIENTID": PATIENT_NUMBER,
    "HOUSEHOLDNUMBER": HOUSEHOLD_ID,
    "GROUPID": HOUSEHOLD_ID,
} | {name.replace("_", ""): name for name in (*PERSON_TYPES, *GROUP_TYPES)}

MAX_LENGTH: Final = 99
"""Longest identifier value accepted, in characters (the limit DCI sets for its own ids)."""


class Identifier(NamedTuple):
    """One number of one kind, in normal form; equal identifiers name the same person or household."""

    type: str
    value: str

    def __str__(self) -> str:
        """Show the type and a masked value, so that an identifier that slips into a message stays private."""
        return f"{self.type}:{masked(self.value)}"

    def __repr__(self) -> str:
        return str(self)


def normal_type(type_: str) -> str:
    """Return the name Hearth uses for an identifier type; unknown types come back unchanged.

    Accepts any prefix up to the last ``:``, any case, and ``_`` or ``-`` anywhere.
    """
    bare = type_.rsplit(":", 1)[-1].strip()
    return _ALIASES.get(bare.upper().replace("_", "").replace("-", ""), bare)


def normal_value(value: str) -> str:
    """Return an identifier's value without surrounding or inner white space, in upper case."""
    return "".join(value.split()).upper()


def identifier(type_: str, value: str) -> Identifier:
    """Build an identifier in normal form.

    Raises: ValueError when the type or the value is empty or longer than `MAX_LENGTH`.
    """
    normal = Identifier(normal_type(type_), normal_value(value))
    if not normal.type or not normal.value:
        msg = "an identifier needs a type and a value"
        raise ValueError(msg)
    if len(normal.type) > MAX_LENGTH or len(normal.value) > MAX_LENGTH:
        msg = f"an identifier has at most {MAX_LENGTH} characters"
        raise ValueError(msg)
    return normal


def masked(value: str) -> str:
    """Hide all but the last two characters; short values are hidden whole."""
    return "…" + value[-2:] if len(value) > 6 else "…"
