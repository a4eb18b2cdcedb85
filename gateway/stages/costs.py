"""Costs: what one lookup costs, and the cheapest chain of lookups from numbers that are known to one wanted. Pure.

Everything is weighed in milliseconds of waiting, so that the four things a manifest states under `cost` can be added
up. The weights stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from heapq import heappop, heappush
from typing import Final, NamedTuple

from adapters.manifest import Lookup, Manifest

LOAD_MS: Final = 50.0
"""Each degree of `load` counts like so much waiting."""
SENSITIVITY_MS: Final = 100.0
"""Each degree of `sensitivity` counts like so much waiting: being asked tells a registry something about the person,
and a detour of a call or two is worth not telling the health registry."""
FRESHNESS_MS_PER_DAY: Final = 0.5
"""Each day that records lag behind counts like so much waiting: a number seldom changes, so it weighs little."""
DOWN_MS: Final = 1_000_000.0
"""A registry that is known to be down is gone through only where nothing else leads there."""

Key = tuple[str, str]


class Way(NamedTuple):
    """One lookup of one registry: an edge from the numbers it takes to the numbers and facts it gives."""

    manifest: Manifest
    lookup: Lookup
    cost: float
    """Of one call, in milliseconds of waiting."""

    @property
    def key(self) -> Key:
        """Return source and lookup name."""
        return self.manifest.id, self.lookup.name

    @property
    def title(self) -> str:
        """Return source and lookup name as plans write them."""
        return f"{self.manifest.id}.{self.lookup.name}"


class Route(NamedTuple):
    """Lookups to walk one after the other, and what they cost together."""

    ways: tuple[Way, ...]
    cost: float

    @property
    def title(self) -> str:
        """Return the lookups in their order."""
        return " then ".join(way.title for way in self.ways)


def ways_of(manifests: Iterable[Manifest], down: Collection[str] = ()) -> tuple[Way, ...]:
    """Return every lookup of every registry, weighed, in the order of the registries' ids.

    down: registries that are known to be down.
    """
    return tuple(
        Way(m, lookup, call_cost(m) + (DOWN_MS if m.id in down else 0.0))
        for m in sorted(manifests, key=lambda m: m.id)
        for lookup in m.lookups
    )


def call_cost(manifest: Manifest) -> float:
    """Return what one call to a registry costs, in milliseconds of waiting."""
    stated = manifest.cost
    return (
        stated.latency_ms
        + LOAD_MS * stated.load
        + SENSITIVITY_MS * stated.sensitivity
        + FRESHNESS_MS_PER_DAY * stated.freshness_days
    )


def cheapest(
    ways: Iterable[Way], wanted: Collection[str], known: Collection[str], free: Collection[Key] = ()
) -> Route | None:
    """Return the cheapest chain of lookups of persons from known identifier types to one of the wanted ones.

    None when nothing leads there; a route without lookups when one of them is known. Among equal costs the shorter
    chain wins, then the names of its lookups, so that the order of the manifests decides nothing.
    free: lookups that are made anyway, and so cost nothing more.
    """
    # A lookup needs one number, so the cheapest way to a type is a chain: Dijkstra's algorithm over the types.
    waiting: list[tuple[float, int, tuple[Key, ...], str, tuple[Way, ...]]] = []
    for type_ in sorted(known):
        heappush(waiting, (0.0, 0, (), type_, ()))
    able = [way for way in ways if way.lookup.entity == "person"]
    reached: set[str] = set()
    while waiting:
        cost, length, keys, type_, chain = heappop(waiting)
        if type_ in wanted:
            return Route(chain, cost)
        if type_ in reached:
            continue
        reached.add(type_)
        for way in able:
            if type_ not in way.lookup.by or way.key in keys:
                continue
            more = cost + (0.0 if way.key in free else way.cost)
            for given in way.lookup.identifiers:
                if given not in reached:
                    heappush(waiting, (more, length + 1, (*keys, way.key), given, (*chain, way)))
    return None
