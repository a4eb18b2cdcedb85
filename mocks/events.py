"""What can happen to people, and in which words each DCI registry tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

KINDS: Final = (
    "birth",
    "death",
    "marriage",
    "divorce",
    "move",
    "registration",
    "enrolment",
    "enrolment_change",
)


class Event(NamedTuple):
    """One thing that has happened; people are named by their place in the population."""

    kind: str
    day: date
    person: int
    others: tuple[int, ...] = ()
    """Who else it concerns: parents of a child that is born, the other spouse, who moved along."""
    details: Mapping[str, Any] = {}

    @property
    def concerned(self) -> tuple[int, ...]:
        """Return everybody whom it concerns."""
        return (self.person, *self.others)


CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "crvs": {
        "birth": "spdci-common:RegistryEventType:LiveBirth",
        "death": "spdci-common:RegistryEventType:Death",
        "marriage": "spdci-common:RegistryEventType:Marriage",
        "divorce": "spdci-common:RegistryEventType:Divorce",
    },
    "social": {"birth": "NewHouseHoldMember", "move": "NewHouseHoldMember", "registration": "REGISTER"},
    "disability": {"registration": "REGISTER"},
    "farmer": {"registration": "REGISTER"},
    "beneficiary": {"enrolment": "enrollement", "enrolment_change": "enrollement_status_change"},
    "employment": {"enrolment": "enrolment", "enrolment_change": "enrolment_status_change"},
}
"""Registry -> kind of event -> `reg_event_type`; a registry tells of no other kinds."""
_ALIASES: Final = {"birth": "livebirth"}


def event_name(code: str) -> str:
    """Return an event code without its prefix, case and separators, and in one spelling."""
    bare = code.rpartition(":")[2].lower().replace("_", "").replace("-", "")
    for spelling in ("enrollement", "enrollment"):
        bare = bare.replace(spelling, "enrolment")
    return _ALIASES.get(bare, bare)
