"""Household boundary rules: named, versioned, and read from configuration.

The language is closed on purpose: three sources of membership, one word for how they combine, six kin ties and four
bounds. gateway/README.md tells what they mean and why there is no more to it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Combination(StrEnum):
    """How the parts of a rule make one household."""

    FIRST = "first"
    """The first part that knows anything decides, in the order registered, kin, co-residence."""
    UNION = "union"
    """Whoever any part names."""
    INTERSECTION = "intersection"
    """Whoever every part names."""


class Tie(StrEnum):
    """A kin tie that a rule follows."""

    SPOUSE = "spouse"
    """Husbands and wives of the person, and of the parents of a child."""
    CHILDREN = "children"
    """Children under age, of the person and of the person's spouse."""
    PARENTS = "parents"
    """The parents of a child under age."""
    SIBLINGS = "siblings"
    """Of a child under age: its parents' other children under age."""
    ELDERS = "elders"
    """The parents of a grown person."""
    GRANDPARENTS = "grandparents"
    """The parents of parents or elders."""


DEEP_TIES: Final = frozenset({Tie.SIBLINGS, Tie.GRANDPARENTS})
"""Ties that lead over somebody else, so that a rule with a depth of one never reaches them."""


class BoundaryRule(NamedTuple):
    """Who counts as a member of the household of the person asked about."""

    name: str
    version: str
    registered: bool = False
    """The group that a social registry recorded."""
    kin: bool = False
    """Next of kin by civil registration, along `ties`."""
    child_until_age: int = 18
    """Age in years until which somebody is a child under `kin`."""
    co_residence: bool = False
    """Who lives in the same dwelling by national ID."""
    combine: Combination = Combination.FIRST
    ties: tuple[Tie, ...] = (Tie.SPOUSE, Tie.CHILDREN, Tie.PARENTS)
    depth: int = 1
    """How many ties away from the person asked about kin may be. From two on, civil registration is asked about the
    people found on the way, and those it knows to have died are no members."""
    max_members: int = 60
    """Most members; a household that would have more is cut, and called incomplete."""
    max_residents: int = 25
    """An address where more people live is no household: a children's home, a barracks, a prison."""

    @property
    def title(self) -> str:
        """Return name and version as agreements and answers write them, `registered-or-kin@1`."""
        return f"{self.name}@{self.version}"

    @property
    def needs(self) -> frozenset[str]:
        """Return the attributes of the people it asks about that the rule itself reads."""
        if not self.kin:
            return frozenset()
        return frozenset({"birth_date", "vital_status"} if self.depth > 1 else {"birth_date"})


PERSON_ONLY: Final = BoundaryRule("person-only", "1")
"""No household: the person asked about alone."""
