"""Ids: handles for messages and transactions that nobody can guess, 32 hex digits each.

Drawn from the system many at a time: asking it for each costs more than everything else about an answer's header.
"""

from __future__ import annotations

import os
from typing import Final

_AT_ONCE: Final = 64
_waiting: Final[list[str]] = []

if hasattr(os, "register_at_fork"):
    # INVARIANT: no two processes give the same id: a worker does not inherit what was drawn before it was forked.
    os.register_at_fork(after_in_child=_waiting.clear)


def new_id() -> str:
    """Return an id that nobody has been given before."""
    if not _waiting:
        drawn = os.urandom(16 * _AT_ONCE).hex()
        _waiting.extend(drawn[start : start + 32] for start in range(0, len(drawn), 32))
    return _waiting.pop()
