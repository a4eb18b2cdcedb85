"""The ways of other products met in the field: OpenSPP, OpenG2P, openIMIS, and the project's own mock-ups."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any, Final

from mocks.dialects import Dialect, Message, RefusedByDialectError, asked_for, bare, criteria_of, every_item

_OLD_TYPES: Final = {"social": "SOCIAL_REGISTRY", "civil": "CRVS", "ibr": "IBR", "dr": "DR", "fr": "FR"}
_OLD_EVENTS: Final = {"livebirth": "BIRTH", "death": "DEATH", "marriage": "MARRIAGE", "divorce": "DIVORCE"}


class OpenSpp2(Dialect):
    """Paths of its own, a signature in every message, values of an older list; `succ` also for half an answer."""

    name = "openspp2"
    prefix = "/dci_api/v1/registry"

    def heard(self, message: Message, operation: str) -> Message:
        """Demand a signature in the keyed form, and read the older values too."""
        if "kidId=" not in str(message.get("signature", "")):
            body = {"errors": [{"code": "err.auth.missing_header", "message": "a signature is needed"}]}
            raise RefusedByDialectError(401, body)
        heard = deepcopy(message)
        new = {old: f"ns:org:RegistryType:{_LAST[kind]}" for kind, old in _OLD_TYPES.items()}
        for criteria in criteria_of(heard):
            if "reg_type" in criteria:
                criteria["reg_type"] = new.get(str(criteria["reg_type"]), criteria["reg_type"])
            query = criteria.get("query")
            if isinstance(query, dict) and isinstance(query.get("seq"), list):
                criteria["query_type"], criteria["query"] = "predicate", [_compared(one) for one in query["seq"]]
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Tell the older values."""
        told = deepcopy(message)
        for item in every_item(told, "search_response") + every_item(told, "notify_event"):
            data = item.get("data", {})
            if "reg_type" in data:
                data["reg_type"] = _OLD_TYPES.get(bare(data["reg_type"]), data["reg_type"])
            if "reg_event_type" in data:
                data["reg_event_type"] = _OLD_EVENTS.get(bare(data["reg_event_type"]), data["reg_event_type"])
        return told


_LAST: Final = {"social": "Social", "civil": "Civil", "ibr": "IBR", "dr": "DR", "fr": "FR"}


class OpenG2p(Dialect):
    """Paths of its own, registers by their own names, two-letter languages, no callbacks: results go by WebSub."""

    name = "openg2p-2026"
    prefix = "/dci"
    paths = {"search": "/async/search"}  # noqa: RUF012 - a constant of the dialect
    calls_back = False

    def heard(self, message: Message, operation: str) -> Message:
        """Refuse what does not fit its schema with 422; read its older form of a question by number."""
        if message.get("header", {}).get("is_msg_encrypted"):
            raise _invalid("encrypted messages are not supported")
        heard = deepcopy(message)
        for item in every_item(heard, "search_request"):
            if not re.fullmatch("[a-z]{2}", str(item.get("locale", "en"))):
                raise _invalid("locale has two letters")
        for criteria in criteria_of(heard):
            register, query = str(criteria.pop("reg_type", "")), criteria.get("query")
            if not register:
                raise _invalid("reg_type is missing")
            if isinstance(query, dict) and query.get("type") == "idtype-value":
                value = query.get("value")
                value = value if isinstance(value, dict) else {}
                criteria["query"] = {"type": value.get("id_type"), "value": value.get("id_value")}
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Keep the action of the question, and its names of registers."""
        told = deepcopy(message)
        told["header"]["action"] = {"on-search": "search"}.get(told["header"]["action"], told["header"]["action"])
        registers = asked_for(asked, "reg_type")
        for item in every_item(told, "search_response"):
            if "data" in item:
                item["data"]["reg_type"] = registers.get(item["reference_id"])
            if item.get("locale"):
                item["locale"] = "en"
            if item["status"] == "rjct":
                item["status_reason_code"] = "REQ-VAL-001"
        return told


class OpenImis(Dialect):
    """A prefix of its own, `query_type` is `sync`, the header says `success`, records lie under `registry_data`."""

    name = "openimis"
    prefix = "/api/api_dci/registry"

    def heard(self, message: Message, operation: str) -> Message:
        """Demand its word for a question by number."""
        heard = deepcopy(message)
        for criteria in criteria_of(heard):
            if criteria.get("query_type") != "sync":
                raise _error("query_type is sync")
            criteria["query_type"] = "idtype-value"
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Put the records where it has them."""
        told = deepcopy(message)
        told["header"]["status"] = "success" if told["header"]["status"] == "succ" else told["header"]["status"]
        for item in every_item(told, "search_response"):
            if "data" in item:
                item["registry_data"] = {"data": item.pop("data")["reg_records"]}
        return told


class SpdciMockups(Dialect):
    """The project's mock-ups: a prefix for each registry, numbers as transaction ids, answers without an envelope."""

    name = "spdci-mockups"
    prefix = "/{short}"

    def heard(self, message: Message, operation: str) -> Message:
        """Demand a whole number as transaction id."""
        heard = deepcopy(message)
        content = heard.get("message")
        if not isinstance(content, dict) or type(content.get("transaction_id")) is not int:
            raise _error("transaction_id is a whole number")
        content["transaction_id"] = str(content["transaction_id"])
        return heard

    def told(self, message: Message, asked: Message | None) -> Message:
        """Number the transaction, and leave out the status of what is answered."""
        told = deepcopy(message)
        content: Message = told["message"]
        # A subscription made in another dialect may have a transaction that is no number.
        if str(content["transaction_id"]).isdigit():
            content["transaction_id"] = int(content["transaction_id"])
        for item in every_item(told, "search_response"):
            if "data" in item:
                item.pop("status", None)
        return told

    def answered(self, message: Message, asked: Message) -> Message:
        """Leave out the envelope, which callbacks have."""
        content: Message = self.told(message, asked)["message"]
        return content

    def acknowledged(self, ack: Message, asked: Message) -> Message:
        """Say that a search is pending; acknowledge all else with an error even when all is well."""
        said: dict[str, Any] = dict(ack["message"])
        if "search_request" in asked["message"] and said["ack_status"] == "ACK":
            ids = {"transaction_id": asked["message"]["transaction_id"], "correlation_id": said["correlation_id"]}
            return ids | {"search_response": {"status": "pending"}}
        said.setdefault("error", {"code": "err.request.bad", "message": ""})
        return {"message": said}


def _compared(one: Any) -> Message:
    one = one if isinstance(one, dict) else {}
    named = {"attribute_name": one.get("attribute"), "operator": one.get("operator")}
    return {"expression1": named | {"attribute_value": one.get("value")}}


def _invalid(message: str) -> RefusedByDialectError:
    return RefusedByDialectError(422, {"detail": [{"loc": ["body"], "msg": message, "type": "REQ-VAL-001"}]})


def _error(message: str) -> RefusedByDialectError:
    return RefusedByDialectError(400, {"errors": [{"code": "err.request.bad", "message": message}]})
