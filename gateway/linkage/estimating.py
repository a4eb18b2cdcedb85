"""How often people agree: among records of one person (m), and of two taken by chance (u). Pure, seeded.

m is counted where it is known which records belong together. Without that it is estimated by expectation and
maximisation (EM) after Fellegi and Sunter, block by block; each teaches only of traits that it does not use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from gateway.linkage.blocking import BLOCKS, Listed
from gateway.linkage.comparing import LEVELS, Level, Trait, compare

if TYPE_CHECKING:
    from gateway.linkage.blocking import Block
    from gateway.linkage.features import Features

Shares = dict[Level, float]
Counts = dict[Trait, Counter[Level]]
Vector = tuple[Level, ...]

RANDOM_PAIRS: Final = 100_000
_ROUNDS: Final = 200
_STILL: Final = 1e-6
_SMALL: Final = 0.5
"""What a level counts that was never seen."""
LEAST_M: Final = 0.002
"""Least share that m counts for: a list that errs in no such way today may do so tomorrow."""
_TRAITS: Final = tuple(Trait)


def counted(pairs: Iterable[tuple[Features, Features]]) -> Counts:
    """Count the levels of pairs, by trait; `missing` counts for nothing."""
    counts: Counts = {trait: Counter() for trait in Trait}
    for one, other in pairs:
        for trait, level in compare(one, other).items():
            if level is not Level.MISSING:
                counts[trait][level] += 1
    return counts


def by_chance(
    people: Sequence[Features], listed: Listed, seed: int, own: Sequence[frozenset[int]], pairs: int = RANDOM_PAIRS
) -> Counts:
    """Count the levels of pairs taken by chance.

    own: for everybody the places of their own rows, where that is known; they are passed over.
    pairs: how many are taken.
    """
    rng = Random(seed)  # noqa: S311 - a sample, and the same one every time
    if not people or not listed.rows:
        return counted(())

    def drawn() -> Iterable[tuple[Features, Features]]:
        for _ in range(pairs):
            who, place = rng.randrange(len(people)), rng.randrange(len(listed.rows))
            if not (own and place in own[who]):
                yield people[who], listed.features[place]

    return counted(drawn())


def shares(counts: Mapping[Level, float], trait: Trait, least: float = 0.0) -> Shares:
    """Return the share of every level of a trait; of one never seen half a pair's.

    least: share that the last level, `differs`, has at least.
    """
    seen = {level: counts.get(level, 0) or _SMALL for level in LEVELS[trait]}
    seen[Level.DIFFERS] = max(seen[Level.DIFFERS], least * sum(seen.values()))
    total = sum(seen.values())
    return {level: count / total for level, count in seen.items()}


def estimated(people: Sequence[Features], listed: Listed, u: Mapping[Trait, Shares]) -> dict[Trait, Shares]:
    """Return m of every trait that a block teaches of, without knowing which records belong together."""
    gathered: dict[Trait, list[tuple[float, Shares]]] = {trait: [] for trait in Trait}
    for block in BLOCKS:
        vectors = _vectors(people, listed, block)
        free = [trait for trait in _TRAITS if trait not in block.uses and _is_seen(vectors, trait)]
        if not free:
            continue
        weight, m = _maximised(vectors, free, u)
        for trait in free:
            gathered[trait].append((weight, m[trait]))
    return {trait: _mean(told, trait) for trait, told in gathered.items() if told}


def _vectors(people: Sequence[Features], listed: Listed, block: Block) -> Counter[Vector]:
    found: Counter[Vector] = Counter()
    for one in people:
        for place in listed.near(one, block):
            levels = compare(one, listed.features[place])
            found[tuple(levels[trait] for trait in _TRAITS)] += 1
    return found


def _is_seen(vectors: Counter[Vector], trait: Trait) -> bool:
    place = _TRAITS.index(trait)
    return any(vector[place] is not Level.MISSING for vector in vectors)


def _maximised(
    vectors: Counter[Vector], free: Sequence[Trait], u: Mapping[Trait, Shares]
) -> tuple[float, dict[Trait, Shares]]:
    """Return how many pairs of a block belong together, and m of the traits that it leaves free."""
    places = [(trait, _TRAITS.index(trait)) for trait in free]
    m, total = {trait: _first_guess(trait) for trait in free}, sum(vectors.values())
    share, together = 0.1, 0.0
    for _ in range(_ROUNDS):
        expected: dict[Trait, Counter[Level]] = {trait: Counter() for trait in free}
        together = 0.0
        for vector, count in vectors.items():
            for_it, against = share, 1 - share
            for trait, place in places:
                if (level := vector[place]) is not Level.MISSING:
                    for_it *= m[trait][level]
                    against *= u[trait][level]
            weight = count * for_it / (for_it + against)
            together += weight
            for trait, place in places:
                if vector[place] is not Level.MISSING:
                    expected[trait][vector[place]] += weight  # type: ignore[assignment] # a share of a pair
        m = {trait: shares(expected[trait], trait, LEAST_M) for trait in free}
        moved, share = abs(together / total - share), min(0.999, max(1e-6, together / total))
        if moved < _STILL:
            break
    return together, m


def _first_guess(trait: Trait) -> Shares:
    """Return that people mostly agree with themselves."""
    return shares({level: 0.5**place for place, level in enumerate(LEVELS[trait])}, trait)


def _mean(told: Sequence[tuple[float, Shares]], trait: Trait) -> Shares:
    return shares({level: sum(weight * m[level] for weight, m in told) for level in LEVELS[trait]}, trait, LEAST_M)
