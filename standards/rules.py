"""Household boundary rules: named, versioned, and read from configuration."""

from __future__ import annotations

from typing import Final, NamedTuple


class BoundaryRule(NamedTuple):
    """Who counts as a member of the household of the person asked about."""

    name: str
    version: str
    registered: bool = False
    """The group that a social registry recorded."""
    kin: bool = False
    """Spouse, and children under age; for a child, its parents. Used when no group is recorded."""
    child_until_age: int = 18
    """Age in years until which a child belongs to its parents' household under `kin`."""

    @property
    def title(self) -> str:
        """Return name and version as agreements and answers write them, `registered-or-kin@1`."""
        return f"{self.name}@{self.version}"

    @property
    def needs(self) -> frozenset[str]:
        """Return the attributes of the person asked about that the rule itself reads."""
        return frozenset({"birth_date"}) if self.kin else frozenset()


PERSON_ONLY: Final = BoundaryRule("person-only", "1")
"""No household: the person asked about alone."""
