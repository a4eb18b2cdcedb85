"""Whose decision counts: what has to be heard of people before anybody can say what may be asked about them.

Consent is asked for under one number and questions come under another. So of whom nothing is decided under the numbers
known, the registry that issued the number is asked for the person's other numbers, and for nothing else; and where an
emergency counts in an area only, where the person lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from adapters.manifest import Lookup, Manifest
from gateway.stages.deciding import Deciding, may_be_decided_elsewhere
from gateway.stages.identity import Issuers
from gateway.stages.people import Person
from gateway.stages.under_way import Heard
from policies.emergency import PLACES
from standards.identifiers import BRN, GROUP_TYPES, SHARED_TYPES, UIN, Identifier
from standards.permit import PersonPermit

Key = tuple[str, str]
Ask = Callable[[Key, tuple[Identifier, ...], frozenset[str]], Awaitable[Mapping[Identifier, Heard]]]
"""Asks one lookup about some numbers, for some attributes."""

HOPS: Final = 2
"""How many numbers away a decision may stand: from a learner's number over the birth number to the national one."""
_LEADING: Final = (UIN, BRN)
"""Numbers that consent is asked under, the usual one first."""


class Whose(NamedTuple):
    """Finds whose decision counts, over one set of registries."""

    lookups: Mapping[Key, tuple[Manifest, Lookup]]
    issuers: Issuers
    ask: Ask

    async def permits(self, people: Sequence[Person], decide: Deciding) -> Sequence[PersonPermit]:
        """Return what may be read and given of people just found."""
        known = [dict(person.identifiers) for person in people]
        permits = list(await decide(known))
        for _ in range(HOPS):
            open_ = [n for n, permit in enumerate(permits) if may_be_decided_elsewhere(permit) and UIN not in known[n]]
            if not open_ or not await self._learn(known, open_):
                break
            for n, permit in zip(open_, await decide([known[n] for n in open_]), strict=True):
                permits[n] = permit
        if decide.needs_places:
            await self._place(known, permits, decide)
        return permits

    async def _learn(self, known: list[dict[str, str]], open_: Sequence[int]) -> bool:
        """Learn further numbers of people; tell whether any was learned."""
        asked: dict[Key, dict[Identifier, list[int]]] = {}
        for n in open_:
            way = self._way(known[n])
            if way is not None:
                asked.setdefault(way[0], {}).setdefault(way[1], []).append(n)
        has_learned = False
        for key, whose in asked.items():
            # INVARIANT: without a permit, nothing but a person's other numbers is asked for, to find the permit.
            for number, heard in (await self.ask(key, tuple(whose), frozenset())).items():
                stated = heard.record.identifiers if heard.record is not None else {}
                if stated.get(number.type) not in {None, number.value} or len(whose[number]) > 1:
                    continue  # somebody else's record, or a number that two people bear
                for type_, value in stated.items():
                    if type_ not in SHARED_TYPES and self._vouches(key[0], number.type, type_):
                        has_learned |= known[whose[number][0]].setdefault(type_, value) == value
        return has_learned

    def _way(self, numbers: Mapping[str, str]) -> tuple[Key, Identifier] | None:
        """Return the lookup that leads to a number that consent is asked under, and the number to ask by."""
        for wanted in _LEADING:
            if wanted in numbers:
                continue
            for key, (_, lookup) in self.lookups.items():
                if lookup.entity != "person" or lookup.boundary or wanted not in lookup.identifiers:
                    continue
                by = next((t for t in lookup.by if t in numbers and t not in GROUP_TYPES), None)
                if by is not None and self._vouches(key[0], by, wanted):
                    return key, Identifier(by, numbers[by])
        return None

    def _vouches(self, source_id: str, by: str, stated: str) -> bool:
        """Tell whether a registry's word ties two numbers: it issues one of them."""
        # INVARIANT: nobody's consent counts for somebody else on the word of a registry that issues neither number.
        return any(source_id in self.issuers.get(type_, ()) for type_ in (by, stated))

    async def _place(self, known: Sequence[Mapping[str, str]], permits: list[PersonPermit], decide: Deciding) -> None:
        """Ask where people live of whom something is kept back that an emergency may lift."""
        wanted = frozenset(PLACES)

        def best_word_first(of: tuple[Key, tuple[Manifest, Lookup]]) -> tuple[int, Key]:
            key, (manifest, _) = of
            return max(manifest.rank(name) for name in PLACES), key

        for key, (_, lookup) in sorted(self.lookups.items(), key=best_word_first):
            if lookup.entity != "person" or not wanted <= set(lookup.attributes):
                continue
            whose: dict[Identifier, int] = {}
            for n, numbers in enumerate(known):
                by = next((t for t in lookup.by if t in numbers), None)
                if by is not None and permits[n].withheld:
                    whose[Identifier(by, numbers[by])] = n
            if not whose:
                continue
            heard = await self.ask(key, tuple(whose), wanted)
            lives = [
                [] if (record := heard[number].record) is None else [record.values.get(name) for name in PLACES]
                for number in whose
            ]
            people = list(whose.values())
            for n, permit in zip(people, await decide.within([known[n] for n in people], lives), strict=True):
                permits[n] = permit
            return
