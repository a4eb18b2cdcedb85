"""What is known of a person, in the forms that are compared. Pure; nothing of it is kept.

Traits are attributes of the catalogue. Two more stand beside them: `birth_year`, where a registry knows no more, and
`kin_numbers`, numbers of relatives or of people of the same household, as `{"UIN": "..."}` or as bare texts.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from standards.identifiers import SHARED_TYPES, normal_type, normal_value
from standards.names import normal_name, sound_key, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from standards.states import JsonValue

KIN_NUMBERS: Final = "kin_numbers"
BIRTH_YEAR: Final = "birth_year"
_LONGEST: Final = 200
"""Characters of a text that count: comparing takes the time of both lengths multiplied."""
_SHORTEST_NUMBER: Final = 4
"""A number of a relative with fewer characters says nothing."""
_NO_SEX: Final = frozenset({"", "unknown", "not_stated", "unspecified", "u"})
_YEAR: Final = re.compile(r"(\d{4})(?:-\d{2})?")


class Name(NamedTuple):
    """One name, or the name of a place."""

    normal: str
    latin: str
    """Its Latin letters, written together."""
    words: tuple[str, ...]
    sound: str
    """Its phonetic key; empty when it has none."""


class Birth(NamedTuple):
    """When somebody was born, as far as it is known."""

    year: int
    digits: str = ""
    """The whole date as YYYYMMDD; empty when only the year is known."""


class Features(NamedTuple):
    """Somebody, as far as comparing goes. None and empty mean that nothing is known."""

    given: Name | None
    second: Name | None
    surname: Name | None
    sex: str | None
    birth: Birth | None
    locality: Name | None
    district: str | None
    region: str | None
    numbers: Mapping[str, str]
    """Numbers that belong to one person alone."""
    shared: Mapping[str, str]
    """Numbers of a household, a dwelling or a marriage."""
    kin: frozenset[tuple[str, str]]
    """Type, or "" where it is not known, and value."""
    contacts: frozenset[str]


class Unsaid(NamedTuple):
    """What is written where nothing is known."""

    names: Collection[str] = ()
    """Names that stand for no name (`unknown`), in Latin letters and lower case, written together."""
    days: Collection[str] = ("01-01",)
    """Birthdays, as MM-DD, that stand for a year without a day."""


_ONLY_NEW_YEAR: Final = Unsaid()


def features_of(
    identifiers: Mapping[str, str], traits: Mapping[str, JsonValue], unsaid: Unsaid = _ONLY_NEW_YEAR
) -> Features:
    """Return what is known of somebody in the forms that are compared."""
    placeholders = unsaid.names
    numbers = {normal_type(kind): normal_value(value) for kind, value in identifiers.items()}
    return Features(
        given=_name(traits.get("given_name"), placeholders),
        second=_name(traits.get("second_name"), placeholders),
        surname=_name(traits.get("surname"), placeholders),
        sex=_sex(traits.get("sex")),
        birth=_birth(traits.get("birth_date"), unsaid.days) or _birth(traits.get(BIRTH_YEAR), unsaid.days),
        locality=_name(traits.get("locality"), placeholders),
        district=_code(traits.get("sub_region_code")),
        region=_code(traits.get("region_code")),
        numbers={kind: value for kind, value in numbers.items() if value and kind not in SHARED_TYPES},
        shared={kind: value for kind, value in numbers.items() if value and kind in SHARED_TYPES},
        kin=frozenset(_kin(traits.get(KIN_NUMBERS))),
        contacts=frozenset((*_contacts(traits.get("phone_number")), *_contacts(traits.get("email")))),
    )


def _name(stated: JsonValue, placeholders: Collection[str]) -> Name | None:
    if not isinstance(stated, str):
        return None
    text = stated[:_LONGEST]
    parts = words(text)
    latin = "".join(parts)
    # INVARIANT: what holds no letter is no name, so it agrees with nothing.
    if not any(letter.isalpha() for letter in latin) or latin in placeholders:
        return None
    return Name(normal_name(text), latin, parts, sound_key(text))


def _sex(stated: JsonValue) -> str | None:
    told = stated.strip().casefold() if isinstance(stated, str) else ""
    return None if told in _NO_SEX else told


def _birth(stated: JsonValue, unsaid: Collection[str]) -> Birth | None:
    """Return a birth date; of a day that is written where no more is known, such as 1 January, only the year."""
    text = str(stated) if isinstance(stated, (str, int)) and not isinstance(stated, bool) else ""
    try:
        day = date.fromisoformat(text.strip()[:10])
    except ValueError:
        found = _YEAR.fullmatch(text.strip())
        return Birth(int(found[1])) if found else None
    return Birth(day.year) if day.strftime("%m-%d") in unsaid else Birth(day.year, day.strftime("%Y%m%d"))


def _code(stated: JsonValue) -> str | None:
    return normal_value(stated[:_LONGEST]) or None if isinstance(stated, str) else None


def _kin(stated: JsonValue) -> Iterator[tuple[str, str]]:
    for one in stated if isinstance(stated, list) else [stated]:
        told = one.items() if isinstance(one, dict) else [("", one)]
        for kind, value in told:
            number = normal_value(value) if isinstance(value, str) else ""
            if len(number) >= _SHORTEST_NUMBER:
                yield normal_type(kind), number


def _contacts(stated: JsonValue) -> Iterator[str]:
    for one in stated if isinstance(stated, list) else [stated]:
        if isinstance(one, str) and (told := "".join(one.split()).casefold()):
            yield told
