"""Codes of errors as registries state them: which of them operators are shown, and what stands for all others.

A code is text that somebody else wrote, and may hold whatever it was written about: a name joined by a hyphen, a number
in pieces. So a code is shown as it is only where nothing personal can stand in it.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from standards.dci.codes import (
    AckStatus,
    ErrorCode,
    HeaderReason,
    SearchReason,
    Status,
    SubscribeReason,
    UnsubscribeReason,
)

if TYPE_CHECKING:
    from collections.abc import Container

UNNAMED: Final = "unnamed error"
"""Stands for what does not even look like a code."""
_LONGEST: Final = 80
_MOST_DIGITS: Final = 4
_PIECE: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
"""Words, also those of `NotFound`, and numbers."""
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._:-]+[A-Za-z0-9]+)*", re.ASCII)
_STANDARD: Final[frozenset[str]] = frozenset(
    code
    for codes in (AckStatus, ErrorCode, HeaderReason, SearchReason, Status, SubscribeReason, UnsubscribeReason)
    for code in codes
)
_STATUSES: Final = frozenset(str(int(status)) for status in HTTPStatus)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_ALONE: Final = _words(
    "ack nack err rjct pdng rcvd succ error failed success client server unauthenticated unauthorized forbidden "
    "timeout unavailable unreadable true false"
)
"""Words that say by themselves how it went, flags among them."""
_TECHNICAL: Final = (
    _ALONE
    | {word for code in _STANDARD for word in _PIECE.findall(code.lower())}
    | _words(
        "access auth authentication authorization bad body busy cannot certificate command conf connection content "
        "create credentials database denied disabled disconnected down duplicate exceeded exception expired external "
        "failure fault field found gateway global graphql header headers http identifier inconsistent input internal "
        "invalid json jwe jws jwt limited maintenance malformed mandatory member method mime mismatch missing mode "
        "must network not null operation outdated output overloaded parameter parse parser parsing payload permission "
        "persisted processing protocol provider proxy query quota receiver refused rejected req request required "
        "resource response schema sender session signature soap source ssl such syntax system throttled tls token "
        "type understand unexpected unknown unsupported user val validation value version xml xroad"
    )
)
"""Words that errors are made of, and nobody's name."""
_KEY: Final = secrets.token_bytes(16)


def shown(code: object, declared: Container[str] = ()) -> str:
    """Return a registry's code of an error for an operator's log.

    It is shown as it is where the standard or the manifest names it (`declared`), or where it is made of technical
    words and a short number alone. Any other is told by a mark, the same for the same code until this process ends.
    """
    if not isinstance(code, str):
        return UNNAMED
    if code in declared or code in _STANDARD or code in _STATUSES:
        return code
    if len(code) > _LONGEST or _CODE.fullmatch(code) is None:
        return UNNAMED
    if _is_technical(code):
        return code
    # INVARIANT: no personal value is in a log: under a key that nobody has, no name or number can be tried out on it.
    return f"unlisted code #{blake2b(code.encode(), key=_KEY, digest_size=3).hexdigest()}"


def _is_technical(code: str) -> bool:
    pieces = _PIECE.findall(code)
    words = [piece.lower() for piece in pieces if not piece.isdecimal()]
    if sum(len(piece) for piece in pieces if piece.isdecimal()) > _MOST_DIGITS:
        return False
    return bool(words) and all(word in (_TECHNICAL if len(pieces) > 1 else _ALONE) for word in words)
