"""Events of registries: which kinds there are, how each is spelt on the wire, what it tells, and how often.

Reading strips a prefix, case, `_` and `-`, and knows the spellings met in the field; each registry type is sent the one
spelling that its release file allows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from standards.dci.codes import RegType

if TYPE_CHECKING:
    from collections.abc import Mapping


class EventKind(StrEnum):
    """Something that happens to people or households. The list is closed: agreements name events by it."""

    LIVE_BIRTH = "live_birth"
    DEATH = "death"
    FETAL_DEATH = "fetal_death"
    MARRIAGE = "marriage"
    DIVORCE = "divorce"
    ADOPTION = "adoption"
    REGISTER = "register"
    """Somebody was entered into a register."""
    NEW_HOUSEHOLD_MEMBER = "new_household_member"
    ENROLMENT = "enrolment"
    ENROLMENT_STATUS_CHANGE = "enrolment_status_change"
    CHANGE = "change"
    """Anything that the consumer may know of a person or household is another than before; ours alone."""


_ALIASES: Final[Mapping[str, EventKind]] = {kind.value.replace("_", ""): kind for kind in EventKind} | {
    "birth": EventKind.LIVE_BIRTH,
    "stillbirth": EventKind.FETAL_DEATH,
    "registration": EventKind.REGISTER,
    "registered": EventKind.REGISTER,
    "newmember": EventKind.NEW_HOUSEHOLD_MEMBER,
    # The release of the beneficiary registry spells it so; others write it in American English.
    "enrollement": EventKind.ENROLMENT,
    "enrollment": EventKind.ENROLMENT,
    "enrollementstatuschange": EventKind.ENROLMENT_STATUS_CHANGE,
    "enrollmentstatuschange": EventKind.ENROLMENT_STATUS_CHANGE,
    "changed": EventKind.CHANGE,
    "update": EventKind.CHANGE,
    "updated": EventKind.CHANGE,
    "householdchange": EventKind.CHANGE,
}

_CIVIL_PREFIX: Final = "spdci-common:RegistryEventType:"
_OWN_PREFIX: Final = "ns:hearth:RegistryEventType:"

_CIVIL: Final[Mapping[EventKind, str]] = {
    EventKind.LIVE_BIRTH: f"{_CIVIL_PREFIX}LiveBirth",
    EventKind.DEATH: f"{_CIVIL_PREFIX}Death",
    EventKind.FETAL_DEATH: f"{_CIVIL_PREFIX}FetalDeath",
    EventKind.MARRIAGE: f"{_CIVIL_PREFIX}Marriage",
    EventKind.DIVORCE: f"{_CIVIL_PREFIX}Divorce",
    EventKind.ADOPTION: f"{_CIVIL_PREFIX}Adoption",
}

_WIRE: Final[Mapping[RegType, Mapping[EventKind, str]]] = {
    RegType.CIVIL: _CIVIL,
    RegType.SOCIAL: {EventKind.REGISTER: "REGISTER", EventKind.NEW_HOUSEHOLD_MEMBER: "NewHouseHoldMember"},
    RegType.DISABILITY: {EventKind.REGISTER: "REGISTER"},
    RegType.FARMER: {EventKind.REGISTER: "REGISTER"},
    RegType.BENEFICIARY: {
        EventKind.ENROLMENT: "enrollement",
        EventKind.ENROLMENT_STATUS_CHANGE: "enrollement_status_change",
    },
    RegType.EMPLOYMENT: {
        EventKind.ENROLMENT: "enrolment",
        EventKind.ENROLMENT_STATUS_CHANGE: "enrolment_status_change",
    },
    # DEVIATION 24: a change of what may be known has no word in the released lists, so it speaks for our own type.
    RegType.VIRTUAL_HOUSEHOLD: {EventKind.CHANGE: f"{_OWN_PREFIX}Change"},
}
"""Registry type -> the kinds its release file has a word for, and the word."""

_ENROLMENTS: Final = frozenset({"benefit_programmes", "benefit_enrolments", "employment_enrolment_status"})

STATED_BY: Final[Mapping[EventKind, frozenset[str]]] = {
    EventKind.LIVE_BIRTH: frozenset({"household_size", "registered_size", "children_under_5"}),
    EventKind.DEATH: frozenset({"vital_status", "death_date"}),
    EventKind.FETAL_DEATH: frozenset({"death_date"}),
    EventKind.MARRIAGE: frozenset({"marital_status", "marriage_date"}),
    EventKind.DIVORCE: frozenset({"marital_status", "divorce_date"}),
    EventKind.ADOPTION: frozenset({"household_size", "registered_size"}),
    EventKind.REGISTER: frozenset(),
    EventKind.NEW_HOUSEHOLD_MEMBER: frozenset({"household_size", "registered_size"}),
    EventKind.ENROLMENT: _ENROLMENTS,
    EventKind.ENROLMENT_STATUS_CHANGE: _ENROLMENTS,
    EventKind.CHANGE: frozenset(),
}
"""Kind -> attributes of which it states one: who may know none of them must not be told of the event either.

Empty: any attribute will do.
"""


OF_HOUSEHOLDS: Final = frozenset({EventKind.LIVE_BIRTH, EventKind.ADOPTION, EventKind.NEW_HOUSEHOLD_MEMBER})
"""Kinds by which a household has one more."""


def normal_event(word: str) -> EventKind | None:
    """Return the kind of event that a wire string means; None if unknown."""
    return _ALIASES.get(word.rsplit(":", 1)[-1].strip().casefold().replace("_", "").replace("-", "").replace(" ", ""))


def wire_event(kind: EventKind, reg_type: RegType) -> str | None:
    """Return how a kind of event is spelt for a registry type; None when its release has no word for it."""
    return _WIRE.get(reg_type, {}).get(kind)


def kinds_of(reg_type: RegType) -> frozenset[EventKind]:
    """Return the kinds of event that a registry type has words for."""
    return frozenset(_WIRE.get(reg_type, {}))
