"""When a handler that failed is called again: later and later, never all at the same moment."""

from __future__ import annotations

import secrets
from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 300.0
_RANDOM: Final = secrets.SystemRandom()


def pause_s(tries: int, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> float:
    """Return how long to wait after so many tries: doubling, with a quarter more or less by chance."""
    return min(longest_s, first_s * 2.0 ** min(tries, 40)) * _RANDOM.uniform(0.75, 1.25)
