"""Tables: what composing the answers to one plan comes down to, compiled. Pure.

A table is compiled from a plan, and from which lookups hold which attribute of that day, the most authoritative first;
no person and no answer is in it. It tells the attributes that one lookup alone can settle from those that several may,
and puts together what the same lookups are looked at for. Each is kept beside its plan: a plan made anew gets a new
one. All are dropped when there are `KEPT_AT_MOST`, and with the composer, which is made anew when a manifest changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.stages.claims import Weighing
from gateway.stages.identity import Issuers
from gateway.stages.steps import Plan
from standards.attributes import Catalogue, Entity, ValueType
from standards.states import Unavailable, UnavailableReason

KEPT_AT_MOST: Final = 1024
"""Tables kept at once; as many as plans."""

Key = tuple[str, str]
Holders = Mapping[str, tuple[Key, ...]]
"""Attribute -> lookups that can tell it, the most authoritative first."""


class Shared(NamedTuple):
    """Attributes that the same lookups may state."""

    keys: tuple[Key, ...]
    names: tuple[str, ...]
    by_age: bool
    """A fresher word may win over a more authoritative one."""


class Number(NamedTuple):
    """An identifier: more than its holders have a word on it."""

    name: str
    type: str
    keys: tuple[Key, ...]
    issuers: frozenset[str]


class Table(NamedTuple):
    """How the attributes that a plan reads are settled; the lookups are those whose word counts, best first."""

    unasked: Mapping[str, Unavailable]
    """Of every attribute of a person: what it is of somebody about whom nobody was asked for it."""
    alone: tuple[tuple[Key, tuple[str, ...]], ...]
    """Lookup -> the attributes that no other one can settle."""
    shared: tuple[Shared, ...]
    numbers: tuple[Number, ...]
    of_household: tuple[tuple[str, tuple[Key, ...], Unavailable], ...]
    """Attributes of the household itself; with what each is when nobody was asked for it."""


class Tables:
    """Makes tables over one set of registries, and keeps them.

    today, past: who holds what now, and who can tell it as of a past day.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        weighing: Mapping[str, Weighing],
        issuers: Issuers,
        today: Holders,
        past: Holders,
    ) -> None:
        self._catalogue, self._weighing, self._issuers = catalogue, weighing, issuers
        self._today, self._past = today, past
        self._kept: dict[tuple[int, bool], tuple[Plan, Table]] = {}

    def of(self, plan: Plan, *, is_past: bool) -> Table:
        """Return the table of a plan."""
        # A plan is known by its place in memory, which is its own for as long as it is kept here.
        kept = self._kept.get((id(plan), is_past))
        if kept is not None:
            return kept[1]
        if len(self._kept) >= KEPT_AT_MOST:
            self._kept.clear()
        table = self._compile(plan, self._past if is_past else self._today)
        self._kept[id(plan), is_past] = plan, table
        return table

    def _compile(self, plan: Plan, holders: Holders) -> Table:
        today = self._today
        if plan.tellers is not None:
            holders, today = self._told_by(plan.tellers, holders), self._told_by(plan.tellers, today)
        # What was asked only because a better registry was silent is no claim beside it.
        asked = frozenset(step.key for step in plan.steps if not step.instead_of)
        keys = {name: tuple(k for k in holders.get(name, ()) if k in asked) for name in sorted(plan.reads)}
        unasked = {name: _unasked(name, plan, holders, today) for name in keys}
        persons = [self._catalogue[name] for name in keys if self._catalogue[name].entity is Entity.PERSON]
        numbers = [d.name for d in persons if d.type is ValueType.IDENTIFIER]
        facts = [d.name for d in persons if d.type is not ValueType.IDENTIFIER]
        together: dict[tuple[tuple[Key, ...], bool], list[str]] = {}
        for name in facts:
            by_age = self._weighing[name].fresher_wins_after_days is not None and len(keys[name]) > 1
            together.setdefault((keys[name], by_age), []).append(name)
        return Table(
            unasked={d.name: unasked[d.name] for d in persons},
            alone=tuple((held[0], tuple(names)) for (held, _), names in together.items() if len(held) == 1),
            shared=tuple(Shared(h, tuple(names), by_age) for (h, by_age), names in together.items() if len(h) > 1),
            numbers=tuple(
                Number(name, name.upper(), keys[name], self._issuers.get(name.upper(), frozenset())) for name in numbers
            ),
            of_household=tuple(
                (name, keys[name], unasked[name]) for name in keys if self._catalogue[name].entity is Entity.HOUSEHOLD
            ),
        )

    def _told_by(self, tellers: frozenset[str], holders: Holders) -> Holders:
        """Return who holds what when only some registries' word counts; a number is a number whoever states it."""
        told = {
            name: keys
            if self._catalogue[name].type is ValueType.IDENTIFIER
            else tuple(key for key in keys if key[0] in tellers)
            for name, keys in holders.items()
        }
        return {name: keys for name, keys in told.items() if keys}


def _unasked(name: str, plan: Plan, holders: Holders, today: Holders) -> Unavailable:
    """Return why an attribute is not known of which no registry was asked."""
    today_only = () if name in holders else today.get(name, ())
    if today_only:
        return Unavailable(UnavailableReason.NOT_AS_OF, today_only[0][0])
    is_held = name in plan.unreachable and name in holders
    return Unavailable(UnavailableReason.NO_IDENTIFIER if is_held else UnavailableReason.NO_SOURCE)
