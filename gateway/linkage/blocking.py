"""Candidates out of a list in memory, as a registry's blocks bring them: for learning and for scoring.

In a question the candidates are brought by the adapter, by the blocks of its manifest. Here the blocks are wider than a
manifest's, so that what is never merged here is never merged there.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.linkage.comparing import Trait
from gateway.linkage.features import features_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from adapters.ports import Candidate
    from gateway.linkage.features import Features, Unsaid
    from gateway.linkage.judging import Known
    from standards.states import JsonValue


class Block(NamedTuple):
    """What two records must have in common to be compared."""

    name: str
    uses: frozenset[Trait]
    """Traits that agree more than by chance among what it brings, so that it teaches nothing of them."""
    keys: Callable[[Features], Iterator[Hashable]]


def _birth(one: Features) -> Iterator[Hashable]:
    if one.birth and one.birth.digits:
        day = one.birth.digits
        yield day
        yield day[:4] + day[6:] + day[4:6]


def _surname_year(one: Features) -> Iterator[Hashable]:
    yield from _sound_and_year(one, one.surname.sound if one.surname else "")


def _given_year(one: Features) -> Iterator[Hashable]:
    yield from _sound_and_year(one, one.given.sound if one.given else "")


def _names(one: Features) -> Iterator[Hashable]:
    if one.given and one.surname and one.given.sound and one.surname.sound:
        yield frozenset((one.given.sound, one.surname.sound))


def _surname_place(one: Features) -> Iterator[Hashable]:
    if one.surname and one.surname.sound and one.locality:
        yield one.surname.sound, one.locality.latin


def _district_year(one: Features) -> Iterator[Hashable]:
    if one.sex and one.birth and one.district:
        yield one.sex, one.birth.year, one.district


def _sound_and_year(one: Features, sound: str) -> Iterator[Hashable]:
    # INVARIANT: an empty phonetic key brings nobody.
    if sound and one.birth:
        yield sound, one.birth.year


BLOCKS: Final = (
    Block("birth_date", frozenset({Trait.BIRTH_DATE}), _birth),
    Block("surname_and_year", frozenset({Trait.SURNAME, Trait.BIRTH_DATE}), _surname_year),
    Block("given_name_and_year", frozenset({Trait.GIVEN_NAME, Trait.BIRTH_DATE}), _given_year),
    Block("names", frozenset({Trait.GIVEN_NAME, Trait.SURNAME}), _names),
    Block("surname_and_place", frozenset({Trait.SURNAME, Trait.PLACE}), _surname_place),
    Block("district_and_year", frozenset({Trait.SEX, Trait.BIRTH_DATE, Trait.PLACE}), _district_year),
    Block("kin", frozenset({Trait.KIN}), lambda one: iter(one.kin)),
)


class Listed:
    """A list whose rows are found by what is known of somebody.

    unsaid: what is written where nothing is known.
    """

    def __init__(self, rows: Sequence[Candidate], unsaid: Unsaid) -> None:
        self.rows, self._unsaid = rows, unsaid
        self.features = [features_of(row.identifiers, row.traits, unsaid) for row in rows]
        self._found: dict[tuple[str, Hashable], list[int]] = defaultdict(list)
        for place, one in enumerate(self.features):
            for block in BLOCKS:
                for key in set(block.keys(one)):
                    self._found[block.name, key].append(place)

    def near(self, one: Features, block: Block) -> set[int]:
        """Return the places of the rows that share a block with somebody."""
        return {place for key in block.keys(one) for place in self._found.get((block.name, key), ())}

    def candidates(self, known: Known) -> list[Candidate]:
        """Return the rows that share any block with somebody."""
        one = self.known(known.identifiers, known.traits)
        return [self.rows[place] for place in sorted(set().union(*(self.near(one, block) for block in BLOCKS)))]

    def known(self, identifiers: Mapping[str, str], traits: Mapping[str, JsonValue]) -> Features:
        """Return somebody in the forms that the list is looked through with."""
        return features_of(identifiers, traits, self._unsaid)
