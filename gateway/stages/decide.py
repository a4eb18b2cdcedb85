"""Decide: read the facts that policy needs, and let the pure rules decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from policies.engine import decide, decide_person
from policies.facts import Facts
from policies.ports import AgreementBook, ConsentLedger, Standing
from standards.attributes import Catalogue
from standards.permit import Denial, DisclosureRequest, Permit, PersonPermit

T = TypeVar("T")
KNOWN_AT_MOST = 4096
"""Decisions remembered; what consumers may vary freely (attributes, filters) must not fill the memory."""


class Decisions:
    """Policy, with the books it reads. A changed book makes a new one.

    The rules are pure, so that what they said of a kind of question stands for the day: only consent is read anew
    for every question.

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
        self._decided: dict[object, Permit | tuple[Denial, ...]] = {}
        self._of_people: dict[object, PersonPermit] = {}

    def stamp(self) -> object:
        """Return what is another thing once anybody has decided anything; None where that cannot be told at once."""
        return self._ledger.stamp()

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
        kind = (request.consumer_id, request.purpose, request.attributes, searched, now.date())
        decision = self._decided.get(kind)
        if decision is None:
            agreements = tuple(self._book.versions(request.consumer_id))
            decision = decide(request, Facts(agreements, now, self._catalogue, searched))
            _remember(self._decided, kind, decision)
        return decision._replace(decided_at=now) if isinstance(decision, Permit) else decision

    def people(
        self, permit: Permit, now: datetime
    ) -> Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]:
        """Return the decision about persons under a permit: for each one's numbers, what may be read and given."""

        async def decide_people(subjects: Sequence[Mapping[str, str]]) -> Sequence[PersonPermit]:
            if permit.legal_basis != "consent":
                return [self._person(permit, None)] * len(subjects)
            standings = await self._ledger.standings(subjects, permit.purpose, permit.consumer_id, now)
            return [self._person(permit, standing) for standing in standings]

        return decide_people

    def _person(self, permit: Permit, standing: Standing | None) -> PersonPermit:
        """Return the decision about one person; it depends on the permit and on what the person decided, not on who."""
        agreed = (permit.consumer_id, permit.purpose, permit.agreement_id, permit.agreement_version)
        said = standing._replace(receipt_id=None) if standing is not None else None
        kind = (*agreed, frozenset(permit.forms), frozenset(permit.withheld), said)
        decision = self._of_people.get(kind)
        if decision is None:
            decision = decide_person(permit, said, self._holders)
            _remember(self._of_people, kind, decision)
        if standing is None or standing.receipt_id is None:
            return decision
        return decision._replace(basis=f"{decision.basis}:{standing.receipt_id}")


def _remember(known: dict[object, T], kind: object, decision: T) -> None:
    if len(known) >= KNOWN_AT_MOST:
        known.clear()
    known[kind] = decision
