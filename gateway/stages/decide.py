"""Decide: read the facts that policy needs, and let the pure rules decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from policies.engine import decide, decide_person
from policies.facts import Facts
from policies.ports import AgreementBook, ConsentLedger
from standards.attributes import Catalogue
from standards.permit import Denial, DisclosureRequest, Permit, PersonPermit


class Decisions:
    """Policy, with the books it reads.

    holders: attribute -> registries that hold it; a refused registry costs only what nobody else holds.
    """

    def __init__(
        self,
        book: AgreementBook,
        ledger: ConsentLedger,
        catalogue: Catalogue,
        holders: Mapping[str, frozenset[str]],
    ) -> None:
        self._book, self._ledger, self._catalogue, self._holders = book, ledger, catalogue, holders

    def purpose_of(self, consumer_id: str, purpose: str | None, now: datetime) -> str:
        """Return the purpose of a question that may not name one: the only one agreed, if there is one only."""
        agreement = None if purpose else self._book.in_force(consumer_id, now.date())
        if agreement is not None and len(agreement.purposes) == 1:
            return next(iter(agreement.purposes))
        return purpose or ""

    def is_agreed(self, consumer_id: str, purpose: str) -> bool:
        """Tell whether any version of any agreement of a consumer names a purpose."""
        return any(purpose in agreement.purposes for agreement in self._book.versions(consumer_id))

    def decide(
        self, request: DisclosureRequest, now: datetime, searched: frozenset[str] | None = None
    ) -> Permit | tuple[Denial, ...]:
        """Return what a question may disclose, before any person is known; or every reason against it.

        searched: attributes that a search without identifier filters and sorts by.
        """
        agreements = self._book.versions(request.consumer_id)
        return decide(request, Facts(tuple(agreements), now, self._catalogue, searched))

    def people(
        self, permit: Permit, now: datetime
    ) -> Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]:
        """Return the decision about persons under a permit: for each one's numbers, what may be read and given."""

        async def decide_people(subjects: Sequence[Mapping[str, str]]) -> Sequence[PersonPermit]:
            if permit.legal_basis != "consent":
                return [decide_person(permit, None, self._holders) for _ in subjects]
            standings = await self._ledger.standings(subjects, permit.purpose, permit.consumer_id, now)
            return [decide_person(permit, standing, self._holders) for standing in standings]

        return decide_people
