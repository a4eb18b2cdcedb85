"""Happening: what a registry says has happened, from its word to those who are to be told.

What is kept of the people concerned goes first, in every process. The notification itself tells nobody anything: it is
a reason to look, and what is told is asked for anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from gateway.ports import Again, Clock, Work
from gateway.subscriptions.store import Subscription, SubscriptionStore
from gateway.subscriptions.watching import LOOK
from standards.dci.events import EventKind
from standards.dci.notified import Event
from standards.identifiers import Identifier

MATCH: Final = "subscription.event"
"""Kind of the work that finds out who is to be told of one event."""
TELL: Final = "subscription.tell"
"""Kind of the work that hands one event to one subscription, at the moment that it names."""


class Forgetting(Protocol):
    """Whatever keeps something of people."""

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        """Drop what is kept of one person."""
        ...


class Happening:
    """Events on their way in.

    forgetting: what this process keeps of people.
    leave_word: tells every other process whom to forget.
    hand_over: makes the delivery of one event to one subscription durable; given its name for good.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        work: Work,
        key: bytes,
        now: Clock,
        *,
        forgetting: Callable[[], Forgetting],
        leave_word: Callable[[Sequence[Identifier]], Awaitable[None]],
        hand_over: Callable[[Subscription, str], Awaitable[None]],
    ) -> None:
        self._store, self._work, self._key, self._now = store, work, key, now
        self._forgetting, self._leave_word, self._hand_over = forgetting, leave_word, hand_over
        work.handle(MATCH, self._match)
        work.handle(TELL, self._told_later)

    async def happened(self, source_id: str, event: Event) -> None:
        """Return when nothing is kept any more of those concerned, and the event is on its way for good."""
        # INVARIANT: after a registry has told of an event, no answer rests on what was read before it.
        if event.numbers:
            await self._forgetting().forget(event.numbers)
        for number in event.others:
            await self._forgetting().forget([number])
        await self._leave_word(sorted(event.numbers | event.others))
        content = {"kind": event.kind.value, "numbers": sorted(map(list, event.concerned)), "on": event.on}
        await self._work.start(MATCH, self._name_of(event), {**content, "source": source_id})

    async def tell(self, subscription: Subscription, on: str) -> None:
        """Hand one event to one subscription, once; at the moment that its schedule names, if it has one.

        on: the day of the event, or whatever else makes it another one than the last.
        """
        event = self._store.event_of(subscription.code, subscription.kind, on)
        # INVARIANT: an event is told once: two registries, or one that repeats itself, make no second notification.
        if await self._store.was_told(event):
            return
        due = subscription.schedule.after(self._now()) if subscription.schedule is not None else None
        if due is None:
            await self._hand_over(subscription, event)
            await self._store.tell(event, subscription.code)
            return
        content = {"code": subscription.code, "event": event}
        after_s = max(0.0, (due - self._now()).total_seconds())
        await self._work.start(TELL, f"tell-{event}", content, after_s=after_s)

    async def _match(self, id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        kind, numbers = EventKind(content["kind"]), [Identifier(*one) for one in content["numbers"]]
        for subscription in await self._store.about(numbers):
            if subscription.kind is kind:
                await self.tell(subscription, content["on"])
            elif subscription.kind is EventKind.CHANGE:
                # A reason to look sooner; whether anything is another is found out there.
                await self._work.start(LOOK, f"look-{subscription.code}-{id}", {"code": subscription.code})
        return None

    async def _told_later(self, _id: str, content: Mapping[str, Any], _tries: int) -> Again | None:
        subscription = await self._store.find(content["code"])
        if subscription is not None and not await self._store.was_told(content["event"]):
            await self._hand_over(subscription, content["event"])
            await self._store.tell(content["event"], subscription.code)
        return None

    def _name_of(self, event: Event) -> str:
        """Return the id of the work: the same for the same event, and nothing that tells whose."""
        numbers = ",".join(f"{n.type}={n.value}" for n in sorted(event.concerned))
        words = f"{event.kind}\x00{numbers}\x00{event.on}"
        return f"ev-{hmac.digest(self._key, words.encode(), hashlib.sha256).hex()[:40]}"
