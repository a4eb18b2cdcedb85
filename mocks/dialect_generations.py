"""The generations of DCI before the release of 2025: G2 of November 2023, and G3 of January 2025."""

from __future__ import annotations

from copy import deepcopy

from mocks.dialects import Dialect, Message, RefusedByDialectError, asked_for, criteria_of, every_item

_EVENTS = "RegistryEventType:"
_MISSPELT = {"sunscription_codes": "subscription_codes", "timesstamp": "timestamp"}


class G3(Dialect):
    """January 2025: criteria name an event instead of a record type, and some members are misspelt."""

    name = "g3"
    namespace = "spdci-common:"

    def heard(self, message: Message, operation: str) -> Message:
        """Demand the event of the criteria, and set right what this generation misspells."""
        heard = deepcopy(message)
        for criteria in criteria_of(heard):
            event = criteria.pop("reg_event_type", None)
            if not isinstance(event, str) or _EVENTS not in event:
                raise _unusable("search_criteria name a reg_event_type, such as " + self.namespace + _EVENTS + "Death")
        content = heard.get("message")
        if operation == "unsubscribe" and isinstance(content, dict):
            for wrong, right in _MISSPELT.items():
                if wrong in content:
                    content.setdefault(right, content.pop(wrong))
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Tell records one by one, and misspell what this generation misspells."""
        told = deepcopy(message)
        events = asked_for(asked, "reg_event_type")
        for item in every_item(told, "search_response"):
            data = item.get("data")
            if isinstance(data, dict):
                self._reshape(item, data, events.get(item["reference_id"]))
        for item in every_item(told, "notify_event"):
            event = str(item["data"].get("reg_event_type", "")).rpartition(":")[2]
            item["data"]["reg_event_type"] = self.namespace + _EVENTS + event
        for item in every_item(told, "subscribe_response"):
            for subscription in item.get("subscriptions", []):
                subscription["status"] = subscription["status"].replace("subscribe", "subscibe")
        content = told["message"]
        if "subscription_status" in content:
            content["timesatmp"] = content.pop("timestamp")
        return told

    def _reshape(self, item: Message, data: Message, event: str | None) -> None:
        if event is not None:
            data["reg_event_type"] = event


class G2(G3):
    """November 2023: answers carry the record as one object; several are a list all the same, and none is no data."""

    name = "g2"
    namespace = "ns:org:"

    def _reshape(self, item: Message, data: Message, event: str | None) -> None:
        super()._reshape(item, data, event)
        records = data["reg_records"]
        if isinstance(records, list) and not records:
            del item["data"]
        elif isinstance(records, list) and len(records) == 1:
            data["reg_records"] = records[0]


def _unusable(message: str) -> RefusedByDialectError:
    return RefusedByDialectError(400, {"errors": [{"code": "err.request.bad", "message": message}]})
