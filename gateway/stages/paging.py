"""Paging: which of those whom a search finds stand on the page asked for, so that no place on it tells anything.

Where people may keep back what a search goes by, the registry's own pages would tell: a hole on a page, or a total that
is one too high, states that somebody hidden is among those found. So everybody found is looked at in the registry's
order, those who are kept back are left out, and pages and totals are made of the others. What was seen is remembered
for a minute, so that page after page does not look at everybody again.

Where nobody has a say, the registry's pages are the pages of the answer.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Protocol, Self, TypeVar

from gateway.stages.search import DEFAULT_PAGE, Finding
from policies.probes import rounded_up
from standards.dci.search import Page
from standards.errors import RequestError
from standards.identifiers import Identifier
from standards.permit import Permit

CHUNK: Final = 50
"""Records asked for at once while everybody found is looked at."""
REMEMBERED_S: Final = 60.0
REMEMBERED: Final = 64
"""Searches, each with whom it found."""
ROUNDED_TO: Final = 10

Find = Callable[[Page, int], Awaitable[Finding]]
"""Asks the registry for one of its pages; refuses when it found more than so many."""


class Found(Protocol):
    """Somebody found, as composed."""

    @property
    def is_hidden(self) -> bool:
        """Tell whether this one is kept back."""
        ...

    def _replace(self, *, is_hidden: bool) -> Self: ...


D = TypeVar("D", bound=Found)


class _Search:
    """Who of those found is shown, as far as that is known."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.is_shown: dict[Identifier, bool] = {}


class Paging:
    """Makes pages of searches.

    clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._searches: dict[Hashable, _Search] = {}

    def told(self, finding: Finding, permit: Permit, page: Page | None) -> Finding:
        """Return what a registry found as it may be told, where nobody keeps anything back."""
        total = finding.total or 0
        if total < permit.min_group_size:
            return finding._replace(subjects=(), total=0, note=_noted(finding, permit))
        return finding._replace(total=_stated(total, permit, page), note=_noted(finding, permit))

    async def page(
        self,
        name: Hashable | None,
        find: Find,
        each: Callable[[Sequence[Identifier], Finding], Awaitable[Sequence[D | None]]],
        permit: Permit,
        page: Page | None,
        spread: int,
    ) -> tuple[Finding, list[D]]:
        """Return a page of those who may be shown, and everybody who was looked at for it.

        name: everything that decides who is shown; None remembers nothing.
        each: discloses some of those found, in order.
        spread: a number below `max_results` that nobody outside can tell, another one for every search.
        Raises: RequestError when more may be shown than the agreement allows for one search.
        """
        wanted = page or Page(DEFAULT_PAGE)
        first, last = (wanted.number - 1) * wanted.size, wanted.number * wanted.size
        known = self._remembered(name)
        read: dict[Identifier, D] = {}
        order: list[Identifier] = []
        seen: set[Identifier] = set()
        finding = Finding(())
        # INVARIANT: no bound that an answer shows is met by those who are hidden: the registry's own count is held
        # against a bound that differs from search to search, so nobody can put a search just below it.
        most = 2 * permit.max_results + spread
        for number in range(1, most // CHUNK + 2):
            finding = await find(Page(CHUNK, number), most)
            unknown = [s for s in finding.subjects if s not in known]
            for subject, disclosed in zip(unknown, await each(unknown, finding), strict=True):
                known[subject] = disclosed is not None and not disclosed.is_hidden
                if disclosed is not None:
                    read[subject] = disclosed
            order += [s for s in finding.subjects if known[s] and s not in seen]
            seen.update(finding.subjects)
            if permit.max_results and len(order) > permit.max_results:
                raise RequestError(
                    f"more records than the {permit.max_results} the agreement allows for one search; narrow the "
                    "filter",
                    reason_code="rjct.search.too_many_records_found",
                )
            is_enough = permit.totals == "hidden" and len(order) > max(last, permit.min_group_size)
            if is_enough or not finding.subjects or number * CHUNK >= (finding.total or 0):
                break
        on_page = order[first:last] if len(order) >= permit.min_group_size else []
        again = [s for s in on_page if s not in read]
        read |= {s: d for s, d in zip(again, await each(again, finding), strict=True) if d is not None}
        total = _stated(len(order), permit, wanted) if len(order) >= permit.min_group_size else 0
        standing = frozenset(on_page)
        return (
            finding._replace(total=total, note=_noted(finding, permit)),
            [read[s] for s in on_page if s in read]
            + [d if d.is_hidden else d._replace(is_hidden=True) for s, d in read.items() if s not in standing],
        )

    def _remembered(self, name: Hashable | None) -> dict[Identifier, bool]:
        now = self._clock()
        for old in [key for key, search in self._searches.items() if search.until <= now]:
            del self._searches[old]
        if name is None:
            return {}
        if name not in self._searches:
            while len(self._searches) >= REMEMBERED:
                del self._searches[next(iter(self._searches))]
            self._searches[name] = _Search(now + REMEMBERED_S)
        return self._searches[name].is_shown


def _stated(total: int, permit: Permit, page: Page | None) -> int:
    """Return a total as it is told; a hidden one tells only whether there is a further page."""
    if permit.totals == "rounded":
        return rounded_up(total, ROUNDED_TO)
    wanted = page or Page(DEFAULT_PAGE)
    return total if permit.totals == "exact" else min(total, wanted.number * wanted.size + 1)


def _noted(finding: Finding, permit: Permit) -> str | None:
    """Return what an answer says of its total: the same, whatever was found."""
    notes = [finding.note] if finding.note else []
    if permit.totals == "rounded":
        notes.append(f"the total is the next multiple of {ROUNDED_TO}")
    if permit.totals == "hidden":
        notes.append("the total tells only whether there is a further page")
    if permit.min_group_size > 1:
        notes.append(f"a search that finds fewer than {permit.min_group_size} shows nobody")
    return "; ".join(notes) or None
