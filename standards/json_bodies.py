"""JSON from outside: read whole, and only where reading it holds up nobody else for long."""

from __future__ import annotations

from typing import Any, Final

import orjson

__all__ = ["MOST_VALUES", "JsonError", "has_too_many", "parsed"]

MOST_VALUES: Final = 500_000
"""Values of one body, counted by the signs that one begins with or stands behind: `,`, `[` and `{`.

Reading cannot be interrupted, and takes as long as there are values, in however few bytes they are written. This many
take 20 to 80 ms, and 150 ms as objects in objects. Records take 13 to 22 bytes for each: no answer of four megabytes
has as many, nor has a list of 20,000 records of 20 fields.
"""


class JsonError(ValueError):
    """It is not JSON, or has too many values; nothing of its text is shown."""

    def __init__(self, what: str = "not JSON") -> None:
        super().__init__(what)


def has_too_many(body: bytes) -> bool:
    """Tell whether a body may hold more values than are read at once; signs within texts count as well."""
    # A value takes a byte at least: what everybody sends every day need not be looked into.
    return len(body) > MOST_VALUES and len(body) - len(body.translate(None, b",[{")) > MOST_VALUES


def parsed(body: bytes) -> Any:
    """Return what a body holds.

    Raises: JsonError, also for what is nested beyond 1,024 deep.
    """
    if has_too_many(body):
        raise JsonError(f"JSON with more than {MOST_VALUES} values")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise JsonError from None
