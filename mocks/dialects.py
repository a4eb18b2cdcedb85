"""The dialects that a DCI registry here can be told to speak: other generations of the standard, and products' ways.

A dialect translates: what is heard into the release of 2025, which the registries think in, and what they tell into
its own form. `by_name` has them all; a registry speaks `g4` until `PUT /_sandbox/dialect` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

Message = dict[str, Any]

OPERATIONS: Final = ("sync/search", "search", "subscribe", "unsubscribe", "txn/status", "sync/txn/status")


class RefusedByDialectError(Exception):
    """A message that a speaker of the dialect would refuse; with the HTTP status and the body of its answer."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"refused with HTTP {status}")
        self.status, self.body = status, body


class Dialect:
    """The release of 2025: every other dialect overrides what it does in another way."""

    name: ClassVar[str] = "g4"
    prefix: ClassVar[str] = "/registry"
    """What its paths begin with; `{short}` stands for the registry's short name, such as `sr`."""
    paths: ClassVar[Mapping[str, str]] = {}
    """Operation -> path below the prefix, where it has another than the standard."""
    ack_status: ClassVar[int] = 200
    calls_back: ClassVar[bool] = True
    """Whether results are sent to `sender_uri` at all."""
    callback_type: ClassVar[str] = "application/json"
    callback_has_bearer: ClassVar[bool] = True

    def path(self, operation: str, short: str) -> str:
        """Return where an operation is served."""
        return self.prefix.format(short=short) + self.paths.get(operation, f"/{operation}")

    def heard(self, message: Message, operation: str) -> Message:
        """Return a request in the words of the release.

        Raises: RefusedByDialectError.
        """
        return message

    def told(self, message: Message, asked: Message | None) -> Message:
        """Return an answer or callback in the dialect's words; `asked` is the request as it came, if one did."""
        return message

    def answered(self, message: Message, asked: Message) -> Message:
        """Return an answer given at once, where it differs from a callback."""
        return self.told(message, asked)

    def failed(self, status: int, body: Message) -> Message:
        """Return the body of an HTTP error in the dialect's words."""
        return body

    def acknowledged(self, ack: Message, asked: Message) -> Message:
        """Return an ACK object in the dialect's words."""
        return ack


class G5(Dialect):
    """The employment registry's release of 2026: what we tell anyway is within it."""

    name = "g5"


def every_item(message: Message, batch: str) -> list[Message]:
    """Return the items of a message, to be changed in place; none where it is no such batch."""
    content = message.get("message")
    items = content.get(batch) if isinstance(content, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def criteria_of(message: Message) -> list[Message]:
    """Return the search criteria of a message, to be changed in place."""
    found = (item.get("search_criteria") for item in every_item(message, "search_request"))
    return [criteria for criteria in found if isinstance(criteria, dict)]


def asked_for(asked: Message | None, name: str) -> dict[str, Any]:
    """Return what each item of a search asked for under one name of its criteria, by its reference."""
    items = [] if asked is None else every_item(asked, "search_request")
    found = {item["reference_id"]: item.get("search_criteria") for item in items}
    return {reference: one.get(name) if isinstance(one, dict) else None for reference, one in found.items()}


def bare(code: Any) -> str:
    """Return the last part of a code, in lower case and without separators."""
    return str(code or "").rpartition(":")[2].lower().replace("_", "").replace("-", "")
