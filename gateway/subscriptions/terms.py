"""Terms: what a consumer may be told of events, by its agreement, by the person's decision, and right now.

Asked when a subscription is made, before a registry is asked for its events, and a last time before anything is told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from adapters.ports import Deadline
from gateway.stages.rooms import Rooms
from gateway.subscriptions.store import Subscription
from policies.agreement import Agreement, EventTerms
from policies.ports import AgreementBook
from standards.dci.codes import SubscribeReason
from standards.dci.events import STATED_BY, EventKind
from standards.dci.subscribe import Unwanted, Wanted
from standards.errors import AccessDeniedError
from standards.identifiers import GROUP_TYPES
from standards.permit import DisclosureRequest, Permit, PersonPermit

OF_PEOPLE = frozenset(EventKind) - {
    EventKind.CHANGE, EventKind.REGISTER, EventKind.NEW_HOUSEHOLD_MEMBER, EventKind.ENROLMENT,
    EventKind.ENROLMENT_STATUS_CHANGE,
}  # fmt: skip
"""Events that happen to one person, who has to be named."""


CALL_S: Final = 5.0
"""How long registries may take to tell under which other number a person has decided, in seconds."""


class Agreed(NamedTuple):
    """What a consumer's agreement says about one kind of event."""

    purpose: str
    events: EventTerms


class Terms:
    """Whether a consumer may be told.

    is_suspended: raises AccessDeniedError for a consumer that is switched off.
    """

    def __init__(
        self, rooms: Callable[[], Rooms], book: AgreementBook, is_suspended: Callable[[str], None] = lambda _: None
    ) -> None:
        self._rooms, self._book, self._is_suspended = rooms, book, is_suspended

    def agreed(self, client_id: str, wanted: Wanted, now: datetime) -> Agreed | Unwanted:
        """Return what is agreed about a request, or its refusal with what to have agreed."""
        purpose = self._rooms().decisions.purpose_of(client_id, wanted.purpose, now)
        if not purpose:
            return self._refused(wanted, "name the purpose in authorize.purpose.code: several are agreed, or none")
        agreement = self._agreement(client_id, purpose, now)
        if agreement is None or agreement.events is None or wanted.kind not in agreement.events.kinds:
            # Whether another agreement knows the purpose is not told.
            return self._refused(
                wanted, "the agreement does not allow to be told of this kind of event for this purpose"
            )
        if wanted.kind in OF_PEOPLE and wanted.subject.type in GROUP_TYPES:
            sentence = "this happens to one person: name the person, not the household"
            return Unwanted(wanted.reference_id, SubscribeReason.PERSON_ID_INVALID, sentence)
        stated = STATED_BY[wanted.kind]
        if stated and stated.isdisjoint(agreement.forms):
            names = ", ".join(sorted(stated))
            return self._refused(wanted, f"the agreement names none of the attributes that it would tell: {names}")
        return Agreed(purpose, agreement.events)

    def holds(self, subscription: Subscription, now: datetime) -> EventTerms | None:
        """Return what is agreed about an open subscription today; None when nothing is, or no more."""
        agreement = self._agreement(subscription.client_id, subscription.purpose, now)
        if agreement is None or agreement.events is None or subscription.kind not in agreement.events.kinds:
            return None
        try:
            self._is_suspended(subscription.client_id)
        except AccessDeniedError:
            return None
        return agreement.events

    def names_of(self, subscription: Subscription, now: datetime) -> frozenset[str]:
        """Return the attributes that are agreed for a subscription today."""
        agreement = self._agreement(subscription.client_id, subscription.purpose, now)
        return frozenset() if agreement is None else frozenset(agreement.forms)

    async def may_ask(self, subscription: Subscription, source_id: str, now: datetime) -> bool:
        """Tell whether a registry may be asked for events about the person, on behalf of this subscription."""
        # INVARIANT: no source is asked about a person without a permit for that person, that source and an attribute.
        person = await self._person(subscription, now)
        if person is None:
            is_household = subscription.wanted.subject.type in GROUP_TYPES
            return (
                is_household
                and self.holds(subscription, now) is not None
                and self._permit(subscription, now) is not None
            )
        return source_id not in person.refused_sources and _tells(subscription.kind, person)

    async def may_know(self, subscription: Subscription, now: datetime) -> bool:
        """Tell whether the person lets the consumer know something by which the event could be known."""
        person = await self._person(subscription, now)
        return person is not None and _tells(subscription.kind, person)

    async def _person(self, subscription: Subscription, now: datetime) -> PersonPermit | None:
        """Return the decision about the person; None for a household, and where nothing is agreed."""
        subject = subscription.wanted.subject
        permit = None if self.holds(subscription, now) is None else self._permit(subscription, now)
        if permit is None or subject.type in GROUP_TYPES:
            return None
        rooms = self._rooms()
        deciding = rooms.decisions.people(permit, now)
        return await rooms.fetcher.permit_of(
            subject, deciding, max_age_s=permit.max_age_s, deadline=Deadline.after(CALL_S)
        )

    def _agreement(self, client_id: str, purpose: str, now: datetime) -> Agreement | None:
        return self._book.current.for_purpose(client_id, purpose, now.date())

    def _permit(self, subscription: Subscription, now: datetime) -> Permit | None:
        wanted = subscription.wanted
        request = DisclosureRequest(subscription.client_id, subscription.purpose, wanted.subject, None)
        permit = self._rooms().decisions.decide(request, now)
        return permit if isinstance(permit, Permit) else None

    def _refused(self, wanted: Wanted, sentence: str) -> Unwanted:
        return Unwanted(wanted.reference_id, SubscribeReason.NOTIFY_TYPES_INVALID, sentence)


def _tells(kind: EventKind, person: PersonPermit) -> bool:
    stated = STATED_BY[kind]
    return not stated.isdisjoint(person.forms) if stated else bool(person.forms)
