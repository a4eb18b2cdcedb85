"""Watching: where no registry tells of an event, we look from time to time, and compare fingerprints.

No record is kept: a look leaves keyed digests behind, and a line in the journal. The first look makes the baseline.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.ports import Deadline
from gateway.pipeline import disclose
from gateway.ports import Again, Clock, Journal, Work
from gateway.settings import Consumer
from gateway.stages.record import answered_entry
from gateway.stages.rooms import Disclosure, Rooms
from gateway.stages.search import Finding
from gateway.subscriptions.fingerprints import looked
from gateway.subscriptions.questions import question_of
from gateway.subscriptions.store import Subscription, SubscriptionStore
from gateway.subscriptions.terms import Terms
from policies.agreement import EventTerms
from policies.counters import CountError
from standards.dci.codes import ResponseEntity
from standards.dci.events import OF_HOUSEHOLDS, STATED_BY
from standards.errors import RequestError, SourceError
from standards.permit import DisclosureRequest, Permit

LOOK: Final = "subscription.look"
"""Kind of the work that looks once, and names the next moment."""


class Watching:
    """Looks on behalf of subscriptions.

    consumers: client id -> consumer, as they are now.
    least_s: least time between two looks, whatever an agreement says, in seconds.
    deadline_s: how long a look may take.
    tell: hands a change to the subscription; given what makes it another one than the last.
    end: ends a subscription whose time is over.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        terms: Terms,
        work: Work,
        rooms: Callable[[], Rooms],
        journal: Journal,
        key: bytes,
        now: Clock,
        *,
        consumers: Callable[[str], Consumer | None],
        least_s: float,
        deadline_s: float,
        tell: Callable[[Subscription, str], Awaitable[None]],
        end: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store, self._terms, self._work, self._rooms = store, terms, work, rooms
        self._journal, self._key, self._now, self._consumers = journal, key, now, consumers
        self._least_s, self._deadline_s, self._tell, self._end = least_s, deadline_s, tell, end
        work.handle(LOOK, self._look)

    async def begin(self, subscription: Subscription) -> None:
        """Look at once, for the baseline, and from then on."""
        content = {"code": subscription.code, "goes_on": True}
        await self._work.start(LOOK, f"look-{subscription.code}-first", content)

    async def _look(self, _id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        subscription = await self._store.find(content["code"])
        if subscription is None:
            return None
        now = self._now()
        if subscription.wanted.ends is not None and subscription.wanted.ends <= now:
            await self._end(subscription.code)
            return None
        terms = self._terms.holds(subscription, now)
        if terms is not None:
            await self._look_once(subscription)
        if content.get("goes_on"):
            due = self._next(subscription, terms, now)
            # INVARIANT: one subscription, one row of looks: each is another try of the same work, whatever is killed.
            return Again(max(0.0, (due - self._now()).total_seconds()))
        return None

    async def _look_once(self, subscription: Subscription) -> None:
        consumer, rooms = self._consumers(subscription.client_id), self._rooms()
        permit = await self._permit(subscription)
        if consumer is None or permit is None:
            return
        question = question_of(subscription, consumer, subscription.code, Deadline.after(self._deadline_s))
        subject = subscription.wanted.subject
        if subscription.kind in OF_HOUSEHOLDS:  # a look at one person shows nobody who has joined
            question = question._replace(item=question.item._replace(response_entity=ResponseEntity.GROUP))
        try:
            found = await disclose(subject, question, permit, rooms)
        except (SourceError, RequestError, CountError):
            return  # nothing was seen, and that is no change
        read = [found] if found is not None else []
        entry = answered_entry(question, rooms, permit, read, Finding((subject,)), b"", rooms.now())
        # INVARIANT: what cannot be recorded is not done: a look that the journal does not know leads to nothing.
        await self._journal.record([entry._replace(event="subscription.looked", released=(), answer_digest="")])
        before = await self._store.prints(subscription.code)
        look = looked(self._key_of(subscription.code), subscription.kind, found, before)
        if found is not None:
            await self._store.know(subscription.code, {subject, *_numbers(found)})
        if look.bears_out and not look.is_first:
            if found is not None:
                for person in found.gathered.people:
                    await rooms.fetcher.calls.forget(person.known_by())  # what is told must be what was seen
            await self._tell(subscription, hashlib.sha256(repr(sorted(look.prints.items())).encode()).hexdigest())
        await self._store.keep_prints(subscription.code, look.prints)

    async def _permit(self, subscription: Subscription) -> Permit | None:
        rooms, now = self._rooms(), self._now()
        stated = STATED_BY[subscription.kind] & self._terms.names_of(subscription, now)
        request = DisclosureRequest(
            subscription.client_id, subscription.purpose, subscription.wanted.subject, stated or None
        )
        permit = rooms.decisions.decide(request, now)
        if not isinstance(permit, Permit) or await rooms.decisions.over_quota(permit, now) is not None:
            return None
        # Nothing that was read before serves a look, and nothing of it is kept.
        return permit._replace(max_age_s=0.0, stale_if_error_s=0.0)

    def _next(self, subscription: Subscription, terms: EventTerms | None, now: datetime) -> datetime:
        """Return when to look again: as the subscription says, and no more often than is agreed."""
        interval_s = max(self._least_s, terms.min_interval_s if terms is not None else 0.0)
        earliest = now + timedelta(seconds=interval_s)
        if subscription.schedule is None:
            return earliest
        return subscription.schedule.after(earliest - timedelta(seconds=1)) or earliest

    def _key_of(self, code: str) -> bytes:
        return hmac.digest(self._key, code.encode(), hashlib.sha256)


def _numbers(found: Disclosure) -> set[Any]:
    return {number for person in found.gathered.people for number in person.known_by()}
