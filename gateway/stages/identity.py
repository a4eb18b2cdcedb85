"""Identity: which numbers are one person's, on whose word, and which people are the same. Pure.

A number is a claim of the registry that states it. The word of the registry that issues a type of number (manifest:
`issues`) comes first; a number that registries dispute is never asked by on any other word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gateway.linkage.comparing import Level, Trait, compare
from gateway.linkage.features import features_of
from standards.identifiers import BRN, SHARED_TYPES
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from gateway.stages.calls import Heard
    from standards.states import JsonValue

Issuers = Mapping[str, frozenset[str]]
"""Identifier type -> registries that issue its numbers."""


class Claim(NamedTuple):
    """One registry's word on one number of a person."""

    type: str
    value: str
    source_id: str
    as_of: str | None
    is_issuers: bool
    """Stated by the registry that issues numbers of this type."""


class Word(NamedTuple):
    """The numbers by which one source names somebody."""

    numbers: Mapping[str, str]
    vouched: frozenset[str] = frozenset()
    """Types of which the number was stated by their issuer."""


class Sameness(NamedTuple):
    """Which of several words are about the same person."""

    people: tuple[tuple[int, ...], ...]
    """Places of the words, person by person; in the order of each person's first word."""
    ambiguous: frozenset[int]
    """Places of words that share a number with another one, and contradict it in a second number."""


def issuers_of(manifests: Iterable[Manifest]) -> Issuers:
    """Return who issues numbers of each type."""
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        for type_ in manifest.issues:
            found.setdefault(type_, set()).add(manifest.id)
    return {type_: frozenset(sources) for type_, sources in found.items()}


def crosswalk(heard: Iterable[Heard], issuers: Issuers) -> dict[str, tuple[Claim, ...]]:
    """Return every claim on one person's numbers by type, the issuer's first, then by source."""
    claims: dict[str, set[Claim]] = {}
    for one in heard:
        if one.record is None:
            continue
        source = one.provenance.source_id
        for type_, value in one.record.identifiers.items():
            is_issuers = source in issuers.get(type_, ())
            claims.setdefault(type_, set()).add(Claim(type_, value, source, one.record.as_of, is_issuers))
    return {
        type_: tuple(sorted(said, key=lambda c: (not c.is_issuers, c.source_id, c.value, c.as_of or "")))
        for type_, said in claims.items()
    }


def agreed(claims: Mapping[str, Sequence[Claim]], given: Mapping[str, str]) -> dict[str, str]:
    """Return one number of each type: the one nobody disputes, else the issuer's; none where that is not to be had.

    given: numbers that the person was found by; a claim like the registries'.
    """
    numbers = {type_: value for type_, value in given.items() if type_ not in claims}
    for type_, said in claims.items():
        values = {claim.value for claim in said} | ({given[type_]} if type_ in given else set())
        if len(values) > 1:
            # INVARIANT: a number that is disputed counts on the word of its issuer only.
            values = {claim.value for claim in said if claim.is_issuers}
        if len(values) == 1:
            numbers[type_] = values.pop()
    return numbers


def same_people(words: Sequence[Word]) -> Sameness:
    """Return which words are about the same person: those that share a number, and contradict each other in none.

    Two numbers of one type contradict each other, unless their issuer vouches for both and says that they rest on
    the same birth: a double registration.
    """
    groups: list[tuple[int, ...]] = []
    ambiguous: set[int] = set()
    for connected in _connected(range(len(words)), words):
        disputed = _disputed(connected, words)
        if not disputed:
            groups.append(connected)
            continue
        # INVARIANT: a number that leads to two people makes them one person never.
        ambiguous.update(connected)
        apart: dict[tuple[str | None, ...], list[int]] = {}
        for place in connected:
            apart.setdefault(tuple(words[place].numbers.get(type_) for type_ in disputed), []).append(place)
        for places in apart.values():
            groups += _connected(places, words)
    return Sameness(tuple(sorted(groups)), frozenset(ambiguous))


