"""Asking: registries are asked to tell us of events, and no longer, as consumers' subscriptions come and go.

What should be is worked out anew each time, from who rests on a subscription of ours and who of them may be told; so
settling twice does no harm, and a process that is killed in between leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from adapters.catalogue import Registry
from adapters.ports import Deadline, EventSource, EventWish
from gateway.ports import Again, Clock, Work
from gateway.subscriptions.store import Subscription, SubscriptionStore
from gateway.subscriptions.terms import Terms
from gateway.subscriptions.upstream import ACTIVE, ASKED, ENDING, REFUSED, WANTED, Upstream, UpstreamStore
from standards.dci.codes import SubscribeReason, normal_reg_type
from standards.dci.events import EventKind
from standards.dci.notified import Callback
from standards.errors import SourceError, SourceRefusedError

log = structlog.get_logger()

SETTLE: Final = "subscription.upstream"
"""Kind of the work that settles one."""
PATIENCE_S: Final = 600.0
"""How long a registry may take for its callback before it is asked again, in seconds."""
CALL_S: Final = 10.0
_LONGEST_S: Final = 3600.0

_OF_ONE_TYPE: Final = frozenset(
    {
        EventKind.REGISTER, EventKind.NEW_HOUSEHOLD_MEMBER, EventKind.ENROLMENT, EventKind.ENROLMENT_STATUS_CHANGE,
    }
)  # fmt: skip
"""Events that mean something else at every registry: only one of the type asked about tells them."""


class Asking:
    """Our subscriptions at registries.

    registries: id -> registry, as they are now.
    review_s: how often it is looked at whether those who rest on one may still be told.
    renew_s: how often a registry is asked for its events anew, since it may have lost the wish and will not say so.
    fall_back: what is done for a subscription whose registry refuses: it is watched instead.
    """

    def __init__(
        self,
        stores: tuple[SubscriptionStore, UpstreamStore],
        terms: Terms,
        work: Work,
        registries: Callable[[], Mapping[str, Registry]],
        now: Clock,
        *,
        review_s: float,
        renew_s: float,
        fall_back: Callable[[Subscription], Awaitable[None]],
    ) -> None:
        self._subscriptions, self._upstream = stores
        self._terms, self._work, self._registries, self._now = terms, work, registries, now
        self._review_s, self._renew_s, self._fall_back = review_s, renew_s, fall_back
        work.handle(SETTLE, self.settle)

    def sources_for(self, subscription: Subscription) -> Sequence[str]:
        """Return the registries that can tell of the events of a subscription, by its number."""
        return [id_ for id_ in sorted(self._registries()) if self._tells(id_, subscription)]

    async def begin(self, subscription: Subscription) -> int:
        """Let a subscription rest on one of ours at each registry concerned; return how many these are."""
        sources = self.sources_for(subscription)
        subject = subscription.wanted.subject
        for source_id in sources:
            await self._poke(await self._upstream.use(subscription.code, source_id, subscription.kind, subject))
        return len(sources)

    async def end(self, code: str) -> None:
        """Take a subscription from all that it rests on; what nobody else needs is ended."""
        for upstream_id in await self._upstream.release(code):
            await self._poke(upstream_id)

    async def settle(self, _id: str, content: Mapping[str, Any], tries: int) -> Again | None:
        """Bring one of our subscriptions to where it should be, as far as that goes now."""
        one = await self._upstream.find(content["upstream_id"])
        if one is None or one.turn != content["turn"]:
            return None
        users = await self._subscriptions.find_all(await self._upstream.users(one.upstream_id))
        now = self._now()
        is_allowed = False
        for user in users:
            is_allowed = is_allowed or await self._terms.may_ask(user, one.source_id, now)
        waited_s = now.timestamp() - one.changed_at
        try:
            if is_allowed:
                return await self._kept(one, waited_s)
            return await self._ended(one, waited_s, is_used=bool(users))
        except SourceError:
            # What it was about is asked again: the registry may or may not have heard.
            return Again(min(_LONGEST_S, 2.0 ** min(tries, 20)))

    async def answered(self, source_id: str, callback: Callback) -> None:
        """Take in what a registry says to our wishes; it may come before its acknowledgement."""
        for answer in callback.answers:
            one = await self._upstream.find(answer.reference_id) if answer.reference_id.startswith("up-") else None
            if one is None or one.source_id != source_id:
                one = await self._upstream.by_transaction(source_id, callback.transaction_id)
            if one is None:
                log.warning("subscription_unknown", source=source_id)
            elif answer.is_taken or answer.reason == SubscribeReason.ALREADY_SUBSCRIBED:
                await self._upstream.move(one, ACTIVE, codes=answer.codes or one.codes)
                await self._poke(one.upstream_id)
            elif not answer.is_pending and one.state in {WANTED, ASKED}:
                log.warning("subscription_refused", source=source_id, reason=_safe(answer.reason))
                await self._upstream.move(one, REFUSED)
                for user in await self._subscriptions.find_all(await self._upstream.users(one.upstream_id)):
                    await self._fall_back(user)

    async def unanswered(self, source_id: str, callback: Callback) -> None:
        """Take in what a registry says to the end of one of our subscriptions."""
        one = await self._upstream.by_transaction(source_id, callback.transaction_id)
        if one is None or one.state != ENDING:
            return
        (answer,) = callback.answers
        if answer.is_pending:
            return
        # Refused or done, its code is of no more use: an event that comes all the same finds nobody.
        await self._upstream.move(one, WANTED, codes=())
        await self._poke(one.upstream_id)

    async def _kept(self, one: Upstream, waited_s: float) -> Again | None:
        if one.state == REFUSED:
            return None
        if one.state == ACTIVE and waited_s < self._renew_s:
            return Again(min(self._review_s, self._renew_s - waited_s + 1))
        if one.state in {ASKED, ENDING} and waited_s < PATIENCE_S:
            return Again(PATIENCE_S - waited_s + 1)
        # Noted before it is sent, so that a callback that overtakes the acknowledgement is the last word.
        await self._upstream.move(one, ASKED)
        wish = EventWish(one.kind, one.subject, one.transaction_id, one.upstream_id)
        try:
            await self._source(one).subscribe(wish, Deadline.after(CALL_S))
        except SourceError:
            await self._unless_answered(one, ASKED, WANTED)
            raise
        return Again(PATIENCE_S)

    async def _ended(self, one: Upstream, waited_s: float, *, is_used: bool) -> Again | None:
        if one.state in {ASKED, ENDING} and not one.codes and waited_s < PATIENCE_S:
            return Again(PATIENCE_S - waited_s + 1)  # its code is on the way, and is what it is ended by
        if one.codes and (one.state != ENDING or waited_s >= PATIENCE_S):
            await self._upstream.move(one, ENDING)
            try:
                await self._source(one).unsubscribe(one.codes, one.transaction_id, Deadline.after(CALL_S))
            except SourceError:
                await self._unless_answered(one, ENDING, ACTIVE)
                raise
            return Again(PATIENCE_S)
        if one.state == ENDING:
            return Again(PATIENCE_S)
        if is_used:
            return Again(self._review_s)  # nobody may be told today; somebody may decide otherwise
        await self._upstream.drop(one.upstream_id)
        return None

    async def _unless_answered(self, one: Upstream, state: str, before: str) -> None:
        known = await self._upstream.find(one.upstream_id)
        if known is not None and known.state == state:
            await self._upstream.move(known, before)

    def _source(self, one: Upstream) -> EventSource:
        registry = self._registries().get(one.source_id)
        if registry is None or registry.events is None:
            raise SourceRefusedError(one.source_id, "it tells of no events")
        return registry.events

    def _tells(self, source_id: str, subscription: Subscription) -> bool:
        registry = self._registries()[source_id]
        events, wanted = registry.events, subscription.wanted
        if events is None or wanted.kind not in events.kinds or wanted.subject.type not in events.identifier_types:
            return False
        stated = registry.manifest.dci.reg_type if registry.manifest.dci is not None else ""
        return wanted.kind not in _OF_ONE_TYPE or normal_reg_type(stated) is wanted.reg_type

    async def _poke(self, upstream_id: str) -> None:
        turn = await self._upstream.turn(upstream_id)
        if turn is not None:
            content = {"upstream_id": upstream_id, "turn": turn}
            await self._work.start(SETTLE, f"{upstream_id}-{turn}", content)


def _safe(reason: str) -> str:
    """Return a reason code as it may be logged: one of the standard's, or only that it is another."""
    return reason if reason in frozenset(SubscribeReason) else "another"
