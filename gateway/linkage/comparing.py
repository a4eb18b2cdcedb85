"""How two people compare: for each trait, how far they agree. Pure, and the same whichever of them comes first."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import OSA, JaroWinkler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.linkage.features import Birth, Features, Name


class Trait(StrEnum):
    """What is compared. A closed list; a model says which of them count."""

    GIVEN_NAME = "given_name"
    SECOND_NAME = "second_name"
    SURNAME = "surname"
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    PLACE = "place"
    """Village by name, within district and region by code."""
    KIN = "kin"
    """Numbers of relatives, or of people of the same household, that both name."""
    NUMBER = "number"
    """A number of the person's own that both know."""
    HOUSEHOLD = "household"
    """A number of the household or the dwelling that both know."""
    CONTACT = "contact"
    """Telephone and e-mail."""


class Level(StrEnum):
    """How far two people agree in a trait."""

    EXACT = "exact"
    TRANSLITERATED = "transliterated"
    """Equal in Latin letters, without accents, marks and spaces."""
    SOUNDS_ALIKE = "sounds_alike"
    CLOSE = "close"
    """One letter or figure off, or two of them exchanged; of names, also similar by Jaro-Winkler."""
    PART = "part"
    """Every word of one name stands in the other."""
    SWAPPED = "swapped"
    """Given name and surname exchanged; day and month exchanged."""
    OTHER_GIVEN = "other_given"
    """The given name of one is the second name of the other."""
    INITIAL = "initial"
    """One is only the first letter of the other."""
    YEAR = "year"
    """The same year, where one of them states no more."""
    SAME_YEAR = "same_year"
    """The same year, and another day."""
    NEAR_YEAR = "near_year"
    """Two years apart at most, where one of them states the year only."""
    SAME_DISTRICT = "same_district"
    SAME_REGION = "same_region"
    SHARED = "shared"
    DIFFERS = "differs"
    MISSING = "missing"
    """At least one of them does not say."""


_NAME: Final = (Level.EXACT, Level.TRANSLITERATED, Level.SOUNDS_ALIKE, Level.CLOSE, Level.PART)
_SHARED: Final = (Level.SHARED, Level.DIFFERS)
LEVELS: Final[Mapping[Trait, tuple[Level, ...]]] = MappingProxyType(
    {
        Trait.GIVEN_NAME: (*_NAME, Level.SWAPPED, Level.OTHER_GIVEN, Level.INITIAL, Level.DIFFERS),
        Trait.SECOND_NAME: (*_NAME, Level.OTHER_GIVEN, Level.INITIAL, Level.DIFFERS),
        Trait.SURNAME: (*_NAME, Level.SWAPPED, Level.INITIAL, Level.DIFFERS),
        Trait.SEX: (Level.EXACT, Level.DIFFERS),
        Trait.BIRTH_DATE: (
            *(Level.EXACT, Level.SWAPPED, Level.CLOSE, Level.YEAR, Level.SAME_YEAR, Level.NEAR_YEAR, Level.DIFFERS),
        ),
        Trait.PLACE: (*_NAME[:4], Level.SAME_DISTRICT, Level.SAME_REGION, Level.DIFFERS),
        Trait.KIN: _SHARED,
        Trait.NUMBER: _SHARED,
        Trait.HOUSEHOLD: _SHARED,
        Trait.CONTACT: _SHARED,
    }
)
"""The levels of each trait, most agreement first, without `missing`, which all have."""

_AGREEING: Final = frozenset(_NAME[:4])
_SIMILAR: Final = 0.92
"""Jaro-Winkler similarity from which two names are close."""
_LONG_ENOUGH: Final = 4
"""Letters that a name needs for one of them to be wrong; `Ana` and `Ada` are two names."""
_NEAR_YEARS: Final = 2


def compare(one: Features, other: Features) -> dict[Trait, Level]:
    """Return how far two people agree in every trait."""
    given, second, surname = _full_name(one, other)
    return {
        Trait.GIVEN_NAME: given,
        Trait.SECOND_NAME: second,
        Trait.SURNAME: surname,
        Trait.SEX: _equal(one.sex, other.sex),
        Trait.BIRTH_DATE: _birth(one.birth, other.birth),
        Trait.PLACE: _place(one, other),
        Trait.KIN: _kin(one.kin, other.kin),
        Trait.NUMBER: _numbers(one.numbers, other.numbers),
        Trait.HOUSEHOLD: _numbers(one.shared, other.shared),
        Trait.CONTACT: _met(one.contacts, other.contacts),
    }


