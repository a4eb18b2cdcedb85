"""The bytes of a message that a signature is of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from standards.errors import SignatureInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def canonical(message: Mapping[str, object]) -> bytes:
    """Return the bytes of a message that are signed: its header and message, sorted and compact, in UTF-8."""
    return orjson.dumps(_signed_parts(message), option=orjson.OPT_SORT_KEYS)


def bodies(raw: Mapping[str, object]) -> Iterator[bytes]:
    """Yield the bytes that a signature may be of: ours, and those of signers whose JSON escapes all but ASCII.

    Raises: SignatureInvalidError when header and message are not JSON.
    """
    try:
        ours = canonical(raw)
    except TypeError:
        raise SignatureInvalidError("header and message are not JSON") from None
    yield ours
    escaped = json.dumps(_signed_parts(raw), sort_keys=True, separators=(",", ":")).encode()
    if escaped != ours:
        yield escaped


def sender_of(raw: Mapping[str, object]) -> str | None:
    """Return who a message says it is from."""
    header = raw.get("header")
    said = header.get("sender_id") if isinstance(header, dict) else None
    return said if isinstance(said, str) else None


def _signed_parts(message: Mapping[str, object]) -> dict[str, object]:
    return {part: message[part] for part in ("header", "message") if part in message}