def _connected(places: Iterable[int], words: Sequence[Word]) -> list[tuple[int, ...]]:
    """Return the places in groups whose words hang together by shared numbers."""
    places = list(places)
    leader = {place: place for place in places}

    def lead(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    first: dict[tuple[str, str], int] = {}
    for place in places:
        for number in words[place].numbers.items():
            if number[0] not in SHARED_TYPES:
                one, other = lead(first.setdefault(number, place)), lead(place)
                leader[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for place in places:
        groups.setdefault(lead(place), []).append(place)
    return [tuple(group) for group in groups.values()]


def _disputed(places: Sequence[int], words: Sequence[Word]) -> tuple[str, ...]:
    """Return the types of which the words state different numbers, double registrations left out."""
    if len(places) == 1:
        return ()
    types = sorted({type_ for place in places for type_ in words[place].numbers if type_ not in SHARED_TYPES})
    return tuple(
        type_ for type_ in types if not _is_one(type_, [words[p] for p in places if type_ in words[p].numbers])
    )


def _is_one(type_: str, words: Sequence[Word]) -> bool:
    values = {word.numbers[type_] for word in words}
    if len(values) == 1:
        return True
    tied: list[set[str]] = []
    for value in values:
        vouched = [word for word in words if word.numbers[type_] == value and type_ in word.vouched]
        tied.append({word.numbers[BRN] for word in vouched if BRN in word.numbers})
    # Nothing else will do: a couple may share a tax number by mistake, two people are never born as one.
    return type_ != BRN and bool(set.intersection(*tied))


def strangers(
    heard: Mapping[tuple[str, str], Heard], given: Mapping[str, str], issuers: Issuers
) -> frozenset[tuple[str, str]]:
    """Return the lookups whose record is of somebody else, by its birth date and either its sex or its names.

    The anchor, from which it differs, is the record of the registry that issues the first number the person was found
    by, else the next one, else the first by its name. One number led to two people, so the other record is nobody's
    word on this one.
    """
    records = [said.record for said in heard.values() if said.record is not None]
    if len({record.values.get("birth_date") for record in records} - {None}) < 2:
        return frozenset()  # nearly always: nobody is told apart from anybody
    stated = [
        (key, known, said.record.values, said.provenance.source_id)
        for key, said in sorted(heard.items())
        if said.record is not None and (known := who(said)) is not None
    ]
    if not stated:
        return frozenset()
    ranks = {source: rank for rank, type_ in reversed([*enumerate(given)]) for source in issuers.get(type_, ())}
    _, (sex, birth_date), anchor, _ = min(stated, key=lambda one: ranks.get(one[3], len(given)))
    return frozenset(
        key
        for key, known, values, _ in stated
        if known[1] != birth_date and (known[0] != sex or is_another(anchor, values))
    )


def is_another(one: Mapping[str, JsonValue], other: Mapping[str, JsonValue]) -> bool:
    """Tell whether two records agree neither in a name nor in year or birthday, so that no slip explains it.

    A name that is missing, spelled otherwise, exchanged with another or a second one is no other name; and a date
    with one figure wrong, day and month exchanged, or of which only the year is known is no other date.
    """
    first, second = features_of({}, one), features_of({}, other)
    born, also = (known.birth.digits if known.birth else "" for known in (first, second))
    if not (born and also) or born[4:] == also[4:]:
        return False
    levels = compare(first, second)
    return all(levels[trait] is Level.DIFFERS for trait in (Trait.GIVEN_NAME, Trait.SURNAME, Trait.BIRTH_DATE))


def refused(heard: Heard) -> Heard:
    """Return what is left of a record that is of somebody else: nothing, with the reason."""
    return heard._replace(record=None, reason=UnavailableReason.AMBIGUOUS_IDENTITY)


def who(heard: Heard) -> tuple[object, object] | None:
    """Return sex and birth date, where a record states both."""
    if heard.record is None:
        return None
    values = heard.record.values
    sex, birth_date = values.get("sex"), values.get("birth_date")
    return None if sex is None or sex == "unknown" or birth_date is None else (sex, birth_date)
