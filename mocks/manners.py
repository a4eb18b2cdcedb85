"""How a registry answers asynchronously: when, in how many pieces, how often; as told by a test.

`Manner` is one instruction, `MannerBox` the one in force.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson

MANNER_HEADER: Final = "X-Sandbox-Callbacks"
_CHOICES: Final = {
    "when": ("after", "before", "never"),
    "order": ("straight", "reversed"),
    "ack": ("ok", "accepted", "text", "nack", "err"),
    "bearer": ("right", "wrong", "none"),
    "body": ("whole", "malformed", "wrong_schema", "stranger"),
    "content_type": ("application/json", "text/plain"),
}
_WHOLE: Final = {
    "delay_ms": (0, 3_600_000),
    "page_size": (1, 500),
    "copies": (1, 100),
    "times": (1, 1_000_000),
}


class MalformedMannerError(ValueError):
    """An instruction that names no manner, in words that may be shown to whoever sent it."""


class Manner(NamedTuple):
    """How one asynchronous request is answered; the defaults are good behaviour."""

    when: str = "after"
    """The callback goes out after the ACK, before it (the ACK waits for it), or never."""
    delay_ms: int = 0
    page_size: int | None = None
    """Tell everything found in pages of so many records, each in a callback of its own."""
    order: str = "straight"
    copies: int = 1
    """How often each callback is sent."""
    ack: str = "ok"
    bearer: str = "right"
    body: str = "whole"
    """What the callback holds: half of its JSON, members of other names, or an answer to somebody else's message."""
    content_type: str = "application/json"
    times: int | None = None
    """How many requests meet this manner; then good behaviour returns."""


GOOD: Final = Manner()


def parse(body: bytes | str) -> Manner:
    """Read an instruction from JSON.

    Raises: MalformedMannerError.
    """
    try:
        wanted = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedMannerError("a manner is a JSON object") from None
    if not isinstance(wanted, dict):
        raise MalformedMannerError("a manner is a JSON object")
    if unknown := wanted.keys() - set(Manner._fields):
        raise MalformedMannerError(f"a manner has no {', '.join(sorted(unknown))}")
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    for name, choices in _CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            raise MalformedMannerError(f"{name} is one of {', '.join(choices)}")
    for name, (least, most) in _WHOLE.items():
        value = given.get(name, least)
        if type(value) is not int or not least <= value <= most:
            raise MalformedMannerError(f"{name} must be a whole number from {least} to {most}")
    return Manner(**given)


class MannerBox:
    """The manner in force at one registry."""

    def __init__(self) -> None:
        self.manner = GOOD

    def store(self, body: bytes) -> None:
        """Put a manner in force.

        Raises: MalformedMannerError.
        """
        self.manner = parse(body)

    def clear(self) -> None:
        """Return to good behaviour."""
        self.manner = GOOD

    def draw(self, header: str | None) -> Manner:
        """Return the manner of one request; one carried by its header outranks the one in force.

        Raises: MalformedMannerError.
        """
        if header is not None:
            return parse(header)
        manner = self.manner
        if manner.times is not None:
            self.manner = manner._replace(times=manner.times - 1) if manner.times > 1 else GOOD
        return manner
