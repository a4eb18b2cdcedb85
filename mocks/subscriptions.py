"""Who wants to hear of which events at one registry: subscriptions taken, ended, and matched with what happens."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mocks.callbacks import notify_url
from mocks.dci_message import Envelope, is_moment
from mocks.dci_query import RefusedItemError, expression, predicate
from mocks.events import CODES, Event, event_name

if TYPE_CHECKING:
    from mocks.dci import DciRegistry, Kind

_ECHOED: Final = ("reg_type", "reg_event_type", "frequency", "filter_type", "filter", "notify_record_type")


class Subscription(NamedTuple):
    """One subscription: to what, by whom, and where its notifications go."""

    code: str
    sender_id: str
    transaction_id: str
    event: str
    """The event in the form without case, prefix and separators."""
    kind: Kind
    fits: Callable[[Any], bool]
    """Whether a person or household of this registry is meant."""
    url: str
    criteria: Mapping[str, Any]
    locale: str

    def shown(self, status: str, now: str) -> dict[str, Any]:
        """Return the subscription as `on-subscribe` tells it."""
        echoed = {name: self.criteria[name] for name in _ECHOED if name in self.criteria}
        return {"code": self.code, "status": status, "timestamp": now} | echoed | {"locale": self.locale}


class Subscriptions:
    """The subscriptions of one registry by their code."""

    def __init__(self, registry: DciRegistry) -> None:
        self._registry = registry
        self._by_code: dict[str, Subscription] = {}
        self._ended: dict[str, str] = {}
        self._numbers = itertools.count(1)

    @property
    def all(self) -> Sequence[Subscription]:
        """Return the subscriptions in force."""
        return list(self._by_code.values())

    def take(self, message: Envelope, url: str, now: str) -> list[dict[str, Any]]:
        """Take the subscriptions of a message; returns the items of its `subscribe_response`."""
        answers: list[dict[str, Any]] = []
        seen: set[str] = set()
        for item in message.items:
            answer: dict[str, Any] = {"reference_id": item["reference_id"], "timestamp": now}
            try:
                taken = self._taken(item, message, url, seen)
            except RefusedItemError as refusal:
                reason = {"status_reason_code": refusal.code, "status_reason_message": str(refusal)}
                answers.append(answer | {"status": "rjct"} | reason)
            else:
                answers.append(answer | {"status": "succ", "subscriptions": [taken.shown("subscribe", now)]})
        return answers

    def end(self, codes: Sequence[str], sender_id: str) -> tuple[list[dict[str, str]], str | None]:
        """End subscriptions; returns their `subscription_status` and the reason code when one cannot be ended."""
        statuses, reason = [], None
        for code in codes:
            known = self._by_code.get(code)
            if known is not None and known.sender_id == sender_id:
                del self._by_code[code]
                self._ended[code] = sender_id
                statuses.append({"code": code, "status": "unsubscribe"})
            elif self._ended.get(code) == sender_id:
                reason = "rjct.event.already_unsubscribed"
                statuses.append({"code": code, "status": "unsubscribe"})
            else:
                reason = "rjct.subscription_code.invalid"
        return statuses, reason

    def meant(self, event: Event) -> list[tuple[Subscription, Any]]:
        """Return the subscriptions that an event concerns, each with the person or household to tell of."""
        registry = self._registry
        code = CODES.get(registry.name, {}).get(event.kind)
        if code is None or event.details.get("registry", registry.name) != registry.name:
            return []
        wanted, people, found = event_name(code), registry.population.people, []
        for one in self.all:
            if one.event != wanted:
                continue
            concerned = [
                (place, thing)
                for place in event.concerned
                for thing in registry.things_of(one.kind, people[place])
                if one.fits(thing)
            ]
            # A subscription by somebody's number hears of both sides of a marriage and of a mother's child.
            own = [thing for place, thing in concerned if place == event.person]
            told = own or (concerned and registry.things_of(one.kind, people[event.person]))
            if told:
                found.append((one, told[0]))
        return found

    def _taken(self, item: Mapping[str, Any], message: Envelope, url: str, seen: set[str]) -> Subscription:
        if item["reference_id"] in seen:
            raise RefusedItemError("rjct.reference_id.duplicate", "reference_id occurs twice in the message")
        seen.add(item["reference_id"])
        if not is_moment(item.get("timestamp")):
            raise RefusedItemError("rjct.timestamp.invalid", "timestamp is a moment with its offset from UTC")
        criteria = item.get("subscribe_criteria")
        if not isinstance(criteria, dict):
            raise _unusable("an item has subscribe_criteria")
        if criteria.get("reg_type", self._registry.reg_type) != self._registry.reg_type:
            raise _unusable("this is a registry of another type")
        event = event_name(str(criteria.get("reg_event_type", "")))
        if event not in map(event_name, CODES.get(self._registry.name, {}).values()):
            raise RefusedItemError("rjct.notify_types.invalid", "this registry tells of no such event")
        sender_id = str(message.header["sender_id"])
        twins = (
            one
            for one in self._by_code.values()
            if (one.sender_id, one.event, one.criteria.get("filter")) == (sender_id, event, criteria.get("filter"))
        )
        if any(twins):
            raise RefusedItemError("rjct.event.already_subscribed", "the same subscription is in force")
        code = f"{self._registry.name.upper()}-SUB-{next(self._numbers)}"
        kind, locale = self._kind(criteria), str(item.get("locale") or "eng")
        fits, address = self._filter(criteria, kind), notify_url(url)
        taken = Subscription(code, sender_id, message.transaction_id, event, kind, fits, address, criteria, locale)
        self._by_code[code] = taken
        return taken

    @staticmethod
    def _filter(criteria: Mapping[str, Any], kind: Kind) -> Callable[[Any], bool]:
        type_, wanted = criteria.get("filter_type", "idtype-value"), criteria.get("filter")
        try:
            if type_ == "predicate" or (type_ == "expression" and isinstance(wanted, list)):
                return predicate(wanted, kind.attributes)
            if type_ == "expression":
                return expression(wanted, kind.attributes)
        except RefusedItemError as refusal:
            raise _unusable(str(refusal)) from None
        name = wanted.get("type") if isinstance(wanted, dict) else None
        value = wanted.get("value") if isinstance(wanted, dict) else None
        finder = kind.by_number.get(name.rsplit(":", 1)[-1]) if isinstance(name, str) else None
        if type_ != "idtype-value" or finder is None or not isinstance(value, str) or not value:
            raise RefusedItemError("rjct.person_id.invalid", "this registry knows nobody by an identifier of that type")
        return lambda thing: any(one.index == thing.index for one in finder(value))

    def _kind(self, criteria: Mapping[str, Any]) -> Kind:
        entity = str(criteria.get("notify_record_type") or self._registry.default_entity)
        kind = self._registry.kinds.get(entity.rsplit(":", 1)[-1].lower())
        if kind is None:
            raise _unusable("this registry has no records of that type")
        return kind


def _unusable(message: str) -> RefusedItemError:
    return RefusedItemError("rjct.notify_details.invalid", message)