def _full_name(one: Features, other: Features) -> tuple[Level, Level, Level]:
    """Return the levels of given name, second name and surname, looked at together."""
    given, surname = name_level(one.given, other.given), name_level(one.surname, other.surname)
    second = name_level(one.second, other.second)
    if (
        given == surname == Level.DIFFERS
        and {
            name_level(one.given, other.surname),
            name_level(one.surname, other.given),
        }
        <= _AGREEING
    ):
        return Level.SWAPPED, second, Level.SWAPPED
    if given in (Level.DIFFERS, Level.INITIAL):
        crossed = name_level(one.given, other.second), name_level(one.second, other.given)
        if _AGREEING.intersection(crossed):
            return Level.OTHER_GIVEN, Level.OTHER_GIVEN if set(crossed) <= _AGREEING else second, surname
    return given, second, surname


def name_level(one: Name | None, other: Name | None) -> Level:
    """Return how far two names agree: one of those of a name, or `initial`, `differs` or `missing`."""
    if one is None or other is None:
        return Level.MISSING
    if one.normal == other.normal:
        return Level.EXACT
    if one.latin == other.latin:
        return Level.TRANSLITERATED
    first, last = sorted((one.latin, other.latin))  # similarity is not quite the same both ways round
    is_close = min(len(first), len(last)) >= _LONG_ENOUGH and (
        OSA.distance(first, last, score_cutoff=1) <= 1 or JaroWinkler.similarity(first, last) >= _SIMILAR
    )
    # INVARIANT: an empty phonetic key never matches. One sound alone says too little as well.
    if one.sound == other.sound and len(one.sound) > 1:
        return Level.SOUNDS_ALIKE
    if is_close:
        return Level.CLOSE
    if set(one.words) <= set(other.words) or set(other.words) <= set(one.words):
        return Level.PART
    if (len(first) == 1 and last.startswith(first)) or (len(last) == 1 and first.startswith(last)):
        return Level.INITIAL
    return Level.DIFFERS


def _birth(one: Birth | None, other: Birth | None) -> Level:
    if one is None or other is None:
        return Level.MISSING
    if not (one.digits and other.digits):
        apart = abs(one.year - other.year)
        return Level.YEAR if apart == 0 else Level.NEAR_YEAR if apart <= _NEAR_YEARS else Level.DIFFERS
    if one.digits == other.digits:
        return Level.EXACT
    if one.digits[:4] + one.digits[6:] + one.digits[4:6] == other.digits:
        return Level.SWAPPED
    if OSA.distance(one.digits, other.digits, score_cutoff=1) <= 1:
        return Level.CLOSE
    return Level.SAME_YEAR if one.year == other.year else Level.DIFFERS


def _place(one: Features, other: Features) -> Level:
    """Return how near to each other they live; villages of one name in two districts are two villages."""
    village = name_level(one.locality, other.locality)
    district, region = _equal(one.district, other.district), _equal(one.region, other.region)
    if village in _AGREEING and Level.DIFFERS not in (district, region):
        return village
    if district == Level.EXACT:
        return Level.SAME_DISTRICT
    if region == Level.EXACT:
        return Level.SAME_REGION
    return Level.MISSING if {village, district, region} == {Level.MISSING} else Level.DIFFERS


def _equal(one: str | None, other: str | None) -> Level:
    if one is None or other is None:
        return Level.MISSING
    return Level.EXACT if one == other else Level.DIFFERS


def _numbers(one: Mapping[str, str], other: Mapping[str, str]) -> Level:
    """Return whether they know a number in common; one that differs weighs more than one that agrees."""
    both = one.keys() & other.keys()
    if not both:
        return Level.MISSING
    return Level.SHARED if all(one[kind] == other[kind] for kind in both) else Level.DIFFERS


def _kin(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> Level:
    """Return whether both name one relative; a number whose type one of them does not know counts by its value."""
    if not (one and other):
        return Level.MISSING
    bare = {number for kind, number in one if not kind} & {number for _, number in other} or (
        {number for kind, number in other if not kind} & {number for _, number in one}
    )
    return Level.SHARED if one & other or bare else Level.DIFFERS


def _met(one: frozenset[str], other: frozenset[str]) -> Level:
    if not (one and other):
        return Level.MISSING
    return Level.SHARED if one & other else Level.DIFFERS
