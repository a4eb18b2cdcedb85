"""Search: find people or households without naming them, at the registry that lets itself be searched. Bounded.

The part of a filter that one registry knows is pushed down to it: to the registry that this leaves with the smallest
share of its records, by what the manifests declare. The rest is checked on the composed profile, three-valued: a
household of which it is not known whether the filter holds is not among the results, and the answer says so.

One registry narrows a search, never two. Its order and its pages are then the order and the pages of the answer, so
that page after page covers every record once; and when it is silent nobody else is searched in its place, since
another registry's pages would begin anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from math import ceil, prod
from typing import NamedTuple, TypeVar

from adapters.catalogue import Registries
from adapters.manifest import Search
from adapters.ports import Deadline, SearchFetch
from adapters.said import Said
from gateway.ports import Clock
from gateway.stages.stand_in import is_stand_in
from gateway.stages.under_way import unheard
from policies.counters import CountError
from policies.probes import in_told_form
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, Page, SearchItem
from standards.errors import RequestError, SourceError, SourceUnavailableError
from standards.filters import Any_, Comparison, Every, Filter, Not, attributes_of, holds, looks_into_text
from standards.household import HouseholdProfile
from standards.identifiers import Identifier
from standards.permit import Operator, Permit
from standards.states import Absent, AttributeState, settled

T = TypeVar("T")
USUAL_SHARE = 0.5
"""Share of the records that a condition leaves of which a manifest says nothing."""
DEFAULT_PAGE = 10
"""Records on a page of a search that names no page size."""


class Finding(NamedTuple):
    """Whom a question is about."""

    subjects: tuple[Identifier, ...]
    total: int | None = None
    """How many there are over all pages; None when the question named its subject."""
    keeps: Callable[[HouseholdProfile], bool] | None = None
    """What is left to check on each composed profile."""
    source_id: str | None = None
    """Registry that was searched; None when the question named its subject."""
    plan: str = ""
    note: str | None = None
    went_by: frozenset[str] = frozenset()
    """What the registry filtered and sorted by."""
    said: tuple[Said, ...] = ()
    """SHA-256 of the responses to the search."""


class _Ability(NamedTuple):
    source_id: str
    search: Search
    pushed: Filter
    rest: tuple[Filter, ...]
    share: float
    """Share of its records that what is pushed down leaves, by its manifest."""

    @property
    def text(self) -> str:
        """Return what is asked of it, and why what is left is not, for the plan."""
        asked = f"search {self.source_id} by {', '.join(sorted(attributes_of(self.pushed)))}"
        if not self.rest:
            return asked
        left = ", ".join(sorted(attributes_of(Every(self.rest))))
        return f"{asked}; {left} checked after composition: {self.source_id} cannot be searched by all of it"


class Searcher:
    """Pushes searches down to registries."""

    def __init__(self, registries: Registries, now: Clock, concurrency: int = 8) -> None:
        self._registries, self._now, self._concurrency = registries, now, concurrency

    async def find(
        self,
        item: SearchItem,
        query: FilterQuery,
        permit: Permit,
        deadline: Deadline,
        transaction_id: str,
        page: Page | None = None,
        most: int = 0,
    ) -> Finding:
        """Return one page of what a filter holds for.

        page: in place of the one asked for. most: results, in place of what the agreement allows.

        Raises: RequestError when no registry can narrow it, or when there are more results than the agreement
            allows; SourceError when the registry could not be searched, which is not an empty result.
        """
        if holds(query.filter, lambda _: (False, None)) is False:
            return Finding((), total=0, note="the filter can hold for nobody: codes have no order, compare by eq or in")
        entity = "person" if item.response_entity is ResponseEntity.MEMBER else "group"
        ability = self._best(query.filter, entity, permit.sources)
        if ability is None:
            raise RequestError(
                self._why_refused(query.filter, entity, permit.sources), reason_code="rjct.filter.invalid"
            )
        sort = tuple((k.attribute, k.is_descending) for k in item.sort if k.attribute in ability.search.attributes)
        notes = [
            f"not sorted by {key.attribute}: {ability.source_id} does not offer it"
            for key in item.sort
            if key.attribute not in ability.search.attributes
        ]
        page = page or item.page or Page(DEFAULT_PAGE)
        request = SearchFetch(
            ability.source_id,
            ability.pushed,
            sort,
            page.size,
            page.number,
            transaction_id,
            ability.search.entity,
        )
        registry = self._registries[ability.source_id]
        try:
            found = await registry.guarded.search(request, deadline)
        except SourceUnavailableError as error:
            silent = unheard(registry.manifest, error.reason, self._now())
            reason = silent.reason or error.reason
            raise SourceUnavailableError(error.source_id, reason, error.detail, until=silent.until) from None
        if permit.max_results and found.total_count > (most or permit.max_results):
            raise RequestError(
                f"more records than the {permit.max_results} the agreement allows for one search; narrow the filter",
                reason_code="rjct.search.too_many_records_found",
            )
        rest = in_told_form(Every(ability.rest), permit.searchable)
        if ability.rest:
            notes.append("conditions were checked after composition: the total counts records before them")
        return Finding(
            subjects=found.found,
            total=found.total_count,
            keeps=(lambda profile: _keeps(rest, profile)) if ability.rest else None,
            source_id=ability.source_id,
            plan=ability.text,
            note="; ".join(notes) or None,
            went_by=attributes_of(ability.pushed).union(key for key, _ in sort),
        )

    async def each(
        self, subjects: Sequence[Identifier], ask: Callable[[Identifier, Deadline], Awaitable[T]], deadline: Deadline
    ) -> list[T]:
        """Return what `ask` says about each subject by its own deadline, in order, a few at a time.

        Raises: SourceError when nothing could be learned about one of them; CountError when what is told of one of
            them cannot be counted.
        """
        if len(subjects) == 1:
            return [await ask(subjects[0], deadline)]
        places, rounds = asyncio.Semaphore(self._concurrency), ceil(len(subjects) / self._concurrency)

        async def one(place: int, subject: Identifier) -> T:
            async with places:
                # A silent registry must not use up the time of those who come after: nothing at all would be heard.
                share_s = deadline.left_s() / (rounds - place // self._concurrency)
                return await ask(subject, deadline.earlier(share_s))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(place, subject)) for place, subject in enumerate(subjects)]
        except ExceptionGroup as failures:
            silences, others = failures.split((SourceError, CountError))
            if silences is None or others is not None:
                raise
            raise silences.exceptions[0] from None
        return [task.result() for task in tasks]

    def _best(self, filter: Filter, entity: str, sources: frozenset[str] | None) -> _Ability | None:
        """Return the registry that a filter narrows most; between equals the one that can be given most of it.

        sources: registries that the question is to; None: all.
        """
        able = [
            _Ability(id_, search, pushed, rest, share_left(pushed, search))
            for id_, registry in self._registries.items()
            for search in registry.manifest.searches
            if search.entity == entity and _may_search(id_, search, sources)
            for pushed, rest in (_split(filter, frozenset(search.attributes)),)
            if pushed is not None
        ]
        return min(able, key=lambda a: (a.share, len(a.rest), a.source_id), default=None)

    def _why_refused(self, filter: Filter, entity: str, sources: frozenset[str] | None) -> str:
        """Return why no registry can narrow a search, and what to add or to change."""
        offered = self._searchable(entity, sources)
        named = ", ".join(sorted(offered)) or "none offered"
        known, strange = sorted(attributes_of(filter) & offered), sorted(attributes_of(filter) - offered)
        if looks_into_text(filter) and not strange:
            return (
                "no connected registry can be searched by a part of a text alone; add a condition by eq, in or an "
                f"order with `and` on one of: {named}"
            )
        if known and strange:
            return (
                f"no connected registry can narrow this: {', '.join(known)} can be searched by, but stand in `or` or "
                f"`not` with {', '.join(strange)}, which cannot; join a condition with `and` on one of: {named}"
            )
        if known:
            return (
                f"no one registry can be searched by all of {', '.join(known)}, which stand in one `or` or `not`; "
                f"join a condition with `and` on one of: {named}"
            )
        return (
            "no connected registry can be searched by any of these attributes; ask by identifier, or add a condition "
            f"with `and` on one of: {named}"
        )

    def _searchable(self, entity: str, sources: frozenset[str] | None) -> set[str]:
        manifests = [registry.manifest for registry in self._registries.values()]
        searches = [s for m in manifests for s in m.searches if s.entity == entity and _may_search(m.id, s, sources)]
        return {attribute for search in searches for attribute in search.attributes}


def _may_search(source_id: str, search: Search, sources: frozenset[str] | None) -> bool:
    """Tell whether a question may be narrowed by a registry: one to certain registries by these, any other by all."""
    return source_id in sources if sources is not None else not search.for_own_type


def share_left(filter: Filter, search: Search) -> float:
    """Return the share of a registry's records that a filter is expected to leave, by what its manifest declares."""
    match filter:
        case Comparison(attribute, operator, value):
            share = search.selectivity.get(attribute, USUAL_SHARE)
            many = isinstance(value, list | tuple) and operator is Operator.IN
            return min(1.0, share * len(value)) if many else share  # type: ignore[arg-type]
        case Every(parts):
            return prod(share_left(part, search) for part in parts)
        case Any_(parts):
            return min(1.0, sum(share_left(part, search) for part in parts))
        case Not(part):
            return 1.0 - share_left(part, search)


def _split(filter: Filter, known: frozenset[str]) -> tuple[Filter | None, tuple[Filter, ...]]:
    """Return the part of a filter that a registry can be asked for, and what is left; only an AND can be split."""

    def is_able(part: Filter) -> bool:
        return attributes_of(part) <= known and not looks_into_text(part)

    if is_able(filter):
        return filter, ()
    if not isinstance(filter, Every):
        return None, (filter,)
    able = tuple(part for part in filter.parts if is_able(part))
    rest = tuple(part for part in filter.parts if not is_able(part))
    return (Every(able) if able else None), rest


def _keeps(rest: Filter, profile: HouseholdProfile) -> bool:
    """Tell whether the rest of a filter holds for a household with one of its members."""

    def lookup(person: Mapping[str, AttributeState], name: str) -> tuple[bool, object]:
        state = profile.attributes.get(name) or person.get(name)
        # INVARIANT: an outage never decides who is found: a word that only stands in for a better one is not known.
        value = settled(state) if state is not None and not is_stand_in(state) else None
        if value is not None:
            return True, value.value
        return isinstance(state, Absent), None

    return any(holds(rest, partial(lookup, member.attributes)) is True for member in profile.members)
