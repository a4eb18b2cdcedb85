"""Attribute groups: the parts of what registries know that a person can grant or refuse by one word.

A person decides about words that a person understands ("health", "income"), never about names of fields. Every
attribute of the catalogue is in exactly one group, told by its place in a record.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from standards.attributes import Catalogue

_PLACES: Final = (
    ("member_identifier", "numbers"),
    ("group_identifier", "numbers"),
    ("demographic_info.address", "address"),
    ("demographic_info.phone_number", "contact"),
    ("demographic_info.email", "contact"),
    ("demographic_info.", "identity"),
    ("hearth:language", "identity"),
    ("hearth:age", "identity"),
    ("marital_status", "family"),
    ("hearth:taxpayer", "income"),
    ("employment_status", "income"),
    ("occupation", "income"),
    ("hearth:household_income", "income"),
    ("hearth:income_per_head", "income"),
    ("hearth:land", "land"),
    ("hearth:total_land_ha", "land"),
    ("hearth:enrolment", "education"),
    ("education_level", "education"),
    ("hearth:children_out_of_school", "education"),
    ("hearth:household_attendance_rate", "education"),
    ("hearth:lowest_attendance_rate", "education"),
    ("hearth:health", "health"),
    ("hearth:has_pregnant_or_lactating_member", "health"),
    ("is_disabled", "disability"),
    ("disability_info", "disability"),
    ("hearth:has_disabled_member", "disability"),
    ("hearth:benefits", "benefits"),
    ("poverty_score", "living"),
    ("registration_date", "living"),
    ("hearth:registered_size", "family"),
    ("hearth:dwelling", "living"),
    ("hearth:disability", "disability"),
    ("hearth:farmers_list.input_voucher", "benefits"),
    ("hearth:farm", "land"),
    ("hearth:benefit_enrolments", "benefits"),
    ("hearth:payments", "benefits"),
    ("hearth:employment", "income"),
    ("hearth:social_insurance", "income"),
    ("hearth:home", "living"),
)
"""Beginning of an attribute's place -> its group; the first that fits decides."""

OTHER: Final = "family"
"""Group of every attribute that no beginning fits: figures about who lives together."""

GROUPS: Final = frozenset({group for _, group in _PLACES})
"""Every group there is. A closed list: receipts name them, and must mean the same for years."""


def group_of(place: str) -> str:
    """Return the group of an attribute by its place in a record."""
    return next((group for beginning, group in _PLACES if place.startswith(beginning)), OTHER)


def members_of(catalogue: Catalogue) -> Mapping[str, frozenset[str]]:
    """Return for every group the names of its attributes."""
    found: dict[str, set[str]] = {group: set() for group in GROUPS}
    for definition in catalogue:
        found[group_of(definition.place)].add(definition.name)
    return MappingProxyType({group: frozenset(names) for group, names in found.items()})


def refused_of(
    parts: Iterable[tuple[str | None, str]],
    groups: Mapping[str, frozenset[str]],
    holders: Mapping[str, frozenset[str]],
) -> Mapping[str, frozenset[str]]:
    """Return what must not be read from which source: source -> attributes.

    parts: refused groups, each with the one source it is refused from, or None for all.
    holders: attribute -> every source that could state it.
    """
    found: dict[str, set[str]] = {}
    for source, group in parts:
        for name in groups.get(group, ()):
            for holder in holders.get(name, ()):
                if source is None or source == holder:
                    found.setdefault(holder, set()).add(name)
    return {source: frozenset(names) for source, names in found.items()}
