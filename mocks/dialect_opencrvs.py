"""The two lines of OpenCRVS: its DCI interface of 2024, and that of version 1.9."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mocks.dialects import Dialect, Message, RefusedByDialectError, asked_for, bare, criteria_of, every_item

_CIVIL = "ns:org:RegistryType:Civil"


class _OpenCrvs(Dialect):
    """What both have in common: an event a question, no item where nobody is found, sender and receiver unswapped."""

    id_types: tuple[str, ...] = ()
    event_member = "reg_event_type"
    """Where the criteria name the event."""

    def told(self, message: Message, asked: Message | None) -> Message:
        """Tell what is known of the event asked about; say nothing of who is not found."""
        told = deepcopy(message)
        if asked is not None:
            told["header"] |= {name: asked["header"].get(name) for name in ("sender_id", "receiver_id")}
        if "search_response" in told["message"] and asked is not None:
            events = asked_for(asked, self.event_member)
            items = [_of_event(one, events.get(one["reference_id"])) for one in told["message"]["search_response"]]
            told["message"]["search_response"] = [item for item in items if item is not None]
        return told

    def _check(self, criteria: Message) -> None:
        query = criteria.get("query")
        if criteria.get("query_type") == "idtype-value" and isinstance(query, dict):
            if query.get("type") not in self.id_types:
                raise _error(f"query.type is one of {', '.join(self.id_types)}")
        elif criteria.get("query_type") not in ("predicate", "expression"):
            raise _error("query_type is idtype-value, predicate or expression")


class OpenCrvs2024(_OpenCrvs):
    """`reg_type` is a register of events, people are camelCase, the ACK is 202, errors have numbers."""

    name = "opencrvs-2024"
    ack_status = 202
    callback_type = "text/plain"
    callback_has_bearer = False
    id_types = ("BRN", "DRN", "MRN", "OPENCRVS_RECORD_ID", "NID")
    event_member = "reg_type"

    def heard(self, message: Message, operation: str) -> Message:
        """Demand a register of events; national ids are called NID; five records a page unless asked otherwise."""
        heard = deepcopy(message)
        for criteria in criteria_of(heard):
            if str(criteria.get("reg_type")) not in {f"ocrvs:registry_type:{one}" for one in _EVENTS}:
                raise _error("reg_type is ocrvs:registry_type:birth, death or marriage")
            self._check(criteria)
            criteria["reg_type"] = _CIVIL
            criteria.pop("reg_event_type", None)
            criteria.pop("reg_record_type", None)
            criteria.setdefault("pagination", {"page_size": 5, "page_number": 1})
            if criteria["query_type"] == "idtype-value" and criteria["query"]["type"] == "NID":
                criteria["query"]["type"] = "UIN"
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Repeat the message id too, and tell people in camelCase."""
        told = super().told(message, asked)
        if asked is not None:
            told["header"]["message_id"] = asked["header"]["message_id"]
        events = asked_for(asked, "reg_type")
        for item in every_item(told, "search_response"):
            if "data" in item:
                item["data"] |= {"reg_type": events.get(item["reference_id"], _CIVIL), "reg_record_type": "person"}
                item["data"]["reg_records"] = [_camel_person(record) for record in item["data"]["reg_records"]]
        return told

    def failed(self, status: int, body: Message) -> Message:
        """Number the errors."""
        return {"error": {"code": status * 100 + 1, "message": str(body)}}


class OpenCrvs19(_OpenCrvs):
    """`reg_event_type` is `birth` or `death` and must be there; the header counts records."""

    name = "opencrvs-1.9"
    id_types = ("UIN", "BRN", "DRN")

    def heard(self, message: Message, operation: str) -> Message:
        """Demand an event and a language in every item."""
        heard = deepcopy(message)
        for item in every_item(heard, "search_request"):
            criteria = item.get("search_criteria")
            criteria = criteria if isinstance(criteria, dict) else {}
            if criteria.get("reg_event_type") not in ("birth", "death"):
                raise _error("reg_event_type is birth or death")
            if not item.get("locale"):
                raise _error("an item has a locale")
            self._check(criteria)
            del criteria["reg_event_type"]
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Count records instead of requests."""
        told = super().told(message, asked)
        items = every_item(told, "search_response")
        if "search_response" in told["message"]:
            told["header"]["total_count"] = sum(len(item.get("data", {}).get("reg_records", [])) for item in items)
        return told


_EVENTS = ("birth", "death", "marriage")
_OF_DEATH = ("death_date", "death_place")


def _of_event(item: Message, code: Any) -> Message | None:
    """Return an item as the register of one event tells it; None when that register knows nobody asked about."""
    if "data" not in item:
        return item
    event = bare(code)
    records = item["data"]["reg_records"]
    if event == "death":
        records = [record for record in records if "death_date" in record]
    elif event == "birth":
        records = [
            {name: value for name, value in record.items() if name not in _OF_DEATH}
            | {"identifier": [one for one in record["identifier"] if one["identifier_type"] != "DRN"]}
            for record in records
        ]
    item["data"]["reg_records"] = records
    return item if records else None


def _camel_person(record: Message) -> Message:
    name = record.pop("name", {})
    numbers = [
        {"name": one["identifier_type"].replace("UIN", "NID"), "identifier": one["identifier_value"]}
        for one in record.pop("identifier", [])
    ]
    camel: Message = _camel(record)
    return {"identifier": numbers, **_camel(name), **camel}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel_word(name): _camel(inner) for name, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


def _camel_word(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)


def _error(message: str) -> RefusedByDialectError:
    return RefusedByDialectError(400, {"error": {"code": 40001, "message": message}})
