"""Decide: read the facts that policy needs, and let the pure rules decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

import structlog

from gateway.consents import Consents
from gateway.stages.deciding import Deciding, Ground, Held
from gateway.stages.probing import Probing
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.consent import allows_objection
from policies.counters import CountError, QuestionCounter
from policies.emergency import Emergency
from policies.engine import decide, decide_person
from policies.facts import Facts
from policies.groups import members_of
from policies.handles import Handles
from policies.ports import AgreementBook, ConsentLedger, Standing
from policies.probes import check_filter
from standards.attributes import Catalogue
from standards.dci.search import FilterQuery, SearchItem
from standards.permit import Denial, DisclosureRequest, FormKind, Permit, PersonPermit, Reason

log = structlog.get_logger()

T = TypeVar("T")
KNOWN_AT_MOST = 4096
"""Decisions remembered; what consumers may vary freely (attributes, filters) must not fill the memory."""


class Decisions:
    """Policy, with the books it reads.

    The rules are pure, so that what they said of a kind of question stands for the day and for the agreements as they
    are: only consent is read anew for every question.

    holders: attribute -> registries that hold it; a refused registry costs only what nobody else holds.
    counter: counts questions against quotas; without one, a question that has a quota is not answered.
    handles: makes pseudonyms for a programme on a day; without it, what may be told only so is not told.
    consents: how consent comes in beside the ledger; without it, no other way is open.
    probing: counts what is told bit by bit; without it, nothing of that kind is counted.
    """

    def __init__(
        self,
        book: AgreementBook,
        ledger: ConsentLedger,
        catalogue: Catalogue,
        holders: Mapping[str, frozenset[str]],
        counter: QuestionCounter | None = None,
        handles: Callable[[str, date], Handles] | None = None,
        consents: Consents | None = None,
        probing: Probing | None = None,
    ) -> None:
        self._probing = probing
        self._consents, self._groups = consents or Consents(ledger), members_of(catalogue)
        self._counter, self._handles = counter, handles
        self._decided_by = book.current
        self._book, self._ledger, self._catalogue, self._holders = book, ledger, catalogue, holders
        self._decided: dict[object, Permit | tuple[Denial, ...]] = {}
        self._of_people: dict[object, PersonPermit] = {}

    def rehearsing(self, agreement: Agreement) -> Decisions:
        """Return the same policy with one agreement in place of all others; it counts no questions."""
        book = AgreementSet([agreement])
        return Decisions(book, self._ledger, self._catalogue, self._holders, None, self._handles, self._consents)

    def stamp(self) -> object:
        """Return what is another thing once anybody has decided anything; None where that cannot be told at once."""
        stamp = self._ledger.stamp()
        return None if stamp is None else (stamp, self._consents.emergencies().digest)

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
        self,
        request: DisclosureRequest,
        now: datetime,
        searched: frozenset[str] | None = None,
        together: int | None = None,
    ) -> Permit | tuple[Denial, ...]:
        """Return what a question may disclose, before any person is known; or every reason against it.

        searched: attributes that a search without identifier filters and sorts by.
        together: how many questions a job asks, this one among them; None for an ordinary message.
        """
        book = self._book.current
        if book is not self._decided_by:
            # INVARIANT: revoked means revoked: no decision outlives the agreements that it was made under.
            self._decided.clear()
            self._of_people.clear()
            self._decided_by = book
        about = (request.attributes, request.needs_household)
        kind = (request.consumer_id, request.purpose, about, searched, together, now.date())
        decision = self._decided.get(kind)
        if decision is None:
            agreements = tuple(book.versions(request.consumer_id))
            decision = decide(request, Facts(agreements, now, self._catalogue, searched, together))
            _remember(self._decided, kind, decision)
        return decision._replace(decided_at=now) if isinstance(decision, Permit) else decision

    async def over_quota(self, permit: Permit, now: datetime) -> Denial | None:
        """Count one permitted question; the denial when its quota is used up, and then it is not counted."""
        if permit.per_day is None and permit.per_month is None:
            return None
        try:
            if self._counter is not None:
                return await self._counter.count(permit, now)
        except CountError as error:
            return uncounted(error)
        return uncounted(CountError("there is no counter"))

    async def too_fine(self, permit: Permit, item: SearchItem) -> Denial | None:
        """Return the denial of a search that asks finer than is agreed, or by too many values; None for the others."""
        if not isinstance(item.query, FilterQuery):
            return None
        denial = check_filter(item.query.filter, [key.attribute for key in item.sort], permit)
        if denial is not None or self._probing is None:
            return denial
        try:
            return await self._probing.over_searches(permit, item.query.filter)
        except CountError as error:
            return uncounted(error)

    def handles(self, permit: Permit) -> Handles | None:
        """Return what makes the pseudonyms of a permit; None when it has none."""
        if self._handles is None or not any(f.kind is FormKind.PSEUDONYM for f in permit.forms.values()):
            return None
        return self._handles(permit.consumer_id, permit.decided_at.date())

    def is_current(self, permit: Permit, now: datetime) -> bool:
        """Tell whether the version of the agreement that a permit rests on is the one that holds now."""
        agreement = self._book.current.for_purpose(permit.consumer_id, permit.purpose, now.date())
        agreed = (permit.agreement_id, permit.agreement_version)
        return agreement is not None and (agreement.id, agreement.version) == agreed

    def people(self, permit: Permit, now: datetime, item: SearchItem | None = None) -> Deciding:
        """Return the decisions about persons under a permit: for each one's numbers, what may be read and given.

        item: the question, which may carry consent of its own.
        Raises: MalformedMessageError when what it carries does not hold.
        """
        ground = Ground(self._ledger, self._person, self._holders, self._catalogue, self._consents.age_of_majority)
        carried = {} if item is None else self._consents.carried(item, permit, now)
        counting = self.emergencies(permit, now)
        day = None if item is None else item.as_of
        return Deciding(ground, permit, now, carried, counting, self._probing, day)

    def emergencies(self, permit: Permit, now: datetime) -> tuple[Emergency, ...]:
        """Return the emergencies that count for a programme today."""
        return tuple(self._consents.emergencies().counting(permit.consumer_id, now.date()))

    def names_of(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the ledger's pseudonyms of a person."""
        return self._ledger.names(numbers)

    async def still_holds(self, held: Held, now: datetime) -> bool:
        """Tell whether what an answer rests on is as it was: agreement, consent, emergencies.

        Cheap while nobody has decided anything since: then nobody's consent is read again.
        """
        if not self.is_current(held.permit, now):
            return False
        # Compared as they are declared: one that was narrowed under its old name is another one.
        counting = self.emergencies(held.permit, now)
        if not all(emergency in counting for emergency in held.emergencies):
            return False
        if held.is_open_to_objections and self._ledger.has_objections(held.permit.purpose):
            return False
        if held.standings is None:
            return held.stamp is None or held.stamp == self.stamp()
        if not held.standings or (held.stamp is not None and self._ledger.stamp() == held.stamp):
            return True
        standings = await self._ledger.standings_under(
            list(held.standings),
            held.permit.purpose,
            held.permit.consumer_id,
            held.at,
            carried=held.carried,
            objections=allows_objection(held.permit),
        )
        return dict(zip(held.standings, standings, strict=True)) == held.standings

    def _person(self, permit: Permit, standing: Standing | None) -> PersonPermit:
        """Return the decision about one person; it depends on the permit and on what the person decided, not on who."""
        agreed = (permit.consumer_id, permit.purpose, permit.agreement_id, permit.agreement_version)
        said = None
        if standing is not None:
            said = standing._replace(receipt_id=None, guardian=None, relation=None, giver_type=None)
        kind = (*agreed, frozenset(permit.forms), frozenset(permit.withheld), permit.sources, said)
        decision = self._of_people.get(kind)
        if decision is None:
            decision = decide_person(permit, said, self._holders, self._groups)
            _remember(self._of_people, kind, decision)
        if standing is None or standing.receipt_id is None:
            return decision
        return decision._replace(basis=f"{decision.basis}:{standing.receipt_id}")


def uncounted(error: CountError) -> Denial:
    """Return the denial of a question that could not be counted."""
    # INVARIANT: a rule that cannot be applied denies; a quota that nothing counts is no quota.
    log.error("question_not_counted", detail=str(error))
    return Denial(Reason.UNDECIDED, "tell the operator of this gateway: questions cannot be counted")


def _remember(known: dict[object, T], kind: object, decision: T) -> None:
    if len(known) >= KNOWN_AT_MOST:
        known.clear()
    known[kind] = decision
