"""Telling: the notification of one event, made at the moment of each try to deliver it.

What it says is what a question asked then is answered with, under the agreement and the consent of that moment. What
the registry sent is not kept, and tells nobody anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from adapters.ports import Deadline
from gateway.pipeline import Answer, Question, answer, superseded
from gateway.ports import Clock, Journal
from gateway.settings import Consumer
from gateway.stages.record import blank
from gateway.stages.rooms import Rooms
from gateway.subscriptions.questions import question_of
from gateway.subscriptions.store import Subscription, SubscriptionStore
from gateway.subscriptions.terms import Terms
from standards.dci.codes import Action, ResponseEntity, Status
from standards.dci.events import OF_HOUSEHOLDS, STATED_BY, EventKind
from standards.dci.evidence import EVIDENCE
from standards.dci.shapes import listed
from standards.dci.subscribed import message_with, notified_event
from standards.errors import SourceUnavailableError
from standards.household import SourceOutcome
from standards.states import UnavailableReason

_TOLD: Final = frozenset({"value", "conflict"})
_OWN_PREFIX: Final = "hearth:"


class Telling:
    """Makes notifications.

    deadline_s: how long the registries have to answer.
    silence: tells whether what was heard is of a registry that was switched off meanwhile.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        terms: Terms,
        rooms: Callable[[], Rooms],
        journal: Journal,
        now: Clock,
        *,
        deadline_s: float,
        silence: Callable[[Mapping[str, SourceOutcome]], bool],
    ) -> None:
        self._store, self._terms, self._rooms, self._journal = store, terms, rooms, journal
        self._silence = silence
        self._now, self._deadline_s = now, deadline_s

    async def notification(self, consumer: Consumer, id: str, content: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the message that tells of an event; None when nothing may be told, and that is on record.

        Raises: SourceUnavailableError while no registry can be heard, or none of them bears the event out yet: it is
            tried again later. JournalError when it cannot be recorded.
        """
        subscription = await self._store.find(content["code"])
        if subscription is None or subscription.client_id != consumer.client_id:
            return None  # it was ended meanwhile
        deadline = Deadline.after(self._deadline_s)
        question = question_of(subscription, consumer, id, deadline)
        while True:
            # INVARIANT: revoked means revoked: agreement, suspension and consent are those of the moment of sending.
            if self._terms.holds(subscription, self._now()) is None:
                await self._withheld(question, subscription, None)
                return None
            given = await answer(question, self._rooms())
            if given.entry.event == "search.unanswered":
                raise SourceUnavailableError("event", UnavailableReason.SOURCE_DOWN, "nothing is known")
            item = orjson.loads(given.item)
            records = _records_of(item)
            states = _states_of(subscription, item) if records else []
            told = frozenset(name for name, state in states if state in _TOLD)
            if given.again_on is not None:
                raise SourceUnavailableError("event", UnavailableReason.SOURCE_BUSY, "the quota is used up for now")
            may_know = _may_know(subscription.kind, told)
            if subscription.kind in OF_HOUSEHOLDS and not may_know:
                # A record of one person does not say how many live there; who may be told that may be told of a birth.
                may_know = await self._terms.may_know(subscription, self._now())
            if not may_know and _is_unheard(subscription.kind, states):
                # INVARIANT: an outage is never a "no": an event that a registry could not bear out now is told later.
                raise SourceUnavailableError("event", UnavailableReason.SOURCE_DOWN, "what it is known by is not told")
            if not records or not told or not may_know:
                await self._withheld(question, subscription, given)
                return None
            if subscription.kind is EventKind.DEATH and "death_date" not in told and not _says_dead(records):
                # A death is told only when the registries, asked anew, bear it out; they may not have settled it yet.
                await self._rooms().fetcher.calls.forget([subscription.wanted.subject])
                raise SourceUnavailableError("event", UnavailableReason.SOURCE_DOWN, "the event is not borne out yet")
            events = [
                self._event(subscription, id if number == 1 else f"{id}-{number}", item, record)
                for number, record in enumerate(records, start=1)
            ]
            entry = given.entry._replace(
                event="event.told", answer_digest=hashlib.sha256(orjson.dumps(events)).hexdigest()
            )
            # INVARIANT: what cannot be recorded is not told.
            await self._journal.record([entry])
            if await self._still_holds(given):
                payload = {"transaction_id": subscription.transaction_id, "notify_event": events}
                return message_with(Action.NOTIFY, Status.SUCCEEDED, payload, total=len(events))
            await self._journal.record([superseded(question, self._rooms())])

    def _event(
        self, subscription: Subscription, id: str, item: Mapping[str, Any], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        wanted = subscription.wanted
        return notified_event(
            id,
            now=self._now(),
            reg_type=wanted.reg_type,
            kind=wanted.kind,
            record_type=wanted.record_type,
            record=record,
            extensions={name: one for name, one in item["data"].items() if name.startswith(_OWN_PREFIX)}
            | {"hearth:subscription_code": subscription.code},
            locale=wanted.locale,
        )

    async def _still_holds(self, given: Answer) -> bool:
        if self._silence(given.sources):
            return False
        decisions = self._rooms().decisions
        for held in given.held:
            if not await decisions.still_holds(held, self._now()):
                return False
        return True

    async def _withheld(self, question: Question, subscription: Subscription, given: Answer | None) -> None:
        entry = given.entry if given is not None else blank(question, self._rooms(), subscription.purpose, "")
        await self._journal.record([entry._replace(event="event.withheld", released=(), answer_digest="")])


def _records_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of an answer, in whichever form the release has them."""
    found = item.get("data", {}).get("reg_records") if item.get("status") == Status.SUCCEEDED else None
    return [] if found is None else [one for one in listed(found) if one]


def _states_of(subscription: Subscription, item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what an answer says of whom the event happened to, the household's own included: attribute and state."""
    evidence = item["data"].get(EVIDENCE) or [{}]
    members = evidence[0].get("members", [])
    holders = [m for m in members if m.get("asked")]
    if subscription.wanted.response_entity is ResponseEntity.GROUP:
        holders = [evidence[0], *(holders or members)]
    return [(name, said.get("state", "")) for one in holders for name, said in one.get("attributes", {}).items()]


def _may_know(kind: EventKind, told: frozenset[str]) -> bool:
    """Tell whether anything is told by which the event could be known."""
    # INVARIANT: an event tells nothing that an answer would not: its kind is itself a fact about somebody.
    stated = STATED_BY[kind]
    return not told.isdisjoint(stated) if stated else bool(told)


def _is_unheard(kind: EventKind, states: Sequence[tuple[str, str]]) -> bool:
    """Tell whether anything by which the event could be known was not obtained."""
    unheard = frozenset(name for name, state in states if state == "unavailable")
    return not unheard.isdisjoint(STATED_BY[kind] or unheard)


def _says_dead(node: object) -> bool:
    """Tell whether a record says that somebody is dead, wherever in its shape that stands."""
    if isinstance(node, list):
        return any(map(_says_dead, node))
    if not isinstance(node, dict):
        return False
    inner = (value for name, value in node.items() if name.rpartition(":")[2] not in {"mother", "father"})
    return any(n.rpartition(":")[2] == "vital_status" and v == "dead" for n, v in node.items()) or any(
        map(_says_dead, inner)
    )
