"""Search: find people or households without naming them, at the registry that lets itself be searched. Bounded.

The part of a filter that one registry knows is pushed down to it; the rest is checked on the composed profile, three-
valued: a household of which it is not known whether the filter holds is not among the results, and the answer says
how many were left out for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from adapters.catalogue import Registries
from adapters.manifest import Search
from adapters.ports import Deadline, SearchFetch
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, Page, SearchItem
from standards.errors import RequestError, SourceError
from standards.filters import Every, Filter, attributes_of, holds
from standards.household import HouseholdProfile
from standards.identifiers import Identifier
from standards.permit import Permit
from standards.states import Absent, AttributeState, settled

T = TypeVar("T")
DEFAULT_PAGE = 10
"""Records on a page of a search that names no page size."""


class Finding(NamedTuple):
    """Whom a question is about."""

    subjects: tuple[Identifier, ...]
    total: int | None = None
    """How many there are over all pages; None when the question named its subject."""
    keeps: Callable[[HouseholdProfile], bool] | None = None
    """What is left to check on each composed profile."""
    plan: str = ""
    note: str | None = None


class _Ability(NamedTuple):
    source_id: str
    search: Search
    pushed: Filter
    rest: tuple[Filter, ...]


class Searcher:
    """Pushes searches down to registries."""

    def __init__(self, registries: Registries, concurrency: int = 8) -> None:
        self._registries, self._concurrency = registries, concurrency

    async def find(
        self, item: SearchItem, query: FilterQuery, permit: Permit, deadline: Deadline, transaction_id: str
    ) -> Finding:
        """Return one page of what a filter holds for.

        Raises: RequestError when no registry can narrow it, or when there are more results than the agreement
            allows; SourceError when the registry could not be searched, which is not an empty result.
        """
        if holds(query.filter, lambda _: (False, None)) is False:
            return Finding((), total=0, note="the filter can hold for nobody: codes have no order, compare by eq or in")
        entity = "person" if item.response_entity is ResponseEntity.MEMBER else "group"
        ability = self._best(query.filter, entity)
        if ability is None:
            raise RequestError(
                "no connected registry can be searched by any of these attributes; ask by identifier, or add a "
                f"condition on one of: {', '.join(sorted(self._searchable(entity))) or 'none offered'}",
                reason_code="rjct.filter.invalid",
            )
        sort = tuple((k.attribute, k.is_descending) for k in item.sort if k.attribute in ability.search.attributes)
        notes = [
            f"not sorted by {key.attribute}: {ability.source_id} does not offer it"
            for key in item.sort
            if key.attribute not in ability.search.attributes
        ]
        page = item.page or Page(DEFAULT_PAGE)
        request = SearchFetch(
            ability.source_id,
            ability.pushed,
            sort,
            page.size,
            page.number,
            transaction_id,
            ability.search.entity,
        )
        found = await self._registries[ability.source_id].guarded.search(request, deadline)
        if permit.max_results and found.total_count > permit.max_results:
            raise RequestError(
                f"more records than the {permit.max_results} the agreement allows for one search; narrow the filter",
                reason_code="rjct.search.too_many_records_found",
            )
        rest = Every(ability.rest)
        if ability.rest:
            notes.append("conditions were checked after composition: the total counts records before them")
        return Finding(
            subjects=found.found,
            total=found.total_count,
            keeps=(lambda profile: _keeps(rest, profile)) if ability.rest else None,
            plan=f"search {ability.source_id} by {', '.join(sorted(attributes_of(ability.pushed)))}",
            note="; ".join(notes) or None,
        )

    async def each(self, subjects: Sequence[Identifier], ask: Callable[[Identifier], Awaitable[T]]) -> list[T]:
        """Return what `ask` says about each subject, in order, a few at a time.

        Raises: SourceError when nothing could be learned about one of them.
        """
        if len(subjects) == 1:
            return [await ask(subjects[0])]
        places = asyncio.Semaphore(self._concurrency)

        async def one(subject: Identifier) -> T:
            async with places:
                return await ask(subject)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(subject)) for subject in subjects]
        except ExceptionGroup as failures:
            silences, others = failures.split(SourceError)
            if silences is None or others is not None:
                raise
            raise silences.exceptions[0] from None
        return [task.result() for task in tasks]

    def _best(self, filter: Filter, entity: str) -> _Ability | None:
        """Return the registry that can be given most of a filter."""
        able = [
            _Ability(id_, search, pushed, rest)
            for id_, registry in self._registries.items()
            for search in registry.manifest.searches
            if search.entity == entity
            for pushed, rest in (_split(filter, frozenset(search.attributes)),)
            if pushed is not None
        ]
        return min(able, key=lambda a: (len(a.rest), a.source_id), default=None)

    def _searchable(self, entity: str) -> set[str]:
        manifests = [r.manifest for r in self._registries.values()]
        return {a for m in manifests for s in m.searches if s.entity == entity for a in s.attributes}


def _split(filter: Filter, known: frozenset[str]) -> tuple[Filter | None, tuple[Filter, ...]]:
    """Return the part of a filter over known attributes, and what is left; only an AND can be split."""
    if attributes_of(filter) <= known:
        return filter, ()
    if not isinstance(filter, Every):
        return None, (filter,)
    able = tuple(part for part in filter.parts if attributes_of(part) <= known)
    rest = tuple(part for part in filter.parts if not attributes_of(part) <= known)
    return (Every(able) if able else None), rest


def _keeps(rest: Filter, profile: HouseholdProfile) -> bool:
    """Tell whether the rest of a filter holds for a household with one of its members."""

    def lookup(person: Mapping[str, AttributeState], name: str) -> tuple[bool, object]:
        state = profile.attributes.get(name) or person.get(name)
        value = settled(state) if state is not None else None
        if value is not None:
            return True, value.value
        return isinstance(state, Absent), None

    return any(holds(rest, partial(lookup, member.attributes)) is True for member in profile.members)
